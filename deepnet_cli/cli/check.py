"""deepnet check"""

from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_given, code_option
from deepnet_cli.cli.say import mark, say, tell, typed
from deepnet_cli.cli.threads import suit_training
from deepnet_cli.config.job import load_job
from deepnet_cli.config.overrides import key_of
from deepnet_cli.config.rates import initial_key
from deepnet_cli.files import json_text
from deepnet_cli.report.checking.checks import checked, checks_json, finding_text, passed, verdict
from deepnet_cli.report.checking.finding import OK, SKIPPED, WARNING, WRONG

COLORS = {OK: "green", SKIPPED: "bright_black", WARNING: "yellow", WRONG: "red"}


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
@click.pass_context
def check(ctx: click.Context, config: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Say in some seconds whether training CONFIG is likely to work.

    It looks at the data, the network as it starts, one batch learned by heart, the learning rate,
    time and memory, and says what to write instead.  Nothing is written.  The exit code is 1 where
    something is wrong, and 0 where nothing is or there are only warnings.

    \b
    Example:
        deepnet check config.yaml
        deepnet check config.yaml --set training.learning_rate=0.5
    """
    job = load_job(config, settings, code_given())
    suit_training(job)
    findings = {}
    for name, finding in checked(job):
        findings[name] = finding
        if not as_json:
            mark(f"{finding.level:<8}", COLORS[finding.level], finding_text(name, finding))
    tell(json_text(checks_json(findings)) if as_json else f"\n{verdict(findings)}")
    if findings["rate"].level in (WARNING, WRONG):
        others = tuple(each for each in settings if key_of(each) != initial_key(job.config))
        say(f"next: {typed('lr-find', config, others)}")
    else:
        say(f"next: {typed('train', config, settings)}")
    ctx.exit(0 if passed(findings) else 1)

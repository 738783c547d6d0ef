"""deepnet time"""

from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_given, code_option
from deepnet_cli.cli.say import say, tell, typed, warn
from deepnet_cli.cli.threads import suit_training
from deepnet_cli.config.job import load_job
from deepnet_cli.config.overrides import key_of
from deepnet_cli.files import json_text
from deepnet_cli.report.timing import timing_json, timing_text
from deepnet_cli.training.timing.measuring import measure

THREADS = "compute.threads"


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@click.option("--json", "as_json", is_flag=True, help="Print the times as one JSON object.")
@code_option
def time(config: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Time a training step layer by layer, against this machine's peak.

    It takes some seconds, and says how long the whole run will take.

    \b
    Example:
        deepnet time config.yaml
        deepnet time config.yaml --set training.batch_size=256
    """
    job = load_job(config, settings, code_given())
    warn(job.warnings)
    suit_training(job)
    timing = measure(job)
    tell(json_text(timing_json(job, timing)) if as_json else timing_text(job, timing))
    if timing.better_threads is not None:
        settings = tuple(each for each in settings if key_of(each) != THREADS)
        settings = (*settings, f"{THREADS}={timing.better_threads}")
    say(f"next: {typed('train', config, settings)}")

"""deepnet report"""

from collections.abc import Sequence
from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.going_on import going_on
from deepnet_cli.cli.say import in_shell, say, typed
from deepnet_cli.errors import ConfigError
from deepnet_cli.files import write_file
from deepnet_cli.memory import told
from deepnet_cli.report.page.facts import Facts, gathered
from deepnet_cli.report.page.page import is_page, page
from deepnet_cli.training.kept.model import NAME as MODEL
from deepnet_cli.training.results.questions import comparable

NAME = "report.html"


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="OUT.html; default: report.html in the run, of several in this directory.",
)
@click.option("--force", is_flag=True, help="Replace OUT where it is no report.")
@code_option
def report(runs: tuple[Path, ...], output: Path | None, force: bool) -> None:
    """Write all that is known of a RUN as one HTML page, or of several runs beside each other.

    \b
    Example:
        deepnet report runs/digits-001
        deepnet report runs/digits-001 runs/digits-002 -o both.html
    """
    output = output or (runs[0] / NAME if len(runs) == 1 else Path(NAME))
    _check_output(output, force=force)
    facts = gathered(runs)
    for each in facts:
        if each.held is None:
            say(f"warning: {each.label}: no figures on held-out rows: {each.why}")
    content = page(facts).encode()
    write_file(output, content)
    say(f"wrote {output}, {told(len(content))}; open it in a browser")
    say(_next(runs, facts))


def _next(runs: Sequence[Path], facts: Sequence[Facts]) -> str:
    """What is useful after that."""
    if len(runs) > 1 and comparable(*runs[:2]):
        return f"next: deepnet compare {in_shell(*map(str, runs[:2]))}"
    if len(runs) > 1:
        return f"next: {typed('report', runs[0])}"
    run, path = facts[0].run, runs[0]
    if run.state == "training":
        return f"again when it has ended: {typed('report', path)}"
    if command := going_on(run, path):
        return command
    if (path / MODEL).is_file():
        return f"next: {typed('predict', path)} DATA.h5"
    return f"next: {typed('runs', path.parent)}"


def _check_output(output: Path, *, force: bool) -> None:
    """A report may take the place of a report, and with --force of anything."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"-o {output}: expected a name that ends in .html")
    if not output.is_file() or force:
        return
    with output.open("rb") as file:
        begins = file.read(1000)
    if not is_page(begins):
        raise ConfigError(
            f"-o {output}: is there and is no report; add --force to replace it, "
            "or choose another name"
        )

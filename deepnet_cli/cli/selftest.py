"""deepnet selftest"""

from pathlib import Path

import click

from deepnet_cli.cli.say import say, tell
from deepnet_cli.errors import ConfigError
from deepnet_cli.files import json_text
from deepnet_cli.folders import temporary_folder
from deepnet_cli.report.selftest import check_text, selftest_json, verdict_text
from deepnet_cli.training.selftest.checks import Checked, checked, exit_code


@click.command()
@click.option(
    "--dir",
    "place",
    type=click.Path(path_type=Path),
    help="Where to write files, if not where temporary ones are: the file system is tested too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.pass_context
def selftest(ctx: click.Context, place: Path | None, as_json: bool) -> None:
    """Show on this machine that deepnet keeps its promises.

    Products of matrices are right, gradients of random networks are those of complex steps, a
    damaged model is refused, a run that is killed goes on byte for byte.  It takes under a minute.

    The exit code is 0 where all is as promised, 1 where something is not, 5 where something could
    not be decided.

    \b
    Example:
        deepnet selftest
        deepnet selftest --dir /scratch
    """
    if place is not None and not place.is_dir():
        raise ConfigError(f"--dir {place}: no such directory")
    found: list[Checked] = []
    with temporary_folder("deepnet-selftest-", place) as folder:
        for each in checked(folder):
            found.append(each)
            if not as_json:
                tell(check_text(each))
    tell(json_text(selftest_json(found)) if as_json else verdict_text(found))
    if not (code := exit_code(found)):
        say("next: deepnet init DATA.h5")
    ctx.exit(code)

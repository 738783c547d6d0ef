"""deepnet init"""

from pathlib import Path

import click

from deepnet_cli.cli.reading import watched
from deepnet_cli.cli.say import put, say, tell, typed, warn
from deepnet_cli.config.starting.choices import reasons, values
from deepnet_cli.config.starting.start import start
from deepnet_cli.config.starting.written import written
from deepnet_cli.data.describing.inspection import inspect_data
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.files import json_text, write_file
from deepnet_cli.report.remarks import remarks
from deepnet_cli.training.kept.sealed import kind_of

TROUBLES = {"answer", "shared", "fill value"}
"""Remarks on what no config mends."""


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The config; default: NAME-OF-DATA.yaml.",
)
@click.option("--x", metavar="NAME", help="The dataset of examples, where it is not clear.")
@click.option("--y", metavar="NAME", help="The dataset of labels, where it is not clear.")
@click.option("--json", "as_json", is_flag=True, help="Print values and reasons as a JSON object.")
def init(data: Path, output: Path | None, x: str | None, y: str | None, as_json: bool) -> None:
    """Write a first config for DATA, with the reason for each value.

    It looks at the data, trains nothing, and writes over no file. With -o - the config goes to
    standard output.

    \b
    Example:
        deepnet init data/digits.h5
        deepnet check digits.yaml
    """
    config = output or Path(f"{data.stem}.yaml")
    to_stdout = str(config) == "-"
    if not to_stdout and (config.exists() or config.is_symlink()):
        raise ConfigError(f"{config}: is there already; name another file: -o NAME.yaml")
    if kind := kind_of(data):
        raise DataError(f"{data}: is a {kind}; name the data that one is to be trained on")
    found = inspect_data(data, x, y, watched)
    chosen = start(found, Path() if to_stdout else config.parent, given=bool(x or y))
    mended = {"fill value"} if "data.missing" in reasons(chosen) else set()
    troubles = [each for each in remarks(found) if each.kind in TROUBLES - mended]
    warn([f"{remark.what}; {remark.do}" for remark in troubles])
    named = Path("CONFIG.yaml") if to_stdout else config
    head = (
        f"A first config for {data.name}, made by 'deepnet init': beside each value stands why it "
        f"was chosen. Change what you like; docs/config.md has every key. Run it: "
        f"{typed('train', named)}"
    )
    text = written(chosen, head).encode()
    if as_json:
        tell(json_text({"config": values(chosen), "reasons": reasons(chosen)}))
    elif to_stdout:
        put(text)
    if not to_stdout:
        write_file(config, text)
        say(f"wrote {config}")
    say(f"next: {typed('check', named)}")

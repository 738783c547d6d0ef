"""deepnet init"""

import shlex
from pathlib import Path

import click

from deepnet_cli.cli.say import put, say, typed, warn
from deepnet_cli.config.starting.choices import reasons, values
from deepnet_cli.config.starting.start import start
from deepnet_cli.config.starting.written import written
from deepnet_cli.data.inspection import inspect_data
from deepnet_cli.errors import ConfigError
from deepnet_cli.files import json_text, shown, write_file
from deepnet_cli.report.remarks import remarks

TROUBLES = ("answer", "shared", "fill value")
"""Remarks on what no config mends."""


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The config; default: DATA.yaml, here."
)
@click.option("--x", metavar="NAME", help="The dataset of examples, where it is not clear.")
@click.option("--y", metavar="NAME", help="The dataset of labels, where it is not clear.")
@click.option("--json", "as_json", is_flag=True, help="Print config and reasons as a JSON object.")
def init(data: Path, output: Path | None, x: str | None, y: str | None, as_json: bool) -> None:
    """Write a first config for DATA, with the reason for each value.

    What is there already is not written over; -o - is standard output.

    \b
    Example:
        deepnet init data/digits.h5 -o digits.yaml
        deepnet train digits.yaml
    """
    config = output or Path(f"{data.stem}.yaml")
    to_stdout = str(config) == "-"
    if not to_stdout and (config.exists() or config.is_symlink()):
        raise ConfigError(f"{config}: is there already; name another by -o")
    found = inspect_data(data, x, y, lambda *_: lambda _: None)
    chosen = start(found, Path() if to_stdout else config.parent)
    warn([f"{remark.what}; {remark.do}" for remark in remarks(found) if remark.kind in TROUBLES])
    train, *_ = found.found
    say(f"read {data}: '{train.x}' {train.shape} and '{train.y}': {train.profile.m} examples")
    head = (
        f"A first config for {shown(data)}, made by 'deepnet init': beside each value stands why it "
        f"was chosen.  All keys: docs/config.md.  Run it:  deepnet train {shlex.quote(str(config))}"
    )
    text = written(chosen, head).encode()
    if as_json:
        click.echo(json_text({"config": values(chosen), "reasons": reasons(chosen)}))
    elif to_stdout:
        put(text)
    if not to_stdout:
        write_file(config, text)
        say(f"wrote {config}")
    say(f"next: {typed('train', config)}")

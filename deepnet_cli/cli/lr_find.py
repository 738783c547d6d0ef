"""deepnet lr-find"""

from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_given, code_option
from deepnet_cli.cli.picture_file import check_picture
from deepnet_cli.cli.say import say, speaks_utf8, tell, typed, warn
from deepnet_cli.cli.threads import suit_training
from deepnet_cli.config.editing import with_value
from deepnet_cli.config.job import load_job
from deepnet_cli.config.overrides import among, key_of
from deepnet_cli.config.rates import initial_key, schedule_of
from deepnet_cli.config.source import place_of
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.errors import ConfigError
from deepnet_cli.files import json_text, read_file, write_file
from deepnet_cli.report.rates import rates_json, rates_text
from deepnet_cli.training.checking.range_test import range_test
from deepnet_cli.training.kept.run_directory import CHECKPOINTS, CONFIG

INCONCLUSIVE = 5
RATE = "training.learning_rate"


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@click.option("--write", is_flag=True, help="Put the suggested rate into CONFIG.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="FILE.png, .svg or .pdf.")
@click.option("--force", is_flag=True, help="Replace the picture where it is there.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the curve as one JSON object.")
@click.pass_context
def lr_find(
    ctx: click.Context,
    config: Path,
    settings: tuple[str, ...],
    write: bool,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Suggest a learning rate: let it grow, see where the cost falls.

    Of a schedule it is the initial rate.  Nothing is written but what --write and -o ask for.
    The exit code is 5 where no rate makes the cost fall.

    \b
    Example:
        deepnet lr-find config.yaml
        deepnet lr-find config.yaml --set training.optimizer=adam -o rates.png
        deepnet lr-find config.yaml --write
    """
    if output is not None:
        check_picture(output, force=force)
    if write:
        _check_writable(config, settings)
    job = load_job(config, settings, code_given())
    warn(job.warnings)
    suit_training(job)
    test = range_test(job)
    asked = schedule_of(job.config).initial
    if as_json:
        tell(json_text(rates_json(test, asked)))
    else:
        tell(rates_text(test, asked, braille=speaks_utf8()))
    if output is not None:
        from deepnet_cli.report.pictures.drawing import picture
        from deepnet_cli.report.pictures.rates import range_chart
        from deepnet_cli.report.pictures.style import FORMATS

        name = str(job.config.name)
        write_file(output, picture([range_chart(test)], name, FORMATS[output.suffix]))
        say(f"wrote {output}")
    if test.suggestion is None:
        say(f"next: {typed('check', config, settings)}")
        ctx.exit(INCONCLUSIVE)
    key, rate = initial_key(job.config), f"{test.suggestion:g}"
    if write:
        _write(config, key, rate)
        say(f"next: {typed('train', config, settings)}")
    else:
        others = tuple(each for each in settings if key_of(each) != key)
        say(f"next: {typed('train', config, (*others, f'{key}={rate}'))}")


def _check_writable(config: Path, settings: tuple[str, ...]) -> None:
    """Raise ConfigError where a config isn't the user's own file, or its rate isn't in question."""
    if place_of(config) is None:
        raise ConfigError("--write: the config comes through a pipe; leave it out")
    if config.name == CONFIG and (config.parent / CHECKPOINTS).is_dir():
        raise ConfigError(f"--write: {config} says what a run was made of; write to a copy of it")
    for setting in settings:
        key = key_of(setting)
        if among(key, [RATE]) or among(RATE, [key]):
            raise ConfigError(f"--write: --set {setting} would override the rate in the file")


def _write(config: Path, key: str, rate: str) -> None:
    """Change the rate in the file, also where a link leads to it."""
    content = read_file(config)
    document = parse(content, str(config))
    mark = "\ufeff" if content.startswith("\ufeff".encode()) else ""
    changed = mark + with_value(document, tuple(key.split(".")), rate)
    write_file(config.resolve(), changed.encode())
    say(f"wrote {key}: {rate} to {config}")

"""deepnet plot"""

import re
from collections.abc import Sequence
from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.picture_file import check_picture
from deepnet_cli.cli.say import in_shell, say, speaks_utf8, tell, typed
from deepnet_cli.data.reading.tables import Location
from deepnet_cli.files import json_text, write_file
from deepnet_cli.report.pictures.as_json import panels_json
from deepnet_cli.report.pictures.drawing import picture
from deepnet_cli.report.pictures.histories import Look
from deepnet_cli.report.pictures.registry import PICTURES, heading, overview, panels_of
from deepnet_cli.report.pictures.style import FORMATS
from deepnet_cli.report.pictures.terminal import panels_text
from deepnet_cli.report.pictures.trained import Trained, labels
from deepnet_cli.training.results.outcomes import HELD_OUT
from deepnet_cli.training.results.questions import comparable

PATH = click.Path(path_type=Path)


def _shape(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is not None and not re.fullmatch(r"[1-9]\d{0,5}(x[1-9]\d{0,5}){1,2}", value):
        expected = "expected height x width, such as 8x8, or with colours 64x64x3"
        raise click.BadParameter(expected)
    return tuple(map(int, value.split("x"))) if value else None


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option("-o", "--output", type=PATH, help="FILE.png, FILE.svg or FILE.pdf.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([*PICTURES]),
    metavar="KIND",
    help=f"What to draw instead of an overview, repeatable: {', '.join(PICTURES)}.",
)
@click.option("--log/--no-log", default=None, help="Costs by their logarithm, or not.")
@click.option(
    "--smooth",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="S",
    show_default=True,
    help="Smooth curves: at each row the past counts S times as much as before.",
)
@click.option("--part", type=click.Choice(HELD_OUT), help="The examples to measure on.")
@click.option("--data", type=PATH, help="A file of other examples to measure on.")
@click.option("--x", metavar="NAME", help="The dataset of examples in it, where it is not clear.")
@click.option("--y", metavar="NAME", help="The dataset of labels in it, where it is not clear.")
@click.option("--image", callback=_shape, metavar="HxW", help="What shape a flattened image had.")
@click.option("--terminal", is_flag=True, help="Draw with characters, on stdout.")
@click.option("--force", is_flag=True, help="Replace the file where it is there.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print all that would be drawn as JSON.")
def plot(
    runs: tuple[Path, ...],
    output: Path | None,
    kinds: tuple[str, ...],
    log: bool | None,
    smooth: float,
    part: str | None,
    data: Path | None,
    x: str | None,
    y: str | None,
    image: tuple[int, ...] | None,
    terminal: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Draw curves and pictures of what was trained.

    RUNS are run directories; a model file will do with --data, or for its weights.  Without
    --kind there is an overview: curves, and for one run how it does on what was held out.

    \b
    Example:
        deepnet plot runs/digits-001
        deepnet plot runs/digits-00* --kind cost --smooth 0.9 -o digits.svg
    """
    if data is None and (x or y):
        raise click.UsageError("--x and --y go with --data")
    if data is not None and part is not None:
        raise click.UsageError("--part is of a run's own data; leave it or --data out")
    if terminal and as_json:
        raise click.UsageError("--terminal and --json both print; leave one out")
    named = labels(runs)
    if output is None and not terminal and not as_json:
        output = Path("-".join([named[0] if len(runs) == 1 else "runs", *kinds]) + ".png")
    if output is not None:
        check_picture(output, force=force)
    location = None if data is None else Location(data, x, y)
    trained = [
        Trained(path, label, location, part, image) for path, label in zip(runs, named, strict=True)
    ]
    look, problems = Look(smooth, log), list[str]()
    if kinds:
        found = panels_of([*dict.fromkeys(kinds)], trained, look)
    else:
        found, problems = overview(trained, look)
    for problem in problems:
        say(f"not shown: {problem}")
    title, panels = heading(found, trained), [panel for each in found.values() for panel in each]
    if terminal:
        tell(panels_text(panels, title, braille=speaks_utf8()))
    if as_json:
        tell(json_text(panels_json(found)))
    if output is not None:
        write_file(output, picture(panels, title, FORMATS[output.suffix]))
        say(f"wrote {output}")
    say(f"next: {_next(runs, data)}")


def _next(runs: Sequence[Path], data: Path | None) -> str:
    """What is useful after that."""
    measured = data is not None or all(path.is_dir() for path in runs[:2])
    if len(runs) > 1 and measured and comparable(*runs[:2]):
        on = [] if data is None else ["--data", str(data)]
        return f"{typed('compare', runs[0])} {in_shell(str(runs[1]), *on)}"
    return typed("report" if runs[0].is_dir() else "inspect", runs[0])

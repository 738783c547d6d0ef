"""deepnet compare"""

from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.say import say, tell, typed, warn
from deepnet_cli.cli.threads import suit
from deepnet_cli.files import json_text
from deepnet_cli.report.comparison import comparison_json, comparison_text
from deepnet_cli.report.runs import differing
from deepnet_cli.training.figures.evaluation import VALUES
from deepnet_cli.training.kept.model import load_model
from deepnet_cli.training.results.comparing import compared
from deepnet_cli.training.results.listing import trained
from deepnet_cli.training.results.pairing import Side


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--part",
    type=click.Choice(["test", "validation", "train"]),
    help="Whose rows; the default is the test part, or else the validation part.",
)
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="FILE", help="Measure both on this file."
)
@click.option("--fail-if-worse", is_flag=True, help="End with 1 where B is worse than A.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.pass_context
def compare(
    ctx: click.Context,
    a: Path,
    b: Path,
    part: str | None,
    data: Path | None,
    fail_if_worse: bool,
    as_json: bool,
) -> None:
    """Say what differs between two runs, and whether one is better.

    A and B are measured on the rows that both held out, and their figures are compared row by row:
    the difference, its 95 % interval, and for accuracy McNemar's exact test.

    \b
    Example:
        deepnet compare runs/digits-001 runs/digits-002
        deepnet compare old.h5 new.h5 --data data/digits.h5 --fail-if-worse
    """
    if data is not None and part is not None:
        raise click.UsageError("give --part, of the runs, or --data, of neither")
    if data is None and (a.is_file() or b.is_file()):
        raise click.UsageError("a model file names no data; give labelled data by --data")
    models = load_model(a), load_model(b)
    largest = max((model.network.sizes for model in models), key=max)
    suit(largest, VALUES // max(largest))
    one = Side.of(a, models[0], part, data)
    other = Side.of(b, models[1], None if data else one.outcomes.part, data)
    found = compared(one, other)
    warn([*found.notes])
    runs = [trained(path) for path in (a, b)]
    keys = {key: (runs[0].keys.get(key), runs[1].keys.get(key)) for key in differing(runs)}
    tell(json_text(comparison_json(found, keys)) if as_json else comparison_text(found, keys))
    better = b if found.better == "B" else a
    say(f"next: {typed('report' if better.is_dir() else 'inspect', better)}")
    if fail_if_worse and found.better == "A":
        ctx.exit(1)

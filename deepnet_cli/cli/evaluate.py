"""deepnet evaluate"""

from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.say import in_shell, say, tell, typed, warn
from deepnet_cli.cli.threads import suit
from deepnet_cli.data.reading.tables import Location
from deepnet_cli.files import json_text
from deepnet_cli.report.assessment import assessment_json, assessment_text
from deepnet_cli.report.plan import read_text
from deepnet_cli.training.kept.model import load_model
from deepnet_cli.training.results.assessment import assess
from deepnet_cli.training.results.seen import seen_in_training


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--x", metavar="NAME", help="The dataset of examples, where it is not clear.")
@click.option("--y", metavar="NAME", help="The dataset of labels, where it is not clear.")
@click.option("--weights", metavar="NAME", help="The dataset of how much each example counts.")
@click.option("--no-intervals", is_flag=True, help="Leave out the 95 % intervals.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def evaluate(
    model: Path,
    data: Path,
    x: str | None,
    y: str | None,
    weights: str | None,
    no_intervals: bool,
    as_json: bool,
) -> None:
    """Measure the cost and metrics of a trained MODEL on labelled DATA.

    Beside them stand 95 % intervals and the same figures of two baselines.

    \b
    Example:
        deepnet evaluate runs/digits-001 data/digits.h5
    """
    trained = load_model(model)
    table = trained.table(Location(data, x, y, weights=weights), labelled=True)
    suit(trained.network.sizes, table.m)
    say(read_text(f"read {table.told}"))
    found = assess(trained, table, resampled=not no_intervals)
    warn([*seen_in_training(model, table)])
    tell(json_text(assessment_json(found)) if as_json else assessment_text(found))
    named = in_shell(str(data), *(["--x", x] if x else []))
    say(f"next: {typed('predict', model)} {named} -o predictions.csv")

"""deepnet evaluate"""

import shlex
from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.say import say, typed
from deepnet_cli.cli.threads import suit
from deepnet_cli.data.tables import Location
from deepnet_cli.files import json_text
from deepnet_cli.nn.metrics import confusion_matrix
from deepnet_cli.report.figures import confusion_text, figures_text
from deepnet_cli.training.model import load_model


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--x", metavar="NAME", help="The dataset of examples, where it is not clear.")
@click.option("--y", metavar="NAME", help="The dataset of labels, where it is not clear.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def evaluate(model: Path, data: Path, x: str | None, y: str | None, as_json: bool) -> None:
    """Measure the cost and metrics of a trained MODEL on labelled DATA.

    \b
    Example:
        deepnet evaluate runs/digits-001 data/digits.h5
    """
    trained = load_model(model)
    table = trained.table(Location(data, x, y), labelled=True)
    suit(trained.network.sizes, table.m)
    figures, A = trained.evaluate(table)
    told: dict[str, object] = {**figures, "examples": table.m}
    classes = trained.encoding.classes
    matrix = None
    if classes is not None:
        true = trained.encoding.class_indices(table)
        matrix = confusion_matrix(true, trained.decisions(A), len(classes))
        told |= {"confusion_matrix": matrix.tolist(), "class_names": list(classes.names)}
    say(f"read {table.x_at} and {table.y_at}: {table.m} examples")
    if as_json:
        click.echo(json_text(told))
    else:
        click.echo(figures_text({data.name: figures}))
        if matrix is not None and classes is not None:
            click.echo(f"\n{confusion_text(matrix, classes.names)}")
    named = shlex.join([str(data), *(["--x", x] if x else [])])
    say(f"next: {typed('predict', model)} {named} -o predictions.csv")

"""deepnet gradcheck"""

import time
from math import log10
from pathlib import Path

import click

from deepnet_cli.cli.say import say, typed
from deepnet_cli.config.job import load_job
from deepnet_cli.data.batches import Part
from deepnet_cli.data.tables import Location
from deepnet_cli.files import json_text
from deepnet_cli.nn.gradcheck import EVERY_ENTRY, TOLERANCE, Row, check
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import generator, order
from deepnet_cli.report.table import table
from deepnet_cli.training.model import load_model
from deepnet_cli.training.run_directory import CONFIG

EXAMPLES = 32
SAMPLES = 200
DOUBLE = ("compute.precision=float64",)


@click.command()
@click.argument("subject", metavar="CONFIG|MODEL", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@click.option("--data", type=click.Path(path_type=Path), help="Labelled data, for a model file.")
@click.option(
    "--examples", type=click.IntRange(1), default=EXAMPLES, show_default=True, help="Used for J."
)
@click.option(
    "--samples",
    type=click.IntRange(1),
    help=f"Entries of each W and b; default: all up to {EVERY_ENTRY:,} in all, else {SAMPLES}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.pass_context
def gradcheck(
    ctx: click.Context,
    subject: Path,
    settings: tuple[str, ...],
    data: Path | None,
    examples: int,
    samples: int | None,
    as_json: bool,
) -> None:
    """Prove the backward pass against numerical derivatives.

    The subject is a config, a run directory (its trained parameters on its own data), or a
    model file with labelled --data.

    The exit code is 0 where every W and b is right, 1 where one is wrong, 5 where too few
    entries could be decided.

    \b
    Example:
        deepnet gradcheck config.yaml
        deepnet gradcheck runs/digits-001
        deepnet gradcheck model.h5 --data test.h5
    """
    is_run = (subject / CONFIG).is_file()
    is_model = not is_run and subject.suffix in (".h5", ".hdf5")
    trained = is_model or is_run
    if is_model and data is None:
        raise click.UsageError("a model file names no data; give labelled data by --data")
    if data is not None and not trained:
        raise click.UsageError("--data goes with a model; a config names its own")
    if settings and trained:
        raise click.UsageError("--set goes with a config; a model is as it is")
    if data is not None:
        objective, theta, part, seed = _of_model(subject, data)
    elif trained:
        objective, theta, part, seed = _of_config(subject / CONFIG, settings)
        theta = load_model(subject).theta
    else:
        objective, theta, part, seed = _of_config(subject, settings)
    theta = theta.astype("float64")
    chosen = order(seed, "gradcheck examples", 0, part.m)[:examples]
    X, Y = part.rows[chosen].T, part.Y[:, chosen].copy()
    P = theta.size
    if samples is None:
        samples = P if P <= EVERY_ENTRY else SAMPLES
    began = time.monotonic()
    rows = list(check(objective, theta, X, Y, samples, generator(seed, "gradcheck entries")))
    seconds = time.monotonic() - began
    worst = next((row for row in rows if row.status == "wrong"), None)
    unclear = [row.name for row in rows if row.status == "unclear"]
    if as_json:
        click.echo(json_text(_json(rows, seed, X.shape[1], seconds)))
    else:
        click.echo(_text(rows))
        entries, left_out = sum(r.entries for r in rows), sum(r.unsettled for r in rows)
        click.echo(
            f"{entries:,} of {P:,} derivatives of J over {X.shape[1]} examples compared"
            f"{f', {left_out} at a kink left out' if left_out else ''}; {seconds:.1f} s"
        )
        click.echo(_verdict(rows, worst, unclear))
    if worst is None and not unclear:
        command = f"{typed('predict', subject)} DATA.h5" if trained else ""
        say(f"next: {command or typed('train', subject, settings)}")
    ctx.exit(1 if worst else 5 if unclear else 0)


Checked = tuple[Objective, Array, Part, int]
"""The objective, theta (P,), the examples, and the seed for drawing from them."""


def _of_config(path: Path, settings: tuple[str, ...]) -> Checked:
    """A config's network at its start, on its own training data."""
    job = load_job(path, (*settings, *DOUBLE))
    return job.objective, job.initial_theta(), job.dataset.parts["train"], job.config.seed


def _of_model(path: Path, data: Path) -> Checked:
    """A model file's network; its data are named, for a path in a model is never opened."""
    model = load_model(path)
    encoding = model.encoding.in_precision("float64")
    return (
        model.objective,
        model.theta,
        encoding.part(model.table(Location(data), labelled=True)),
        0,
    )


def _text(rows: list[Row]) -> str:
    cells = [
        [r.name, f"{r.shape}", r.entries, f"{r.norm:.2e}", f"{r.rel_error:.1e}", r.status]
        for r in rows
    ]
    head = ["", "shape", "compared", "|grad|", "|g-g'|/(|g|+|g'|)", "status"]
    return table(head, cells)


def _verdict(rows: list[Row], worst: Row | None, unclear: list[str]) -> str:
    if worst is not None:
        place = ", ".join(str(i) for i in worst.worst)
        return (
            f"wrong: {worst.name}; most at [{place}], where the backward pass says "
            f"{worst.backward:.8g} and the numerical derivative {worst.numerical:.8g}"
        )
    if unclear:
        return f"inconclusive: too few derivatives of {', '.join(unclear)} settled"
    return f"right: every ratio is at most {TOLERANCE:g}{_vacuous(rows)}"


def _vacuous(rows: list[Row]) -> str:
    zero = [row.name for row in rows if row.norm == 0 and row.rel_error == 0]
    return f"; {', '.join(zero)} prove nothing, since both sides are 0" if zero else ""


def _json(rows: list[Row], seed: int, examples: int, seconds: float) -> dict[str, object]:
    return {
        "ok": all(row.status == "ok" for row in rows),
        "tolerance": TOLERANCE,
        "method": "central differences, extrapolated",
        "dtype": "float64",
        "seed": seed,
        "examples": examples,
        "nodes": [
            {
                "name": row.name,
                "layer": int(row.name[1:]),
                "shape": list(row.shape),
                "entries": row.entries,
                "left_out": row.unsettled,
                "norm": row.norm,
                "rel_error": row.rel_error,
                "digits": round(-log10(row.rel_error), 1) if row.rel_error else 16.0,
                "status": row.status,
            }
            for row in rows
        ],
        "seconds": round(seconds, 3),
    }

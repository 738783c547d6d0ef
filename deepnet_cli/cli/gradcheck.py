"""deepnet gradcheck"""

import json
import time
from math import log10
from pathlib import Path

import click

from deepnet_cli.cli.say import say
from deepnet_cli.config.job import load_job
from deepnet_cli.data.tables import Location
from deepnet_cli.errors import ConfigError
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
    """Prove the backward pass against numerical derivatives, on the config's data or a MODEL's.

    The exit code is 0 where every W and b is right, 1 where one is wrong, 5 where too few
    entries could be decided.

    \b
    Example:
        deepnet gradcheck config.yaml
        deepnet gradcheck runs/digits-001
    """
    objective, theta, X, Y, seed = _subject(subject, settings, data, examples)
    P = theta.size
    if samples is None:
        samples = P if P <= EVERY_ENTRY else SAMPLES
    began = time.monotonic()
    rows = list(check(objective, theta, X, Y, samples, generator(seed, "gradcheck entries")))
    seconds = time.monotonic() - began
    worst = next((row for row in rows if row.status == "wrong"), None)
    unclear = [row.name for row in rows if row.status == "unclear"]
    if as_json:
        click.echo(json.dumps(_json(rows, seed, X.shape[1], seconds)))
    else:
        click.echo(_text(rows))
        entries, left_out = sum(r.entries for r in rows), sum(r.unsettled for r in rows)
        click.echo(
            f"{entries:,} of {P:,} derivatives of J over {X.shape[1]} examples compared"
            f"{f', {left_out} at a kink left out' if left_out else ''}; {seconds:.1f} s"
        )
        click.echo(_verdict(worst, unclear))
    if worst is None and not unclear:
        say(f"next: deepnet train {subject}")
    ctx.exit(1 if worst else 5 if unclear else 0)


def _subject(
    subject: Path, settings: tuple[str, ...], data: Path | None, examples: int
) -> tuple[Objective, Array, Array, Array, int]:
    """The objective, theta (P,), X and Y in float64 to check, and the seed.

    A config's own start; a run's trained parameters on its own data; or a model file's, on
    the data named beside it, since a path in a model file is never opened.
    """
    folder = subject if subject.is_dir() else subject.parent
    is_model = subject.is_dir() or subject.suffix in (".h5", ".hdf5")
    if is_model and (data is not None or not (folder / CONFIG).is_file()):
        if data is None:
            raise ConfigError(f"{subject}: has no config beside it; name labelled data: --data")
        model = load_model(subject)
        encoding = model.encoding.in_precision("float64")
        part = encoding.part(model.table(Location(data), labelled=True))
        objective, theta, seed = model.objective, model.theta, 0
    else:
        job = load_job(folder / CONFIG if is_model else subject, (*settings, *DOUBLE))
        part, objective, seed = job.dataset.parts["train"], job.objective, job.config.seed
        theta = load_model(subject).theta if is_model else job.initial_theta()
    chosen = order(seed, "gradcheck examples", 0, part.m)[:examples]
    return objective, theta.astype("float64"), part.rows[chosen].T, part.Y[:, chosen].copy(), seed


def _text(rows: list[Row]) -> str:
    cells = [
        [r.name, f"{r.shape}", r.entries, f"{r.norm:.2e}", f"{r.rel_error:.1e}", r.status]
        for r in rows
    ]
    head = ["", "shape", "compared", "|grad|", "|g-g'|/(|g|+|g'|)", "status"]
    return table(head, cells)


def _verdict(worst: Row | None, unclear: list[str]) -> str:
    if worst is not None:
        place = ", ".join(str(i) for i in worst.worst)
        return (
            f"wrong: {worst.name}; most at [{place}], where the backward pass says "
            f"{worst.backward:.8g} and the numerical derivative {worst.numerical:.8g}"
        )
    if unclear:
        return f"inconclusive: too few derivatives of {', '.join(unclear)} settled"
    return f"right: every ratio is at most {TOLERANCE:g}"


def _json(rows: list[Row], seed: int, examples: int, seconds: float) -> dict[str, object]:
    return {
        "ok": all(row.status == "ok" for row in rows),
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

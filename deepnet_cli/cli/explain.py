"""deepnet explain"""

import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.say import say, tell, typed
from deepnet_cli.cli.threads import suit
from deepnet_cli.config.job import load_job
from deepnet_cli.errors import DivergedError
from deepnet_cli.files import json_text
from deepnet_cli.nn.gradcheck.report import explained
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.gradcheck.walk import Verdict
from deepnet_cli.randomness import generator
from deepnet_cli.report.explain import Iteration, explain_json, explain_text
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

DOUBLE = ("compute.precision=float64",)


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@click.option(
    "--iteration",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    show_default=True,
    help="Which one, counted from 0.",
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    metavar="N",
    default=5,
    show_default=True,
    help="How many of each array are shown.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the equations as one JSON object.")
@code_option
def explain(
    config: Path, settings: tuple[str, ...], iteration: int, rows: int, as_json: bool
) -> None:
    """Show one real iteration in the course's symbols and its numbers.

    Each derivative has the verdict of the gradient check beside it.

    \b
    Example:
        deepnet explain config.yaml
        deepnet explain config.yaml --iteration 100 --rows 3
    """
    job = load_job(config, (*settings, *DOUBLE))
    if iteration >= job.iterations:
        last = job.iterations - 1
        raise click.UsageError(f"--iteration {iteration}: training makes iterations 0 to {last}")
    suit(job.network.sizes, job.batches.size, job.config.compute.threads)
    state = State.start(job.initial_theta(), job.rule)
    runs = job.batches.runs(0, iteration)
    for _ in train(state, job.objective, job.clippings, job.rule, job.rate, runs):
        pass
    (batch,) = job.batches.deal(iteration, iteration + 1)
    point = Point(job.objective, state.theta, batch.X, batch.Y, batch.weights, batch.iteration)
    trace, verdicts = explained(point, partial(generator, job.config.seed))
    after, grad = state.copy(), trace.total.copy()
    run = job.batches.runs(iteration, iteration + 1)
    with suppress(DivergedError):  # of a cost that is not finite training makes no update
        for _ in train(after, job.objective, job.clippings, job.rule, job.rate, run):
            pass
    clipped = tuple(clipping.name for clipping in job.clippings if clipping.clip(grad))
    penalty = float(job.objective.penalty(state.theta).real)
    told = Iteration(
        str(job.config.name),
        iteration,
        batch.epoch,
        trace,
        verdicts,
        point.cost() - penalty,
        penalty,
        job.rule.formula,
        job.rate(iteration) if job.rule.sees == "gradient" else None,
        tuple(each.name for each in job.batches.augmentations),
        clipped,
        after.theta,
    )
    tell(json_text(explain_json(told, rows)) if as_json else explain_text(told, rows, _tick))
    say(f"next: {typed('gradcheck', config, settings)}")


def _tick(verdict: Verdict) -> str:
    """What the check says, in a margin."""
    if verdict.status == "ok":
        tick = "✓" if (sys.stdout.encoding or "").lower().startswith("utf") else "ok,"
        return f"{tick} {verdict.digits:.0f} digits"
    return verdict.status.upper()

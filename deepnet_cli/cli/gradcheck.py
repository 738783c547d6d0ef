"""deepnet gradcheck"""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from deepnet_cli.cli.code_option import code_option
from deepnet_cli.cli.say import say, tell, typed
from deepnet_cli.files import json_text
from deepnet_cli.nn.gradcheck.mutations import mutations
from deepnet_cli.nn.gradcheck.report import blame
from deepnet_cli.randomness import generator
from deepnet_cli.report.gradcheck import (
    Outcome,
    gradcheck_json,
    gradcheck_text,
    mutations_json,
    mutations_text,
)
from deepnet_cli.training.checking.gradients import EXAMPLES, Case, case_at, proved


@click.command()
@click.argument("subject", metavar="CONFIG|MODEL", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
@click.option("--data", type=click.Path(path_type=Path), help="Labelled data, for a model file.")
@click.option(
    "--after",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    help="Train so many iterations first.",
)
@click.option(
    "--examples",
    type=click.IntRange(1),
    metavar="N",
    default=EXAMPLES,
    show_default=True,
    help="How many J is the mean over.",
)
@click.option("--exhaustive", is_flag=True, help="Every entry by itself, not random directions.")
@click.option("--mutate", is_flag=True, help="Check the check: plant the classic bugs, one by one.")
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.pass_context
def gradcheck(
    ctx: click.Context,
    subject: Path,
    settings: tuple[str, ...],
    data: Path | None,
    after: int,
    examples: int,
    exhaustive: bool,
    mutate: bool,
    as_json: bool,
) -> None:
    """Prove the backward pass against numerical derivatives.

    The subject is a config, a run directory (its trained parameters on its own data), or a
    model file with labelled --data.

    The exit code is 0 where every derivative is right, 1 where one is wrong, 5 where
    nothing could be decided.

    \b
    Example:
        deepnet gradcheck config.yaml
        deepnet gradcheck runs/digits-001
        deepnet gradcheck model.h5 --data test.h5
        deepnet gradcheck config.yaml --mutate
    """
    checked = case_at(subject, settings, data, ctx.with_resource(ExitStack()), after)
    if mutate:
        ctx.exit(_mutate(checked, examples, as_json=as_json))
    report, about = proved(checked, examples, exhaustive=exhaustive)
    tell(json_text(gradcheck_json(report, about)) if as_json else gradcheck_text(report, about))
    if not report.wrong and not report.inconclusive:
        trained = f"{typed('predict', subject)} DATA.h5"
        say(f"next: {trained if checked.trained else typed('train', subject, settings)}")
    ctx.exit(1 if report.wrong else 5 if report.inconclusive else 0)


def _mutate(checked: Case, examples: int, *, as_json: bool) -> int:
    """Plant each bug, check, and tell; the exit code."""
    point, outcomes = checked.point(examples), []
    for mutation in mutations(point):
        mutant = replace(point, objective=mutation.objective)
        outcomes.append(Outcome(mutation, blame(mutant, partial(generator, checked.seed))))
    tell(json_text(mutations_json(outcomes)) if as_json else mutations_text(outcomes))
    return 0 if all(outcome.found for outcome in outcomes) else 1

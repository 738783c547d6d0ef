"""deepnet replay"""

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from textwrap import fill

import click

from deepnet_cli.cli.code_option import code_given, code_option
from deepnet_cli.cli.say import say, tell, typed, warn
from deepnet_cli.config.job import load_job
from deepnet_cli.config.resolved import resolved_config
from deepnet_cli.errors import CheckError, DataError
from deepnet_cli.files import json_text
from deepnet_cli.report.table import table
from deepnet_cli.threads import limited
from deepnet_cli.training.kept.restoring import load_progress
from deepnet_cli.training.kept.resume import check_code
from deepnet_cli.training.kept.run_directory import CONFIG, check_begun
from deepnet_cli.training.run.post_mortem import NAME, PostMortem, post_mortem, recorded
from deepnet_cli.training.run.running import calmer


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@code_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.pass_context
def replay(ctx: click.Context, run: Path, as_json: bool) -> None:
    """Repeat the last updates of a RUN that diverged.

    They are made up to the first tensor that is not finite; it ends with 1 where that is not the
    one that was found when the run diverged.

    \b
    Example:
        deepnet replay runs/digits-001
    """
    check_begun(run)
    if not (path := run / NAME).is_file():
        raise DataError(f"{run}: has no {NAME}: the run did not diverge, or had no room for it")
    end, before = recorded(path)
    code = code_given()
    check_code(run, code)
    job = load_job(run / CONFIG, (), code)
    ctx.with_resource(ExitStack()).enter_context(limited(job.threads))
    start, warnings = load_progress(path, job, resolved_config(job, run))
    warn(warnings)
    now = post_mortem(job, start, end)
    same = now.finding == before
    tell(json_text(_json(now, same=same)) if as_json else _text(now))
    if not same:
        told = before.told if before is not None else "nothing"
        raise CheckError(f"{run}: is not reproduced; when it diverged, first not finite: {told}")
    say("the same as when the run diverged")
    say(f"next: {typed('train', run / CONFIG, (calmer(job),))}")


def _text(now: PostMortem) -> str:
    rows = [[each.iteration, each.cost, each.gradient_norm, each.theta_norm] for each in now.last]
    lines = [table(["iteration", "cost", "|g|", "|theta|"], rows)]
    told = now.finding.told if now.finding is not None else "nothing"
    return "\n".join([*lines, fill(f"first not finite: {told}", 80, subsequent_indent="  ")])


def _json(now: PostMortem, *, same: bool) -> dict[str, object]:
    return {
        "last": [each._asdict() for each in now.last],
        "found": None if now.finding is None else asdict(now.finding),
        "reproduced": same,
    }

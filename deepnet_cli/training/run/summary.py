"""summary.json: what was trained, on what, where, and how well it does."""

from contextlib import suppress
from typing import TYPE_CHECKING

from deepnet_cli.config.job import Job
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.evaluation import Late, TooLateError, output_figures
from deepnet_cli.training.kept.environment import environment

if TYPE_CHECKING:
    from deepnet_cli.training.run.session import Session

Outputs = dict[str, dict[str, Figures]]
"""Of each of several numbers, by part and name."""


def part_figures(job: Job, theta: Array, late: Late) -> tuple[dict[str, Figures], Outputs]:
    """Figures of every part, or of those, the smallest first, that are measured before it is late;
    and where there are several numbers, those of each.
    """
    parts, found, outputs = job.dataset.parts, dict[str, Figures](), Outputs()
    with suppress(TooLateError):
        for name, part in sorted(parts.items(), key=lambda each: each[1].m):
            told = output_figures(job.objective, theta, part, job.summary_metrics, late)
            found[name], each = told
            if each:
                outputs[name] = dict(zip(job.dataset.output_names, each, strict=True))
    in_order = [name for name in parts if name in found]
    return {name: found[name] for name in in_order}, outputs


def summary(session: "Session") -> dict[str, object]:
    """The content of summary.json, of a session whose figures are known."""
    job, made = session.job, session.progress.state.iteration
    epochs = made / job.batches.per_epoch
    kept, monitor = session.kept, session.monitor
    best = {"best": {"monitor": monitor, "iteration": kept - 1}} if monitor and kept else {}
    n = job.network.features
    reduced = {"reduced": {"from": n, "to": job.reduced}} if job.reduced else {}
    layout = job.network.layout
    trained = {} if layout.trained == layout.parameters else {"trained": layout.trained.stop}
    code = {"code": job.code.identity} if job.code is not None else {}
    return {
        "name": job.config.name,
        "seed": job.config.seed,
        "parameters": layout.parameters.stop,
        **trained,
        "iterations": made,
        "epochs": int(epochs) if epochs == int(epochs) else round(epochs, 3),
        "seconds": round(session.seconds, 3),
        **session.ending._asdict(),
        **best,
        **reduced,
        **code,
        "figures": session.figures,
        **({"outputs": session.outputs} if session.outputs else {}),
        **({"stream": flow.told()} if (flow := job.batches.part.flow) else {}),
        "data": fingerprints(job),
        "environment": environment(job),
    }


def fingerprints(job: Job) -> dict[str, dict[str, object]]:
    """Of each part's examples as the network sees them: scaled, in its precision; and of its rows
    as the file has them a mark, and how many stand in another part too.
    """
    rows = {name: {"rows_mark": mark} for name, mark in job.dataset.marks.items()}
    shared = {
        name: {f"shared_with_{other}": count for other, count in counts.items()}
        for name, counts in job.dataset.shared.items()
    }
    return {
        name: {"examples": part.m, "features": part.features, **part.digests}
        | rows.get(name, {})
        | shared.get(name, {})
        for name, part in job.dataset.parts.items()
    }

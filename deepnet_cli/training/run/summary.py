"""summary.json: what was trained, on what, where, and how well it does."""

from deepnet_cli.config.job import Job
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.training.kept.environment import environment
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.run.stopping import Ending


def summary(
    job: Job,
    progress: Progress,
    chosen: tuple[int, str | None],
    figures: dict[str, Figures],
    outputs: dict[str, dict[str, Figures]],
    ending: Ending,
    seconds: float,
) -> dict[str, object]:
    """The content of summary.json; `figures` by part, of the parameters that were `chosen`: those
    after so many updates, and by which figure, if any; `outputs` of each of
    several numbers, by part and name.
    """
    made = progress.state.iteration
    epochs = made / job.batches.per_epoch
    kept, monitor = chosen
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
        "seconds": round(seconds, 3),
        **ending._asdict(),
        **best,
        **reduced,
        **code,
        "figures": figures,
        **({"outputs": outputs} if outputs else {}),
        **({"stream": flow.told()} if (flow := job.batches.part.flow) else {}),
        "data": fingerprints(job),
        "environment": environment(job),
    }


def fingerprints(job: Job) -> dict[str, dict[str, object]]:
    """Of each part's examples as the network sees them: scaled, in its precision; and how many rows
    of the file stand in another part too.
    """
    shared = {
        name: {f"shared_with_{other}": count for other, count in counts.items()}
        for name, counts in job.dataset.shared.items()
    }
    return {
        name: {"examples": part.m, "features": part.features, **part.digests} | shared.get(name, {})
        for name, part in job.dataset.parts.items()
    }

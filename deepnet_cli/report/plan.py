"""What a job would do, without doing it: shapes, parameters, memory."""

from textwrap import fill

from deepnet_cli.config.job import Job
from deepnet_cli.memory import available_memory, told
from deepnet_cli.report.table import table


def plan(job: Job) -> dict[str, object]:
    """The plan as one JSON object; shapes are those of one batch."""
    sizes, m = job.network.sizes, job.batches.size
    names = zip(job.network.activations, sizes[1:], sizes[:-1], strict=True)
    return {
        "name": job.config.name,
        "loss": job.network.loss.name,
        "layers": [
            {
                "layer": l,
                "activation": g.name,
                "W": [n_out, n_in],
                "b": [n_out, 1],
                "Z": [n_out, m],
                "A": [n_out, m],
                "parameters": n_out * n_in + n_out,
            }
            for l, (g, n_out, n_in) in enumerate(names, start=1)
        ],
        "parameters": job.network.layout.size,
        "examples": {name: part.m for name, part in job.dataset.parts.items()},
        "features": sizes[0],
        "batch_size": m,
        "iterations": job.iterations,
        "memory": job.memory,
        "memory_available": available_memory(),
    }


def plan_text(job: Job) -> str:
    """The plan for a reader, 80 columns."""
    sizes, m = job.network.sizes, job.batches.size
    rows = [["X", "", "", "", f"({sizes[0]}, {m})", ""]]
    names = zip(job.network.activations, sizes[1:], sizes[:-1], strict=True)
    for l, (g, n_out, n_in) in enumerate(names, start=1):
        shapes = [f"({n_out}, {n_in})", f"({n_out}, 1)", f"({n_out}, {m})"]
        rows.append([str(l), g.name, *shapes, f"{n_out * n_in + n_out:,}"])
    layers = table(["layer", "activation", "W", "b", "Z and A", "parameters"], rows)
    memory = [[purpose, told(size)] for purpose, size in job.memory.items()]
    memory += [["in all", told(sum(job.memory.values()))], ["available", told(available_memory())]]
    examples = ", ".join(f"{part.m} {name}" for name, part in job.dataset.parts.items())
    return "\n".join(
        [
            outline(job),
            f"examples: {examples}",
            "",
            layers,
            "",
            table(["memory", ""], memory),
        ]
    )


def outline(job: Job) -> str:
    """Two lines on the network and how it is trained."""
    sizes = "-".join(str(n) for n in job.network.sizes)
    size = job.batches.size
    batch = "full batch" if size == job.batches.part.m else f"batches of {size}"
    network = f"{job.config.name}: {sizes}, {job.network.layout.size:,} parameters"
    training = (
        f"{job.network.loss.name}, {job.config.training.optimizer.name}, {batch} "
        f"(m = {job.batches.part.m:,}), {job.iterations:,} iterations"
    )
    return "\n".join(fill(line, width=80) for line in (network, training))

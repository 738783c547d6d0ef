"""What a job would do, without doing it: shapes, parameters, memory."""

from math import prod
from string import digits
from textwrap import fill

from deepnet_cli.config.job import Job
from deepnet_cli.memory import available_memory, told
from deepnet_cli.nn.network import Layer, Network
from deepnet_cli.report.table import table


def plan(job: Job) -> dict[str, object]:
    """The plan as one JSON object; shapes are those of one batch."""
    network, m = job.network, job.batches.size
    return {
        "name": job.config.name,
        "loss": network.loss.name,
        "layers": [
            {
                "layer": l,
                "activation": layer.activation.name,
                "batch_norm": layer.batch_norm is not None,
                "dropout": layer.dropout,
                **{name.rstrip(digits): list(shape) for name, shape in shapes.items()},
                "Z": [layer.units, m],
                "A": [layer.units, m],
                "parameters": sum(map(prod, shapes.values())),
                "rate_factor": layer.rate_factor,
            }
            for l, (layer, shapes) in enumerate(_layers(network), start=1)
        ],
        "parameters": network.layout.parameters.stop,
        "trained": network.layout.trained.stop,
        "examples": {name: part.m for name, part in job.dataset.parts.items()},
        "features": network.features,
        "reduced": job.reduced,
        "batch_size": m,
        "iterations": job.iterations,
        "memory": job.memory,
        "memory_available": available_memory(),
    }


def plan_text(job: Job) -> str:
    """The plan for a reader, 80 columns."""
    m = job.batches.size
    rows = [["X", "", "", "", f"({job.network.features}, {m})", ""]]
    for l, (layer, shapes) in enumerate(_layers(job.network), start=1):
        offsets = ", ".join(name.rstrip(digits) for name in shapes if name[0] != "W")
        each = [f"{shapes[f'W{l}']}", f"{offsets} ({layer.units}, 1)", f"({layer.units}, {m})"]
        rows.append([str(l), _described(layer), *each, f"{sum(map(prod, shapes.values())):,}"])
    layers = table(["layer", "activation", "W", "", "Z and A", "parameters"], rows)
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


def _layers(network: Network) -> list[tuple[Layer, dict[str, tuple[int, int]]]]:
    """Each layer with the shapes of its parameters."""
    shapes: list[dict[str, tuple[int, int]]] = [{} for _ in network.layers]
    for op in network.ops:
        parameters = {name: b.shape for name, b in op.blocks.items() if b.kind != "statistic"}
        shapes[op.layer - 1] |= parameters
    return list(zip(network.layers, shapes, strict=True))


def _described(layer: Layer) -> str:
    norm = "norm, " if layer.batch_norm else ""
    dropout = f", drop {layer.dropout:g}" if layer.dropout else ""
    rate = "" if layer.rate_factor == 1 else f", {layer.rate_factor:g} rate"
    return f"{norm}{layer.activation.name}{dropout}{', frozen' if layer.frozen else rate}"


def outline(job: Job) -> str:
    """A line on the network, one on how it is trained, one where that is in fewer features."""
    sizes = "-".join(str(n) for n in job.network.sizes)
    size = job.batches.size
    batch = "full batch" if size == job.batches.part.m else f"batches of {size}"
    layout = job.network.layout
    network = f"{job.config.name}: {sizes}, {layout.parameters.stop:,} parameters"
    if layout.trained != layout.parameters:
        network += f", {layout.trained.stop:,} of them trained"
    average = f", averaged by {job.average.name}" if job.average else ""
    training = (
        f"{job.network.loss.name}, {job.config.training.optimizer.name}{average}, {batch} "
        f"(m = {job.batches.part.m:,}), {job.iterations:,} iterations"
    )
    lines = [network, training]
    if job.reduced is not None:
        span = f"{job.network.features:,} features -> {job.reduced:,}"
        lines.append(f"in the span of the examples, {span}: the same but for rounding")
    return "\n".join(fill(line, width=80) for line in lines)

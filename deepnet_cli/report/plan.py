"""What a job would do, without doing it: shapes, parameters, memory."""

from itertools import zip_longest
from math import prod
from string import digits
from textwrap import fill

from deepnet_cli.config.job import Job
from deepnet_cli.memory import available_memory, told
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.network import Network
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
                "layer_norm": layer.layer_norm is not None,
                "dropout": layer.dropout,
                "alpha_dropout": layer.alpha_dropout,
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
        "read": list(job.dataset.told),
        "features": network.features,
        "reduced": job.reduced,
        "batch_size": m,
        "augmentations": {each.name: each.strength for each in job.batches.augmentations},
        "iterations": job.iterations,
        "memory": job.memory,
        "memory_available": available_memory(),
    }


def plan_text(job: Job) -> str:
    """The plan for a reader, 80 columns."""
    m = job.batches.size
    rows = [["X", "", "", "", f"({job.network.features}, {m})", ""]]
    for l, (layer, shapes) in enumerate(_layers(job.network), start=1):
        offsets = [f"{name.rstrip(digits)} {shape}" for name, shape in shapes.items()][1:]
        (activation, b), *others = zip_longest(_described(layer), offsets, fillvalue="")
        sizes = [f"({layer.units}, {m})", f"{sum(map(prod, shapes.values())):,}"]
        rows.append([str(l), activation, f"{shapes[f'W{l}']}", b, *sizes])
        rows += [["", word, "", offset, "", ""] for word, offset in others]
    layers = table(["layer", "activation", "W", "", "Z and A", "parameters"], rows)
    memory = [[purpose, told(size)] for purpose, size in job.memory.items()]
    memory += [["in all", told(sum(job.memory.values()))], ["available", told(available_memory())]]
    examples = ", ".join(f"{part.m:,} {name}" for name, part in job.dataset.parts.items())
    changes = ", ".join(f"{each.name} {each.strength:g}" for each in job.batches.augmentations)
    return "\n".join(
        [
            outline(job),
            f"examples: {examples}",
            *([f"each batch is changed by {changes}"] if changes else []),
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


def _described(layer: Layer) -> list[str]:
    """The activation, and what else there is."""
    words = [layer.activation.name]
    words += ["batch norm"] if layer.batch_norm else []
    words += ["layer norm"] if layer.layer_norm else []
    words += [f"drop {layer.dropout:g}"] if layer.dropout else []
    words += [f"alpha drop {layer.alpha_dropout:g}"] if layer.alpha_dropout else []
    words += ["frozen"] if layer.frozen else []
    words += [f"rate * {layer.rate_factor:g}"] if layer.rate_factor not in (0, 1) else []
    return words


def outline(job: Job) -> str:
    """What was read, a line on the network, one on how it is trained, one where that is in fewer
    features, one where x is not in memory.
    """
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
    if not job.batches.part.held:
        lines.append("x stays in its file and is read while training goes on")
    read = map(read_text, job.dataset.told)
    return "\n".join([*read, *(fill(line, width=80) for line in lines)])


def read_text(told: str) -> str:
    """What was read, with the names in it whole."""
    return fill(told, 80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)

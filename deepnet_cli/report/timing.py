"""How long training takes, for a reader, 80 columns, and for a program."""

from collections.abc import Iterator, Sequence
from textwrap import fill, wrap

from deepnet_cli.config.job import Job
from deepnet_cli.report.plan import outline
from deepnet_cli.training.timing.parts import BACKWARD, FORWARD, LAYER
from deepnet_cli.training.timing.timing import Timing

LABEL, WIDTHS = 25, (9, 8, 9, 8, 9, 6, 6)
"""Of the columns: what a row is of, forward, backward (each as a time and in GFLOP/s), both, its
parts of a step and of the peak.
"""

BUSY = 0.9
"""The part of the time that is ours, below which a reader should know."""

GIGA = 1e9


def timing_text(job: Job, timing: Timing) -> str:
    """The table, and what follows from it."""
    rows = [line for label, cells in _rows(job, timing) for line in _row(label, cells)]
    below = (fill(line, 80, subsequent_indent=" " * 9) for line in _conclusions(job, timing))
    return "\n".join([outline(job), "", *rows, "", *below])


def timing_json(job: Job, timing: Timing) -> dict[str, object]:
    """The same as one JSON object."""

    def rate(seconds: float, operations: int) -> dict[str, object]:
        speed = operations / seconds
        rates = {"gflops": speed / GIGA, "of_peak": speed / timing.peak}
        return {"seconds": seconds, "flop": operations, **rates}

    layers = [
        {
            "layer": l,
            "inputs": timing.sizes[l - 1],
            "units": timing.sizes[l],
            "activation": each.activation.name,
            **{
                way: rate(timing.parts[f"{LAYER}{l}", way], timing.operations(l, way))
                for way in (FORWARD, BACKWARD)
            },
        }
        for l, each in enumerate(job.network.layers, start=1)
    ]
    others = {of: timing.of(of) for of, _ in timing.parts if not of.startswith(LAYER)}
    step = rate(timing.step, timing.all_operations)
    return {
        "name": job.config.name,
        "precision": job.config.compute.precision,
        "threads": timing.threads,
        "multiplied_by": timing.multiplied_by,
        "batch_size": timing.size,
        "peak_gflops": timing.peak / GIGA,
        "layers": layers,
        "parts": others,
        "between": timing.between,
        "step": step | {"samples_per_second": timing.samples},
        "products": rate(timing.products, timing.all_operations)
        | {"of_step": timing.products / timing.step},
        "undisturbed": timing.undisturbed,
        "seconds_by_threads": timing.by_threads,
        "better_threads": timing.better_threads,
        "run": {
            "iterations": timing.iterations,
            "step_seconds": timing.mean_step,
            "rows": timing.rows,
            "row_seconds": timing.row,
            "seconds": timing.run,
        },
    }


def duration(seconds: float) -> str:
    """103 us, 4.12 s, 2.5 h"""
    units = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
    most = {"us": 1e-3, "ms": 1.0, "s": 120.0, "min": 7200.0}
    unit = next((unit for unit, limit in most.items() if seconds < limit), "h")
    value = seconds / units[unit]
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def _rows(job: Job, timing: Timing) -> Iterator[tuple[str, list[str]]]:
    """What each row is of, and its cells."""
    unit, size = ("us", 1e-6) if timing.step < 1e-2 else ("ms", 1e-3)
    decimals = 2 if timing.step < 100 * size else 1

    def told(seconds: float) -> str:
        return f"{seconds / size:,.{decimals}f}"

    def one_way(of: str, way: str, operations: int) -> list[str]:
        seconds = timing.parts.get((of, way))
        if seconds is None:
            return ["", ""]
        speed = f"{operations / seconds / GIGA:,.1f}" if operations else ""
        return [told(seconds), speed]

    def both(seconds: float, operations: int = 0) -> list[str]:
        of_peak = f"{operations / seconds / timing.peak:.0%}" if operations else ""
        return [told(seconds), f"{seconds / timing.step:.0%}", of_peak]

    yield "", ["forward", "", "backward", "", "both", "of", "of"]
    yield "", [unit, "GFLOP/s", unit, "GFLOP/s", unit, "step", "peak"]
    for of, label in _labels(job, timing).items():
        l = int(of.removeprefix(LAYER)) if of.startswith(LAYER) else None
        counts = [timing.operations(l, way) if l else 0 for way in (FORWARD, BACKWARD)]
        ways = [one_way(of, way, n) for way, n in zip((FORWARD, BACKWARD), counts, strict=True)]
        yield label, [*ways[0], *ways[1], *both(timing.of(of), sum(counts))]
    nothing = [""] * 4
    yield "between", [*nothing, *both(timing.between)]
    yield "the step", [*nothing, *both(timing.step, timing.all_operations)]
    yield "its products alone", [*nothing, *both(timing.products, timing.all_operations)]


def _labels(job: Job, timing: Timing) -> dict[str, str]:
    """The rows that there are, in order: what parts belong to, and how it is called."""
    layers, loss = job.network.layers, job.network.loss
    carried = layers[-1].activation is loss.link and loss.link.name != "linear"
    changes = [each.name for each in job.batches.augmentations]
    labels = {"batch": ", ".join([f"batch of {timing.size:,}", *changes])}
    labels["masks"] = "dropout's masks"
    for l, each in enumerate(layers, start=1):
        words = [f"{l}: {timing.sizes[l - 1]}-{timing.sizes[l]}"]
        words += ["norm"] if each.batch_norm is not None else []
        words += ["layer norm"] if each.layer_norm is not None else []
        words += [each.activation.name] if l < len(layers) or not carried else []
        words += ["dropout"] if each.dropout else []
        words += ["alpha dropout"] if each.alpha_dropout else []
        words += ["frozen"] if each.frozen else []
        labels[f"{LAYER}{l}"] = " ".join(words)
    labels["loss"] = f"{loss.link.name} and loss" if carried else "loss"
    names = dict.fromkeys(penalty.name for penalty in job.objective.penalties)
    labels["penalty"] = " and ".join(names)
    labels["metrics"] = "metrics"
    labels["clipping"] = " and ".join(clipping.name for clipping in job.clippings)
    labels["optimizer"] = job.rule.name
    labels["max_norm"] = "max_norm"
    labels["statistics"] = "running statistics"
    there = {of for of, _ in timing.parts}
    return {of: label for of, label in labels.items() if of in there}


def _row(label: str, cells: Sequence[str]) -> list[str]:
    """A line of the table, or two where the label is long."""
    first, *rest = wrap(label, LABEL, subsequent_indent="   ") or [""]
    numbers = "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    return [f"{first:<{LABEL}}{numbers}".rstrip(), *rest]


def _conclusions(job: Job, timing: Timing) -> list[str]:
    """The peak, and what follows for the run."""
    products, took = timing.products / timing.step, timing.by_threads
    rows = f"{timing.rows:,} {'row' if timing.rows == 1 else 'rows'} x {duration(timing.row)}"
    used = "1 thread" if timing.threads == 1 else f"{timing.threads} threads"
    threads = ", ".join(
        f"{n}{' (in use)' if n == timing.threads else ''} {duration(seconds)}"
        for n, seconds in took.items()
    )
    lines = [
        f"peak     {timing.peak / GIGA:,.1f} GFLOP/s, by products of square matrices here "
        f"({job.config.compute.precision}, {used})",
        f"by       {timing.multiplied_by}",
        f"speed    {timing.samples:,.0f} examples/s; products alone, {products:.0%} of a step, "
        f"would make {timing.samples / products:,.0f}",
        f"run      {timing.iterations:,} iterations x {duration(timing.mean_step)} + {rows} "
        f"= {duration(timing.run)}",
    ]
    if len(took) > 1:
        lines.append(f"threads  {threads}")
    better = timing.better_threads
    if better is not None:
        verb = "thread is" if better == 1 else "threads are"
        speedup = took[timing.threads] / took[better]
        lines.append(
            f"         {better} {verb} {speedup:.1f} times as fast: --set compute.threads={better}"
        )
    if timing.undisturbed < BUSY:
        busy = 1 - timing.undisturbed
        lines.append(
            f"busy     other work had the core for {busy:.0%} of the time: all is slower than it "
            "could be, several threads above all"
        )
    return lines

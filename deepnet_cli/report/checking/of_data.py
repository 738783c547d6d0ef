"""What can be wrong with the data: parts, x, y, and whether one says anything of the other."""

import numpy as np

from deepnet_cli.data.describing.target import MOST_ODD_CLASSES, target
from deepnet_cli.data.encoding.statistics import Statistics
from deepnet_cli.errors import listed
from deepnet_cli.nn.types import Array
from deepnet_cli.report.checking.finding import OK, SKIPPED, WARNING, WRONG, Finding
from deepnet_cli.report.checking.of_run import doubts
from deepnet_cli.training.checking.signal import signal
from deepnet_cli.training.checking.subject import Subject

LARGE = 100.0
"""A number as the network sees it, from which on it drowns others of about 1."""

RARE, FEW = 100.0, 5
"""Examples of the most frequent class for one of the rarest; and these, by themselves."""

CERTAIN = 3.0
"""Standard errors that a signal is above 0."""

ENOUGH, WIDE = 100, 10
"""Examples by which one would be seen, and the features of which an example is enough for one."""


def parts(subject: Subject) -> Finding:
    """How many examples each part has, whether some are in two, and what else is odd in reading
    them.
    """
    dataset = subject.job.dataset
    counts = {name: part.m for name, part in dataset.parts.items()}
    told = ", ".join(f"{m:,} {name}" for name, m in counts.items())
    warnings, shared = doubts(subject.job, of_data=True), dataset.shared
    figures = {"examples": counts, "shared": shared, "warnings": warnings}
    if any(count for others in shared.values() for count in others.values()):
        told += "; some rows in two of them"
        warnings += ("remove these, or split by data.train.groups",)
    elif shared:
        told += "; no row in two of them"
    return Finding(WARNING if warnings else OK, told, warnings, figures)


def x(subject: Subject) -> Finding:
    """How large the numbers are that the network sees, and whether they vary."""
    s = Statistics.of(subject.sample.rows)
    n, constant = len(s.low), int(s.constant.sum())
    low, high = float(s.low.min()), float(s.high.max())
    what = f"{n:,} feature{'s' * (n > 1)}, {low:.3g} to {high:.3g} as the network sees them"
    figures = {"low": low, "high": high, "constant": constant}
    if constant == n:
        do = "name another x: where all examples are alike there is nothing to learn from"
        return Finding(WRONG, f"{what}: every one is constant", (do,), figures)
    what += f"; {constant:,} constant" if constant else ""
    if max(-low, high) > LARGE:
        large = int((s.largest > LARGE).sum())
        what += f"; {large:,} beyond {LARGE:g}"
        log = "look at the outliers; data.scale: {name: log1p, then: standardize} draws them in"
        do = log if subject.standardized else "data.scale: standardize"
        return Finding(WARNING, what, (do,), figures)
    return Finding(OK, what, (), figures)


def y(subject: Subject) -> Finding:
    """What is to be learned, and whether the loss takes it for what it is."""
    job = subject.job
    Y = np.concatenate([block for block, _ in job.batches.part.labels()], axis=1)
    kind = job.network.loss.target
    if kind in ("class", "binary"):
        return _classes(subject, Y)
    return _numbers(subject, Y)


def _classes(subject: Subject, Y: Array) -> Finding:
    """Of one-hot columns, of one row of 0 and 1, or of labels that do not exclude each other."""
    job, exclusive = subject.job, subject.job.dataset.encoding.classes
    ones = (Y > 0.5).sum(axis=1)
    two = exclusive and job.network.loss.target == "binary"
    counts = np.array([Y.shape[1] - ones[0], ones[0]]) if two else ones
    names = exclusive.names if exclusive else job.dataset.output_names
    names = names or tuple(map(str, range(len(counts))))
    rare, common = int(counts.argmin()), int(counts.argmax())
    what = f"{len(counts):,} {'classes' if exclusive else 'labels'}, "
    what += f"{counts[rare]:,} ('{names[rare]}') to {counts[common]:,} ('{names[common]}') examples"
    figures = {"classes": dict(zip(names, counts.tolist(), strict=True))}
    weighed = getattr(job.config.loss, "class_weight", None) is not None
    if not np.ptp(Y, axis=1).any():
        do = "add examples of others, or name another y: there is nothing to tell apart"
        return Finding(WRONG, f"every example is of class '{names[common]}'", (do,), figures)
    if missing := [f"'{names[k]}'" for k in np.flatnonzero(counts == 0)]:
        do = "add examples, or leave it out: what has none is never learned"
        return Finding(WARNING, f"{what}; none of {listed(missing)}", (do,), figures)
    if not exclusive and (Y.sum(axis=0) == 1).all():
        do = "if labels exclude each other: softmax in the last layer, loss: cross_entropy"
        return Finding(WARNING, f"{what}; each example has exactly one", (do,), figures)
    if len(counts) > MOST_ODD_CLASSES and Y.shape[1] < FEW * len(counts):
        do = "if y are numbers: a last layer of 1 unit, linear, loss: mean_squared_error"
        return Finding(WARNING, f"{what}; few of each", (do,), figures)
    if counts[rare] < FEW:
        do = "add examples of it: so few teach little"
        return Finding(WARNING, f"{what}", (do,), figures)
    if counts[common] > RARE * counts[rare] and not weighed:
        do = f"loss: {{name: {job.network.loss.name}, class_weight: balanced}}, and watch "
        do += "training.metrics: [balanced_accuracy]: accuracy says little here"
        return Finding(WARNING, what, (do,), figures)
    return Finding(OK, what, (), figures)


def _numbers(subject: Subject, Y: Array) -> Finding:
    """Of numbers, in their own units."""
    units, loss = subject.job.dataset.encoding.units, subject.job.network.loss
    own = Y.T.astype(np.float64)
    own = own * units.divisor + units.shift if units else own
    mean, deviation = own.mean(axis=0), own.std(axis=0)
    outputs = f"{len(Y)} outputs, " if len(Y) > 1 and loss.target != "quantiles" else ""
    what = f"{outputs}mean {mean[0]:.4g}, deviation {deviation[0]:.4g}"
    what += " of the first" if outputs else ""
    figures = {"mean": mean.tolist(), "deviation": deviation.tolist()}
    if not np.ptp(own, axis=0).any():
        do = "name another y: there is nothing to learn"
        return Finding(WRONG, f"every example has {own[0, 0]:.4g}", (do,), figures)
    found = target(np.round(own[:, 0], 4), {})
    if found.kind == "classes" and loss.target != "count" and own[:, 0].min() in (0, 1):
        K = len(found.classes.names) if found.classes else 0
        do = f"if they are classes: a last layer of {K} units, softmax, loss: cross_entropy"
        what = f"{found.why}, learned as numbers by {loss.name}"
        return Finding(WARNING, what, (do,), figures)
    return Finding(OK, what, (), figures)


def dependence(subject: Subject) -> Finding:
    """Whether x says anything of y that a constant does not."""
    part = subject.sample
    if part.m < 4 * FEW:
        return Finding(SKIPPED, f"{part.m} examples are too few to see whether x tells of y")
    found = signal(subject.job.network.loss, part, subject.job.config.seed)
    if not found:
        return Finding(SKIPPED, "nothing to guess: x or y is the same everywhere")
    best = max(found.values())
    told = " and ".join(f"{z:.1f} ({name})" for name, z in found.items())
    what = f"guesses of y from x are {told} standard errors above chance"
    if best > CERTAIN:
        return Finding(OK, what, (), dict(found))
    if part.m < max(ENOUGH, part.features // WIDE):
        return Finding(SKIPPED, f"{what}; {part.m} examples are too few to tell", (), dict(found))
    do = "nothing learned from x beats a constant: are x and y of the same rows, in the same order?"
    return Finding(WARNING, what, (do,), dict(found))

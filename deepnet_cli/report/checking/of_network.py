"""What can be wrong with the network as it starts: its size, first cost, gradient, and layers."""

from functools import partial
from math import log

import numpy as np

from deepnet_cli.memory import available_memory, told
from deepnet_cli.nn.gradcheck.report import check, check_whole
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.gradcheck.walk import DIRECTIONS
from deepnet_cli.nn.health import faults, health
from deepnet_cli.randomness import generator
from deepnet_cli.report.checking.finding import OK, SKIPPED, WARNING, WRONG, Finding
from deepnet_cli.report.health import sentences
from deepnet_cli.training.checking.deviance import scale_of
from deepnet_cli.training.checking.fitting import LEARNED
from deepnet_cli.training.checking.subject import MEASURING, Subject

MANY = 100.0
"""Weights for each number of y that is to be learned, which learn it by heart."""

HIGH = 30.0
"""Times that the first cost is what a constant leaves, or scores of 0 for classes."""

EXAMPLES = 8
"""Whose J is differentiated."""

MULTIPLICATIONS = 2**23
"""Of a forward pass over them, from which on the gradient is checked as one vector."""

COPIES = 8
"""Of all parameters, in float64, that this takes."""

HALF = 0.5
"""Share of a batch that is learned, below which nothing much will be."""


def size(subject: Subject) -> Finding:
    """The shapes, and how many weights there are for what is to be learned."""
    job, network = subject.job, subject.job.network
    count, m = network.layout.trained.stop, job.batches.part.m
    outputs = network.sizes[-1] if network.loss.target == "number" else 1
    spanned = network.layers[0].units * max(0, network.features - m)  # nothing tells these apart
    each = (count - spanned) / (m * outputs)
    what = f"{'-'.join(map(str, network.sizes))}: {count:,} parameters, {each:,.2g} for each "
    what += "number to learn" if outputs > 1 else "example"
    figures = {"parameters": count, "for_each": each}
    if each > MANY and not _restrained(subject):
        do = "it will learn them by heart: fewer units, or training.l2, dropout or early_stopping"
        return Finding(WARNING, what, (do,), figures)
    return Finding(OK, what, (), figures)


def _restrained(subject: Subject) -> bool:
    """Whether anything keeps the network from learning examples by heart."""
    job = subject.job
    dropped = any(each.dropout or each.alpha_dropout for each in job.network.layers)
    stopped = job.config.training.early_stopping is not None
    return bool(job.objective.penalties) or dropped or stopped or bool(job.batches.augmentations)


def start(subject: Subject) -> Finding:
    """The first cost, and what the best constant outputs have."""
    job, part = subject.job, subject.sample.take(slice(subject.affordable(MEASURING)))
    loss = job.network.loss
    J = job.objective.cost(subject.theta, part.X, part.Y, part.weights)
    cost = float(J.real) - float(np.real(job.objective.penalty(subject.theta)))
    scale = scale_of(loss, part.Y, part.weights)
    figures = {"cost": cost, "constant": scale.constant}
    by_heart = {"cross_entropy": f" (ln {part.outputs} = {log(part.outputs):.4g})"}
    by_heart["mean_squared_error"] = " (the variance)"
    constant = f"the best constant has {scale.constant:.4g}{by_heart.get(loss.name, '')}"
    what = f"J = {cost:.4g} before the first update; {constant}"
    of_x = "a smaller model.initialization"
    of_x = of_x if subject.standardized else f"data.scale: standardize, or {of_x}"
    if not np.isfinite(cost):
        return Finding(WRONG, what, (of_x,), figures)
    of_numbers = loss.target in ("number", "quantiles")
    high = HIGH * ((scale.constant if of_numbers else scale.zero) - scale.floor)
    if not scale.empty and cost - scale.floor > high:
        of_y = of_numbers and scale.zero - scale.floor > high
        do = "data.scale_y: standardize: y is far from 0 beside its spread"
        return Finding(WARNING, what, (do if of_y else f"{of_x}: outputs are large",), figures)
    return Finding(OK, what, (), figures)


def gradient(subject: Subject) -> Finding:
    """The backward pass against numerical derivatives (nn/gradcheck)."""
    count = min(EXAMPLES, subject.sample.m)
    whole = count * subject.weights > MULTIPLICATIONS
    needed, there = whole * COPIES * 8 * subject.theta.size, available_memory()
    if left_out := subject.too_large:
        return Finding(SKIPPED, f"{left_out}; deepnet gradcheck proves it")
    if needed > there:
        return Finding(SKIPPED, f"left out: it takes {told(needed)}, of {told(there)} available")
    part, seed = subject.sample.take(slice(count)), subject.job.config.seed
    X, Y = part.rows.astype(np.float64).T, part.Y.astype(np.float64)
    point = Point(subject.exact, subject.theta.astype(np.float64), X, Y, part.weights)
    report = (check_whole if whole else check)(point, partial(generator, seed))
    compared = [verdict for verdict in report.verdicts if verdict.status == "ok"]
    if report.wrong:
        culprit = report.culprit
        node = f" first at {culprit.verdict.node.title}" if culprit else ""
        return Finding(WRONG, f"the backward pass is wrong{node}", ("see deepnet gradcheck",))
    if report.inconclusive or not compared:
        why = report.undetermined or "no derivative rises above rounding"
        return Finding(SKIPPED, f"inconclusive: {why}")
    worst = max(verdict.rel_error for verdict in compared)
    what = f"{len(compared)} derivatives right, largest relative error {worst:.0e}"
    if whole:
        what = f"right along {DIRECTIONS} random directions of all parameters, relative error "
        what += f"{worst:.0e}; deepnet gradcheck proves each derivative"
    return Finding(OK, what, (), {"derivatives": len(compared), "worst": worst})


def batch(subject: Subject) -> Finding:
    """Whether some examples can be learned by heart."""
    if subject.too_large:
        return Finding(SKIPPED, subject.too_large)
    fit = subject.fit
    if fit is None:
        what = f"left out: {subject.learning:,} parameters of the last layer alone take long"
        return Finding(SKIPPED, what)
    if fit.scale.empty:
        return Finding(SKIPPED, f"{fit.examples} examples with one y: nothing to fit")
    figures = {"examples": fit.examples, "explained": fit.explained}
    what = f"{fit.examples} examples, J = {fit.before:.3g}: {fit.explained:.0%} learned by heart"
    if fit.layers < len(subject.job.network.layers):
        what += f" by the last {'layer' if fit.layers == 1 else f'{fit.layers} layers'}"
    if fit.explained >= LEARNED:
        return Finding(OK, what, (), figures)
    do = "the network cannot learn so few by heart: look at the other lines, at the output "
    do += "activation, at the first parameters"
    return Finding(WARNING if fit.explained >= HALF else WRONG, what, (do,), figures)


def layers(subject: Subject) -> Finding:
    """Whether every layer is alive and gets a gradient, at the first parameters."""
    part, job = subject.sample, subject.job
    part = part.take(slice(subject.affordable()))
    found = health(job.objective, subject.theta, part.X, part.Y, part.weights)
    norms = [each.gradient_norm for each in found if each.gradient_norm is not None]
    dead = [each.dead for each in found if each.dead is not None]
    what = (
        f"|dW| {min(norms):.1e} to {max(norms):.1e} in {len(norms)} layer{'s' * (len(norms) > 1)}"
    )
    what += f", at most {max(dead):.0%} of units dead" if dead else ""
    figures = {"gradient_norms": norms, "dead": dead}
    wrong = faults(found)
    return Finding(WARNING if wrong else OK, what, tuple(sentences(wrong)), figures)

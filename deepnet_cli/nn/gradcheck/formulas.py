"""The wrong formulas that people write, each evaluated on what its step was handed.

They stand in the order in which they are tried; `cause` is a short name, the sentence is
what a reader is told.
"""

from collections.abc import Callable

import numpy as np

from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.gradcheck.scene import Scene, Wrong
from deepnet_cli.nn.types import Array


def of_activation(s: Scene) -> Wrong:
    """dZ = dA * g'(Z)"""
    own, l = s.op.at(s.probe.trace.p), s.op.layer
    yield "activation missing", f"{own.name}'(Z[{l}]) is missing: dZ[{l}] = dA[{l}]", s.dU
    right = own.backward(s.dU, s.V if own.keeps_Z else s.U)
    if s.explains(right):
        return  # the step is right, and the activation's own derivative is not
    for h in ACTIVATIONS.values():
        if not h.link_only:
            plain = " without options" if h.name == own.name else ""
            sentence = f"the derivative of {h.name}{plain} stands in the place of {own.name}'s"
            yield "activation", sentence, h.backward(s.dU, s.V if h.keeps_Z else h.forward(s.V))
            if not h.keeps_Z:
                yield "activation", f"{sentence}, at A[{l}]", h.backward(s.dU, s.U)
    given, taken = ("A", "Z") if own.keeps_Z else ("Z", "A")
    swapped = own.backward(s.dU, s.U if own.keeps_Z else s.V)
    yield "Z or A", f"{own.name}' is taken at {given}[{l}] in place of {taken}[{l}]", swapped
    guided = f"the mask of {own.name} is taken from dA[{l}] > 0"
    yield "mask of dA", f"{guided} in place of Z[{l}] > 0", s.dU * (s.dU > 0)
    yield "mask of dA", f"{guided} as well as from Z[{l}]", right * (s.dU > 0)


def of_dropout(s: Scene) -> Wrong:
    """dA = dD * mask, which is `kept` where a unit is kept"""
    l, kept = s.op.layer, s.op.kept
    mask = s.probe.work.caches[s.source].mask
    name = "1/keep" if s.op.kind == "dropout" else "a"
    yield "mask", f"the dropout mask of layer {l} is missing in dA[{l}], and {name} with it", s.dU
    yield "mask", f"the dropout mask of layer {l} is missing in dA[{l}]", s.dU * kept
    keeping = f"{name} = {kept:.4g} of the {s.op.kind} of layer {l}"
    yield "keep", f"{keeping} is missing in dA[{l}]", s.dU * mask / kept
    yield "keep", f"{keeping} is in dA[{l}] twice", s.dU * mask * kept
    another = (s.node.gradient != 0) * kept
    yield "mask", f"dA[{l}] has another dropout mask than D[{l}]", s.dU * another


def of_norm(s: Scene) -> Wrong:
    """dZ = (dZhat - mean(dZhat) - Zhat mean(dZhat Zhat)) / std, dZhat = dN scale"""
    l, axis, std, Zhat = s.op.layer, s.op.axis, *_normalized(s)
    scale = s.probe.trace.p[f"scale{l}"]

    def along(d: Array) -> Array:
        return np.asarray(Zhat * (d * Zhat).mean(axis=axis, keepdims=True))

    def mean(d: Array) -> Array:
        return np.asarray(d.mean(axis=axis, keepdims=True))

    d, where = s.dU * scale, f"in the {s.op.kind} of layer {l}"
    yield "statistics", f"mean and variance are taken for constants {where}", d / std
    yield "norm mean", f"the derivative of the mean is missing {where}", (d - along(d)) / std
    yield "norm variance", f"the derivative of the variance is missing {where}", (d - mean(d)) / std
    yield "norm scale", f"scale[{l}] is missing {where}", (s.dU - mean(s.dU) - along(s.dU)) / std
    yield "norm std", f"1/sqrt(variance + epsilon) is missing {where}", d - mean(d) - along(d)
    yield "statistics", f"dZ[{l}] = dN[{l}]: the {s.op.kind} is left out", s.dU
    if (many := s.dU.shape[axis]) > 1:
        of = f"n[{l}]" if axis == 0 else "m"
        by_less = (d - (mean(d) + along(d)) * (many / (many - 1))) / std
        yield "norm m", f"means over {of} - 1 {where}, in place of {of}", by_less
    other = 1 - axis
    turned = d - d.mean(axis=other, keepdims=True)
    turned -= Zhat * (d * Zhat).mean(axis=other, keepdims=True)
    over = "examples in place of units" if axis == 0 else "units in place of examples"
    yield "norm axis", f"means over the {over} {where}", turned / std


def of_running_norm(s: Scene) -> Wrong:
    """dZ = dN scale / std"""
    l, std = s.op.layer, np.sqrt(s.probe.trace.p[f"variance{s.op.layer}"] + s.op.epsilon)
    where = f"in the norm of layer {l}"
    yield "norm scale", f"scale[{l}] is missing {where}", s.dU / std
    yield (
        "norm std",
        f"1/sqrt(variance + epsilon) is missing {where}",
        s.dU * s.probe.trace.p[f"scale{l}"],
    )


def of_scale(s: Scene) -> Wrong:
    """dscale = sum of dN Zhat"""
    l = s.op.layer
    total = (s.dU * s.V).sum(axis=1, keepdims=True)
    yield "norm input", f"dscale[{l}] is taken with Z[{l}] in place of the normalized one", total
    yield "norm input", f"dscale[{l}] = sum of dN[{l}]: the normalized Z is missing", _sum(s.dU)


def of_slope(s: Scene) -> Wrong:
    """dslope = sum of dA min(0, Z)"""
    l, below = s.op.layer, np.minimum(s.V, 0)
    sums = f"dslope[{l}] = sum of dA[{l}]"
    yield "slope mask", f"{sums} Z[{l}]: of the Z above 0, too", _sum(s.dU * s.V)
    yield "slope input", f"{sums} where Z[{l}] <= 0, without Z[{l}]", _sum(s.dU * (s.V <= 0))
    slope = f"dslope[{l}] has a factor slope[{l}]: A in place of Z, or dZ in place of dA"
    yield "slope input", slope, _sum(s.dU * below) * s.node.value
    units = f"dslope[{l}] is summed over the units as well as the examples"
    yield "summed over units", units, np.full((len(below), 1), (s.dU * below).sum())
    yield from _left_out(s, lambda examples: _sum((s.dU * below)[:, examples]))


def of_offset(s: Scene) -> Wrong:
    """db = sum over examples of dZ; dshift = sum of dN"""
    name, n = s.node.name, len(s.dU)
    units = f"d{name} is summed over the units"
    yield "summed over units", f"{units} as well as the examples", np.full((n, 1), s.dU.sum())
    if n == s.dU.shape[1]:
        over = s.dU.sum(axis=0)[:, np.newaxis]
        yield "summed over units", f"{units} in place of the examples", over
    yield "one example", f"d{name} is that of the first example alone", s.dU[:, :1]
    yield "one unit", f"d{name} is that of the first unit for all", np.repeat(_sum(s.dU[:1]), n, 0)
    yield from _left_out(s, lambda examples: _sum(s.dU[:, examples]))
    if (dA := _before_activation(s)) is not None:
        yield "dA for dZ", f"d{name} is taken from dA in place of dZ", _sum(dA)


def of_input(s: Scene) -> Wrong:
    """dA[l-1] = W[l]^T dZ[l]"""
    l = s.op.layer
    W = s.probe.trace.p[f"W{l}"]
    if W.shape[0] == W.shape[1]:
        yield "transposed", f"W[{l}] is not transposed in dA[{l - 1}] = W[{l}]^T dZ[{l}]", W @ s.dU
    for name, other in s.probe.trace.p.items():
        if other.shape == W.shape and other is not W:
            yield (
                "another W",
                f"dA[{l - 1}] is taken with {name} in place of W[{l}]",
                other.T @ s.dU,
            )
    if (dA := _before_activation(s)) is not None:
        yield "dA for dZ", f"dA[{l - 1}] is taken from dA[{l}] in place of dZ[{l}]", W.T @ dA


def of_weight(s: Scene) -> Wrong:
    """dW[l] = dZ[l] A[l-1]^T"""
    l, values = s.op.layer, s.probe.trace.values
    right = s.dU @ s.V.T
    yield "transposed", f"dW[{l}] is transposed", right.T
    yield "transposed", f"dW[{l}] is transposed in memory", right.T.reshape(right.shape)
    for k, value in enumerate(values):
        if value.shape == s.V.shape and value is not s.V:
            name = s.probe.network.input_of(k)
            sentence = f"dW[{l}] is taken with {name} in place of what layer {l} was given"
            yield "stale A", sentence, s.dU @ value.T
    yield from _left_out(s, lambda examples: np.asarray(s.dU[:, examples] @ s.V[:, examples].T))
    yield "A missing", f"dW[{l}] = dZ[{l}], without the values that come in", _sum(s.dU) + 0 * right
    for by in (1, -1):
        rolled = np.roll(s.dU, by, axis=1) @ s.V.T
        yield "out of step", f"dW[{l}] pairs each example's dZ with its neighbour's A", rolled
    if (dA := _before_activation(s)) is not None:
        yield "dA for dZ", f"dW[{l}] is taken from dA[{l}] in place of dZ[{l}]", dA @ s.V.T


def _sum(dU: Array) -> Array:
    return np.asarray(dU.sum(axis=1, keepdims=True))


def _left_out(s: Scene, of: Callable[[slice], Array]) -> Wrong:
    for which, others in (("last", slice(None, -1)), ("first", slice(1, None))):
        sentence = f"the {which} example is left out of d{s.node.name}"
        yield "example left out", sentence, of(others)


def _before_activation(s: Scene) -> Array | None:
    """dA[l], where the step above the node's is the activation of its layer."""
    above = s.source + 1
    ops = s.probe.network.ops
    if above < len(ops) and ops[above].kind == "activation":
        return s.probe.trace.upstream[above]
    return None


def _normalized(s: Scene) -> tuple[Array, Array]:
    """sqrt(variance + epsilon), (n, 1) or (1, m), and Zhat (n, m) of a norm."""
    centered = s.V - s.V.mean(axis=s.op.axis, keepdims=True)
    std = np.sqrt((centered**2).mean(axis=s.op.axis, keepdims=True) + s.op.epsilon)
    return std, centered / std


FORMULAS: dict[str, Callable[[Scene], Wrong]] = {
    "activation": of_activation,
    "dropout": of_dropout,
    "alpha dropout": of_dropout,
    "batch norm": of_norm,
    "layer norm": of_norm,
    "running norm": of_running_norm,
    "affine": of_input,
    "W": of_weight,
    "b": of_offset,
    "shift": of_offset,
    "scale": of_scale,
    "slope": of_slope,
}
"""By the name of a parameter, or the kind of the step whose way back made the node."""

"""The classic bugs of a backward pass, each as the wrong line that people write, by step.

A bug that would change nothing in a network, such as a transposition where W is not square
or a mask where nothing is dropped, is not planted there.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.gradcheck.planted import planted
from deepnet_cli.nn.ops.op import Op, Windows
from deepnet_cli.nn.types import Array

Bug = tuple[str, str, tuple[str, ...], Any]
"""Name, node, causes, and the step with the bug in it."""


def loss_bugs(m: int) -> Iterator[tuple[str, tuple[str, ...], Callable[[Array], Array]]]:
    yield "dS with the wrong sign (Y - A)", ("sign",), np.negative
    yield "dS with a factor 2 too much", ("factor",), lambda d: 2 * d
    yield "dS with a factor 2 missing", ("factor",), lambda d: d / 2
    if m > 1:
        yield "dS without the 1/m of the mean", ("m",), lambda d: m * d
        yield "dS with the 1/m of the mean twice", ("m",), lambda d: d / m


def _pulling(op: Op[Any], pull: Callable[[Op[Any], Windows, Array, Any], Array]) -> Op[Any]:
    return planted(op, pull=pull)


def _after_backward(op: Op[Any], name: str, spoil: Callable[[Array, Array, Any], Array]) -> Op[Any]:
    """The gradient of one parameter spoiled: spoil(g, dU, cache)."""
    right = type(op).backward

    def backward(self: Op[Any], p: Windows, dU: Array, c: Any, g: Windows) -> None:
        given = dU.copy()
        right(self, p, dU, c, g)
        g[name][...] = spoil(g[name].copy(), given, c)

    return planted(op, backward=backward)


def _activation_bugs(op: Any, below: str, m: int) -> Iterator[Bug]:
    g, l = op.g, op.layer
    if g.name == "linear":
        return
    other = ACTIVATIONS["tanh" if g.name != "tanh" else "sigmoid"]

    def missing(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        return dU

    def another(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        kept = c.Z if g.keeps_Z else c.U
        return np.asarray(other.backward(dU, other.forward(kept) if g.keeps_Z else kept, dU))

    def at_A(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        return np.asarray(self.at(p).backward(dU, c.U, dU))

    def mask_of_dA(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        dU *= dU > 0
        return dU

    yield (
        f"{g.name}' missing: dZ[{l}] = dA[{l}]",
        below,
        ("activation missing",),
        _pulling(op, missing),
    )
    if g.keeps_Z:
        another_at = f"{other.name}' in place of {g.name}' in dZ[{l}]"
        yield another_at, below, ("activation",), _pulling(op, another)
        yield (
            f"{g.name}' taken at A[{l}] in place of Z[{l}]",
            below,
            ("Z or A", "activation missing"),  # the same where g' is 1 at every A
            _pulling(op, at_A),
        )
    elif g.kinks:
        yield f"mask of {g.name} from dA[{l}] > 0", below, ("mask of dA",), _pulling(op, mask_of_dA)
    else:
        another_at = f"{other.name}' in place of {g.name}' in dZ[{l}]"
        yield another_at, below, ("activation",), _pulling(op, another)
    for name in op.blocks:
        yield from _slope_bugs(op, name)


def _slope_bugs(op: Any, slope: str) -> Iterator[Bug]:
    told = f"dslope[{op.layer}]"
    bugs: list[tuple[str, str, Callable[[Array, Array, Any], Array]]] = [
        ("of the Z above 0 too", "slope mask", lambda g, dU, c: _summed(dU * c.Z)),
        ("without Z", "slope input", lambda g, dU, c: _summed(dU * (c.Z <= 0))),
        ("summed over the units too", "summed over units", lambda g, dU, c: 0 * g + g.sum()),
        ("with the wrong sign", "sign", lambda g, dU, c: -g),
    ]
    for name, cause, spoil in bugs:
        yield f"{told} {name}", slope, (cause,), _after_backward(op, slope, spoil)


def _summed(entries: Array) -> Array:
    return np.asarray(entries.sum(axis=1, keepdims=True))


def _affine_bugs(op: Any, below: str, m: int) -> Iterator[Bug]:
    l, W, square = op.layer, op.W, op.units == op.inputs > 1
    right = type(op).pull

    def not_transposed(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        return np.asarray(np.matmul(p[W], dU, out=c.dA))

    def negative(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        dA = right(self, p, dU, c)
        return np.asarray(np.negative(dA, out=dA))

    def dead(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        c.dA[...] = 0
        return np.asarray(c.dA)

    if l > 1:
        where = f"dA[{l - 1}]"
        if square:
            transposed = _pulling(op, not_transposed)
            yield f"{where} = W[{l}] dZ[{l}], not transposed", below, ("transposed",), transposed
        yield f"{where} with the wrong sign", below, ("sign",), _pulling(op, negative)
        yield f"{where} left at 0", below, ("zero",), _pulling(op, dead)
    weight: list[tuple[str, tuple[str, ...], Callable[[Array, Array, Any], Array]]] = [
        (f"dW[{l}] left at 0", ("zero",), lambda g, dU, c: 0 * g),
        (f"dW[{l}] with a factor 2", ("factor",), lambda g, dU, c: 2 * g),
        (
            f"one entry of dW[{l}] off by 1 % of their root mean square",
            ("one entry", "factor"),
            _one_off,
        ),
    ]
    if m > 1:
        weight += [
            (f"dW[{l}] with 1/m twice", ("m",), lambda g, dU, c: g / m),
            (f"dW[{l}] without the last example", ("example left out",), _without_last),
        ]
    if square:
        weight.append((f"dW[{l}] transposed", ("transposed",), lambda g, dU, c: g.T))
    for name, causes, spoil in weight:
        yield name, W, causes, _after_backward(op, W, spoil)
    if op.bias:
        offset = list(_offset_bugs(op.b, f"db[{l}]", op.units, m))
        for name, causes, spoil in offset:
            yield name, op.b, causes, _after_backward(op, op.b, spoil)


def _one_off(g: Array, dU: Array, c: Any) -> Array:
    g.reshape(-1)[g.size // 3] += 0.01 * np.sqrt(np.mean(g**2))
    return g


def _without_last(g: Array, dU: Array, c: Any) -> Array:
    return np.asarray(dU[:, :-1] @ c.A[:, :-1].T)


def _offset_bugs(
    name: str, told: str, n: int, m: int
) -> Iterator[tuple[str, tuple[str, ...], Callable[[Array, Array, Any], Array]]]:
    if n > 1:
        summed = ("summed over units", "zero")  # the dZ of a softmax sum to 0
        yield f"{told} summed over the units too", summed, lambda g, dU, c: 0 * g + dU.sum()
    if m > 1:
        yield f"{told} the mean, 1/m being in dZ", ("m",), lambda g, dU, c: g / m
        yield f"{told} of the first example alone", ("one example",), lambda g, dU, c: dU[:, :1]
    yield f"{told} with the wrong sign", ("sign",), lambda g, dU, c: -g


def _dropout_bugs(op: Any, below: str, m: int) -> Iterator[Bug]:
    l = op.layer

    def no_mask(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        return dU

    def no_keep(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        dU *= c.mask > 0
        return dU

    factor = "1/keep" if op.kind == "dropout" else "a"
    yield f"{op.kind}'s mask missing in dA[{l}]", below, ("mask",), _pulling(op, no_mask)
    yield f"{op.kind}'s {factor} missing in dA[{l}]", below, ("keep",), _pulling(op, no_keep)


def _norm_bugs(op: Any, below: str, m: int) -> Iterator[Bug]:
    l, axis = op.layer, op.axis
    scale, shift, *_ = op.names

    def constants(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        dU *= p[scale] * c.inverse_std
        return dU

    def no_variance(self: Any, p: Windows, dU: Array, c: Any) -> Array:
        dU *= p[scale]
        dU -= dU.mean(axis=axis, keepdims=True)
        dU *= c.inverse_std
        return dU

    if (op.units, m)[axis] > 2:
        yield (
            f"statistics of {op.kind} {l} taken for constants",
            below,
            ("statistics",),
            _pulling(op, constants),
        )
        variance = ("norm variance",)
        yield (
            f"derivative of {op.kind} {l}'s variance missing",
            below,
            variance,
            _pulling(op, no_variance),
        )
    plain = _after_backward(op, scale, lambda g, dU, c: dU.sum(axis=1, keepdims=True))
    yield f"dscale[{l}] without the normalized Z", scale, ("norm input",), plain
    yield (
        f"dshift[{l}] with the wrong sign",
        shift,
        ("sign",),
        _after_backward(op, shift, lambda g, dU, c: -g),
    )


def _no_bugs(op: Any, below: str, m: int) -> Iterator[Bug]:
    yield from ()


BUGS: dict[str, Callable[[Any, str, int], Iterator[Bug]]] = {
    "affine": _affine_bugs,
    "activation": _activation_bugs,
    "dropout": _dropout_bugs,
    "alpha dropout": _dropout_bugs,
    "batch norm": _norm_bugs,
    "layer norm": _norm_bugs,
    "running norm": _no_bugs,
}
"""By the kind of a step."""

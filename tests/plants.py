"""Bugs planted by hand, apart from those that the check itself knows to plant.

Each is a function of a point that gives the point with the bug in it, the node that is then
the first wrong one, and what the diagnosis may call it; None where the bug changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.network import Network, Watch, Workspace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Plant:
    """A point whose backward pass is wrong."""

    point: Point
    node: str
    causes: tuple[str, ...]


Bug = Callable[[Point], Plant | None]


def subclass(thing: Any, **methods: Any) -> Any:
    """The same frozen dataclass with other methods."""
    kind = type("Spoiled", (type(thing),), methods)
    return kind(**{name: getattr(thing, name) for name in thing.__match_args__})


def spoil(p: Point, k: int, **methods: Any) -> Point:
    """A point whose step k has other methods."""
    ops = list(p.objective.network.ops)
    ops[k] = subclass(ops[k], **methods)
    network = replace(p.objective.network, ops=tuple(ops))
    return replace(p, objective=replace(p.objective, network=network))


def find(p: Point, wanted: Callable[[Any], bool]) -> int | None:
    """The last step of a kind."""
    found = [k for k, op in enumerate(p.objective.network.ops) if wanted(op)]
    return found[-1] if found else None


def below(p: Point, k: int) -> str:
    return p.objective.network.ops[k - 1].node if k else "X"


def weight(formula: Callable[[Array, Array], Array], *causes: str) -> Bug:
    """dW of the second layer by another formula of (dZ, A)."""

    def bug(p: Point) -> Plant | None:
        k = find(p, lambda op: op.kind == "affine" and op.layer == 2)
        if k is None:
            return None

        def backward(self: Any, q: Windows, dU: Array, c: Any, g: Windows) -> None:
            g[self.W][...] = formula(dU, c.A)
            if self.bias:
                g[self.b][...] = dU.sum(axis=1, keepdims=True)

        return Plant(spoil(p, k, backward=backward), "W2", causes)

    return bug


def offset(formula: Callable[[Array], Array], *causes: str) -> Bug:
    """db of the first layer that has one by another formula of dZ."""

    def bug(p: Point) -> Plant | None:
        op = next(op for op in p.objective.network.ops if getattr(op, "bias", False))
        k = p.objective.network.ops.index(op)

        def backward(self: Any, q: Windows, dU: Array, c: Any, g: Windows) -> None:
            g[self.W][...] = dU @ c.A.T
            g[self.b][...] = formula(dU)

        return Plant(spoil(p, k, backward=backward), f"b{op.layer}", causes)

    return bug


def slope(name: str, wrong: Callable[[Array, Array], Array], *causes: str) -> Bug:
    """The derivative of an activation by another formula of (dA, A), or (dA, Z)."""

    def bug(p: Point) -> Plant | None:
        k = find(p, lambda op: op.kind == "activation" and op.g.name == name)
        if k is None:
            return None

        def backward(dA: Array, kept: Array, out: Array | None = None) -> Array:
            dZ: Array = np.multiply(wrong(dA, kept), 1, out=out)
            return dZ

        ops: list[Any] = list(p.objective.network.ops)
        ops[k] = replace(ops[k], g=replace(ops[k].g, backward=backward))
        network = replace(p.objective.network, ops=tuple(ops))
        spoiled = replace(p, objective=replace(p.objective, network=network))
        return Plant(spoiled, below(p, k), causes or ("derivative",))

    return bug


def loss(wrong: Callable[[Array, Array], Array], *causes: str) -> Bug:
    """dS by another formula of (dS, Y)."""

    def bug(p: Point) -> Plant:
        network = p.objective.network
        right = network.loss.gradient

        def gradient(S: Array, Y: Array, out: Array | None = None) -> Array:
            dS: Array = np.multiply(wrong(right(S, Y), Y), 1, out=out)
            return dS

        network = replace(network, loss=replace(network.loss, gradient=gradient))
        spoiled = replace(p, objective=replace(p.objective, network=network))
        return Plant(spoiled, network.ops[-1].node, causes or ("loss",))

    return bug


def accumulated(p: Point) -> Plant:
    """g += in place of g =: right in the first pass only."""

    def backward(self: Any, q: Windows, dU: Array, c: Any, g: Windows) -> None:
        g[self.W][...] += dU @ c.A.T
        if self.bias:
            g[self.b][...] = dU.sum(axis=1, keepdims=True)

    k = find(p, lambda op: op.kind == "affine" and op.layer == 1)
    assert k is not None
    return Plant(spoil(p, k, backward=backward), "W1", ("stale",))


def stale(p: Point) -> Plant | None:
    """dW with the input of the first batch that came by."""
    k = find(p, lambda op: op.kind == "affine" and op.layer == 2)
    if k is None:
        return None
    kind: Any = type(p.objective.network.ops[k])

    def forward(self: Any, q: Windows, V: Array, c: Any) -> Array:
        if V.dtype.kind == "f" and not hasattr(c, "first"):
            c.first = V.copy()
        return np.asarray(kind.forward(self, q, V, c))

    def backward(self: Any, q: Windows, dU: Array, c: Any, g: Windows) -> None:
        kind.backward(self, q, dU, c, g)
        g[self.W][...] = dU @ c.first.T

    return Plant(spoil(p, k, forward=forward, backward=backward), "W2", ("stale",))


def pulled(kind: str, pull: Callable[[Any, Windows, Array, Any], Array], *causes: str) -> Bug:
    """The way back of the last step of a kind by another formula."""

    def bug(p: Point) -> Plant | None:
        k = find(p, lambda op: op.kind == kind)
        if k is None:
            return None
        return Plant(spoil(p, k, pull=pull), below(p, k), causes)

    return bug


def by_slope(formula: Callable[[Array, Any], Array], *causes: str) -> Bug:
    """dslope of the last prelu as the sum over examples of another formula of (dA, cache)."""

    def bug(p: Point) -> Plant | None:
        k = find(p, lambda op: hasattr(op, "slope"))
        if k is None:
            return None
        op: Any = p.objective.network.ops[k]

        def backward(self: Any, q: Windows, dU: Array, c: Any, g: Windows) -> None:
            g[self.slope][...] = formula(dU, c).sum(axis=1, keepdims=True)

        return Plant(spoil(p, k, backward=backward), op.slope, causes)

    return bug


def default_slope(p: Point) -> Plant | None:
    """dZ of the last leaky_relu as if it had no option."""
    k = find(p, lambda op: op.kind == "activation" and op.g.name == "leaky_relu")
    if k is None:
        return None

    def pull(self: Any, q: Windows, dU: Array, c: Any) -> Array:
        return np.asarray(ACTIVATIONS["leaky_relu"].backward(dU, c.U))

    return Plant(spoil(p, k, pull=pull), below(p, k), ("activation",))


def below_0(slope: Callable[[Array, Any], Array], *causes: str) -> Bug:
    """dZ of the last prelu by another g' of (slope, cache)."""

    def bug(p: Point) -> Plant | None:
        k = find(p, lambda op: hasattr(op, "slope"))
        if k is None:
            return None

        def pull(self: Any, q: Windows, dU: Array, c: Any) -> Array:
            return np.asarray(dU * slope(q[self.slope], c))

        return Plant(spoil(p, k, pull=pull), below(p, k), causes)

    return bug


def other_W(p: Point) -> Plant | None:
    """dA[1] = W[1]^T dZ[2]"""

    def pull(self: Any, q: Windows, dU: Array, c: Any) -> Array:
        return np.asarray(np.matmul(q["W1"].T, dU, out=c.dA))

    k = find(p, lambda op: op.kind == "affine" and op.layer == 2)
    if k is None or p.objective.network.sizes[0] != p.objective.network.sizes[1]:
        return None
    if p.objective.network.sizes[1] != p.objective.network.sizes[2]:
        return None
    return Plant(spoil(p, k, pull=pull), below(p, k), ("another W",))


def fresh_mask(self: Any, q: Windows, dU: Array, c: Any) -> Array:
    """A mask that is drawn anew on the way back."""
    dU *= (np.random.default_rng(7).random(dU.shape) < 1 - self.rate) * self.kept
    return dU


def by_m_less_1(self: Any, q: Windows, dU: Array, c: Any) -> Array:
    d, m = dU * q[self.names[0]], dU.shape[1]
    along = (d * c.Zhat).sum(axis=1, keepdims=True) / (m - 1)
    dU[...] = (d - d.sum(axis=1, keepdims=True) / (m - 1) - c.Zhat * along) * c.inverse_std
    return dU


def network_backward(spoil_g: Callable[[Windows], None], node: str, *causes: str) -> Bug:
    """A network that spoils the gradient when all is done."""

    def bug(p: Point) -> Plant | None:
        network = p.objective.network
        if len(network.layers) < 3 or network.layout.shapes["W2"] != network.layout.shapes["W1"]:
            return None

        def backward(self: Any, q: Windows, work: Workspace, g: Windows, watch: Watch) -> None:
            Network.backward(self, q, work, g, watch)
            spoil_g(g)

        wrong = subclass(network, backward=backward)
        return Plant(replace(p, objective=replace(p.objective, network=wrong)), node, causes)

    return bug


def swap(g: Windows) -> None:
    g["W1"][...], g["W2"][...] = g["W2"].copy(), g["W1"].copy()


def single(g: Windows) -> None:
    g["W2"][...] = g["W2"].astype(np.float32)


def penalty(add: Callable[[Any, Array, Array], None], node: str, *causes: str) -> Bug:
    """An objective that adds the penalties' gradients in another way."""

    def bug(p: Point) -> Plant | None:
        if not p.objective.penalties:
            return None

        def added(self: Any, theta: Array, grad: Array) -> None:
            if self.penalties:
                add(self, theta, grad)

        wrong = subclass(p.objective, add_penalty_gradient=added)
        return Plant(replace(p, objective=wrong), node, causes)

    return bug


def to_b_too(self: Any, theta: Array, grad: Array) -> None:
    Objective.add_penalty_gradient(self, theta, grad)
    b = slice(self.network.layout.weights.stop, self.network.layout.trained.stop)
    grad[b] += self.penalties[0].gradient(theta[b] + 0.1)


def everywhere(self: Any, theta: Array, grad: Array) -> None:
    """The first penalty of every W, whatever its layers are."""
    W = self.network.layout.weights
    grad[W] += self.penalties[0].gradient(theta[W])


def of_all_layers(p: Point) -> Plant | None:
    penalties = p.objective.penalties[:1]
    if not penalties or penalties[0].layers is None:
        return None
    last = penalties[0].layers[1]
    one = replace(p, objective=replace(p.objective, penalties=penalties))
    return penalty(everywhere, f"penalty W{last + 1}", "penalized")(one)


def mean_over_examples(self: Any, q: Windows, dU: Array, c: Any) -> Array:
    d = dU * q[self.names[0]]
    along = (d * c.Zhat).mean(axis=1, keepdims=True)
    dU[...] = (d - d.mean(axis=1, keepdims=True) - c.Zhat * along) * c.inverse_std
    return dU


def absolute(self: Any, theta: Array, grad: Array) -> None:
    W = self.network.layout.weights
    grad[W] += np.abs(self.penalties[0].gradient(theta[W]))


def without_m(self: Any, theta: Array, grad: Array) -> None:
    W = self.network.layout.weights
    grad[W] += 90 * self.penalties[0].gradient(theta[W])


def by_signs(self: Any, q: Windows, dU: Array, c: Any) -> Array:
    return np.asarray(np.sign(q[self.W]).T @ dU)


def _signs(dS: Array, Y: Array) -> Array:
    return np.asarray(np.sign(dS) + 0 * Y)


def _sigmoid(Z: Array) -> Array:
    return np.asarray((1 + np.tanh(Z / 2)) / 2)


PLANTS: dict[str, Bug] = {
    "dW without the first example": weight(lambda d, A: d[:, 1:] @ A[:, 1:].T, "example left out"),
    "dW with examples out of step": weight(lambda d, A: np.roll(d, 1, axis=1) @ A.T, "out of step"),
    "dW without A": weight(lambda d, A: d.sum(axis=1, keepdims=True) + 0 * A[:, 0], "A missing"),
    "dW with |A|": weight(lambda d, A: d @ (A * A).T, "unknown"),
    "db of the first unit for all": offset(lambda d: d[:1].sum(axis=1, keepdims=True), "one unit"),
    "db by max": offset(lambda d: d.max(axis=1, keepdims=True), "unknown"),
    "relu' of dead units": slope("relu", lambda d, A: d * (A <= 0)),
    "relu' = A": slope("relu", lambda d, A: d * A),
    "tanh' = 1 - A": slope("tanh", lambda d, A: d * (1 - A)),
    "tanh' = 1 + A^2": slope("tanh", lambda d, A: d * (1 + A * A)),
    "sigmoid' = A (1 + A)": slope("sigmoid", lambda d, A: d * A * (1 + A)),
    "sigmoid' = A": slope("sigmoid", lambda d, A: d * A),
    "gelu' without its second term": slope("gelu", lambda d, Z: d * _sigmoid(1.702 * Z)),
    "softplus' = 1 - sigmoid": slope("softplus", lambda d, Z: d * _sigmoid(-Z)),
    "leaky_relu' = 0.01 below 0": slope("leaky_relu", lambda d, A: d * np.where(A > 0, 1, 0.01)),
    "leaky_relu' without its option": default_slope,
    "dslope without the mask": by_slope(lambda d, c: d * c.Z, "slope mask"),
    "dslope of the other side": by_slope(lambda d, c: d * np.maximum(c.Z, 0), "unknown"),
    "dslope without Z": by_slope(lambda d, c: d * (c.Z <= 0), "slope input"),
    "dslope by A": by_slope(lambda d, c: d * np.where(c.Z < 0, c.U, 0), "slope input"),
    "dslope of one example": by_slope(
        lambda d, c: (d * np.minimum(c.Z, 0))[:, 1:], "example left out"
    ),
    "one slope for all": by_slope(
        lambda d, c: 0 * d[:, :1] + (d * np.minimum(c.Z, 0)).sum(), "summed over units"
    ),
    "prelu' of the first slope": below_0(
        lambda s, c: np.where(c.Z > 0, 1, 0 * s + 0.25), "activation"
    ),
    "prelu' of A > 0": below_0(lambda s, c: np.where(c.U > 0, 1, s), "Z or A"),
    "prelu' of half the slope": below_0(lambda s, c: np.where(c.Z > 0, 1, s / 2), "derivative"),
    "dS = Y - A for half of Y": loss(lambda d, Y: d * np.where(Y > 0, 1, -1)),
    "dS without its slope": loss(_signs),
    "dW summed over updates": accumulated,
    "dW with the A of the first batch": stale,
    "dA with another layer's W": other_W,
    "dA by the sign of W": pulled("affine", by_signs, "unknown"),
    "another dropout mask": pulled("dropout", fresh_mask, "mask"),
    "batch norm by m - 1": pulled("batch norm", by_m_less_1, "norm m"),
    "layer norm over the examples": pulled("layer norm", mean_over_examples, "norm axis"),
    "another mask of alpha dropout": pulled("alpha dropout", fresh_mask, "mask"),
    "a layer's penalty on all layers": of_all_layers,
    "dW1 and dW2 swapped": network_backward(swap, "W2", "another node"),
    "dW2 in float32": network_backward(single, "W2", "precision"),
    "penalty on b too": penalty(to_b_too, "penalty b1", "penalized"),
    "penalty of |W|": penalty(absolute, "penalty W1", "penalty"),
    "lambda without the 1/m": penalty(without_m, "penalty W1", "l2", "l1"),
}

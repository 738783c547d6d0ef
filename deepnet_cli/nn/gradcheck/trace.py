"""Every value of one forward pass and every derivative of one backward pass.

The numbers are copies of what the training code itself makes: the values step by step
through `Network.forward`, the derivatives through the `watch` of `Objective`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from deepnet_cli.nn.losses import shares
from deepnet_cli.nn.network import Watch
from deepnet_cli.nn.objective import Objective, unwatched
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.types import Array, Cost

DOUBLE: np.dtype[np.generic] = np.dtype(np.float64)


@dataclass(frozen=True)
class Point:
    """Where derivatives are taken: theta (P,), X (n[0], m), Y (n[L], m) and weights (m,), all
    in float64; dropout has the masks of update number `step`.
    """

    objective: Objective
    theta: Array
    X: Array
    Y: Array
    weights: Array | None = None
    step: int = 0

    @property
    def m(self) -> int:
        return int(self.X.shape[1])

    @cached_property
    def share(self) -> Array:
        """The part (m,) that each example has in J."""
        return shares(self.weights, self.m)

    def cost(self) -> float:
        """J."""
        o = self.objective
        return float(o.cost(self.theta, self.X, self.Y, self.weights, self.step).real)

    def take(self, columns: Array) -> "Point":
        """The same with some of the examples, in this order."""
        weights = None if self.weights is None else self.weights[columns]
        X = np.ascontiguousarray(self.X[:, columns].T).T  # rows in memory, as batches have them
        return replace(self, X=X, Y=self.Y[:, columns].copy(), weights=weights)

    @property
    def earlier(self) -> "Point":
        """Another, with other values everywhere: a batch that went through before."""
        return replace(self, theta=0.9 * self.theta, X=-0.9 * self.X, step=self.step + 1)

    @property
    def evaluation(self) -> "Point":
        """The same with the network as it predicts."""
        return replace(self, objective=self.objective.evaluation)


@dataclass(frozen=True)
class Node:
    """An array that J depends on, and the backward pass's derivative of J by it."""

    name: str  # "Z1", "W1", "X"; "penalty W1" for the penalties' part of dW1
    layer: int
    step: int  # of the chain: the first that sees it
    source: int | None  # the step whose way back made the derivative; None: the loss
    parameter: bool  # else a value between two steps
    value: Array
    gradient: Array

    @property
    def weight(self) -> bool:
        """Whether it is a W."""
        return self.parameter and self.name[0] == "W"

    @property
    def title(self) -> str:
        """How its derivative is called."""
        block = self.name.removeprefix("penalty ")
        return f"d{block}" if block == self.name else f"d{block}, penalty"


@dataclass(frozen=True)
class Trace:
    """values[k] is the input of step k, values[-1] = S; upstream[k] is dJ by its output, from the
    first step that is trained on.
    """

    point: Point
    J: Cost  # without penalties
    values: list[Array]
    upstream: list[Array]
    gradient: Array  # of J without penalties, (P,)
    total: Array  # with them: what training uses
    nodes: list[Node]  # in the order of the backward pass

    @cached_property
    def p(self) -> Windows:
        """The parameters by name."""
        return self.point.objective.network.layout.views(self.point.theta)

    @cached_property
    def zeros(self) -> int:
        """Inputs of relu and its like that stand exactly at the kink."""
        pairs = zip(self.point.objective.network.ops, self.values, strict=False)
        return sum(int(np.sum(kink == V)) for op, V in pairs for kink in op.kinks)


def trace(point: Point, earlier: Point | None = None) -> Trace:
    """Run both passes once, in fresh buffers or after an earlier batch, and keep everything."""
    network, bare = point.objective.network, replace(point.objective, penalties=())
    whole = replace(point.objective) if point.objective.penalties else bare
    upstream: list[Array] = [np.empty(0)] * len(network.ops)

    def keep(k: int, dU: Array) -> None:
        upstream[k] = dU.copy()

    with np.errstate(all="ignore"):
        if earlier is not None:
            for objective in {id(o): o for o in (bare, whole)}.values():
                _pass(objective, earlier)
        J, gradient = _pass(bare, point, keep)
        work, p = bare.workspace(point.m, DOUBLE), bare.windows(point.theta)
        first = network.first
        dV = network.ops[first].pull(p, upstream[first].copy(), work.caches[first])
        total = gradient if whole is bare else _pass(whole, point)[1]
        values = [point.X]
        for k in range(len(network.ops)):
            values.append(network.forward(p, values[k], work, k, k + 1).copy())

    g, nodes = network.layout.views(gradient), []
    for k in reversed(range(first, len(network.ops))):
        op, after = network.ops[k], k + 1
        source = after if after < len(network.ops) else None
        nodes.append(Node(op.node, op.layer, after, source, False, values[after], upstream[k]))
        for name in op.blocks:
            if network.layout.blocks[name].trained:
                nodes.append(Node(name, op.layer, k, k, True, p[name], g[name]))
    layer = network.ops[first].layer - 1
    nodes.append(Node(network.input_of(first), layer, first, first, False, values[first], dV))
    return Trace(point, J, values, upstream, gradient, total, nodes)


def _pass(objective: Objective, point: Point, watch: Watch = unwatched) -> tuple[Cost, Array]:
    """J and the gradient, in the objective's own buffer."""
    arguments = point.theta, point.X, point.Y, point.weights, point.step
    return objective(*arguments, watch)

"""One batch, to be learned by heart: what a network that can learn at all is able to do.

It is trained by L-BFGS, in float64, without penalties, dropout and changes of the examples, so
that nothing but the network, its first parameters and the loss is asked.  The batch is half as
large as one that a linear model of its narrowest layer can fit, and as mixed in Y as can be.  A
step may kill the few units of a narrow layer: so it is tried with another batch, before it is said
that none can be learned.

Of a large network only the last layers learn, from what the first parameters of the others make of
the batch: what these can, the whole network can.
"""

from dataclasses import dataclass

import numpy as np

from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.lbfgs import LBFGS
from deepnet_cli.randomness import order
from deepnet_cli.training.checking.deviance import Scale, scale_of
from deepnet_cli.training.checking.head import first_of, head_from

MOST, BATCHES = 16, 3
"""Examples in a batch, and batches that are tried, at most."""

LEARNED, LEFT = 0.9, 1e-3
"""The share that is learned of a batch that can be, and the share left at which it is enough."""

HEAD, LARGEST_HEAD = 2**21, 2**22
"""Parameters that learn, at most; and of a last layer, which is not taken apart."""

STEPS, FEWEST, NUMBERS = 150, 20, 2**25
"""Of few parameters at most and of many at least, and steps times parameters between."""


@dataclass(frozen=True)
class Fit:
    """J of so many examples before and after, and what it is held against."""

    examples: int
    layers: int  # that learned, the last ones
    before: float
    after: float
    scale: Scale

    @property
    def explained(self) -> float:
        """The share of the batch that was learned; 0 where there is nothing to learn."""
        return 0.0 if self.scale.empty else max(0.0, self.scale.explained(self.after))


def best_fit(network: Network, theta: Array, part: Part, most: int, seed: int) -> Fit:
    """The first batch that is learned, or that of which most is."""
    fits = list[Fit]()
    for number in range(BATCHES):
        batch = mixed(part.take(order(seed, "batch to fit", number, part.m)), most)
        fits.append(fit_batch(network, theta, batch))
        if fits[-1].explained >= LEARNED:
            break
    return max(fits, key=lambda fit: fit.explained)


def fit_batch(network: Network, theta: Array, part: Part) -> Fit:
    """Learn the examples of a part, from theta (P,) on."""
    X, Y = part.rows.astype(np.float64).T, part.Y.astype(np.float64)
    head, theta, X = head_from(first_of(network, HEAD), network, theta.astype(np.float64), X)
    objective = Objective(head)

    def J(theta: Array) -> tuple[float, Array]:
        cost, gradient = objective(theta, X, Y)
        return float(cost.real), gradient.copy()

    scale = scale_of(network.loss, Y)
    enough = scale.floor + LEFT * (scale.constant - scale.floor)
    rule, steps = LBFGS(memory=5), min(STEPS, max(FEWEST, NUMBERS // theta.size))
    slots = np.zeros((rule.n_slots, theta.size))
    with np.errstate(all="ignore"):
        before, gradient = J(theta)
        after = before
        for t in range(1, steps + 1):
            if not after > enough:
                break
            after, gradient = rule.step(J, theta, after, gradient, slots, t)
            if rule.converged(slots, t):
                break
    return Fit(part.m, len(head.layers), before, after, scale)


def mixed(part: Part, most: int) -> Part:
    """At most so many examples, no two of the same x, of as many different Y as there are."""
    _, different = np.unique(part.Y, axis=1, return_index=True)
    spread = different[np.linspace(0, len(different) - 1, min(most, len(different))).astype(int)]
    chosen, seen = list[int](), set[bytes]()
    for i in (*spread.tolist(), *range(part.m)):
        if len(chosen) < most and (x := part.rows[i].tobytes()) not in seen:
            seen.add(x)
            chosen.append(i)
    return part.take(np.array(chosen))

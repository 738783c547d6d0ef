"""An objective for training, where step follows step on the same buffers."""

from dataclasses import dataclass, field

import numpy as np

from deepnet_cli.fused.tape import Tape, record
from deepnet_cli.nn.losses import shares
from deepnet_cli.nn.network import Workspace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array, Cost


@dataclass(frozen=True)
class Recorded:
    """One step on a tape, and the buffers that it is of."""

    tape: Tape
    theta: Array
    X: Array
    Y: Array
    work: Workspace
    grad: Array


@dataclass(frozen=True)
class Replay:
    """(theta, X, Y, weights, step) -> (J, gradient), as the objective itself.

        The passes and products of a step are put on a tape when its buffers are first seen, and
    played from then on.  A step with anything else in it is run as it is.
    """

    objective: Objective
    _recorded: dict[int, Recorded] = field(default_factory=dict, init=False, repr=False)

    def __call__(
        self, theta: Array, X: Array, Y: Array, weights: Array | None = None, step: int = 0
    ) -> tuple[Cost, Array]:
        known = self.recorded(theta, X, Y)
        if known.tape.broken:
            return self.objective(theta, X, Y, weights, step)
        work = known.work
        if weights is not None:
            work.share[...] = shares(weights, X.shape[1])
        self.objective.network.draw(work, step)
        known.tape.play()
        J: Cost = work.J.item()
        return J, known.grad

    def recorded(self, theta: Array, X: Array, Y: Array) -> Recorded:
        """The step on these buffers, on tape where it can be."""
        m = X.shape[1]
        known = self._recorded.get(m)
        if known is None or not (known.theta is theta and known.X is X and known.Y is Y):
            known = self._recorded[m] = self._record(theta, X, Y)
        return known

    def _record(self, theta: Array, X: Array, Y: Array) -> Recorded:
        """Put a step on tape; the examples have equal shares until weights are given."""
        objective, m = self.objective, X.shape[1]
        work = objective.workspace(m, theta.dtype)
        work.share[...] = shares(None, m)
        with np.errstate(all="ignore"), record(objective.network.team) as tape:
            _, grad = objective.swept(theta, X, Y, work)
            fits = X.dtype == Y.dtype == theta.dtype and Y.flags.c_contiguous
            tape.broken |= not (fits and all(op.in_passes for op in objective.network.ops))
        return Recorded(tape, theta, X, Y, work, grad)

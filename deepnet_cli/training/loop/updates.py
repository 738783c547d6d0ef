"""The updates that training makes, by what their rule sees."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import inf, isfinite

import numpy as np

from deepnet_cli.data.dealing.batches import Batch, Hand, Run
from deepnet_cli.errors import DivergedError
from deepnet_cli.fused.reel import Reel
from deepnet_cli.fused.tape import record
from deepnet_cli.nn.health import norm
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.replay import Replay
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.clipping import Clipping
from deepnet_cli.optim.optimizers import Mover
from deepnet_cli.optim.rule import Optimizer, Rule, Search, Valued
from deepnet_cli.training.loop.state import State, Steps

Seen = Callable[[Array, Array], object]
"""Is shown S and Y (n[L], m) of a batch before its update; both are buffers."""


@dataclass
class Updates(ABC):
    """What `train` does with a run of batches."""

    state: State
    objective: Objective
    clippings: Sequence[Clipping]
    rule: Rule
    rate: Callable[[int], float]
    seen: Seen | None = None

    @cached_property
    def gradient(self) -> Replay:
        return Replay(self.objective)

    @abstractmethod
    def of(self, run: Run) -> Iterator[Steps]:
        """The updates of a run, up to where the rule converges.  Raises DivergedError."""

    @abstractmethod
    def alone(self) -> Callable[[], object]:
        """What the rule itself does in an update, at a rate of 0, to be timed."""

    @abstractmethod
    def reel(self, hand: Hand) -> Reel | None:
        """An update in machine code, from the dealing on; None where some of it is not."""

    def _check(self, cost: float, iteration: int, epoch: int) -> None:
        if trouble := not_finite(self.objective, self.state.theta, cost):
            raise DivergedError(f"{trouble} at iteration {iteration} (epoch {epoch})")


@dataclass
class Moves(Updates):
    """By a rule that sees the gradient: in machine code from the first to the last where all of it
    can be and nobody looks on, else batch by batch.
    """

    rule: Optimizer
    _reels: dict[Hand, Reel | None] = field(default_factory=dict, init=False)

    @cached_property
    def move(self) -> Mover:
        state, network = self.state, self.objective.network
        layout = network.layout
        grad = self.objective.gradient_of(state.theta.dtype)
        vectors = state.theta, grad, state.slots
        return Mover(self.rule, *vectors, layout.decaying, layout.moving, network.team)

    def of(self, run: Run) -> Iterator[Steps]:
        reel = self.reel(run.hand)
        return self._one_by_one(run) if reel is None else self._at_once(run, reel)

    def alone(self) -> Callable[[], object]:
        return partial(self.move, 0.0, 1)

    def reel(self, hand: Hand) -> Reel | None:
        if hand not in self._reels:
            self._reels[hand] = self._reel(hand)
        return self._reels[hand]

    def _one_by_one(self, run: Run) -> Iterator[Steps]:
        state = self.state
        for batch in run.batches():
            J, grad = self.gradient(state.theta, batch.X, batch.Y, batch.weights, batch.iteration)
            cost = float(J.real)
            self._check(cost, batch.iteration, batch.epoch)
            if self.seen is not None:
                self.seen(self.objective.scores(run.hand.width, state.theta.dtype), batch.Y)
            size = partial(norm, grad)
            if self.clippings:
                size = partial(float, norm(grad))
            clipped = False
            for clipping in self.clippings:
                clipped |= clipping.clip(grad)
            t = batch.iteration + 1
            self.move(self.rate(batch.iteration), t)
            self.objective.hold(state.theta)
            self.objective.track(state.theta, batch.X.shape[1])
            state.iteration = t
            yield Steps(batch.iteration, batch.epoch, (cost,), size, clipped)

    def _at_once(self, run: Run, reel: Reel) -> Iterator[Steps]:
        start, stop = run.iteration, run.iteration + run.length
        run.hand.aim(run.part, run.chosen)
        costs = reel.turn(self.move.numbers(map(self.rate, range(start, stop)), start + 1))
        made = len(costs) if isfinite(costs[-1]) else len(costs) - 1
        self.state.iteration = start + made
        if made:
            size = partial(norm, self.objective.gradient_of(self.state.theta.dtype))
            yield Steps(start + made - 1, run.epoch(made - 1), costs[:made], size)
        self._check(costs[-1], start + made, run.epoch(made))

    def _reel(self, hand: Hand) -> Reel | None:
        if self.seen is not None:
            return None
        network, theta = self.objective.network, self.state.theta
        recorded = self.gradient.recorded(theta, hand.X, hand.Y)
        with record(network.team) as dealing:
            hand.note(dealing)
        before, after = [dealing, recorded.tape], self.move.tapes
        between = network.draws or network.tracks or network.holds or self.clippings
        if between or hand.weighted or any(t.broken for t in before + after):
            return None
        return Reel(before, recorded.work.J, after)


@dataclass
class Searches(Updates):
    """By a rule that sees the objective, which is the same for every batch: the full one.

    The tape is bound to the state's theta, so that is where points are tried.  An update leaves J
    and the gradient of where it ends, and all that they were made of: the next begins with them.
    """

    rule: Search
    _left: Valued | None = field(default=None, init=False)

    def of(self, run: Run) -> Iterator[Steps]:
        state = self.state
        for batch in run.batches():
            t, f = batch.iteration + 1, partial(self._valued, batch)
            J, grad = self._left or f(state.theta)
            self._check(J, batch.iteration, batch.epoch)
            if not np.isfinite(grad).all():
                at = f"iteration {batch.iteration} (epoch {batch.epoch})"
                raise DivergedError(f"the gradient is not finite at {at}")
            if self.seen is not None:
                self.seen(self.objective.scores(run.hand.width, state.theta.dtype), batch.Y)
            self.objective.track(state.theta, batch.X.shape[1])
            size = partial(float, norm(grad))
            self._left = self.rule.step(f, state.theta, J, grad, state.slots, t)
            state.iteration = t
            yield Steps(batch.iteration, batch.epoch, (J,), size)
            if self.rule.converged(state.slots, t):
                self._left = None
                return

    def alone(self) -> Callable[[], object]:
        theta, slots = self.state.theta.copy(), self.state.slots.copy()
        g = self.objective.gradient_of(theta.dtype)
        flat = np.zeros_like(g)
        return lambda: self.rule.step(lambda _: (-inf, flat), theta, 0.0, g, slots, 1)

    def reel(self, _: Hand) -> None:
        return None

    def _valued(self, batch: Batch, theta: Array) -> Valued:
        J, grad = self.gradient(theta, batch.X, batch.Y, batch.weights, batch.iteration)
        return float(J.real), grad


UPDATES: dict[str, Callable[..., Updates]] = {"gradient": Moves, "objective": Searches}
"""By what a rule sees."""


def not_finite(objective: Objective, theta: Array, cost: float) -> str:
    """What shows that the update before this cost was a bad one; empty where nothing does.

    The cost of a batch does not depend on the running statistics, but predictions will.
    """
    if not isfinite(cost):
        return f"the cost became {cost}"
    statistics = objective.network.layout.statistics
    if statistics.start < statistics.stop and not np.isfinite(theta[statistics]).all():
        return "the running statistics of a batch norm overflowed"
    return ""

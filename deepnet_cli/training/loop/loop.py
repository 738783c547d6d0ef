"""The training loop: a generator of steps over an explicit state."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from deepnet_cli.data.dealing.batches import Run
from deepnet_cli.nn.objective import Objective
from deepnet_cli.optim.clipping import Clipping
from deepnet_cli.optim.rule import Rule
from deepnet_cli.training.loop.state import State, Steps
from deepnet_cli.training.loop.updates import UPDATES, Seen

MOST, WORK = 256, 2**27
"""Updates that are made at once, and multiplications in them."""


def train(
    state: State,
    objective: Objective,
    clippings: Sequence[Clipping],
    rule: Rule,
    rate: Callable[[int], float],
    runs: Iterable[Run],
    seen: Seen | None = None,
) -> Iterator[Steps]:
    """Make one update a batch, changing `state` in place.

    It ends before the batches do where the rule has converged.  Raises DivergedError at the first
    cost that is not finite, or where a running statistic is not; that update is not made.
    """
    updates = UPDATES[rule.sees](state, objective.fused, clippings, rule, rate, seen)
    for run in runs:
        yield from updates.of(run)
        if rule.converged(state.slots, state.iteration):
            return


def at_once(sizes: Sequence[int], m: int) -> int:
    """How many updates of layers n[0], ..., n[L] by batches of m examples take some milliseconds.

    A signal, and whoever looks on, waits so long at most; of an update that takes longer, 1.
    """
    weights = sum(inputs * units for inputs, units in pairwise(sizes))
    return min(max(WORK // (3 * max(m, 16) * weights), 1), MOST)

"""A step of training taken apart: pieces that can be timed one by one.

They are the calls that training makes, on the same buffers and in the same order.  Where it plays
a step from a tape, so is each piece; where it calls one operation after the other, each is called.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from deepnet_cli.data.dealing.batches import Batch, Run
from deepnet_cli.fused.tape import record
from deepnet_cli.fused.team import Team
from deepnet_cli.nn.losses import shares
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.products import Product
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.clipping import Clipping
from deepnet_cli.optim.rule import Rule
from deepnet_cli.training.loop.state import State
from deepnet_cli.training.loop.updates import UPDATES

Call = Callable[[], object]

FORWARD, BACKWARD = "forward", "backward"

LAYER = "layer "
"""In front of l, from 1: what the parts of a layer belong to."""


@dataclass(frozen=True)
class Part:
    """A piece of a step: what it belongs to, its way (or ""), and the call that does it."""

    of: str  # "layer 1", "loss", "optimizer", ...
    way: str
    call: Call
    played: bool = False  # from a tape


def parts_of(
    objective: Objective,
    clippings: Sequence[Clipping],
    rule: Rule,
    state: State,
    batch: Batch,
) -> list[Part]:
    """A step in order, but for the dealing of its batch; the objective is the fused one.

    The learning rate is 0: the parameters in `state` stay as they are.  A step was made before
    on the same buffers; here one is only recorded, which shows what it works on.
    """
    network, theta, (X, Y) = objective.network, state.theta, (batch.X, batch.Y)
    p, work = objective.windows(theta), objective.workspace(X.shape[1], theta.dtype)
    dU: dict[int, Array] = {}
    with record():
        _, grad = objective.swept(theta, X, Y, work, dU.__setitem__)
    g, ops, caches = network.layout.views(grad), network.ops, work.caches
    inputs = [X, *(cache.U for cache in caches)]

    def forward(steps: Sequence[int]) -> None:
        for k in steps:
            ops[k].forward(p, inputs[k], caches[k])

    def loss() -> None:
        network.loss.cost_and_gradient(inputs[-1], Y, work.share, work.dS, work.costs, work.J)

    def backward(steps: Sequence[int]) -> None:
        for k in (k for k in reversed(steps) if k >= network.first):
            ops[k].backward(p, dU[k], caches[k], g)
            if k > network.first:
                ops[k].pull(p, dU[k], caches[k])

    def share() -> None:
        work.share[...] = shares(batch.weights, X.shape[1])

    of_layer = {
        l: [k for k, op in enumerate(ops) if op.layer == l]
        for l in range(1, len(network.layers) + 1)
    }
    before = [Part("loss", FORWARD, share)] if batch.weights is not None else []
    if network.draws:
        before.append(Part("masks", FORWARD, partial(network.draw, work, 1)))
    there = [Part(f"{LAYER}{l}", FORWARD, partial(forward, ks)) for l, ks in of_layer.items()]
    back = [Part(f"{LAYER}{l}", BACKWARD, partial(backward, ks)) for l, ks in of_layer.items()]
    swept = [*there, Part("loss", FORWARD, loss), *reversed(back)]
    if objective.penalties:
        add = partial(objective.add_penalty_gradient, theta, grad)
        swept.append(Part("penalty", BACKWARD, add))
        swept.append(Part("penalty", FORWARD, partial(objective.add_penalty, theta, work.J)))
    after = [Part("clipping", "", partial(clipping.clip, grad)) for clipping in clippings]
    updates = UPDATES[rule.sees](state, objective, clippings, rule, lambda _: 0.0)
    after.append(Part("optimizer", "", updates.alone()))
    if network.holds:
        after.append(Part("max_norm", "", partial(objective.hold, theta)))
    if network.tracks:
        after.append(Part("statistics", "", partial(objective.track, theta, X.shape[1])))
    return [*before, *as_trained(swept, network.team), *after]


def dealing(run: Run, deal: Iterator[Batch], team: Team | None, *, played: bool) -> Part:
    """Filling the buffers of a batch: with those of `run`, over and over, or what comes next."""
    if not played:
        return Part("batch", "", partial(next, deal))
    with record(team) as tape:
        run.hand.note(tape)
    number = count()

    def fill() -> None:
        if next(number) % run.length == 0:
            run.hand.aim(run.part, run.chosen)
        tape.play()

    return Part("batch", "", fill, played=True)


def as_trained(parts: list[Part], team: Team | None) -> list[Part]:
    """The parts as one tape after the other, where all of them can be on tape, as in training."""
    tapes = []
    for part in parts:
        with record(team) as tape:
            part.call()
        if tape.broken:
            return parts
        tapes.append(tape)
    return [
        replace(part, call=tape.play, played=True) for part, tape in zip(parts, tapes, strict=True)
    ]


Factors = tuple[Product, Array, Array, Array]
"""A product, what it multiplies, and where to."""


@dataclass(frozen=True)
class Noted:
    """A product that notes what it was given."""

    product: Product
    seen: list[Factors]

    @property
    def name(self) -> str:
        return self.product.name

    @property
    def team(self) -> Team | None:
        return self.product.team

    def __call__(self, A: Array, B: Array, out: Array) -> Array:
        self.seen.append((self.product, A, B, out))
        return self.product(A, B, out)


def products_of(objective: Objective, state: State, batch: Batch) -> list[Factors]:
    """Every product of a step, in order."""
    network, seen = objective.network, list[Factors]()
    layers = [replace(each, multiply=Noted(each.multiply, seen)) for each in network.layers]
    noting = replace(objective, network=Network.of(network.features, layers, network.loss).fused)
    work = objective.workspace(batch.X.shape[1], state.theta.dtype)
    with record():
        noting.swept(state.theta, batch.X, batch.Y, work)
    return seen


def multiplied(products: list[Factors]) -> None:
    """Make them all."""
    for product, A, B, out in products:
        product(A, B, out)

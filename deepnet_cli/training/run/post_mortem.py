"""Where a run diverged: the updates before it are made again, and every tensor of the last is seen.

Names are those of the gradient check: Z2 and W2 on the way forward, dZ2 and dW2 on the way back.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.data.dealing.batches import Batch
from deepnet_cli.errors import DataError, DivergedError, listed
from deepnet_cli.nn.health import norm
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.environment import environment
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.kept.sealed import open_sealed
from deepnet_cli.training.loop.loop import at_once, train

NAME = "diverged.h5"

SHOWN = 5
"""Iterations before the last that are told of."""


@dataclass(frozen=True)
class NotFinite:
    """The first tensor that is not finite, and `rows` of the training file that the batch was of,
    those that made it so in `by`; both are empty where x stays in its file.
    """

    iteration: int
    epoch: int
    tensor: str
    layer: int
    way: str  # forward, backward or update
    bad: int  # entries that are not finite
    size: int
    rows: tuple[int, ...] = ()
    by: tuple[int, ...] = ()

    @property
    def told(self) -> str:
        """In a line or two."""
        of = "" if self.tensor == "J" else f" of layer {self.layer}"
        told = f"{self.tensor}{of}, {self.way}, at iteration {self.iteration} (epoch {self.epoch})"
        told += f": {self.bad:,} of its {self.size:,} entries"
        if not self.by:
            return told
        rows = f"{len(self.by):,} of the {len(self.rows):,} examples in the batch"
        return f"{told}, by {rows}, rows {listed(map(str, self.by))} of the training file"


class Last(NamedTuple):
    """An iteration: J, and the norms of its gradient and of theta before its update."""

    iteration: int
    cost: float
    gradient_norm: float
    theta_norm: float


@dataclass(frozen=True)
class PostMortem:
    """The updates up to iteration `end`, whose cost was not finite: what came last, and what was
    found; None where all of it is finite.
    """

    end: int
    last: list[Last]
    finding: NotFinite | None

    def bundle(self, job: Job, start: Progress, config: str) -> bytes:
        """The file NAME: the checkpoint to start from, and what is found from there on."""
        found = None if self.finding is None else asdict(self.finding)
        diverged = json.dumps({"end": self.end, "found": found})
        return start.to_bytes(job, config, environment(job), diverged=diverged)


def recorded(path: Path) -> tuple[int, NotFinite | None]:
    """The end and the finding in a bundle.  Raises DataError."""
    with open_sealed(path, "checkpoint") as source:
        text = source.text("diverged")
    try:
        tree = json.loads(text)
        found, end = tree["found"], int(tree["end"])
        if found is not None:
            found = NotFinite(**found | {name: tuple(found[name]) for name in ("rows", "by")})
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{path}: attribute 'diverged' does not say what was found") from None
    return end, found


def post_mortem(job: Job, start: Progress, end: int) -> PostMortem:
    """Make the updates from a good progress on again and look for the first tensor that is not
    finite.  The progress stays as it is.
    """
    space, state, last = start.space, start.state.copy(), list[Last]()
    most = at_once(space.objective.network.sizes, job.batches.size)

    def rate(iteration: int) -> float:
        return job.rate(iteration, start.reductions.made)

    def update(until: int) -> None:
        runs = space.batches.runs(state.iteration, until, lambda _: most)
        for _ in train(state, space.objective, job.clippings, job.rule, rate, runs):
            pass

    plain, found = replace(space.objective), None
    try:
        update(max(state.iteration, end - SHOWN))
        while found is None and state.iteration <= end:
            (batch,) = space.batches.deal(state.iteration, state.iteration + 1)
            J, grad, found = _looked(job, plain, state.theta, batch)
            last.append(Last(batch.iteration, J, norm(grad), norm(state.theta)))
            if found is not None or state.iteration == end:
                break
            update(state.iteration + 1)
            after = plain.network.layout.views(state.theta).items()
            found = _first(
                job, batch, (Tensor(name, layer_of(name), "update", V) for name, V in after)
            )
    except DivergedError:  # the plain steps round otherwise than those that were made
        pass
    return PostMortem(end, last, found)


class Tensor(NamedTuple):
    """A tensor, of layer l; whether it has a column an example."""

    name: str
    layer: int
    way: str
    value: Array
    by_example: bool = False


def layer_of(block: str) -> int:
    """W2 is of layer 2."""
    return int(block.lstrip("abcdefghijklmnopqrstuvwxyzW"))


def _looked(
    job: Job, plain: Objective, theta: Array, batch: Batch
) -> tuple[float, Array, NotFinite | None]:
    """J and the gradient of an iteration, and the first tensor in it that is not finite."""
    network, back = plain.network, list[tuple[int, Array]]()
    arguments = theta, batch.X, batch.Y, batch.weights, batch.iteration
    J, grad = plain(*arguments, lambda k, dU: back.append((k, dU.copy())))

    def tensors() -> Iterator[Tensor]:
        work, p, V = plain.workspace(batch.X.shape[1], theta.dtype), plain.windows(theta), batch.X
        yield Tensor("X", 1, "forward", V, by_example=True)
        for k, op in enumerate(network.ops):
            V = network.forward(p, V, work, k, k + 1)
            yield Tensor(op.node, op.layer, "forward", V, by_example=True)
        yield Tensor("J", len(network.layers), "forward", work.costs, by_example=True)
        yield Tensor("J", len(network.layers), "forward", np.array([J.real]))  # with penalties
        g = network.layout.views(grad)
        for k, dU in back:
            op = network.ops[k]
            yield Tensor(f"d{op.node}", op.layer, "backward", dU, by_example=True)
            yield from (Tensor(f"d{name}", op.layer, "backward", g[name]) for name in op.blocks)

    with np.errstate(all="ignore"):
        return float(J.real), grad, _first(job, batch, tensors())


def _first(job: Job, batch: Batch, tensors: Iterator[Tensor]) -> NotFinite | None:
    for seen in tensors:
        bad = ~np.isfinite(seen.value)
        if bad.any():
            rows = _rows(job, batch.iteration)
            by = np.sort(rows[bad.any(axis=0)]) if seen.by_example and len(rows) else rows[:0]
            return NotFinite(
                batch.iteration,
                batch.epoch,
                seen.name,
                seen.layer,
                seen.way,
                int(bad.sum()),
                bad.size,
                tuple(rows.tolist()),
                tuple(by.tolist()),
            )
    return None


def _rows(job: Job, iteration: int) -> Array:
    """Those of the training file that an iteration's batch is of; none where x stays there."""
    if not job.batches.part.held:
        return np.arange(0)
    (run,) = job.batches.runs(iteration, iteration + 1)
    selection = job.dataset.selections.get("train")
    numbers: Array = run.chosen if selection is None else selection.numbers[run.chosen]
    return numbers

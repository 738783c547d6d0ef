"""The space that the state of a run moves in: theta's own, or the span of the examples.

`enter` takes vectors (..., P) of the user's network into it, `lift` takes vectors (..., P')
back: a theta, or the slots of an optimizer.  What is measured, kept and written for others
is lifted.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.parameters import Layout
from deepnet_cli.nn.span import Span, factored
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Space:
    """What training calls and deals; here theta is its own image."""

    objective: Objective
    batches: Batches

    @cached_property
    def digest(self) -> str:
        """Of the directions of the space; empty for theta's own."""
        return ""

    def enter(self, vectors: Array) -> Array:
        """The image of vectors (..., P)."""
        return vectors

    def lift(self, vectors: Array) -> Array:
        """The vectors (..., P) of an image: new ones."""
        return vectors.copy()


@dataclass(frozen=True)
class Spanned(Space):
    """W[1] in the coordinates of a span (nn/span.py); the rest of theta as it is."""

    whole: Layout  # of the user's network
    span: Span

    @cached_property
    def digest(self) -> str:
        digest = hashlib.sha256()
        for directions in (self.span.Q.T, self.span.D):
            digest.update(np.ascontiguousarray(directions).data)
        return digest.hexdigest()

    def enter(self, vectors: Array) -> Array:
        return _mapped(self.span.enter, vectors, self.whole)

    def lift(self, vectors: Array) -> Array:
        return _mapped(self.span.lift, vectors, self.objective.network.layout)


def space_of(job: Job, theta: Array) -> Space:
    """The space that a job's training moves in, and that holds theta (P,)."""
    objective, batches = job.objective, job.batches
    if job.reduced is None:
        return Space(objective, batches)
    part = batches.part.sample(batches.part.m, job.config.seed, "span")  # all of it
    with np.errstate(all="ignore"):  # what overflows shows in the first cost
        Q, rows = factored(part.rows)
        span = Span.through(Q, job.network.layout.views(theta)["W1"])
    network = Network.of(job.reduced, job.network.layers, job.network.loss)
    objective = replace(objective, network=network)
    batches = replace(batches, part=Part(rows, part.Y, part.weights))
    return Spanned(objective, batches, job.network.layout, span)


def _mapped(f: Callable[[Array], Array], vectors: Array, layout: Layout) -> Array:
    """vectors (..., P) of a layout with f of their W1, which stands first."""
    lead, (units, features) = vectors.shape[:-1], layout.shapes["W1"]
    first, rest = np.split(vectors, [units * features], axis=-1)
    with np.errstate(all="ignore"):  # what overflows shows in a cost
        W = f(first.reshape(*lead, units, features))
    return np.concatenate([W.reshape(*lead, units * W.shape[-1]), rest], axis=-1)

"""A job to be checked, and the examples that it is checked with.

What is tried has to end in a few seconds, whatever the size of the network and the data: so it is
tried with fewer examples where they are many.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from deepnet_cli.config.architecture import build_network
from deepnet_cli.config.job import Job
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.training.checking.fitting import HEAD, LARGEST_HEAD, MOST, Fit, best_fit
from deepnet_cli.training.checking.head import first_of

EXAMPLES, VALUES = 2000, 2**22
"""In the sample, at most, and features times examples."""

MULTIPLICATIONS = 2**26
"""Of a forward pass over a batch that is tried."""

FITTING, MEASURING = 2**24, 2**33
"""Over one that is learned by heart, and over the examples of which J is taken once."""

PARAMETERS, LARGEST = 2**21, 2**26
"""Of a network with which as much is tried as there is to try, and of one with which updates are
tried at all: in between the fewer, the more it has.
"""

FEWEST = 32
"""Examples in a batch, where the whole one has as many: what moves all parameters takes as long
with these as with one.
"""


@dataclass(frozen=True)
class Subject:
    """A job, its first parameters and a sample of its training examples."""

    job: Job

    @cached_property
    def theta(self) -> Array:
        """(P,)"""
        return self.job.initial_theta()

    @cached_property
    def sample(self) -> Part:
        """As the network sees them."""
        part = self.job.batches.part
        count = max(FEWEST, min(EXAMPLES, VALUES // part.features))
        return part.sample(count, self.job.config.seed, "check")

    @property
    def share(self) -> float:
        """Of the updates that would be tried with a smaller network."""
        return min(1.0, PARAMETERS / self.theta.size)

    @property
    def too_large(self) -> str:
        """Why nothing is tried that passes over all parameters many times, or nothing."""
        P = self.theta.size
        return f"left out: with {P:,} parameters it takes minutes" if P > LARGEST else ""

    @property
    def standardized(self) -> bool:
        """Whether every feature has mean 0 and deviation 1 already."""
        return self.job.dataset.encoding.inputs.scaling.name == "standardize"

    @property
    def weights(self) -> int:
        """Multiplications of a forward pass for each example."""
        shapes = self.job.network.layout.shapes
        return sum(prod(shape) for name, shape in shapes.items() if name.startswith("W"))

    def affordable(self, multiplications: int = MULTIPLICATIONS) -> int:
        """Examples in a batch for so many multiplications."""
        return max(FEWEST, multiplications // self.weights)

    @cached_property
    def tried(self) -> Job:
        """The job with batches that can be tried over and over: its own where they are in memory
        and not too large.
        """
        batches, most = self.job.batches, self.affordable()
        if batches.part.held and batches.size <= most:
            return self.job
        part, size = self.sample, min(batches.size, most, self.sample.m)
        if batches.size == batches.part.m:  # a full batch stays one
            part = part.sample(size, self.job.config.seed, "check")
            size = part.m
        return replace(self.job, batches=replace(batches, part=part, size=size), reduced=None)

    @cached_property
    def exact(self) -> Objective:
        """The objective in float64, by plain products."""
        compute = self.job.config.compute.model_copy(update={"precision": "float64"})
        config = self.job.config.model_copy(update={"compute": compute})
        network = build_network(config, self.job.network.features)
        return replace(self.job.objective, network=network)

    @cached_property
    def fit(self) -> Fit | None:
        """What became of a batch to be learned by heart; None where the last layer is too large."""
        if self.learning > LARGEST_HEAD:
            return None
        most = max(2, (min(self.job.network.sizes[:-1]) + 1) // 2)
        most = min(most, MOST, self.affordable(FITTING))
        return best_fit(self.bare, self.theta, self.sample, most, self.job.config.seed)

    @property
    def learning(self) -> int:
        """Parameters of the last layers, which learn a batch by heart."""
        layout = self.bare.layout
        return layout.size - layout.until(first_of(self.bare, HEAD) - 1).size

    @cached_property
    def bare(self) -> Network:
        """Its network without what stands in the way of a fit, dropout."""
        network = self.exact.network
        layers = [replace(each, dropout=0.0, alpha_dropout=0.0) for each in network.layers]
        return Network.of(network.features, layers, network.loss)

"""A look at the layers of a run between two of its updates, of which nothing in the run changes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from deepnet_cli.config.job import Job
from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.errors import DivergedError
from deepnet_cli.nn.health import LayerHealth, health
from deepnet_cli.training.kept.progress import Progress
from deepnet_cli.training.loop.loop import train

EXAMPLES = 256
"""Of the training part, about: by fewer, a unit that is often 0 looks dead."""


class Checkup:
    """The health of a job's layers, by a sample of its training examples that is drawn once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._sample: Part | None = None

    def of(self, progress: Progress, rate: Callable[[int], float]) -> list[LayerHealth]:
        """As they are, and with the next update; where x stays in its file, with one by the sample.

        In the space that training moves in, which leaves every norm as it is.
        """
        space, state = progress.space, progress.state
        sample = self._sample = self._sample or space.batches.part.sample(
            EXAMPLES, self.job.config.seed, "health"
        )
        batches, t, after = space.batches, state.iteration, state.copy()
        if not batches.part.held:
            batches = Batches(sample, sample.m, self.job.config.seed, shuffle=False)
        how = replace(space.objective), self.job.clippings, self.job.rule, rate
        with suppress(DivergedError):  # of a cost that is not finite: no update is made
            for _ in train(after, *how, batches.runs(t, t + 1)):
                pass
        seen = sample.X, sample.Y, sample.weights, t
        return health(space.objective, state.theta, *seen, after=after.theta)

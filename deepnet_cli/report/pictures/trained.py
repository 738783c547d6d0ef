"""A run or a model, as pictures see it: each file is read when a picture asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from deepnet_cli.data.reading.tables import Location
from deepnet_cli.errors import ConfigError, one_line
from deepnet_cli.training.kept.inspecting import Run, inspect_run
from deepnet_cli.training.kept.model import Model, load_model
from deepnet_cli.training.loop.history import History
from deepnet_cli.training.results.outcomes import Outcomes, outcomes, outcomes_of

LONGEST_LABEL = 28


def labels(paths: Sequence[Path]) -> list[str]:
    """How runs are told apart: by their own names where these differ, else by more of the path."""
    whole = [path.resolve() for path in paths]
    for n in range(1, max(len(path.parts) for path in whole)):
        names = [str(Path(*path.parts[-n:])) for path in whole]
        if len(set(names)) == len(names):
            break
    return [one_line(name)[-LONGEST_LABEL:] for name in names]


class Measured(Protocol):
    """What was measured on examples."""

    @property
    def outcomes(self) -> Outcomes:
        """What the network said of them."""


@dataclass(frozen=True)
class Trained:
    """What is at `path`, called `label`.

    Its outcomes are of the examples at `data`, or of a part of the run's own: that which is named,
    else one that was held out.  `image` is the shape of an example, where the file does not say it.
    """

    path: Path
    label: str
    data: Location | None = None
    part: str | None = None
    image: tuple[int, ...] | None = None

    def check(self) -> None:
        """Raise DataError where there is neither a run nor a model."""
        _ = self.model if self.run is None else self.run

    @cached_property
    def run(self) -> Run | None:
        """None where it is a model file.  Raises DataError where it is a directory and no run."""
        return inspect_run(self.path) if self.path.is_dir() else None

    @property
    def history(self) -> History:
        """The rows so far; none of a model by itself."""
        return self.run.history if self.run is not None else History()

    @cached_property
    def model(self) -> Model:
        """Raises DataError where the run has not ended."""
        return load_model(self.path)

    @cached_property
    def outcomes(self) -> Outcomes:
        """Raises DataError where the examples cannot be read or are others."""
        if self.data is not None:
            return outcomes_of(self.model, self.model.table(self.data, labelled=True))
        if self.run is None:
            raise ConfigError(
                f"{self.path}: a model file names no data; give labelled data by --data"
            )
        return outcomes(self.path, self.part)

    @property
    def examples(self) -> str:
        """Which ones the outcomes are of."""
        found = self.outcomes
        part = found.part if self.data is None else one_line(self.data.file.name)
        if found.m < found.of:
            return f"{part}, {found.m:,} of {found.of:,} examples"
        return f"{part}, {found.m:,} example{'s' * (found.m != 1)}"

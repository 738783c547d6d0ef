"""A run in Python: what stands in its directory, read when it is asked for."""

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepnet_cli.api.given import PathGiven, path_of
from deepnet_cli.api.model import Model, load
from deepnet_cli.errors import ConfigError, did_you_mean
from deepnet_cli.files import write_file
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept import inspecting
from deepnet_cli.training.loop.history import Row

if TYPE_CHECKING:
    from deepnet_cli.report.pictures.panels import Panel

WHOLE = ("iteration", "epoch")


class History(dict[str, Array]):
    """The columns of history.csv, (rows,) each: iteration, epoch, cost, val_cost, ..."""

    @classmethod
    def of(cls, rows: list[Row]) -> "History":
        """Its rows by column; a figure that a row lacks is nan."""
        names = dict.fromkeys(chain.from_iterable(rows))
        types = {name: np.int64 if name in WHOLE else np.float64 for name in names}
        return cls(
            {name: np.array([row.get(name, nan) for row in rows], types[name]) for name in names}
        )

    def to_pandas(self) -> Any:
        """A pandas.DataFrame whose index is the iteration."""
        import pandas

        return pandas.DataFrame(self).set_index("iteration")


class Picture:
    """What `deepnet plot` draws; a notebook shows it."""

    def __init__(self, panels: Sequence["Panel"], title: str) -> None:
        self._panels, self._title = panels, title

    def _repr_png_(self) -> bytes:
        return self._written("png")

    def _written(self, kind: str) -> bytes:
        from deepnet_cli.report.pictures.drawing import picture

        return picture(self._panels, self._title, kind)

    def save(self, path: PathGiven) -> None:
        """Write it to FILE.png, FILE.svg or FILE.pdf.  Raises ConfigError and MachineError."""
        from deepnet_cli.report.pictures.style import format_of

        write_file(path_of(path), self._written(format_of(path_of(path))))


class Run:
    """A run directory.  Raises DataError where it is none.

    `model` is there when the run has ended, or was stopped.
    """

    def __init__(self, path: PathGiven) -> None:
        self._found = inspecting.inspect_run(path_of(path))

    def __repr__(self) -> str:
        reason = self.summary.get("reason", "has not ended")
        return f"<deepnet run {self.path}: {reason}>"

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._found.path

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json says; nothing while the run goes on."""
        return self._found.summary

    @property
    def stopped(self) -> str | None:
        """completed, early, target, converged, time, interrupted or diverged."""
        return self.summary.get("stopped")

    @property
    def figures(self) -> dict[str, Figures]:
        """{"train": {"cost": ..., "accuracy": ...}, "validation": ..., "test": ...}"""
        return self._found.figures

    @cached_property
    def history(self) -> History:
        """The logged iterations, column by column."""
        return History.of(self._found.history.rows)

    @cached_property
    def model(self) -> Model:
        """The trained network.  Raises DataError while there is none."""
        return load(self.path)

    def plot(self, *kinds: str, smooth: float = 0.0, log: bool | None = None) -> Picture:
        """What `deepnet plot` draws: "cost", "confusion", ..., or without a kind an overview.

        `smooth` and `log` are as --smooth and --log.

        Raises ConfigError where the run has no such picture.
        """
        from deepnet_cli.report.pictures import registry, trained
        from deepnet_cli.report.pictures.histories import Look

        for kind in kinds:
            if kind not in registry.PICTURES:
                near = did_you_mean(kind, registry.PICTURES)
                known = ", ".join(registry.PICTURES)
                raise ConfigError(f"there is no picture '{kind}'{near} (one of {known})")
        if not 0 <= smooth < 1:
            raise ConfigError(f"smooth={smooth}: expected 0 <= smooth < 1")
        (label,) = trained.labels([self.path])
        runs, look = [trained.Trained(self.path, label)], Look(smooth, log)
        found = registry.panels_of(kinds, runs, look) if kinds else registry.overview(runs, look)[0]
        panels = [panel for each in found.values() for panel in each]
        return Picture(panels, registry.heading(found, runs))

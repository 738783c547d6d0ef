"""A trained network in Python."""

from pathlib import Path
from typing import Any

import numpy as np

from deepnet_cli.api.given import PathGiven, code_of, path_of
from deepnet_cli.data.reading.arrays import table_of
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import ConfigError
from deepnet_cli.files import read_file, write_file
from deepnet_cli.nn.types import Array
from deepnet_cli.threads import fitting, limited
from deepnet_cli.training.kept.model import model_file, model_of
from deepnet_cli.training.results.assessment import assess
from deepnet_cli.training.results.predictions import predictions


def load(path: PathGiven, *, code: PathGiven | None = None) -> "Model":
    """The model of a run directory or a model file; `code` as --code.

    Raises DataError where there is none that can be used.
    """
    with code_of(code):
        file = model_file(path_of(path))
        return Model(read_file(file), file)


class Model:
    """A network with its parameters and all that predicting needs: what model.h5 holds.

    X is (m, n), an example a row, or (m, ...): as the training file had it, unscaled.  It is
    pickled as the bytes of model.h5.
    """

    def __init__(self, content: bytes, path: PathGiven = "model.h5") -> None:
        self._content, self._path = content, Path(path)
        self._model = model_of(content, self._path)

    def __reduce__(self) -> tuple[type["Model"], tuple[bytes, Path]]:
        return Model, (self._content, self._path)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self._model.network.sizes))
        return f"<deepnet model {sizes}, {self._model.network.loss.name}>"

    @property
    def classes(self) -> Array | None:
        """The labels (K,) as they stood in y, in the order of the columns of `predict_proba`; None
        of a network that tells no classes apart.
        """
        classes = self._model.encoding.classes
        return None if classes is None else np.array(classes.values)

    @property
    def class_names(self) -> tuple[str, ...]:
        """How the classes are called, where the training file says so; else their labels."""
        classes = self._model.encoding.classes
        return () if classes is None else classes.names

    @property
    def parameters(self) -> dict[str, Array]:
        """Copies of W1 (n[1], n[0]), b1 (n[1], 1), ..."""
        views = self._model.network.layout.views(self._model.theta)
        return {name: block.copy() for name, block in views.items()}

    def predict(self, X: Any) -> Array:
        """Labels (m,), numbers (m,) or (m, K); flags (m, K) where y has several labels an example.

        Raises DataError where X does not fit.
        """
        return self._predicted(X, "predictions")

    def predict_proba(self, X: Any) -> Array:
        """The probability (m, K) of each class, or of each label.

        Raises DataError where X does not fit, and ConfigError of a network that knows none.
        """
        A = self._predicted(X, "probabilities")
        if self.classes is not None and A.shape[1] == 1:
            return np.concatenate([1 - A, A], axis=1)
        return A

    def decision_function(self, X: Any) -> Array:
        """Scores (m, K), of two classes (m, 1), of a network whose loss knows no probabilities."""
        return self._predicted(X, "scores")

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """The cost and every metric, as `deepnet evaluate --json` has them without intervals.

        Raises DataError where X or y does not fit.
        """
        table = table_of(X, y, sample_weight)
        with self._threads(table):
            return assess(self._model, table, resampled=False).figures

    def save(self, path: PathGiven) -> None:
        """Write a model file.  Raises MachineError."""
        write_file(path_of(path), self._content)

    def _predicted(self, X: Any, name: str) -> Array:
        table = table_of(X)
        with self._threads(table):
            found = [block.arrays for block in predictions(self._model, table)]
        if name not in found[0]:
            loss, there = self._model.network.loss.name, " and ".join(found[0])
            raise ConfigError(f"a network with loss {loss} has no {name}; it has {there}")
        return np.concatenate([block[name] for block in found])

    def _threads(self, table: Table) -> Any:
        return limited(fitting(self._model.network.sizes, table.m))

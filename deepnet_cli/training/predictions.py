"""What a model says of examples, in the forms in which it is handed out.

HDF5    /predictions (m,) and /probabilities (m, K), (m, 1) for two classes;
        for numbers /predictions (m,) or (m, K); /class_names where there are classes
CSV     prediction, then a probability for each class (for two: of class 1);
        for several quantiles one column each

Where the loss knows no probabilities the scores stand in their place, and are called so.
"""

import csv
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from typing import Any

import h5py
import numpy as np

from deepnet_cli.data.decimals import WIDTH, decimals
from deepnet_cli.data.hdf5 import hdf5_bytes
from deepnet_cli.data.labels import Classes
from deepnet_cli.data.tables import Table
from deepnet_cli.fused.blocks import BLOCK, blocks
from deepnet_cli.nn.types import Array
from deepnet_cli.training.model import Model


@dataclass(frozen=True)
class Predictions:
    """decided: class indices (m,), multilabel 0 or 1 (m, K), or numbers (m,) or (m, K);
    outputs (m, K), what the classes were told apart by.
    """

    decided: Array
    outputs: Array | None
    classes: Classes | None
    scored: bool = False  # the outputs are scores, and no probabilities
    columns: tuple[str, ...] = ()  # of numbers, where each is of its own kind

    @classmethod
    def of(cls, model: Model, table: Table) -> "Predictions":
        """Predict for a table's rows.  Raises DataError where they do not fit the model."""
        A = model.outputs(table).T
        if model.encoding.classes is not None or model.encoding.target == "binary":
            decided = model.decisions(A.T).T
            return cls(decided, A, model.encoding.classes, model.network.loss.scored)
        columns = model.network.loss.columns
        return cls(A[:, 0] if A.shape[1] == 1 else A, None, None, columns=columns)

    @property
    def values(self) -> Array:
        """Predictions in the type that y has: class labels, or numbers."""
        return self.decided if self.classes is None else self.classes.labels(self.decided)

    def to_hdf5(self) -> bytes:
        """The bytes of an HDF5 file."""

        def fill(file: Any) -> None:
            values = self.values
            text = values.dtype.kind in "US"
            file["predictions"] = values.astype(h5py.string_dtype()) if text else values
            if self.outputs is not None:
                file["scores" if self.scored else "probabilities"] = self.outputs
            if self.classes is not None:
                file["class_names"] = np.array(self.classes.names, h5py.string_dtype())

        return hdf5_bytes(fill)

    def to_csv(self) -> bytes:
        """A header, and a line an example; classes by name."""
        K = self.decided[0].size
        head = [*self.columns] or (["prediction"] if K == 1 else _numbered("prediction", K))
        if self.outputs is not None:
            head += self._output_names(self.outputs.shape[1])
        at_a_time = max(1, BLOCK // len(head))
        lines = (self._lines(i) for i in blocks(len(self.decided), at_a_time))
        return b"".join([_line(head), *lines])

    def _lines(self, i: slice) -> bytes:
        """The lines of some examples: each cell with a comma behind it, the last one's replaced."""
        decided = self.decided[i]
        cells = [_numbers(decided) if decided.dtype.kind == "f" else self._names[decided]]
        if self.outputs is not None:
            cells.append(_numbers(self.outputs[i]))
        lines = np.concatenate([c.reshape(len(decided), -1) for c in cells], axis=1)
        lines[:, -1] = ord("\n")
        return lines.tobytes().translate(None, b"\0")

    @cached_property
    def _names(self) -> Array:
        """Bytes (K, width): how each class is written, with a comma."""
        names = self.classes.names if self.classes is not None else ("0", "1")
        return np.array([_line([name, ""])[:-1] for name in names])[:, np.newaxis].view(np.uint8)

    def to_json(self) -> dict[str, object]:
        """predictions, probabilities or scores, and class_names as lists."""
        told: dict[str, object] = {"predictions": self.values.tolist()}
        if self.outputs is not None:
            told["scores" if self.scored else "probabilities"] = self.outputs.tolist()
        if self.classes is not None:
            told["class_names"] = list(self.classes.names)
        return told

    def _output_names(self, K: int) -> list[str]:
        word = "score" if self.scored else "probability"
        if self.classes is None:
            return _numbered(word, K)
        names = self.classes.names[1:] if K == 1 else self.classes.names
        return [f"{word}_{name}" for name in names]


def _numbered(word: str, K: int) -> list[str]:
    return [f"{word}_{k}" for k in range(1, K + 1)]


def _numbers(values: Array) -> Array:
    """Bytes (entries, WIDTH + 1): each of the values with a comma."""
    cells = np.full((values.size, WIDTH + 1), ord(","), np.uint8)
    cells[:, :WIDTH] = decimals(values.ravel())
    return cells


def _line(cells: list[str]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()

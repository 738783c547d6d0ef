"""What a model says of examples, in the forms in which it is handed out.

HDF5    /predictions (m,) and /probabilities (m, K), (m, 1) for two classes;
        for numbers /predictions (m,) or (m, K); /class_names where there are classes
CSV     prediction, then a probability for each class (for two: of class 1)
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
    probabilities (m, K) where the network gives them.
    """

    decided: Array
    probabilities: Array | None
    classes: Classes | None

    @classmethod
    def of(cls, model: Model, table: Table) -> "Predictions":
        """Predict for a table's rows.  Raises DataError where they do not fit the model."""
        A = model.outputs(table).T
        if model.encoding.classes is not None:
            return cls(model.decisions(A.T), A, model.encoding.classes)
        if model.encoding.target == "binary":
            return cls((A > 0.5).astype(np.int64), A, None)
        return cls(A[:, 0] if A.shape[1] == 1 else A, None, None)

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
            if self.probabilities is not None:
                file["probabilities"] = self.probabilities
            if self.classes is not None:
                file["class_names"] = np.array(self.classes.names, h5py.string_dtype())

        return hdf5_bytes(fill)

    def to_csv(self) -> bytes:
        """A header, and a line an example; classes by name."""
        K = self.decided[0].size
        head = ["prediction"] if K == 1 else _numbered("prediction", K)
        if self.probabilities is not None:
            head += self._probability_names(self.probabilities.shape[1])
        at_a_time = max(1, BLOCK // len(head))
        lines = (self._lines(i) for i in blocks(len(self.decided), at_a_time))
        return b"".join([_line(head), *lines])

    def _lines(self, i: slice) -> bytes:
        """The lines of some examples: each cell with a comma behind it, the last one's replaced."""
        decided = self.decided[i]
        cells = [_numbers(decided) if decided.dtype.kind == "f" else self._names[decided]]
        if self.probabilities is not None:
            cells.append(_numbers(self.probabilities[i]))
        lines = np.concatenate([c.reshape(len(decided), -1) for c in cells], axis=1)
        lines[:, -1] = ord("\n")
        return lines.tobytes().translate(None, b"\0")

    @cached_property
    def _names(self) -> Array:
        """Bytes (K, width): how each class is written, with a comma."""
        names = self.classes.names if self.classes is not None else ("0", "1")
        return np.array([_line([name, ""])[:-1] for name in names])[:, np.newaxis].view(np.uint8)

    def to_json(self) -> dict[str, object]:
        """predictions, probabilities and class_names as lists."""
        told: dict[str, object] = {"predictions": self.values.tolist()}
        if self.probabilities is not None:
            told["probabilities"] = self.probabilities.tolist()
        if self.classes is not None:
            told["class_names"] = list(self.classes.names)
        return told

    def _probability_names(self, K: int) -> list[str]:
        if self.classes is None:
            return _numbered("probability", K)
        names = self.classes.names[1:] if K == 1 else self.classes.names
        return [f"probability_{name}" for name in names]


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

"""What a model says of examples, in the forms in which it is handed out.

HDF5    /predictions (m,) and /probabilities (m, K), (m, 1) for two classes;
        for numbers /predictions (m,) or (m, K); /class_names where there are classes
CSV     prediction, then a probability for each class (for two: of class 1);
        for several quantiles one column each

Where the loss knows no probabilities the scores stand in their place, and are called so.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from typing import BinaryIO

import h5py
import numpy as np

from deepnet_cli.data.decimals import WIDTH, decimals
from deepnet_cli.data.files.hdf5 import hdf5_in
from deepnet_cli.data.reading.labels import Classes
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.fused.blocks import BLOCK, blocks
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.model import Model


@dataclass(frozen=True)
class Predictions:
    """Of some examples.  decided: class indices (m,), multilabel 0 or 1 (m, K), or numbers (m,) or
    (m, K); outputs (m, K), what the classes were told apart by.
    """

    decided: Array
    outputs: Array | None
    classes: Classes | None
    scored: bool = False  # the outputs are scores, and no probabilities
    columns: tuple[str, ...] = ()  # of numbers, where each is of its own kind
    names: tuple[str, ...] = ()  # of the columns of y, where it holds no classes

    @property
    def values(self) -> Array:
        """Predictions in the type that y has: class labels, or numbers."""
        return self.decided if self.classes is None else self.classes.labels(self.decided)

    @property
    def arrays(self) -> dict[str, Array]:
        """What there is for each example, by name."""
        if self.outputs is None:
            return {"predictions": self.values}
        return {"predictions": self.values, self._outputs: self.outputs}

    @property
    def head(self) -> list[str]:
        """The names of the columns of a CSV file."""
        K = self.decided[0].size
        head = [*self.columns] or (["prediction"] if K == 1 else self._named("prediction", K))
        if self.outputs is not None:
            head += self._output_names(self.outputs.shape[1])
        return head

    def lines(self) -> Iterator[bytes]:
        """A line an example, many at a time; classes by name."""
        for i in blocks(len(self.decided), max(1, BLOCK // len(self.head))):
            yield self._lines(i)

    @property
    def _outputs(self) -> str:
        return "scores" if self.scored else "probabilities"

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

    def _named(self, word: str, K: int) -> list[str]:
        return [f"{word}_{name}" for name in self.names or range(1, K + 1)]

    def _output_names(self, K: int) -> list[str]:
        word = "score" if self.scored else "probability"
        if self.classes is None:
            return self._named(word, K)
        names = self.classes.names[1:] if K == 1 else self.classes.names
        return [f"{word}_{name}" for name in names]


def predictions(model: Model, table: Table) -> Iterator[Predictions]:
    """For a table's rows, block by block.  Raises DataError where they do not fit the model."""
    loss, classes, names = model.network.loss, model.encoding.classes, model.encoding.names
    told_apart = classes is not None or model.encoding.target == "binary"
    for outputs in model.outputs(table):
        A = outputs.T
        if told_apart:
            yield Predictions(model.decisions(outputs).T, A, classes, loss.scored, names=names)
        else:
            A = A[:, 0] if A.shape[1] == 1 else A
            yield Predictions(A, None, None, columns=loss.columns, names=names)


def as_csv(found: Iterable[Predictions]) -> Iterator[bytes]:
    """A header, and a line an example."""
    for k, block in enumerate(found):
        if not k:
            yield _line(block.head)
        yield from block.lines()


def as_lists(found: Iterable[Predictions]) -> dict[str, object]:
    """predictions, probabilities or scores, and class_names as lists."""
    told: dict[str, list[object]] = {}
    names: dict[str, object] = {}
    for block in found:
        for name, values in block.arrays.items():
            told.setdefault(name, []).extend(values.tolist())
        if block.classes is not None:
            names = {"class_names": list(block.classes.names)}
    return told | names


def to_hdf5(found: Iterable[Predictions], m: int, file: BinaryIO) -> None:
    """Write those of m examples into an empty file, as HDF5."""
    at = 0
    with hdf5_in(file) as hdf5:
        for block in found:
            for name, values in block.arrays.items():
                text = values.dtype.kind in "US"
                if not at:
                    dtype = h5py.string_dtype() if text else values.dtype
                    hdf5.create_dataset(name, (m, *values.shape[1:]), dtype)
                stop = at + len(values)
                hdf5[name][at:stop] = values.astype(object) if text else values
            if block.classes is not None and not at:
                hdf5["class_names"] = np.array(block.classes.names, h5py.string_dtype())
            at = stop


def _numbers(values: Array) -> Array:
    """Bytes (entries, WIDTH + 1): each of the values with a comma."""
    cells = np.full((values.size, WIDTH + 1), ord(","), np.uint8)
    cells[:, :WIDTH] = decimals(values.ravel())
    return cells


def _line(cells: list[str]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()

"""How a table becomes X and Y: fitted on the training part, kept with the model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from deepnet_cli.data.dealing.parts import Part, Supply
from deepnet_cli.data.dealing.weighing import weighed
from deepnet_cli.data.encoding.inputs import Inputs
from deepnet_cli.data.encoding.scaling import Scaling, Standardize
from deepnet_cli.data.encoding.training_x import Columns
from deepnet_cli.data.reading import labels
from deepnet_cli.data.reading.labels import Classes, RowError
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError, listed
from deepnet_cli.nn.metrics import Metric, of_restored
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Encoding:
    """What x becomes and y means for a network with `outputs` units in its last layer.

    `target` is the loss's.  Several binary outputs are a multilabel y, which has no classes.
    `class_weights` (K,) multiply the examples' own.
    """

    inputs: Inputs
    classes: Classes | None
    target: str
    outputs: int
    dtype: np.dtype[np.generic]
    class_weights: Array | None = None
    units: Scaling | None = None  # of numbers, where the network learns others than y
    names: tuple[str, ...] = ()  # of the columns of y, where it holds no classes

    @property
    def features(self) -> int:
        """n[0]"""
        return self.inputs.features

    def in_precision(self, precision: str) -> "Encoding":
        """The same encoding for float32 or float64."""
        return replace(self, dtype=np.dtype(precision))

    def standardized(self, table: Table) -> "Encoding":
        """The same for numbers y that are learned with mean 0 and deviation 1, as they are in
        training examples.  Raises DataError and ClassCountError.
        """
        if table.y is None:
            raise ValueError("a table with y")
        with table.rows_of_y():
            Y = self._numbers(table.y, table.y_at)
        units = Standardize().fit(Columns(Y.T))
        if not (np.isfinite(units.shift).all() and np.isfinite(units.divisor).all()):
            raise DataError(f"{table.y_at}: its values are too large to standardize")
        return replace(self, units=units)

    def part(self, table: Table) -> Part:
        """The encoded examples of a labelled table with their Y.  Raises DataError."""
        return Part(self.rows(table), self.Y(table), self.weights(table))

    def Y(self, table: Table, i: slice = slice(None)) -> Array:
        """(n[L], m) in the network's precision and finite; of all rows or of those in `i`, whose
        labels were checked.  Raises DataError and ClassCountError.
        """
        if table.y is None:
            raise ValueError("a table with y")
        with table.rows_of_y(i.start or 0):
            with np.errstate(over="ignore"):
                Y = self._Y(table, table.y[i]).astype(self.dtype)
            if not np.isfinite(Y).all():
                raise RowError(
                    lambda where, row: f"{where}: the value at row {row} does not fit {self.dtype}",
                    table.y_at,
                    int(np.argwhere(~np.isfinite(Y))[0][1]),
                )
        return Y

    def check_labels(self, table: Table) -> None:
        """Raise DataError or ClassCountError where some of y does not fit."""
        if self.classes is not None:
            self.class_indices(table)
        else:
            self.Y(table)

    def weights(self, table: Table) -> Array | None:
        """What examples (m,) count, by their own weights and those of their classes."""
        if self.class_weights is None:
            return table.weights
        return weighed(self.class_indices(table), self.class_weights, table.weights)

    def own_weights(self, supply: Supply) -> Array | None:
        """What examples (m,) weigh without their classes' weights, up to a factor."""
        if (of_class := self.class_weights) is None or supply.weights is None:
            return supply.weights
        labels = [self._classes_of(Y) for Y, _ in supply.labels()]
        own: Array = supply.weights / of_class[np.concatenate(labels)]
        return own

    def _classes_of(self, Y: Array) -> Array:
        indices: Array = Y.argmax(axis=0) if self.target == "class" else Y[0].astype(np.int64)
        return indices

    def rows(self, table: Table, i: slice = slice(None), out: Array | None = None) -> Array:
        """(m, n[0]) in the network's precision and finite, in `out` or an array of its own; of all
        rows or of those in `i`.  Raises DataError.
        """
        return self.inputs.rows(table, self.dtype, i, out)

    def restored(self, A: Array) -> Array:
        """Outputs A (n[L], m) in the units of y."""
        return A if self.units is None else self._restored(A).astype(A.dtype)

    def in_units(self, metrics: Mapping[str, Metric]) -> dict[str, Metric]:
        """Metrics in the units of y."""
        return {**metrics} if self.units is None else of_restored(metrics, self._restored)

    def _restored(self, A: Array) -> Array:
        """What A (K, m), outputs or scaled Y, stand for, in float64."""
        return A if self.units is None else self.units.restored(A.T).T

    def class_indices(self, table: Table) -> Array:
        """The class index (m,) of each label of a table with y."""
        if table.y is None or self.classes is None:
            raise ValueError("a table with class labels")
        with table.rows_of_y():
            return self._indices(table, table.y, self.classes)

    def _indices(self, table: Table, y: Array, classes: Classes) -> Array:
        values = labels.class_values(y, table.y_at, len(classes))
        return labels.class_indices(values, classes, table.y_at, table.label_names)

    def _Y(self, table: Table, y: Array) -> Array:
        where = table.y_at
        if self.classes is not None:
            indices = self._indices(table, y, self.classes)
            if self.target == "binary":
                return indices[np.newaxis].astype(np.float64)
            return labels.one_hot(indices, self.outputs)
        if self.target == "binary":
            return labels.multilabel(y, self.outputs, where)
        Y = self._numbers(y, where)
        return Y if self.units is None else self.units(Y.T).T

    def _numbers(self, y: Array, where: str) -> Array:
        """(K, m), in the units of y."""
        Y = labels.counts(y, where) if self.target == "count" else labels.targets(y, where)
        if self.target == "quantiles" and len(Y) == 1:
            return np.repeat(Y, self.outputs, axis=0)
        if self.target == "quantiles":
            raise DataError(f"{where} holds {len(Y)} numbers an example; several tau are of one")
        if len(Y) != self.outputs:
            raise labels.ClassCountError(
                f"{where} holds {len(Y)} numbers an example "
                f"but the last layer has {self.outputs} units"
            )
        return Y


def doubts(fitted: Encoding, table: Table) -> list[str]:
    """What is no error in the y of training examples, but likely a mistake."""
    found = []
    if fitted.classes is not None:
        counts = np.bincount(fitted.class_indices(table), minlength=len(fitted.classes))
        absent = listed(f"'{fitted.classes.names[i]}'" for i in np.flatnonzero(counts == 0))
        if (counts > 0).sum() == 1:
            found.append(f"{table.y_at}: holds one class only; there is nothing to tell apart")
        elif absent:
            found.append(f"{table.y_at}: no example of class {absent}")
        if table.class_names and not {*fitted.classes.names} <= {*table.class_names}:
            found.append(
                f"{table.y_at}: the file names {len(table.class_names)} classes, which do not "
                f"fit the {len(fitted.classes)} in y; the names are not used"
            )
        return found
    values = len(np.unique(np.asarray(table.y)))
    if values == 1:
        found.append(f"{table.y_at}: is the same in all examples; there is nothing to learn")
    elif values == 2 and fitted.target == "number":
        found.append(
            f"{table.y_at}: holds only two values and is learned as numbers; "
            "for classes end the network with sigmoid and use loss binary_cross_entropy"
        )
    return found


def fit(
    table: Table,
    inputs: Inputs,
    target: str,
    outputs: int,
    dtype: np.dtype[np.generic],
) -> Encoding:
    """The encoding of training examples, to which the inputs were fitted.

    Raises DataError and ClassCountError.
    """
    if table.y is None:
        raise ValueError("training needs y")
    classes = None
    if target == "class" or (target == "binary" and outputs == 1):
        told_apart = outputs if target == "class" else 2
        with table.rows_of_y():
            values = labels.class_values(table.y, table.y_at, told_apart)
        classes = labels.find_classes(
            values, told_apart, table.class_names, table.y_at, table.class_values
        )
    names = table.output_names(outputs) if classes is None else ()
    return Encoding(inputs, classes, target, outputs, dtype, names=names)

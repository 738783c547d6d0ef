"""Which rows of the training file each part has: named, drawn, or those that came last."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from deepnet_cli.config.data_schema import DataSection, Fold, Fraction
from deepnet_cli.config.document import Document
from deepnet_cli.config.several_files import files_of
from deepnet_cli.data.files.hdf5 import open_hdf5
from deepnet_cli.data.reading.labels import class_values
from deepnet_cli.data.reading.row_numbers import read_row_numbers
from deepnet_cli.data.reading.splitting import chain, folds, latest, moments, split
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array


@dataclass(frozen=True)
class Splitting:
    """How a config divides the table of its training file.  Errors are raised with their place."""

    table: Table
    data: DataSection
    seed: int
    document: Document
    directory: Path

    def parts(self) -> dict[str, Table]:
        """The table of the training part, and of each part that is split off."""
        rows = self._rows()
        if len(rows["train"]) == self.table.m:
            return {"train": self.table}
        return {name: self.table.take(chosen) for name, chosen in rows.items()}

    def _rows(self) -> dict[str, Array]:
        """The row numbers of each part: first what is named, then the test part of the others, last
        the validation part.
        """
        names = ("train", "test", "validation")
        rows = {name: numbers for name in names if (numbers := self._named(name)) is not None}
        self._check_apart(rows)
        if "train" not in rows:
            left = np.ones(self.table.m, bool)
            for numbers in rows.values():
                left[numbers] = False
            rows["train"] = np.flatnonzero(left)
        if not len(rows["train"]):
            problem = f"{self.table.x_at}: no row is left to train on"
            raise self.document.error(("data", "train"), DataError(problem))
        self._check_groups(rows)
        for name in names:
            where, strata = getattr(self.data, name), self._strata(name)
            with self.document.at("data", name):
                if isinstance(where, Fraction | Fold):
                    rows["train"], rows[name] = self._split(where, rows["train"], name, strata)
                self._check_weights(rows["train"], "that are left to train on")
                self._check_weights(rows.get(name), f"of the {name} part")
        return rows

    def _named(self, name: str) -> Array | None:
        """The rows of a part, where a dataset says which they are."""
        where = getattr(self.data, name)
        if (dataset := getattr(where, "rows", None)) is None:
            return None
        with self.document.at("data", name, "rows"):
            file, *others = files_of(self.data.file_of(where), self.directory)
            if others:
                raise DataError("the training examples are in several files; say which: file: FILE")
        with self.document.at("data", name, "rows"), open_hdf5(file) as source:
            return read_row_numbers(source, dataset, self.table.m, self.table.x_at)

    def _check_apart(self, rows: dict[str, Array]) -> None:
        for one, other in combinations(rows, 2):
            both = np.intersect1d(rows[one], rows[other], assume_unique=True)
            if len(both):
                problem = DataError(
                    f"{len(both)} of its {len(rows[other])} rows also in data.{one}.rows, the "
                    f"first is row {both[0]}; a row belongs to one part"
                )
                raise self.document.error(("data", other, "rows"), problem)

    def _check_groups(self, rows: dict[str, Array]) -> None:
        """Rows that are named are taken as they are; that they part groups is likely a mistake."""
        groups = self.table.groups
        if groups is None:
            return
        for name in rows.keys() - {"train"}:
            both = np.intersect1d(groups[rows[name]], groups[rows["train"]])
            if len(both):
                which = f"{len(both)} group{'s have' if len(both) > 1 else ' has'}"
                problem = f"{which} rows among these and in the training part"
                self.document.warn(("data", name, "rows"), problem)

    def _check_weights(self, rows: Array | None, whose: str) -> None:
        weights = self.table.weights
        if rows is not None and weights is not None and not weights[rows].any():
            problem = f"all examples {whose} have weight 0; split otherwise"
            raise DataError(f"{self.table.x_at}: {problem}")

    def _strata(self, name: str) -> Array | None:
        """The class (m,) of each row, where a part is to have its share of each."""
        if not getattr(getattr(self.data, name), "stratify", False) or self.table.y is None:
            return None
        with self.document.at("data", name, "stratify"), self.table.rows_of_y():
            return class_values(self.table.y, self.table.y_at, instead="leave it out")

    def _split(
        self, where: Fraction | Fold, rows: Array, name: str, strata: Array | None
    ) -> tuple[Array, Array]:
        """Which of the rows are kept, and which are held out."""
        table, in_order = self.table, self.data.in_order(where)
        groups = None if table.groups is None else table.groups[rows]
        times = rows if table.times is None else table.times[rows]
        self._check_units(where, groups, times)
        if in_order and isinstance(where, Fold):
            kept, held = chain(times, where.fold, where.of, groups)
        elif in_order and isinstance(where, Fraction):
            kept, held = latest(times, where.fraction, groups)
        else:
            kept, held = self._drawn(
                where, len(rows), name, None if strata is None else strata[rows], groups
            )
        if in_order and (late := int((times[kept] >= times[held].min()).sum())):
            told = f"{late} of {len(kept)} rows to train on came no earlier than its first"
            self.document.warn(("data", name), f"groups overlap in time: {told}")
        return rows[kept], rows[held]

    def _drawn(
        self,
        where: Fraction | Fold,
        m: int,
        name: str,
        strata: Array | None,
        groups: Array | None,
    ) -> tuple[Array, Array]:
        """The places among m rows of those that are kept and of those that are held out."""
        if isinstance(where, Fraction):
            return split(m, where.fraction, self.seed, f"{name} split", strata, groups)
        is_held = folds(m, where.of, self.seed, strata, groups) == where.fold - 1
        return np.flatnonzero(~is_held), np.flatnonzero(is_held)

    def _check_units(self, where: Fraction | Fold, groups: Array | None, times: Array) -> None:
        """What stays together is enough to be parted."""
        units, called = len(times), "example"
        in_order = self.data.in_order(where)
        if groups is not None:
            units, called = len(np.unique(groups)), "group"
        if in_order and self.table.times is not None:
            units, called = int(moments(times, groups).max()) + 1, "time"
        if units < 2:
            alike = "rows of one time" if called == "time" else f"one {called}"
            raise DataError(f"{self.table.x_at}: {alike} cannot be split")
        if isinstance(where, Fold) and units < where.of + in_order:
            before = " and what comes before the first" if in_order else ""
            problem = f"{units} {called}s do not make {where.of} folds{before}"
            raise DataError(f"{self.table.x_at}: {problem}")

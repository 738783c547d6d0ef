"""Columns, categories and classes as an earlier conversion has them: the numbers mean the same."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepnet_cli.data.convert.columns import Column
from deepnet_cli.data.convert.table import Table
from deepnet_cli.data.files.hdf5 import open_hdf5
from deepnet_cli.errors import DataError, did_you_mean, listed, one_line


@dataclass(frozen=True)
class Like:
    """What a file says of its columns."""

    path: Path
    features: tuple[str, ...]
    targets: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]  # of the columns of text, y among them

    @classmethod
    def of(cls, path: Path) -> "Like":
        """Read them.  Raises DataError where the file was not made by `deepnet convert`."""
        with open_hdf5(path) as source:
            x = source.dataset("x").attributes() if source.has("x") else {}
            y = source.dataset("y").attributes() if source.has("y") else {}
            features, targets = _texts(x, "feature_names"), _texts(y, "target_names")
            categories = {name: _texts(x, f"categories.{name}") for name in features}
            if targets and source.has("class_names"):
                categories[targets[0]] = tuple(map(str, source.read("class_names")))
        if not features:
            raise DataError(f"{path}: 'x' has no feature_names; name a file that convert made")
        return cls(path, features, targets, {k: v for k, v in categories.items() if v})

    def check_names(self, table: str, names: tuple[str, ...]) -> None:
        """Raise DataError for a feature that a table does not have."""
        if missing := [name for name in self.features if name not in names]:
            near = did_you_mean(missing[0], names)
            raise DataError(f"{table}: no column {_listed(missing)}, as {self.path} has{near}")

    def column(self, table: Table, column: Column) -> Column:
        """The same column with the categories of the file.  Raises DataError for others."""
        known = self.categories.get(column.name)
        if known is None:
            if column.first_text is not None:
                row, text = column.first_text
                way = self._way(column, text)
                raise DataError(
                    f"{table.path}: {table.place(row)}: '{one_line(text.strip())}' in column "
                    f"'{column.name}', which holds numbers in {self.path}; {way}"
                )
            return column
        if strange := sorted(set(column.categories) - set(known)):
            raise DataError(
                f"{table.path}: column '{column.name}' holds {_listed(strange)}; {self.path} has "
                f"only {_listed(known)}; {self._way(column, *strange)}"
            )
        return replace(column, words=Counter(dict.fromkeys(known, 0)))

    def _way(self, column: Column, *texts: str) -> str:
        """What to type where texts stand for no value."""
        missing = " ".join(f"--missing {shlex.quote(text.strip())}" for text in texts[:3])
        if column.name in self.targets:
            return (
                f"to leave such rows out, add {missing} --skip-unlabeled; to have no y, --no-label"
            )
        return f"to take such cells for missing values, NaN, add {missing}"


def _texts(attributes: Mapping[str, object], name: str) -> tuple[str, ...]:
    values = np.ravel(np.asarray(attributes.get(name, ()), object))
    return tuple(text for text in values if isinstance(text, str))


def _listed(words: Iterable[str]) -> str:
    return listed(f"'{one_line(word)}'" for word in words)

"""What the classes, the features and the numbers in y are called, where a file says so.

    names of           stand in the attribute      or in a dataset beside, or in a group above
    the classes        class_names of y            class_names, list_classes
    the features       feature_names of x          feature_names
    the numbers in y   target_names of y           target_names
    the categories     categories.NAME of x, NAME being that of a feature

Each is a list of texts: one for each class by its index, for each feature of an example in the
order of the columns, for each column of y, for each value 0, 1, ... of a feature.  An enumeration
names its values by itself, and `categories` those of the `codes` beside it (pandas and AnnData).
"""

from dataclasses import dataclass
from typing import Any

from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.errors import DataError

CATEGORIES = "categories."


@dataclass(frozen=True)
class ClassNames:
    """What classes are called, the values in y that are called so, and where that stands.

    Without `values` they are 0, 1, ...
    """

    names: tuple[str, ...] = ()
    values: tuple[int, ...] = ()
    at: str = ""


def class_names(source: Source, y: str, given: str | None = None) -> ClassNames:
    """The names of the classes in y; `given` is the dataset of them that a config names.

    Raises DataError.
    """
    if given is not None:
        return ClassNames(_column(source, given), at=f"'{given}'")
    dataset = source.dataset(y)
    if dataset.values:
        by_value = {value: name for name, value in dataset.values.items()}
        values = tuple(sorted(by_value))
        return ClassNames(tuple(by_value[value] for value in values), values, "its type")
    for attribute in ("class_names", "classes"):
        if names := dataset.texts(attribute):
            return ClassNames(names, at=f"the attribute {attribute}")
    group, _, name = y.rpartition("/")
    if name == "codes" and source.has(f"{group}/categories"):
        at = f"{group}/categories"
    else:
        at = _beside(source, y, "list_classes", "class_names")
    return ClassNames(_column(source, at), at=f"'{at}'") if at else ClassNames()


def feature_names(source: Source, x: str) -> tuple[str, ...]:
    """Of the columns of x as it is flattened; none where the file has none."""
    return _named(source, x, "feature_names")


def category_names(source: Source, x: str, names: tuple[str, ...]) -> dict[int, tuple[str, ...]]:
    """Of the values 0, 1, ... of columns of x, whose columns are called `names`."""
    dataset = source.dataset(x)
    found = dataset.attributes()
    columns = [j for j, name in enumerate(names) if CATEGORIES + name in found]
    words = {j: dataset.texts(CATEGORIES + names[j]) for j in columns}
    return {j: each for j, each in words.items() if each}


def target_names(source: Source, y: str) -> tuple[str, ...]:
    """Of the columns of y; none where the file has none."""
    return _named(source, y, "target_names")


def _named(source: Source, dataset: str, word: str) -> tuple[str, ...]:
    if names := source.dataset(dataset).texts(word):
        return names
    at = _beside(source, dataset, word)
    return _column(source, at) if at else ()


def _beside(source: Source, name: str, *words: str) -> str:
    """A dataset called so in the group of `name`, or in the nearest above it; or nothing."""
    group = name.strip("/")
    while group:
        group = group.rpartition("/")[0]
        for word in words:
            if source.has(path := f"{group}/{word}".strip("/")):
                return path
    return ""


def _column(source: Source, name: str) -> tuple[str, ...]:
    """The values of a dataset (K,) as text."""
    values: Any = source.meant(name)
    if max(values.shape, default=0) != values.size:
        raise DataError(f"{source.path}: '{name}' has shape {values.shape}; expected one name each")
    return tuple(str(value) for value in values.ravel())

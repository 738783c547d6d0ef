"""What a trained network says of examples that were held out, beside what is true of them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from deepnet_cli.config.datasets import read_part
from deepnet_cli.config.load import config_from_text
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import ConfigError, DataError
from deepnet_cli.files import read_file
from deepnet_cli.nn.metrics import confusion_matrix, decisions
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import order
from deepnet_cli.training.figures.evaluation import costs, propagated
from deepnet_cli.training.kept.model import Model, load_model
from deepnet_cli.training.kept.run_directory import CONFIG, SUMMARY, check_begun

HELD_OUT = ("test", "validation", "train")
"""The parts of a run, the one that says most of it first."""

VALUES = 2**24
"""About how many outputs are kept; of more examples than have these a sample is taken."""


Form = Literal["classes", "labels", "numbers", "quantiles"]


class Ranking(NamedTuple):
    """One class or label against the rest: flags (m,) of what is true, and scores (m,)."""

    name: str
    true: Array
    score: Array


@dataclass(frozen=True)
class Outcomes:
    """Of m examples: outputs A and truth Y (K, m) in the units of y, and J of each (m,) without
    penalties and weights.

    `part` is "test", "validation" or "train" of a run, "data" where a file was named; `table` has
    the examples as they stand there, `of` says of how many they are where it holds a sample, and
    `names` those of the classes, or of the columns of y.
    """

    part: str
    table: Table
    of: int
    kind: str  # of A (Loss.kind)
    form: Form
    A: Array
    Y: Array
    costs: Array
    names: tuple[str, ...]

    @property
    def m(self) -> int:
        return self.table.m

    @property
    def rows(self) -> Array:
        """The numbers (m,) of the examples in their file; in several files see `Table.origin`."""
        selection = self.table.selection
        return np.arange(self.m) if selection is None else selection.numbers

    @property
    def weights(self) -> Array | None:
        """What examples (m,) count by themselves; class weights are the cost's alone."""
        return self.table.weights

    @property
    def probable(self) -> bool:
        """Whether A are probabilities."""
        return self.kind in ("binary", "class")

    @cached_property
    def true(self) -> Array:
        """Class indices (m,); flags (K, m) of labels; numbers (K, m)."""
        if self.form == "classes":
            indices: Array = self.Y[0] if len(self.Y) == 1 else self.Y.argmax(axis=0)
            return indices.astype(np.int64)
        return self.Y.astype(np.int64) if self.form == "labels" else self.Y

    @cached_property
    def decided(self) -> Array:
        """The same, as the network has it."""
        return decisions(self.A, self.kind) if self.form in ("classes", "labels") else self.A

    @property
    def right(self) -> Array:
        """Which classes (m,) or labels (K, m) were decided right."""
        same: Array = self.true == self.decided
        return same

    @property
    def confusion(self) -> Array:
        """C (K, K) of classes: a row a true class, a column a decision."""
        return confusion_matrix(self.true, self.decided, len(self.names), self.weights)

    def rankings(self) -> Iterator[Ranking]:
        """Each class or label against the rest; of two classes the second."""
        if self.form == "classes" and len(self.names) == 2:
            yield Ranking(self.names[1], self.Y[-1] == 1, self.A[-1])
            return
        for name, true, score in zip(self.names, self.Y, self.A, strict=True):
            yield Ranking(name, true == 1, score)


def outcomes(run: Path, part: str | None = None) -> Outcomes:
    """Of a run's test part, else its validation part, else its training part; or of that named.

    Raises DataError where the data are not those that the run was measured on.
    """
    check_begun(run)
    model, path = load_model(run), run / CONFIG
    config, document = config_from_text(read_file(path).decode(), str(path))
    known = _fingerprints(run)
    part = part or next(name for name in HELD_OUT if getattr(config.data, name) is not None)
    if getattr(config.data, part) is None:
        raise ConfigError(f"{run}: has no {part} part")
    table = read_part(config, document, run, part)
    if "x_sha256" in known.get(part, {}):  # it was held in memory
        table = table.loaded()
    return outcomes_of(model, table, part, known.get(part, {}))


def outcomes_of(
    model: Model, table: Table, part: str = "data", known: Mapping[str, Any] | None = None
) -> Outcomes:
    """Of a table with y, whose digests are held against those that are `known`.

    Raises DataError where its rows do not fit the model, or are others.
    """
    supply, loss, encoding = model.supply(table), model.network.loss, model.encoding
    _check_same(supply.digests if known else {}, known or {}, table)
    m, K = supply.m, supply.outputs
    if (most := max(1, VALUES // K)) < m:
        table = table.take(np.sort(order(model.config.seed, "outcomes", 0, m)[:most]))
        supply = model.supply(table)
    found = list[tuple[Array, Array, Array]]()
    for examples, _, S, A in propagated(model.network, model.theta, supply):
        with np.errstate(all="ignore"):
            J = costs(loss, S, examples.Y)
            found.append((encoding.restored(A), encoding.restored(examples.Y), J))
    A, Y, J = (np.concatenate(each, axis=-1) for each in zip(*found, strict=True))
    form = form_of(model)
    if encoding.classes is not None:
        names = encoding.classes.names
    else:
        names = loss.columns or table.output_names(K)
    return Outcomes(part, table, m, loss.kind, form, A, Y, J, names)


def form_of(model: Model) -> Form:
    """Of what a model says."""
    if model.encoding.classes is not None:
        return "classes"
    if model.network.loss.target == "binary":
        return "labels"
    return "quantiles" if model.network.loss.target == "quantiles" else "numbers"


def _check_same(digests: Mapping[str, str], known: Mapping[str, Any], table: Table) -> None:
    differ = [name for name, digest in digests.items() if known.get(name, digest) != digest]
    if differ:
        what = " and ".join(name.partition("_")[0] for name in differ)
        raise DataError(
            f"{table.x_at}: is not what the run was measured on: another {what} (by sha256); "
            "bring that file back"
        )


def _fingerprints(run: Path) -> dict[str, dict[str, Any]]:
    """Of each part, what its summary says of it; nothing where it has none."""
    if not (run / SUMMARY).is_file():
        return {}
    try:
        known = json.loads(read_file(run / SUMMARY))["data"]
    except (ValueError, LookupError, TypeError):
        known = None
    if isinstance(known, dict) and all(isinstance(part, dict) for part in known.values()):
        return known
    raise DataError(f"{run / SUMMARY}: says nothing of the data")

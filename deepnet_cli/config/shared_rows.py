"""Rows that stand in two parts, x by x: counted, and told where there are some."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from deepnet_cli.config.document import Document
from deepnet_cli.data.describing.duplicates import Hashes, found_in, row_hashes
from deepnet_cli.data.encoding.encoding import Encoding
from deepnet_cli.data.encoding.streamed import checked
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.nn.types import Array

PAIRS = (("validation", "train"), ("test", "train"), ("test", "validation"))
EFFECTS = {
    "train": "figures on them flatter",
    "validation": "they have a say in which parameters are kept",
}
CERTAIN = 100
"""So many rows whose hashes are found in another part are compared value by value."""

Counts = dict[str, dict[str, int]]
Marks = dict[str, str]


def shared_rows(
    tables: Mapping[str, Table], encoding: Encoding, document: Document
) -> tuple[Counts, Marks]:
    """How many rows of a part stand in another too: {"test": {"train": 12, "validation": 0}}; and
    of each part, where there are two, a mark that is another where its rows are, in whatever order.

    They are compared as the files have them; the document is warned of them.  What is not in
    memory is read here once before training: a row that cannot be encoded is refused, with its
    place.
    """
    pairs = [(here, there) for here, there in PAIRS if {here, there} <= tables.keys()]
    hashes = dict[str, Hashes]()
    dtype = np.result_type(*(table.rows.dtype for table in tables.values()))
    for name, table in tables.items():
        blocks = None if table.held else checked(encoding, table)
        with document.at("data", name):
            if pairs:
                hashes[name] = row_hashes(table.rows, dtype, blocks)
            else:
                deque(blocks or (), maxlen=0)
    counts: Counts = {}
    for here, there in pairs:
        rows, alike = found_in(hashes[here], hashes[there])
        equal = np.ones(len(rows), bool)
        for k in range(min(len(rows), CERTAIN)):
            one, other = tables[here].rows[_at(rows[k])], tables[there].rows[_at(alike[k])]
            equal[k] = np.array_equal(one.astype(dtype), other.astype(dtype), equal_nan=True)
        rows, alike = rows[equal], alike[equal]
        counts.setdefault(here, {})[there] = len(rows)
        if len(rows):
            i, j = tables[here].number(rows[0]), tables[there].number(alike[0])
            other = _labels(encoding, tables[there], alike)
            differ = (_labels(encoding, tables[here], rows) != other).any(axis=0).sum()
            document.warn(
                ("data", here),
                f"{len(rows)} of {tables[here].m} rows also in {there} (row {i} = row {j} there)"
                f"{f', {differ} of them with another y' if differ else ''}; {EFFECTS[there]}",
            )
    return counts, {name: f"{each.sum():016x}" for name, each in hashes.items()}


def _labels(encoding: Encoding, table: Table, rows: Array) -> Array:
    """Y of some rows."""
    return encoding.Y(replace(table, y=np.asarray(table.y)[rows]))


def _at(row: int) -> slice:
    return slice(row, row + 1)

"""Rows that stand in two parts, x by x: counted, and told where there are some."""

import numpy as np

from deepnet_cli.config.document import Document
from deepnet_cli.data.batches import Part
from deepnet_cli.data.duplicates import found_in, row_hashes
from deepnet_cli.data.tables import Table

PAIRS = (("validation", "train"), ("test", "train"), ("test", "validation"))
EFFECTS = {
    "train": "figures on them flatter",
    "validation": "they have a say in which parameters are kept",
}
CERTAIN = 100
"""So many rows whose hashes are found in another part are compared value by value."""

Counts = dict[str, dict[str, int]]


def shared_rows(tables: dict[str, Table], parts: dict[str, Part], document: Document) -> Counts:
    """How many rows of a part stand in another too: {"test": {"train": 12, "validation": 0}}.

    They are compared as the files have them; the document is warned of them.
    """
    pairs = [(here, there) for here, there in PAIRS if {here, there} <= tables.keys()]
    if not pairs:
        return {}
    dtype = np.result_type(*(table.rows.dtype for table in tables.values()))
    hashes = {name: row_hashes(table.rows, dtype) for name, table in tables.items()}
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
            differ = (parts[here].Y[:, rows] != parts[there].Y[:, alike]).any(axis=0).sum()
            document.warn(
                ("data", here),
                f"{len(rows)} of {tables[here].m} rows also in {there} (row {i} = row {j} there)"
                f"{f', {differ} of them with another y' if differ else ''}; {EFFECTS[there]}",
            )
    return counts


def _at(row: int) -> slice:
    return slice(row, row + 1)

"""What stands in an HDF5 file, by its metadata: every dataset, and what is none by itself."""

from collections import deque
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import h5py

from deepnet_cli.data.files import conventions
from deepnet_cli.data.files.conventions import Odd
from deepnet_cli.data.files.guards import is_text, type_problem
from deepnet_cli.data.files.layout import layout_of
from deepnet_cli.errors import one_line

MOST_NAMES = 1000
TEXT = "text"


@dataclass(frozen=True)
class Entry:
    """What the metadata say of one dataset: its shape as whoever wrote it sees it.

    `problem`: why it cannot be read, if so; it then has no `dtype`.  `aside`: how it serves
    others, where it does.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    problem: str = ""
    odd: Odd | None = None
    aside: str = ""

    def __str__(self) -> str:
        return f"{one_line(self.name)} {self.shape} {self.dtype or self.problem}"


def survey(root: Any) -> list[Entry]:
    """Every dataset that can be reached by hard links, and the other links, by name.

    Breadth first, each group once however many links lead to it.
    """
    found: list[Entry] = []
    serving: dict[str, str] = {}
    groups, seen = deque([("", root)]), {_address(root)}
    while groups and len(found) < MOST_NAMES:
        prefix, group = groups.popleft()
        for name in islice(group, MOST_NAMES - len(found)):
            if not isinstance(name, str):
                continue
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                found.append(Entry(prefix + name, (), "", "a link, not followed"))
                continue
            node = group[name]
            if isinstance(node, h5py.Dataset):
                found.append(_entry(prefix + name, node))
                for other in conventions.coordinates(node):
                    serving[prefix + other] = f"coordinates of '{one_line(name)}'"
            elif isinstance(node, h5py.Group) and _address(node) not in seen:
                seen.add(_address(node))
                if odd := conventions.odd(node):
                    found.append(Entry(prefix + name, (), "", odd.what, odd))
                elif not conventions.is_hidden(name, node):
                    groups.append((f"{prefix}{name}/", node))
    told = [replace(entry, aside=serving.get(entry.name, entry.aside)) for entry in found]
    return sorted(told, key=lambda entry: entry.name)


def _entry(name: str, dataset: Any) -> Entry:
    odd, shape = conventions.odd(dataset), dataset.shape or ()
    if odd is not None:
        return Entry(name, shape, "", odd.what, odd)
    if problem := type_problem(dataset):
        return Entry(name, shape, "", problem)
    layout = layout_of(dataset)
    dtype = TEXT if is_text(dataset) else layout.dtype.name
    return Entry(name, layout.shape, dtype, aside=conventions.aside(name, dataset))


def _address(group: Any) -> int:
    return int(h5py.h5o.get_info(group.id).addr)

"""YAML text to a Document, from the parser's events: no objects are made, nothing is expanded.

Refused with their place: tabs, duplicate keys, aliases, tags, merge keys, a second
document, nesting over 20 levels, and whatever scalars.py calls ambiguous.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from deepnet_cli.config.document import Document, Path, Place, Problem
from deepnet_cli.config.scalars import plain_scalar

DEEPEST = 20
MOST_VALUES = 5_000
LONGEST_LIST = 2_000
LARGEST = 256 * 1024
"""Bytes of a config."""

VALUES = (yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.ScalarEvent)
"""The events that begin a value; the parser's only other one here is an alias."""


def parse(content: bytes, source: str) -> Document:
    """The document in `content`; what is wrong with it is among its problems."""
    document = Document(source, "")
    if content.startswith((b"\x89HDF", b"deepnet ")):
        document.add((), "is an HDF5 file; a config is YAML text that names one")
        return document
    if len(content) > LARGEST:
        document.add((), f"larger than {LARGEST // 1024} KiB; this is not a config")
        return document
    try:
        document.text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        message = f"not UTF-8 (byte 0x{content[error.start]:02x}); save the file as UTF-8"
        document.problems.append(Problem((), message, Place(line, column, 1)))
        return document
    try:
        tree = _Reader(document, yaml.parse(document.text, Loader=yaml.SafeLoader)).document_tree()
    except _RefusedError as refused:
        document.problems.append(refused.problem)
    except yaml.reader.ReaderError as error:
        document.problems.append(_control_character(document.text, error))
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax(document.text, error))
    else:
        if tree is None:
            message = "the file is empty; it needs at least 'data:' and 'model:'"
            document.problems.append(Problem((), message))
        elif not isinstance(tree, dict):
            document.problems.append(Problem((), _not_a_mapping(tree), Place(1, 1, 1)))
        else:
            document.tree = tree
    return document


class _RefusedError(Exception):
    """YAML that is valid but not taken here; reading stops."""

    def __init__(self, path: Path, message: str, event: yaml.Event) -> None:
        super().__init__(message)
        self.problem = Problem(path, message, _place(event))


INVALID = object()
"""Stands where a value was refused, so that the rest can be read."""


@dataclass
class _Reader:
    document: Document
    events: Iterator[yaml.Event]

    def document_tree(self) -> object:
        """The value of the only document; None where there is none."""
        next(self.events)  # the stream's start
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        tree = self.value(next(self.events), ())
        next(self.events)  # the document's end
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _RefusedError((), "a second document starts here; keep one to a file", after)
        return tree

    def value(self, event: yaml.Event, path: Path) -> object:
        if not isinstance(event, VALUES) or event.anchor:
            raise _RefusedError(path, "aliases (& and *) are not supported; write it out", event)
        if event.tag is not None:
            raise _RefusedError(path, f"tags ({event.tag}) are not supported", event)
        if len(self.document.values) > MOST_VALUES:
            raise _RefusedError(path[:1], f"more than {MOST_VALUES:,} values", event)
        if len(path) > DEEPEST:
            raise _RefusedError(path[:1], f"nested deeper than {DEEPEST} levels", event)
        self.document.values[path] = _place(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(path)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, path)
        return self.sequence(path)

    def mapping(self, path: Path) -> dict[str, object]:
        tree: dict[str, object] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
                raise _RefusedError(path, "a key must be plain text", event)
            key = event.value
            here = (*path, key)
            if key == "<<" and event.implicit[0]:
                raise _RefusedError(path, "merge keys (<<) are not supported; write it out", event)
            if key in tree:
                first = self.document.keys[here].line
                message = f"this key appears twice (first on line {first})"
                self.document.problems.append(Problem(here, message, _place(event)))
                self.value(next(self.events), (*path, f"{key} again"))
                continue
            self.document.keys[here] = _place(event)
            tree[key] = self.value(next(self.events), here)
        return tree

    def sequence(self, path: Path) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            if len(items) >= LONGEST_LIST:
                raise _RefusedError(path, f"more than {LONGEST_LIST:,} entries", event)
            items.append(self.value(event, (*path, len(items))))
        return items

    def scalar(self, event: yaml.ScalarEvent, path: Path) -> object:
        if not event.implicit[0]:
            return event.value  # quoted
        try:
            return plain_scalar(event.value)
        except ValueError as error:
            self.document.problems.append(Problem(path, str(error), _place(event)))
            return INVALID


def _place(event: yaml.Event) -> Place:
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return Place(1, 1, 1)
    width = end.column - start.column if start.line == end.line else 1
    return Place(start.line + 1, start.column + 1, max(1, width))


def _not_a_mapping(tree: object) -> str:
    if isinstance(tree, str) and re.match(r"[\w.-]+:\S", tree):
        return "expected 'key: value' lines; put a space after ':'"
    found = "a list" if isinstance(tree, list) else "plain text" if isinstance(tree, str) else tree
    return f"expected 'key: value' lines, found {found}"


def _control_character(text: str, error: yaml.reader.ReaderError) -> Problem:
    before = text[: error.position]
    column = error.position - (before.rfind("\n") + 1) + 1
    message = f"control character 0x{ord(text[error.position]):02x}; remove it"
    return Problem((), message, Place(before.count("\n") + 1, column, 1))


def _syntax(text: str, error: yaml.MarkedYAMLError) -> Problem:
    """PyYAML's message in one line, at the place where the mistake is."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem((), str(error.problem))
    problem, context = error.problem or "", error.context or ""
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "flow" in context or "quoted" in context:
        opened = (error.context_mark or mark).index
        if opened == len(text):  # nothing comes after it
            opened = max(text.rfind("["), text.rfind("{"))
        place = Place(text.count("\n", 0, opened) + 1, opened - text.rfind("\n", 0, opened), 1)
        return Problem((), f"'{text[opened]}' is not closed", place)
    if "'\\t'" in problem or line[: len(line) - len(line.lstrip())].count("\t"):
        return Problem((), "tab used for indentation; use spaces", Place(mark.line + 1, 1, 1))
    for number in (mark.line, (error.context_mark or mark).line):
        told = lines[number] if number < len(lines) else ""
        if missing := re.match(r"\s*[\w.-]+:(?=[^ ])", told):
            return Problem((), "put a space after ':'", Place(number + 1, missing.end(), 1))
    place = Place(mark.line + 1, mark.column + 1, 1)
    begun = error.context_mark or mark
    if "mapping values are not allowed" in problem:
        return Problem((), "':' does not fit here; check the indentation or quote the text", place)
    if "could not find expected ':'" in problem:
        return Problem(
            (),
            "expected ':' after the key, as in 'key: value'",
            Place(begun.line + 1, begun.column + 1, 1),
        )
    if "block" in context or "block" in problem:
        return Problem((), "this line's indentation fits no line above", place)
    return Problem((), f"not valid YAML: {problem}", place)

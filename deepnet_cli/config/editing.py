"""A config file with one value changed: every other character stays as it is, of comments too."""

from copy import deepcopy

from deepnet_cli.config.document import Document, Path, Place, dotted
from deepnet_cli.config.scalars import plain_scalar
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.errors import ConfigError

INDENT = "  "


def with_value(document: Document, path: Path, value: str) -> str:
    """The document's text with a plain `value` at a path of the tree, which is made where it is
    not there yet.

    Raises ConfigError where that cannot be done without touching anything else.
    """
    wanted, newline = deepcopy(document.tree), "\r\n" if "\r\n" in document.text else "\n"
    _set(wanted, path, plain_scalar(value))
    *sections, key = map(str, path)
    section, tree = tuple(sections), _at(document.tree, tuple(sections))
    if path in document.values:
        text = _replaced(document.text, document.values[path], value)
    elif isinstance(tree, dict) and tree:
        first = document.keys[(*section, next(iter(tree)))]
        flow = _shown(document.text, document.values[section]).startswith("{")
        after = ", " if flow else f"{newline}{' ' * (first.column - 1)}"
        text = _inserted(document.text, first, f"{key}: {value}{after}")
    else:
        lines = [f"{INDENT * depth}{name}:" for depth, name in enumerate(sections)]
        lines.append(f"{INDENT * len(sections)}{key}: {value}")
        text = newline.join([document.text.removesuffix(newline), *lines, ""])
    changed = parse(text.encode(), document.source)
    if changed.problems or changed.tree != wanted:
        raise ConfigError(f"{document.source}: set it by hand: {dotted(path)}: {value}")
    return text


def _inserted(text: str, place: Place, what: str) -> str:
    """The text with something in front of a place."""
    before, there, after = _around(text, place)
    return f"{before}{what}{there}{after}"


def _replaced(text: str, place: Place, value: str) -> str:
    """The text with another value at a place."""
    before, _, after = _around(text, place)
    return f"{before}{value}{after}"


def _around(text: str, place: Place) -> tuple[str, str, str]:
    """What stands before a place, there, and behind it."""
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: place.line - 1])) + place.column - 1
    stop = start + place.width
    return text[:start], text[start:stop], text[stop:]


def _shown(text: str, place: Place) -> str:
    return text.splitlines()[place.line - 1][place.column - 1 :]


def _at(tree: object, path: Path) -> object:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _set(tree: dict[str, object], path: Path, value: object) -> None:
    for key in map(str, path[:-1]):
        inner = tree.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree[str(path[-1])] = value

"""A config file with one value changed: every other character of it stays as it is."""

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
        text = _put(document.text, document.values[path], value, instead=True)
    elif isinstance(tree, dict) and tree:
        first = document.keys[(*section, next(iter(tree)))]
        flow = _shown(document.text, document.values[section]).startswith("{")
        after = ", " if flow else f"{newline}{' ' * (first.column - 1)}"
        text = _put(document.text, first, f"{key}: {value}{after}")
    else:
        lines = [f"{INDENT * depth}{name}:" for depth, name in enumerate(sections)]
        lines.append(f"{INDENT * len(sections)}{key}: {value}")
        text = newline.join([document.text.removesuffix(newline), *lines, ""])
    changed = parse(text.encode(), document.source)
    if changed.problems or changed.tree != wanted:
        raise ConfigError(f"{document.source}: set it by hand: {dotted(path)}: {value}")
    return text


def _put(text: str, place: Place, what: str, *, instead: bool = False) -> str:
    """The text with something at a place, in front of what is there or instead."""
    lines = text.splitlines(keepends=True)
    line, start = lines[place.line - 1], place.column - 1
    rest = start + place.width * instead
    lines[place.line - 1] = f"{line[:start]}{what}{line[rest:]}"
    return "".join(lines)


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

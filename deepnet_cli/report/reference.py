"""The reference: every key, name, option and command there is, as Markdown, from the code."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from deepnet_cli.config.json_schema import json_schema
from deepnet_cli.nn import metrics
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.report import vocabulary
from deepnet_cli.report.entries import REGISTRIES, Registry
from deepnet_cli.report.markdown import block, code, heading, link, table
from deepnet_cli.report.vocabulary import Node


class Command(NamedTuple):
    """A command as its --help tells it."""

    name: str
    sentence: str
    usage: str
    options: Sequence[tuple[str, str]]  # how it is typed, what it does
    example: str


def reference(commands: Iterable[Command]) -> str:
    """The whole page.  Raises ValueError for an entry of a registry without a formula."""
    schema = json_schema()
    titles = ["Keys", *(registry.title for registry in REGISTRIES), "Commands"]
    parts = [
        heading(1, "Reference"),
        "Every key of a config, every name that stands for a formula and every command, made from\n"
        "the code by `deepnet schema --reference > docs/reference.md`. What they are good for is\n"
        "told in [the config](config.md) and [the conventions](conventions.md).",
        "\n".join(f"- {link(title)}" for title in titles),
        heading(2, "Keys"),
        "A link among the values leads to the keys of a mapping, or to the names that are taken.",
        *_keys(schema),
        *(part for registry in REGISTRIES for part in _names(schema, registry)),
        *_metrics(),
        heading(2, "Commands"),
        *(part for command in commands for part in _command(command)),
    ]
    return "\n\n".join(parts) + "\n"


def _keys(schema: Node) -> Iterator[str]:
    for path, section in vocabulary.sections(schema).values():
        yield heading(3, path or "Top level")
        rows = [
            (
                code(key),
                vocabulary.value(schema, node),
                vocabulary.default(section, key),
                _described(path, key, node),
            )
            for key, node in section["properties"].items()
        ]
        yield table(("key", "value", "default", "what it is"), rows)


def _described(path: str, key: str, node: Node) -> str:
    if "description" not in node:
        raise ValueError(f"{path}.{key}: say what it is in config/descriptions.py")
    text: str = node["description"]
    return text


def _names(schema: Node, registry: Registry) -> Iterator[str]:
    """A registry: what its entries have in common, then each of them, file by file."""
    yield heading(2, registry.title)
    own = registry.key in (path for path, _ in vocabulary.sections(schema).values())
    yield f"{'Keys of' if own else 'Names for'} {code(registry.key)}."
    entries = [registry.told(name, entry) for name, entry in registry.names.items()]
    options = {e.name: vocabulary.options(schema, registry.key, e.name) for e in entries}
    every = [set(own.values()) for own in options.values()]
    common = set.intersection(*every) if len(every) > 1 else set()
    if common:
        shared = [told for told in options[entries[0].name].values() if told in common]
        yield f"All of them take {'; '.join(shared)}."
    for module in dict.fromkeys(entry.module for entry in entries):
        yield block(module)
        rows = [
            (
                code(entry.name),
                code(entry.formula),
                "<br>".join(told for told in options[entry.name].values() if told not in common),
                entry.source,
            )
            for entry in entries
            if entry.module == module
        ]
        yield table(("name", "formula", "options", "source"), rows)


def _metrics() -> Iterator[str]:
    """Which of them each loss has."""
    yield block(inspect.getdoc(metrics) or "")
    rows = [
        (
            code(kind),
            ", ".join(code(loss.name) for loss in LOSSES.values() if loss.kind == kind),
            ", ".join(map(code, names)),
        )
        for kind, names in metrics.METRICS.items()
    ]
    yield table(("outputs", "losses", "metrics"), rows)


def _command(command: Command) -> Iterator[str]:
    yield heading(3, f"deepnet {command.name}")
    yield command.sentence
    yield f"```console\n$ {command.usage}\n```"
    if command.options:
        yield table(("option", "what it does"), [(code(o), does) for o, does in command.options])
    yield f"```console\n{command.example}\n```"

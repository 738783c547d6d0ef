"""`--set training.learning_rate=0.01`: a value of the config from the command line."""

import re
from collections.abc import Sequence
from typing import Self

from deepnet_cli.config.document import SET, Document
from deepnet_cli.config.yaml_reader import parse

INSTEAD: dict[tuple[str, ...], str] = {
    ("training", "epochs"): "iterations",
    ("training", "iterations"): "epochs",
}
"""A key whose value takes the place of another key in its section; null is no value."""


class Implied(str):
    """A setting that another option stands for, which messages call as it was `typed`."""

    typed: str

    def __new__(cls, setting: str, typed: str) -> Self:
        made = super().__new__(cls, setting)
        made.typed = typed
        return made


def key_of(setting: str) -> str:
    """The key of KEY=VALUE."""
    return setting.partition("=")[0].strip()


def among(key: str, names: Sequence[str]) -> bool:
    """Whether a key is one of these, or below one."""
    return any(key == name or key.startswith(f"{name}.") for name in names)


def override(document: Document, setting: str) -> None:
    """Put KEY.KEY=VALUE into the document's tree; VALUE is YAML.

    What is wrong with the setting is noted among the document's problems.
    """
    dotted, equals, text = setting.partition("=")
    keys = tuple(dotted.strip().split("."))
    document.overrides[keys] = setting.typed if isinstance(setting, Implied) else SET + setting
    if not equals or not all(keys):
        document.add(keys, "expected KEY=VALUE, such as training.epochs=20")
        return
    if indexed := re.match(r"([\w.]+)\[", dotted):
        document.add(keys, f"'{indexed[1]}' is a list; set it whole: --set '{indexed[1]}=[...]'")
        return
    document.problems = [p for p in document.problems if p.path[: len(keys)] != keys]
    value = parse(f"value: {text}".encode("utf-8", "surrogateescape"), setting)
    if value.problems or set(value.tree) != {"value"}:
        reasons = [problem.message for problem in value.problems]
        document.add(keys, reasons[0] if reasons else "expected one value")
        return

    section = document.tree
    for depth, key in enumerate(keys[:-1], start=1):
        inner = section.setdefault(key, {})
        if isinstance(inner, str) and keys[0] == "data":
            inner = section[key] = {"file": inner}
        if not isinstance(inner, dict):
            whole = ".".join(keys[:depth])
            what = "a list" if isinstance(inner, list) else "a single value"
            document.add(keys, f"'{whole}' is {what} here; set it whole")
            return
        section = inner
    section[keys[-1]] = value.tree["value"]
    if section[keys[-1]] is not None:
        section.pop(INSTEAD.get(keys, ""), None)

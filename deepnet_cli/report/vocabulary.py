"""What the JSON Schema of a config says of keys and options, in words."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from deepnet_cli.config.descriptions import DESCRIPTIONS
from deepnet_cli.report.entries import REGISTRIES
from deepnet_cli.report.markdown import code, link

FEW = 5
"""So many names are listed where a key takes one of them; of more it is said whose they are."""

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "null": "null",
    "object": "a mapping",
}
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}

Node = dict[str, Any]


def sections(schema: Node) -> dict[str, tuple[str, Node]]:
    """Each mapping of a config by its name: the path where it stands first, and what is in it.

    Where several forms of a mapping stand, the key that each begins with tells them apart.
    """
    known = {section.__name__ for section in DESCRIPTIONS}
    found: dict[str, tuple[str, Node]] = {}

    def enter(name: str, path: str, section: Node) -> None:
        found[name] = path, section
        for key, node in section["properties"].items():
            for inner in references(node):
                if inner in known and inner not in found:
                    enter(inner, f"{path}.{key}".lstrip("."), schema["$defs"][inner])

    enter("", "", schema)
    forms = Counter(path for path, _ in found.values())
    return {
        name: (f"{path} {{{_form(section)}}}" if forms[path] > 1 else path, section)
        for name, (path, section) in found.items()
    }


def _form(section: Node) -> str:
    return str(next(iter(section["properties"])))


def options(schema: Node, path: str, name: str) -> dict[str, str]:
    """The options of a name that a key takes, each with its values and default in words."""
    for entry in (schema["$defs"][reference] for reference in references(at(schema, path))):
        own = {key: node for key, node in entry["properties"].items() if "const" not in node}
        if name in (node.get("const") for node in entry["properties"].values()):
            return {key: option(schema, entry, key) for key in own}
    return {}


def option(schema: Node, entry: Node, key: str) -> str:
    """`beta1` = 0.9, a number >= 0 and < 1"""
    node = entry["properties"][key]
    start = "" if key in entry.get("required", ()) else f" = {json.dumps(node.get('default'))}"
    return f"`{key}{start}`, {value(schema, node)}"


def default(section: Node, key: str) -> str:
    """Of a key: `0.01`; of one that is a mapping of its own, nothing."""
    if key in section.get("required", ()):
        return "required"
    found = section["properties"][key].get("default")
    if isinstance(found, dict):
        found = found.get("name", "")  # a name without options
    return code(found if isinstance(found, str) else json.dumps(found)) if found != "" else ""


def value(schema: Node, node: Node) -> str:
    """What a key takes: its types, bounds and words."""
    return " or ".join(dict.fromkeys(_values(schema, node)))


def _values(schema: Node, node: Any) -> Iterator[str]:
    for one in node.get("anyOf", []) + node.get("oneOf", []):
        yield from _values(schema, one)
    if "$ref" in node:
        yield _mapping(schema, *references(node))
    elif "propertyNames" in node:
        yield code("{NAME: value}")
    elif "enum" in node:
        yield _words(node["enum"])
    elif "const" in node:
        yield code(str(node["const"]))
    elif "prefixItems" in node:
        yield f"[{', '.join(value(schema, one) for one in node['prefixItems'])}]"
    elif "items" in node:
        yield f"a list of: {value(schema, node['items'])}"
    elif "examples" in node:
        yield f"text such as {code(node['examples'][0])}"
    elif isinstance(node.get("additionalProperties"), dict):
        yield f"a mapping to: {value(schema, node['additionalProperties'])}"
    elif "type" in node:
        bounds = (f"{s} {number(node[bound])}" for bound, s in BOUNDS.items() if bound in node)
        yield " ".join([TYPES[node["type"]], " and ".join(bounds)]).strip()


def _mapping(schema: Node, name: str) -> str:
    """A mapping of its own, by link; or a name with its options."""
    if name in (known := sections(schema)):
        path, _ = known[name]
        return link(path, code(path))
    if "schedule" in schema["$defs"][name]["properties"]:
        return link("Schedules", code("{schedule: NAME, option: value}"))
    return code("{name: NAME, option: value}")


def _words(words: list[Any]) -> str:
    """A few words, or those of a registry."""
    for registry in REGISTRIES:
        if set(registry.names) <= set(words) and len(words) > FEW:
            others = [code(word) for word in words if word not in registry.names]
            return " or ".join([*others, link(registry.title, "a name")])
    return " or ".join(code(word if isinstance(word, str) else json.dumps(word)) for word in words)


def number(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def at(schema: Node, path: str) -> Node:
    """The node of a key: `training.optimizer`."""
    node = schema
    for key in path.split("."):
        section = node.get("$ref", "").rpartition("/")[2]
        node = schema["$defs"].get(section, node)["properties"][key]
    return node


def references(node: Any) -> list[str]:
    """The names of the definitions that a node refers to, at any depth."""
    if isinstance(node, list):
        return [name for one in node for name in references(one)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].rpartition("/")[2]] if "$ref" in node else []
    return own + [
        name for key, one in node.items() if key != "discriminator" for name in references(one)
    ]

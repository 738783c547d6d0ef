"""The vocabulary of a config as a JSON Schema, for editors that complete and check YAML."""

from typing import Any

from deepnet_cli.config.descriptions import DESCRIPTIONS
from deepnet_cli.config.schema import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Every form in which a key may be written, with its bounds, default and description.

    It knows the names that deepnet registers, not those of --code, and each key by itself: what
    one asks of another is told by `deepnet train --dry-run`.
    """
    schema = _untitled(Config.model_json_schema())
    for section, lines in DESCRIPTIONS.items():
        place = schema if section is Config else schema["$defs"][section.__name__]
        for key, line in lines.items():
            place["properties"][key]["description"] = line
    return {"$schema": DIALECT, "title": "deepnet config", **schema}


def _untitled(node: Any) -> Any:
    """Without the titles that are made of the keys."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if not _is_title(key, value)}
        return {key: _untitled(value) for key, value in kept.items()}
    return [_untitled(item) for item in node] if isinstance(node, list) else node


def _is_title(key: str, value: object) -> bool:
    return key == "title" and isinstance(value, str)

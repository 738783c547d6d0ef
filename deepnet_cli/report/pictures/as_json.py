"""What would be drawn, as JSON: for those who draw it themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass

import numpy as np

from deepnet_cli.report.pictures.panels import Panel


def panels_json(found: Mapping[str, Sequence[Panel]]) -> dict[str, object]:
    """A list of panels by the name of each picture; every field by its own name."""
    return {name: [_plain(panel) for panel in panels] for name, panels in found.items()}


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.tolist() if isinstance(value, np.ndarray) else value

"""What an entry of a registry says of itself: its formula, its source, the file it stands in.

The formula is a field of the entry or the first paragraph of its docstring; the source stands
in parentheses with a year, or a paragraph further down.
"""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from deepnet_cli.data.dealing.augmentation import AUGMENTATIONS
from deepnet_cli.data.encoding.imputation import IMPUTATIONS
from deepnet_cli.data.encoding.scaling import SCALINGS
from deepnet_cli.nn.activations import ACTIVATION_OPTIONS, ACTIVATIONS
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.losses import LOSS_OPTIONS, LOSSES
from deepnet_cli.nn.metrics import EVERY
from deepnet_cli.nn.penalties import PENALTIES
from deepnet_cli.optim.averages import AVERAGES
from deepnet_cli.optim.clipping import CLIPPINGS
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.optim.schedules import SCHEDULES
from deepnet_cli.optim.searches import SEARCHES

SOURCE = re.compile(r"\s*\(([^()]*\b(?:1[89]|20)\d\d\b[^()]*)\)")


class Entry(NamedTuple):
    """One name of a registry."""

    name: str
    formula: str
    source: str
    module: str  # the docstring of the file that it stands in


class Registry(NamedTuple):
    """The names that a key of the config takes, in their order."""

    title: str
    key: str
    names: Mapping[str, Any]
    told: Callable[[str, Any], Entry]


def of_docstring(name: str, entry: Any) -> Entry:
    """Of a class or a function whose docstring begins with the formula.  Raises ValueError."""
    doc = inspect.getdoc(entry) or ""
    formula, *notes = doc.split("\n\n")
    sources = SOURCE.findall(formula)
    formula = " ".join(SOURCE.sub("", formula).split())
    if not formula:
        raise ValueError(f"{name}: give {entry!r} a docstring that begins with its formula")
    about = "; ".join([*sources, *(" ".join(note.split()) for note in notes)])
    return Entry(name, formula, about, _module(entry))


def of_activation(name: str, g: Any) -> Entry:
    """g(Z) and g'(Z), with the source of the function.  Raises ValueError."""
    slope = f"g' = {g.slope}" if g.slope else ""
    return _of_fields(name, g.formula, slope, g.forward, ACTIVATION_OPTIONS.get(name))


def of_loss(name: str, loss: Any) -> Entry:
    """The cost of one entry and its derivative.  Raises ValueError."""
    slope = f"dZ = {loss.by_Z}" if loss.by_Z else f"dA = {loss.start_formula}"
    return _of_fields(name, loss.formula, slope, loss.entries, LOSS_OPTIONS.get(name))


def of_metric(name: str, metric: Any) -> Entry:
    """The figure, of one class or output where there are several.  Raises ValueError."""
    return of_docstring(name, metric.each or metric.figure)


def _of_fields(name: str, formula: str, slope: str, kernel: Any, options: Any) -> Entry:
    """Of what an entry is without options; where it has some, their docstring says it in general
    and may name its own source.
    """
    if not formula or not slope:
        raise ValueError(f"{name}: say its formula and that of its derivative where it is defined")
    while hasattr(kernel, "func"):  # with its options
        kernel = kernel.func
    sources = SOURCE.findall(inspect.getdoc(kernel) or "")
    entry = Entry(name, f"{formula}; {slope}", "; ".join(sources), _module(kernel))
    if options is None:
        return entry
    general = of_docstring(name, options)
    named = SOURCE.search(inspect.getdoc(options) or "")
    about = "; ".join(filter(None, ["" if named else entry.source, general.source]))
    return entry._replace(formula=general.formula, source=about)


def _module(thing: Any) -> str:
    return inspect.getdoc(sys.modules[thing.__module__]) or ""


REGISTRIES = (
    Registry("Activations", "model.activations", ACTIVATIONS, of_activation),
    Registry("Losses", "loss", LOSSES, of_loss),
    Registry("Optimizers", "training.optimizer", OPTIMIZERS, of_docstring),
    Registry("Searches", "training.optimizer", SEARCHES, of_docstring),
    Registry("Schedules", "training.learning_rate", SCHEDULES, of_docstring),
    Registry("Initializers", "model.initialization", INITIALIZERS, of_docstring),
    Registry("Penalties", "training", PENALTIES, of_docstring),
    Registry("Clippings", "training", CLIPPINGS, of_docstring),
    Registry("Augmentations", "model", AUGMENTATIONS, of_docstring),
    Registry("Averages", "training.averaging", AVERAGES, of_docstring),
    Registry("Scalings", "data.scale", SCALINGS, of_docstring),
    Registry("Imputations", "data.impute", IMPUTATIONS, of_docstring),
    Registry("Metrics", "training.metrics", EVERY, of_metric),
)

"""Which models answer the same question, so that they can be compared."""

from pathlib import Path

from deepnet_cli.errors import DataError, DeepnetError
from deepnet_cli.training.kept.model import Model, load_model
from deepnet_cli.training.results.outcomes import Outcomes, form_of
from deepnet_cli.training.results.pairing import Side


def comparable(a: Path, b: Path) -> bool:
    """Whether there are two models that do, in run directories or model files."""
    try:
        return _question(load_model(a)) == _question(load_model(b))
    except DeepnetError:
        return False


def check_comparable(a: Side, b: Side) -> None:
    """Raise DataError where they do not."""
    if _question(a.model) != _question(b.model):
        what = [f"{side.path} predicts {_what(side.outcomes)}" for side in (a, b)]
        raise DataError(f"{' and '.join(what)}: there is nothing to compare")


def _question(model: Model) -> tuple[str, int, tuple[str, ...]]:
    """What a model says, of how many outputs, of which classes."""
    classes = model.encoding.classes
    names = () if classes is None else classes.names
    return form_of(model), model.network.sizes[-1], names


def _what(told: Outcomes) -> str:
    if told.form == "classes":
        return f"the classes {', '.join(told.names[:6])}{', ...' * (len(told.names) > 6)}"
    return told.form if len(told.Y) == 1 else f"{len(told.Y)} {told.form}"

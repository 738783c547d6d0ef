"""cost.png: the cost of training and, where there is one, of validation."""

from collections.abc import Callable

from deepnet_cli.errors import MachineError
from deepnet_cli.memory import lacking
from deepnet_cli.report.pictures.drawing import picture
from deepnet_cli.report.pictures.histories import Look, curve
from deepnet_cli.training.loop.history import History


def cost_picture(history: History, name: str) -> bytes:
    """A PNG of the cost curves; the axis is logarithmic where they span more than a decade."""
    return picture([curve("cost", [(name, history)], Look())], name)


def drawn_in_room(tell: Callable[[str], object]) -> Callable[[History, str], bytes | None]:
    """Makes that picture, or tells that there is no memory for it: by that no run fails."""

    def draw(history: History, name: str) -> bytes | None:
        try:
            return cost_picture(history, name)
        except (MachineError, MemoryError, ImportError, OSError) as error:
            if not (isinstance(error, MachineError) or lacking(error)):
                raise
            tell("no cost.png: there is not enough memory to draw it; see deepnet plot")
            return None

    return draw

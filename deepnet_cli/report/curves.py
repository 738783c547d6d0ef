"""cost.png: the cost of training and, where there is one, of validation."""

from deepnet_cli.report.pictures.drawing import picture
from deepnet_cli.report.pictures.histories import Look, curve
from deepnet_cli.training.loop.history import History


def cost_picture(history: History, name: str) -> bytes:
    """A PNG of the cost curves; the axis is logarithmic where they span more than a decade."""
    return picture([curve("cost", [(name, history)], Look())], name)

"""Every section of a page, in its order, by the name that leads to it."""

from deepnet_cli.report.page.about import about
from deepnet_cli.report.page.confusion import confusion
from deepnet_cli.report.page.curves import curves
from deepnet_cli.report.page.diverged import diverged
from deepnet_cli.report.page.hardest import hardest
from deepnet_cli.report.page.layers import layers
from deepnet_cli.report.page.predicted import predicted
from deepnet_cli.report.page.ranked import ranked
from deepnet_cli.report.page.repeat import again, config, environment
from deepnet_cli.report.page.scores import scores
from deepnet_cli.report.page.section import Maker
from deepnet_cli.report.page.several import differences, overview, side_by_side

OF_ONE: dict[str, Maker] = {
    "about": about,
    "diverged": diverged,
    "scores": scores,
    "curves": curves,
    "confusion": confusion,
    "ranked": ranked,
    "predicted": predicted,
    "hardest": hardest,
    "layers": layers,
    "config": config,
    "environment": environment,
    "again": again,
}
"""Of a run by itself."""

OF_SEVERAL: dict[str, Maker] = {
    "runs": overview,
    "curves": curves,
    "figures": side_by_side,
    "differences": differences,
}
"""Of runs beside each other."""

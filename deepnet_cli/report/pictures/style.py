"""The one look of all pictures, and their bytes: the same for the same numbers."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from deepnet_cli.errors import ConfigError
from deepnet_cli.memory import secure_drawing

FORMATS = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
"""By the ending of a file's name."""


def format_of(name: Path, said: str = "") -> str:
    """What a picture of that name is written as; `said` is how it was given.

    Raises ConfigError where its ending is none of these.
    """
    if name.suffix not in FORMATS:
        raise ConfigError(f"{said or name}: expected a name that ends in .png, .svg or .pdf")
    return FORMATS[name.suffix]


COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Which all people tell apart (Okabe and Ito, 2008: https://jfly.uni-koeln.de/color/)."""

DASHES = ("-", (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
"""For more curves than there are colours."""

GREY = "#7f7f7f"
AMOUNTS, AROUND_ZERO = "Blues", "RdBu_r"
"""Colour maps."""

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#4d4d4d",
    "axes.facecolor": "white",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "figure.facecolor": "white",
    "figure.titlesize": 12,
    "font.size": 9,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "lines.linewidth": 1.5,
    "pdf.fonttype": 42,
    "savefig.dpi": 110,
    "svg.fonttype": "path",
    "svg.hashsalt": "deepnet",
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}
"""The rest, the fonts above all, is as the user has set matplotlib."""

UNDATED: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


@contextmanager
def styled() -> Iterator[None]:
    """Where figures are made and written."""
    secure_drawing()
    import matplotlib

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that a font does not have
        yield


def written_as(figure: Any, kind: str) -> bytes:
    """A figure as a file of one of FORMATS."""
    content = BytesIO()
    figure.savefig(content, format=kind, metadata=UNDATED[kind])
    return content.getvalue()

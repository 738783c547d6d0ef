"""cost.png: the cost of training and, where there is one, of validation."""

import warnings
from io import BytesIO

from deepnet_cli.training.history import History


def cost_picture(history: History, name: str) -> bytes:
    """A PNG of the cost curves; the axis is logarithmic where they span more than a decade."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    iterations = [row["iteration"] for row in history.rows]
    marker = "o" if len(iterations) < 3 else None
    curves = {"cost": "training", "val_cost": "validation"}
    shown = []
    for key, label in curves.items():
        if history.rows and key in history.rows[0]:
            values = [row[key] for row in history.rows]
            axes.plot(iterations, values, label=label, linewidth=1.6, marker=marker)
            shown += values
    if shown and min(shown) > 0 and max(shown) > 10 * min(shown):
        axes.set_yscale("log")
    if "val_cost" in (history.rows or [{}])[0]:
        axes.legend(frameon=False)
    axes.set_title(name, parse_math=False)
    axes.set(xlabel="iteration", ylabel="cost J")
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    picture = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that its font does not have
        figure.savefig(picture, format="png", dpi=120, metadata={"Software": None})
    return picture.getvalue()

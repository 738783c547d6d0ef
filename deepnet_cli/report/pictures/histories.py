"""Pictures of how training went: columns of history.csv over the iterations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepnet_cli.errors import ConfigError
from deepnet_cli.nn.metrics import SMALLER_IS_BETTER
from deepnet_cli.nn.types import Array
from deepnet_cli.report.pictures.panels import Chart, Panel, Series, Style, spans
from deepnet_cli.report.pictures.trained import Trained
from deepnet_cli.training.loop.history import History

NO_METRICS = {"iteration", "epoch", "cost", "learning_rate", "clipped", "gradient_norm", "seconds"}
"""The other columns."""

AXES = {
    "cost": ("cost", "cost J"),
    "learning_rate": ("learning rate", "learning rate"),
    "gradient_norm": ("gradient norm", "|g|"),
}
"""The title and y of what is not called as its column."""

OF_SIZES = {"cost", "gradient_norm", *SMALLER_IS_BETTER}
"""Columns that are shown by their logarithm where they span more than a decade."""

Named = tuple[str, History]


@dataclass(frozen=True)
class Look:
    """How curves are drawn: smoothed by 0 <= S < 1; by their logarithm (None: as OF_SIZES says)."""

    smooth: float = 0.0
    log: bool | None = None


def cost(runs: Sequence[Trained], look: Look) -> list[Panel]:
    """J of the batches and of the validation set, and where the parameters in model.h5 are from."""
    drawn = curve("cost", _named(runs), look)
    kept = _kept(runs[0]) if len(runs) == 1 else ()
    return [replace(drawn, series=(*drawn.series, *kept))]


def metrics(runs: Sequence[Trained], look: Look) -> list[Panel]:
    """Each metric in the history, a chart; the first that the config asks for is first."""
    names = dict.fromkeys(name for run in runs for name in metrics_in(run.history))
    return [curve(name, _named(runs), Look(look.smooth)) for name in names]


def learning_rate(runs: Sequence[Trained], look: Look) -> list[Panel]:
    """That of each row's update."""
    return [curve("learning_rate", _named(runs), Look(log=look.log))]


def gradient_norm(runs: Sequence[Trained], look: Look) -> list[Panel]:
    """The length of the whole gradient."""
    return [curve("gradient_norm", _named(runs), look)]


def _named(runs: Sequence[Trained]) -> list[Named]:
    return [(run.label, run.history) for run in runs]


def curve(name: str, named: Sequence[Named], look: Look) -> Chart:
    """A column of histories, and beside it the same of the validation set.

    Of one history by itself the two have colours of their own; else each history has one.  Raises
    ConfigError where the logarithm is asked for of what has none.
    """
    several = len(named) > 1
    series = tuple(
        each
        for k, (label, history) in enumerate(named)
        for each in _series(history, name, look, (label, k) if several else None)
    )
    title, y = AXES.get(name, (name.replace("_", " "), ""))
    if any(each.follows for each in series):
        title = f"{title} (dashed: validation)"
    shown = np.concatenate([np.zeros(0), *(each.y for each in series)])
    if look.log and (shown <= 0).any():
        raise ConfigError(f"--log: {name} is not above 0 everywhere; leave it out")
    log = name in OF_SIZES and spans(shown) if look.log is None else look.log
    return Chart(title, "iteration", y, series, log)


def _series(
    history: History, key: str, look: Look, among: tuple[str, int] | None
) -> Iterator[Series]:
    """Of a history by itself, or `among` others by its label and colour."""
    columns = {"training": key, "validation": f"val_{key}"}
    there = {
        part: name for part, name in columns.items() if np.isfinite(_column(history, name)).any()
    }
    for part, name in there.items():
        held_out = part == "validation"
        if among is not None:
            label, colour = among
            label = f"{label}, {part}" if held_out else label
        else:
            label, colour = part, int(held_out)
            if key in NO_METRICS and len(there) == 1:
                label = ""
        x, y = _column(history, "iteration"), _column(history, name)
        if look.smooth:
            yield Series("", x, y, "faint", colour)
            y = smoothed(y, look.smooth)
        style: Style = "dashed" if held_out else "line"
        follows = among is not None and part != next(iter(there))
        yield Series(label, x, y, style, colour, follows=follows)


def smoothed(values: Array, weight: float) -> Array:
    """The mean of each value (n,) and of those before it, of which each counts `weight` times as
    much as the next; values that are not finite do not count.

        s_t = weight s_(t-1) + (1 - weight) y_t,      shown as s_t / (1 - weight^t)

    An exponential moving average without the bias of its start, as Adam corrects it (Kingma & Ba,
    2015, section 3: https://arxiv.org/abs/1412.6980).
    """
    out, s, total = np.full(len(values), np.nan), 0.0, 0.0
    for t, value in enumerate(values.tolist()):
        if np.isfinite(value):
            s = weight * s + (1 - weight) * value
            total = weight * total + (1 - weight)
        if total:
            out[t] = s / total
    return out


def figures_in(history: History) -> list[str]:
    """What a history has curves of, without val_."""
    bare = dict.fromkeys(name.removeprefix("val_") for name in _names(history))
    return [name for name in bare if name not in ("iteration", "epoch")]


def metrics_in(history: History) -> list[str]:
    """The metrics of these."""
    return [name for name in figures_in(history) if name not in NO_METRICS]


def no_history(run: Trained) -> str:
    """Why a run has no curves; nothing where it has."""
    if run.run is None:
        return "a model file has no history; name its run"
    return "" if run.history.rows else "its history.csv has no row yet"


def no_metrics(run: Trained) -> str:
    """Likewise, of metrics."""
    hint = "its history has none; name some in training.metrics, or hold out a validation set"
    return no_history(run) or ("" if metrics_in(run.history) else hint)


def no_schedule(run: Trained) -> str:
    """Likewise, of a learning rate that is worth a look."""
    rates = {row.get("learning_rate") for row in run.history.rows}
    return no_history(run) or ("its learning rate is the same throughout" if len(rates) < 2 else "")


def no_norm(run: Trained) -> str:
    """Likewise, of the gradient's norm."""
    hint = "its history.csv has no gradient_norm; an older deepnet wrote it"
    return no_history(run) or ("" if "gradient_norm" in run.history.rows[-1] else hint)


def _kept(run: Trained) -> Iterator[Series]:
    """The point at which val_cost chose the parameters."""
    best = run.run.summary.get("best") if run.run is not None else None
    if not isinstance(best, dict) or best.get("monitor") != "val_cost":
        return
    for row in run.history.rows:
        if row["iteration"] == best.get("iteration"):
            at = np.array([row["iteration"]]), np.array([row.get("val_cost", np.nan)])
            yield Series("kept in model.h5", *at, "mark", 1)


def _names(history: History) -> list[str]:
    """The columns; rows from before a fork may lack some."""
    return list(dict.fromkeys([*history.rows[0], *history.rows[-1]])) if history.rows else []


def _column(history: History, name: str) -> Array:
    return np.array([row.get(name, np.nan) for row in history.rows], float)

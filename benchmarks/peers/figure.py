"""The results as a picture: a panel for each contest, a bar for each peer."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.peers.measure import BASE, Result, Results
from benchmarks.peers.table import shown

LONGEST = 3.2
"""Times of deepnet: a longer bar is cut."""

OURS, OTHERS, FLOOR, INK = "#d1495b", "#7d99b5", "#cfcfcf", "#333333"


def figure(contests: list[Results], note: str, path: Path) -> None:
    """Write a PNG; `note` says what the numbers were measured on."""
    columns = 2 if len(contests) > 1 else 1
    grid = [contests[i : i + columns] for i in range(0, len(contests), columns)]
    most = [max(len(contest.results) for contest in row) for row in grid]
    heights = [bars + 1.6 for bars in most]
    picture = Figure(figsize=(5.6 * columns, 0.27 * sum(heights) + 0.5), layout="constrained")
    axes = picture.subplots(len(grid), columns, squeeze=False, height_ratios=heights)
    for ax in axes.flat[len(contests) :]:
        ax.axis("off")
    for number, contest in enumerate(contests):
        _panel(axes.flat[number], contest, most[number // columns])
    picture.supxlabel(
        f"time, deepnet = 1 (shorter is faster)  ·  {note}", fontsize=8, color=INK, x=0.5
    )
    picture.savefig(path, dpi=110)


def _panel(ax: Any, contest: Results, bars: int) -> None:
    """With room for so many bars."""
    results = sorted(contest.results, key=lambda result: result.ratio or 0.0)
    for place, result in enumerate(results):
        length = min(result.ratio or 0.0, LONGEST)
        ax.barh(place, length, color=_color(result.peer), height=0.72)
        if length == LONGEST:  # a gap in the bar: it goes on
            ax.barh(place, 0.04, left=LONGEST - 0.14, color="white", height=0.8)
        text = ax.text(length + 0.04, place, _label(result), va="center", fontsize=8, color=INK)
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    ax.set_yticks(range(len(results)), [result.peer for result in results], fontsize=8.5)
    for label, result in zip(ax.get_yticklabels(), results, strict=True):
        label.set_color(OURS if result.peer.startswith(BASE) else INK)
        label.set_fontweight("bold" if result.peer.startswith(BASE) else "normal")
    ax.vlines(1, -0.5, len(results) - 0.5, color=OURS, linewidth=0.8, linestyle=":", zorder=0)
    ax.set_xlim(0, LONGEST * 1.35)
    ax.set_ylim(bars - 0.4, -0.6)
    ax.set_xticks([])
    ax.tick_params(left=False)
    ax.spines[:].set_visible(False)
    ax.set_title(contest.title, fontsize=9.5, loc="left", color=INK, fontweight="bold")


def _label(result: Result) -> str:
    return (
        shown(result.seconds)
        if result.peer == BASE
        else (f"{result.ratio:.2f} ×   {shown(result.seconds)}")
    )


def _color(peer: str) -> str:
    if peer.startswith(BASE):
        return OURS
    return FLOOR if peer.startswith("floor") else OTHERS

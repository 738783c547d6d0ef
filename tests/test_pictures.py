"""What pictures show, by other means; and that each is drawn, whole, and always the same."""

import re
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from kinds import HELD, KINDS, TAUS, trained
from samples import parameters
from scipy.stats import binomtest
from sklearn import metrics

from deepnet_cli.errors import ConfigError
from deepnet_cli.nn.metrics.calibration import wilson
from deepnet_cli.nn.metrics.ranked import areas
from deepnet_cli.nn.metrics.swept import precision_recall, roc
from deepnet_cli.nn.types import Array
from deepnet_cli.report.pictures.decisions import roc_curves
from deepnet_cli.report.pictures.drawing import figure_of, mosaic, picture
from deepnet_cli.report.pictures.histories import Look, curve, figures_in, smoothed
from deepnet_cli.report.pictures.panels import Chart, Matrix, Panel, Series, Tiles
from deepnet_cli.report.pictures.registry import PICTURES, heading, overview, panels_of
from deepnet_cli.report.pictures.style import FORMATS, styled
from deepnet_cli.report.pictures.terminal import HEIGHT, chart_text, panels_text
from deepnet_cli.report.pictures.trained import Trained, labels
from deepnet_cli.training.loop.history import History


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


VALIDATED = {"validation": {"fraction": 0.2}}
SCHEDULE = {"schedule": "cosine", "initial": 0.05}


def seen(folder: Path, name: str, image: tuple[int, ...] | None = None) -> Trained:
    """A run with a validation set and a learning rate that changes, as pictures see it."""
    more: Any = {"data": VALIDATED, "training": {"learning_rate": SCHEDULE}}
    return Trained(trained(folder, name, **more), name, image=image)


def shown(run: Trained, name: str) -> list[Any]:
    return panels_of([name], [run], Look())[name]


# Formulas


@pytest.mark.parametrize("ties", [False, True])
def test_curves_of_a_threshold_are_those_of_scikit_learn(
    rng: np.random.Generator, ties: bool
) -> None:
    score, true, w = rng.normal(size=80), rng.random(80) < 0.3, rng.random(80)
    score = score.round(1) if ties else score
    false, right = roc(score, true, w)
    wanted = metrics.roc_curve(true, score, sample_weight=w, drop_intermediate=False)
    np.testing.assert_allclose(false, wanted[0], atol=1e-12)
    np.testing.assert_allclose(right, wanted[1], atol=1e-12)
    recall, precision = precision_recall(score, true, w)
    other = metrics.precision_recall_curve(true, score, sample_weight=w)
    np.testing.assert_allclose(precision, other[0][::-1], atol=1e-12)
    np.testing.assert_allclose(recall, other[1][::-1], atol=1e-12)
    auc, average_precision, _ = areas(score, true, w[np.newaxis])
    np.testing.assert_allclose(np.trapezoid(right, false), auc[0])
    np.testing.assert_allclose((np.diff(recall) * precision[1:]).sum(), average_precision[0])


@pytest.mark.parametrize(("right", "n"), [(0, 3), (3, 3), (7, 19), (1, 400)])
def test_the_interval_of_a_share_is_that_of_scipy(right: int, n: int) -> None:
    low, high = wilson(np.array([right / n]), np.array([float(n)]))
    wanted = binomtest(right, n).proportion_ci(method="wilson")
    np.testing.assert_allclose([low[0], high[0]], [wanted.low, wanted.high], atol=1e-12)


def test_smoothing_is_a_mean_that_forgets(rng: np.random.Generator) -> None:
    values, weight = rng.normal(size=12), 0.8
    values[[0, 5]] = np.nan, np.inf
    found = smoothed(values, weight)
    assert np.isnan(found[0])
    for t in range(1, 12):
        past = [k for k in range(t + 1) if np.isfinite(values[k])]
        counted = [k for k in past if k <= t]
        w = [weight ** sum(j > k for j in counted) for k in counted]
        np.testing.assert_allclose(found[t], np.average(values[counted], weights=w))
    np.testing.assert_array_equal(smoothed(values[1:5], 0.0), values[1:5])


# What fits what

OF_ALL = {"cost", "metrics", "learning_rate", "weights"}
HAS = {
    "two": OF_ALL | {"confusion", "roc", "precision_recall", "calibration"},
    "two softmax": OF_ALL | {"confusion", "roc", "precision_recall", "calibration"},
    "three": OF_ALL | {"confusion", "roc", "precision_recall", "calibration"},
    "scores": OF_ALL | {"confusion", "roc", "precision_recall"},
    "labels": OF_ALL | {"roc", "precision_recall", "calibration"},
    "number": OF_ALL | {"predicted", "residuals"},
    "numbers": OF_ALL | {"predicted", "residuals"},
    "quantiles": OF_ALL | {"predicted", "calibration"},
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_run_has_its_pictures_and_is_told_why_not_others(
    folder: Path, name: str
) -> None:
    run, has = seen(folder, name), HAS[name]
    if "gradient_norm" in (run.path / "history.csv").read_text():
        has = has | {"gradient_norm"}
    for called, it in PICTURES.items():
        if called in has:
            assert it.lacks(run) == ""
            for panel in it.panels([run], Look()):
                assert_finite(panel)
        else:
            with pytest.raises(ConfigError, match=f"no picture '{called}': [a-z]") as refused:
                panels_of([called], [run], Look())
            assert all(other in str(refused.value) for other in has)
    found, problems = overview([run], Look())
    assert found.keys() == {n for n in has if PICTURES[n].in_overview}
    assert not problems
    assert heading(found, [run]) == f"{name}: test, {HELD} examples"
    for braille in (True, False):
        text = panels_text(
            [panel for each in found.values() for panel in each], name, braille=braille
        )
        assert max(map(len, text.splitlines())) <= 80
        assert text.isascii() is not braille


def assert_finite(panel: Panel) -> None:
    """Something is there, and all of it can be drawn."""
    if isinstance(panel, Chart):
        assert panel.series
        for series in panel.series:
            assert len(series.x) == len(series.y) > 0
            assert np.isfinite(series.x).all()
            assert np.isfinite(series.y).all()
    else:
        assert np.isfinite(panel.C if isinstance(panel, Matrix) else panel.tiles).all()


# What they show


def h5(run: Trained, name: str) -> Array:
    with h5py.File(run.path.parent / "d.h5") as file:
        values: Array = file[name][:]
    return values


def test_costs_are_those_of_the_history(folder: Path) -> None:
    run = seen(folder, "three")
    (panel,) = shown(run, "cost")
    text = (run.path / "history.csv").read_text().splitlines()
    table = np.array([line.split(",") for line in text[1:]], float)
    columns = dict(zip(text[0].split(","), table.T, strict=True))
    assert [series.label for series in panel.series[:2]] == ["training", "validation"]
    for series, name in zip(panel.series, ["cost", "val_cost"], strict=False):
        np.testing.assert_array_equal(series.x, columns["iteration"])
        np.testing.assert_array_equal(series.y, columns[name])
    assert panel.series[2].y == columns["val_cost"].min()
    assert [panel.title for panel in shown(run, "metrics")] == [
        "accuracy",
        "precision",
        "recall",
        "f1",
    ]


def test_several_runs_are_told_apart(folder: Path) -> None:
    runs = [seen(folder, name) for name in ("two", "three")]
    (panel,) = panels_of(["cost"], runs, Look(smooth=0.5))["cost"]
    assert isinstance(panel, Chart)
    named = [(s.label, s.colour, s.style) for s in panel.series if s.label]
    assert named == [
        ("two", 0, "line"),
        ("two, validation", 0, "dashed"),
        ("three", 1, "line"),
        ("three, validation", 1, "dashed"),
    ]
    found, _ = overview(runs, Look())
    assert found.keys() == {"cost", "metrics", "learning_rate"}
    titles = [panel.title for panel in panels_of(["confusion"], runs, Look())["confusion"]]
    assert [title.partition(":")[0] for title in titles] == ["two", "three"]


def test_labels_are_as_short_as_tells_apart() -> None:
    assert labels([Path("a/run-1"), Path("b/run-2")]) == ["run-1", "run-2"]
    assert labels([Path("a/run"), Path("b/run")]) == ["a/run", "b/run"]


def test_a_matrix_has_a_row_a_true_class(folder: Path) -> None:
    run = seen(folder, "three")
    (panel,) = shown(run, "confusion")
    assert panel.names == ("ash", "birch", "oak")
    _, counts = np.unique(h5(run, "y_test"), return_counts=True)
    np.testing.assert_array_equal(panel.C.sum(axis=1), counts)


def test_curves_of_classes_are_named_with_their_areas(folder: Path) -> None:
    run = seen(folder, "three")
    for name, area in (
        ("roc", metrics.roc_auc_score),
        ("precision_recall", metrics.average_precision_score),
    ):
        (panel,) = shown(run, name)
        found = run.outcomes
        for k, series in enumerate(s for s in panel.series if s.style != "rule"):
            wanted = area(found.true == k, found.A[k])
            assert series.label == f"{found.names[k]}: {wanted:.3f}"


def test_of_many_classes_the_worst_are_shown(folder: Path) -> None:
    run = seen(folder, "three")
    (panel,) = roc_curves(run, 2)
    found = run.outcomes
    wanted = sorted(metrics.roc_auc_score(found.true == k, found.A[k]) for k in range(3))[:2]
    told = [float(series.label.split(": ")[1]) for series in panel.series if series.style == "line"]
    np.testing.assert_allclose(told, wanted, atol=5e-4)


def test_quantiles_are_calibrated_where_as_much_is_below(folder: Path) -> None:
    run = seen(folder, "quantiles")
    (panel,) = shown(run, "calibration")
    np.testing.assert_array_equal(panel.series[-1].x, TAUS)
    below = [(h5(run, "y_test") <= quantile).mean() for quantile in run.outcomes.A]
    np.testing.assert_allclose(panel.series[-1].y, below)
    (panel,) = shown(run, "predicted")
    inside = {series.label: len(series.x) for series in panel.series}
    A, y = run.outcomes.A, h5(run, "y_test")
    assert inside["within"] == ((A[0] <= y) & (y <= A[2])).sum()
    assert inside["within"] + inside["outside"] == HELD


def test_numbers_are_held_against_the_file(folder: Path) -> None:
    run = seen(folder, "numbers")
    y = h5(run, "y_test").T
    for k, (one, other) in enumerate(
        zip(shown(run, "predicted"), shown(run, "residuals"), strict=True)
    ):
        dots, apart = one.series[-1], other.series[-1]
        np.testing.assert_allclose(dots.x, y[k], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(apart.x + apart.y, y[k], rtol=1e-5, atol=1e-3)
        np.testing.assert_array_equal(apart.x, dots.y)
        assert f"R2 {metrics.r2_score(y[k], dots.y):.3f}" in one.title
        deviation = metrics.root_mean_squared_error(y[k], dots.y)
        assert float(re.findall(r"square ([\d.]+)", other.title)[0]) == pytest.approx(
            deviation, rel=1e-3
        )


def test_a_histogram_has_all_weights_of_its_layer(folder: Path) -> None:
    run = seen(folder, "three")
    for l, panel in enumerate(shown(run, "weights"), start=1):
        W = parameters(run.path)[f"W{l}"]
        x, y = panel.series[0].x, panel.series[0].y
        assert y[::2].sum() == W.size
        assert (x[0], x[-1]) == (W.min(), W.max())
        with styled():
            (axes,) = figure_of(
                [replace(panel, series=(replace(panel.series[0], y=y > 0),))], ""
            ).axes
            assert all(tick == round(tick) for tick in axes.get_yticks())


@pytest.mark.parametrize("shape", [(8, 8), (5, 6, 3), (3, 5, 6), (7, 4, 1)])
def test_the_first_layer_is_seen_as_the_images_were(tmp_path: Path, shape: tuple[int, ...]) -> None:
    run = images(tmp_path, shape)
    (panel,) = shown(run, "first_layer")
    W1 = parameters(run.path)["W1"]
    for tile, row in zip(panel.tiles, W1, strict=True):
        image = row.reshape(shape)
        image = np.moveaxis(image, 0, -1) if shape[0] == 3 else image
        np.testing.assert_array_equal(tile, image.reshape(tile.shape))
    assert panel.tiles.ndim == (4 if 3 in shape else 3)


def images(folder: Path, shape: tuple[int, ...], asked: tuple[int, ...] | None = None) -> Trained:
    """A run on images of a shape, flattened where one is `asked` for."""
    from cli import deepnet
    from kinds import write_kind

    config = write_kind(folder / "images", "two")
    rng = np.random.default_rng(0)
    with h5py.File(folder / "images" / "d.h5", "r+") as file:
        for part in ("train", "test"):
            m = len(file[f"x_{part}"])
            del file[f"x_{part}"]
            file[f"x_{part}"] = rng.normal(size=(m, int(np.prod(shape))) if asked else (m, *shape))
    assert deepnet("train", config, "-q", "--run-dir", folder / "run").code == 0
    return Trained(folder / "run", "images", image=asked)


def test_flattened_images_are_seen_in_the_shape_that_is_named(tmp_path: Path) -> None:
    run = images(tmp_path, (8, 6), asked=(8, 6))
    assert shown(run, "first_layer")[0].tiles.shape == (5, 8, 6)
    assert "--image HxW" in PICTURES["first_layer"].lacks(replace(run, image=None))
    assert "48 features, of which --image 8x7" in PICTURES["first_layer"].lacks(
        replace(run, image=(8, 7))
    )


def test_a_mosaic_has_each_tile_once(rng: np.random.Generator) -> None:
    tiles = rng.normal(size=(5, 2, 3))
    whole = mosaic(tiles, np.nan)
    assert whole.shape == (2 * 2 + 1, 3 * 3 + 2)
    rows = [np.concatenate([*tiles[:3]], axis=1), np.concatenate([*tiles[3:]], axis=1)]
    np.testing.assert_array_equal(whole[:2][:, ~np.isnan(whole[0])], rows[0])
    np.testing.assert_array_equal(whole[3:][:, ~np.isnan(whole[3])], rows[1])


def test_figures_that_not_all_rows_have_are_drawn_and_those_that_say_nothing_not() -> None:
    """As after a fork with other metrics, and where the first validation was not finite."""
    first = {"iteration": 0, "epoch": 0, "cost": 2.0, "val_cost": np.nan, "accuracy": 0.5}
    last = {"iteration": 1, "epoch": 0, "cost": 1.0, "val_cost": np.nan, "val_f1": 0.75}
    history = History([first, last])
    assert figures_in(history) == ["cost", "accuracy", "f1"]
    drawn = [curve(name, [("a", history)], Look()).series for name in figures_in(history)]
    told = [[(series.style, series.y.tolist()) for series in each] for each in drawn]
    assert str(told) == str(
        [[("line", [2.0, 1.0])], [("line", [0.5, np.nan])], [("dashed", [np.nan, 0.75])]]
    )


def test_a_logarithm_of_what_has_none_is_refused() -> None:
    history = History([{"iteration": i, "cost": 1.0 - i} for i in range(3)])
    with pytest.raises(ConfigError, match="cost is not above 0"):
        curve("cost", [("a", history)], Look(log=True))
    assert not curve("cost", [("a", history)], Look()).log
    steep = History([{"iteration": i, "cost": 10.0**-i} for i in range(3)])
    assert curve("cost", [("a", steep)], Look()).log
    assert not curve("cost", [("a", steep)], Look(log=False)).log


# Drawing

LONG = "a class with a very long name of $\\$ its own"


def everything() -> list[Panel]:
    """A panel of each sort and a series of each style, with names as long as they may be."""
    x = np.arange(6.0)
    styles: Any = (
        "line",
        "dashed",
        "faint",
        "step",
        "area",
        "dotted",
        "dots",
        "mark",
        "spans",
        "rule",
    )
    series = [
        Series(f"{style} {LONG}"[:30], x, x + k + 1, style, k, x + k + 2)
        for k, style in enumerate(styles)
    ]
    C = 100 * np.diag(np.arange(1.0, 13.0)) + np.eye(12, k=1)
    names = tuple(f"{k} {LONG}" for k in range(12))
    return [
        Chart(f"all styles of {LONG}", "x", "y", tuple(series)),
        Chart("logarithmic", "x", "y", (Series("", x, 10.0**x),), log=True),
        Chart("square", "x", "y", (Series("", x, x / 10),), square=True),
        Matrix(f"confusion of {LONG} and others", names, C),
        Matrix("many", tuple(map(str, range(60))), np.eye(60)),
        Tiles("grey", np.random.default_rng(0).normal(size=(5, 4, 4))),
        Tiles("coloured", np.random.default_rng(0).normal(size=(5, 4, 4, 3))),
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_picture_is_the_same_each_time_and_tells_no_time(suffix: str) -> None:
    panels = everything()[suffix != ".svg" :][:1]  # of which parts have names, by all styles
    one = picture(panels, "runs $x$", FORMATS[suffix])
    assert one == picture(panels, "runs $x$", FORMATS[suffix])
    assert one.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix])
    assert not re.search(rb"CreationDate|ModDate|<dc:date>|20\d\d-\d\d-\d\d|Software", one)


@pytest.mark.parametrize("chosen", [slice(3, 4), slice(6)], ids=["one", "six"])
def test_no_text_is_cut_or_lies_over_another(chosen: slice) -> None:
    with styled():
        figure = figure_of(everything()[chosen], f"digits-001: {LONG}")
        figure.draw_without_rendering()
        bars = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
        boxes = [axes.get_tightbbox() for axes in figure.axes if axes not in bars]
        boxes.append(figure._suptitle.get_window_extent())
        ticks = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
        entries = [[t.get_window_extent() for t in axes.texts] for axes in figure.axes]
    for k, box in enumerate(boxes):
        assert min(box.x0, box.y0) >= -1
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y1 <= figure.bbox.y1 + 1
        assert not any(box.shrunk(0.98, 0.98).overlaps(other) for other in boxes[:k])
    assert max(map(len, entries)) >= 12
    for each in entries:
        assert not any(a.overlaps(b) for a, b in combinations(each, 2))
    for axis in ticks:
        labels = [t for t in axis.get_ticklabels() if t.get_text() and not t.get_rotation()]
        each = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for a, b in pairwise(each))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_are_not_finite_are_left_out(folder: Path, bad: float) -> None:
    run = seen(folder, "number")
    A = run.outcomes.A.copy()
    A[:, :3] = bad
    vars(run)["outcomes"] = replace(run.outcomes, A=A)
    panels = [*shown(run, "predicted"), *shown(run, "residuals")]
    assert picture(panels, "").startswith(b"\x89PNG")
    framed = [line for line in panels_text(panels, "", braille=False).splitlines() if "|" in line]
    assert not any("nan" in line or "inf" in line for line in framed)


def test_the_page_names_every_picture() -> None:
    page = (Path(__file__).parents[1] / "docs" / "plotting.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [*PICTURES]


def test_in_a_terminal_a_curve_runs_from_corner_to_corner() -> None:
    x = np.arange(5.0)
    rising = Chart("up", "x", "y", (Series("a", x, x), Series("b", x, x[::-1])))
    plain = chart_text(rising, braille=False).splitlines()
    body = [line.partition("|")[2] for line in plain if "|" in line]
    assert len(body) == HEIGHT
    assert body[0].strip("o ")[-1] == body[-1][0] == "*"
    assert body[0][0] == body[-1].strip()[-1] == "o"
    assert all("*" in line and "o" in line for line in body[:6])
    fine = chart_text(rising, braille=True)
    assert "⠉" in fine.splitlines()[1] or any(0x2800 < ord(c) < 0x2900 for c in fine)
    assert plain[0].strip() == "y"
    assert "* a   o b" in plain[-1]


def test_in_a_terminal_ten_curves_have_a_mark_each_and_iterations_their_digits() -> None:
    x = np.array([0.0, 14720.0])
    lines = tuple(Series(f"class {k}", x, x + k) for k in range(10))
    for braille in (True, False):
        text = chart_text(Chart("ten", "x", "y", lines), braille=braille)
        legend = re.findall(r"(\S) (class \d)", text)
        assert len({mark for mark, _ in legend}) == len(legend) == 10
        assert re.search(r" 0 +x +14720\n", text)


def test_images_are_not_for_a_terminal() -> None:
    with pytest.raises(ConfigError, match=r"-o FILE\.png"):
        panels_text([everything()[-1]], "", braille=True)

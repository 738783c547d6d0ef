"""reduce_on_plateau: what it counts, that it is PyTorch's, and what it does to runs."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from cli import deepnet
from samples import parameters, rows, same_files, write_blobs, write_config

from deepnet_cli.optim.schedules import SCHEDULES

NAN = float("nan")


def reductions(values: list[float], figure: str = "cost", **options: Any) -> list[int]:
    """How many reductions there are after each row, rows being 3 iterations apart."""
    schedule = SCHEDULES["reduce_on_plateau"](initial=0.1, monitor=figure, **options)
    counter, found = schedule.reductions(per_epoch=2), []
    for k, value in enumerate(values):
        counter.see({"iteration": 3 * k, figure: value})
        found.append(counter.made)
    return found


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([5, 5, 5, 5, 5], {"patience": 0}, [0, 1, 2, 3, 4]),
        ([5, 5, 5, 5, 5], {"patience": 1}, [0, 0, 1, 1, 2]),
        ([5, 6, 4, 5, 6], {"patience": 1}, [0, 0, 0, 0, 1]),
        ([5, 5, 5, 5, 5, 5], {"patience": 0, "cooldown": 2}, [0, 1, 1, 1, 2, 2]),
        ([100, 95, 89, 81], {"patience": 0, "threshold": 0.1}, [0, 1, 1, 2]),
        ([100, 95, 89, 85], {"patience": 0, "min_delta": 5}, [0, 1, 1, 2]),
        ([100, 95, 89, 85], {"patience": 0, "min_delta": 5, "threshold": 0.2}, [0, 1, 2, 3]),
        ([100, 95, 89, 85], {"patience": 0, "min_delta": 5, "threshold": 0.1}, [0, 1, 1, 2]),
        ([NAN, 5, NAN, NAN], {"patience": 1}, [0, 0, 0, 1]),
        ([float("inf"), 5, 4], {"patience": 1}, [0, 0, 0]),
    ],
)
def test_a_row_too_many_without_an_improvement_reduces(
    values: list[float], options: dict[str, Any], expected: list[int]
) -> None:
    assert reductions(values, **options) == expected


def test_the_figure_says_what_improves() -> None:
    rising = [0.1, 0.2, 0.3, 0.4]
    assert reductions(rising, "val_accuracy", patience=0) == [0, 0, 0, 0]
    assert reductions(rising, "val_mse", patience=0) == [0, 1, 2, 3]


@pytest.mark.parametrize(("figure", "better"), [("cost", -1), ("val_r2", 1)])
def test_below_0_what_is_worse_is_no_improvement(figure: str, better: int) -> None:
    """As a Poisson cost and R2 can be; PyTorch counts what is worse by less than the threshold."""
    values = [-1.0, -1.0 - better * 1e-5, -1.0 + better * 1e-5, -1.0 + better * 1e-3]
    assert reductions(values, figure, patience=0) == [0, 1, 2, 2]


@pytest.mark.parametrize(("by", "rows_before"), [("iteration", 3), ("epoch", 5)])
def test_the_rows_of_the_warm_up_are_not_looked_at(by: str, rows_before: int) -> None:
    """Seven iterations, with rows at 0, 3 and 6; seven epochs of two, with 0, 3, ..., 12."""
    found = reductions([1.0, *[2.0] * 9], patience=0, by=by, warmup=7)
    assert found == [0] * rows_before + list(range(10 - rows_before))


def test_the_rate_stops_at_its_minimum_but_not_in_the_warm_up() -> None:
    schedule = SCHEDULES["reduce_on_plateau"](initial=0.8, factor=0.5, minimum=0.3, warmup=3)
    assert [schedule.rate(i, 1, 9) for i in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])
    assert [schedule.rate(4, 1, 9, made) for made in (1, 2, 30)] == pytest.approx([0.4, 0.3, 0.3])


@pytest.mark.parametrize(("figure", "mode"), [("val_cost", "min"), ("val_accuracy", "max")])
@pytest.mark.parametrize("kind", ["rel", "abs"])
def test_it_is_that_of_pytorch(figure: str, mode: str, kind: str, rng: np.random.Generator) -> None:
    """100 sequences of a figure that improves, stays and is lost; every option is drawn."""
    torch: Any = pytest.importorskip("torch")
    reduced = 0
    for _ in range(100):
        drift, noise = rng.uniform(0, 0.03), rng.uniform(0, 0.1)
        values = 2 * np.exp(-np.cumsum(rng.normal(drift, noise, 60)))
        values = values if mode == "min" else 1 / values
        values[rng.random(60) < 0.05] = np.nan
        repeated = np.flatnonzero(rng.random(59) < 0.2) + 1
        values[repeated] = values[repeated - 1]
        by = float(rng.choice([0.0, 1e-4, 0.05]))
        options = {
            "factor": float(rng.uniform(0.1, 0.9)),
            "patience": int(rng.integers(0, 6)),
            "cooldown": int(rng.integers(0, 4)),
        }
        low = float(rng.choice([0.0, 0.01 * 0.03]))
        more = {"threshold": by} if kind == "rel" else {"threshold": 0.0, "min_delta": by}
        ours = SCHEDULES["reduce_on_plateau"](
            initial=0.03, monitor=figure, minimum=low, **options, **more
        )
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.03)
        theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode, threshold=by, threshold_mode=kind, min_lr=low, eps=0.0, **options
        )
        counter = ours.reductions(per_epoch=1)
        for i, value in enumerate(values):
            counter.see({"iteration": i, figure: value})
            theirs.step(value)
            expected = optimizer.param_groups[0]["lr"]
            assert ours.rate(i + 1, 1, 61, counter.made) == pytest.approx(expected, rel=1e-12)
        reduced += counter.made
    assert reduced > 200


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", seed=9)
    return tmp_path


PLATEAU = {"schedule": "reduce_on_plateau", "initial": 2.0, "factor": 0.3, "patience": 1}
PARTS: list[dict[str, str]] = [{}, {"validation": "more.h5"}]
"""Of the data, beside the training examples."""


def write(folder: Path, data: dict[str, str], **training: Any) -> Path:
    settings = {"learning_rate": PLATEAU, "iterations": 60, "batch_size": 16, "log_every": 3}
    return write_config(folder / "c.yaml", data=data, training={**settings, **training})


def falls(history: list[dict[str, float]]) -> list[tuple[int, float]]:
    """The iteration before each row with a lower rate than the row before it, and the rate."""
    return [
        (int(before["iteration"]), row["learning_rate"])
        for before, row in pairwise(history)
        if row["learning_rate"] < before["learning_rate"]
    ]


@pytest.mark.parametrize("data", PARTS, ids=["cost", "val_cost"])
def test_a_run_with_it_resumes_bit_for_bit(folder: Path, data: dict[str, str]) -> None:
    """Cut at the row that reduces the rate, right before and after it, and between rows."""
    config = write(folder, data, optimizer="momentum")
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    reduced = [iteration for iteration, _ in falls(rows(folder / "whole"))]
    assert len(reduced) >= 3
    for stop in {reduced[0], *(reduced[1] + k for k in (-1, 0, 1, 2, 3)), reduced[2] + 1}:
        run = f"part{stop}"
        length = f"training.iterations={stop}"
        assert deepnet("train", config, "--run-dir", run, "--set", length).code == 0
        rest = deepnet("train", "--resume", run, "--set", "training.iterations=60")
        assert rest.code == 0, rest.err
        same_files(folder / "whole", folder / run)


@pytest.mark.parametrize("data", PARTS, ids=["cost", "val_cost"])
def test_a_reduced_rate_holds_from_the_iteration_after_its_row(
    folder: Path, data: dict[str, str]
) -> None:
    """The run is that of a piecewise schedule with the same rates."""
    assert deepnet("train", write(folder, data), "--run-dir", "ours").code == 0
    history = rows(folder / "ours")
    points = [[iteration + 1, rate] for iteration, rate in falls(history)]
    assert len(points) >= 3
    steps = {"schedule": "piecewise", "initial": 2.0, "points": points}
    assert deepnet("train", write(folder, data, learning_rate=steps), "--run-dir", "b").code == 0
    assert rows(folder / "b") == history
    for name, block in parameters(folder / "ours").items():
        assert block.tobytes() == parameters(folder / "b")[name].tobytes()


@pytest.mark.parametrize("data", PARTS, ids=["cost", "val_cost"])
def test_the_figure_it_looks_at_is_written_down(folder: Path, data: dict[str, str]) -> None:
    assert deepnet("train", write(folder, data, iterations=1), "--run-dir", "a").code == 0
    kept = yaml.safe_load((folder / "a/config.yaml").read_text())["training"]["learning_rate"]
    assert kept["monitor"] == ("val_cost" if data else "cost")
    other = {**PLATEAU, "monitor": "cost"}
    assert deepnet("train", write(folder, data, learning_rate=other), "--run-dir", "b").code == 0
    history = rows(folder / "b")
    counter = SCHEDULES["reduce_on_plateau"](**{k: v for k, v in other.items() if k != "schedule"})
    count = counter.reductions(per_epoch=6)
    for row in history:
        assert row["learning_rate"] == counter.rate(int(row["iteration"]), 6, 60, count.made)
        count.see(row)


def test_a_run_that_diverges_tells_the_rate_that_it_had(folder: Path) -> None:
    """Every row but the first is a plateau, as no improvement is large enough."""
    rate = {**PLATEAU, "initial": 10.0, "factor": 0.99, "patience": 0, "threshold": 1e9}
    config = write_config(
        folder / "c.yaml",
        model={"layers": [6, 1], "activations": ["relu", "linear"]},
        loss="mean_squared_error",
        training={"learning_rate": rate, "iterations": 500, "log_every": 1},
    )
    result = deepnet("train", config, "--run-dir", "a")
    assert result.code == 4
    made = len(rows(folder / "a"))
    assert made > 1
    assert f"with learning rate {10 * 0.99 ** (made - 1):g};" in result.err
    assert "training.learning_rate.initial=0.1," in result.err

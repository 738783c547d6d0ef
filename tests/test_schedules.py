"""Laws of every schedule of the learning rate; that they are PyTorch's: test_parity_torch.py."""

from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli import deepnet
from samples import write_blobs, write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.optim.schedules import SCHEDULES

OPTIONS: dict[str, dict[str, Any]] = {
    "constant": {},
    "step": {"every": 7, "factor": 0.5},
    "exponential": {"factor": 0.97},
    "inverse_time": {"decay": 0.1},
    "inverse_sqrt": {"scale": 4.0},
    "polynomial": {"power": 2.0},
    "cosine": {"final": 0.001},
    "cosine_restarts": {"period": 9, "growth": 2},
    "one_cycle": {"peak_factor": 10.0, "rising": 0.4},
    "piecewise": {"points": ((5, 0.05), (40, 0.002))},
    "reduce_on_plateau": {"factor": 0.5, "patience": 0, "minimum": 0.001},
}
"""For each what it cannot do without, and more."""

RISING = {"cosine_restarts", "one_cycle"}
"""The schedules that also rise after their warm-up."""

N, EPOCH = 100, 4
each = pytest.mark.parametrize("name", SCHEDULES)


def rates(name: str, iterations: int = N, **more: Any) -> list[float]:
    schedule = SCHEDULES[name](initial=0.1, **OPTIONS[name], **more)
    return [schedule.rate(i, EPOCH, iterations) for i in range(N)]


@each
@pytest.mark.parametrize("by", ["iteration", "epoch"])
@pytest.mark.parametrize("warmup", [0, 1, 6])
def test_every_rate_of_a_run_is_a_positive_number(name: str, by: str, warmup: int) -> None:
    assert all(isfinite(rate) and rate > 0 for rate in rates(name, by=by, warmup=warmup))


@each
@pytest.mark.parametrize("warmup", [0, 1, 6])
def test_the_warm_up_rises_evenly_to_the_initial_rate(name: str, warmup: int) -> None:
    warm = rates(name, warmup=warmup)
    expected = [0.1 * (i + 1) / (warmup + 1) for i in range(warmup + 1)]
    assert warm[: warmup + 1] == pytest.approx(expected, rel=1e-15)
    same_run = [
        SCHEDULES[name](initial=0.1, **OPTIONS[name]).rate(i, 1, N - warmup) for i in range(9)
    ]
    assert warm[warmup : warmup + 9] == same_run


@each
def test_by_epoch_it_is_the_same_curve_and_constant_within_an_epoch(name: str) -> None:
    by_epoch, by_iteration = rates(name, by="epoch", warmup=3), rates(name, N // EPOCH, warmup=3)
    assert by_epoch == [by_iteration[i // EPOCH] for i in range(N)]


@each
def test_it_only_falls_unless_it_says_otherwise(name: str) -> None:
    falls = all(after <= before for before, after in pairwise(rates(name)))
    assert falls is (name not in RISING)


@each
def test_it_is_a_function_of_the_iteration_alone(name: str) -> None:
    schedule = SCHEDULES[name](initial=0.1, **OPTIONS[name])
    forward = [schedule.rate(i, EPOCH, N) for i in range(N)]
    assert [schedule.rate(i, EPOCH, N) for i in reversed(range(N))] == forward[::-1]


@each
def test_it_grows_with_its_initial_rate(name: str) -> None:
    options = {**OPTIONS[name], "initial": 0.2}
    options |= {"final": 0.002} if "final" in options else {}
    options |= {"points": [(k, 2 * r) for k, r in options["points"]]} if "points" in options else {}
    twice = [SCHEDULES[name](**options).rate(i, EPOCH, N) for i in range(N)]
    assert twice == pytest.approx([2 * rate for rate in rates(name)], rel=1e-14)


@pytest.mark.parametrize(
    ("name", "end"), [("polynomial", 0.0), ("cosine", 0.001), ("one_cycle", 0.1 * 1e-4)]
)
def test_it_ends_with_the_run_or_after_its_length_and_stays(name: str, end: float) -> None:
    assert rates(name, length=60)[60:] == pytest.approx([end] * 40, abs=1e-17)
    assert rates(name, length=60)[30] > end
    assert rates(name) == rates(name, length=N)
    assert rates(name, warmup=10) == rates(name, warmup=10, length=N - 10)


def test_piecewise_holds_each_rate_from_its_point_on() -> None:
    assert rates("piecewise") == [0.1] * 5 + [0.05] * 35 + [0.002] * 60


def test_restarts_come_after_longer_and_longer_periods() -> None:
    found = rates("cosine_restarts")
    assert [k for k in range(N) if found[k] == 0.1] == [0, 9, 9 + 18, 9 + 18 + 36]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_the_shortest_cycles_are_cycles(length: int) -> None:
    found = rates("one_cycle", length=length)
    assert max(found) == pytest.approx(1.0 if length < 3 else max(found))
    assert found[max(1, length - 1)] == pytest.approx(0.1 * 1e-4)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    return tmp_path


def as_yaml(name: str) -> dict[str, Any]:
    options = {key: value for key, value in OPTIONS[name].items() if key != "points"}
    points = {"points": [[5, 0.05], [40, 0.002]]} if name == "piecewise" else {}
    return {"schedule": name, "initial": 0.1, **options, **points}


def write(folder: Path, rate: object, **training: Any) -> Path:
    settings = {"learning_rate": rate, "iterations": 23, "batch_size": 16, "log_every": 5}
    return write_config(folder / "c.yaml", training=settings | training)


@each
@pytest.mark.parametrize("by", ["iteration", "epoch"])
def test_a_run_with_it_resumes_bit_for_bit(folder: Path, name: str, by: str) -> None:
    """Begun for 12 iterations and gone on with to 23, on the curve of the 12; begun for 23 where
    the curve has that length in any case.
    """
    rate = {**as_yaml(name), "warmup": 2, "by": by}
    config = write(folder, rate)
    assert (
        deepnet("train", config, "--run-dir", "part", "--set", "training.iterations=12").code == 0
    )
    kept = yaml.safe_load((folder / "part/config.yaml").read_text())["training"]["learning_rate"]
    write(folder, kept)
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    rest = deepnet("train", "--resume", "part", "--set", "training.iterations=23")
    assert rest.code == 0, rest.err
    for file in ("model.h5", "history.csv"):
        assert (folder / "whole" / file).read_bytes() == (folder / "part" / file).read_bytes()
    again = load_job(Path("part/config.yaml"))
    begun = load_job(write(folder, rate), ("training.iterations=12",))
    assert [again.rate(i) for i in range(12)] == [begun.rate(i) for i in range(12)]
    assert again.config.training.learning_rate == begun.config.training.learning_rate


def test_a_rate_that_is_0_before_the_end_is_warned_of(folder: Path) -> None:
    rate = {"schedule": "cosine", "initial": 0.1, "length": 12}
    assert "learning_rate: is 0 before" in deepnet("train", write(folder, rate), "--dry-run").err
    whole = write(folder, {"schedule": "cosine", "initial": 0.1})
    assert "is 0 before" not in deepnet("train", whole, "--dry-run").err


def test_a_plain_number_and_a_constant_schedule_are_the_same(folder: Path) -> None:
    plain = load_job(write(folder, 0.1))
    constant = load_job(write(folder, {"schedule": "constant", "initial": 0.1}))
    assert [plain.rate(i) for i in range(5)] == [constant.rate(i) for i in range(5)] == [0.1] * 5

"""deepnet lr-find: the range test, what it suggests, and how a rate is put into a config."""

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import write_blobs, write_config

from deepnet_cli.config.editing import with_value
from deepnet_cli.config.job import Job, load_job
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.errors import ConfigError
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.report.pictures.rates import range_chart
from deepnet_cli.training.checking import range_test as module
from deepnet_cli.training.checking.range_test import BETA, LEAST, RangeTest, costs_along, range_test

CURVATURE = 0.04
"""The largest eigenvalue of J''; gradient descent moves away from the minimum by rates above
2 / CURVATURE.
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5", m=60)


def squares(scale: float = 1.0) -> Job:
    """J = 2 c^2 s^2 (w - 3)^2 / 2 and a bias: x is +-c s, orthogonal to 1, and y = 3 x / s."""
    x = 0.1 * np.sqrt(2) * scale * np.resize([1.0, -1.0], (40, 1))
    with h5py.File("squares.h5", "w") as file:
        file["x"], file["y"] = x, 3 * x[:, 0] / scale
    file_ = write_config(
        Path("squares.yaml"),
        data={"train": "squares.h5"},
        model={"layers": [1], "activations": ["linear"], "initialization": "zeros"},
        loss="mean_squared_error",
        compute={"precision": "float64"},
        training={"log_every": "auto"},
    )
    return load_job(file_)


def test_it_falls_below_what_the_curvature_allows_and_explodes_above() -> None:
    """J'' of w is 2 c^2 = 0.04, and that of b is 2: b is at its minimum, and stays there."""
    test = range_test(squares())
    lowest = int(test.costs.argmin())
    assert test.rates[lowest - 1] < 2 / CURVATURE <= test.rates[lowest]
    assert test.suggestion is not None
    assert 0.01 < test.suggestion * CURVATURE / 2 < 1


def test_each_cost_is_that_of_the_updates_before_it() -> None:
    """W - 3 shrinks by 1 - rate_i * 2 c^2 an update: a product, by hand."""
    test = range_test(squares())
    distance = 9 * np.cumprod(np.append(1.0, (1 - test.rates[:-1] * CURVATURE)) ** 2)
    np.testing.assert_allclose(test.costs, distance * 0.02, rtol=1e-9, atol=1e-12)


def test_a_rate_suits_the_square_of_the_scale() -> None:
    """x ten times as large: each rate does what one 100 times as large did; the test covers 32
    updates less of the curve's beginning, where nothing happens.
    """
    small, large = range_test(squares()), range_test(squares(10.0))
    assert large.suggestion is not None
    assert small.suggestion is not None
    assert small.suggestion / large.suggestion == pytest.approx(100, rel=0.2)


@pytest.mark.parametrize("per_decade", [16, 4])
def test_smoothing_is_the_weighted_mean_of_what_was_before(
    per_decade: int, rng: np.random.Generator
) -> None:
    """A decade before weighs the same, however many updates it has."""
    costs = rng.normal(size=40)
    test = RangeTest(np.geomspace(1, 2, 40), costs, per_decade)
    weight = BETA ** (16 / per_decade * np.arange(40))
    expected = [np.average(costs[: i + 1], weights=weight[i::-1]) for i in range(40)]
    np.testing.assert_allclose(test.smoothed, expected)


def test_what_is_suggested_of_a_known_curve() -> None:
    """A fall that is fastest at 1e-3; later it is lowest, and a tenth of that is more."""
    rates = np.geomspace(1e-7, 1e2, 145)
    costs = 2 - np.tanh(2 * np.log10(rates / 1e-3)) + 100 * (rates > 3)
    test = RangeTest(rates, costs)
    assert test.suggestion == pytest.approx(1e-3, rel=0.6)
    assert 1 < test.rates[test.lowest] < 5
    early = RangeTest(rates, costs + 100 * (rates > 2e-3))
    assert early.suggestion == pytest.approx(early.rates[early.lowest] / 10, rel=0.05)
    flat = RangeTest(rates, 2 - 0.5 * LEAST * np.tanh(np.log10(rates / 1e-3)))
    assert flat.suggestion is None
    assert not any("suggested" in series.label for series in range_chart(flat).series)


def test_the_picture_ends_where_the_cost_explodes() -> None:
    rates = np.geomspace(1e-7, 1e2, 145)
    costs = 2 - np.tanh(2 * np.log10(rates / 1e-3)) + 1e9 * (rates > 3)
    curve, mark = range_chart(RangeTest(rates, costs)).series
    assert curve.y.max() < 4
    assert curve.x[-1] == pytest.approx(3, rel=0.2)
    assert np.interp(mark.x[0], curve.x, curve.y) == pytest.approx(mark.y[0], rel=1e-2)


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_the_suggestion_trains_and_the_job_stays_as_it_is(rule: str) -> None:
    job = load_job(
        write_config(
            Path("c.yaml"), training={"optimizer": rule, "batch_size": 16, "log_every": "auto"}
        )
    )
    theta, before = job.initial_theta(), sorted(Path().iterdir())
    test = range_test(job)
    assert test.suggestion is not None
    rate = test.suggestion
    *_, after = costs_along(job, lambda _: rate, 30)
    assert after < 0.9 * test.costs[0]
    np.testing.assert_array_equal(job.initial_theta(), theta)
    assert sorted(Path().iterdir()) == before
    np.testing.assert_array_equal(range_test(job).costs, test.costs)


def test_the_test_ends_soon_after_the_explosion(monkeypatch: pytest.MonkeyPatch) -> None:
    job = load_job(write_config(Path("c.yaml")))
    short = range_test(job)
    monkeypatch.setattr(module, "_exploded", lambda *_: False)
    long = range_test(job)
    assert len(short.costs) < len(long.costs)
    np.testing.assert_array_equal(long.costs[: len(short.costs)], short.costs)
    assert long.suggestion == short.suggestion


def test_the_command_shows_the_curve_and_names_the_next() -> None:
    file = write_config(Path("c.yaml"))
    result = deepnet("lr-find", file, "--set", "seed=3")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    rate = range_test(load_job(file, ("seed=3",))).suggestion
    assert f"suggested is {rate:g} (the config has 0.1)" in " ".join(lines)
    setting = f"--set training.learning_rate={rate:g}"
    assert result.err == f"next: deepnet train c.yaml --set seed=3 {setting}\n"
    told = json.loads(deepnet("lr-find", file, "--set", "seed=3", "--json").out)
    assert told["suggestion"] == rate
    assert len(told["rates"]) == len(told["costs"]) == len(told["smoothed"])


def test_streamed_examples_are_tested_too() -> None:
    file = write_config(Path("c.yaml"), training={"batch_size": 16})
    assert deepnet("lr-find", file, "--set", "data.stream=true").code == 0


def test_a_picture_is_written_where_it_is_asked_for() -> None:
    file = write_config(Path("c.yaml"))
    result = deepnet("lr-find", file, "-o", "rates.png")
    assert result.code == 0, result.err
    assert Path("rates.png").read_bytes().startswith(b"\x89PNG")
    assert_refused(deepnet("lr-find", file, "-o", "rates.png"), 2, ["--force"])
    assert_refused(deepnet("lr-find", file, "-o", "rates.jpeg"), 2, [".png, .svg or .pdf"])


def test_what_has_no_rate_or_no_fall() -> None:
    file = write_config(Path("c.yaml"), training={"optimizer": "lbfgs"})
    assert_refused(deepnet("lr-find", file), 2, ["lbfgs", "no learning rate"])
    still = ("model.initialization=zeros", "model.activations=[relu, linear]", "data.scale=1e30")
    settings = [word for each in still for word in ("--set", each)]
    file = write_config(Path("c.yaml"), loss="mean_squared_error", model={"layers": [4, 1]})
    with h5py.File("blobs.h5", "a") as blobs:
        y = blobs["y"][()] - blobs["y"][()].mean()
        del blobs["y"]
        blobs["y"] = y
    result = deepnet("lr-find", file, *settings)
    assert result.code == 5, result.err
    assert "no rate makes the cost fall" in result.out
    assert result.err.splitlines()[-1].startswith("next: deepnet check c.yaml")
    wild = ("--set", "model.initialization={normal: 1e38}", "--set", "model.activations=relu")
    huge = write_config(Path("d.yaml"), model={"layers": [4, 4, 1]}, loss="mean_squared_error")
    assert_refused(deepnet("lr-find", huge, *wild), 4, ["before the first update"])


TEXTS = {
    "block": "training:\n  # mine\n  learning_rate: 0.3   # why\n  iterations: 5\n",
    "quoted after": "training: {learning_rate: 1e-3, iterations: 5}\n",
    "absent": "training:\n    # mine\n    iterations: 5 # few\n",
    "absent in braces": "training: {iterations: 5}\n",
    "no section": "seed: 3\n",
    "no last line end": "seed: 3",
    "windows": "training:\r\n  learning_rate: 0.3\r\n  iterations: 5\r\n",
    "windows, absent": "training:\r\n  iterations: 5\r\n",
    "windows, no section": "seed: 3\r\n",
    "letters": "name: 'gr\u00fc\u00df'\ntraining: {learning_rate: 0.3} # \u00e9\n",
    "schedule": "training:\n  learning_rate: {schedule: cosine, initial: 0.1} # mine\n",
    "schedule in lines": "training:\n  learning_rate:\n    initial: 0.1\n    schedule: cosine\n",
}


def shared(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning are the same."""
    differ = (k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


@pytest.mark.parametrize("kind", TEXTS)
def test_writing_changes_one_value_and_nothing_else(kind: str) -> None:
    head = "data: {train: blobs.h5}  # here\nmodel: {layers: [3], activations: softmax}\n"
    head = head.replace("\n", "\r\n") if "\r\n" in TEXTS[kind] else head
    before = (head + TEXTS[kind]).encode()
    Path("c.yaml").write_bytes(before)
    result = deepnet("lr-find", "c.yaml", "--write")
    assert result.code == 0, result.err
    assert result.err.splitlines()[-1] == "next: deepnet train c.yaml"
    after = Path("c.yaml").read_bytes()
    old, new = parse(before, "").tree, parse(after, "").tree
    training = new["training"]
    assert isinstance(training, dict)
    rate = training["learning_rate"]
    rate = rate["initial"] if isinstance(rate, dict) else rate
    assert rate == json.loads(deepnet("lr-find", "c.yaml", "--json").out)["suggestion"]
    was = old.get("training", {})
    assert isinstance(was, dict)
    assert {**new, "training": None} == {**old, "training": None}
    assert {**training, "learning_rate": None} == {**was, "learning_rate": None}
    left = shared(before, after)
    right = shared(before[left:][::-1], after[left:][::-1])
    assert after.count(b"\r\n") in (0, after.count(b"\n"))
    replaced = before[left : len(before) - right]
    assert re.fullmatch(rb"[0-9.e-]*", replaced), replaced


@pytest.mark.parametrize("path", [("training", "l2"), ("seed",), ("compute", "precision")])
def test_any_scalar_can_be_set(path: tuple[str, ...]) -> None:
    text = "seed: 1 # s\ntraining:\n  l2: 0.5\n"
    changed: object = parse(with_value(parse(text.encode(), ""), path, "7").encode(), "").tree
    for key in path:
        assert isinstance(changed, dict)
        changed = changed[key]
    assert changed == 7


@pytest.mark.parametrize(
    "text",
    ["{data: d.h5}", "training: 3\n", "training:\n  learning_rate: {schedule: cosine}\n"],
)
def test_what_cannot_be_changed_alone_is_left(text: str) -> None:
    with pytest.raises(ConfigError, match="set it by hand: training"):
        with_value(parse(text.encode(), "c.yaml"), ("training", "learning_rate"), "0.1")


def test_what_is_set_is_not_written() -> None:
    """It would have the last word in the next command, too."""
    file = write_config(Path("c.yaml"))
    before = file.read_text()
    for setting in ("training.learning_rate=5", "training.learning_rate.initial=5", "training=3"):
        told = deepnet("lr-find", file, "--write", "--set", setting)
        assert_refused(told, 2, [f"--set {setting} would override"])
    assert file.read_text() == before
    deepnet("lr-find", file, "--write", "--set", "training.optimizer=adam")
    assert file.read_text() != before


def test_a_link_stays_one() -> None:
    Path("real").mkdir()
    file = write_config(Path("real/c.yaml"), data={"train": "../blobs.h5"})
    before = file.read_text()
    Path("c.yaml").symlink_to(file)
    assert deepnet("lr-find", "c.yaml", "--write", "--set", "data.train=blobs.h5").code == 0
    assert Path("c.yaml").is_symlink()
    assert file.read_text() != before


def test_runs_and_pipes_are_not_written_to() -> None:
    file = write_config(Path("c.yaml"))
    assert deepnet("train", file, "--run-dir", "run", "-q").code == 0
    before = sorted(Path("run").rglob("*"))
    assert_refused(deepnet("lr-find", "run/config.yaml", "--write"), 2, ["copy of it"])
    assert_refused(deepnet("lr-find", "-", "--write"), 2, ["through a pipe"])
    assert deepnet("lr-find", "run/config.yaml").code == 0
    assert sorted(Path("run").rglob("*")) == before

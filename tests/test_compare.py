"""`deepnet compare`: figures held against `evaluate`, intervals and tests against SciPy, and rows
that are the same wherever they stand.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, assert_says, deepnet
from samples import write_blobs, write_config
from scipy import stats
from sklearn.metrics import f1_score

from deepnet_cli.nn.types import Array
from deepnet_cli.training.figures.intervals import dealt, intervals
from deepnet_cli.training.kept.model import load_model
from deepnet_cli.training.results.comparing import Pair, compared, evenly
from deepnet_cli.training.results.pairing import Side

FLAT = {"layers": [3], "activations": ["softmax"]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs on overlapping clouds: `a`, `b` with a larger network, and `bad`, hardly trained."""
    folder = tmp_path_factory.mktemp("trained")
    write_cloudy(folder / "blobs.h5", 300, 0)
    write_cloudy(folder / "test.h5", 200, 1)
    data = {"test": "test.h5"}
    config = write_config(folder / "c.yaml", data=data, model=FLAT, training={"iterations": 60})
    deeper = ("--set", "model.layers=[8, 3]", "--set", "model.activations=[tanh, softmax]")
    for name, setting in (("a", ()), ("b", deeper), ("bad", ("--set", "training.iterations=1"))):
        assert deepnet("train", config, *setting, "--run-dir", folder / name, "-q").code == 0
    return folder


@pytest.fixture
def folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def write_cloudy(path: Path, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, m)
    centers = np.random.default_rng(7).normal(size=(3, 4))
    with h5py.File(path, "w") as file:
        file["x"] = (centers[y] + rng.normal(size=(m, 4))).astype(np.float32)
        file["y"] = y


def told(*arguments: str | Path) -> dict[str, Any]:
    result = deepnet("compare", *arguments, "--json")
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def sides(folder: Path, *names: str) -> list[Side]:
    return [Side.of(folder / name, load_model(folder / name), None, None) for name in names]


@pytest.mark.parametrize("b", [*range(12), 100, 4000])
def test_mcnemar_is_the_exact_binomial_test(b: int) -> None:
    for c in (0, 1, 5, 9, 11, 120, 3900):
        if b + c:
            assert evenly(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue, rel=1e-9)
    assert evenly(0, 0) == 1.0


def test_figures_are_those_of_evaluate(folder: Path) -> None:
    found = told("a", "b")
    assert found["rows"] == 200
    for side in ("a", "b"):
        figures = json.loads(deepnet("evaluate", side, "test.h5", "--json").out)
        for name, difference in found["figures"].items():
            assert difference[side] == pytest.approx(figures[name], rel=1e-6), name
    for figures in found["figures"].values():
        assert figures["difference"] == pytest.approx(figures["b"] - figures["a"], abs=1e-12)


def macro_f1(true: Array, decided: Array) -> float:
    hits = [(true == k) & (decided == k) for k in range(3)]
    ends = [(true == k).sum() + (decided == k).sum() for k in range(3)]
    return float(np.mean([2 * hit.sum() / end for hit, end in zip(hits, ends, strict=True)]))


def test_intervals_are_scipys(folder: Path) -> None:
    """Of B - A by a paired bootstrap; the random error of an end of 1000 resamples is some
    hundredths of a width.
    """
    a, b = sides(folder, "a", "b")
    found = compared(a, b)
    true, one, two = a.outcomes.true, a.outcomes.decided, b.outcomes.decided

    def difference(true: Array, one: Array, two: Array) -> float:
        return macro_f1(true, two) - macro_f1(true, one)

    assert macro_f1(true, one) == pytest.approx(f1_score(true, one, average="macro"))
    paired = {"paired": True, "vectorized": False, "method": "percentile", "n_resamples": 500}
    rng = np.random.default_rng(0)
    want = stats.bootstrap((true, one, two), difference, rng=rng, **paired).confidence_interval
    got = found.figures["f1"].interval
    np.testing.assert_allclose(got, want, atol=0.15 * (want.high - want.low))
    gained = b.outcomes.costs - a.outcomes.costs
    half = stats.t.ppf(0.975, 199) * gained.std(ddof=1) / np.sqrt(200)
    want_cost = gained.mean() + half * np.array([-1, 1])
    np.testing.assert_allclose(found.figures["cost"].interval, want_cost, atol=0.3 * half)


def test_of_the_same_two_there_is_no_evidence(folder: Path) -> None:
    found = told("a", "a")
    assert found["config"] == {}
    assert found["better"] is None
    assert all(figures["interval"] == [0, 0] for figures in found["figures"].values())
    assert found["mcnemar"] == {"only_a": 0, "only_b": 0, "p": 1.0}
    text = deepnet("compare", "a", "a").out
    assert_says(text, ["configs are the same", "accuracy: no evidence of a difference"])


def test_turned_round_it_says_the_same(folder: Path) -> None:
    found, turned = told("a", "bad"), told("bad", "a")
    assert (found["better"], turned["better"]) == ("A", "B")
    for name, figures in found["figures"].items():
        other = turned["figures"][name]
        assert figures["difference"] == -other["difference"]
        turned_ends = [-end for end in reversed(other["interval"])]
        assert figures["interval"] == pytest.approx(turned_ends, rel=1e-12)
    mcnemar = found["mcnemar"]
    a, b = sides(folder, "a", "bad")
    assert mcnemar["only_a"] == (a.outcomes.right & ~b.outcomes.right).sum()
    assert mcnemar["only_b"] == (b.outcomes.right & ~a.outcomes.right).sum()
    text = deepnet("compare", "a", "bad").out
    assert_says(text, ["accuracy: A is better by", "training.iterations  60  1"])
    assert all(len(line) <= 80 for line in text.splitlines())


def test_it_can_fail(folder: Path) -> None:
    assert deepnet("compare", "a", "bad", "--fail-if-worse").code == 1
    assert deepnet("compare", "bad", "a", "--fail-if-worse").code == 0
    assert deepnet("compare", "a", "a", "--fail-if-worse").code == 0


def other_test(folder: Path, name: str, x: Array, y: Array) -> Path:
    """The run `b` with these rows as its test part."""
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file["x"], file["y"] = x, y
    setting = f"data.test={name}.h5"
    run = folder / name
    typed = ("train", folder / "c.yaml", "--set", setting, "--set", "training.iterations=20")
    assert deepnet(*typed, "--run-dir", run, "-q").code == 0
    return run


def test_rows_are_known_by_what_is_in_them(folder: Path) -> None:
    """In another file, another order and as another type, some of them twice, some missing."""
    rng = np.random.default_rng(3)
    with h5py.File("test.h5") as file:
        x, y = file["x"][()], file["y"][()]
    order = rng.permutation(200)[:150]
    order = np.concatenate((order, order[:10]))
    strange = rng.normal(size=(30, 4))
    run = other_test(
        folder,
        "shuffled",
        np.concatenate((x[order].astype(np.float64), strange)),
        np.concatenate((y[order], rng.integers(0, 3, 30))),
    )
    result = deepnet("compare", "a", run, "--json")
    found = json.loads(result.out)
    assert found["rows_of"] == [200, 190]
    assert found["rows"] == 150
    assert_says(result.err, ["200 rows", "190", "150"])
    a, b = sides(folder, "a", "shuffled")
    both = compared(a, b)
    np.testing.assert_array_equal(
        both.a.outcomes.table.rows[:], both.b.outcomes.table.rows[:].astype(np.float32)
    )
    np.testing.assert_array_equal(both.a.outcomes.true, both.b.outcomes.true)
    assert found["figures"]["accuracy"]["a"] == a.outcomes.right[np.isin(range(200), order)].mean()


def test_rows_of_another_y_are_others(folder: Path) -> None:
    with h5py.File("test.h5") as file:
        x, y = file["x"][()], file["y"][()]
    run = other_test(folder, "relabelled", x, np.where(np.arange(200) < 50, (y + 1) % 3, y))
    assert told("a", run)["rows"] == 150


def test_who_was_trained_on_them_is_warned_of(folder: Path) -> None:
    with h5py.File("blobs.h5") as file, h5py.File("test.h5") as other:
        x = np.concatenate((file["x"][:7], other["x"][()]))
        y = np.concatenate((file["y"][:7], other["y"][()]))
    with h5py.File("leaky.h5", "w") as file:
        file["x"], file["y"] = x, y
    result = deepnet("compare", "a", "b", "--data", "leaky.h5", "--json")
    assert_says(result.err, ["a was trained on 7 of these 207 rows", "b was trained on 7"])
    assert json.loads(result.out)["rows"] == 207
    quiet = deepnet("compare", "a/model.h5", "b/model.h5", "--data", "test.h5", "--json")
    assert quiet.err.startswith("next: deepnet inspect ")
    assert deepnet(*quiet.err.split()[2:]).code == 0
    assert json.loads(quiet.out)["figures"] == told("a", "b")["figures"]
    assert json.loads(quiet.out)["config"] == told("a", "b")["config"]


def test_other_features_are_paired_by_number(folder: Path) -> None:
    for name in ("blobs", "test"):
        with h5py.File(f"{name}.h5") as file, h5py.File(f"{name}-2.h5", "w") as half:
            half["x"], half["y"] = file["x"][:, :2], file["y"][()]
    data = ("--set", "data.train=blobs-2.h5", "--set", "data.test=test-2.h5")
    assert deepnet("train", "c.yaml", *data, "--run-dir", "half", "-q").code == 0
    result = deepnet("compare", "a", "half", "--json")
    assert_says(result.err, ["rows of the same number"])
    assert json.loads(result.out)["rows"] == 200


def test_weights_weigh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as a row counts, so often it might stand there; without McNemar's test."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(40, 3)), rng.normal(size=40), rng.integers(1, 4, 40)
    with h5py.File("blobs.h5", "w") as file:
        file["x"], file["y"], file["w"] = x, y, w
    data = {part: {"file": "blobs.h5", "weights": "w"} for part in ("train", "test")}
    model = {"layers": [1], "activations": ["linear"]}
    write_config(tmp_path / "c.yaml", data=data, model=model, loss="mean_squared_error")
    for name, rate in (("a", 0.1), ("b", 0.01)):
        setting = f"training.learning_rate={rate}"
        assert deepnet("train", "c.yaml", "--set", setting, "--run-dir", name, "-q").code == 0
    found = told("a", "b")
    assert (found["mcnemar"], found["judged_by"]) == (None, "r2")
    for side in sides(tmp_path, "a", "b"):
        error = np.average((side.outcomes.A - side.outcomes.Y)[0] ** 2, weights=w)
        assert found["figures"]["mse"][side.path.name] == pytest.approx(error, rel=1e-6)


def test_costs_of_other_losses_are_not_compared(folder: Path) -> None:
    loss = ("--set", "loss={name: cross_entropy, label_smoothing: 0.1}")
    assert deepnet("train", "c.yaml", *loss, "--run-dir", "smooth", "-q").code == 0
    result = deepnet("compare", "a", "smooth", "--json")
    assert "cost" not in json.loads(result.out)["figures"]
    assert_says(result.err, ["different losses"])


def test_a_cost_that_lacks_the_penalty_says_so(folder: Path) -> None:
    """It is the log loss, while evaluate's cost has the penalty."""
    heavy = ("--set", "training.l2=5", "--run-dir", "heavy", "-q")
    assert deepnet("train", "c.yaml", *heavy).code == 0
    figures = json.loads(deepnet("evaluate", "heavy", "test.h5", "--json").out)
    assert figures["cost"] > figures["log_loss"]
    assert told("a", "heavy")["figures"]["cost"]["b"] == pytest.approx(figures["log_loss"])
    for other, name in (("heavy", "cost, without the weight penalty: "), ("b", "cost: ")):
        assert_says(deepnet("compare", "a", other).out, [f"\n{name}"])


def test_what_cannot_be_compared(folder: Path, tmp_path: Path) -> None:
    other = write_blobs(tmp_path / "blobs.h5", K=2)
    config = write_config(tmp_path / "c.yaml", model={"layers": [2], "activations": ["softmax"]})
    assert deepnet("train", config, "--run-dir", tmp_path / "two", "-q").code == 0
    assert_refused(
        deepnet("compare", "a", tmp_path / "two", "--part", "train"), 3, ["classes 0, 1"]
    )
    assert_refused(deepnet("compare", "a", tmp_path / "two"), 2, ["has no test part"])
    assert_refused(deepnet("compare", "a", "nowhere"), 3, ["nowhere"])
    assert_refused(deepnet("compare", "a/model.h5", "b"), 2, ["names no data", "--data"])
    both = ("--part", "test", "--data", other)
    assert_refused(deepnet("compare", "a", "b", *both), 2, ["--part", "--data"])
    write_cloudy(tmp_path / "far.h5", 20, 9)
    far = ("--set", f"data.test={tmp_path / 'far.h5'}")
    assert deepnet("train", "c.yaml", *far, "--run-dir", tmp_path / "far", "-q").code == 0
    assert_refused(deepnet("compare", "a", tmp_path / "far"), 3, ["no row in common", "--data"])


def guessing(side: Side, right: Array) -> Side:
    """One that is right there, of the first rows of another's."""
    m = len(right)
    Y = side.outcomes.Y[:, :m]
    A = np.where(right, Y, np.roll(Y, 1, axis=0))
    table = side.outcomes.table.take(np.arange(m))
    return replace(side, outcomes=replace(side.outcomes, table=table, A=A, Y=Y, costs=1.0 - right))


def test_accuracy_is_better_only_where_mcnemar_says_so(folder: Path) -> None:
    """Five rows to none are p = 1/16, though hardly a resample is without one of them."""
    (side,) = sides(folder, "a")
    every, but_five, but_six = (guessing(side, np.arange(200) >= k) for k in (0, 5, 6))
    found = compared(every, but_five)
    assert found.mcnemar is not None
    assert found.mcnemar.p == 1 / 16
    assert found.figures["accuracy"].interval[1] < 0
    assert found.better == ""
    assert compared(every, but_six).better == "A"


@pytest.mark.parametrize("m", [1, 2, 5, 6])
def test_so_few_rows_that_all_may_agree_by_chance_are_no_evidence(folder: Path, m: int) -> None:
    """By a coin that is thrown for each."""
    (side,) = sides(folder, "a")
    found = compared(guessing(side, np.ones(m, bool)), guessing(side, np.zeros(m, bool)))
    surely = stats.binomtest(0, m).pvalue <= 0.05
    assert found.better == ("A" if surely else "")
    assert {each.better for each in found.figures.values()} == {"A" if surely else ""}
    assert any("fewer than 6 rows" in note for note in found.notes) != surely


@pytest.mark.long
def test_the_interval_covers_and_mcnemar_errs_as_often_as_they_say(folder: Path) -> None:
    """Two guessers whose true difference is known, 300 times: within three standard errors."""
    rng = np.random.default_rng(0)
    (side,) = sides(folder, "a")
    m, p, q, times = 150, 0.8, 0.7, 300

    covered = wrong = 0
    for k in range(times):
        pair = Pair(*(guessing(side, rng.random(m) < share) for share in (p, q)))
        one, other = pair.figures()
        known = {"accuracy": other["accuracy"] - one["accuracy"]}
        low, high = intervals(pair.draws(dealt(m)), known, m, seed=k)["accuracy"]
        covered += low <= q - p <= high
        mcnemar = Pair(*(guessing(side, rng.random(m) < p) for _ in "ab")).mcnemar
        assert mcnemar is not None
        wrong += mcnemar.p <= 0.05
    assert abs(covered / times - 0.95) < 3 * np.sqrt(0.95 * 0.05 / times)
    assert wrong / times < 0.05 + 3 * np.sqrt(0.95 * 0.05 / times)

"""deepnet evaluate: every metric, classes, calibration, intervals and baselines."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_says, deepnet
from samples import write_blobs, write_config
from scipy import stats
from sklearn import calibration as sk_calibration
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.losses import LOSSES, made_loss
from deepnet_cli.nn.metrics import METRICS, confusion_matrix, drawn_figures, figures_of, observed
from deepnet_cli.nn.metrics.calibration import BINS, binned, calibration
from deepnet_cli.nn.types import Array
from deepnet_cli.report.assessment import OF_CLASSES, OF_OUTPUTS, assessment_text
from deepnet_cli.report.figures import confusion_text
from deepnet_cli.training.figures import baselines, intervals
from deepnet_cli.training.figures.evaluation import COST
from deepnet_cli.training.kept.model import load_model
from deepnet_cli.training.results import assessment
from deepnet_cli.training.results.assessment import Assessment


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, **datasets: Array) -> None:
    with h5py.File(name, "w") as file:
        for key, values in datasets.items():
            file[key] = values


def trained(folder: Path, units: int, output: str, run: str = "a", **more: Any) -> str:
    """A run on data.h5, a little trained."""
    model = {"layers": [4, units], "activations": ["tanh", output]}
    data = {"train": "data.h5"} | more.pop("data", {})
    config = write_config(folder / "c.yaml", data=data, model=model, **more)
    result = deepnet("train", config, "--run-dir", run, "-q")
    assert result.code == 0, result.err
    return run


def told(*args: str) -> dict[str, Any]:
    result = deepnet("evaluate", *args, "--json")
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def some_numbers(rng: np.random.Generator, K: int, m: int = 80) -> tuple[Array, Array]:
    x = rng.normal(size=(m, 3))
    return x, x @ rng.normal(size=(3, K)) + rng.normal(size=(m, K)) + 5


def probabilities(run: str, data: str = "data.h5") -> Array:
    assert deepnet("predict", run, data, "-o", "out.h5").code == 0
    with h5py.File("out.h5") as file:
        found: Array = file["probabilities"][()].astype(float)
    return found


# what is told


def test_every_metric_is_scikit_learns(folder: Path) -> None:
    write_blobs(folder / "data.h5", K=6, m=200)
    found = told(trained(folder, 6, "softmax"), "data.h5", "--no-intervals")
    with h5py.File("data.h5") as file:
        y = file["y"][()]
    A = probabilities("a")
    A /= A.sum(axis=1, keepdims=True)
    assert set(METRICS["class"]) < found.keys()
    assert found["top_3"] == sk.top_k_accuracy_score(y, A, k=3)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(y, A, multi_class="ovr"))
    assert found["log_loss"] == pytest.approx(sk.log_loss(y, A), rel=1e-5)
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(y, A.argmax(1)))
    columns = sk.precision_recall_fscore_support(y, A.argmax(1), zero_division=0)
    for k, values in enumerate(zip(*columns, strict=True)):
        names = ("precision", "recall", "f1", "support")
        assert found["classes"][str(k)] == pytest.approx(dict(zip(names, values, strict=True)))


def test_top_k_is_told_where_it_can_be_wrong(folder: Path) -> None:
    write_blobs(folder / "data.h5", K=4)
    found = told(trained(folder, 4, "softmax"), "data.h5")
    assert "top_3" in found
    assert "top_5" not in found


@pytest.mark.parametrize("names", [None, [b"alpha", b"a name that is far too long for it", b"c"]])
def test_each_output_by_its_name(
    folder: Path, names: list[bytes] | None, rng: np.random.Generator
) -> None:
    x, y = some_numbers(rng, 3)
    write("data.h5", x=x, y=y, **({} if names is None else {"class_names": np.array(names)}))
    run = trained(folder, 3, "linear")
    found = told(run, "data.h5", "--no-intervals")
    called = ["1", "2", "3"] if names is None else [name.decode() for name in names]
    assert list(found["outputs"]) == called
    for name in METRICS["number"]:
        each = [found["outputs"][output][name] for output in called]
        assert found[name] == pytest.approx(np.mean(each))
    summary = json.loads(Path("a/summary.json").read_text())
    assert list(summary["outputs"]) == ["train"]
    for output in called:
        known = summary["outputs"]["train"][output]
        assert list(known) == ["mse", "mae", "r2"]
        assert known == pytest.approx({key: found["outputs"][output][key] for key in known})
    text = deepnet("evaluate", run, "data.h5").out
    shown = [name if len(name) <= 30 else name[:26] + " ..." for name in called]
    assert all(name in text for name in shown)


def test_weights_are_rows_that_stand_there_often(folder: Path, rng: np.random.Generator) -> None:
    write_blobs(folder / "data.h5")
    with h5py.File("data.h5") as file:
        x, y = file["x"][()], file["y"][()]
    run, often = trained(folder, 3, "softmax"), rng.integers(0, 3, len(y))
    write("weighted.h5", x=x, y=y, w=often)
    write("repeated.h5", x=np.repeat(x, often, axis=0), y=np.repeat(y, often))
    weighed = told(run, "weighted.h5", "--weights", "w", "--no-intervals")
    repeated = told(run, "repeated.h5", "--no-intervals")
    assert weighed["examples"] == 90
    for key in ("classes", "calibration", "baselines"):
        for name, values in repeated[key].items():
            assert weighed[key][name] == pytest.approx(values, rel=1e-6), (key, name)
    assert weighed["confusion_matrix"] == repeated["confusion_matrix"]
    for name in ("cost", *METRICS["class"]):
        if name in repeated:
            assert weighed[name] == pytest.approx(repeated[name], rel=1e-5), name
    write("broken.h5", x=x, y=y, w=often / 7)
    assert "." in deepnet("evaluate", run, "broken.h5", "--weights", "w").out.split("decided")[1]
    refused = deepnet("evaluate", run, "weighted.h5", "--weights", "v")
    assert refused.code == 3
    assert "no dataset 'v'" in refused.err


def test_class_weights_weigh_the_cost_alone(folder: Path, rng: np.random.Generator) -> None:
    """With weights of the examples' own, too; the constant baseline counts frequencies as well."""
    write_blobs(folder / "data.h5", K=3, m=120)
    with h5py.File("data.h5") as file:
        keep = rng.uniform(size=120) > 0.8 * (file["y"][()] == 1)
        x, y = file["x"][()][keep], file["y"][()][keep]
    often = rng.integers(0, 3, len(y))
    write("data.h5", x=x, y=y, w=often)
    write("repeated.h5", x=np.repeat(x, often, axis=0), y=np.repeat(y, often))
    run = trained(folder, 3, "softmax", loss={"name": "cross_entropy", "class_weight": "balanced"})
    found = told(run, "data.h5")
    A, frequent = probabilities(run), np.bincount(y) / len(y)
    of_class = 1 / (3 * frequent)
    A /= A.sum(axis=1, keepdims=True)
    assert found["accuracy"] == sk.accuracy_score(y, A.argmax(1))
    assert found["log_loss"] == pytest.approx(sk.log_loss(y, A), rel=1e-5)
    assert found["cost"] == pytest.approx(sk.log_loss(y, A, sample_weight=of_class[y]), rel=1e-5)
    for name in ("cost", "accuracy", "log_loss"):
        low, high = found["intervals"][name]
        assert low < found[name] < high
    majority = found["baselines"]["majority"]
    assert majority["accuracy"] == pytest.approx(frequent.max())
    assert majority["log_loss"] == pytest.approx(-(frequent * np.log(frequent)).sum())
    weighed = told(run, "data.h5", "--weights", "w", "--no-intervals")
    repeated = told(run, "repeated.h5", "--no-intervals")
    assert weighed["confusion_matrix"] == repeated["confusion_matrix"]
    for name in ("cost", *METRICS["class"].keys() - {"top_3", "top_5"}):
        assert weighed[name] == pytest.approx(repeated[name], rel=1e-5), name


@pytest.mark.parametrize("loss", [name for name in LOSSES if LOSSES[name].scored])
def test_scores_are_not_taken_for_probabilities(folder: Path, loss: str) -> None:
    K = 3 if LOSSES[loss].target == "class" else 2
    write_blobs(folder / "data.h5", K=K)
    run = trained(folder, K if K > 2 else 1, "linear", loss=loss)
    found = told(run, "data.h5")
    assert METRICS[LOSSES[loss].kind].keys() - {"top_3", "top_5"} < found.keys()
    assert found.keys().isdisjoint({"log_loss", "brier", "calibration"})
    with h5py.File("data.h5") as file:
        y = file["y"][()]
    majority = found["baselines"]["majority"]
    assert majority["accuracy"] == pytest.approx(np.bincount(y).max() / len(y))
    assert majority["auc"] == 0.5
    assert found["baselines"]["linear"]["accuracy"] > 0.8
    assert "probability" not in deepnet("evaluate", run, "data.h5").out


def test_counts_have_what_numbers_have(folder: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(80, 3))
    y = rng.poisson(np.exp(x[:, :2]))
    write("data.h5", x=x, y=y)
    run = trained(folder, 2, "exp", loss="poisson")
    found = told(run, "data.h5")
    assert found["baselines"].keys() == {"linear", "mean"}
    assert found["baselines"]["mean"]["mse"] == pytest.approx(y.var(axis=0).mean())
    assert list(found["outputs"]) == ["1", "2"]
    summary = json.loads(Path("a/summary.json").read_text())
    assert summary["outputs"]["train"]["2"]["mse"] == pytest.approx(found["outputs"]["2"]["mse"])
    assert "mape" not in deepnet("evaluate", run, "data.h5").out


def test_quantiles_are_held_against_those_of_all_numbers(
    folder: Path, rng: np.random.Generator
) -> None:
    x, y = some_numbers(rng, 1, m=101)
    write("data.h5", x=x, y=y[:, 0])
    run = trained(folder, 3, "linear", loss={"name": "quantile", "tau": [0.1, 0.5, 0.9]})
    found = told(run, "data.h5")
    low, high = np.quantile(y, [0.1, 0.9])
    quantiles = found["baselines"]["quantiles"]
    assert quantiles["width"] == pytest.approx(high - low)
    assert quantiles["coverage"] == np.mean((y >= low) & (y <= high))
    assert found["intervals"].keys() == {"cost", "coverage", "width"}
    assert found["baselines"]["linear"]["width"] < quantiles["width"]
    assert "quantiles: of the numbers in training" in deepnet("evaluate", run, "data.h5").out


LONG = [f"the class number {k} of a great many" for k in range(100)]

SHAPES = {
    "2 classes": (2, 1, "sigmoid", None),
    "2 long names": (2, 1, "sigmoid", LONG[:2]),
    "10 classes": (10, 10, "softmax", None),
    "10 long names": (10, 10, "softmax", LONG[:10]),
    "100 classes": (100, 100, "softmax", None),
    "100 long names": (100, 100, "softmax", LONG),
    "1 number": (0, 1, "linear", None),
    "3 numbers": (0, 3, "linear", LONG[:3]),
    "40 numbers": (0, 40, "linear", None),
    "multilabel": (-1, 4, "sigmoid", None),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_it_reads_well_in_80_columns(folder: Path, shape: str, rng: np.random.Generator) -> None:
    K, units, output, names = SHAPES[shape]
    x, y = some_numbers(rng, units, m=300)
    y = 1e4 * y if K == 0 else (y > 5).astype(int) if K < 0 else np.arange(300) % K
    more = {} if names is None else {"class_names": np.array(names, "S")}
    write("data.h5", x=x, y=y, **more)
    training = {"iterations": 3, "learning_rate": 1e-6}
    result = deepnet("evaluate", trained(folder, units, output, training=training), "data.h5")
    lines = result.out.splitlines()
    assert all(len(line) <= 80 for line in lines), max(lines, key=len)
    assert len(lines) < 75
    assert lines[0].split() == ["network", "95", "%", "interval", "linear", rival(K)]
    assert ("true" in result.out) is (K > 0)
    assert ("calibration error" in result.out) is (K != 0)
    assert ("12 of 100, lowest f1" in result.out) is (K == 100)
    assert ("12 of 40, lowest r2" in result.out) is (units == 40)


@pytest.mark.parametrize("K", [3, 12, 1000])
def test_no_number_is_too_wide_for_80_columns(K: int) -> None:
    """The widest that there are: many examples, small shares, large errors."""
    names, figures = tuple(f"{k} {'n' * 40}" for k in range(K)), {"rmse": -1.2345e-100}
    between = {"rmse": (-1.2345e-100, 1.2345e-100)}
    baselines = dict.fromkeys(("linear", "quantiles"), figures)
    each = {name: np.full(K, 1.2345e-05) for name in OF_CLASSES}
    each |= {name: np.full(K, -1.2345e-100) for name in OF_OUTPUTS}
    counts = np.full((K, K), 12345678.0)
    for confusion in (None, counts, counts + 0.123):
        found = Assessment(10**9, figures, between, 1000, baselines, 10**9, names, each, confusion)
        lines = assessment_text(found).splitlines()
        assert all(len(line) <= 80 for line in lines), max(lines, key=len)
        assert sum(name[:20] in line for name in names for line in lines) >= min(K, 12)


def rival(K: int) -> str:
    return "majority" if K else "mean"


# calibration


def test_calibration_is_scikit_learns_curve(rng: np.random.Generator) -> None:
    A = rng.dirichlet(np.ones(4), 800).T
    Y = np.eye(4)[:, [rng.choice(4, p=column) for column in A.T]]
    found = calibration(binned(A, Y, np.ones(800), "class"))
    right = A.argmax(0) == Y.argmax(0)
    share, mean = sk_calibration.calibration_curve(right, A.max(0), n_bins=BINS)
    there = found.weight > 0
    np.testing.assert_allclose(found.right[there], share)
    np.testing.assert_allclose(found.probability[there], mean)
    assert found.weight.sum() == 800
    assert there.tolist() == [False, False, *[True] * 8]


def test_calibration_error_is_the_mean_over_examples(rng: np.random.Generator) -> None:
    """One sigmoid output: the probability of what was decided is p or 1 - p."""
    A, Y = rng.uniform(size=(1, 300)), rng.integers(0, 2, (1, 300)).astype(float)
    w = rng.uniform(size=300)
    found, total = calibration(binned(A, Y, w, "binary")), 0.0
    for low in np.arange(0, 10) / 10:
        p = np.maximum(A[0], 1 - A[0])
        inside = (p > low) & (p <= low + 0.1 + 1e-15)
        right = (A[0] > 0.5) == (Y[0] == 1)
        total += abs(float((w * (right - p))[inside].sum()))
    assert found.error == pytest.approx(total / w.sum())
    assert found.weight[:5].sum() == 0


def test_the_ends_of_bins_belong_to_the_bin_below() -> None:
    A = np.array([[0.5, 0.6, 0.9, 1.0, 0.0]])
    found = calibration(binned(A, np.ones((1, 5)), np.ones(5), "binary"))
    assert found.weight.tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 1, 2]
    assert found.right[9] == 0.5


def test_a_name_that_is_cut_shows_it() -> None:
    names = ("a" * 40, "b" * 16, "c d" * 20, *map(str, range(10)))
    text = confusion_text(np.eye(13, dtype=int)[::-1], names)
    assert_says(text, ["a" * 26 + " ...", "b" * 16, "c dc dc dc dc dc dc dc dc ..."])
    assert_says(confusion_text(np.eye(2), names[:2]), ["a" * 12 + " ...", "b" * 16])


# intervals


def of_mean(values: Array, seed: int = 0) -> intervals.Interval:
    """The interval of the mean."""
    J, ones, group = values[np.newaxis], np.ones(len(values)), intervals.dealt(len(values), seed)
    draws = drawn_figures(COST, J, J, ones, group)
    return intervals.intervals(draws, {"cost": values.mean()}, group.max() + 1, seed)["cost"]


@pytest.mark.parametrize("p", [0.6, 0.95])
@pytest.mark.parametrize("m", [400, 20_000])
def test_the_interval_of_accuracy_is_the_binomials(
    p: float, m: int, rng: np.random.Generator
) -> None:
    """Of more examples than there are groups, too, though those are in their classes' order."""
    right = np.sort(rng.uniform(size=m) < p).astype(float)
    low, high = of_mean(right)
    exact = stats.binomtest(int(right.sum()), m).proportion_ci(method="wilson")
    half = (exact.high - exact.low) / 2
    np.testing.assert_allclose((low, high), (exact.low, exact.high), atol=0.12 * half)


def test_it_holds_the_truth_about_95_times_in_100(rng: np.random.Generator) -> None:
    held = 0
    for seed in range(100):
        low, high = of_mean(rng.exponential(size=60), seed)
        held += low <= 1.0 <= high
    assert 86 <= held <= 99  # of 100: 95 % less 4 deviations, and not all


@pytest.mark.parametrize("seed", range(3))
def test_ends_are_scipys(seed: int) -> None:
    """Of the same resamples of a mean: numbers that lie evenly about it have no skewness, without
    which BCa is BC.
    """
    rng = np.random.default_rng(seed)
    half = rng.uniform(size=12)
    numbers = np.concatenate([half, -half]) + 1
    known = stats.bootstrap((numbers,), np.mean, n_resamples=1000, method="BCa", rng=rng)
    of_rows = {"mean": known.bootstrap_distribution}
    found = intervals.intervals(lambda _: of_rows, {"mean": numbers.mean()}, 24)["mean"]
    assert found == pytest.approx(tuple(known.confidence_interval), rel=1e-9)
    assert found != pytest.approx(np.percentile(of_rows["mean"], (2.5, 97.5)), rel=1e-9)


@pytest.mark.parametrize("figure", [0.0, 0.02, 0.5, 0.98, 1.0])
def test_a_figure_beside_its_resamples_is_in_its_interval(figure: float) -> None:
    """And so is most of them."""
    drawn = np.linspace(0.1, 0.9, 1000)
    low, high = intervals.intervals(lambda _: {"a": drawn}, {"a": figure}, 5)["a"]
    assert low <= figure <= high
    assert ((drawn >= low) & (drawn <= high)).mean() > 0.9


def test_resamples_draw_as_many_as_there_are() -> None:
    rows: list[Array] = []

    def see(times: Array) -> dict[str, Array]:
        rows.extend(times)
        return {"none": np.full(len(times), np.nan)}

    found = intervals.intervals(see, {"none": 1.0}, 4)
    assert np.isnan(found["none"]).all()
    drawn = np.array(rows)
    assert len(drawn) == intervals.RESAMPLES
    assert (drawn.sum(axis=1) == 4).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.15)
    np.testing.assert_allclose(drawn.var(axis=0), 3 / 4, atol=0.2)


def test_examples_are_dealt_evenly_and_by_chance() -> None:
    assert (np.sort(intervals.dealt(300)) == np.arange(300)).all()
    group = intervals.dealt(100_200)
    assert set(np.bincount(group)) == {200, 201}
    assert abs(np.corrcoef(group[1:], group[:-1])[0, 1]) < 0.02
    assert (intervals.dealt(100_200, seed=1) != group).mean() > 0.99


@pytest.mark.parametrize("target", METRICS)
def test_an_interval_holds_its_figure(target: str, rng: np.random.Generator) -> None:
    """Of the fewest and of skewed numbers, too, where all resamples may lie beside it."""
    for m in (2, 3, 7, 20, 60):
        A, Y = wayward(target, m, rng)
        w = rng.exponential(size=m)
        known = figures_of(METRICS[target], observed(METRICS[target], A, Y, w[np.newaxis]))
        draws = drawn_figures(METRICS[target], A, Y, w, intervals.dealt(m))
        with np.errstate(all="ignore"):
            found = intervals.intervals(draws, known, m)
        for name, (low, high) in found.items():
            assert low <= known[name] <= high or np.isnan([low, high, known[name]]).any(), name


def wayward(target: str, m: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """A and Y of numbers with a long tail, of classes of which some are rare."""
    if target.startswith("class"):
        Y = np.eye(6)[:, rng.choice(6, m, p=[0.6, 0.2, 0.1, 0.06, 0.03, 0.01])]
        A = rng.dirichlet(np.ones(6), m).T + Y * rng.uniform(size=m)
        return (A / A.sum(axis=0) if target == "class" else A - 0.5), Y
    if target.startswith("binary"):
        Y = (rng.uniform(size=(1, m)) < 0.2).astype(float)
        return rng.uniform(size=Y.shape) ** 2 * 0.6 + 0.4 * Y - 0.5 * (target != "binary"), Y
    Y = np.exp(2 * rng.normal(size=(1, m)))
    if target == "quantiles":
        return Y + np.sort(rng.standard_cauchy((3, m)), axis=0), np.repeat(Y, 3, axis=0)
    return Y * np.exp(rng.normal(size=(1, m))), Y


@pytest.mark.long
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Of 300 samples of 150: 95 % less four deviations and what so few know too little."""
    rng, m, times = np.random.default_rng(0), 150, 300

    def sample(m: int) -> tuple[Array, Array]:
        Z = rng.normal(size=(1, m)) - 1
        return 1 / (1 + np.exp(-Z)), (Z + rng.logistic(size=Z.shape) > 0).astype(float)

    metrics = METRICS["binary"]
    truth = figures_of(metrics, observed(metrics, *sample(400_000)))
    beside = dict.fromkeys(truth, np.zeros(2))
    for seed in range(times):
        A, Y = sample(m)
        draws = drawn_figures(metrics, A, Y, np.ones(m), intervals.dealt(m))
        known = figures_of(metrics, observed(metrics, A, Y))
        for name, (low, high) in intervals.intervals(draws, known, m, seed).items():
            beside[name] = beside[name] + [truth[name] < low, truth[name] > high]
    for name, (below, above) in beside.items():
        assert 0.89 <= 1 - (below + above) / times < 1, name
        assert max(below, above) < 0.075 * times, name


def test_intervals_of_a_run_hold_its_figures_and_repeat(folder: Path) -> None:
    write_blobs(folder / "data.h5", K=2)
    run = trained(folder, 1, "sigmoid", training={"iterations": 9, "l2": 1.0})
    found = told(run, "data.h5")
    assert found["intervals"].keys() == {"cost", *METRICS["binary"]}
    for name, (low, high) in found["intervals"].items():
        assert low <= found[name] <= high
        assert low < high or found[name] == 1
    assert found["resamples"] == 1000
    assert told(run, "data.h5")["intervals"] == found["intervals"]
    without = told(run, "data.h5", "--no-intervals")
    assert without["intervals"] == {}
    assert without["cost"] == found["cost"]
    assert "interval" not in deepnet("evaluate", run, "data.h5", "--no-intervals").out


def test_figures_of_each_example_drawn_once_are_the_figures(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    """Weights of examples and of classes, and the penalty, are in them as they are in those."""

    def once(draws: Any, known: Any, groups: int) -> dict[str, tuple[float, float]]:
        assert groups == 90
        found = draws(np.ones((1, groups)))
        assert found.keys() == known.keys()
        return {name: (values[0], values[0]) for name, values in found.items()}

    write_blobs(folder / "data.h5")
    with h5py.File("data.h5", "a") as file:
        file["w"] = rng.uniform(size=90)
    weights: dict[str, Any] = {"name": "cross_entropy", "class_weight": {"1": 20.0}}
    run = trained(folder, 3, "softmax", loss=weights, training={"iterations": 9, "l2": 1.0})
    monkeypatch.setattr(assessment, "intervals", once)
    found = told(run, "data.h5", "--weights", "w")
    for name, (value, _) in found["intervals"].items():
        assert value == pytest.approx(found[name], rel=1e-6), name


def test_too_many_examples_to_keep_are_not_drawn_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_blobs(folder / "data.h5")
    run = trained(folder, 3, "softmax")
    monkeypatch.setattr(assessment, "MOST", 90 * 3)
    assert "1,000 bootstrap resamples" in deepnet("evaluate", run, "data.h5").out
    assert told(run, "data.h5")["resamples"] == 1000
    monkeypatch.setattr(assessment, "MOST", 90 * 3 - 1)
    result = deepnet("evaluate", run, "data.h5")
    assert result.code == 0
    assert "too many examples" in result.out
    assert told(run, "data.h5")["resamples"] == 0
    assert told(run, "data.h5")["intervals"] == {}


# baselines


def fitted(loss: str, x: Array, Y: Array, weights: Array | None = None) -> baselines.Baselines:
    return baselines.fitted(LOSSES[loss], Part(x, Y, weights), weights, 0, 0)


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_linear_model_is_scikit_learns_logistic_regression(
    K: int, weighted: bool, rng: np.random.Generator
) -> None:
    x = rng.normal(3, [1, 10, 0.01, 100], size=(300, 4)).astype(np.float32)
    y = rng.integers(0, K, 300)
    x[:, 0] += y
    w = np.where(x[:, 1] > 5, 3.0, 0.1) if weighted else np.ones(300)
    w /= w.mean()
    scaler = StandardScaler().fit(x.astype(float), sample_weight=w)
    theirs = LogisticRegression(tol=1e-8).fit(scaler.transform(x.astype(float)), y, w)
    expected = theirs.predict_proba(scaler.transform(x.astype(float)))
    loss = "binary_cross_entropy" if K == 2 else "cross_entropy"
    Y = y[np.newaxis] if K == 2 else np.eye(K)[:, y]
    found = fitted(loss, x, Y.astype(np.float32), w if weighted else None)
    assert found.linear is not None
    A = found.linear.outputs(LOSSES[loss], x)
    np.testing.assert_allclose(A, expected.T[1:] if K == 2 else expected.T, atol=2e-4)


@pytest.mark.parametrize("K", [1, 3])
def test_the_linear_model_of_numbers_is_ridge_regression(K: int, rng: np.random.Generator) -> None:
    x, y = some_numbers(rng, K)
    constants = np.tile([0.0, 0.1, 1e6], (80, 1))  # teach nothing
    x = np.concatenate([x, constants], axis=1)
    theirs = make_pipeline(StandardScaler(), Ridge(alpha=K / 2)).fit(x, y)
    found = fitted("mean_squared_error", x, y.T)
    assert found.linear is not None
    A = found.linear.outputs(LOSSES["mean_squared_error"], x)
    np.testing.assert_allclose(A, theirs.predict(x).reshape(80, K).T, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.linear.W[:, 3:], 0, atol=1e-12)


def test_the_constant_is_scikit_learns_dummy(rng: np.random.Generator) -> None:
    labels = rng.choice(3, 100, p=[0.2, 0.5, 0.3])
    x, w = rng.normal(size=(100, 2)), rng.uniform(size=100)
    for weights in (None, w):
        prior = DummyClassifier(strategy="prior").fit(x, labels, weights)
        found = fitted("cross_entropy", x, np.eye(3)[:, labels], weights)
        np.testing.assert_allclose(found.constant.T, prior.predict_proba(x[:1]))
        mean = DummyRegressor().fit(x, labels, weights)
        found = fitted("mean_squared_error", x, labels[np.newaxis].astype(float), weights)
        np.testing.assert_allclose(found.constant[0], mean.predict(x[:1]))
    assert found.outputs(LOSSES["poisson"], x).keys() == {"linear", "mean"}


def test_every_kind_of_outputs_has_its_constant() -> None:
    assert baselines.CONSTANT.keys() == METRICS.keys()


@pytest.mark.parametrize("weighted", [False, True])
def test_the_constant_of_quantiles_costs_least(weighted: bool, rng: np.random.Generator) -> None:
    taus, y = (0.05, 0.3, 0.5, 0.9), rng.exponential(size=57)
    w = rng.uniform(size=57) if weighted else None
    part = Part(rng.normal(size=(57, 2)), np.tile(y, (4, 1)), w)
    constant = baselines.fitted(made_loss("quantile", tau=taus), part, w, 0, 0).constant
    for tau, value in zip(taus, constant[:, 0], strict=True):
        of_each = [
            sk.mean_pinball_loss(y, np.full(57, other), alpha=tau, sample_weight=w) for other in y
        ]
        least = sk.mean_pinball_loss(y, np.full(57, value), alpha=tau, sample_weight=w)
        assert least == pytest.approx(min(of_each), rel=1e-12)


def test_the_constant_of_a_score_has_the_sign_of_the_more_frequent_class() -> None:
    for share in (0.2, 0.5, 0.7):
        Y = (np.arange(10) < 10 * share)[np.newaxis] * 1.0
        found = fitted("hinge", np.eye(10), Y).constant
        np.testing.assert_allclose(found, (2 * Y - 1).mean(), atol=1e-15)
        assert (found > 0) == (share > 0.5)


@pytest.mark.parametrize("loss", LOSSES)
def test_it_fits_every_loss(loss: str, rng: np.random.Generator) -> None:
    """The cost is below that of the best constant, which 0 weights and some b would be."""
    known = LOSSES[loss]
    x = rng.normal(size=(200, 3))
    score = x @ np.array([[2.0], [-1.0], [0.5]]) + rng.normal(size=(200, 1))
    Y = {"binary": (score.T > 0) * 1.0, "class": np.eye(2)[:, (score[:, 0] > 0).astype(int)]}.get(
        known.target, np.exp(score.T / 3)
    )
    linear = fitted(loss, x, Y).linear
    assert linear is not None
    share = np.full(200, 1 / 200)
    cost, flat = (
        float(np.real(known.cost(W @ x.T + linear.b, Y, share))) for W in (linear.W, 0 * linear.W)
    )
    assert cost < 0.9 * flat


def test_as_many_examples_as_the_training_is_worth(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    x, Y = rng.normal(size=(500, 4)), rng.normal(size=(1, 500))
    loss, part = LOSSES["mean_squared_error"], Part(x, Y)
    each = 4 + baselines.ELEMENTWISE
    monkeypatch.setattr(baselines, "FEWEST", 100)
    monkeypatch.setattr(baselines, "ALWAYS", 150 * each)
    assert [linear_examples(loss, part, made) for made in (0, 1e15)] == [150, 500]
    enough = 200 * each * 2 * baselines.STEPS / baselines.SHARE
    assert linear_examples(loss, part, enough) == pytest.approx(200, abs=1)
    monkeypatch.setattr(baselines, "ALWAYS", 99 * each)
    assert linear_examples(loss, part, 0) == 0
    assert baselines.fitted(loss, part, None, 0, 0).outputs(loss, x).keys() == {"mean"}


@pytest.mark.parametrize("size", [1e-300, 1e150, 1e200, 1e307])
def test_numbers_of_any_size_leave_a_file_that_can_be_read(
    folder: Path, size: float, rng: np.random.Generator
) -> None:
    x = size * rng.normal(size=(60, 3))
    write("data.h5", x=x, y=np.arange(60) % 3)
    run = trained(folder, 3, "softmax", compute={"precision": "float64"})
    assert "linear" in told(run, "data.h5")["baselines"] or size > 1e100


def linear_examples(loss: Any, part: Part, multiplications: float) -> int:
    linear = baselines.fitted(loss, part, None, multiplications, 0).linear
    return linear.examples if linear else 0


def test_baselines_stand_beside_the_network(folder: Path) -> None:
    """As fitted to the training part, here standardized, and measured on what is evaluated."""
    write_blobs(folder / "data.h5")
    write_blobs(folder / "more.h5", seed=9, m=50)
    run = trained(folder, 3, "softmax")
    found = told(run, "more.h5", "--no-intervals")["baselines"]
    with h5py.File("data.h5") as file, h5py.File("more.h5") as other:
        x, y, x_new, y_new = file["x"][()], file["y"][()], other["x"][()], other["y"][()]
    theirs = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8)).fit(x.astype(float), y)
    assert found["linear"]["accuracy"] == theirs.score(x_new.astype(float), y_new)
    expected = sk.log_loss(y_new, theirs.predict_proba(x_new.astype(float)))
    assert found["linear"]["log_loss"] == pytest.approx(expected, rel=1e-3)
    assert found["majority"]["accuracy"] == np.mean(y_new == np.bincount(y).argmax())
    assert found["majority"]["auc"] == 0.5
    assert found["linear"].keys() == set(METRICS["class"]) - {"top_3", "top_5"}


def test_a_model_without_baselines_is_measured_all_the_same(folder: Path) -> None:
    """As those are that an earlier deepnet wrote."""
    write_blobs(folder / "data.h5")
    model = replace(load_model(Path(trained(folder, 3, "softmax"))), baselines=None)
    with h5py.File("a/model.h5") as file:
        config = str(file.attrs["config"])
    Path("old.h5").write_bytes(model.to_bytes(config, {}))
    assert told("old.h5", "data.h5")["baselines"] == {}
    assert deepnet("evaluate", "old.h5", "data.h5").out.split()[:4] == [
        "network",
        "95",
        "%",
        "interval",
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_unfit_baselines_are_refused(folder: Path, value: float) -> None:
    write_blobs(folder / "data.h5")
    model = load_model(Path(trained(folder, 3, "softmax")))
    assert model.baselines is not None
    constants = [np.full((3, 1), value), np.zeros((2, 1))]
    with h5py.File("a/model.h5") as file:
        config = str(file.attrs["config"])
    for constant in constants:
        unfit = replace(model, baselines=replace(model.baselines, constant=constant))
        Path("bad.h5").write_bytes(unfit.to_bytes(config, {}))
        result = deepnet("evaluate", "bad.h5", "data.h5")
        assert result.code == 3
        assert "baselines/constant" in result.err


def test_a_confusion_matrix_of_weights() -> None:
    true, taken, w = np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([0.5, 2.0, 0.25])
    np.testing.assert_array_equal(confusion_matrix(true, taken, 2, w), [[0.5, 0], [2.0, 0.25]])


def test_rows_that_were_trained_on_are_warned_of(folder: Path, rng: np.random.Generator) -> None:
    """In whatever order they stand, and by how many; no word of those that are new."""
    x, y = rng.normal(size=(40, 4)), np.arange(40) % 3
    write("data.h5", x=x[:30], y=y[:30])
    run = trained(folder, 3, "softmax", data={"test": {"fraction": 0.2}})
    with h5py.File(f"{run}/splits.h5") as splits:
        held_out = splits["test"][()]
    warned = {"new.h5": np.arange(30, 40), "held_out.h5": held_out, "mixed.h5": np.arange(40)[::-1]}
    for name, rows in warned.items():
        write(name, x=x[rows], y=y[rows])
    seen = "a was trained on 24 of these 40 rows"
    for name in warned:
        result = deepnet("evaluate", run, name)
        assert result.code == 0
        assert ("was trained on" in result.err) is (name == "mixed.h5")
        assert (seen in result.err) is (name == "mixed.h5")
    Path("data.h5").unlink()
    err = deepnet("evaluate", run, "mixed.h5").err
    assert "whether a was trained on these rows cannot be told: a/config.yaml" in err
    assert "warning" not in deepnet("evaluate", f"{run}/model.h5", "mixed.h5").err

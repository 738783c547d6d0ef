"""What the pre-flight tries out: what a cost leaves, a batch by heart, whether x tells of y."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from networks import labels_for
from samples import write_blobs, write_config
from scipy.stats import rankdata
from sklearn.metrics import r2_score

from deepnet_cli.config.job import load_job
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.losses import LOSSES, Loss, made_loss, shares
from deepnet_cli.nn.types import Array
from deepnet_cli.training.checking.deviance import scale_of
from deepnet_cli.training.checking.fitting import MOST, fit_batch, mixed
from deepnet_cli.training.checking.pace import UPDATES, pace
from deepnet_cli.training.checking.signal import ranks, signal
from deepnet_cli.training.checking.subject import FEWEST, Subject

Rng = np.random.Generator
SMOOTH = {"quantile": {"tau": (0.1, 0.5)}}


def loss_of(name: str) -> Loss:
    """With options where it asks for some."""
    return made_loss(name, **SMOOTH[name]) if name in SMOOTH else LOSSES[name]


@pytest.mark.parametrize("name", LOSSES)
def test_no_scores_are_below_the_floor_and_no_constant_below_the_constant(
    name: str, rng: Rng
) -> None:
    loss = loss_of(name)
    Y = labels_for(loss, 2, 30, rng)
    weights = rng.uniform(0.5, 2, 30)
    scale, share = scale_of(loss, Y, weights), shares(weights, 30)
    assert scale.floor <= scale.constant <= scale.zero

    def J(S: Array) -> float:
        return float(np.real(loss.cost(S, Y, share)))

    assert scale.zero == pytest.approx(J(np.zeros(Y.shape)))
    slack = 1e-4 * (1 + abs(scale.zero))
    for size in (0.01, 0.1, 1.0, 10.0):
        free = size * rng.normal(size=Y.shape)
        same = np.repeat(size * rng.normal(size=(len(Y), 1)), 30, axis=1)
        assert J(free) >= scale.floor - slack
        assert J(same) >= scale.constant - slack
    assert scale.explained(scale.constant) == 0
    assert scale.explained(scale.floor) == 1


def test_constants_and_floors_that_are_known(rng: Rng) -> None:
    """Entropies, the variance, the mean distance from the median, Poisson's by its mean."""
    y = rng.integers(0, 2, (1, 50)).astype(float)
    p = y.mean()
    scale = scale_of(LOSSES["binary_cross_entropy"], y)
    assert scale.constant == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p))
    assert scale.zero == pytest.approx(np.log(2))
    assert scale.floor == pytest.approx(0, abs=1e-4)
    Y = np.eye(4)[:, rng.integers(0, 4, 60)]
    share = Y.mean(axis=1)
    scale = scale_of(LOSSES["cross_entropy"], Y)
    assert scale.constant == pytest.approx(-(share * np.log(share)).sum())
    assert scale.zero == pytest.approx(np.log(4))
    y = 1e3 + 5 * rng.normal(size=(1, 41))
    scale = scale_of(LOSSES["mean_squared_error"], y)
    assert scale.constant == pytest.approx(y.var())
    A = y + rng.normal(size=y.shape)
    R2 = r2_score(y[0], A[0])
    assert scale.explained(float(((A - y) ** 2).mean())) == pytest.approx(R2)
    median = float(np.abs(y - np.median(y)).mean())
    assert scale_of(LOSSES["mean_absolute_error"], y).constant == pytest.approx(median, rel=0.05)
    counts = rng.poisson(3, (1, 50)) + 1.0
    scale = scale_of(LOSSES["poisson"], counts)
    mean = counts.mean()
    assert scale.constant == pytest.approx(mean - mean * np.log(mean))
    assert scale.floor == pytest.approx((counts - counts * np.log(counts)).mean(), rel=1e-6)


@pytest.mark.parametrize("name", ["cross_entropy", "mean_squared_error", "hinge"])
def test_where_all_are_alike_there_is_nothing_to_explain(name: str, rng: Rng) -> None:
    Y = np.repeat(labels_for(LOSSES[name], 2, 1, rng), 8, axis=1)
    assert scale_of(LOSSES[name], Y).empty
    assert not scale_of(LOSSES[name], labels_for(LOSSES[name], 2, 40, rng)).empty


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    """Three clouds, two hidden layers, dropout and a penalty."""
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5", m=60)
    layers = [{"units": 8, "dropout": 0.5}, 6, 3]
    model = {"layers": layers, "activations": ["relu", "tanh", "softmax"]}
    file = write_config(tmp_path / "c.yaml", model=model, training={"l2": 1e3})
    return Subject(load_job(file))


def test_a_batch_is_learned_by_heart_whatever_keeps_training_from_it(subject: Subject) -> None:
    fit = subject.fit
    assert fit is not None
    assert fit.examples == 2  # half of one more than the narrowest layer but the last
    assert fit.explained > 0.99
    assert fit.after < 0.01 < fit.before
    assert subject.exact.penalties
    assert subject.exact.network.layers[0].dropout == 0.5


def test_the_batch_is_not_learned_by_what_cannot_learn(subject: Subject) -> None:
    """Dead units, and a shift that the network is told to keep."""
    theta = subject.theta.copy()
    subject.job.network.layout.views(theta)["b1"][...] = -1e6
    batch = mixed(subject.sample, 5)
    assert fit_batch(subject.bare, subject.theta, batch).explained > 0.99
    assert fit_batch(subject.bare, theta, batch).explained < 0.5
    assert not fit_batch(subject.bare, np.full_like(theta, np.nan), batch).explained > 0


def test_a_batch_is_mixed_and_has_no_x_twice(rng: Rng) -> None:
    rows = rng.normal(size=(40, 3))[np.repeat(np.arange(20), 2)]
    Y = np.eye(6)[:, np.sort(rng.integers(0, 6, 40))]
    part = mixed(Part(rows, Y), MOST)
    assert len(np.unique(part.rows, axis=0)) == part.m == MOST
    assert set(part.Y.argmax(axis=0)) == set(Y.argmax(axis=0))
    numbers = np.sort(rng.normal(size=(1, 40)))
    spread = mixed(Part(rng.normal(size=(40, 3)), numbers), 5).Y[0]
    assert spread.min() == numbers.min()
    assert spread.max() == numbers.max()


def parts(rng: Rng) -> dict[str, tuple[Loss, Part]]:
    """Examples whose x tells of y, each in another way."""
    x = rng.normal(size=(300, 4)) * [1, 100, 0.01, 1]
    number = np.sin(x[:, [0]].T) + 0.3 * rng.normal(size=(1, 300))
    classes = np.digitize(x[:, 1] + 50 * rng.normal(size=300), [-50, 50])
    return {
        "numbers": (LOSSES["mean_squared_error"], Part(x, number)),
        "classes": (LOSSES["cross_entropy"], Part(x, np.eye(3)[:, classes])),
        "exclusive or": (
            LOSSES["binary_cross_entropy"],
            Part(x, 1.0 * (x[:, [0]] * x[:, [3]] > 0).T),
        ),
        "counts": (LOSSES["poisson"], Part(x, rng.poisson(np.exp(x[:, [0]].T)) * 1.0)),
    }


@pytest.mark.parametrize("kind", ["numbers", "classes", "exclusive or", "counts"])
def test_x_tells_of_y_until_it_is_shuffled(kind: str, rng: Rng) -> None:
    loss, part = parts(rng)[kind]
    found = signal(loss, part, 0)
    assert max(found.values()) > 5
    assert (found["linear"] > 4) == (kind != "exclusive or")
    shuffled = [
        signal(loss, replace(part, Y=part.Y[:, rng.permutation(part.m)]), 0) for _ in range(12)
    ]
    zs = np.array([list(each.values()) for each in shuffled])
    assert zs.shape == (12, 2)
    assert np.abs(zs).max() < 4
    assert np.abs(zs.mean(axis=0)).max() < 1.2


def test_chance_varies_by_a_standard_error_at_most(rng: Rng) -> None:
    """Two halves that are guessed by each other's models say the same of chance."""
    loss, zs = LOSSES["mean_squared_error"], []
    for _ in range(150):
        part = Part(rng.normal(size=(80, 4)), rng.normal(size=(1, 80)))
        zs.append([*signal(loss, part, 0).values()])
    assert (np.std(zs, axis=0) < 1 + 3 / np.sqrt(2 * 150)).all()


def test_neighbors_are_the_nearest_of_a_plain_loop(rng: Rng) -> None:
    x, y = rng.normal(size=(30, 3)) * [1, 50, 0.1], rng.normal(size=30)
    units = (x - x.mean(axis=0)) / x.std(axis=0)
    centered = (rankdata(y) - 15.5) / rankdata(y).std()
    products = []
    for i in range(30):
        order = sorted(range(30), key=lambda j: float(((units[i] - units[j]) ** 2).sum()))
        products.append(centered[i] * np.mean([centered[j] for j in order[1:6]]))
    expected = np.mean(products) / (np.std(products) / np.sqrt(30)) / np.sqrt(2)
    found = signal(LOSSES["mean_squared_error"], Part(x, y[np.newaxis]), 0)
    assert found["neighbors"] == pytest.approx(expected)


def test_ranks_are_those_of_scipy_in_units(rng: Rng) -> None:
    V = np.vstack([rng.integers(0, 4, 20), rng.normal(size=20), np.ones(20)])
    expected = rankdata(V, axis=1) - 10.5
    expected[:2] /= expected[:2].std(axis=1, keepdims=True)
    np.testing.assert_allclose(ranks(V), expected, atol=1e-12)


def test_where_x_or_y_is_the_same_everywhere_there_is_no_signal(rng: Rng) -> None:
    same = Part(np.ones((50, 2)), rng.normal(size=(1, 50)))
    assert all(abs(z) < 4 for z in signal(LOSSES["mean_squared_error"], same, 0).values())
    still = Part(rng.normal(size=(50, 2)), np.ones((1, 50)))
    assert signal(LOSSES["mean_squared_error"], still, 0) == {}


def test_the_pace_is_that_of_the_first_updates_and_of_the_whole_run(subject: Subject) -> None:
    found = pace(subject)
    assert found.rate == 0.1
    assert found.whole == pytest.approx(0.1 * 40)
    assert found.updates == UPDATES
    assert not found.diverged
    settings = ("training.learning_rate={schedule: exponential, initial: 0.2, factor: 0.9}",)
    job = load_job(Path("c.yaml"), settings)
    rates = [job.rate(i) for i in range(40)]
    falling = pace(Subject(job))
    assert falling.rate == max(rates)
    assert falling.whole == pytest.approx(sum(rates))


def test_what_is_large_is_tried_with_fewer_examples(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert subject.tried is subject.job
    assert subject.weights == 4 * 8 + 8 * 6 + 6 * 3
    assert subject.affordable(40 * subject.weights) == 40
    assert subject.affordable(20 * subject.weights) == FEWEST
    smaller = Subject(subject.job)
    monkeypatch.setattr(Subject, "affordable", lambda *_: 20)
    assert smaller.tried.batches.size == smaller.tried.batches.part.m == 20
    batched = Subject(load_job(Path("c.yaml"), ("training.batch_size=32",)))
    assert batched.tried.batches.size == 20
    assert batched.tried.batches.part.m == 60


def test_examples_that_stay_in_their_file_are_tried_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the file is not read over and over."""
    monkeypatch.chdir(tmp_path)
    with h5py.File("blobs.h5", "w") as file:
        file["x"], file["y"] = np.eye(8, 4), np.arange(8) % 3
    job = load_job(write_config(Path("c.yaml")), ("data.stream=true", "training.batch_size=4"))
    assert not job.batches.part.held
    tried = Subject(job).tried
    assert tried.batches.part.held
    assert tried.batches.size == 4

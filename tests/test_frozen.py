"""Frozen layers stay as they are, bit for bit; a factor on a layer's rate is all that it says.

The oracles are PyTorch, where it is installed, the same network with nothing frozen, and the
complex step.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations_with_replacement, product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from networks import labels_for, start
from points import rngs
from samples import parameters, write_blobs, write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.gradcheck.mutations import mutations
from deepnet_cli.nn.gradcheck.report import blame, check
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import L1, L2
from deepnet_cli.nn.replay import Replay
from deepnet_cli.nn.types import Array
from deepnet_cli.optim import optimizers
from deepnet_cli.optim.clipping import ClipNorm
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.randomness import bits
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

CE = LOSSES["cross_entropy"]
UNITS = (6, 5, 4, 3)
SOME = [factors for factors in product([0.0, 1.0], repeat=4) if any(factors)]
"""Every choice of layers to freeze."""


def network(
    factors: tuple[float, ...],
    norm: Norm | None = None,
    dropout: float = 0.0,
    *,
    rich: bool = False,
) -> Network:
    """4-6-5-4-3 with these factors on the rate; norms and masks in the second layer; where it is
    to be rich, slopes, a norm of each example and another kind of masks in the others.
    """
    draw = partial(bits, 0, "dropout")
    layers = [
        Layer(n, ACTIVATIONS["tanh"], rate_factor=factor)
        for n, factor in zip(UNITS, factors, strict=True)
    ]
    layers[1] = replace(layers[1], batch_norm=norm, dropout=dropout, bits=draw)
    layers[3] = replace(layers[3], activation=ACTIVATIONS["softmax"])
    if rich:
        layers[0] = replace(layers[0], activation=ACTIVATIONS["prelu"], layer_norm=0.01)
        layers[2] = replace(layers[2], activation=ACTIVATIONS["prelu"], layer_norm=1e-5)
        layers[2] = replace(layers[2], alpha_dropout=dropout, bits=draw)
    return Network.of(4, layers, CE)


def moved_over(theta: Array, one: Network, other: Network) -> Array:
    """The same parameters in the layout of another network."""
    return other.layout.join(one.layout.views(theta), theta.dtype)


def begun(network: Network, rng: np.random.Generator) -> Array:
    """A theta (P,) of which frozen blocks are no exception."""
    layers = [replace(layer, rate_factor=1.0) for layer in network.layers]
    thawed = Network.of(network.features, layers, network.loss)
    return moved_over(start(thawed, rng), thawed, network)


def examples(rng: np.random.Generator, m: int = 9) -> tuple[Array, Array]:
    return np.ascontiguousarray(rng.normal(size=(m, 4))).T, labels_for(CE, 3, m, rng)


@pytest.mark.parametrize("factors", SOME, ids=str)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("rich", [False, True])
def test_the_gradient_is_that_of_the_others_and_0(
    factors: tuple[float, ...], dropout: float, rich: bool, rng: np.random.Generator
) -> None:
    """Step by step, fused and played, against the network with nothing frozen."""
    frozen, thawed = (network(f, None, dropout, rich=rich) for f in (factors, (1.0,) * 4))
    theta, (X, Y) = start(thawed, rng), examples(rng)
    objective = Objective(frozen)
    J, grad = Objective(thawed)(theta, X, Y, step=3)
    expected = moved_over(grad, thawed, frozen)
    expected[frozen.layout.trained.stop :] = 0
    theta = moved_over(theta, thawed, frozen)
    for run in (objective, objective.fused, Replay(objective.fused)):
        cost, g = run(theta, X, Y, step=3)
        assert cost == pytest.approx(J, rel=1e-14)
        np.testing.assert_allclose(g, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("factors", SOME, ids=str)
@pytest.mark.parametrize("layers", [None, *combinations_with_replacement(range(1, 5), 2)], ids=str)
def test_penalties_are_of_the_weights_that_are_trained(
    factors: tuple[float, ...], layers: tuple[int, int] | None, rng: np.random.Generator
) -> None:
    """Whichever layers they are of, in J as in dW."""
    frozen = network(factors)
    theta, (X, Y) = begun(frozen, rng), examples(rng)
    J, grad = Objective(frozen)(theta, X, Y)
    expected, p = grad.copy(), frozen.layout.views(theta)
    first, last = layers or (1, 4)
    for l in range(first, last + 1):
        if factors[l - 1]:
            J += 0.15 * (p[f"W{l}"] ** 2).sum()
            frozen.layout.views(expected)[f"W{l}"][...] += 0.3 * p[f"W{l}"]
    objective = Objective(frozen, (L2(0.3, layers),))
    for run in (objective, objective.fused, Replay(objective.fused)):
        cost, g = run(theta, X, Y)
        assert cost == pytest.approx(J, rel=1e-14)
        np.testing.assert_allclose(g, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("factors", SOME, ids=str)
@pytest.mark.parametrize("rich", [pytest.param(False, marks=pytest.mark.long), True])
def test_every_derivative_is_checked_and_every_bug_found(
    factors: tuple[float, ...], rich: bool, rng: np.random.Generator
) -> None:
    """With norms, masks and penalties; a frozen norm is by constants, another by the batch."""
    frozen = network(factors, Norm(), 0.2, rich=rich)
    theta, (X, Y) = begun(frozen, rng), examples(rng)
    theta[frozen.layout.statistics] += 0.1 * rng.random(10)
    penalties = (L2(0.3, (1, 2)), L2(0.2, (4, 4)), L1(0.1)) if rich else (L2(0.3), L1(0.1))
    point = Point(Objective(frozen, penalties), theta, X, Y, None, 5)
    report = check(point, rngs())
    assert not report.wrong
    assert not report.inconclusive
    trained = {v.node.name for v in report.verdicts if v.node.parameter}
    trained = {name for name in trained if not name.startswith("penalty")}
    assert trained == set(frozen.layout.names)
    named = {f"W{l}" for l, factor in enumerate(factors, start=1) if factor}
    assert {name for name in trained if name[0] == "W"} == named
    if sum(factors) == 2:
        for mutation in mutations(point):
            culprit = blame(replace(point, objective=mutation.objective), rngs())
            assert culprit is not None
            assert culprit.verdict.node.name == mutation.node, mutation.name


def test_what_stands_before_the_first_trained_layer_is_not_gone_back_through(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = network((0.0, 0.0, 1.0, 0.0))
    theta, (X, Y) = begun(frozen, rng), examples(rng)
    made: list[tuple[int, ...]] = []
    multiply = np.matmul

    def counted(a: Array, b: Array, out: Array) -> Array:
        made.append(out.shape)
        return multiply(a, b, out=out)

    monkeypatch.setattr(np, "matmul", counted)
    Objective(frozen)(theta, X, Y)
    assert made == [(6, 9), (5, 9), (4, 9), (3, 9), (4, 9), (4, 5)]  # Z[1] ... Z[4], dA[3], dW[3]


def test_the_vector_begins_with_what_is_trained() -> None:
    layout = network((1.0, 0.0, 0.5, 0.5), Norm()).layout
    assert list(layout.blocks) == (
        ["W1", "W3", "W4", "b1", "b3", "b4", "W2", "scale2", "shift2", "mean2", "variance2"]
    )
    assert layout.names == ("W1", "W3", "W4", "b1", "b3", "b4")
    assert (layout.weights, layout.trained) == (slice(0, 56), slice(0, 69))
    assert (layout.parameters, layout.statistics) == (slice(0, 109), slice(109, 119))
    assert layout.decaying == [(slice(0, 24), 1.0), (slice(24, 56), 0.5)]
    one, half = (slice(0, 24), 1.0), (slice(24, 56), 0.5)
    assert layout.moving == [one, half, (slice(56, 62), 1.0), (slice(62, 69), 0.5)]
    assert network((2.0,) * 4).layout.moving == [(slice(0, 104), 2.0)]


@pytest.mark.parametrize("factors", SOME, ids=str)
def test_weights_that_stay_are_held_to_nothing(
    factors: tuple[float, ...], rng: np.random.Generator
) -> None:
    plain = network(factors)
    layers = [replace(layer, max_norm=0.5) for layer in plain.layers]
    held = Network.of(plain.features, layers, plain.loss)
    theta = begun(held, rng)
    before, after = held.layout.views(theta.copy()), held.layout.views(theta)
    Objective(held).hold(theta)
    for l, factor in enumerate(factors, start=1):
        assert np.linalg.norm(before[f"W{l}"], axis=1).max() > 0.6
        if factor:
            assert np.linalg.norm(after[f"W{l}"], axis=1).max() < 0.5 + 1e-12
        else:
            np.testing.assert_array_equal(after[f"W{l}"], before[f"W{l}"])


def test_something_is_trained() -> None:
    with pytest.raises(ValueError, match="every layer is frozen"):
        network((0.0,) * 4)


PLACES = [(slice(0, 20), 1.0), (slice(20, 33), 0.3), (slice(33, 50), 2.0)]
DECAYING = [(slice(0, 20), 1.0), (slice(20, 27), 0.3)]


@pytest.mark.parametrize("played", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stretches_are_moved_as_if_each_were_all(
    name: str, played: bool, rng: np.random.Generator
) -> None:
    """And what is in none of them is not, slots included."""
    rule = OPTIMIZERS[name](**{"weight_decay": 0.2} if name in ("adamw", "lion") else {})
    before, gradients = rng.normal(size=60), rng.normal(size=(5, 60))
    theta, slots, grad = before.copy(), np.zeros((rule.n_slots, 60)), np.empty(60)
    move = optimizers.Mover(rule, theta, grad, slots, DECAYING, PLACES)
    for t, gradient in enumerate(gradients, start=1):
        grad[...] = gradient
        if played:
            move(0.01, t)
        else:
            optimizers.step(rule, theta, grad, slots, 0.01, t, DECAYING, PLACES)
    for (place, factor), decayed in zip(PLACES, (20, 7, 0), strict=True):
        alone, memory = before[place].copy(), np.zeros((rule.n_slots, place.stop - place.start))
        for t, gradient in enumerate(gradients, start=1):
            alone[:decayed] *= 1 - 0.01 * factor * rule.weight_decay
            rule.update(alone, gradient[place].copy(), memory, 0.01 * factor, t)
        np.testing.assert_allclose(theta[place], alone, rtol=1e-13)
        np.testing.assert_allclose(slots[:, place], memory, rtol=1e-13)
    np.testing.assert_array_equal(theta[50:], before[50:])
    assert not slots[:, 50:].any()


RULES: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "descent": ("gradient_descent", {}, "SGD", {}),
    "momentum": ("momentum", {}, "SGD", {"momentum": 0.9}),
    "adam": ("adam", {}, "Adam", {}),
    "adamw": ("adamw", {"weight_decay": 0.3}, "AdamW", {}),
}
FACTORS = [(0.0, 0.0, 1.0, 0.3), (1.0, 0.0, 2.0, 0.0), (0.3, 0.0, 0.0, 1.0), (1.0, 0.1, 1.0, 1.0)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("factors", FACTORS, ids=str)
@pytest.mark.parametrize("limit", [None, 0.003])
def test_pytorch(
    factors: tuple[float, ...], rule: str, limit: float | None, rng: np.random.Generator
) -> None:
    """requires_grad, a group of parameters a layer, clip_grad_norm_; a frozen norm in eval()."""
    torch: Any = pytest.importorskip("torch")
    nn = torch.nn
    ours = network(factors, Norm())
    theta, (X, Y) = begun(ours, rng), examples(rng, 12)
    p = ours.layout.views(theta)
    affine = [nn.Linear(n, k, bias=k != 5) for n, k in zip((4, 6, 5, 4), UNITS, strict=True)]
    norm = nn.BatchNorm1d(5)
    tanh = nn.Tanh()
    theirs = nn.Sequential(
        affine[0], tanh, affine[1], norm, tanh, affine[2], tanh, affine[3]
    ).double()
    places = {f"W{l}": layer.weight for l, layer in enumerate(affine, start=1)}
    places |= {f"b{l}": layer.bias for l, layer in enumerate(affine, start=1) if l != 2}
    places |= {"scale2": norm.weight, "shift2": norm.bias}
    places |= {"mean2": norm.running_mean, "variance2": norm.running_var}
    name, options, kind, more = RULES[rule]
    decay, groups = options.get("weight_decay", 0.0), []
    for block, place in places.items():
        place.data[...] = torch.tensor(p[block].reshape(place.shape))
        if block[:4] in ("mean", "vari"):
            continue
        factor = factors[int(block[-1]) - 1]
        place.requires_grad_(factor > 0)
        wanted = {"weight_decay": decay if block[0] == "W" else 0.0}
        groups.append({"params": [place], "lr": 0.05 * (factor or 1), **wanted})
    there = getattr(torch.optim, kind)(groups, **more)
    if not factors[1]:
        norm.eval()
    state = State.start(theta, OPTIMIZERS[name](**options))
    clippings = () if limit is None else (ClipNorm(limit),)
    runs = Batches(Part(X.T, Y), 12, 0, shuffle=False).runs(0, 25)
    made = train(
        state, Objective(ours), clippings, OPTIMIZERS[name](**options), lambda _: 0.05, runs
    )
    for step in made:
        there.zero_grad()
        loss = nn.functional.cross_entropy(theirs(torch.tensor(X.T)), torch.tensor(Y.T))
        assert step.cost == pytest.approx(loss.item(), rel=1e-10)
        loss.backward()
        if limit is not None:
            nn.utils.clip_grad_norm_(theirs.parameters(), limit)
            assert step.clipped
        there.step()
    for block, place in places.items():
        expected = place.detach().numpy().reshape(p[block].shape)
        np.testing.assert_allclose(p[block], expected, rtol=1e-8, atol=1e-10)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a network that was trained on blobs.h5, and other examples."""
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "more.h5", m=50, seed=9)
    trained([{"units": 6, "batch_norm": True}, 5, 3])
    assert deepnet("train", "c.yaml", "--run-dir", "first", "-q").code == 0
    return tmp_path


def trained(layers: list[object], data: str = "blobs.h5", **sections: Any) -> Path:
    model = {"layers": layers, "activations": "tanh", **sections.pop("model", {})}
    return write_config(
        Path("c.yaml"), data={"train": data}, model=model, loss="cross_entropy", **sections
    )


def fine_tuning(**training: object) -> Path:
    """On other examples, from the trained network, of which only the last layer is to move."""
    layers: list[object] = [
        {"units": 6, "batch_norm": True, "trainable": False},
        {"units": 5, "trainable": False, "dropout": 0.1},
        {"units": 3, "rate_factor": 0.5},
    ]
    model = {"initial_parameters": "first/model.h5"}
    return trained(layers, "more.h5", model=model, training=training)


RUNS: list[dict[str, object]] = [
    {"optimizer": "momentum", "l2": 0.3, "batch_size": 16},
    {"optimizer": {"name": "adamw", "weight_decay": 0.3}, "clip_norm": 0.1},
    {"optimizer": "momentum", "max_norm": 1.0, "mixup": 0.1},
    {"optimizer": {"name": "lion", "weight_decay": 0.3}, "l1": 0.02, "learning_rate": 0.005},
]


@pytest.mark.parametrize("training", RUNS, ids=str)
def test_fine_tuning(folder: Path, training: dict[str, object]) -> None:
    config = fine_tuning(**training)
    for run, settings in (("whole", ()), ("part", ("--set", "training.iterations=11"))):
        result = deepnet("train", config, "--run-dir", run, *settings)
        assert result.code == 0, result.err
        assert "89 parameters, 18 of them trained" in result.err
        assert "stays as it is drawn" not in result.err
    before, after = parameters(folder / "first"), parameters(folder / "whole")
    for name, block in before.items():
        same = np.array_equal(block, after[name])
        assert same is (name not in ("W3", "b3")), name
    first, last = (
        json.loads(deepnet("evaluate", run, "more.h5", "--json").out)["cost"]
        for run in ("first", "whole")
    )
    assert last < first
    assert deepnet("train", "--resume", "part", "--set", "training.iterations=40").code == 0
    for name in ("model.h5", "history.csv"):
        assert Path("whole", name).read_bytes() == Path("part", name).read_bytes()
    told = json.loads(Path("whole/summary.json").read_text())
    assert (told["parameters"], told["trained"]) == (89, 18)
    assert "trained" not in json.loads(Path("first/summary.json").read_text())


def test_a_new_head_for_other_classes(folder: Path) -> None:
    """Of four classes and one layer more, on layers that were trained for three."""
    write_blobs(folder / "more.h5", m=60, K=4, seed=9)
    layers: list[object] = [
        {"units": 6, "batch_norm": True, "trainable": False},
        {"units": 5, "trainable": False},
        {"units": 5, "batch_norm": True},
        4,
    ]
    model: dict[str, object] = {"initial_parameters": {"file": "first/model.h5", "layers": 2}}
    config = trained(layers, "more.h5", model=model)
    for run, stop in (("whole", 40), ("part", 13)):
        length = f"training.iterations={stop}"
        result = deepnet("train", config, "--run-dir", run, "--set", length)
        assert result.code == 0, result.err
        assert "warning" not in result.err
    assert deepnet("train", "--resume", "part", "--set", "training.iterations=40").code == 0
    assert Path("whole/model.h5").read_bytes() == Path("part/model.h5").read_bytes()
    before, after = parameters(folder / "first"), parameters(folder / "whole")
    for name in ("W1", "scale1", "shift1", "mean1", "variance1", "W2", "b2"):
        np.testing.assert_array_equal(before[name], after[name])
    start = load_job(config)
    drawn = load_job(trained(layers, "more.h5"))
    first, other = (job.network.layout.views(job.initial_theta()) for job in (start, drawn))
    for name in first:
        read = name in before and name[-1] in "12"
        np.testing.assert_array_equal(first[name], before[name] if read else other[name])
    model["initial_parameters"] = {"file": "first/model.h5", "layers": 3}
    result = deepnet("train", trained(layers, "more.h5", model=model))
    assert_refused(result, 3, ["model.initial_parameters", "holds b3", "batch norm of layer 3"])
    model["initial_parameters"] = {"file": "first/model.h5", "layers": 1}
    result = deepnet("train", trained(layers, "more.h5", model=model), "--run-dir", "one")
    assert "model.layers[1].trainable: this layer stays as it is drawn" in result.err


@pytest.mark.parametrize("trainable", [True, False])
def test_lsuv_fits_what_is_drawn(folder: Path, trainable: bool) -> None:
    """To the first batch, behind layers that are as they were read."""
    layers: list[object] = [
        {"units": 6, "batch_norm": True, "trainable": trainable},
        {"units": 5, "trainable": trainable},
        {"units": 7, "dropout": 0.2},
        3,
    ]
    start = {"file": "first/model.h5", "layers": 2}
    model = {"initial_parameters": start, "initialization": "lsuv"}
    job = load_job(trained(layers, "more.h5", model=model, training={"batch_size": 16}))
    theta, network = job.initial_theta(), job.network
    p, read = network.layout.views(theta), parameters(folder / "first")
    for name in ("W1", "scale1", "shift1", "W2", "b2"):
        np.testing.assert_array_equal(p[name], read[name])
    (batch,) = job.batches.deal(0, 1)
    work = network.workspace(batch.X.shape[1], theta.dtype)
    network.draw(work, batch.iteration)
    V, deviations = batch.X, list[float]()
    for k, op in enumerate(network.ops):
        V = network.forward(p, V, work, k, k + 1)
        if op.kind == "affine":
            deviations.append(float(V.std()))
    assert deviations[2:] == pytest.approx([1, 1], rel=1e-4)
    assert abs(deviations[1] - 1) > 0.01
    model["initial_parameters"] = "first/model.h5"
    whole = load_job(trained([{"units": 6, "batch_norm": True}, 5, 3], model=model))
    for name, block in whole.network.layout.views(whole.initial_theta()).items():
        np.testing.assert_array_equal(block, read[name])


def test_it_is_told(folder: Path) -> None:
    config = fine_tuning()
    plan = json.loads(deepnet("train", config, "--dry-run", "--json").out)
    assert (plan["parameters"], plan["trained"]) == (89, 18)
    assert [layer["rate_factor"] for layer in plan["layers"]] == [0, 0, 0.5]
    shown = deepnet("train", config, "--dry-run").out
    for words in ("tanh", "batch norm", "frozen", "drop 0.1", "softmax", "rate * 0.5"):
        assert words in shown[shown.index("Z and A") : shown.index("memory")]
    assert "18 of them trained" in shown
    said = deepnet("explain", config).out
    for words in ("layer 1 is frozen", "in layer 3 the rate is 0.5 times", "W[3] after"):
        assert words in said
    assert "dD[2] is never computed" in said
    assert "W[1] after" not in said
    checked = deepnet("gradcheck", config, "--after", "3")
    assert checked.code == 0
    assert "18 parameters" in checked.out
    told = json.loads(deepnet("explain", config, "--json").out)
    assert [e["symbol"] for e in told["backward"]][-2:] == ["dW[3]", "db[3]"]


def test_explain_moves_as_training_does(folder: Path) -> None:
    """At the second update, in float64."""
    config = fine_tuning(optimizer="adamw", l2=0.1)
    shown = deepnet("explain", config, "--iteration", "1", "--rows", "3").out
    settings = ("--set", "compute.precision=float64", "--set", "training.iterations=2")
    assert deepnet("train", config, "--run-dir", "two", *settings).code == 0
    b3 = shown[shown.index("b[3] after") :].splitlines()[1].strip(" []^T")
    expected = parameters(folder / "two")["b3"][:, 0]
    np.testing.assert_allclose(
        [float(word) for word in b3.replace("]", "").split()], expected, rtol=1e-3
    )


def test_features_are_reduced_where_the_first_layer_moves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Factors change nothing about it; a frozen W[1] keeps every bit and so is left as it is."""
    monkeypatch.setattr("deepnet_cli.config.reduction.FIXED", 0)
    rng = np.random.default_rng(0)
    with h5py.File("wide.h5", "w") as file:
        file["x"], file["y"] = rng.normal(size=(18, 40)), np.arange(18) % 3

    def reduced(**layer: object) -> int | None:
        return load_job(trained([{"units": 6, **layer}, 3], "wide.h5")).reduced

    assert reduced() == reduced(rate_factor=0.1) == 19
    assert reduced(trainable=False) is None


BAD: dict[str, tuple[Callable[[], Path], list[str]]] = {
    "nothing left": (
        lambda: trained([{"units": 6, "trainable": False}, {"units": 3, "trainable": False}]),
        ["model.layers[1].trainable", "no layer is trainable", "output layer at least"],
    ),
    "both": (
        lambda: trained([{"units": 6, "trainable": False, "rate_factor": 0.1}, 3]),
        ["model.layers[0].rate_factor", "leave rate_factor out"],
    ),
    **{
        f"{key} of its own": (
            partial(trained, [{"units": 6, "trainable": False, key: 0.1}, 3]),
            [f"model.layers[0].{key}", f"leave {key} out"],
        )
        for key in ("l2", "l1", "max_norm")
    },
    "factor 0": (
        lambda: trained([{"units": 6, "rate_factor": 0}, 3]),
        ["model.layers[0].rate_factor", "must be > 0", "trainable: false"],
    ),
    "not a flag": (
        lambda: trained([{"units": 6, "trainable": 0}, 3]),
        ["model.layers[0].trainable", "true or false", "found 0"],
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_refused(folder: Path, bad: str) -> None:
    make, words = BAD[bad]
    assert_refused(deepnet("train", make()), 2, words)


def test_layers_that_stay_as_they_are_drawn_are_likely_a_mistake(folder: Path) -> None:
    result = deepnet("train", trained([{"units": 6, "trainable": False}, 3]), "--run-dir", "a")
    assert result.code == 0
    assert "model.layers[0].trainable: this layer stays as it is drawn" in result.err
    assert "model.initial_parameters reads layers from a file" in result.err

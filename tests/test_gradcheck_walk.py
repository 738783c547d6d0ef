"""The walk on right networks: no false alarm, all the digits, and what proves nothing."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from networks import HIDDEN, labels_for
from plants import PLANTS, spoil
from points import (
    BCE,
    CE,
    LEAKY,
    LINEAR,
    MAE,
    MSE,
    RELU,
    SIGMOID,
    SOFTMAX,
    TANH,
    combined_point,
    hard,
    layer,
    point,
    random_point,
    rngs,
    six,
)

from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.differences import slopes
from deepnet_cli.nn.gradcheck.bugs import BUGS
from deepnet_cli.nn.gradcheck.penalty import judge_penalties
from deepnet_cli.nn.gradcheck.probe import Probe
from deepnet_cli.nn.gradcheck.report import check, check_whole
from deepnet_cli.nn.gradcheck.rounding import noise
from deepnet_cli.nn.gradcheck.trace import Point, trace
from deepnet_cli.nn.gradcheck.walk import gaussian, judge, unit, walk
from deepnet_cli.nn.penalties import L1, L2
from deepnet_cli.nn.types import Array

NETS = six()


HARD = hard()


@pytest.mark.parametrize("name", HARD)
def test_no_false_alarm_at_points_of_a_hard_kind(name: str) -> None:
    """Exact kinks, costs of 1e-14, norms of two examples, saturated units, weights all 0."""
    report = check(HARD[name], rngs())
    assert not report.wrong
    assert not report.undetermined
    assert not check_whole(HARD[name], rngs()).wrong


def test_a_gradient_that_is_nothing_but_rounding_proves_nothing(rng: np.random.Generator) -> None:
    """Of logistic regression at 0, with the same examples in both classes."""
    p = point([layer(1, SIGMOID)], BCE, features=5, m=40)
    half = rng.normal(size=(5, 20))
    X = np.concatenate([half, half[:, rng.permutation(20)]], axis=1)
    p = replace(p, theta=np.zeros(6), X=X, Y=np.repeat([[0.0, 1.0]], 20, axis=1))
    g = trace(p).gradient
    assert 0 < np.linalg.norm(g) < 1e-15
    report = check_whole(p, rngs())
    assert not report.wrong
    assert report.inconclusive


def test_hard_points_are_what_they_are_called() -> None:
    begun = {name: trace(p) for name, p in HARD.items()}
    assert all(t.zeros > 2 for name, t in begun.items() if " at " in name and "cost" not in name)
    assert all(0 < abs(t.J) < 1e-13 for name, t in begun.items() if "cost" in name)
    assert all(not p.theta.any() for name, p in HARD.items() if "all 0" in name)
    lost = {name for name, t in begun.items() if not t.nodes[-1].gradient.all()}
    assert {"relu of -18", "selu of -40", "tanh of 40", "sigmoid of 40"} < lost


@pytest.mark.parametrize("start", range(0, 40, 10))
def test_no_false_alarm_where_much_is_combined(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Norms, dropouts and penalties of single layers, one behind the other."""
    monkeypatch.setattr("deepnet_cli.nn.gradcheck.crosscheck.MOST_ENTRIES", 3)
    for seed in range(start, start + 10):
        report = check(combined_point(seed), rngs(seed))
        assert not report.wrong, seed
        assert not report.undetermined, seed


def test_combined_points_are_of_every_kind() -> None:
    objectives = [combined_point(seed).objective for seed in range(40)]
    kinds = {op.kind for o in objectives for op in o.network.ops}
    assert kinds == set(BUGS) - {"running norm"}
    behind = {
        (a.kind, b.kind)
        for o in objectives
        for a, b in pairwise(o.network.ops)
        if a.kind != "affine"
    }
    assert {(d, "affine") for d in ("dropout", "alpha dropout", "activation")} < behind
    parts = [(p.name, p.layers, len(o.network.layers)) for o in objectives for p in o.penalties]
    assert {name for name, layers, L in parts if layers and layers[1] < L} == {"l1", "l2"}
    assert any(len({p.name for p in o.penalties}) < len(o.penalties) for o in objectives)


INITIALIZED = NETS | {
    g.name: point([layer(6, g), layer(6, g), layer(3, SOFTMAX)], CE) for g in HIDDEN
}


@pytest.mark.parametrize("net", INITIALIZED)
def test_twelve_digits_at_initialization(net: str) -> None:
    report = check(INITIALIZED[net], rngs())
    assert max(v.rel_error for v in [*report.verdicts, *report.evaluation]) <= 1e-12
    assert {v.status for v in report.verdicts} <= {"ok"}
    assert report.crosscheck is not None
    assert report.crosscheck.entries > 50
    assert report.crosscheck.worst <= 1e-7
    assert all(law.ok for law in report.invariances)
    assert all(law.error is not None for law in report.invariances[:3])


def test_the_nodes_are_all_there_from_the_loss_back() -> None:
    told = [v.node for v in check(NETS["relu, dropout, l2"], rngs()).verdicts]
    names = ["Z3", "W3", "b3", "A2", "Z2", "W2", "b2", "D1", "A1", "Z1", "W1", "b1", "X"]
    assert [node.name for node in told] == [*names, "penalty W1", "penalty W2", "penalty W3"]
    assert {node.name: node.layer for node in told} | {"X": 0} == {
        node.name: int(node.name[-1]) if node.name != "X" else 0 for node in told
    }
    assert all(node.value.shape == node.gradient.shape for node in told)


@pytest.mark.parametrize("net", NETS)
def test_the_complex_step_is_the_slope_of_J(net: str) -> None:
    """Held against differences of the objective's own cost, which know nothing of steps."""
    p, rng = NETS[net], np.random.default_rng(0)
    p = replace(p, theta=p.theta + 0.1)  # off every kink
    begun = trace(p)
    bare = replace(p, objective=replace(p.objective, penalties=()))
    for node in (node for node in begun.nodes if node.parameter or node.name == "X"):
        v = rng.standard_normal(node.value.shape)

        def J(h: Array, name: str = node.name, v: Array = v) -> Array:
            return np.asarray(_moved(bare, name, float(h) * v).cost())

        slope, error = slopes(J, np.zeros(()), 2.0**-14)
        assert error < 1e-6
        assert Probe(begun).slope(node, v) == pytest.approx(float(slope), rel=1e-6, abs=1e-9)


def _moved(p: Point, name: str, by: Array) -> Point:
    if name == "X":
        return replace(p, X=p.X + by)
    theta = p.theta.copy()
    p.objective.network.layout.views(theta)[name] += by
    return replace(p, theta=theta)


@pytest.mark.parametrize("net", NETS)
def test_every_entry_by_itself_says_the_same(net: str) -> None:
    for p in (NETS[net], _with_a_bug(net)):
        exhaustive = check(p, rngs(), exhaustive=True)
        random = check(p, rngs())
        pairs = zip(exhaustive.verdicts, random.verdicts, strict=True)
        assert all(a.status == b.status for a, b in pairs)
        for a, b in zip(exhaustive.verdicts, random.verdicts, strict=True):
            if a.status != "ok":
                assert 0.2 < b.rel_error / a.rel_error < 5


def _with_a_bug(net: str) -> Point:
    plant = PLANTS["dW with |A|"](NETS[net])
    assert plant is not None
    return plant.point


def test_the_ratio_of_every_entry_is_the_course_s() -> None:
    """||g - g'|| / (||g|| + ||g'||), by each entry of a wrong node."""
    right = trace(NETS["tanh, two outputs"])
    wrong = trace(_with_a_bug("tanh, two outputs"))
    g, wanted = (next(n for n in t.nodes if n.name == "W2").gradient for t in (wrong, right))
    node = next(n for n in wrong.nodes if n.name == "W2")
    vs = unit(node)
    verdict = judge(node, vs, [Probe(wrong).slope(node, v) for v in vs], 0.0)
    ratio = np.linalg.norm(g - wanted) / (np.linalg.norm(g) + np.linalg.norm(wanted))
    assert verdict.rel_error == pytest.approx(ratio, rel=1e-10)
    assert verdict.norm == pytest.approx(np.linalg.norm(g))


def test_three_directions_estimate_that_ratio() -> None:
    """The squares of estimates over the truth have the mean 1, as chi-squared of 3 over 3 has,
    and lie between 1/50 and 5.
    """
    wrong, rng = trace(_with_a_bug("gelu, l1")), np.random.default_rng(1)
    node = next(n for n in wrong.nodes if n.name == "W2")
    probe = Probe(wrong)
    entries = unit(node)
    whole = judge(node, entries, [probe.slope(node, v) for v in entries], 0.0)
    g = np.array([probe.slope(node, v) for v in entries]) / np.sqrt(node.value.size)
    squares = []
    for _ in range(1500):
        vs = gaussian(rng)(node)
        estimate = judge(node, vs, [float(g @ v.reshape(-1)) for v in vs], 0.0)
        scale = np.linalg.norm(node.gradient) + np.linalg.norm(g)
        error = estimate.rel_error * (
            np.linalg.norm(node.gradient)
            + np.sqrt(np.mean([float(g @ v.reshape(-1)) ** 2 for v in vs]))
        )
        squares.append((error / scale / whole.rel_error) ** 2)
    assert np.mean(squares) == pytest.approx(1, abs=0.1)
    assert np.mean((np.array(squares) < 1 / 50) | (np.array(squares) > 5)) < 0.01


@pytest.mark.parametrize("norm", [False, True])
def test_examples_exactly_at_a_kink(norm: bool) -> None:
    """A zero example under zero biases: right, and counted."""
    layers = [layer(6, RELU), layer(5, RELU, norm=norm), layer(2, LINEAR)]
    p = point(layers, MSE, penalties=(L1(0.1),))
    p.X[:, 3] = 0
    report = check(p, rngs())
    assert not report.wrong
    assert not report.inconclusive
    assert report.crosscheck is not None
    assert report.crosscheck.zeros == (6 if norm else 11)
    assert report.crosscheck.kinks > 0
    assert report.invariances[-1].error is None  # J has no slope there


def test_two_kinks_that_make_a_straight_line() -> None:
    """A norm of one example gives its shift, 0: what one unit's slope gains the other's loses, so
    J has a slope in the direction of the gradient, which is not the gradient's norm.
    """
    p = point([layer(2, LEAKY, norm=True), layer(1, LINEAR)], MAE, m=1)
    p.objective.network.layout.views(p.theta)["W2"][...] = [[1, -1]]
    report = check(p, rngs())
    assert not report.wrong
    assert report.crosscheck is not None
    assert report.crosscheck.zeros == 2
    assert report.invariances[-1].error is None


def test_l1_of_weights_that_are_zero() -> None:
    """|W| has a kink there, of which the convention 0 is the mean of both sides."""
    p = point([layer(6, TANH), layer(2, LINEAR)], MSE, penalties=(L1(0.1), L2(0.1)))
    p.theta[3:9] = 0
    report = check(p, rngs())
    assert not report.wrong
    assert {v.status for v in report.verdicts} == {"ok"}


def test_an_activation_of_chance_decides_nothing() -> None:
    rng = np.random.default_rng(0)

    def noisy(Z: Array, out: Array | None = None) -> Array:
        A: Array = np.tanh(Z + 1e-6 * rng.normal(size=Z.shape), out=out)
        return A

    g = replace(TANH, name="noisy", forward=noisy)
    report = check(point([layer(4, TANH), layer(4, g), layer(1, LINEAR)], MSE), rngs())
    assert report.inconclusive
    assert not report.wrong
    assert "A2 of noisy differs" in report.undetermined
    assert report.verdicts == []


def test_a_loss_of_chance_decides_nothing() -> None:
    rng = np.random.default_rng(0)
    p = NETS["tanh, two outputs"]

    def noisy(S: Array, Y: Array, out: Array | None = None) -> Array:
        return np.multiply(MSE.entries(S, Y), rng.random(S.shape), out=out)

    network = replace(p.objective.network, loss=replace(MSE, entries=noisy))
    report = check(replace(p, objective=replace(p.objective, network=network)), rngs())
    assert report.inconclusive
    assert report.undetermined.startswith("J differs")


def test_zeros_prove_nothing() -> None:
    """All weights 0: the bias of the output alone has a gradient; the rest is void."""
    p = point([layer(5, TANH), layer(1, SIGMOID)], BCE)
    p.theta[...] = 0
    report = check(p, rngs())
    told = {v.node.name: v.status for v in report.verdicts}
    void = dict.fromkeys(["W2", "A1", "Z1", "W1", "b1", "X"], "void")
    assert told == {"Z2": "ok", "b2": "ok"} | void
    assert all(v.digits == 0 for v in report.verdicts if v.status == "void")
    assert not report.wrong
    assert not report.inconclusive


def test_nothing_but_zeros_is_inconclusive() -> None:
    p = point([layer(5, TANH), layer(2, LINEAR)], MSE)
    p.theta[...] = 0
    p.Y[...] = 0
    report = check(p, rngs())
    assert report.inconclusive
    assert not report.wrong
    assert {v.status for v in report.verdicts} == {"void"}


def test_a_gradient_left_at_zero_is_not_void() -> None:
    def backward(*_: object) -> None:
        """Nothing is written."""

    report = check(spoil(NETS["8 sigmoids"], 0, backward=backward), rngs())
    told = {v.node.name: v.status for v in report.verdicts}
    assert (told["W1"], told["b1"]) == ("wrong", "wrong")


@pytest.mark.parametrize("net", NETS)
def test_rounding_is_of_the_size_of_eps(net: str) -> None:
    """Where nothing cancels and nothing is saturated: also behind masks and norms."""
    begun = trace(NETS[net])
    levels = noise(begun, np.random.default_rng(0))
    for node in begun.nodes:
        norm = float(np.linalg.norm(node.gradient))
        assert levels[node.name] < 1e-13 * norm, node.name
        assert levels[node.name] > 1e-18 * norm or node.value.size == 1, node.name


def tanh_backward_by_Z(dA: Array, Z: Array, out: Array | None = None) -> Array:
    dZ: Array = np.multiply(dA, 1 - np.tanh(Z) ** 2, out=out)
    return dZ


@pytest.mark.parametrize("g", [TANH, replace(TANH, keeps_Z=True, backward=tanh_backward_by_Z)])
def test_rounding_of_saturated_units(g: Activation) -> None:
    """1 - A^2 is 0 or a few eps: the error is eps of dA, whatever dZ is."""
    p = point([layer(3, g), layer(1, LINEAR)], MSE)
    p.theta[p.objective.network.layout.places["b1"]] = 18.0
    begun = trace(p)
    levels = noise(begun, np.random.default_rng(0))
    dA = next(float(np.linalg.norm(n.gradient)) for n in begun.nodes if n.name == "A1")
    assert 1e-18 * dA < levels["Z1"] < 1e-15 * dA


def test_rounding_of_a_sum_that_cancels() -> None:
    """db1 is 0, for a norm takes b1 out: its rounding is that of dZ1, however the dice fall."""
    p = point([layer(1, LINEAR), layer(1, TANH, norm=True), layer(1, LINEAR)], MSE, m=8)
    begun = trace(p)
    dZ = next(n.gradient for n in begun.nodes if n.name == "Z1")
    for seed in range(200):
        level = noise(begun, np.random.default_rng(seed))["b1"]
        assert 1e-19 * np.linalg.norm(dZ) < level < 1e-14 * np.linalg.norm(dZ)


def test_rounding_in_a_norm_of_two_examples() -> None:
    """dZ is 0 but for epsilon, whatever dN is: what is left is rounding of dN / std."""
    p = point([layer(3, TANH, norm=True), layer(1, LINEAR)], MSE, m=2, scale=1.0)
    p = replace(p, X=0.1 * p.X)
    begun = trace(p)
    levels = noise(begun, np.random.default_rng(0))
    std = np.sqrt(begun.values[1].var(axis=1, keepdims=True) + 1e-5)
    dN = next(n.gradient for n in begun.nodes if n.name == "N1")
    size = float(np.linalg.norm(dN * p.objective.network.layout.views(p.theta)["scale1"] / std))
    assert size > 2 * np.linalg.norm(dN)
    assert 3e-17 * size < levels["Z1"] < 1e-14 * size


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_rounding_is_all_that_right_derivatives_are_off_by(
    start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepnet_cli.nn.gradcheck.walk.TOLERANCE", 0.0)
    for seed in range(start, start + 20):
        begun = trace(random_point(seed))
        levels = noise(begun, rngs(seed)("rounding"))
        for verdict in walk(Probe(begun), levels, gaussian(rngs(seed)("directions"))):
            assert verdict.status in ("ok", "void"), (seed, verdict.node.name)


def test_a_bug_in_units_that_are_nearly_saturated() -> None:
    """At Z = 14 four of the digits of 1 - A^2 are left: enough to see a factor 2."""
    p = point([layer(3, TANH), layer(1, LINEAR)], MSE)
    views = p.objective.network.layout.views(p.theta)
    views["W1"][...] *= 1e-3
    views["b1"][...] = 14.0
    assert not check(p, rngs()).wrong

    def pull(self: Any, q: Any, dU: Array, c: Any) -> Array:
        dU *= 2 * (1 - c.U * c.U)
        return dU

    told = {v.node.name: v.status for v in check(spoil(p, 1, pull=pull), rngs()).verdicts}
    assert told["Z1"] == "wrong"


def test_the_walk_is_a_function_of_its_generator() -> None:
    one, other = (check(NETS["softmax, batch norm"], rngs(5)) for _ in range(2))
    for a, b in zip(one.verdicts, other.verdicts, strict=True):
        assert (a.rel_error, a.status) == (b.rel_error, b.status)
    assert one.crosscheck == other.crosscheck


def test_no_penalty_no_rows_of_it() -> None:
    begun = trace(NETS["tanh, two outputs"])
    assert judge_penalties(begun, gaussian(np.random.default_rng(0))) == []


def test_labels_count_in_every_loss(rng: np.random.Generator) -> None:
    """A backward pass with other labels than the forward pass is wrong at the scores."""
    for head, loss in ((LINEAR, MSE), (SIGMOID, BCE), (SOFTMAX, CE)):
        p = point([layer(4, TANH), layer(3, head)], loss)
        begun = trace(p)
        Y = labels_for(loss, 3, p.m, rng)
        other = replace(begun, point=replace(p, Y=Y))
        levels = noise(other, np.random.default_rng(0))
        first = walk(Probe(other), levels, gaussian(np.random.default_rng(0)))[0]
        assert (first.node.name, first.status) == ("Z2", "wrong")


def test_kept_Z_and_kept_A_are_the_same_network() -> None:
    """relu by Z in place of A: the verdicts do not depend on what is kept."""

    def by_Z(dA: Array, Z: Array, out: Array | None = None) -> Array:
        return np.multiply(dA, Z > 0, out=out)

    kept: Activation = replace(RELU, keeps_Z=True, backward=by_Z)
    for g in (RELU, kept):
        p = point([layer(6, g), layer(1, LINEAR)], MSE)
        assert not check(p, rngs()).wrong

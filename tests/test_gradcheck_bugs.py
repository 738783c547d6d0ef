"""Every planted bug is caught, at the right node, by the right name."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from plants import PLANTS, loss, network_backward, slope, spoil, subclass
from points import (
    BCE,
    CE,
    LINEAR,
    MSE,
    RELU,
    SIGMOID,
    SOFTMAX,
    TANH,
    layer,
    point,
    rngs,
    six,
)

from deepnet_cli.nn.gradcheck.bisection import worst_entry
from deepnet_cli.nn.gradcheck.mutations import Mutation, mutations
from deepnet_cli.nn.gradcheck.probe import Probe
from deepnet_cli.nn.gradcheck.report import Culprit, blame, check, check_whole
from deepnet_cli.nn.gradcheck.trace import Point, trace
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.penalties import L1, L2
from deepnet_cli.nn.types import Array

NETS = six()


def found(p: Point) -> Culprit:
    culprit = blame(p, rngs())
    assert culprit is not None
    return culprit


@pytest.mark.parametrize("net", NETS)
def test_bugs_planted_by_hand(net: str) -> None:
    plants = {name: bug(NETS[net]) for name, bug in PLANTS.items()}
    there = {name: plant for name, plant in plants.items() if plant is not None}
    assert len(there) >= 12
    for name, plant in there.items():
        culprit = found(plant.point)
        assert culprit.verdict.node.name == plant.node, name
        assert culprit.diagnosis.cause in plant.causes, name


@pytest.mark.parametrize(
    "net",
    [pytest.param(net, marks=pytest.mark.long) if net == "8 sigmoids" else net for net in NETS],
)
def test_bugs_that_the_check_plants_itself(net: str) -> None:
    p, named = NETS[net], []
    for mutation in mutations(p):
        wrong = replace(p, objective=mutation.objective)
        culprit = found(wrong)
        assert culprit.verdict.node.name == mutation.node, mutation.name
        assert check_whole(wrong, rngs()).wrong == moves(mutation, p), mutation.name
        named.append(culprit.diagnosis.cause in mutation.causes)
    assert len(named) >= 14
    assert np.mean(named) >= 0.9


def moves(mutation: Mutation, p: Point) -> bool:
    """Whether a bug changes the gradient; not X's alone, or below the others' rounding."""
    one, other = (trace(replace(p, objective=o)).total for o in (mutation.objective, p.objective))
    return bool(np.linalg.norm(one - other) > 1e-8 * np.linalg.norm(other))


@pytest.mark.parametrize("net", NETS)
def test_the_gradient_as_one_vector_is_right(net: str) -> None:
    report = check_whole(NETS[net], rngs())
    assert [(verdict.node.name, verdict.status) for verdict in report.verdicts[:1]] == [
        ("theta", "ok")
    ]
    assert not report.wrong


@pytest.mark.parametrize("net", NETS)
def test_a_bug_is_planted_in_every_trained_block(net: str) -> None:
    p = NETS[net]
    assert {mutation.node for mutation in mutations(p)} >= {*p.objective.network.layout.names}


def test_a_wrong_slope_is_told_as_it_is() -> None:
    plant = PLANTS["prelu' of half the slope"](NETS["prelu"])
    assert plant is not None
    slopes = plant.point.objective.network.layout.views(plant.point.theta)["slope2"][:, 0]
    told = found(plant.point).diagnosis.sentence
    pairs = [f"it says {s / 2:.6g} and should say {s:.6g}" for s in slopes]
    assert any(pair in told for pair in pairs), told


def test_a_planted_bug_leaves_the_objective_it_was_planted_in_right() -> None:
    p = NETS["relu, dropout, l2"]
    assert len(list(mutations(p))) > 14
    assert blame(p, rngs()) is None


def test_what_follows_from_a_wrong_derivative_is_tainted() -> None:
    plant = PLANTS["tanh' = 1 - A"](NETS["tanh, two outputs"])
    assert plant is not None
    told = {v.node.name: v.status for v in check(plant.point, rngs()).verdicts}
    before = ["Z3", "W3", "b3", "A2"]
    after = ["W2", "b2", "A1", "Z1", "W1", "b1", "X"]
    expected = dict.fromkeys(before, "ok") | {"Z2": "wrong"} | dict.fromkeys(after, "tainted")
    assert told == expected


def test_two_bugs_are_both_wrong() -> None:
    plant = PLANTS["dW without A"](NETS["8 sigmoids"])
    assert plant is not None

    def pull(self: Any, q: Windows, dU: Array, c: Any) -> Array:
        dU *= 0.5
        return dU

    k = next(k for k, op in enumerate(plant.point.objective.network.ops) if op.node == "A5")
    told = check(spoil(plant.point, k, pull=pull), rngs()).verdicts
    assert [v.node.name for v in told if v.status == "wrong"] == ["Z5", "W2"]
    at = [v.node.name for v in told].index("Z5")
    assert all(v.status == "tainted" for v in told[at + 1 :] if v.node.name != "W2")
    assert all(v.status == "ok" for v in told[:at])


def test_a_wrong_parameter_taints_nothing() -> None:
    plant = PLANTS["dW without A"](NETS["tanh, two outputs"])
    assert plant is not None
    told = {v.node.name: v.status for v in check(plant.point, rngs()).verdicts}
    assert {name for name, status in told.items() if status != "ok"} == {"W2"}


def test_an_entry_a_hundredth_of_the_others_off_in_a_million() -> None:
    p = point([layer(1024, TANH), layer(1024, TANH), layer(1, SIGMOID)], BCE, features=4, m=4)

    def spoil_g(g: Windows) -> None:
        g["W2"][321, 765] += 0.01 * np.sqrt(np.mean(g["W2"] ** 2))

    network = p.objective.network
    right = type(network).backward

    def backward(self: Any, q: Windows, work: Any, g: Windows, watch: Any) -> None:
        right(self, q, work, g, watch)
        spoil_g(g)

    wrong = subclass(network, backward=backward)
    spoiled = replace(p, objective=replace(p.objective, network=wrong))
    assert check_whole(spoiled, rngs()).wrong
    culprit = found(spoiled)
    assert (culprit.verdict.node.name, culprit.entry.index) == ("W2", (321, 765))
    assert culprit.diagnosis.cause == "one entry"
    assert "[321, 765]" in culprit.diagnosis.sentence
    g = trace(p).gradient[network.layout.places["W2"]].reshape(1024, 1024)[321, 765]
    assert culprit.entry.numerical == pytest.approx(g, rel=1e-10)
    assert culprit.entry.backward - g == pytest.approx(0.01 * rms(p, "W2"), rel=1e-6)


def test_two_wrong_entries_are_not_called_one() -> None:
    """Nor where the second is a thousandth of the first."""

    def spoil_g(g: Windows) -> None:
        g["W2"][1, 2] += 1.0
        g["W2"][3, 3] += 1e-3

    plant = network_backward(spoil_g, "W2", "unknown")(NETS["tanh, two outputs"])
    assert plant is not None
    culprit = found(plant.point)
    assert (culprit.diagnosis.cause, culprit.entry.index) == ("unknown", (1, 2))


def rms(p: Point, name: str) -> float:
    return float(np.sqrt(np.mean(trace(p).gradient[p.objective.network.layout.places[name]] ** 2)))


def test_bisection_finds_any_wrong_entry() -> None:
    """At every size from one entry on, wherever it is, however small beside the others."""
    p = NETS["softmax, batch norm"]
    begun, rng = trace(p), np.random.default_rng(0)
    probe = Probe(begun)
    for trial in range(120):
        node = begun.nodes[trial % len(begun.nodes)]
        place = int(rng.integers(node.gradient.size))
        wrong = node.gradient.copy()
        scale = np.sqrt(np.mean(node.gradient**2)) or 1.0
        wrong.reshape(-1)[place] += scale * 10 ** rng.uniform(-4, 2)
        at = worst_entry(probe, replace(node, gradient=wrong), rng)
        assert np.ravel_multi_index(at.index, wrong.shape) == place, node.name
        assert at.backward == wrong.reshape(-1)[place]
        assert at.numerical == pytest.approx(node.gradient.reshape(-1)[place], abs=1e-9 * scale)


def test_bisection_names_an_entry_that_is_no_number() -> None:
    begun = trace(NETS["gelu, l1"])
    node = next(node for node in begun.nodes if node.name == "W2")
    wrong = node.gradient.copy()
    wrong[3, 1] = np.nan
    at = worst_entry(Probe(begun), replace(node, gradient=wrong), np.random.default_rng(0))
    assert at.index == (3, 1)


@pytest.mark.parametrize("scale", [1e-3, 1.0])
def test_a_thousandth_in_the_first_of_eight_sigmoid_layers(scale: float) -> None:
    p = point([layer(6, SIGMOID)] * 7 + [layer(1, SIGMOID)], BCE, scale=scale, m=8)
    assert not check(p, rngs()).wrong
    assert 0 < rms(p, "W2") < (1e-14 if scale < 1 else 1e-2)  # far below any absolute tolerance

    def backward(self: Any, q: Windows, dU: Array, c: Any, g: Windows) -> None:
        g["W1"][...] = 1.001 * dU @ c.A.T
        g["b1"][...] = dU.sum(axis=1, keepdims=True)

    culprit = found(spoil(p, 0, backward=backward))
    assert culprit.verdict.node.name == "W1"
    assert "1.001 times" in culprit.diagnosis.sentence


@pytest.mark.parametrize("strength", [1e-8, 0.1])
@pytest.mark.parametrize("penalty", [L1, L2])
def test_a_small_penalty_is_held_to_its_own_digits(penalty: Any, strength: float) -> None:
    p = point([layer(4, TANH), layer(1, LINEAR)], MSE, penalties=(penalty(strength),))
    assert not check(p, rngs()).wrong

    def gradient(self: Any, W: Array) -> Array:
        return np.asarray(1.01 * penalty.gradient(self, W))

    wrong = subclass(p.objective.penalties[0], gradient=gradient)
    culprit = found(replace(p, objective=replace(p.objective, penalties=(wrong,))))
    assert culprit.verdict.node.name == "penalty W1"
    assert culprit.diagnosis.cause == penalty.name
    assert "1.01 times" in culprit.diagnosis.sentence
    assert culprit.entry.backward == pytest.approx(1.01 * culprit.entry.numerical)


def test_weights_of_examples_left_out_of_the_loss() -> None:
    weights = np.array([0.5, 2, 1, 0, 3, 1, 1])
    p = point([layer(4, TANH), layer(3, SOFTMAX)], CE, weights=weights)
    assert not check(p, rngs()).wrong
    kind: Any = type(p.objective.network.loss)

    def unweighted(self: Any, S: Array, Y: Array, share: Array, out: Array, *_: Array) -> Any:
        kind.cost_and_gradient(self, S, Y, np.full(p.m, 1 / p.m), out)
        return self.cost(S, Y, share)

    wrong = subclass(p.objective.network.loss, cost_and_gradient=unweighted)
    network = replace(p.objective.network, loss=wrong)
    culprit = found(replace(p, objective=replace(p.objective, network=network)))
    assert (culprit.verdict.node.name, culprit.diagnosis.cause) == ("Z2", "weights")


def test_softmax_of_columns_that_do_not_sum_to_1() -> None:
    p = point([layer(4, TANH), layer(3, SOFTMAX)], CE)
    p = replace(p, Y=p.Y * np.linspace(0.5, 2, p.m))
    assert not check(p, rngs()).wrong
    wrong = loss(lambda d, Y: d + (d + Y) * (1 / Y.sum(axis=0) - 1))(p)  # softmax(Z) - Y
    assert wrong is not None
    culprit = found(wrong.point)
    assert (culprit.verdict.node.name, culprit.diagnosis.cause) == ("Z2", "loss")


def test_the_slope_of_dead_units_is_of_no_account() -> None:
    """A >= 0 in place of A > 0 passes all; and dZ by Z > 0 is the same as by A > 0."""
    plant = slope("relu", lambda d, A: d * (A >= 0), "activation missing")(
        NETS["relu, dropout, l2"]
    )
    assert plant is not None
    assert found(plant.point).diagnosis.cause in plant.causes
    same = slope("relu", lambda d, A: d * np.sign(A))(NETS["relu, dropout, l2"])
    assert same is not None
    assert blame(same.point, rngs()) is None


def test_a_mask_drawn_by_chance_on_the_way_back() -> None:
    """What differs between two passes is not called rounding."""
    p, rng = NETS["relu, dropout, l2"], np.random.default_rng(0)

    def pull(self: Any, q: Windows, dU: Array, c: Any) -> Array:
        dU *= rng.random(dU.shape) < 1 - self.rate
        return dU

    culprit = found(spoil(p, 2, pull=pull))
    assert (culprit.verdict.node.name, culprit.diagnosis.cause) == ("A1", "stale")


def test_a_gradient_that_is_no_number() -> None:
    def spoil_g(g: Windows) -> None:
        g["W2"][1, 2] = np.nan

    plant = network_backward(spoil_g, "W2", "not finite")(NETS["tanh, two outputs"])
    assert plant is not None
    report = check(plant.point, rngs())
    assert report.wrong
    assert report.culprit is not None
    assert report.culprit.diagnosis.cause == "not finite"
    assert report.culprit.entry.index == (1, 2)


def test_relu_of_another_convention_at_its_kink() -> None:
    """relu'(0) = 1 differs from what the forward pass does at 0, and is told as such."""
    kept = replace(
        RELU,
        keeps_Z=True,
        backward=lambda dA, Z, out=None: np.multiply(dA, Z >= 0, out=out),
    )
    p = point([layer(4, kept), layer(1, LINEAR)], MSE)
    p.X[:, 2] = 0
    culprit = found(p)
    assert (culprit.verdict.node.name, culprit.diagnosis.cause) == ("Z1", "kink")
    assert "at Z[1] = 0 it says 1 and should say 0" in culprit.diagnosis.sentence

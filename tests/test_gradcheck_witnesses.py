"""The other witnesses: central differences, invariances, float32; steps that are not analytic."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from plants import subclass, weight
from points import BCE, LINEAR, MSE, RELU, SIGMOID, TANH, layer, point, rngs, six

from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.gradcheck.crosscheck import (
    CrossCheck,
    Witness,
    between,
    crosscheck,
    derivative,
    smooth,
)
from deepnet_cli.nn.gradcheck.invariances import Invariance, invariances
from deepnet_cli.nn.gradcheck.precision import float32_digits
from deepnet_cli.nn.gradcheck.report import check
from deepnet_cli.nn.gradcheck.trace import Point, trace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array, Cost

NETS = six()


def softsign(Z: Array, out: Array | None = None) -> Array:
    """Z / (1 + |Z|), whose |Z| loses a complex step."""
    return np.asarray(np.divide(Z, 1 + np.abs(Z), out=out))


def softsign_backward(dA: Array, Z: Array, out: Array | None = None) -> Array:
    return np.asarray(np.divide(dA, (1 + np.abs(Z)) ** 2, out=out))


def as_complex_steps_see_it(dA: Array, Z: Array, out: Array | None = None) -> Array:
    """|Z| taken for a constant."""
    return np.asarray(np.divide(dA, 1 + np.abs(Z), out=out))


def real_only(Z: Array, out: Array | None = None) -> Array:
    if Z.dtype.kind == "c":
        raise TypeError("no complex numbers here")
    return softsign(Z, out)


SOFTSIGN = Activation("softsign", softsign, softsign_backward, keeps_Z=True, complex_step=False)


def with_activation(g: Activation) -> Point:
    return point([layer(5, g), layer(5, TANH), layer(4, g), layer(1, SIGMOID)], BCE)


def compared(p: Point) -> CrossCheck:
    return crosscheck(trace(p), np.random.default_rng(1))


@pytest.mark.parametrize("forward", [softsign, real_only])
def test_a_step_that_complex_numbers_cannot_go_through(forward: Any) -> None:
    g = replace(SOFTSIGN, forward=forward)
    report = check(with_activation(g), rngs())
    assert report.method == "complex step; central differences for softsign"
    assert not report.wrong
    assert {v.status for v in report.verdicts} == {"ok"}
    wrong = check(with_activation(replace(g, backward=as_complex_steps_see_it)), rngs())
    assert wrong.culprit is not None
    assert wrong.culprit.verdict.node.name == "Z3"
    assert wrong.culprit.diagnosis.cause == "derivative"


def test_a_loss_that_complex_numbers_cannot_go_through() -> None:
    def entries(A: Array, Y: Array, out: Array | None = None) -> Array:
        return np.asarray(np.multiply(np.abs(A - Y), np.abs(A - Y), out=out))

    loss = replace(MSE, entries=entries, complex_step=False)
    weights = np.arange(1.0, 8.0)
    p = point([layer(4, TANH), layer(2, LINEAR)], loss, weights=weights)
    report = check(p, rngs())
    assert report.method == "complex step; central differences for mean_squared_error"
    assert not report.wrong
    assert {v.status for v in report.verdicts} == {"ok"}
    twice = replace(loss, gradient=lambda A, Y, out=None: np.multiply(4, A - Y, out=out))
    culprit = check(point([layer(4, TANH), layer(2, LINEAR)], twice), rngs()).culprit
    assert culprit is not None
    assert (culprit.verdict.node.name, culprit.diagnosis.cause) == ("Z2", "factor")


def test_the_method_names_nothing_that_is_analytic() -> None:
    assert check(NETS["gelu, l1"], rngs()).method == "complex step"


def test_a_step_that_is_not_analytic_and_says_it_is() -> None:
    """The backward pass is right: the two witnesses differ, and it is told which to trust."""
    report = check(with_activation(replace(SOFTSIGN, complex_step=True)), rngs())
    assert report.wrong
    assert report.crosscheck is not None
    assert report.crosscheck.disagrees == ()
    assert report.culprit is not None
    assert report.culprit.diagnosis.cause == "not analytic"


def test_a_wrong_derivative_that_the_complex_step_believes() -> None:
    """The walk finds nothing; the second witness does."""
    g = replace(SOFTSIGN, complex_step=True, backward=as_complex_steps_see_it)
    report = check(with_activation(g), rngs())
    assert report.culprit is None
    assert report.wrong
    assert report.crosscheck is not None
    assert set(report.crosscheck.disagrees) == {"X", "W1", "b1", "W2", "b2", "W3", "b3"}
    assert report.crosscheck.worst > 1e-2
    assert replace(report, invariances=[]).wrong


@pytest.mark.parametrize("net", NETS)
def test_central_differences_see_bugs_too(net: str) -> None:
    cross = compared(NETS[net])
    assert cross.disagrees == ()
    assert cross.worst < 1e-7
    plant = weight(lambda dZ, A: 1.001 * dZ @ A.T)(NETS[net])
    assert plant is not None
    wrong = compared(plant.point)
    assert wrong.disagrees == ("W2",)
    assert wrong.worst == pytest.approx(0.001 / 2.001, rel=0.01)


def test_what_is_counted_adds_up() -> None:
    p = NETS["relu, dropout, l2"]
    p = replace(p, theta=p.theta + 0.1)
    nodes = [n for n in trace(p).nodes if n.parameter or n.name == "X"]
    cross = compared(p)
    asked = sum(min(20, n.value.size) for n in nodes)
    assert cross.entries + cross.unsettled == asked
    assert cross.entries > 0.9 * asked
    assert (cross.kinks, cross.zeros) == (0, 0)


@pytest.mark.parametrize("distance", [1e-4, 1e-8, -1e-4, -1e-8])
def test_beside_a_kink_the_step_is_made_smaller(distance: float) -> None:
    p = point([layer(1, RELU), layer(1, LINEAR)], MSE, features=1, m=1)
    p.theta[:] = [1.0, 2.0, 0.0, 0.0]  # W1, W2, b1, b2
    p.X[...] = distance
    p.Y[...] = 3.0
    begun = trace(p)
    node = next(n for n in begun.nodes if n.name == "b1")
    J = Witness(begun).along(node, 0)
    h = smooth(J, 1.0)
    assert h is not None
    assert h < abs(distance)
    slope, error = derivative(J, h)
    expected = 2 * (2 * distance - 3) * 2 if distance > 0 else 0.0
    assert slope == pytest.approx(expected, abs=1e-4)
    assert abs(slope - expected) <= error


def test_exactly_at_a_kink_there_is_no_step() -> None:
    p = point([layer(1, RELU), layer(1, LINEAR)], MSE, features=1, m=1)
    p.X[...] = 0
    begun = trace(p)
    witness = Witness(begun)
    nodes = {n.name: n for n in begun.nodes}
    assert begun.zeros == 1
    steps = {name: smooth(witness.along(nodes[name], 0), 1.0) for name in nodes if name[0] in "WbX"}
    assert {name for name, step in steps.items() if step is None} == {"b1", "X"}
    assert compared(p).disagrees == ()
    assert compared(p).kinks == 2


@pytest.mark.parametrize(("g", "agrees"), [(0.0, True), (1.0, True), (0.4, True), (1.2, False)])
def test_at_a_kink_a_derivative_lies_between_the_two(g: float, agrees: bool) -> None:
    """J = max(0, h) has the slopes 0 and 1."""
    assert between(lambda h: (max(0.0, h), b""), g) is agrees
    assert between(lambda h: (max(0.0, -h), b""), -g) is agrees


LAWS = (
    "the step that training plays",
    "permuting the examples",
    "mean over two halves",
    "weight 2 and the row twice",
    "J falls by eta |g|^2",
)


def laws(p: Point) -> dict[str, Invariance]:
    told = {law.name: law for law in invariances(trace(p), np.random.default_rng(0), 1e-15)}
    assert tuple(told) == LAWS
    return told


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("net", NETS)
def test_right_objectives_keep_every_law(net: str, weighted: bool) -> None:
    p = replace(NETS[net], theta=NETS[net].theta + 0.1)
    p = replace(p, weights=np.arange(7.0)) if weighted else p
    told = laws(p)
    assert all(law.ok for law in told.values())
    assert [law.error for law in told.values() if law.error is None] == []
    assert max(told[name].error or 0 for name in LAWS[:4]) < 1e-13


Gradient = tuple[Cost, Array]


def objective(p: Point, spoil: Any) -> Point:
    """A point whose objective calls spoil(theta, X, Y, weights, right)."""

    def call(
        self: Any,
        theta: Array,
        X: Array,
        Y: Array,
        weights: Array | None = None,
        step: int = 0,
        *watch: Any,
    ) -> Gradient:
        def right(X: Array, Y: Array, weights: Array | None) -> Gradient:
            return Objective.__call__(self, theta, X, Y, weights, step, *watch)

        J, g = spoil(X, Y, weights, right)
        return J, g

    return replace(p, objective=subclass(p.objective, __call__=call))


def test_an_order_that_counts() -> None:
    def spoil(X: Array, Y: Array, weights: Array | None, right: Any) -> Any:
        return right(X, Y, np.linspace(1, 2, X.shape[1]))

    told = laws(objective(NETS["gelu, l1"], spoil))
    assert not told["permuting the examples"].ok
    assert not told["mean over two halves"].ok


def test_weights_that_do_not_count() -> None:
    def spoil(X: Array, Y: Array, weights: Array | None, right: Any) -> Any:
        return right(X, Y, None)

    told = laws(objective(NETS["gelu, l1"], spoil))
    assert not told["weight 2 and the row twice"].ok
    assert told["permuting the examples"].ok


def test_a_batch_that_is_not_averaged() -> None:
    def spoil(X: Array, Y: Array, weights: Array | None, right: Any) -> Any:
        J, g = right(X, Y, weights)
        return J, g * X.shape[1]

    told = laws(objective(NETS["gelu, l1"], spoil))
    assert told["permuting the examples"].ok
    assert not told["mean over two halves"].ok
    assert not told["weight 2 and the row twice"].ok
    assert not told["J falls by eta |g|^2"].ok


@pytest.mark.parametrize("factor", [-1.0, 0.99])
def test_a_gradient_that_J_does_not_follow(factor: float) -> None:
    def spoil(X: Array, Y: Array, weights: Array | None, right: Any) -> Any:
        J, g = right(X, Y, weights)
        return J, factor * g

    told = laws(objective(NETS["tanh, two outputs"], spoil))
    assert [name for name in LAWS if not told[name].ok] == [LAWS[0], LAWS[-1]]
    assert told["J falls by eta |g|^2"].error == pytest.approx(abs(1 - 1 / factor), rel=1e-6)


def test_a_law_that_is_broken_makes_the_report_wrong() -> None:
    report = check(NETS["gelu, l1"], rngs())
    broken = Invariance("a law", 1.0, 1e-9)
    assert not report.wrong
    assert replace(report, invariances=[*report.invariances, broken]).wrong


@pytest.mark.parametrize("net", NETS)
def test_float32_keeps_most_of_its_seven_digits(net: str) -> None:
    digits = float32_digits(NETS[net])
    assert tuple(digits) == NETS[net].objective.network.layout.names
    assert min(digits.values()) > 4
    assert np.median(list(digits.values())) < 8


def test_digits_of_float32_are_those_that_agree() -> None:
    """Of a gradient that float32 gets wrong in the third digit."""

    def coarse(dA: Array, A: Array, out: Array | None = None) -> Array:
        off = 1.001 if dA.dtype == np.float32 else 1.0
        dZ: Array = np.multiply(dA, (1 - A * A) * dA.dtype.type(off), out=out)
        return dZ

    p = point([layer(4, replace(TANH, backward=coarse)), layer(1, LINEAR)], MSE)
    digits = float32_digits(p)
    assert digits["W1"] == pytest.approx(3, abs=0.01)
    assert digits["W2"] > 5


def test_a_wrong_network_of_prediction_is_wrong() -> None:
    """A norm by running statistics whose way back forgets its scale; training never uses it."""
    p = NETS["softmax, batch norm"]
    p.objective.network.layout.views(p.theta)["scale1"][...] = 2.0
    evaluation = p.objective.network.evaluation
    ops: list[Any] = list(evaluation.ops)

    def pull(self: Any, q: Any, dU: Array, c: Any) -> Array:
        return np.asarray(np.multiply(dU, c.inverse_std, out=dU))

    ops[1] = subclass(ops[1], pull=pull)
    network = subclass(p.objective.network, evaluation=replace(evaluation, ops=tuple(ops)))
    report = check(replace(p, objective=replace(p.objective, network=network)), rngs())
    assert report.culprit is None
    assert {v.status for v in report.verdicts} == {"ok"}
    assert report.wrong
    assert [v.node.name for v in report.evaluation if v.status == "wrong"] == ["Z1"]

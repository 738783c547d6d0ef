"""The check passes what is right, catches what is wrong, and cries wolf at no kink."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from networks import HEAD_IDS, HEADS, HIDDEN, labels_for, network_of, start

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.gradcheck import check, derivative
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.network import Network, Workspace
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.penalties import L2
from deepnet_cli.nn.types import Array


@pytest.mark.parametrize(("output", "loss"), HEADS, ids=HEAD_IDS)
@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda g: g.name)
def test_right_networks_pass(
    hidden: Activation, output: Activation, loss: Loss, rng: np.random.Generator
) -> None:
    network = network_of((4, 5, 3, 2), hidden, output, loss)
    X, Y = rng.normal(size=(4, 7)), labels_for(loss, 2, 7, rng)
    rows = list(check(Objective(network, (L2(0.2),)), start(network, rng), X, Y, 1000, rng))
    assert [row.name for row in rows] == ["W1", "W2", "W3", "b1", "b2", "b3"]
    assert all(row.status == "ok" and row.rel_error < 1e-8 for row in rows), rows


@pytest.mark.parametrize("scale", [1e-3, 0.1, 3.0])
@pytest.mark.parametrize("depth", [2, 8])
def test_deep_sigmoid_networks_with_tiny_gradients_pass(
    scale: float, depth: int, rng: np.random.Generator
) -> None:
    sizes = (6, *[5] * depth, 1)
    network = network_of(
        sizes, ACTIVATIONS["sigmoid"], ACTIVATIONS["sigmoid"], LOSSES["binary_cross_entropy"]
    )
    X, Y = rng.normal(size=(6, 9)), labels_for(network.loss, 1, 9, rng)
    rows = list(check(Objective(network), start(network, rng, scale), X, Y, 1000, rng))
    assert not [row for row in rows if row.status == "wrong"]


def one_entry_off(g: Array) -> Array:
    g[2, 1] *= 1.1
    return g


PLANTED: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "sign": ("W2", np.negative),
    "factor 2": ("b1", lambda g: 2 * g),
    "one part in a thousand": ("W1", lambda g: 1.001 * g),
    "one entry": ("W1", one_entry_off),
    "left zero": ("b2", np.zeros_like),
    "transposed": ("W2", lambda g: g.T.copy()),
}


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda g: g.name)
@pytest.mark.parametrize("bug", PLANTED)
def test_planted_bugs_are_caught_where_they_are(
    bug: str, hidden: Activation, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = network_of((4, 4, 4, 2), hidden, ACTIVATIONS["softmax"], LOSSES["cross_entropy"])
    X, Y = rng.normal(size=(4, 20)), labels_for(network.loss, 2, 20, rng)
    theta = start(network, rng)
    name, spoil = PLANTED[bug]
    right = Network.backward

    def wrong(
        self: Network, p: Windows, work: Workspace, g: Windows
    ) -> Iterator[tuple[int, Array]]:
        yield from right(self, p, work, g)
        g[name][...] = spoil(g[name])

    monkeypatch.setattr(Network, "backward", wrong)
    rows = list(check(Objective(network), theta, X, Y, 1000, rng))
    assert [row.name for row in rows if row.status == "wrong"] == [name]
    if bug == "one entry":
        assert next(row for row in rows if row.name == name).worst == (3, 2)


@pytest.mark.parametrize("g", HIDDEN, ids=lambda g: g.name)
def test_a_wrong_activation_is_caught(g: Activation, rng: np.random.Generator) -> None:
    broken = replace(
        g, backward=lambda dA, A, out=None: np.multiply(1.01 * g.backward(dA, A), 1, out=out)
    )
    network = network_of((4, 4, 4, 2), broken, ACTIVATIONS["linear"], LOSSES["mean_squared_error"])
    X, Y = rng.normal(size=(4, 20)), labels_for(network.loss, 2, 20, rng)
    rows = list(check(Objective(network), start(network, rng), X, Y, 1000, rng))
    assert {row.name for row in rows if row.status == "wrong"} == {"W1", "W2", "b1", "b2"}


def test_kinks_are_left_out_and_counted(rng: np.random.Generator) -> None:
    """Z = 0 exactly, as for an all-zero example and zero biases: no derivative by b exists."""
    network = network_of(
        (3, 4, 1), ACTIVATIONS["relu"], ACTIVATIONS["linear"], LOSSES["mean_squared_error"]
    )
    theta = start(network, rng)
    network.layout.views(theta)["b1"][:2] = 0
    X, Y = rng.normal(size=(3, 6)), rng.normal(size=(1, 6))
    X[:, 0] = 0
    rows = {row.name: row for row in check(Objective(network), theta, X, Y, 100, rng)}
    assert rows["b1"].unsettled == 2
    assert all(row.status == "ok" for row in rows.values())


def test_too_few_settled_entries_are_unclear(rng: np.random.Generator) -> None:
    network = network_of(
        (3, 4, 1), ACTIVATIONS["relu"], ACTIVATIONS["linear"], LOSSES["mean_squared_error"]
    )
    theta = start(network, rng)
    network.layout.views(theta)["b1"][:] = 0
    X, Y = rng.normal(size=(3, 6)), rng.normal(size=(1, 6))
    X[:, 0] = 0
    rows = {row.name: row for row in check(Objective(network), theta, X, Y, 100, rng)}
    assert rows["b1"].status == "unclear"


@pytest.mark.parametrize(
    ("J", "slope"),
    [(np.sin, 1.0), (np.exp, 1.0), (lambda h: 1e-9 * np.tanh(h), 1e-9), (lambda _: 5.0, 0.0)],
    ids=["sin", "exp", "tiny", "constant"],
)
def test_extrapolated_derivative(J: Callable[[float], float], slope: float) -> None:
    value, error = derivative(J, 1.0)
    assert value == pytest.approx(slope, rel=1e-10, abs=1e-15)
    assert abs(value - slope) <= max(error, 1e-14)


def test_kink_has_a_large_error_estimate() -> None:
    for kink in (lambda h: max(h, 0.0), abs, lambda h: 3 * h if h > 0 else np.sin(h)):
        _, error = derivative(kink, 1.0)
        assert error > 0.1


def test_a_kink_beside_the_point_is_stepped_around() -> None:
    for distance in (0.1, 1e-2, 1e-4):
        value, error = derivative(lambda h, d=distance: np.sin(h) + max(h - d, 0.0), 1.0)  # type: ignore[misc]
        assert value == pytest.approx(1, rel=1e-9)
        assert error < 1e-8


def test_a_sample_is_drawn_from_large_networks(rng: np.random.Generator) -> None:
    network = network_of(
        (30, 20, 2), ACTIVATIONS["tanh"], ACTIVATIONS["softmax"], LOSSES["cross_entropy"]
    )
    X, Y = rng.normal(size=(30, 5)), labels_for(network.loss, 2, 5, rng)
    rows = list(check(Objective(network), start(network, rng), X, Y, 10, rng))
    assert [row.entries for row in rows] == [10, 10, 10, 2]

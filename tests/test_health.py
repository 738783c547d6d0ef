"""The layers' health: figures held against examples one by one, and faults that are named."""

from dataclasses import replace
from math import tanh

import numpy as np
import pytest
from networks import start

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.health import FAULTS, LayerHealth, faults, health, saturating
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.penalties import L2
from deepnet_cli.nn.types import Array
from deepnet_cli.report.health import SENTENCES, Complaints, health_text, sentences

M = 60


def scene(rng: np.random.Generator) -> tuple[Objective, Array, Array, Array]:
    """4 features, 5 relu (one dead), 6 tanh (two of them saturated), 2 outputs."""
    layers = [Layer(5, ACTIVATIONS["relu"]), Layer(6, ACTIVATIONS["tanh"])]
    network = Network.of(
        4, [*layers, Layer(2, ACTIVATIONS["linear"])], LOSSES["mean_squared_error"]
    )
    theta = start(network, rng, 2.0)
    p = network.layout.views(theta)
    p["b1"][2] = -100
    p["b2"][1], p["b2"][4] = 50, -50
    return Objective(network, (L2(3.0),)), theta, rng.normal(size=(4, M)), rng.normal(size=(2, M))


def test_figures_are_those_of_the_examples_one_by_one(rng: np.random.Generator) -> None:
    objective, theta, X, Y = scene(rng)
    step = 1e-3 * rng.normal(size=theta.size)
    layers = health(objective, theta, X, Y, after=theta + step)
    p, moved = objective.network.layout.views(theta), objective.network.layout.views(step)

    asleep, flat = np.ones(5, bool), 0
    for x in X.T:
        a1 = np.array([max(0.0, z) for z in p["W1"] @ x + p["b1"][:, 0]])
        asleep &= a1 == 0
        flat += sum(1 - tanh(z) ** 2 < 0.01 for z in p["W2"] @ a1 + p["b2"][:, 0])
    assert layers[0].dead == asleep.mean() > 0
    assert layers[0].saturated is None
    assert layers[1].saturated == pytest.approx(flat / (6 * M), abs=1e-12)
    assert layers[1].dead == 0
    assert layers[2].dead is None, "the loss carries it"

    bare = replace(objective, penalties=())
    for l, layer in enumerate(layers, start=1):
        slopes = []
        for k in np.arange(theta.size)[objective.network.layout.places[f"W{l}"]]:
            e = 1e-6 * (np.arange(theta.size) == k)
            slopes.append((bare.cost(theta + e, X, Y) - bare.cost(theta - e, X, Y)) / 2e-6)
        assert layer.gradient_norm == pytest.approx(np.linalg.norm(slopes), rel=1e-6)
        assert layer.weight_norm == pytest.approx(np.linalg.norm(p[f"W{l}"]))
        ratio = np.linalg.norm(moved[f"W{l}"]) / np.linalg.norm(p[f"W{l}"])
        assert layer.update_ratio == pytest.approx(ratio)


def test_looking_changes_nothing(rng: np.random.Generator) -> None:
    objective, theta, X, Y = scene(rng)
    before, grad = theta.copy(), objective(theta, X, Y)[1]
    kept = grad.copy()
    health(objective, theta, -X, Y)
    np.testing.assert_array_equal(theta, before)
    np.testing.assert_array_equal(grad, kept)


@pytest.mark.parametrize(
    "g", [g for g in ACTIVATIONS.values() if g.elementwise], ids=lambda g: g.name
)
def test_what_flattens_on_both_sides_saturates(g: Activation) -> None:
    """By differences of g itself, far out and at 0."""
    forward = g.forward
    h = 1e-3

    def slope(z: float) -> float:
        values = forward(np.array([[z - h, z + h]]))[0]
        return float(abs(values[1] - values[0]) / (2 * h))

    flattens = max(slope(-60), slope(60)) < 0.01 * slope(0)
    assert (saturating(g) is not None) is flattens
    if flattens:
        assert saturating(g) == pytest.approx(slope(0), rel=1e-3)


def test_a_frozen_layer_has_no_gradient_and_no_fault(rng: np.random.Generator) -> None:
    g = ACTIVATIONS["tanh"]
    layers = [Layer(3, g, rate_factor=0.0), Layer(3, g), Layer(2, ACTIVATIONS["linear"])]
    network = Network.of(4, layers, LOSSES["mean_squared_error"])
    theta = start(network, rng) + 0.1  # a frozen W too
    X, Y = rng.normal(size=(4, M)), rng.normal(size=(2, M))
    told = health(Objective(network), theta, X, Y, after=theta + 1e-3)
    assert told[0].gradient_norm is None
    assert told[0].update_ratio is None
    assert told[1].update_ratio is not None
    assert not faults(told)


WELL = [LayerHealth(l, "relu", 10.0, 0.1, 1e-3, 0.1) for l in (1, 2, 3)]

ILL = {
    "zero": {"weight_norm": 0.0},
    "dead": {"dead": 0.87},
    "saturated": {"saturated": 0.9, "activation": "tanh"},
    "fast": {"update_ratio": 3.0},
    "still": {"gradient_norm": 0.0},
    "vanishing": {"gradient_norm": 1e-6},
    "exploding": {"gradient_norm": 1e6},
}


def test_every_fault_has_its_sentence_and_is_tested() -> None:
    assert FAULTS.keys() == SENTENCES.keys() == ILL.keys()
    assert not faults(WELL)


@pytest.mark.parametrize("kind", ILL)
def test_a_fault_is_named_with_its_layer_and_a_remedy(kind: str) -> None:
    layers = [WELL[0], replace(WELL[1], **ILL[kind]), WELL[2]]  # type: ignore[arg-type]
    (fault,) = faults(layers)
    assert (fault.kind, fault.layer) == (kind, 2)
    (sentence,) = sentences([fault], "epoch 3")
    assert sentence.startswith("layer 2: ")
    assert " since epoch 3: " in sentence
    assert "{" not in sentence


def test_a_complaint_is_made_once_and_again_when_it_comes_back() -> None:
    ill = [WELL[0], replace(WELL[1], dead=0.87), WELL[2]]
    complaints = Complaints()
    assert complaints.see(WELL, "epoch 1") == []
    assert complaints.see(ill, "epoch 3") == [
        "layer 2: 87 % of units dead since epoch 3: lower the learning rate or use leaky_relu"
    ]
    assert complaints.see(ill, "epoch 4") == []
    assert complaints.see(WELL, "epoch 5") == []
    assert "since epoch 6" in complaints.see(ill, "epoch 6")[0]


def test_alike_faults_are_one_sentence() -> None:
    deep = [replace(WELL[0], layer=l, gradient_norm=10.0**-l) for l in range(8, 0, -1)]
    (sentence,) = sentences(faults(deep))
    assert sentence.startswith("layers 8, 7, 6, 5: the gradient is 1e-07 of the last layer's: ")


def test_health_of_very_many_layers_is_a_screen() -> None:
    lines = health_text([replace(WELL[0], layer=l) for l in range(1, 601)]).splitlines()
    assert len(lines) < 20
    assert lines[-1] == "and 588 more layers"
    assert max(map(len, lines)) <= 80

"""max_norm: each row of W is held to a norm after each update, and nothing else is touched."""

import numpy as np
import pytest
from networks import labels_for, start

from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.max_norm import HOLD
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array

LIMITS = (0.5, None, 0.8)


def network_of() -> Network:
    """4-5-4-3, the second layer without a limit, the third with a norm."""
    relu, softmax = ACTIVATIONS["relu"], ACTIVATIONS["softmax"]
    layers = [
        Layer(5, relu, max_norm=LIMITS[0]),
        Layer(4, relu, max_norm=LIMITS[1]),
        Layer(3, softmax, Norm(), max_norm=LIMITS[2]),
    ]
    return Network.of(4, layers, LOSSES["cross_entropy"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("compiled", [True, False])
def test_rows_beyond_the_limit_are_scaled_and_no_others(
    dtype: type, compiled: bool, rng: np.random.Generator
) -> None:
    W: Array = (rng.normal(size=(40, 7)) * rng.uniform(0.01, 3, (40, 1))).astype(dtype)
    W[0] = 0
    held, rtol = W.copy(), 4 * float(np.finfo(dtype).eps)
    (HOLD if compiled else HOLD.in_numpy)(held, 1.5)
    assert held.dtype == dtype
    seen = [0, 0]
    for before, after in zip(W, held, strict=True):
        norm = float(np.sqrt(sum(float(w) ** 2 for w in before)))
        seen[norm > 1.5] += 1
        if norm <= 1.5:
            np.testing.assert_array_equal(after, before)
        else:
            np.testing.assert_allclose(after, before * (1.5 / norm), rtol=rtol)
    assert min(seen) > 5
    again = held.copy()
    HOLD(again, 1.5)
    np.testing.assert_allclose(again, held, rtol=rtol)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 1e300])
def test_a_row_without_a_finite_norm_is_left_to_the_cost(bad: float) -> None:
    """It would be 0, and a run that has diverged would go on."""
    W = np.array([[bad, 1.0], [3.0, 4.0]])
    held = W.copy()
    HOLD(held, 1.0)
    np.testing.assert_array_equal(held[0], W[0])
    np.testing.assert_allclose(held[1], [0.6, 0.8])


def test_a_large_row_in_single_precision_is_held() -> None:
    """Squares are in float64: 1e25^2 is no float32."""
    W = np.full((1, 4), 1e25, np.float32)
    HOLD(W, 2.0)
    np.testing.assert_allclose(W, 1.0, rtol=1e-6)


def test_only_the_weights_of_layers_with_a_limit_are_held(rng: np.random.Generator) -> None:
    network = network_of()
    theta = 3 * start(network, rng)
    before: dict[str, Array] = {k: v.copy() for k, v in network.layout.views(theta).items()}
    Objective(network).hold(theta)
    for name, block in network.layout.views(theta).items():
        limit = LIMITS[int(name[-1]) - 1] if name[0] == "W" else None
        if limit is None:
            np.testing.assert_array_equal(block, before[name])
        else:
            norms = np.linalg.norm(block, axis=1)
            assert (norms <= limit * (1 + 1e-12)).all()
            assert (block != before[name]).any()


def test_the_objective_does_not_know_of_it(rng: np.random.Generator) -> None:
    network = network_of()
    plain = Network.of(4, [Layer(5, ACTIVATIONS["relu"]), *network.layers[1:]], network.loss)
    theta, X = start(network, rng), rng.normal(size=(4, 6))
    Y = labels_for(network.loss, 3, 6, rng)
    J, grad = Objective(network)(theta, X, Y)
    expected, gradient = Objective(plain)(theta, X, Y)
    assert expected == J
    np.testing.assert_array_equal(grad, gradient)

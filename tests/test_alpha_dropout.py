"""Alpha dropout: what it keeps of selu's mean and variance, its formula, its way back."""

from functools import partial

import numpy as np
import pytest
from networks import labels_for, start

from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.ops.alpha_dropout import AlphaDropout
from deepnet_cli.nn.ops.dropout import Dropout
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits
from deepnet_cli.training.figures.evaluation import scores

RATES = [0.05, 0.1, 0.5, 0.9]
SHAPE = (60, 500)
LOWEST = -1.0507009873554805 * 1.6732632423543772
"""selu(-infinity)"""

each_rate = pytest.mark.parametrize("rate", RATES)


def dropped(rate: float, A: Array, step: int = 0) -> tuple[Array, Array]:
    """What is made of A in one update, and which entries were kept."""
    op = AlphaDropout(1, len(A), rate, partial(bits, 0, "dropout 1"))
    cache = op.cache(A.shape[1], A.dtype, A)
    op.draw(cache, step)
    return op.forward({}, A, cache).copy(), cache.mask != 0


@each_rate
def test_mean_and_variance_of_a_normal_input_are_kept(
    rate: float, rng: np.random.Generator
) -> None:
    """To five standard errors of a sample; those of ordinary dropout are not."""
    A = rng.normal(size=(1000, 1000))
    D, kept = dropped(rate, A)
    assert abs(kept.mean() - (1 - rate)) < 5e-3
    fourth = ((D - D.mean()) ** 4).mean()
    assert abs(D.mean()) < 5 / 1000
    assert abs(D.var() - 1) < 5 * np.sqrt(fourth - 1) / 1000
    plain = np.where(kept, A / (1 - rate), 0)
    assert plain.var() > 1.04


@each_rate
def test_the_formula_is_the_papers(rate: float, rng: np.random.Generator) -> None:
    """a (x d + alpha' (1 - d)) + b, with the paper's a and b for q = 1 - rate."""
    A, q = rng.normal(size=SHAPE), 1 - rate
    D, kept = dropped(rate, A)
    a = (q + LOWEST**2 * q * (1 - q)) ** -0.5
    b = -a * (1 - q) * LOWEST
    d = kept.astype(float)
    np.testing.assert_allclose(D, a * (A * d + LOWEST * (1 - d)) + b, rtol=1e-12, atol=1e-13)


def test_it_drops_what_dropout_would(rng: np.random.Generator) -> None:
    """The same bits decide."""
    A = rng.normal(size=SHAPE)
    op = Dropout(1, len(A), 0.3, partial(bits, 0, "dropout 1"))
    cache = op.cache(A.shape[1], A.dtype, A)
    for step in (0, 4):
        op.draw(cache, step)
        np.testing.assert_array_equal(dropped(0.3, A, step)[1], cache.mask != 0)


def network_of(rate: float) -> Network:
    selu, draw = ACTIVATIONS["selu"], partial(bits, 0, "dropout 1")
    layers = [Layer(6, selu, bits=draw, alpha_dropout=rate), Layer(5, selu, None, 0.0, draw)]
    return Network.of(4, [*layers, Layer(3, ACTIVATIONS["softmax"])], LOSSES["cross_entropy"])


@each_rate
def test_gradient_is_the_complex_derivative(rate: float, rng: np.random.Generator) -> None:
    network = network_of(rate)
    objective, theta = Objective(network), start(network, rng)
    X, Y = rng.normal(size=(4, 12)), labels_for(network.loss, 3, 12, rng)
    for step in (3, 4):
        J, grad = objective(theta, X, Y, None, step)
        assert objective.cost(theta, X, Y, None, step) == J
        for _ in range(3):
            v = rng.normal(size=theta.size)
            slope = objective.cost(theta + 1e-20j * v, X, Y, None, step).imag / 1e-20
            assert grad @ v == pytest.approx(slope, rel=1e-10, abs=1e-13)


def test_nothing_is_dropped_in_evaluation(rng: np.random.Generator) -> None:
    network, plain = network_of(0.4), network_of(0.0)
    theta, X = start(network, rng), rng.normal(size=(4, 12))
    np.testing.assert_array_equal(scores(network, theta, X.T), scores(plain, theta, X.T))
    assert len(network.ops) == len(plain.ops) + 1


def test_float32_stays_float32(rng: np.random.Generator) -> None:
    A = rng.normal(size=SHAPE)
    single, _ = dropped(0.2, A.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, dropped(0.2, A)[0], rtol=1e-5, atol=1e-6)


def test_what_makes_no_sense_is_refused() -> None:
    draw, loss = partial(bits, 0, "dropout 1"), LOSSES["mean_squared_error"]
    selu, linear = ACTIVATIONS["selu"], ACTIVATIONS["linear"]
    with pytest.raises(ValueError, match="of two kinds"):
        Network.of(2, [Layer(2, selu, None, 0.1, draw, alpha_dropout=0.1), Layer(1, linear)], loss)
    with pytest.raises(ValueError, match="without bits"):
        Network.of(2, [Layer(2, selu, alpha_dropout=0.1), Layer(1, linear)], loss)
    with pytest.raises(ValueError, match="behind the output"):
        Network.of(2, [Layer(2, linear, bits=draw, alpha_dropout=0.1)], loss)

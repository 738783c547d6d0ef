"""Each initializer draws what its formula says."""

import numpy as np
import pytest
from networks import network_of
from scipy import stats

from deepnet_cli.nn.activations import ACTIVATIONS, Activation, made_activation
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.losses import LOSSES

GAUSSIAN = {"he": 2 / 80, "xavier": 2 / 200, "lecun": 1 / 80, "normal": 0.01**2}
"""Variances for n_in = 80, n_out = 120."""


@pytest.mark.parametrize(("name", "variance"), GAUSSIAN.items())
def test_gaussian_with_its_variance(name: str, variance: float, rng: np.random.Generator) -> None:
    W = INITIALIZERS[name]().draw(rng, 120, 80)
    assert W.shape == (120, 80)
    assert stats.kstest(W.reshape(-1), "norm", (0, np.sqrt(variance))).pvalue > 1e-3


@pytest.mark.parametrize("name", ["he", "xavier", "lecun"])
def test_uniform_of_the_same_variance(name: str, rng: np.random.Generator) -> None:
    limit = np.sqrt(3 * GAUSSIAN[name])
    W = INITIALIZERS[f"{name}_uniform"]().draw(rng, 120, 80)
    assert W.shape == (120, 80)
    assert stats.kstest(W.reshape(-1), "uniform", (-limit, 2 * limit)).pvalue > 1e-3


def test_uniform_within_its_limit(rng: np.random.Generator) -> None:
    W = INITIALIZERS["uniform"](limit=0.2).draw(rng, 120, 80)
    assert stats.kstest(W.reshape(-1), "uniform", (-0.2, 0.4)).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
def test_orthogonal(shape: tuple[int, int], rng: np.random.Generator) -> None:
    W = INITIALIZERS["orthogonal"]().draw(rng, *shape)
    product = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-14)


def test_constant(rng: np.random.Generator) -> None:
    assert (INITIALIZERS["constant"](value=0.3).draw(rng, 3, 4) == np.full((3, 4), 0.3)).all()


def test_zeros(rng: np.random.Generator) -> None:
    assert not INITIALIZERS["zeros"]().draw(rng, 3, 4).any()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_network_starts_with_zero_biases_and_own_draws(
    name: str, rng: np.random.Generator
) -> None:
    network = network_of(
        (4, 4, 4), ACTIVATIONS["relu"], ACTIVATIONS["linear"], LOSSES["mean_squared_error"]
    )
    theta = network.initialize([INITIALIZERS[name]()] * 2, rng)
    p = network.layout.views(theta)
    assert not p["b1"].any()
    assert not p["b2"].any()
    assert theta.dtype == np.float64
    assert name in ("zeros", "constant") or not np.array_equal(p["W1"], p["W2"])


@pytest.mark.parametrize("g", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_the_initializer_that_suits_an_activation_has_a_name(g: Activation) -> None:
    """So that a config can say what `auto` takes."""
    assert type(g.weights) is INITIALIZERS[g.weights.name]


RECTIFIERS = {
    "relu": {},
    "leaky_relu": {"slope": 0.6},
    "prelu": {"initial": 0.8},
}


@pytest.mark.parametrize(("name", "options"), RECTIFIERS.items(), ids=RECTIFIERS)
def test_what_suits_a_rectifier_keeps_the_scale_of_its_signals(
    name: str, options: dict[str, float], rng: np.random.Generator
) -> None:
    """Mean squares stay near 1 through 20 layers; with lecun, or with he for slopes that there are
    not, they would fall or grow more than a hundredfold.
    """
    g = made_activation(name, **options)
    A = rng.normal(size=(256, 200))
    for _ in range(20):
        A = g.weights.draw(rng, 256, 256) @ g.forward(A)
    assert 0.2 < np.mean(A**2) < 5

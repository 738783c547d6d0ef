"""Dropout: its masks, its way back, and that nothing is dropped where nothing is trained."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from networks import HIDDEN, labels_for, start

from deepnet_cli.fused import blocks
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.ops.dropout import Dropout
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits
from deepnet_cli.training.figures.evaluation import scores

each_hidden = pytest.mark.parametrize("hidden", HIDDEN, ids=lambda g: g.name)

M = 12


def network_of(hidden: Activation, rate: float = 0.4, seed: int = 0, norm: bool = False) -> Network:
    """4-6-5-3, both hidden layers with dropout."""
    layers = [
        Layer(n, hidden, Norm() if norm else None, rate, partial(bits, seed, f"dropout {l}"))
        for l, n in enumerate((6, 5), start=1)
    ]
    output = Layer(3, ACTIVATIONS["softmax"])
    return Network.of(4, [*layers, output], LOSSES["cross_entropy"])


def examples(network: Network, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """theta, X and Y."""
    Y = labels_for(network.loss, 3, M, rng)
    return start(network, rng), rng.normal(size=(4, M)), Y


def mask(
    rate: float,
    step: int = 0,
    shape: tuple[int, int] = (40, 250),
    layer: int = 1,
    seed: int = 0,
    dtype: type = np.float64,
) -> Array:
    """What a layer's units are multiplied by in one update."""
    op = Dropout(layer, shape[0], rate, partial(bits, seed, f"dropout {layer}"))
    ones: Array = np.ones(shape, dtype)
    cache = op.cache(shape[1], ones.dtype, ones)
    op.draw(cache, step)
    return op.forward({}, ones, cache).copy()


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.75, 0.99])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_mask_keeps_its_part_and_the_expected_value(rate: float, dtype: type) -> None:
    """Entries 0 or 1 / (1 - rate); each update, unit and example gets its part."""
    drawn = np.array([mask(rate, step, dtype=dtype) for step in range(20)])
    assert drawn.dtype == dtype
    assert set(np.unique(drawn)) == {dtype(0), dtype(1 / (1 - rate))}
    kept, deviation = drawn != 0, np.sqrt(rate * (1 - rate))
    assert abs(kept.mean() - (1 - rate)) < 5 * deviation / np.sqrt(kept.size)
    for axis in (0, 1, 2):
        others = tuple({0, 1, 2} - {axis})
        spread = deviation / np.sqrt(kept.size / kept.shape[axis])
        assert np.abs(kept.mean(axis=others) - (1 - rate)).max() < 5 * spread
    assert drawn.mean(dtype=float) == pytest.approx(
        1, abs=5 * deviation / (1 - rate) / np.sqrt(drawn.size)
    )


def test_entries_are_dropped_one_by_one() -> None:
    """The kept entries of neighbors, of two updates, layers and seeds, do not go together."""
    first = mask(0.5) != 0
    others = {
        "the next unit": np.roll(first, 1, axis=0),
        "the next example": np.roll(first, 1, axis=1),
        "the next but one": np.roll(first, 2, axis=1),
        "the next update": mask(0.5, step=1) != 0,
        "the next layer": mask(0.5, layer=2) != 0,
        "the next seed": mask(0.5, seed=1) != 0,
    }
    for name, other in others.items():
        together = (first == other).mean()
        assert abs(together - 0.5) < 5 * 0.5 / 100, name


def test_a_mask_is_a_function_of_seed_layer_and_update() -> None:
    """Whatever was drawn before it."""
    op = Dropout(1, 40, 0.5, partial(bits, 0, "dropout 1"))
    cache = op.cache(250, np.dtype(float), np.ones((40, 250)))
    for step in (7, 2, 3, 2):
        op.draw(cache, step)
        np.testing.assert_array_equal(cache.mask, mask(0.5, step))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 11), (40, 250)])
@pytest.mark.parametrize("block", [1, 7, 64])
def test_blocks_change_no_mask(
    shape: tuple[int, int], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two entries share a word of random bits; odd sizes too."""
    whole = mask(0.4, 3, shape)
    monkeypatch.setattr(blocks, "BLOCK", block)
    np.testing.assert_array_equal(mask(0.4, 3, shape), whole)


def test_a_rate_next_to_1_is_a_rate() -> None:
    """Its 32 bits do not wrap around to keeping everything."""
    drawn = mask(1 - 1e-15)
    assert (drawn == 0).mean() > 0.999


@each_hidden
@pytest.mark.parametrize("norm", [False, True])
def test_gradient_is_the_complex_derivative(
    hidden: Activation, norm: bool, rng: np.random.Generator
) -> None:
    """With the masks of one update; those of another give another gradient."""
    network = network_of(hidden, norm=norm)
    objective = Objective(network)
    theta, X, Y = examples(network, rng)
    trained, seen = network.layout.trained, []
    for step in (3, 4):
        J, grad = objective(theta, X, Y, None, step)
        assert objective.cost(theta, X, Y, None, step) == J
        seen.append(grad.copy())
        for _ in range(3):
            v = np.zeros(theta.size)
            v[trained] = rng.normal(size=trained.stop)
            slope = objective.cost(theta + 1e-20j * v, X, Y, None, step).imag / 1e-20
            assert seen[-1] @ v == pytest.approx(slope, rel=1e-10, abs=1e-13)
    assert np.abs(seen[0] - seen[1]).max() > 1e-3


def test_the_forward_pass_is_the_equation(rng: np.random.Generator) -> None:
    """D[l] = A[l] times the mask, which is drawn again by itself; the output is never dropped."""
    network = network_of(ACTIVATIONS["tanh"])
    theta, X, Y = examples(network, rng)
    p = network.layout.views(theta)
    D = X
    for l, n in enumerate((6, 5), start=1):
        D = np.tanh(p[f"W{l}"] @ D + p[f"b{l}"]) * mask(0.4, 9, (n, M), layer=l)
    Z = p["W3"] @ D + p["b3"]
    A = np.exp(Z) / np.exp(Z).sum(axis=0)
    expected = -np.log((A * Y).sum(axis=0)).mean()
    assert Objective(network).cost(theta, X, Y, None, 9) == pytest.approx(expected, rel=1e-13)


@each_hidden
def test_nothing_is_dropped_in_evaluation(hidden: Activation, rng: np.random.Generator) -> None:
    """It is the network without dropout, bit for bit."""
    network, plain = network_of(hidden), network_of(hidden, rate=0.0)
    theta, X, Y = examples(network, rng)
    np.testing.assert_array_equal(scores(network, theta, X.T), scores(plain, theta, X.T))
    evaluated, objective = Objective(network).evaluation, Objective(plain)
    for step in (0, 5):
        J, grad = evaluated(theta, X, Y, None, step)
        expected, gradient = objective(theta, X, Y)
        assert expected == J
        np.testing.assert_array_equal(grad, gradient)
    assert Objective(network).cost(theta, X, Y) != expected


def test_the_mean_over_masks_is_the_whole_network(rng: np.random.Generator) -> None:
    """Exactly so where all is linear: that is why a kept unit is scaled up."""
    linear = ACTIVATIONS["linear"]
    hidden = Layer(30, linear, None, 0.3, partial(bits, 0, "dropout 1"))
    network = Network.of(4, [hidden, Layer(1, linear)], LOSSES["mean_squared_error"])
    theta, X = start(network, rng), rng.normal(size=(4, 1))
    work, p = network.workspace(1, theta.dtype), network.layout.views(theta)
    seen = []
    for step in range(4000):
        network.draw(work, step)
        seen.append(network.forward(p, X, work).item())
    whole = scores(network, theta, X.T).item()
    assert abs(np.mean(seen) - whole) < 5 * np.std(seen) / np.sqrt(4000)
    assert np.std(seen) > 0.1


def test_float32_stays_float32(rng: np.random.Generator) -> None:
    network = network_of(ACTIVATIONS["relu"], norm=True)
    theta, X, Y = (array.astype(np.float32) for array in examples(network, rng))
    objective = Objective(network)
    _, grad = objective(theta, X, Y, None, 3)
    assert grad.dtype == np.float32
    for cache in objective.workspace(M, theta.dtype).caches:
        made = [value for value in vars(cache).values() if isinstance(value, np.ndarray)]
        assert {value.dtype for value in made} == {theta.dtype}


def test_drawing_allocates_nothing_large() -> None:
    op = Dropout(1, 512, 0.5, partial(bits, 0, "dropout 1"))
    cache = op.cache(1024, np.dtype(np.float32), np.ones((512, 1024), np.float32))
    op.draw(cache, 0)
    tracemalloc.start()
    op.draw(cache, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < cache.mask.nbytes / 4, f"{peak} bytes"


def test_dropout_without_bits_is_refused() -> None:
    layers = [Layer(2, ACTIVATIONS["relu"], dropout=0.5), Layer(2, ACTIVATIONS["linear"])]
    with pytest.raises(ValueError, match="without bits"):
        Network.of(2, layers, LOSSES["mean_squared_error"])

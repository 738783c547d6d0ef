"""Laws of every activation."""

import numpy as np
import pytest
from scipy import special

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.types import Array

each = pytest.mark.parametrize("g", ACTIVATIONS.values(), ids=ACTIVATIONS)
each_elementwise = pytest.mark.parametrize(
    "g", [g for g in ACTIVATIONS.values() if g.elementwise], ids=lambda g: g.name
)

SELU_ALPHA = 1.6732632423543772

REFERENCES = {
    "relu": lambda Z: np.where(Z > 0, Z, 0.0),
    "leaky_relu": lambda Z: np.where(Z > 0, Z, 0.01 * Z),
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "linear": lambda Z: Z,
    "silu": lambda Z: Z * special.expit(Z),
    "gelu": lambda Z: Z * special.ndtr(Z),
    "gelu_tanh": lambda Z: Z * special.expit(2 * np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3)),
    "elu": lambda Z: np.where(Z > 0, Z, np.expm1(np.minimum(Z, 0))),
    "selu": lambda Z: 1.0507009873554805 * np.where(Z > 0, Z, SELU_ALPHA * special.expm1(Z)),
    "mish": lambda Z: Z * np.tanh(np.logaddexp(0, Z)),
    "softplus": lambda Z: np.logaddexp(0, Z),
    "softsign": lambda Z: Z / (1 + np.abs(Z)),
    "hard_tanh": lambda Z: np.clip(Z, -1, 1),
    "hard_sigmoid": lambda Z: np.clip(Z / 6 + 0.5, 0, 1),
    "exp": np.exp,
    "softmax": lambda Z: special.softmax(Z, axis=0),
}
"""Where the value comes from a library, or is one line of the definition."""


def kept(g: Activation, Z: Array) -> Array:
    """What the forward pass leaves for backward."""
    return Z if g.keeps_Z else g.forward(Z)


def numerical_jacobian(g: Activation, z: Array) -> Array:
    """dA/dZ (n, n) of one column z (n,), by complex steps."""
    n = len(z)
    steps = z[:, np.newaxis] + 1e-20j * np.eye(n)
    return np.array(g.forward(steps).imag / 1e-20)


@each
def test_value_is_the_reference(g: Activation, rng: np.random.Generator) -> None:
    Z = rng.normal(scale=4, size=(4, 7))
    np.testing.assert_allclose(g.forward(Z), REFERENCES[g.name](Z), rtol=1e-14, atol=1e-16)


@each
def test_backward_is_the_jacobian_of_forward(g: Activation, rng: np.random.Generator) -> None:
    Z, dA = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    dZ = g.backward(dA, kept(g, Z))
    for i in range(5):
        expected = numerical_jacobian(g, Z[:, i]).T @ dA[:, i]
        np.testing.assert_allclose(dZ[:, i], expected, rtol=1e-13, atol=1e-15)


@each
def test_backward_agrees_with_central_differences(g: Activation, rng: np.random.Generator) -> None:
    """A second witness, which shares nothing with the complex step."""
    Z, dA = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    h = 1e-6
    dZ = g.backward(dA, kept(g, Z))
    for k in range(4):
        step = np.zeros((4, 5))
        step[k] = h
        slope = (dA * (g.forward(Z + step) - g.forward(Z - step)) / (2 * h)).sum(axis=0)
        np.testing.assert_allclose(dZ[k], slope, atol=1e-8)


SLOPES = {
    "relu": [0.0],
    "leaky_relu": [0.01],
    "selu": [1.0507009873554805 * SELU_ALPHA],
    "hard_tanh": [0.0, 0.0],
    "hard_sigmoid": [0.0, 0.0],
}
"""What each says at its kinks, as PyTorch does."""


@each
def test_convention_at_the_kinks(g: Activation) -> None:
    Z = np.array([g.kinks])
    dZ = g.backward(np.ones_like(Z), kept(g, Z))
    np.testing.assert_allclose(dZ, [SLOPES.get(g.name, [])], rtol=1e-15)
    np.testing.assert_allclose(g.forward(Z + 1e-20j).imag, dZ * 1e-20, rtol=1e-15)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_precision_and_buffers_are_kept(
    g: Activation, dtype: type, rng: np.random.Generator
) -> None:
    """The same numbers into a new array, a given one, or over the input; the dtype stays."""
    Z: Array = rng.normal(size=(3, 4)).astype(dtype)
    dA: Array = rng.normal(size=(3, 4)).astype(dtype)
    A = g.forward(Z)
    assert A.dtype == dtype
    fresh, over = np.empty_like(Z), Z.copy()
    assert g.forward(Z, out=fresh) is fresh
    assert g.forward(over, out=over) is over
    np.testing.assert_array_equal(fresh, A)
    np.testing.assert_array_equal(over, A)
    dZ = g.backward(dA, kept(g, Z))
    assert dZ.dtype == dtype
    over = dA.copy()
    assert g.backward(over, kept(g, Z), out=over) is over
    np.testing.assert_array_equal(over, dZ)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_stay_finite(g: Activation, dtype: type) -> None:
    """But exp, which is infinite where exp(Z) is no number of the precision."""
    Z: Array = np.array([[-1e4, 0.0, 1e4, 30.0], [1e4, 0.0, 1e4, -30.0]], dtype)
    if g.name == "exp":
        Z = np.minimum(Z, 80)
    with np.errstate(under="ignore"):
        A = g.forward(Z)
        dZ = g.backward(np.ones_like(Z), kept(g, Z))
    assert np.isfinite(A).all()
    assert np.isfinite(dZ).all()


@each_elementwise
def test_bounds_of_probabilities(g: Activation) -> None:
    """The two between 0 and 1; what a loss of probabilities carries is sigmoid or softmax."""
    A = g.forward(np.array([[-50.0, 50.0]]))
    inside = bool((A >= 0).all() and (A <= 1).all())
    assert inside == (g.name in ("sigmoid", "hard_sigmoid"))


@pytest.mark.parametrize("g", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_what_is_called_odd_is(g: Activation, rng: np.random.Generator) -> None:
    Z = rng.normal(scale=3, size=(1, 100))
    assert g.odd is bool(np.allclose(g.forward(-Z), -g.forward(Z), rtol=1e-12))

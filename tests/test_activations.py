"""Laws of every activation, as it is and with options."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from networks import MADE, OPTIONED
from scipy import special

from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.activations import (
    ACTIVATION_OPTIONS,
    ACTIVATIONS,
    Activation,
    made_activation,
)
from deepnet_cli.nn.types import Array

each = pytest.mark.parametrize("g", [g for g, _ in MADE.values()], ids=MADE)
ELEMENTWISE = {name: g for name, (g, _) in MADE.items() if g.elementwise}
each_elementwise = pytest.mark.parametrize("g", ELEMENTWISE.values(), ids=ELEMENTWISE)

SELU_ALPHA = 1.6732632423543772

REFERENCES: dict[str, Any] = {
    "relu": lambda Z: np.where(Z > 0, Z, 0.0),
    "leaky_relu": lambda Z, slope=0.01: np.where(Z > 0, Z, slope * Z),
    "prelu": lambda Z, initial=0.25: np.maximum(Z, 0) + initial * np.minimum(Z, 0),
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "linear": lambda Z: Z,
    "silu": lambda Z: Z * special.expit(Z),
    "gelu": lambda Z: Z * special.ndtr(Z),
    "gelu_tanh": lambda Z: Z * special.expit(2 * np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3)),
    "elu": lambda Z, alpha=1.0: np.where(Z > 0, Z, alpha * np.expm1(np.minimum(Z, 0))),
    "celu": lambda Z, a=1.0, alpha=None: (
        np.maximum(Z, 0) + np.minimum(0, (alpha or a) * np.expm1(np.minimum(Z, 0) / (alpha or a)))
    ),
    "selu": lambda Z: 1.0507009873554805 * np.where(Z > 0, Z, SELU_ALPHA * special.expm1(Z)),
    "mish": lambda Z: Z * np.tanh(np.logaddexp(0, Z)),
    "softplus": lambda Z, beta=1.0: np.logaddexp(0, beta * Z) / beta,
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


def test_every_option_is_among_those_tried() -> None:
    for name, made in ACTIVATION_OPTIONS.items():
        tried = {option for known, options in OPTIONED if known == name for option in options}
        assert tried == {field.name for field in fields(made)}  # type: ignore[arg-type]
    assert {name for name, _ in OPTIONED} == {*ACTIVATION_OPTIONS}


@pytest.mark.parametrize("name", MADE)
def test_value_is_the_reference(name: str, rng: np.random.Generator) -> None:
    g, options = MADE[name]
    Z = rng.normal(scale=4, size=(4, 7))
    expected = REFERENCES[g.name](Z, **options)
    np.testing.assert_allclose(g.forward(Z), expected, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("name", ACTIVATION_OPTIONS)
def test_defaults_are_the_plain_activation(name: str, rng: np.random.Generator) -> None:
    made, plain, Z = ACTIVATION_OPTIONS[name]().activation(), ACTIVATIONS[name], rng.normal(size=9)
    np.testing.assert_array_equal(made.forward(Z), plain.forward(Z))
    assert (made.formula, made.slope, made.name) == (plain.formula, plain.slope, name)
    assert made_activation(name) is plain


@pytest.mark.parametrize("name", sorted(set(ACTIVATION_OPTIONS) - {"prelu"}))
def test_the_formulas_have_the_number(name: str) -> None:
    """But those of prelu, whose slopes change."""
    (option,) = fields(ACTIVATION_OPTIONS[name])  # type: ignore[arg-type]
    made = made_activation(name, **{option.name: 0.375})
    assert "0.375" in made.formula
    assert "0.375" in made.slope


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
        np.testing.assert_allclose(dZ[k], slope, atol=1e-8 * max(1, np.abs(kept(g, Z)).max() / 10))


SLOPES = {
    "relu": [0.0],
    "leaky_relu": [0.01],
    "prelu": [0.25],
    "selu": [1.0507009873554805 * SELU_ALPHA],
    "hard_tanh": [0.0, 0.0],
    "hard_sigmoid": [0.0, 0.0],
}
"""What each says at its kinks, as PyTorch does."""


@pytest.mark.parametrize("name", MADE)
def test_convention_at_the_kinks(name: str) -> None:
    """Where it has options, the one that it has is the slope from the left."""
    g, options = MADE[name]
    Z = np.array([g.kinks])
    dZ = g.backward(np.ones_like(Z), kept(g, Z))
    slopes = list(options.values()) or SLOPES.get(name, [])
    np.testing.assert_allclose(dZ, [slopes if g.kinks else []], rtol=1e-15)
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


FAR = [1e4, 1e5, 1e30, -1e4, -1e5, -1e30]


def extremes(g: Activation, dtype: type) -> Array:
    """(2, n): the ends of the line, and all about 0."""
    tiny = [0.0, -0.0, *(s * t for t in (5e-324, 1e-45, 1e-38, 1e-30) for s in (1, -1))]
    Z: Array = np.array([FAR + tiny, FAR[::-1] + tiny[::-1]]).astype(dtype)
    return np.minimum(Z, 80) if g.name == "exp" else Z  # exp(89) is no number in float32


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("compiled", [False, True])
def test_extremes_stay_finite(g: Activation, dtype: type, compiled: bool) -> None:
    """By NumPy alone, and as a pass, in machine code where it can be."""
    Z = extremes(g, dtype)
    A, dZ = np.empty_like(Z), np.ones_like(Z)
    forward = Pass(lambda Z, A: g.forward(Z, out=A), "ff", axis=0)
    backward = Pass(lambda dZ, kept: g.backward(dZ, kept, out=dZ), "ff", axis=0)
    for ran, args in ((forward, (Z, A)), (backward, (dZ, Z if g.keeps_Z else A))):
        (ran if compiled else ran.in_numpy)(*args)
    assert np.isfinite(A).all()
    assert np.isfinite(dZ).all()


@each_elementwise
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_are_right(g: Activation, dtype: type) -> None:
    """Far out g is a straight line with the slope g'; next to 0 it is g(0) + g'(0) Z."""
    if g.name == "exp":
        return
    Z, eps = extremes(g, dtype), float(np.finfo(dtype).eps)
    with np.errstate(all="ignore"):
        A, twice = g.forward(Z).astype(float), g.forward(2 * Z).astype(float)
        dZ = g.backward(np.ones_like(Z), kept(g, Z)).astype(float)
        rise = dZ * Z
    far, near = np.abs(Z) >= 1e5, np.abs(Z) < 1
    slack = 4 * eps * (np.abs(rise) + np.abs(A)) + (1e-5 if g.name == "softsign" else 1e-37)
    assert (np.abs(twice - A - rise) <= slack)[far].all()
    zero = g.forward(np.zeros((1, 1), dtype)).item()
    assert (np.abs(A - zero - rise) <= 4 * eps * (abs(zero) + np.abs(rise)) + 1e-41)[near].all()


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

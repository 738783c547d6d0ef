"""Derivatives by differences: their digits, and the honesty of their error."""

from collections.abc import Callable

import numpy as np
import pytest

from deepnet_cli.nn.differences import slopes
from deepnet_cli.nn.types import Array

Function = Callable[[Array], Array]

SMOOTH: dict[str, tuple[Function, Function]] = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "cube": (lambda z: z**3, lambda z: 3 * z**2),
    "1/(1+z^2)": (lambda z: 1 / (1 + z * z), lambda z: -2 * z / (1 + z * z) ** 2),
    "constant": (lambda z: 0 * z + 7, lambda z: 0 * z),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_to_eleven_digits(name: str) -> None:
    f, slope = SMOOTH[name]
    z = np.concatenate([np.linspace(-8, 8, 161), [1e-9, 30.0, -30.0]])
    found, error = slopes(f, z)
    size = np.maximum(1, np.abs(slope(z)))
    assert np.max(np.abs(found - slope(z)) / size) < 1e-11
    assert np.all(error < 1e-9 * np.maximum(size, np.abs(f(z))))
    assert np.all(np.abs(found - slope(z)) <= 10 * error + 1e-15)


def test_a_kink_is_an_error_and_beside_it_is_none() -> None:
    z = np.array([0.0, 1e-3, -1e-3, 2.0])
    found, error = slopes(lambda z: np.maximum(z, 0), z)
    assert error[0] > 0.1
    assert np.all(error[1:] < 1e-9)
    np.testing.assert_allclose(found[1:], [1, 0, 1], atol=1e-9)


def test_a_jump_is_an_error() -> None:
    _, error = slopes(lambda z: np.sign(z) + z, np.array([0.0]))
    assert error[0] > 1


def test_rounding_of_large_numbers_is_in_the_error() -> None:
    """f = sin(z) + 1e9 has seven digits of its differences left at h = 1/8."""
    z = np.linspace(-1, 1, 21)
    found, error = slopes(lambda z: np.sin(z) + 1e9, z)
    assert np.all(np.abs(found - np.cos(z)) <= error)
    assert np.all(error > 1e-8)


def test_rounding_that_values_do_not_show() -> None:
    """log(exp(z) rounded): near 0 the values are exact multiples of eps, and tell nothing."""

    def f(z: Array) -> Array:
        return np.log(1 + 1e-17 * z)

    found, error = slopes(f, np.array([1.0]))
    assert (found[0], error[0]) == (0, 0)
    _, honest = slopes(f, np.array([1.0]), least=1.0)
    assert honest[0] >= 1e-17


def test_the_first_step_is_kept_to() -> None:
    """Nothing is evaluated farther away than asked, and each halving comes closer."""
    asked: list[float] = []

    def f(z: Array) -> Array:
        asked.append(float(np.max(np.abs(z))))
        return np.abs(z)

    slopes(f, np.zeros(()), 2.0**-10, 4)
    assert max(asked) == 2.0**-10
    assert min(a for a in asked if a) == 2.0**-13


def test_each_entry_by_itself() -> None:
    z = np.array([[0.1, 3.0], [-2.0, 0.0]])
    whole = slopes(np.tanh, z)[0]
    for index, value in np.ndenumerate(z):
        assert whole[index] == pytest.approx(
            float(slopes(np.tanh, np.asarray(value))[0]), abs=1e-11
        )

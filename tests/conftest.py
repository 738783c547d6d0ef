"""What every test meets: strict floating point, and one seeded generator."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def strict_floats() -> Iterator[None]:
    """NaN, infinity and division by zero fail the test that made them."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261124)

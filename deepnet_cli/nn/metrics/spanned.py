"""Metrics of several quantiles of one number, A and Y (K, m) with equal rows of Y: what lies
between the lowest and the highest.
"""

import numpy as np

from deepnet_cli.nn.metrics.statistic import mean_of
from deepnet_cli.nn.types import Array


def coverage(A: Array, Y: Array) -> Array:
    """The share of Y between the lowest and the highest quantile, these included"""
    between: Array = (A[0] <= Y[0]) & (Y[0] <= A[-1])
    return between.astype(np.float64)


def width(A: Array, Y: Array) -> Array:
    """The mean distance between the lowest and the highest quantile"""
    apart: Array = A[-1].astype(np.float64) - A[0]
    return apart


COVERAGE = mean_of("coverage", coverage)
WIDTH = mean_of("width", width, smaller=True)

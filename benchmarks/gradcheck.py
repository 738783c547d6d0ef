"""The whole gradient check against one forward and backward pass, both in float64.

    python benchmarks/gradcheck.py

The check must take at most 30 times as long as the pass, whatever the number of weights.
The two are timed in turn in one run, and the ratio of the medians is printed: on a machine
that is busy with other things both are slower.  BLAS has one thread unless the environment
says otherwise: with more, products get faster and copies do not, and whatever else runs on
the machine decides the ratio.
"""

import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from functools import partial
from statistics import median

import numpy as np

from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.gradcheck.report import check
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.layer import Layer
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.randomness import generator

SIZES = (784, 1024, 1024, 10)
M = 64
ROUNDS = 7


def point() -> Point:
    """A classifier of pictures at its start, with one batch."""
    names = ("relu", "relu", "softmax")
    layers = [Layer(n, ACTIVATIONS[g]) for n, g in zip(SIZES[1:], names, strict=True)]
    network = Network.of(SIZES[0], layers, LOSSES["cross_entropy"])
    rng = generator(0, "benchmark")
    theta = network.initialize([INITIALIZERS["he"]()] * 3, rng)
    X, Y = rng.standard_normal((M, SIZES[0])).T, np.eye(10)[:, rng.integers(0, 10, M)]
    return Point(Objective(network), theta, X, Y)


def main() -> None:
    """Print the two medians and their ratio."""
    at = point()
    passes, checks = [], []
    at.objective(at.theta, at.X, at.Y)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(10):
            at.objective(at.theta, at.X, at.Y)
        passes.append((time.perf_counter() - began) / 10)
        began = time.perf_counter()
        report = check(at, partial(generator, 0))
        checks.append(time.perf_counter() - began)
        assert not report.wrong
    one, whole = median(passes), median(checks)
    worst = max(verdict.rel_error for verdict in report.verdicts)
    threads = os.environ["OPENBLAS_NUM_THREADS"]
    print(f"{'-'.join(map(str, SIZES))}, {at.theta.size:,} parameters, batch {M}, float64")
    print(f"BLAS threads: {threads}")
    print(f"forward + backward {1e3 * one:.1f} ms, the whole check {1e3 * whole:.0f} ms")
    print(f"ratio {whole / one:.1f} (at most 30); largest relative error {worst:.1e}")


if __name__ == "__main__":
    main()

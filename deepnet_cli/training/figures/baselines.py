"""What a network is held against: a constant, and the same loss without hidden layers.

    constant   A = the mean of Y over the training examples: of classes how frequent each is, so
               that the most frequent is decided on; of numbers their mean; where one score tells
               two classes apart that of 2Y - 1, whose sign decides; of quantiles those of Y
    linear     A = g(W X + b), g the loss's link, with the smallest J + 1/(2m) sum of W^2 for
               features of mean 0 and deviation 1: scikit-learn's LogisticRegression() and
               Ridge(alpha=K/2) after a StandardScaler

Both are fitted when training ends, and kept with the model.  The second takes examples enough to
be a good one, but not so many that it costs much beside the training.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from deepnet_cli.config.job import Job
from deepnet_cli.data.dealing.parts import Part, Supply
from deepnet_cli.data.files.hdf5 import Source
from deepnet_cli.errors import DataError
from deepnet_cli.fused.blocks import blocks
from deepnet_cli.memory import available_memory
from deepnet_cli.nn.losses import Loss, shares
from deepnet_cli.nn.penalties import L2
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.lbfgs import minimize

STEPS = 60
"""Of L-BFGS, at most."""

SHARE = 0.05
"""Of the multiplications of the training, that fitting may add."""

ALWAYS = 2**25
"""Multiplications in half a step, that it may make however short the training was."""

ELEMENTWISE = 64
"""Multiplications in the time of the rest that there is to do for an entry of Z."""

VALUES = 2**25
"""Examples times features, at most: in float64 a quarter of a GiB."""

BYTES = 32
"""That each of them takes: a choice of the rows, and float64 on the way and in the end."""

FEWEST = 1000
"""Examples, where not all can be taken, that a linear model is worth having for."""


CONSTANT = {
    "binary": "majority",
    "class": "majority",
    "binary scores": "majority",
    "class scores": "majority",
    "number": "mean",
    "count": "mean",
    "quantiles": "quantiles",
}
"""What the constant is called, by the kind of the outputs."""


@dataclass(frozen=True)
class Linear:
    """W (K, n[0]) and b (K, 1) in float64, for X as the network takes it, fitted to `examples`."""

    W: Array
    b: Array
    examples: int

    def outputs(self, loss: Loss, rows: Array) -> Array:
        """A (K, m) for rows (m, n[0])."""
        A = np.empty((len(self.W), len(rows)))
        with np.errstate(all="ignore"):
            for i in blocks(len(rows), max(1, 2**20 // rows.shape[1])):
                A[:, i] = loss.link.forward(self.W @ rows[i].T.astype(np.float64) + self.b)
        return A


@dataclass(frozen=True)
class Baselines:
    """The constant (K, 1), and the linear model where one was fitted."""

    constant: Array
    linear: Linear | None

    def outputs(self, loss: Loss, rows: Array) -> dict[str, Array]:
        """A (K, m) of each by name: `linear`, and `majority`, `mean` or `quantiles`."""
        told = {} if self.linear is None else {"linear": self.linear.outputs(loss, rows)}
        return told | {CONSTANT[loss.kind]: np.repeat(self.constant, len(rows), axis=1)}


def fitted_beside(job: Job, updates: int) -> Baselines:
    """Those of a job's training examples, after a training of so many updates."""
    part, network = job.batches.part, job.network
    made = 3 * network.layout.weights.stop * job.batches.size * updates
    own = job.dataset.encoding.own_weights(part)
    return fitted(network.loss, part, own, made, job.config.seed)


def fitted(
    loss: Loss, supply: Supply, own: Array | None, multiplications: float, seed: int
) -> Baselines:
    """Fit both to training examples, after so many multiplications of the training itself.

    The constant counts them by their `own` weights (m,), the linear model as J does.
    """
    constant = _constant(loss, supply, shares(own, supply.m))
    size = (supply.features + ELEMENTWISE) * supply.outputs
    many = max(ALWAYS, SHARE * multiplications / (2 * STEPS)) // size  # W X and dZ X^T
    values = min(VALUES, available_memory() // BYTES)
    taken = int(min(supply.m, many, values // supply.features))
    if taken < min(supply.m, FEWEST):
        return Baselines(constant, None)
    with np.errstate(all="ignore"):
        return Baselines(constant, _linear(loss, supply.sample(taken, seed, "baseline")))


def _constant(loss: Loss, supply: Supply, share: Array) -> Array:
    """(K, 1), for the part of the mean that each example has."""
    labels = (Y for Y, _ in supply.labels())
    if loss.kind == "quantiles":
        y = np.concatenate([Y[0] for Y in labels]).astype(np.float64)
        up = y.argsort()
        zeros = np.zeros((supply.outputs, 1))
        tau = -loss.gradient(zeros - 1, zeros)  # the slope where A is below Y
        quantiles: Array = y[up][np.searchsorted(share[up].cumsum()[:-1], tau)]
        return quantiles
    mean, first = np.zeros(supply.outputs), 0
    for Y in labels:
        mean = mean + Y.astype(np.float64) @ share[first : first + Y.shape[1]]
        first += Y.shape[1]
    mean = mean[:, np.newaxis]
    return 2 * mean - 1 if loss.kind == "binary scores" else mean


def _linear(loss: Loss, part: Part) -> Linear | None:
    """The linear model of all examples of a part, by L-BFGS from 0; None where numbers overflow."""
    X = part.rows.T.astype(np.float64)
    Y, share, K, n = part.Y.astype(np.float64), part.share, len(part.Y), len(X)
    mean = (X @ share)[:, np.newaxis]
    X -= mean
    deviation = np.sqrt(np.einsum("ij,ij,j->i", X, X, share))[:, np.newaxis]
    deviation[deviation <= 1e-12 * np.abs(mean)] = 1.0  # a constant, rounded
    X /= deviation
    penalty, over = L2(1 / part.m), share / loss.outputs(Y)

    def J(theta: Array) -> tuple[float, Array]:
        W, b = theta[: K * n].reshape(K, n), theta[K * n :, np.newaxis]
        Z = W @ X + b
        cost = float((loss.entries(Z, Y).sum(axis=0) * over).sum())
        dZ = loss.gradient(Z, Y) * over
        dW = dZ @ X.T + penalty.gradient(W)
        total = cost + float(np.real(penalty.value(W)))
        return total, np.concatenate([dW.reshape(-1), dZ.sum(axis=1)])

    theta = minimize(J, np.zeros(K * n + K), STEPS)
    W, b = theta[: K * n].reshape(K, n) / deviation.T, theta[K * n :, np.newaxis]
    b = b - W @ mean
    return Linear(W, b, part.m) if np.isfinite(W).all() and np.isfinite(b).all() else None


def write_baselines(file: Any, baselines: Baselines) -> None:
    """Put them into the open h5py file, under /baselines."""
    file["baselines/constant"] = baselines.constant
    if baselines.linear is not None:
        file["baselines/W"], file["baselines/b"] = baselines.linear.W, baselines.linear.b
        file["baselines/examples"] = baselines.linear.examples


def read_baselines(source: Source, features: int, outputs: int) -> Baselines | None:
    """Those of a model file, where it has some.  Raises DataError where they are unfit."""
    if not source.has("baselines/constant"):
        return None
    constant = _block(source, "constant", (outputs, 1))
    if not source.has("baselines/W"):
        return Baselines(constant, None)
    W, b = _block(source, "W", (outputs, features)), _block(source, "b", (outputs, 1))
    return Baselines(constant, Linear(W, b, int(_block(source, "examples", ()))))


def _block(source: Source, name: str, shape: tuple[int, ...]) -> Array:
    block = source.read(f"baselines/{name}")
    if block.shape != shape or block.dtype.kind not in "fi" or not np.isfinite(block).all():
        raise DataError(f"{source.path}: baselines/{name} is not {shape} finite numbers")
    return block

"""Ten data sets of the kinds that people bring, each with the best figure that can be had of it.

The rules by which y is drawn being known, so is the best that any model can do on the test rows:
the accuracy, the AUC or the R2 of the rule itself.  x of different features has different sizes,
as in life.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from scipy.special import ndtr
from sklearn.metrics import r2_score, roc_auc_score

from deepnet_cli.nn.types import Array

Rng = np.random.Generator


@dataclass(frozen=True)
class Made:
    """x (m, ...) and y of all rows, the last `held` of them to test on; on those the rule that made
    y has the `figure` `best`, and one that knows no x has `chance`.
    """

    x: Array
    y: Array
    held: int
    figure: str
    best: float
    chance: float

    def write(self, train: Path, test: Path) -> None:
        """Two files, each with `x` and `y`."""
        for path, rows in ((train, slice(None, -self.held)), (test, slice(-self.held, None))):
            with h5py.File(path, "w") as file:
                file["x"], file["y"] = self.x[rows], self.y[rows]


def binary(rng: Rng) -> Made:
    """Two classes behind a curved border: 0 or 1 by the sign of x1 x2 + x3, blurred."""
    x = rng.normal(size=(3000, 6))
    p = ndtr(2 * (x[:, 0] * x[:, 1] + x[:, 2]))
    return _two_classes(x * 10.0 ** np.arange(-2, 4), p, rng)


def multiclass(rng: Rng) -> Made:
    """Five clouds that overlap, called by name."""
    centers = np.random.default_rng(1).normal(size=(5, 8))
    labels = rng.integers(0, 5, 2500)
    x = centers[labels] + 0.7 * rng.normal(size=(2500, 8))
    nearest = ((x[:, np.newaxis] - centers) ** 2).sum(axis=2).argmin(axis=1)
    best = float((nearest == labels)[-1000:].mean())
    names = np.array([b"ash", b"birch", b"elm", b"lime", b"oak"])
    return Made(20 + 5 * x, names[labels], 1000, "accuracy", best, 0.2)


def multilabel(rng: Rng) -> Made:
    """Four flags that do not exclude each other, each of its own two features."""
    x = rng.normal(size=(3000, 8))
    p = ndtr(3 * (x[:, ::2] + x[:, 1::2] ** 2 - 1))
    y = (rng.random(p.shape) < p).astype(np.uint8)
    right = ((p > 0.5) == y)[-1000:]
    chance = np.maximum(y.mean(axis=0), 1 - y.mean(axis=0)).mean()
    return Made(x, y, 1000, "accuracy", float(right.mean()), float(chance))


def regression(rng: Rng) -> Made:
    """Prices of some hundred thousand (Friedman's first function, 1991)."""
    x = rng.random((3000, 10))
    z = (
        10 * np.sin(np.pi * x[:, 0] * x[:, 1])
        + 20 * (x[:, 2] - 0.5) ** 2
        + 10 * x[:, 3]
        + 5 * x[:, 4]
    )
    price = 1e5 + 2e4 * z
    y = price + 4e4 * rng.normal(size=3000)
    best = float(r2_score(y[-1000:], price[-1000:]))
    return Made(x * np.arange(1, 11) ** 3, y.round(), 1000, "r2", best, 0.0)


def wide(rng: Rng) -> Made:
    """Genes: of 2000 features 40 differ a little between two classes of 100 each."""
    y = rng.permutation(np.arange(1200) % 2)
    shift = np.where(np.arange(2000) < 40, 0.8, 0.0)
    x = rng.normal(size=(1200, 2000)) + np.outer(y - 0.5, shift)
    best = float(((x @ shift > 0) == y)[-1000:].mean())
    return Made(x.astype(np.float32), y, 1000, "accuracy", best, 0.5)


def tall(rng: Rng) -> Made:
    """Many rows of few features."""
    x = rng.normal(size=(220_000, 8)).astype(np.float32)
    p = ndtr(2 * (np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2]))
    return _two_classes(x, p, rng, held=20_000)


def imbalanced(rng: Rng) -> Made:
    """One in fifty is of class 1, which lies a little aside."""
    y = (rng.random(9000) < 0.02).astype(np.int64)
    x = rng.normal(size=(9000, 10))
    shift = np.where(np.arange(10) < 4, 1.25, 0.0)
    x += np.outer(y, shift)
    best = float(roc_auc_score(y[-4000:], (x @ shift)[-4000:]))
    return Made(x, y, 4000, "auc", best, 0.5)


def images(rng: Rng) -> Made:
    """16 x 16 pixels of 3 colours: a spot of any colour in one of four corners, on noise."""
    m = 1500
    y = rng.integers(0, 4, m)
    x = rng.integers(0, 120, (m, 16, 16, 3), np.uint8)
    at = np.stack([y // 2, y % 2], axis=1) * 8 + rng.integers(0, 5, (m, 2))
    colours = rng.integers(0, 100, (m, 3), np.uint8)
    for i in range(4):
        for j in range(4):
            x[np.arange(m), at[:, 0] + i, at[:, 1] + j] += colours
    return Made(x, y, 700, "accuracy", 1.0, 0.25)


def sorted_by_label(rng: Rng) -> Made:
    """Three shells, one around the other, the training rows sorted by class."""
    m, held = 2400, 900
    y = rng.integers(0, 3, m)
    y[:-held].sort()
    direction = rng.normal(size=(m, 4))
    radius = 1.0 + y + 0.3 * rng.normal(size=m)
    x = direction * (radius / np.linalg.norm(direction, axis=1))[:, np.newaxis]
    nearest = np.digitize(np.linalg.norm(x, axis=1), [1.5, 2.5])
    return Made(x, y, held, "accuracy", float((nearest == y)[-held:].mean()), 1 / 3)


def with_nan(rng: Rng) -> Made:
    """A tenth of the values is missing; of the others a sum, blurred, tells two classes apart."""
    x = rng.normal(size=(3000, 8))
    w = np.array([2.0, -2.0, 1.5, 1.0, -1.0, 0.5, 0.0, 0.0])
    y = x @ w + rng.normal(size=3000) > 0
    missing = rng.random(x.shape) < 0.1
    seen = np.where(missing, 0, x) @ w / np.sqrt(1 + missing @ w**2)
    x[missing] = np.nan
    best = float(((seen > 0) == y)[-1000:].mean())
    return Made(100 + 15 * x, y, 1000, "accuracy", best, 0.5)


def _two_classes(x: Array, p: Array, rng: Rng, held: int = 1000) -> Made:
    """Class 1 with probability p (m,)."""
    y = (rng.random(len(p)) < p).astype(np.uint8)
    best = float(((p > 0.5) == y)[-held:].mean())
    return Made(x, y, held, "accuracy", best, max(float(y.mean()), 1 - float(y.mean())))


MADE: dict[str, Callable[[Rng], Made]] = {
    "binary": binary,
    "multiclass": multiclass,
    "multilabel": multilabel,
    "regression": regression,
    "wide": wide,
    "tall": tall,
    "imbalanced": imbalanced,
    "images": images,
    "sorted": sorted_by_label,
    "nan": with_nan,
}


def made(name: str) -> Made:
    """The data set of that name, the same each time."""
    return MADE[name](np.random.default_rng([20261126, *name.encode()]))

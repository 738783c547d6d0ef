"""The training that all peers must agree with: plain NumPy in float64, written to be read.

Z[l] = W[l] A[l-1] + b[l],   A[l] = max(Z[l], 0),   J = mean cross-entropy of the last Z
"""

from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Parameters = dict[str, Array]
"""W1 (n[1], n[0]), b1 (n[1],), W2, ..."""


class Recipe(Protocol):
    """How to train."""

    @property
    def batch(self) -> int: ...
    @property
    def optimizer(self) -> str: ...
    @property
    def rate(self) -> float: ...
    @property
    def steps(self) -> int: ...


def trained(start: Parameters, x: Array, y: Array, recipe: Recipe) -> Parameters:
    """The parameters after `recipe.steps` updates, the batches in the order of the rows."""
    p = {name: block.astype(np.float64) for name, block in start.items()}
    m = {name: np.zeros_like(block) for name, block in p.items()}
    v = {name: np.zeros_like(block) for name, block in p.items()}
    per_epoch = -(-len(x) // recipe.batch)
    for t in range(1, recipe.steps + 1):
        first = (t - 1) % per_epoch * recipe.batch
        rows = slice(first, first + recipe.batch)
        for name, g in gradient(p, x[rows].astype(np.float64), y[rows]).items():
            if recipe.optimizer == "adam":
                m[name] = 0.9 * m[name] + 0.1 * g
                v[name] = 0.999 * v[name] + 0.001 * g * g
                g = m[name] / (1 - 0.9**t) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
            p[name] -= recipe.rate * g
    return p


def forward(p: Parameters, x: Array) -> list[Array]:
    """x = A[0] (m, n[0]), A[1], ..., Z[L] (m, n[L])."""
    A, L = [x], len(p) // 2
    for l in range(1, L + 1):
        Z = A[-1] @ p[f"W{l}"].T + p[f"b{l}"].reshape(-1)
        A.append(np.maximum(Z, 0) if l < L else Z)
    return A


def gradient(p: Parameters, x: Array, y: Array) -> Parameters:
    """dJ by name, for x (m, n[0]) and class indices y (m,)."""
    A, grads = forward(p, x), {}
    dZ = (softmax(logits(A[-1])) - np.eye(max(2, A[-1].shape[1]))[y]) / len(x)
    dZ = dZ[:, -A[-1].shape[1] :]  # for a sigmoid: of the second class alone
    for l in range(len(p) // 2, 0, -1):
        grads[f"W{l}"], grads[f"b{l}"] = dZ.T @ A[l - 1], dZ.sum(axis=0)
        dZ = (dZ @ p[f"W{l}"]) * (A[l - 1] > 0)
    return grads


def cost(p: Parameters, x: Array, y: Array) -> float:
    """J on all examples, in float64."""
    p = {name: block.astype(np.float64) for name, block in p.items()}
    probabilities = softmax(logits(forward(p, x.astype(np.float64))[-1]))
    return float(-np.log(probabilities[np.arange(len(y)), y]).mean())


def logits(Z: Array) -> Array:
    """(m, K): a sigmoid's one logit z is the softmax of 0 and z."""
    return np.hstack([np.zeros_like(Z), Z]) if Z.shape[1] == 1 else Z


def softmax(Z: Array) -> Array:
    """Of each row."""
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return np.asarray(E / E.sum(axis=1, keepdims=True))

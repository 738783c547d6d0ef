"""scikit-learn: MLPClassifier.fit, an epoch an iteration, from where it stands (warm_start).

It shuffles by default.  Its order is replaced by that of the file, so that the gathering of
a batch stays part of the step; a full batch needs no order.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, _multilayer_perceptron

from benchmarks.peers.cases import Training, read_data, read_initial
from benchmarks.peers.reference import Array


class Scikit:
    """One classifier; every fit goes on with its parameters, Adam with new moments."""

    def __init__(self, case: Training, directory: Path) -> None:
        warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is what we want
        _multilayer_perceptron.shuffle = lambda order, random_state: order
        self.epochs = case.epochs
        self.data, self.start = read_data(directory), read_initial(directory)
        self.model: Any = MLPClassifier(
            case.sizes[1:-1],
            solver="adam" if case.optimizer == "adam" else "sgd",
            alpha=0.0,
            batch_size=case.batch,
            learning_rate_init=case.rate,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=case.batch < case.m,
            tol=0.0,
            n_iter_no_change=np.inf,
            warm_start=True,
        )
        layers = iter(range(1, len(case.sizes)))
        self.model._init_coef = lambda n_in, n_out, dtype: self._layer(next(layers))

    def _layer(self, l: int) -> tuple[Array, Array]:
        """W (n[l-1], n[l]) and b (n[l],)."""
        return np.ascontiguousarray(self.start[f"W{l}"].T), self.start[f"b{l}"]

    def run(self, times: int) -> None:
        self.model.max_iter = times * self.epochs
        self.model.fit(self.data.x, self.data.y)

    def outcome(self) -> dict[str, Array]:
        W = {f"W{l}": W.T for l, W in enumerate(self.model.coefs_, 1)}
        return W | {f"b{l}": b for l, b in enumerate(self.model.intercepts_, 1)}

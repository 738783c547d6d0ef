"""Keras on JAX: compile and fit, several steps an execution."""

import os

os.environ["KERAS_BACKEND"] = "jax"

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, losses, optimizers

from benchmarks.peers.cases import Training, read_data, read_initial
from benchmarks.peers.jax_scan import use_threads
from benchmarks.peers.reference import Array


class Keras:
    """A compiled model; every fit goes on with it."""

    def __init__(self, case: Training, directory: Path) -> None:
        use_threads()
        self.case, self.data, start = case, read_data(directory), read_initial(directory)
        hidden = [layers.Dense(n, activation="relu") for n in case.sizes[1:-1]]
        self.model: Any = keras.Sequential([*hidden, layers.Dense(case.sizes[-1])])
        self.model.build((None, case.sizes[0]))
        for l, layer in enumerate(self.model.layers, 1):
            layer.set_weights([start[f"W{l}"].T, start[f"b{l}"]])
        loss: Any = losses.SparseCategoricalCrossentropy(from_logits=True)
        self.y = self.data.y
        if case.sizes[-1] == 1:
            self.y = self.y[:, None].astype(np.float32)
            loss = losses.BinaryCrossentropy(from_logits=True)
        rule: Any = optimizers.SGD(case.rate)
        if case.optimizer == "adam":
            rule = optimizers.Adam(case.rate, epsilon=1e-8)
        per_epoch = -(-case.m // case.batch)
        self.model.compile(rule, loss, jit_compile=True, steps_per_execution=per_epoch)

    def run(self, times: int) -> None:
        self.model.fit(
            self.data.x,
            self.y,
            batch_size=self.case.batch,
            epochs=times * self.case.epochs,
            shuffle=False,
            verbose=0,
        )

    def outcome(self) -> dict[str, Array]:
        found = {}
        for l, layer in enumerate(self.model.layers, 1):
            W, found[f"b{l}"] = layer.get_weights()
            found[f"W{l}"] = W.T
        return found

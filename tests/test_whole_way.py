"""From a YAML file to a trained network, held against the equations written out by themselves."""

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
import transcription
from cli import deepnet
from networks import HEAD_IDS, HEADS, labels_for
from samples import write_config

from deepnet_cli.nn.activations import Activation
from deepnet_cli.nn.losses import Loss

M = 10


@pytest.mark.parametrize(("output", "loss"), HEADS, ids=HEAD_IDS)
def test_500_iterations_by_the_command_line(
    output: Activation,
    loss: Loss,
    rng: np.random.Generator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Costs in history.csv and parameters in model.h5, to 1e-10; per-example loops beside it."""
    monkeypatch.chdir(tmp_path)
    x, labels = rng.normal(size=(M, 4)), rng.integers(0, 3, M)
    labels[:3] = 0, 1, 2
    y = labels if loss.target == "class" else labels_for(loss, 3, M, rng).T
    if loss.target == "binary":
        y = y.astype(int)
    Y = np.eye(3)[:, labels] if loss.target == "class" else y.T.astype(float)
    first = {
        "W1": rng.normal(size=(5, 4)) / 2,
        "b1": rng.normal(size=5),
        "W2": rng.normal(size=(3, 5)) / 2,
        "b2": rng.normal(size=(3, 1)),
    }
    if output.name == "prelu":
        first["slope2"] = rng.normal(size=3)
    with h5py.File("data.h5", "w") as file:
        file["x"], file["y"] = x, y
    with h5py.File("first.h5", "w") as file:
        for name, block in first.items():
            file[f"parameters/{name}"] = block
    config = write_config(
        tmp_path / "c.yaml",
        data={"train": "data.h5"},
        model={
            "layers": [5, 3],
            "activations": ["tanh", output.name],
            "initial_parameters": "first.h5",
        },
        loss=loss.name,
        training={"learning_rate": 0.05, "iterations": 500, "log_every": 1, "l2": 0.4},
        compute={"precision": "float64"},
    )
    result = deepnet("train", config, "--run-dir", "run")
    assert result.code == 0, result.err

    columns = {name: block.reshape(len(block), -1).tolist() for name, block in first.items()}
    costs, expected = transcription.train(
        columns,
        x.T,
        Y,
        ["tanh", output.name],
        loss.name,
        learning_rate=0.05,
        iterations=500,
        l2=0.4,
    )
    with Path("run/history.csv").open() as history:
        told = [float(row["cost"]) for row in csv.DictReader(history)]
    np.testing.assert_allclose(told, costs, rtol=1e-10)
    with h5py.File("run/model.h5") as file:
        for name, wanted in expected.items():
            np.testing.assert_allclose(file[f"parameters/{name}"], wanted, rtol=1e-10, atol=1e-10)

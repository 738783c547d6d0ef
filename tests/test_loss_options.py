"""Options of losses, from the config to the network and the files of a run."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import write_config

from deepnet_cli.nn.losses import LOSS_OPTIONS, LOSSES, made_loss

OUTPUTS = {"binary": ([1], "sigmoid"), "class": ([3], "softmax"), "number": ([1], "linear")}


def config_of(loss: object, output: str, units: int, **labels: Any) -> Path:
    rng = np.random.default_rng(0)
    with h5py.File("data.h5", "w") as file:
        file["x"], file["y"] = rng.normal(size=(30, 4)), rng.integers(0, max(units, 2), 30)
    return write_config(
        Path("c.yaml"),
        data={"train": "data.h5"},
        model={"layers": [units], "activations": [output]},
        loss=loss,
        training={"iterations": 3},
    )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("binary_cross_entropy", {"label_smoothing": 0.2}),
        ("cross_entropy", {"label_smoothing": 0.2}),
        ("huber", {"delta": 0.1}),
        ("quantile", {"tau": 0.9}),
        ("focal", {"gamma": 0.5}),
        ("focal", {"alpha": 0.25}),
        ("categorical_focal", {"gamma": 3.0}),
    ],
)
def test_an_option_is_taken_kept_and_used(name: str, option: dict[str, float]) -> None:
    units, output = OUTPUTS[LOSSES[name].target]
    config = config_of({"name": name, **option}, output, units[0])
    assert deepnet("train", config, "--run-dir", "run").code == 0
    again = deepnet("train", "run/config.yaml", "--run-dir", "again")
    assert again.code == 0, again.err
    assert Path("again/history.csv").read_text() == Path("run/history.csv").read_text()
    config_of(name, output, units[0])
    assert deepnet("train", config, "--run-dir", "plain").code == 0
    assert Path("plain/history.csv").read_text() != Path("run/history.csv").read_text()


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ({"name": "huber", "delta": 0}, ["loss.delta", "must be > 0"]),
        ({"name": "quantile", "tau": 1.0}, ["loss.tau", "must be < 1"]),
        ({"name": "huber", "detla": 1}, ["loss.detla", "did you mean 'delta'"]),
        ({"huber": {"delta": 1}}, ["loss.huber: ", "beside the name: {name: huber, delta: ...}"]),
        ({"quantile": {"tau": 0.5}}, ["loss.quantile: ", "{name: quantile, tau: ...}", "!<"]),
        ({"cross_entropy": {"class_weight": "balanced"}}, ["{name: cross_entropy, class_weight:"]),
        (
            {"name": "cross_entropy", "class_weight": {"a": {"b": 1}}},
            ["loss.class_weight.a: expected a number", "!beside"],
        ),
        ({"name": "mean_squared_error", "delta": 1}, ["loss.delta", "has no such option"]),
        ({"name": "hinge", "delta": 1}, ["loss.delta", "hinge has no such option"]),
        ({"name": "focal", "alpha": 1.0}, ["loss.alpha", "must be < 1"]),
        ({"name": "focal", "alpha": "x"}, ["loss.alpha", "expected a number"]),
        ({"name": "focal", "gamma": -1}, ["loss.gamma", "must be >= 0"]),
        ({"focal": -1}, ["loss", "must be >= 0"]),
        ({"quantile": "x"}, ["loss", "expected a number, or several"]),
        ({"quantile": {"a": 1}}, ["loss", "expected a number, or several"]),
        ("poisson", ["poisson does not fit", "exp"]),
    ],
)
def test_what_is_refused(loss: object, words: list[str]) -> None:
    assert_refused(deepnet("train", config_of(loss, "linear", 1)), 2, words)


def test_the_first_option_may_stand_for_the_name() -> None:
    assert deepnet("train", config_of({"huber": 0.5}, "linear", 1), "--dry-run").code == 0


def test_exp_goes_with_poisson_alone() -> None:
    refused = deepnet("train", config_of("mean_squared_error", "exp", 1))
    assert_refused(refused, 2, ["mean_squared_error does not fit", "use loss poisson"])
    assert deepnet("train", config_of("auto", "exp", 1), "--dry-run").code == 0


@pytest.mark.parametrize("name", LOSS_OPTIONS)
def test_defaults_are_the_plain_loss(name: str, rng: np.random.Generator) -> None:
    S, Y = rng.normal(size=(3, 5)), np.eye(3)[:, [0, 1, 2, 0, 1]]
    made = LOSS_OPTIONS[name]().loss()
    np.testing.assert_array_equal(made.entries(S, Y), LOSSES[name].entries(S, Y))
    assert made_loss(name) is LOSSES[name]

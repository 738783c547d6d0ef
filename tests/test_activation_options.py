"""Options of activations, from the config to the network, the files of a run and what is shown."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from cli import assert_refused, deepnet
from networks import OPTIONED
from samples import parameters, write_blobs, write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.config.resolved import resolved_config
from deepnet_cli.nn.activations import ACTIVATION_OPTIONS, Activation
from deepnet_cli.nn.gradcheck.planted import planted
from deepnet_cli.nn.ops.activate import Activate
from deepnet_cli.nn.types import Array

CHOSEN = [(name, options) for name, options in OPTIONED if name != "celu"] + [
    ("celu", {"alpha": 0.5})
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")


def config_of(activations: object, layers: object = (6, 3), **sections: Any) -> Path:
    model = {"layers": [*layers], "activations": activations}  # type: ignore[misc]
    return write_config(Path("c.yaml"), model=model, **sections)


def hidden(config: Path) -> list[Activation]:
    """g[1] ... g[L-1] of a config's network."""
    return [layer.activation for layer in load_job(config).network.layers[:-1]]


def resolved(run: str) -> Any:
    return yaml.safe_load(Path(run, "config.yaml").read_text())["model"]


def history(run: str) -> str:
    return Path(run, "history.csv").read_text()


@pytest.mark.parametrize(("name", "options"), CHOSEN)
def test_an_option_is_taken_kept_and_used(name: str, options: dict[str, float]) -> None:
    chosen = {"name": name, **options}
    config = config_of([chosen, "softmax"])
    assert deepnet("train", config, "--run-dir", "run").code == 0
    assert resolved("run")["activations"] == [chosen, "softmax"]
    again = deepnet("train", "run/config.yaml", "--run-dir", "again")
    assert again.code == 0, again.err
    assert history("again") == history("run")
    told = json.loads(deepnet("evaluate", "run", "blobs.h5", "--json").out)
    summary = json.loads(Path("run/summary.json").read_text())["figures"]["train"]
    assert told["cost"] == pytest.approx(summary["cost"], rel=1e-6)
    config_of([name, "softmax"])
    assert deepnet("train", config, "--run-dir", "plain").code == 0
    assert history("plain") != history("run")
    checked = deepnet("gradcheck", "run")
    assert checked.code == 0, checked.out


def test_the_same_is_said_in_every_place() -> None:
    """In the list, for all hidden layers, in a layer; by name and by the first option."""
    for leaky in ({"name": "leaky_relu", "slope": 0.3}, {"leaky_relu": 0.3}):
        layer = {"units": 6, "activation": leaky}
        for config in (
            config_of([leaky, "softmax"]),
            config_of(leaky),
            config_of("tanh", [layer, 3]),
            config_of({"elu": 3}, [layer, 3]),
        ):
            (g,) = hidden(config)
            assert g.forward(np.array([-1.0])).item() == -0.3
    one, other = hidden(config_of({"elu": 3}, [6, {"units": 6, "activation": "tanh"}, 3]))
    assert one.forward(np.array([-1.0])).item() == 3 * np.expm1(-1)
    assert other.name == "tanh"


@pytest.mark.parametrize("name", ACTIVATION_OPTIONS)
@pytest.mark.parametrize("said", [str, lambda name: {"name": name}])
def test_a_name_alone_stays_one(name: str, said: Any) -> None:
    config = config_of([said(name), "softmax"])
    assert deepnet("train", config, "--run-dir", "run").code == 0
    assert resolved("run")["activations"] == [name, "softmax"]


def test_an_option_is_told_where_it_is_explained() -> None:
    told = deepnet("explain", config_of([{"leaky_relu": 0.375}, "softmax"])).out
    assert "leaky_relu(Z[1]) = Z where Z > 0, else 0.375 Z" in told
    assert "leaky_relu' = 1 where A > 0, else 0.375" in told.replace("\n      ", " ")


def test_the_derivative_without_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole check, on a step whose way back forgot the option."""
    from deepnet_cli.nn import layer, network

    def pull(self: Any, p: Any, dU: Array, c: Any) -> Array:
        if self.g.name != "leaky_relu":
            return np.asarray(Activate.pull(self, p, dU, c))
        return np.asarray(np.where(c.U > 0, dU, 0.01 * dU))

    wrong = type(planted(Activate(1, 1, hidden(config_of("relu"))[0]), pull=pull))
    monkeypatch.setattr(layer, "Activate", wrong)
    monkeypatch.setattr(network.Network, "fused", property(lambda self: self))
    told = deepnet("gradcheck", config_of([{"leaky_relu": 0.375}, "softmax"]))
    assert told.code == 1
    assert "the derivative of leaky_relu without options" in " ".join(told.out.split())


def test_a_run_goes_on_with_its_options() -> None:
    config = config_of([{"softplus": 4}, "softmax"], training={"iterations": 9})
    assert deepnet("train", config, "--run-dir", "whole").code == 0
    config_of([{"softplus": 4}, "softmax"], training={"iterations": 4})
    assert deepnet("train", config, "--run-dir", "part").code == 0
    assert deepnet("train", "--resume", "part", "--set", "training.iterations=9").code == 0
    for name, block in parameters(Path("whole")).items():
        np.testing.assert_array_equal(block, parameters(Path("part"))[name])


def test_a_model_file_with_an_option_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made by a version to come, or by hand: a damaged file, told as such."""
    config = config_of([{"leaky_relu": 0.3}, "softmax"])
    with monkeypatch.context() as patch:
        patch.setattr(
            "deepnet_cli.training.run.session.resolved_config",
            lambda *args: resolved_config(*args).replace("slope: 0.3", "slope: 3"),
        )
        assert deepnet("train", config, "--run-dir", "run").code == 0
    words = ["run/model.h5: the config in it is not valid", "slope: must be <= 1, found 3"]
    assert_refused(deepnet("predict", "run", "blobs.h5"), 3, words)


def test_an_output_activation_may_have_options_too() -> None:
    with h5py.File("numbers.h5", "w") as file:
        file["x"], file["y"] = np.random.default_rng(0).normal(size=(2, 30, 4))
    config = config_of(["tanh", {"prelu": 0.5}], [6, 4], data={"train": "numbers.h5"}, loss="huber")
    assert deepnet("train", config, "--run-dir", "run").code == 0
    assert parameters(Path("run"))["slope2"].shape == (4, 1)
    assert deepnet("gradcheck", "run").code == 0

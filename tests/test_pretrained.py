"""Fine-tuning sees x and y as the model that it starts from did, or is told that it does not.

The oracle is the network by hand, on what h5py alone reads of the source model's file.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import parameters, rows, write_config

from deepnet_cli.data.encoding.scaling import SCALINGS, Scaling
from deepnet_cli.nn.types import Array

RULES: list[str | float] = [*SCALINGS, "auto", 40.0]
ANOTHER = "model.initial_parameters: the parameters were trained with another scaling of x"


def write_examples(
    path: str, m: int, seed: int, names: Sequence[str] = ("a", "b", "c"), offset: int = 0
) -> None:
    """Clouds of uint8, (m, 4), whose features differ in size; classes have names."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(1).uniform(20, 100, (len(names), 4)) * [1, 0.5, 0.2, 2]
    y = np.arange(m) % len(names)
    with h5py.File(path, "w") as file:
        x = centers[y] + rng.normal(size=(m, 4)) * [5, 2, 1, 10] + offset
        file["x"] = x.clip(0, 255).astype(np.uint8)
        file["y"], file["list_classes"] = y, [*names]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with examples, and others that lie elsewhere."""
    monkeypatch.chdir(tmp_path)
    write_examples("first.h5", 60, 0)
    write_examples("more.h5", 31, 2, offset=15)
    return tmp_path


def config(scale: object, data: str = "first.h5", start: object = None, **layer: object) -> Path:
    """4-5-3, the first layer with these keys; float64."""
    model: dict[str, Any] = {"layers": [{"units": 5, **layer}, 3], "activations": "tanh"}
    if start is not None:
        model["initial_parameters"] = start
    return write_config(
        Path("c.yaml"),
        data={"train": data, "scale": scale},
        model=model,
        loss="cross_entropy",
        compute={"precision": "float64"},
    )


def train(path: Path, run: str, *more: str) -> str:
    """What a run says on stderr."""
    result = deepnet("train", path, "--run-dir", run, *more)
    assert result.code == 0, result.err
    return result.err


def scaling(run: str) -> tuple[Array, Array, str]:
    with h5py.File(f"{run}/model.h5") as file:
        return file["scaling/shift"][()], file["scaling/divisor"][()], file.attrs["scaling"]


@pytest.mark.parametrize("rule", RULES)
def test_fine_tuning_begins_where_the_model_stands(folder: Path, rule: str | float) -> None:
    """Its cost on the new rows is that of the first step, whatever the rule made of its own."""
    train(config(rule), "first")
    assert "warning" not in train(config("initial", "more.h5", "first/model.h5"), "tuned")
    before = json.loads(deepnet("evaluate", "first", "more.h5", "--json").out)["cost"]
    assert rows(folder / "tuned")[0]["cost"] == pytest.approx(before, rel=1e-12)
    for found, wanted in zip(scaling("tuned"), scaling("first"), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert "scale: initial" in Path("tuned/config.yaml").read_text()


@pytest.mark.parametrize("start", ["first/model.h5", {"file": "first/model.h5", "layers": 1}])
def test_a_frozen_layer_has_the_activations_that_it_had(folder: Path, start: object) -> None:
    """Of a part of the rows; the run predicts and is resumed as any other."""
    train(config("standardize"), "first")
    path = config("initial", "more.h5", start, trainable=False)
    part = ("--set", "data.validation={fraction: 0.3}")
    train(path, "whole", *part)
    shift, divisor, _ = scaling("first")
    p, head = parameters(folder / "first"), parameters(folder / "whole")
    with h5py.File("more.h5") as file:
        X = ((file["x"][()] - shift) / divisor).T
    A1 = np.tanh(p["W1"] @ X + p["b1"])
    Z2 = head["W2"] @ A1 + head["b2"]
    assert np.abs(head["W2"] - p["W2"]).max() > 1e-3
    assert deepnet("predict", "whole", "more.h5", "-o", "out.h5").code == 0
    with h5py.File("out.h5") as file:
        expected = (np.exp(Z2) / np.exp(Z2).sum(axis=0)).T
        np.testing.assert_allclose(file["probabilities"][()], expected, rtol=1e-10)
    train(path, "part", *part, "--set", "training.iterations=13")
    assert deepnet("train", "--resume", "part", "--set", "training.iterations=40").code == 0
    for name in ("model.h5", "history.csv"):
        assert Path("whole", name).read_bytes() == Path("part", name).read_bytes()


def test_a_run_is_not_resumed_with_another_scaling(folder: Path) -> None:
    train(config("standardize"), "first")
    train(config("initial", "more.h5", "first/model.h5"), "part")
    train(config("minmax"), "other")
    Path("other/model.h5").replace("first/model.h5")
    result = deepnet("train", "--resume", "part", "--set", "training.iterations=80")
    assert_refused(result, 3, ["the data are not those that this run was begun with"])


@pytest.mark.parametrize(
    ("before", "now", "data", "warned"),
    [
        ("standardize", "none", "first.h5", True),
        ("none", "standardize", "more.h5", True),
        ("standardize", "standardize", "more.h5", True),
        ("minmax", "minmax", "more.h5", True),
        (40.0, 41.0, "more.h5", True),
        (255.0, "auto", "more.h5", False),
        ("none", "none", "more.h5", False),
        ("standardize", "standardize", "first.h5", False),
        ("standardize", "initial", "more.h5", False),
    ],
)
@pytest.mark.parametrize("layers", [None, 1])
def test_another_scaling_is_told(
    folder: Path, before: object, now: object, data: str, warned: bool, layers: int | None
) -> None:
    train(config(before), "first")
    start = {"file": "first/model.h5", **({"layers": layers} if layers else {})}
    told = train(config(now, data, start), "tuned")
    assert (ANOTHER in told) is ("use data.scale: initial" in told) is warned
    assert told.count("warning") == warned


@pytest.mark.parametrize(
    ("names", "layers", "told"),
    [
        ("xyz", None, "'a', 'b', 'c' apart; here 'x', 'y', 'z', in this order"),
        ("xyz", 2, "'a', 'b', 'c' apart; here 'x', 'y', 'z', in this order"),
        ("bca", None, "'a', 'b', 'c' apart; here 'b', 'c', 'a', in this order"),
        ("xyz", 1, None),
        ("abc", None, None),
    ],
)
def test_other_classes_are_told(
    folder: Path, names: str, layers: int | None, told: str | None
) -> None:
    """Where the output layer, which knows them by number, is read."""
    train(config("minmax"), "first")
    write_examples("more.h5", 31, 2, [*names])
    start = {"file": "first/model.h5", **({"layers": layers} if layers else {})}
    said = train(config("initial", "more.h5", start), "tuned")
    if told is None:
        assert "warning" not in said
    else:
        assert f"model.initial_parameters: was trained to tell {told}" in said


def test_parameters_alone_are_compared_with_nothing(folder: Path) -> None:
    """And no scaling can be taken from them."""
    train(config("standardize"), "first")
    with h5py.File("first/model.h5") as model, h5py.File("alone.h5", "w") as file:
        model.copy("parameters", file)
    assert "warning" not in train(config("none", "more.h5", "alone.h5"), "tuned")
    result = deepnet("train", config("initial", "more.h5", "alone.h5"))
    assert_refused(result, 3, ["data.scale: alone.h5: has no /scaling", "c.yaml:4:"])


def test_a_scaling_from_nowhere_is_refused(folder: Path) -> None:
    result = deepnet("train", config("initial"))
    assert_refused(result, 2, ["data.scale: is that of model.initial_parameters", "not there"])


def test_a_scaling_of_other_features_is_refused(folder: Path) -> None:
    train(config("standardize"), "first")
    with h5py.File("wide.h5", "w") as file:
        file["x"], file["y"] = np.eye(12), np.arange(12) % 3
    result = deepnet("train", config("initial", "wide.h5", "first/model.h5"))
    wanted = ["data.scale: first/model.h5: its scaling is of 4 features", "wide.h5", "has 12"]
    assert_refused(result, 3, wanted)


DAMAGE: dict[str, tuple[str, object, str]] = {
    "not finite": ("scaling/shift", [0.0, np.nan, 0, 0], "scaling/shift is not a list of finite"),
    "zero": ("scaling/divisor", [1.0, 0, 1, 1], "a divisor > 0"),
    "numbers for names": ("classes/names", [1, 2, 3], "classes/names is not a list of text"),
}


@pytest.mark.parametrize("scale", ["initial", "none"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_model_is_refused(folder: Path, damage: str, scale: str) -> None:
    train(config("standardize"), "first")
    name, values, words = DAMAGE[damage]
    with h5py.File("first/model.h5", "r+") as file:
        del file[name]
        file[name] = values
    result = deepnet("train", config(scale, "more.h5", "first/model.h5"))
    assert_refused(result, 3, ["model.initial_parameters: first/model.h5", words])


@pytest.mark.parametrize(
    ("shift", "divisor", "same"),
    [
        ([1e8, 0.0], [1.0, 3.0], True),
        ([1e8 + 1e-7, 1e-9], [1.0 + 1e-9, 3.0], True),
        ([1e8 + 1e-3, 0.0], [1.0, 3.0], False),
        ([1e8, 0.0], [1.0, 3.001], False),
        ([1e8, 1e308], [1.0, 3.0], False),
        ([1e8], [1.0], False),
    ],
)
def test_scalings_are_the_same_but_for_rounding(
    shift: list[float], divisor: list[float], same: bool
) -> None:
    one = Scaling("standardize", np.array([1e8, 0.0]), np.array([1.0, 3.0]))
    other = Scaling("none", np.array(shift), np.array(divisor))
    assert one.same(other) is same

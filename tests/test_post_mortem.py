"""What is said of a run that diverged: the first tensor that is not finite, and who made it so."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, assert_says, deepnet
from samples import write_blobs, write_config

from deepnet_cli.cli import replay
from deepnet_cli.errors import MachineError
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.run_directory import RunDirectory
from deepnet_cli.training.run.post_mortem import PostMortem, recorded

RELU = {"layers": [6, 1], "activations": ["relu", "linear"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    return tmp_path


def diverging(folder: Path, rate: float, **sections: Any) -> Path:
    """A config of a regression on labels, full batch unless it says otherwise."""
    training = {"learning_rate": rate, "iterations": 60, "log_every": 20}
    training |= sections.pop("training", {})
    model, loss = sections.pop("model", RELU), sections.pop("loss", "mean_squared_error")
    return write_config(folder / "c.yaml", model=model, loss=loss, training=training, **sections)


def first_by_hand(folder: Path, start: dict[str, Array], rate: float) -> tuple[str, str, int]:
    """The equations in float32, one array after the other, up to the first that is not finite."""
    with h5py.File(folder / "blobs.h5") as file:
        X, Y = file["x"][()].T, file["y"][()].astype(np.float32)[None]
    p, m, step = dict(start), X.shape[1], np.float32(rate)
    for t in range(100):
        Z1 = p["W1"] @ X + p["b1"]
        A1 = np.maximum(Z1, 0)
        Z2 = p["W2"] @ A1 + p["b2"]
        J = np.mean(((Z2 - Y) ** 2).astype(np.float64))
        dZ2 = 2 * (Z2 - Y) / np.float32(m)
        g = {"W2": dZ2 @ A1.T, "b2": dZ2.sum(axis=1, keepdims=True)}
        dA1 = p["W2"].T @ dZ2
        dZ1 = dA1 * (Z1 > 0)
        g |= {"W1": dZ1 @ X.T, "b1": dZ1.sum(axis=1, keepdims=True)}
        ways = {
            "forward": {"Z1": Z1, "A1": A1, "Z2": Z2, "J": J},
            "backward": {"dZ2": dZ2, "dW2": g["W2"], "db2": g["b2"], "dA1": dA1, "dZ1": dZ1}
            | {"dW1": g["W1"], "db1": g["b1"]},
        }
        p = {name: p[name] - step * g[name] for name in ("W1", "W2", "b1", "b2")}
        for way, tensors in (ways | {"update": p}).items():
            for name, value in tensors.items():
                if not np.isfinite(value).all():
                    return name, way, t
    raise AssertionError


@pytest.mark.parametrize(
    ("rate", "size", "way"),
    [
        (10.0, 1.0, "forward"),
        (1e12, 1.0, "forward"),
        (1e38, 1.0, "update"),
        (1e-30, 1e37, "backward"),
    ],
)
def test_the_first_tensor_is_that_of_the_equations(
    folder: Path, rate: float, size: float, way: str
) -> None:
    """Where x is so large, W1 is so small that only dW1 = dZ1 X^T is too large."""
    rng, shapes = np.random.default_rng(0), {"W1": (6, 4), "b1": (6, 1), "W2": (1, 6), "b2": (1, 1)}
    start = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    with h5py.File(folder / "blobs.h5", "r+") as file, h5py.File(folder / "p.h5", "w") as first:
        file["x"][...] = file["x"][()] * size
        start["W1"] *= np.float32(1e4 / size if size > 1 else 1)
        for name, block in start.items():
            first[name] = block
    config = diverging(folder, rate, model={**RELU, "initial_parameters": "p.h5"})
    told = deepnet("train", config, "--run-dir", "a")
    assert told.code == 4
    _, found = recorded(folder / "a/diverged.h5")
    assert found is not None
    with np.errstate(all="ignore"):
        expected = first_by_hand(folder, start, rate)
    assert (found.tensor, found.way, found.iteration) == expected
    assert found.way == way
    assert found.layer == int(found.tensor[-1].replace("J", "2"))
    of = "" if found.tensor == "J" else f" of layer {found.layer}"
    assert f"first not finite: {found.tensor}{of}, {found.way}" in told.err
    assert "see it again: deepnet replay a" in told.err


@pytest.mark.parametrize("size", ["full", 16])
def test_the_example_that_did_it_is_named_by_its_row_in_the_file(
    folder: Path, size: object
) -> None:
    """Row 37 is beyond all float32 once it is multiplied; others are held out, or come later."""
    with h5py.File(folder / "blobs.h5", "r+") as file:
        file["x"][37] = 3e38
    held_out = {"validation": {"fraction": 0.2}, "scale": "none"}
    config = diverging(folder, 1e-30, data=held_out, training={"batch_size": size})
    told = deepnet("train", config, "--run-dir", "a", "--set", "seed=3")
    assert told.code == 4
    _, found = recorded(folder / "a/diverged.h5")
    assert found is not None
    assert found.way == "forward"
    assert found.tensor == "Z1"
    assert found.by == (37,)
    assert 37 in found.rows
    assert len(found.rows) == (72 if size == "full" else 16)
    assert "rows 37 of the training file" in told.err


RUNS: dict[str, dict[str, Any]] = {
    "mini-batches": {"training": {"batch_size": 16, "optimizer": "momentum"}},
    "a schedule and clipping": {
        "training": {
            "learning_rate": {"schedule": "step", "initial": 1e30, "every": 9},
            "clip_value": 1e20,
        }
    },
    "dropout": {"model": {"layers": [{"units": 6, "dropout": 0.4}, 1], "activations": "relu"}},
    "a search": {"training": {"optimizer": "lbfgs"}, "data": {"scale": 1e-30}},
    "streamed": {"data": {"stream": True}, "training": {"batch_size": 16}},
}


@pytest.mark.parametrize("changed", RUNS.values(), ids=RUNS)
def test_a_replay_ends_with_the_same_tensor(folder: Path, changed: dict[str, Any]) -> None:
    assert deepnet("train", diverging(folder, 1e3, **changed), "--run-dir", "a").code == 4
    before = (folder / "a/diverged.h5").read_bytes()
    told = deepnet("replay", "a", "--json")
    assert told.code == 0, told.err
    result = json.loads(told.out)
    end, found = recorded(folder / "a/diverged.h5")
    assert found is not None
    assert result["reproduced"] is True
    assert result["found"]["tensor"] == found.tensor
    assert 0 < len(result["last"]) <= 6
    assert result["last"][-1]["iteration"] == found.iteration <= end
    assert (folder / "a/diverged.h5").read_bytes() == before


def test_a_replay_is_by_the_code_that_the_run_was_begun_with(folder: Path) -> None:
    code = "from deepnet_cli.custom import activation\n"
    code += "activation('double', lambda Z: 2 * Z, lambda Z: 2 + 0 * Z)\n"
    (folder / "mine.py").write_text(code)
    config = diverging(folder, 1e3, model={"layers": [6, 1], "activations": ["double", "linear"]})
    assert deepnet("train", config, "--code", "mine.py", "--run-dir", "a").code == 4
    assert deepnet("replay", "a", "--code", "mine.py").code == 0
    assert_refused(deepnet("replay", "a"), 2, ["code of your own", "--code mine.py"])
    (folder / "mine.py").write_text(code + "# another\n")
    assert_refused(deepnet("replay", "a", "--code", "mine.py"), 2, ["is not the code"])


def test_what_a_person_reads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deepnet("train", diverging(folder, 10.0), "--run-dir", "a").code == 4
    told = deepnet("replay", "a")
    assert told.code == 0
    assert told.out.splitlines()[0].split() == ["iteration", "cost", "|g|", "|theta|"]
    assert all(len(line) <= 80 for line in told.out.splitlines())
    assert "the same as when the run diverged" in told.err
    assert told.err.splitlines()[-1].startswith("next: deepnet train a/config.yaml --set")
    run = deepnet("inspect", "a")
    assert "which diverged" in run.out
    assert run.err.splitlines()[-1] == "next: deepnet replay a"
    monkeypatch.setattr(replay, "recorded", lambda path: (recorded(path)[0], None))
    other = deepnet("replay", "a")
    assert other.code == 1
    assert "is not reproduced" in other.err


def test_what_cannot_be_replayed(folder: Path) -> None:
    config = diverging(folder, 1e-3)
    assert deepnet("train", config, "--run-dir", "a").code == 0
    assert_refused(deepnet("replay", "a"), 3, ["has no diverged.h5", "did not diverge"])
    assert_refused(deepnet("replay", "b"), 3, ["no such directory"])
    (folder / "a/diverged.h5").write_bytes(max((folder / "a/checkpoints").iterdir()).read_bytes())
    assert_refused(deepnet("replay", "a"), 3, ["no attribute 'diverged'"])
    (folder / "a/diverged.h5").write_bytes(b"deepnet checkpoint\n" * 100)
    assert_refused(deepnet("replay", "a"), 3, ["diverged.h5", "damaged"])


def test_a_divergence_is_told_whatever_else_goes_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, write, no_room = diverging(folder, 10.0), RunDirectory.write, {"diverged.h5"}

    def full(run: RunDirectory, name: str, content: bytes) -> None:
        if name in no_room:
            raise MachineError(f"{name}: no space left")
        write(run, name, content)

    def no_memory(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(RunDirectory, "write", full)
    told = deepnet("train", config, "--run-dir", "a", "-q")
    assert told.code == 4
    assert_says(
        told.err,
        [
            "the cost became",
            "are in a",
            "first not finite",
            "cannot show it: diverged.h5: no space",
        ],
    )
    assert json.loads((folder / "a/summary.json").read_text())["stopped"] == "diverged"
    no_room.add("model.h5")
    told = deepnet("train", config, "--run-dir", "b", "-q")
    assert told.code == 6
    assert_says(told.err, ["the cost became", "model.h5: no space left", "train --resume b"])
    no_room.clear()
    monkeypatch.setattr(PostMortem, "bundle", no_memory)
    told = deepnet("train", config, "--run-dir", "c", "-q")
    assert told.code == 4
    assert_says(told.err, ["the cost became", "cannot show it: not enough memory"])


def test_a_run_that_goes_on_to_a_good_end_keeps_no_bundle(folder: Path) -> None:
    assert deepnet("train", diverging(folder, 10.0), "--run-dir", "a").code == 4
    made = json.loads((folder / "a/summary.json").read_text())["iterations"]
    shorter = ("--set", f"training.iterations={made + 1}")
    assert deepnet("train", "--resume", "a", *shorter).code == 0
    assert not (folder / "a/diverged.h5").exists()

"""deepnet gradcheck: its subjects, what it says, and how it ends."""

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import Result, assert_refused, deepnet
from samples import write_blobs, write_config

from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.network import Network, Watch, Workspace
from deepnet_cli.nn.ops.affine import Affine
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.types import Array

NODES = ["Z2", "W2", "b2", "A1", "Z1", "W1", "b1", "X"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, a config, and a run `a` of it."""
    folder = tmp_path_factory.mktemp("made")
    write_blobs(folder / "blobs.h5")
    write_blobs(folder / "more.h5", m=31, seed=9)
    config = write_config(folder / "c.yaml", data={"scale": "standardize"})
    assert deepnet("train", config, "--run-dir", folder / "a", "-q").code == 0
    return folder


@pytest.fixture(autouse=True)
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them to work in."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(*args: str, code: int = 0) -> Any:
    """What `gradcheck ARGS --json` says; no NaN, which is not JSON."""
    result = deepnet("gradcheck", *args, "--json")
    assert result.code == code, result.err

    def refuse(word: str) -> None:
        raise AssertionError(word)

    return json.loads(result.out, parse_constant=refuse)


def narrow(result: Result) -> str:
    assert all(len(line) <= 80 for line in result.out.splitlines())
    return result.out


SUBJECTS = {
    "config": ["c.yaml"],
    "run directory": ["a"],
    "model of a run": ["a/model.h5", "--data", "more.h5"],
    "model alone": ["elsewhere/b.h5", "--data", "more.h5"],
    "some iterations on": ["c.yaml", "--after", "7"],
}


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_every_subject(subject: list[str]) -> None:
    Path("elsewhere").mkdir()
    shutil.copy("a/model.h5", "elsewhere/b.h5")
    result = deepnet("gradcheck", *subject)
    assert result.code == 0, result.err
    assert "8 derivatives, largest error" in narrow(result)
    report = told(*subject)
    assert report["ok"]
    assert [node["name"] for node in report["nodes"]] == NODES
    assert max(node["rel_error"] for node in report["nodes"]) < 1e-12


def test_what_json_holds() -> None:
    report = told("c.yaml", "--examples", "20")
    keys = "ok method dtype seed at nodes first_wrong diagnosis crosscheck invariances"
    assert {*keys.split(), "float32_digits", "seconds"} <= set(report)
    assert report["method"] == "complex step"
    assert (report["dtype"], report["seed"]) == ("float64", 0)
    assert report["at"] == "initialization"
    assert report["first_wrong"] is None
    assert report["diagnosis"] is None
    keys = "name layer shape norm rel_error digits status"
    assert all(set(node) == set(keys.split()) for node in report["nodes"])
    shapes = {node["name"]: node["shape"] for node in report["nodes"]}
    assert shapes == {
        "Z2": [3, 20],
        "W2": [3, 6],
        "b2": [3, 1],
        "A1": [6, 20],
        "Z1": [6, 20],
        "W1": [6, 4],
        "b1": [6, 1],
        "X": [4, 20],
    }
    assert {node["layer"] for node in report["nodes"]} == {0, 1, 2}
    assert {node["status"] for node in report["nodes"]} == {"ok"}
    assert report["crosscheck"]["disagrees"] == []
    assert len(report["invariances"]) == 5
    assert set(report["float32_digits"]) == {"W1", "b1", "W2", "b2"}


def test_the_norm_of_a_gradient_is_that_of_the_equations() -> None:
    """dW2 of the whole run, by W and b alone."""
    report = told("a", "--examples", "1000")
    assert report["examples"] == 90
    with h5py.File("blobs.h5") as data, h5py.File("a/model.h5") as model:
        x, y = data["x"][()].astype(float), data["y"][()]
        p = {name: block[()].astype(float) for name, block in model["parameters"].items()}
    X = ((x - x.mean(axis=0)) / x.std(axis=0)).T
    A = np.tanh(p["W1"] @ X + p["b1"])
    Z = p["W2"] @ A + p["b2"]
    dZ = (np.exp(Z) / np.exp(Z).sum(axis=0) - np.eye(3)[:, y]) / 90
    norms = {node["name"]: node["norm"] for node in report["nodes"]}
    assert norms["Z2"] == pytest.approx(np.linalg.norm(dZ), rel=1e-9)
    assert norms["W2"] == pytest.approx(np.linalg.norm(dZ @ A.T), rel=1e-9)
    dA = p["W2"].T @ dZ
    assert norms["A1"] == pytest.approx(np.linalg.norm(dA), rel=1e-9)
    assert norms["W1"] == pytest.approx(np.linalg.norm(dA * (1 - A * A) @ X.T), rel=1e-9)


def test_after_nothing_is_the_start_and_later_is_not() -> None:
    start, zero, later = told("c.yaml"), told("c.yaml", "--after", "0"), told("c.yaml", *AFTER)
    for report in (start, zero, later):
        del report["seconds"]
    assert start == zero
    assert later["ok"]
    assert later["at"] != start["at"]
    assert [n["norm"] for n in later["nodes"]] != [n["norm"] for n in start["nodes"]]


AFTER = ["--after", "40"]


def test_after_all_iterations_is_the_run() -> None:
    """In float64, as the check trains; dropout has the masks of that iteration."""
    model = {"layers": [{"units": 6, "dropout": 0.5}, 3]}
    compute = {"precision": "float64"}
    config = write_config(Path("d.yaml"), model=model, compute=compute)
    assert deepnet("train", config, "--run-dir", "d", "-q").code == 0
    later, run = told("d.yaml", *AFTER), told("d")
    assert later["float32_digits"].keys() == run["float32_digits"].keys()
    statuses = [{n["name"]: n["norm"] for n in r["evaluation"]} for r in (later, run)]
    assert statuses[0] == pytest.approx(statuses[1], rel=1e-9)
    assert later["ok"]
    assert run["ok"]


def spoil(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Network.backward

    def wrong(self: Network, p: Windows, work: Workspace, g: Windows, watch: Watch) -> None:
        right(self, p, work, g, watch)
        g["W2"][1, 2] *= 1.5

    monkeypatch.setattr(Network, "backward", wrong)


def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch)
    result = deepnet("gradcheck", "c.yaml")
    assert result.code == 1
    assert "first wrong: dW2: only the entry [1, 2] of dW2 is wrong" in narrow(result)
    assert "next:" not in result.err
    report = told("c.yaml", code=1)
    assert not report["ok"]
    assert report["first_wrong"] == "W2"
    assert report["diagnosis"]["cause"] == "one entry"
    assert report["entry"]["index"] == [1, 2]
    assert report["entry"]["backward"] == pytest.approx(1.5 * report["entry"]["numerical"])
    assert [n["name"] for n in report["nodes"] if n["status"] != "ok"] == ["W2"]


def test_what_is_tainted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(self: Affine, p: Windows, dU: Array, c: Any) -> Array:
        return np.asarray(np.matmul(-p[self.W].T, dU, out=c.dA))

    monkeypatch.setattr(Affine, "pull", pull)
    out = narrow(deepnet("gradcheck", "c.yaml"))
    assert "first wrong: dA1: dA1 has the wrong sign" in out
    assert "tainted by it, and right but for it: dZ1, dW1, db1" in out


def test_a_wrong_gradient_that_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def backward(self: Affine, p: Windows, dU: Array, c: Any, g: Windows) -> None:
        g[self.W][...] = np.nan

    monkeypatch.setattr(Affine, "backward", backward)
    assert told("c.yaml", code=1)["first_wrong"] == "W2"
    narrow(deepnet("gradcheck", "c.yaml"))


def activation(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Another tanh for the whole command."""
    tanh = ACTIVATIONS["tanh"]
    kept = {name: getattr(tanh, name) for name in Activation.__match_args__}
    monkeypatch.setitem(ACTIVATIONS, "tanh", Activation(**kept | changes))


def test_chance_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    activation(
        monkeypatch,
        forward=lambda Z, out=None: np.add(np.tanh(Z), 1e-6 * rng.normal(size=Z.shape), out=out),
    )
    result = deepnet("gradcheck", "c.yaml")
    assert result.code == 5
    assert "inconclusive: the output A1 of tanh differs" in narrow(result)
    assert told("c.yaml", code=5)["undetermined"]


def test_zeros_are_void_and_nothing_else_is_said_of_them() -> None:
    settings = ["--set", "model.initialization=zeros"]
    report = told("c.yaml", *settings)
    void = [node["name"] for node in report["nodes"] if node["status"] == "void"]
    assert void == ["W2", "A1", "Z1", "W1", "b1", "X"]
    assert report["ok"]
    out = narrow(deepnet("gradcheck", "c.yaml", *settings))
    assert "void: dW2, dA1, dZ1, dW1, db1, dX:" in out
    assert "right: 2 derivatives" in out


def test_nothing_but_void_is_inconclusive() -> None:
    with h5py.File("zeros.h5", "w") as file:
        file["x"], file["y"] = np.random.default_rng(0).normal(size=(20, 3)), np.zeros(20)
    model = {"layers": [3, 1], "activations": ["tanh", "linear"], "initialization": "zeros"}
    write_config(Path("z.yaml"), data={"train": "zeros.h5"}, model=model)
    assert not told("z.yaml", code=5)["ok"]
    assert "inconclusive" in narrow(deepnet("gradcheck", "z.yaml"))


WILD: dict[str, Any] = {
    "model": {"layers": [6, 6, 3], "activations": ["relu", "relu", "softmax"]},
    "training": {"learning_rate": 1e200},
}


def test_a_run_that_diverges_on_the_way() -> None:
    write_config(Path("wild.yaml"), **WILD)
    assert_refused(deepnet("gradcheck", "wild.yaml", "--after", "30"), 4, ["the cost became"])


def test_a_point_where_J_is_no_number() -> None:
    """One update too few for training to see it."""
    write_config(Path("wild.yaml"), **WILD)
    result = deepnet("gradcheck", "wild.yaml", "--after", "1")
    assert result.code == 5
    assert "inconclusive: J is nan" in narrow(result)
    told("wild.yaml", "--after", "1", code=5)


@pytest.mark.parametrize(
    ("examples", "used"), [("1", 1), ("7", 7), ("32", 32), ("90", 90), ("100000", 90)]
)
def test_as_many_examples_as_there_are(examples: str, used: int) -> None:
    report = told("c.yaml", "--examples", examples)
    assert report["examples"] == used
    assert report["nodes"][-1]["shape"] == [4, used]


def test_every_entry() -> None:
    exhaustive, random = told("c.yaml", "--exhaustive"), told("c.yaml")
    assert exhaustive["ok"]
    assert [n["norm"] for n in exhaustive["nodes"]] == [n["norm"] for n in random["nodes"]]
    assert max(n["rel_error"] for n in exhaustive["nodes"]) < 1e-14


def test_planted_bugs_are_found() -> None:
    result = deepnet("gradcheck", "c.yaml", "--mutate")
    assert result.code == 0
    assert "MISSED" not in narrow(result)
    bugs = told("c.yaml", "--mutate")
    assert len(bugs) >= 14
    assert all(bug["caught"] and bug["first_wrong"] == bug["node"] for bug in bugs)
    assert np.mean([bug["named"] for bug in bugs]) >= 0.9


def test_a_planted_bug_that_is_missed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepnet_cli.nn.gradcheck.walk.TOLERANCE", 2.0)
    result = deepnet("gradcheck", "c.yaml", "--mutate")
    assert result.code == 1
    assert "MISSED" in result.out


def test_the_seed_chooses_the_examples() -> None:
    one, other = told("c.yaml"), told("c.yaml", "--set", "seed=1")
    assert one["nodes"][0]["norm"] != other["nodes"][0]["norm"]
    assert other["seed"] == 1


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["c.yaml", "--data", "more.h5"], 2, ["--data"]),
        (["a", "--set", "seed=1"], 2, ["--set"]),
        (["a/model.h5"], 2, ["--data"]),
        (["a", "--after", "3"], 2, ["--after"]),
        (["c.yaml", "--examples", "0"], 2, ["--examples"]),
        (["c.yaml", "--after", "-1"], 2, ["--after"]),
        (["gone.yaml"], 2, ["gone.yaml", "no such file"]),
        (["a/model.h5", "--data", "gone.h5"], 3, ["gone.h5"]),
        (["more.h5", "--data", "more.h5"], 3, ["not a deepnet model"]),
    ],
)
def test_what_does_not_go_together(args: list[str], code: int, words: list[str]) -> None:
    assert_refused(deepnet("gradcheck", *args), code, words)

"""Training with `compute.precision: mixed`: who may, what it writes, how well it does."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli import assert_refused, deepnet
from samples import parameters, write_blobs, write_config

from deepnet_cli.blas import choice
from deepnet_cli.blas.choice import check_precision
from deepnet_cli.blas.library import UnavailableError, load

MIXED = {"precision": "mixed"}


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without bfloat16."""
    monkeypatch.setattr(choice, "has_bfloat16", lambda: False)


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every product in bfloat16, however small; skips where this machine has none."""
    monkeypatch.setattr(choice, "SHARED", 1)
    try:
        check_precision("mixed")
    except UnavailableError as problem:
        pytest.skip(str(problem))


def test_a_machine_without_bfloat16_is_told_in_its_place(elsewhere: None) -> None:
    config = write_config(Path("c.yaml"), compute=MIXED)
    place = "c.yaml:2:14: compute.precision: mixed needs a processor"
    for more in ((), ("--dry-run",)):
        assert_refused(deepnet("train", config, *more), 2, [place, "use float32", "!oneDNN"])
    config = write_config(Path("d.yaml"))
    result = deepnet("train", config, "--set", "compute.precision=mixed")
    assert_refused(result, 2, ["--set", "mixed needs a processor"])


def test_a_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "has_bfloat16", lambda: True)
    monkeypatch.setattr(choice, "bfloat16", lambda: load("no-such-package", "libno"))
    config = write_config(Path("c.yaml"), compute=MIXED)
    words = ["compute.precision", "no-such-package is not installed", "pip install no-such-package"]
    assert_refused(deepnet("train", config), 2, words)


def test_mistakes_beside_it_are_told_too(elsewhere: None) -> None:
    config = write_config(Path("c.yaml"), compute=MIXED, training={"learning_rat": 1})
    assert_refused(deepnet("train", config), 2, ["mixed needs", "did you mean 'learning_rate'"])


@pytest.mark.parametrize("command", ["gradcheck", "explain"])
def test_what_runs_in_float64_needs_no_bfloat16(elsewhere: None, command: str) -> None:
    assert deepnet(command, write_config(Path("c.yaml"), compute=MIXED)).code == 0


def test_a_run_says_what_multiplied_and_its_model_serves_on_any_machine(
    everywhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(Path("c.yaml"), compute=MIXED)
    assert deepnet("train", config, "--run-dir", "run").code == 0
    summary = json.loads(Path("run/summary.json").read_text())
    assert summary["environment"]["products"].startswith("bfloat16 by ")
    assert {W.dtype for W in parameters(Path("run")).values()} == {np.dtype(np.float32)}
    monkeypatch.setattr(choice, "has_bfloat16", lambda: False)
    for command in ("predict", "evaluate", "gradcheck"):
        data = ("--data", "blobs.h5") if command == "gradcheck" else ("blobs.h5",)
        assert deepnet(command, "run/model.h5", *data).code == 0


def test_the_same_config_gives_the_same_bytes(everywhere: None) -> None:
    config = write_config(Path("c.yaml"), compute=MIXED, training={"batch_size": 16})
    for run in "ab":
        assert deepnet("train", config, "--run-dir", run).code == 0
    assert Path("a/history.csv").read_bytes() == Path("b/history.csv").read_bytes()
    deepnet("train", config, "--run-dir", "f", "--set", "compute.precision=float32")
    assert Path("a/history.csv").read_bytes() != Path("f/history.csv").read_bytes()

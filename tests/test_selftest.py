"""The self-test says what is so: all well here, and of each thing that is broken that it is."""

import errno
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cli import deepnet
from moments import path

from deepnet_cli.config.draws import draw
from deepnet_cli.errors import MachineError
from deepnet_cli.nn.gradcheck.mutations import mutations
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept.sealed import check_seal
from deepnet_cli.training.selftest import checks, damage, gradients, killed, locking, products
from deepnet_cli.training.selftest import installed as here
from deepnet_cli.training.selftest.checks import CHECKS
from deepnet_cli.training.selftest.finding import NOTE, OK, UNCLEAR, WRONG, Finding


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is, but less of it."""
    monkeypatch.setattr(products, "SECONDS", 0.0)
    monkeypatch.setattr("deepnet_cli.training.timing.peak.SIZES", (64,))
    monkeypatch.setattr(products, "SLOW", 0.0)
    monkeypatch.setattr(gradients.check_gradients, "__defaults__", (2,))
    monkeypatch.setattr(damage, "FLIPS", 50)
    monkeypatch.setattr(killed, "ITERATIONS", 600)
    monkeypatch.setattr(killed, "CONFIG", killed.CONFIG.replace("3000", "600"))
    monkeypatch.setattr(killed.check_killed, "__defaults__", (1,))


@pytest.mark.usefixtures("brief")
def test_all_is_well_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(checks.CHECKS, "killed run")  # of which more below, and all in full
    result = deepnet("selftest", "--json", "--dir", tmp_path)
    assert result.code == 0, result.out
    assert result.err == "next: deepnet init DATA.h5\n"
    told = json.loads(result.out)
    assert told["ok"] is True
    assert [*told["checks"]] == [*CHECKS]
    assert {each["verdict"] for each in told["checks"].values()} == {OK}
    assert told["checks"]["versions"]["versions"]["numpy"] == np.__version__
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_all_is_well_here_in_full() -> None:
    result = deepnet("selftest")
    assert result.code == 0, result.out
    assert max(map(len, result.out.splitlines())) <= 80
    assert "went on after 3 kills is one without" in " ".join(result.out.split())


KILLED_RUN_ALONE = """
import sys
from deepnet_cli.__main__ import main
from deepnet_cli.training.selftest import checks
for name in [*checks.CHECKS][:-1]:
    del checks.CHECKS[name]
sys.argv = ["deepnet", "selftest", "--dir", "."]
main()
"""


@pytest.mark.parametrize("whom", [os.killpg, pytest.param(os.kill, marks=pytest.mark.long)])
def test_who_interrupts_it_finds_nothing_left(
    tmp_path: Path, whom: Callable[[int, signal.Signals], None]
) -> None:
    """No folder, and no process that trains in it, though that heard Ctrl-C as well."""
    command, environment = (
        [sys.executable, "-c", KILLED_RUN_ALONE],
        os.environ | {"PYTHONPATH": path()},
    )
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        began = time.monotonic()
        while not [*tmp_path.glob("*/whole/checkpoints/*")]:
            assert time.monotonic() - began < 30
            time.sleep(0.01)
        whom(process.pid, signal.SIGINT)
        assert process.wait(10) == 128 + signal.SIGINT
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert [*tmp_path.iterdir()] == []


EXITS = {(OK, NOTE): 0, (OK, WRONG, UNCLEAR): 1, (NOTE, UNCLEAR): 5}


@pytest.mark.parametrize(("verdicts", "code"), EXITS.items())
def test_the_verdict_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, verdicts: tuple[str, ...], code: int
) -> None:
    def finds(verdict: str) -> Callable[[Path], Finding]:
        return lambda _: Finding(verdict, "long words " * 20, {"seen": 1})

    found = {f"check {k}": finds(verdict) for k, verdict in enumerate(verdicts)}
    monkeypatch.setattr(checks, "CHECKS", found)
    result = deepnet("selftest")
    assert result.code == code
    assert [line.split()[0] for line in result.out.splitlines() if " check " in line] == [*verdicts]
    assert max(map(len, result.out.splitlines())) <= 80
    assert result.err == ("" if code else "next: deepnet init DATA.h5\n")
    assert json.loads(deepnet("selftest", "--json").out)["ok"] is (code == 0)


def test_what_cannot_be_tried_is_unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> Finding:
        raise MachineError("data.h5: cannot write: no space left on device")

    monkeypatch.setattr(checks, "CHECKS", dict.fromkeys(CHECKS, full))
    result = deepnet("selftest")
    assert result.code == 5
    assert result.out.count("no space left on device") == len(CHECKS)
    assert deepnet("selftest", "--dir", "missing").code == 2


def test_a_wrong_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each network has a classic bug."""

    def mutated(seed: int) -> Any:
        point = draw(seed).point
        return SimpleNamespace(point=replace(point, objective=next(mutations(point)).objective))

    monkeypatch.setattr(gradients, "draw", mutated)
    finding = gradients.check_gradients(2)
    assert finding.verdict == WRONG
    assert finding.figures["wrong"] == [0, 1]


Multiply = Callable[[Array, Array, Array], Array]


def _off(A: Array, B: Array, out: Array) -> Array:
    np.matmul(A, B, out=out)
    out[-1, -1] *= 1 + 1e-3
    return out


CALLS = count()


def _another(A: Array, B: Array, out: Array) -> Array:
    np.matmul(A, B, out=out)
    if next(CALLS) % 2:
        out[0, 0] = np.nextafter(out[0, 0], np.inf, dtype=out.dtype)
    return out


@pytest.mark.parametrize(
    ("multiply", "told"), [(_off, "is wrong"), (_another, "is another the second time")]
)
def test_a_wrong_product(
    monkeypatch: pytest.MonkeyPatch, brief: None, multiply: Multiply, told: str
) -> None:
    class Broken:
        name = "a library"

        def __call__(self, A: Array, B: Array, out: Array) -> Array:
            return multiply(A, B, out)

    monkeypatch.setattr(products, "product", lambda *_: Broken())
    finding = products.check_products()
    assert finding.verdict == WRONG
    assert told in finding.told


def test_slow_products_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "peak", lambda *_: 1e9)
    monkeypatch.setattr(products, "SHAPES", products.SHAPES[:2])
    finding = products.check_products()
    assert finding.verdict == NOTE
    assert "1 GFLOP/s in float32" in finding.told
    assert "slow" in finding.told


def test_damage_that_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest that leaves out a hundred bytes."""
    whole = list[bytes]()

    def careless(content: bytes, path: Path, kind: str) -> None:
        whole.append(content)
        if content[:-100] != whole[0][:-100]:
            check_seal(content, path, kind)

    monkeypatch.setattr(damage, "check_seal", careless)
    finding = damage.check_damage()
    assert finding.verdict == WRONG
    assert 0 < finding.figures["unseen"] < finding.figures["tried"]


def test_locks_that_do_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    assert locking.check_locks(tmp_path).verdict == OK
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(fcntl, "flock", unsupported)
        assert locking.check_locks(tmp_path).verdict == NOTE
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert locking.check_locks(tmp_path).verdict == WRONG
    assert list(tmp_path.iterdir()) == []


FORGETFUL = """
import sys
from deepnet_cli.training.kept import restoring
vectors = restoring._vectors
def forgotten(*words):
    theta, slots = vectors(*words)
    return theta, 0 * slots
restoring._vectors = forgotten
sys.argv = ["deepnet", *sys.argv[1:]]
from deepnet_cli.__main__ import main
main()
"""
"""A deepnet that forgets the optimizer's memory."""


@pytest.mark.long
def test_a_run_that_does_not_go_on_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brief: None
) -> None:
    begun = killed._begun

    def forgets(folder: Path, *words: str) -> "subprocess.Popen[str]":
        if words[:2] != killed.GOES_ON:
            return begun(folder, *words)
        path = os.pathsep.join(entry for entry in sys.path if entry)
        command = [sys.executable, "-c", FORGETFUL, *words, "-q"]
        return started(command, tmp_path, os.environ | {"PYTHONPATH": path})

    monkeypatch.setattr(killed, "_begun", forgets)
    finding = killed.check_killed(tmp_path)
    assert finding.verdict == WRONG
    assert "after 1 kills has another checkpoints/" in finding.told


def started(
    command: list[str], folder: Path, env: dict[str, str] | None = None
) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)


END = "echo 1 >model.h5; echo {} >history.csv; echo 3 >checkpoints/iteration-000003000.h5"
"""The files that a run leaves, where one says `{}`."""


@pytest.mark.parametrize(
    ("goes_on", "verdict", "told"),
    [
        (END.format(2), OK, "after 3 kills is one without"),
        (END.format(3), WRONG, "after 3 kills has another history.csv"),
        ("echo broken >&2; exit 3", WRONG, "does not go on: broken (exit code 3)"),
        ("kill -9 $$", WRONG, "(exit code -9)"),
    ],
)
def test_what_is_said_of_a_run_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes_on: str, verdict: str, told: str
) -> None:
    """Of processes that only make the files of one."""
    reached = iter(["0750", "1500", "2250"])

    def pretend(folder: Path, *words: str) -> "subprocess.Popen[str]":
        script = END.format(2) if words[-1] == "whole" else goes_on
        if words[-1] == "killed" and (made := next(reached, "")):
            script = f"touch checkpoints/iteration-00000{made}.h5; exec sleep 60"
        (folder / words[-1] / "checkpoints").mkdir(parents=True, exist_ok=True)
        for old in (folder / words[-1]).rglob("iteration*"):
            old.unlink()
        return started(["sh", "-c", script], folder / words[-1])

    monkeypatch.setattr(killed, "_begun", pretend)
    finding = killed.check_killed(tmp_path)
    assert finding.verdict == verdict
    assert told in finding.told


def test_a_run_that_was_over_too_soon_is_unclear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def over(*_: object) -> "subprocess.Popen[str]":
        return started(["true"], tmp_path)

    monkeypatch.setattr(killed, "_begun", over)
    assert killed.check_killed(tmp_path).verdict == UNCLEAR


def test_every_extra_is_looked_for() -> None:
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    brought = {extra: re.split(r"[^\w-]", needed[0])[0] for extra, needed in extras.items()}
    brought.pop("parity")  # of who works on deepnet, as those that bring others of its own
    assert {k: name for k, name in brought.items() if name != "deepnet-cli"} == here.EXTRAS


def test_extras_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "EXTRAS", {"fast": "llvmlite", "other": "no-such-package"})
    assert here.check_extras().told.endswith("; not installed: other")
    monkeypatch.setattr("deepnet_cli.fused.native.available", lambda: False)
    assert here.check_extras().verdict == NOTE

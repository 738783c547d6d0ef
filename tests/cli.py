"""The command line, run in this process, with the laws that all of its output obeys."""

import os
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from textwrap import indent

import h5py
import numpy as np
import pytest

from deepnet_cli.cli.main import run

LONGEST_LINE = 700
"""500 characters of message, and the place in front of it."""

LAYERS = "layers: [4, 3]\nactivations: [relu, softmax]"
BRIEF = "learning_rate: 0.1\niterations: 2"


@dataclass(frozen=True)
class Result:
    """What a command ended with and wrote."""

    code: int
    out: str
    err: str


def deepnet(*args: str | Path) -> Result:
    """Run `deepnet ARGS`; never a traceback, a crash file or a control character on stderr."""
    out = TextIOWrapper(BytesIO(), "utf-8", write_through=True)
    err = TextIOWrapper(BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    before, stdout = sys.argv, os.dup(1)
    sys.argv = ["deepnet", *(str(arg) for arg in args)]
    try:
        with (
            np.errstate(divide="warn", over="warn", invalid="warn"),  # as in a fresh process
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = run()
    finally:
        sys.argv = before
        os.dup2(stdout, 1)
        os.close(stdout)
    result = Result(code, _text(out), _text(err))
    _assert_lawful(result)
    return result


def assert_refused(result: Result, code: int, words: Iterable[str]) -> None:
    """The exit code, an empty stdout, and a message with `words`, and without those after `!`."""
    assert result.code == code, result.err
    assert result.out == ""
    assert_says(result.err, words)


def assert_says(text: str, words: Iterable[str]) -> None:
    """`text` has every word, whatever its case, and none of those that follow a `!`."""
    for word in words:
        wanted = not word.startswith("!")
        assert (word.removeprefix("!").casefold() in text.casefold()) is wanted, (word, text)


def config(
    data: str = "train: train.h5", model: str = LAYERS, training: str = BRIEF, more: str = ""
) -> str:
    """YAML with these sections, and `more` lines at the top level."""
    sections = {"data": data, "model": model, "training": training}
    text = "".join(f"{name}:\n{indent(body, '  ')}\n" for name, body in sections.items())
    return f"{text}output: {{plots: false}}\n{more}"


def write_train_h5(path: Path, classes: int = 3) -> None:
    """x_train (12, 4), y_train (12,), and the same as test."""
    rng = np.random.default_rng(5)
    with h5py.File(path, "w") as file:
        for part in ("train", "test"):
            file[f"x_{part}"] = rng.normal(size=(12, 4))
            file[f"y_{part}"] = np.arange(12) % classes


def train_small(folder: Path, more: str = "") -> Path:
    """A run directory of a 4-4-3 network, trained for two iterations."""
    write_train_h5(folder / "train.h5")
    (folder / "c.yaml").write_text(config(more=more))
    result = deepnet("train", folder / "c.yaml", "--run-dir", folder / "run", "-q")
    assert result.code == 0, result.err
    return folder / "run"


def _text(stream: TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, BytesIO)
    return buffer.getvalue().decode()


def _assert_lawful(result: Result) -> None:
    crashes = list(Path.cwd().glob("deepnet-crash-*"))
    if crashes:
        pytest.fail("\n".join(path.read_text() for path in crashes))
    assert "Traceback" not in result.out + result.err
    assert all(c.isprintable() or c == "\n" for c in result.err), repr(result.err)
    assert all(len(line) <= LONGEST_LINE for line in result.err.splitlines()), result.err

"""What is printed: to one who stops reading, to a full disk; names that could drive a terminal."""

import csv
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import RawIOBase, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from cli import Result, deepnet
from samples import same_files, write_blobs, write_config

from deepnet_cli.cli.main import COMMANDS, run
from deepnet_cli.cli.say import in_shell
from deepnet_cli.report.curves import cost_picture
from deepnet_cli.training.loop.history import History

EVIL = "e\x1b[31m\r\a\u202e\x9b'\"\\$x\n"
"""ESC, CR, BEL, a control for text from right to left, CSI in one byte, and what shells know."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config, data and a run of all of them."""
    folder = tmp_path_factory.mktemp("place")
    write_blobs(folder / "blobs.h5")
    write_config(folder / "c.yaml", training={"iterations": 5})
    assert deepnet("train", folder / "c.yaml", "--run-dir", folder / "a", "-q").code == 0
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place


PRINTING: dict[str, tuple[str, ...]] = {
    "predict": ("predict", "a", "blobs.h5"),
    "predict --json": ("predict", "a", "blobs.h5", "--json"),
    "evaluate": ("evaluate", "a", "blobs.h5", "--no-intervals"),
    "plot --terminal": ("plot", "a", "--terminal"),
    "explain": ("explain", "c.yaml"),
    "gradcheck": ("gradcheck", "c.yaml"),
    "schema": ("schema",),
    "schema --reference": ("schema", "--reference"),
    "train --dry-run": ("train", "c.yaml", "--dry-run"),
    "--help": ("--help",),
    "train --help": ("train", "--help"),
    "--version": ("--version",),
}
"""Whose result is what is printed."""

WRITING: dict[str, tuple[str, ...]] = {
    "train": ("train", "c.yaml", "-q", "--run-dir"),
    "train --json": ("train", "c.yaml", "-q", "--json", "--run-dir"),
    "cv": ("cv", "c.yaml", "-q", "--folds", "2", "--run-dir"),
}
"""Whose result is what they write, in the directory that is named."""


class Broken(RawIOBase):
    """A place that takes nothing."""

    def __init__(self, code: int) -> None:
        self.code = code

    def writable(self) -> bool:
        return True

    def write(self, _: Any) -> int:
        raise OSError(self.code, os.strerror(self.code))


def printed_to(code: int, command: tuple[str, ...]) -> Result:
    """Run a command whose stdout refuses all; fd 1 is as it was, then."""
    broken: Any = Broken(code)
    out = TextIOWrapper(broken, "utf-8", write_through=True)
    err, stdout, argv = StringIO(), os.dup(1), sys.argv
    sys.argv = ["deepnet", *command]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            ended = run()
    finally:
        sys.argv = argv
        os.dup2(stdout, 1)
        os.close(stdout)
        out.detach()
    return Result(ended, "", err.getvalue())


@pytest.mark.parametrize("command", PRINTING.values(), ids=PRINTING)
def test_a_reader_who_leaves_ends_what_only_prints(here: Path, command: tuple[str, ...]) -> None:
    result = printed_to(errno.EPIPE, command)
    assert result.code == 141
    assert "next" not in result.err


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_a_reader_who_leaves_misses_nothing_of_what_is_written(
    here: Path, command: tuple[str, ...]
) -> None:
    result = printed_to(errno.EPIPE, (*command, "b"))
    assert result.code == 0
    assert_written(here, command)


def assert_written(here: Path, command: tuple[str, ...]) -> None:
    """All of it is in `b`, which is removed."""
    if command[0] == "train":
        same_files(here / "a", here / "b")
    else:
        assert (here / "b" / "cv.json").exists()
    shutil.rmtree(here / "b")


@pytest.mark.parametrize("command", [*PRINTING.values(), *WRITING.values()], ids=" ".join)
def test_a_full_disk_is_told(here: Path, command: tuple[str, ...]) -> None:
    writes = command[-1] == "--run-dir"
    result = printed_to(errno.ENOSPC, (*command, "b") if writes else command)
    assert result.code == 6
    assert "standard output: cannot write: no space left on device" in result.err
    if writes:
        assert_written(here, command)


# Names


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, config, data file, datasets and classes of this name."""
    folder = tmp_path / EVIL
    folder.mkdir()
    monkeypatch.chdir(folder)
    rng = np.random.default_rng(0)
    with h5py.File(f"{EVIL}.h5", "w") as file:
        file[f"x{EVIL}"] = rng.normal(size=(30, 4))
        names = [f"k{i}{EVIL}" for i in range(3)]
        file[f"y{EVIL}"] = np.array(names * 10, dtype=h5py.string_dtype())
    data = {"train": {"file": f"{EVIL}.h5", "x": f"x{EVIL}", "y": f"y{EVIL}"}}
    config = write_config(folder / "c", data=data, training={"iterations": 3})
    config.rename(f"{EVIL}.yaml")
    with Path(f"{EVIL}.csv").open("w", newline="") as table:
        rows = [[k, f"c{k % 2}{EVIL}", f"k{k % 3}{EVIL}"] for k in range(30)]
        csv.writer(table).writerows([[f"{name}{EVIL}" for name in "acy"], *rows])
    Path(f"{EVIL}.py").write_text(f"raise ValueError({EVIL!r})\n")
    tree = yaml.safe_load(Path(f"{EVIL}.yaml").read_text())
    Path("unknown.yaml").write_text(yaml.safe_dump(tree | {f"key{EVIL}": 1}))
    return folder


DIVERGING = ("--set", "training.learning_rate=1e38", "--set", "training.iterations=50")

NAMED: list[tuple[int, str, tuple[str, ...]]] = [
    (0, "train", (f"{EVIL}.yaml", "--run-dir", f"a{EVIL}")),
    (2, "train", ("--resume", f"a{EVIL}")),
    (2, "train", (f"{EVIL}.yaml", "--run-dir", f"a{EVIL}")),
    (0, "train", (f"{EVIL}.yaml", "--dry-run")),
    (2, "train", ("unknown.yaml",)),
    (2, "train", (f"{EVIL}.yaml", "--set", f"a{EVIL}=1")),
    (2, "train", (f"{EVIL}.yaml", "--set", f"name={EVIL}")),
    (2, "train", (f"{EVIL}.yaml", "--code", f"{EVIL}.py")),
    (2, "train", (f"{EVIL}.yaml", EVIL)),
    (2, "train", (f"--{EVIL}",)),
    (2, "train", (f"gone{EVIL}",)),
    (3, "train", ("--resume", f"gone{EVIL}")),
    (0, "predict", (f"a{EVIL}", f"{EVIL}.h5", "-o", f"o{EVIL}.csv")),
    (0, "predict", (f"a{EVIL}", f"{EVIL}.h5", "--json")),
    (2, "predict", (f"a{EVIL}", f"{EVIL}.h5", "-o", f"o{EVIL}")),
    (0, "evaluate", (f"a{EVIL}", f"{EVIL}.h5", "--x", f"x{EVIL}", "--no-intervals")),
    (3, "evaluate", (f"a{EVIL}", f"{EVIL}.h5", "--x", f"z{EVIL}")),
    (0, "cv", (f"{EVIL}.yaml", "--folds", "2", "--run-dir", f"cv{EVIL}")),
    (2, "cv", (f"{EVIL}.yaml", "--folds", EVIL)),
    (0, "plot", (f"a{EVIL}", "-o", f"p{EVIL}.svg")),
    (0, "plot", (f"a{EVIL}", "--data", f"{EVIL}.h5", "--x", f"x{EVIL}", "--terminal")),
    (2, "plot", (f"a{EVIL}", "-o", f"p{EVIL}")),
    (0, "report", (f"a{EVIL}", "-o", f"p{EVIL}.html")),
    (0, "report", (f"a{EVIL}", f"a{EVIL}", "-o", f"p{EVIL}.html")),
    (2, "report", (f"a{EVIL}", "-o", f"p{EVIL}")),
    (3, "report", (f"gone{EVIL}",)),
    (0, "check", (f"{EVIL}.yaml",)),
    (0, "lr-find", (f"{EVIL}.yaml", "-o", f"r{EVIL}.svg")),
    (2, "lr-find", (f"{EVIL}.yaml", "-o", f"r{EVIL}")),
    (0, "lr-find", (f"{EVIL}.yaml", "--write")),
    (0, "explain", (f"{EVIL}.yaml",)),
    (0, "gradcheck", (f"a{EVIL}",)),
    (0, "inspect", (f"a{EVIL}",)),
    (0, "inspect", (f"a{EVIL}/model.h5",)),
    (0, "inspect", (f"{EVIL}.h5",)),
    (3, "inspect", (f"{EVIL}.h5", "--x", f"z{EVIL}")),
    (0, "init", (f"{EVIL}.h5", "-o", f"n{EVIL}.yaml")),
    (0, "init", (f"{EVIL}.h5", "-o", "-", "--json")),
    (2, "init", (f"{EVIL}.h5", "-o", f"n{EVIL}.yaml")),
    (0, "convert", (f"{EVIL}.csv", f"o{EVIL}.h5")),
    (0, "convert", (f"{EVIL}.csv", f"p{EVIL}.h5", "--json", "--like", f"o{EVIL}.h5")),
    (2, "convert", (f"{EVIL}.csv", f"p{EVIL}.h5")),
    (2, "convert", (f"{EVIL}.csv", f"q{EVIL}.h5", "--drop", EVIL)),
    (0, "convert", (f"{EVIL}.h5", f"o{EVIL}.npy", "--only", f"y{EVIL}", "--only", f"x{EVIL}")),
    (0, "convert", (f"{EVIL}.h5", f"r{EVIL}.csv")),
    (4, "train", (f"{EVIL}.yaml", *DIVERGING, "--run-dir", f"d{EVIL}")),
    (0, "replay", (f"d{EVIL}",)),
    (3, "replay", (f"a{EVIL}",)),
    (0, "reproduce", (f"a{EVIL}", "--run-dir", f"r{EVIL}")),
    (3, "reproduce", (f"gone{EVIL}",)),
    (0, "runs", (".",)),
    (0, "runs", (f"a{EVIL}", f"d{EVIL}", "--json")),
    (2, "runs", (".", "--sort", EVIL)),
    (3, "runs", (f"gone{EVIL}",)),
    (0, "compare", (f"a{EVIL}", f"r{EVIL}", "--data", f"{EVIL}.h5")),
    (3, "compare", (f"a{EVIL}", f"gone{EVIL}", "--part", "train")),
    (2, "selftest", ("--dir", f"gone{EVIL}")),
    (2, f"no{EVIL}", ()),
]
"""Each place where a name can be given, and the exit code."""


def test_no_name_drives_a_terminal(evil: Path) -> None:
    for code, command, words in NAMED:
        result = deepnet(command, *words)
        assert result.code == code, result.err
        for line in (result.out + result.err).split("\n"):
            assert line.isprintable(), (command, line)
    assert {command for _, command, _ in NAMED} >= set(COMMANDS) - {"schema", "time"}


def test_a_name_of_formulas_is_drawn_as_it_is() -> None:
    """A title is no formula, and no reason for a warning where its font lacks a letter."""
    for name in ("a$_$", "$x", "日本"):
        assert cost_picture(History([{"iteration": 0, "cost": 1.0}]), name).startswith(b"\x89PNG")


WORDS = ["plain", "two words", "it's", "ä", "", EVIL, "\udcff.yaml", "~", "!x", "a\\'b\x01", "*"]


def test_a_word_is_typed_so_that_a_shell_reads_it_back() -> None:
    typed = in_shell(*WORDS)
    assert typed.isprintable()
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {typed}".encode()], capture_output=True, check=True
    )
    assert done.stdout.split(b"\0")[:-1] == [os.fsencode(word) for word in WORDS]


@pytest.fixture(autouse=True)
def no_crash_file() -> Iterator[None]:
    yield
    assert not list(Path.cwd().glob("deepnet-crash-*"))

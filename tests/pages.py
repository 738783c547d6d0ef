"""A page of the docs as what a reader would do with it: write its files, type its commands.

    ```console          each line after `$ ` is typed, in order, in a copy of data/ and configs/;
                        what stands below is its output: `...` stands for any lines, or the rest of
                        a word, and nothing is compared where nothing is shown
    # exit code N       behind a command: what it ends with, where that is not 0
    ```pycon            typed at Python's prompt, compared as doctest does

A comment on the line above a block, which a reader does not see:

    <!-- file: NAME -->       the block is the content of a file
    <!-- first: COMMAND -->   typed before, for what a reader has already
    <!-- not run: REASON -->  the block is left alone

    python tests/pages.py PAGE    puts what is said now in the place of what is shown in whole
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np

from deepnet_cli.cli.main import run

ROOT = Path(__file__).parents[1]

PARTS = re.compile(
    r"^<!-- (?P<word>first|file|not run): (?P<said>.+?) -->$"
    r"|^```(?P<language>\w*)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
EXIT = re.compile(r"#.*?exit code (\d+)\s*$")
SHELL = re.compile(r"[|<>;&]")
NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?")
MEASURED = re.compile(
    rf"(?:{NUMBER.pattern})\s?(?:s|ms|us|min|h|(?:[KMG]i?)?B(?:/s)?|GFLOP/s|examples/s)(?!\w)"
)
"""Times, sizes and speeds, which are not the same twice."""

HARMLESS = {"deepnet", "cat", "cp", "echo", "head", "ls", "sed"}
"""All that a page may have run: an installation, for one, is none of ours."""

TIMES = re.compile(r"\b(?:seconds|left)\b")
"""Heads of columns of a table, which are flush right."""

NEAR = 0.1
"""Between two numbers that training has made on two machines, relative."""

NOISE = 1e-6
"""Numbers below are rounding."""


@dataclass(frozen=True)
class Block:
    """A stretch of a page: `console`, `pycon`, `first` or `file`."""

    kind: str
    body: str
    name: str = ""


def blocks(page: Path) -> list[Block]:
    """What there is to be done with a page, in order."""
    found, above = list[Block](), ("", "")
    for part in PARTS.finditer(page.read_text()):
        if part["word"] == "first":
            found.append(Block("first", f"$ {part['said']}\n"))
        elif part["word"]:
            above = part["word"], part["said"]
        else:
            word, said = above
            above = "", ""
            if word == "file":
                found.append(Block("file", part["body"], said))
            elif part["language"] in ("console", "pycon") and not word:
                found.append(Block(part["language"], part["body"]))
    return found


def copied(folder: Path) -> None:
    """The repository's data and configs, to write beside."""
    for name in ("data", "configs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def commands(body: str) -> list[tuple[str, int, list[str]]]:
    """Each command of a console block, its exit code and the output that is shown."""
    found: list[tuple[str, int, list[str]]] = []
    for line in body.rstrip("\n").replace("\\\n", "\\\r").split("\n"):
        if line.startswith("$ "):
            code = EXIT.search(line)
            found.append((line[2:].replace("\r", "\n"), int(code[1]) if code else 0, []))
        elif found:
            found[-1][2].append(line)
    return found


def type_all(block: Block) -> None:
    """Type the commands of a block, and hold what they say against what is shown."""
    for command, code, shown in commands(block.body):
        ended, told = typed(command)
        assert ended == code, f"$ {command}\n{told}"
        if block.kind != "first" and any(line.strip() for line in shown):
            assert alike(shown, told.splitlines()), f"$ {command}\n{told}\n-- shown:\n" + "\n".join(
                shown
            )


def typed(command: str) -> tuple[int, str]:
    """The exit code and all output of a line in a shell; deepnet alone runs in this process."""
    command = command.replace("\\\n", " ")
    words = shlex.split(command, comments=True)
    programs = [each.split()[0] for each in re.split(r"[|;]|&&", command.partition(" #")[0])]
    strange = {*programs} - HARMLESS
    assert not strange, (
        f"$ {command}\nis not run here: put <!-- not run: REASON --> above its block"
    )
    if SHELL.search(command.partition(" #")[0]) or words[0] != "deepnet":
        defined = f'deepnet() {{ {shlex.quote(sys.executable)} -m deepnet_cli "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-c", defined + command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        return done.returncode, done.stdout
    screen = TextIOWrapper(BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    before, stdout = sys.argv, os.dup(1)
    sys.argv = words
    try:
        with (
            np.errstate(divide="warn", over="warn", invalid="warn"),
            redirect_stdout(screen),
            redirect_stderr(screen),
        ):
            code = run()
    finally:
        sys.argv = before
        os.dup2(stdout, 1)
        os.close(stdout)
    buffer = screen.buffer
    assert isinstance(buffer, BytesIO)
    return code, buffer.getvalue().decode()


def alike(shown: list[str], told: list[str]) -> bool:
    """Whether output is what a page shows."""
    shown, told = (untimed([line.rstrip() for line in x if line.strip()]) for x in (shown, told))
    stretches = list[list[str]]([[]])
    for line in shown:
        if line.strip() == "...":
            stretches.append([])
        else:
            stretches[-1].append(line)
    first, last = stretches[0], stretches[-1]
    if len(stretches) == 1:
        return len(shown) == len(told) and _same(shown, told)
    if not _same(first, told[: len(first)]):
        return False
    at, end = len(first), len(told) - len(last)
    for stretch in stretches[1:-1]:
        places = range(at, end - len(stretch) + 1)
        found = next((i for i in places if _same(stretch, told[i : i + len(stretch)])), None)
        if found is None:
            return False
        at = found + len(stretch)
    return end >= at and _same(last, told[end:])


def untimed(lines: list[str]) -> list[str]:
    """With # for what stands in a column of times."""
    ends, found = set[int](), list[str]()
    for line in lines:
        ends = {head.end() for head in TIMES.finditer(line)} or ends
        for end in ends:
            start = line.rfind(" ", 0, end) + 1
            if NUMBER.fullmatch(line[start:end]):
                line = f"{line[:start]}{'#':>{end - start}}{line[end:]}"
        found.append(line)
    return found


def _same(shown: list[str], told: list[str]) -> bool:
    return len(shown) == len(told) and all(map(same_line, shown, told))


def same_line(shown: str, told: str) -> bool:
    """The same words, and numbers that are near each other; `...` is the rest of a line."""
    head, cut, _ = shown.partition("...")
    one, other = _words(head), _words(told)
    if cut and len(other) > len(one):
        other = other[: len(one)]
    return len(one) == len(other) and all(map(_same_word, one, other))


def _words(line: str) -> list[str]:
    """Its words and numbers, apart; what was measured as #."""
    spaced = NUMBER.sub(lambda number: f" {number[0]} ", MEASURED.sub("#", line))
    return spaced.split()


def _same_word(one: str, other: str) -> bool:
    if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(other)):
        return one == other
    a, b = (float(word.replace(",", "")) for word in (one, other))
    return abs(a - b) <= max(NEAR * max(abs(a), abs(b)), NOISE)


def retyped(page: Path) -> str:
    """The page with what its commands say now, but where `...` leaves some of it out.

    The working directory is one that commands may write in.
    """
    text = page.read_text()
    for block in blocks(page):
        if block.kind == "file":
            Path(block.name).write_text(block.body)
        if block.kind not in ("console", "first"):
            continue
        lines = []
        for command, _, shown in commands(block.body):
            said = typed(command)[1].rstrip("\n").splitlines()
            whole = shown and "..." not in shown
            lines += [f"$ {command}", *(said if whole else shown)]
        if block.kind == "console":
            text = text.replace(block.body, "\n".join(lines) + "\n", 1)
    return text


def main() -> None:
    """Retype the pages that are named."""
    os.environ["COLUMNS"] = "80"
    for page in [Path(name).absolute() for name in sys.argv[1:]]:
        with tempfile.TemporaryDirectory() as folder:
            copied(Path(folder))
            os.chdir(folder)
            text = retyped(page)
            os.chdir(ROOT)
        page.write_text(text)


if __name__ == "__main__":
    main()

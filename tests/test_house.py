"""The house: what each room may import, and what a command's first second costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import deepnet_cli
from deepnet_cli.cli.main import COMMANDS, command_named

ROOT = Path(deepnet_cli.__file__).parent
ROOMS = ["fused", "nn", "blas", "optim", "data", "config", "training", "report", "cli", "api"]
"""From the ground up: a room imports only from lower ones."""

GROUND = {"disk", "errors", "files", "folders", "randomness", "memory", "signals", "threads"}
"""Single files that stand under every room, and import only each other."""

OUTSIDE = {
    "fused": {"numpy", "llvmlite"},
    "nn": {"numpy", "scipy"},
    "blas": {"numpy"},
    "optim": {"numpy"},
    "data": {"numpy", "h5py", "scipy", "pyarrow"},
    "config": {"numpy", "yaml", "pydantic", "pydantic_core"},
    "training": {"numpy", "h5py", "tensorboard"},
    "report": {"numpy", "matplotlib"},
    "cli": {"click", "tqdm"},
    "api": {"numpy", "pandas", "sklearn"},
}
"""What a room may import from outside the standard library."""

MODULES = sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever in the file it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def room(name: str) -> str:
    """'deepnet_cli.nn.losses' -> 'nn'"""
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    here = path.relative_to(ROOT).parts[0].removesuffix(".py")
    ours = {room(name) for name in imports(path) if name.startswith("deepnet_cli.")}
    if here in GROUND:
        assert ours <= GROUND
    elif here in ROOMS:
        allowed = set(ROOMS[: ROOMS.index(here) + 1]) | (
            GROUND if here not in ("nn", "optim") else set()
        )
        assert ours <= allowed
        outside = {name.split(".")[0] for name in imports(path)} - {"deepnet_cli"}
        assert outside - set(sys.stdlib_module_names) <= OUTSIDE[here]


WITHIN = {
    "data": ["files", "reading", "dealing", "encoding", "describing", "convert"],
    "training": ["loop", "figures", "kept", "run", "results", "timing", "checking", "selftest"],
}
"""The rooms within a room, likewise; what stands beside them sees the first alone."""

INNER = [path for room in WITHIN for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("path", INNER, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down_within_a_room(path: Path) -> None:
    room, here = path.relative_to(ROOT).parts[:2]
    inner = WITHIN[room]
    upto = inner.index(here) if here in inner else 0
    names = {n.split(".")[2] for n in imports(path) if n.startswith(f"deepnet_cli.{room}.")}
    if path.stem == "guards":  # of a file in another format, how it is converted
        names -= {"convert"}
    assert names & set(inner) <= set(inner[: upto + 1])


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_of_a_readable_size_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 250
    assert ast.get_docstring(ast.parse(text))


WRITES = re.compile(
    r"""(?:open|File)\(.*?["'](?:[wax]b?|r\+b?|w\+b)["']|O_CREAT|\.write_(?:text|bytes)\("""
    r"""|np\.save|\.tofile\(|\.(?:mkdir|rename|symlink_to|touch)\(|temporary\.replace\("""
)
"""What makes or changes a file or directory."""

WRITERS = {
    "data/convert/writing_numpy.py": "archives, into a file of the one writer's",
    "data/files/conventions.py": "told, not done: how another program writes what is read here",
    "data/files/hdf5.py": "HDF5 in memory",
    "files.py": "the one writer",
    "folders.py": "new folders",
    "fused/native.py": "the folder of what was compiled",
    "training/kept/lock.py": "the lock",
    "training/kept/logs.py": "rows at the end of a log",
}

PRINTS = re.compile(r"\b(?:print|click\.s?echo|std(?:out|err)\.write)\(")


def having(pattern: re.Pattern[str]) -> set[str]:
    """The files in which there is such code."""
    return {str(path.relative_to(ROOT)) for path in MODULES if pattern.search(path.read_text())}


def test_one_writer() -> None:
    assert having(WRITES) == WRITERS.keys()


def test_one_printer() -> None:
    """So that no name drives a terminal, and whatever a stream says is met in one way."""
    assert having(PRINTS) == {"cli/say.py", "cli/progress.py"}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_sentence_and_an_example(name: str) -> None:
    command = command_named(name)
    assert command.help is not None
    assert command.help.split("\n\n")[0].startswith(COMMANDS[name].rstrip("."))
    assert f"deepnet {name}" in command.help.split("Example:")[1]


def imported(*arguments: str) -> set[str]:
    """The modules, and the packages that they are of, which a command imports."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "deepnet_cli", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.split("|")[-1].strip() for line in run.stderr.splitlines()}
    return names | {name.split(".")[0] for name in names}


def test_help_imports_nothing_heavy() -> None:
    modules = imported("--help")
    assert "click" in modules
    assert not modules & {"numpy", "h5py", "matplotlib", "pydantic", "yaml", "tqdm", "scipy"}


def test_training_imports_what_it_needs(tmp_path: Path) -> None:
    config = ROOT.parent / "configs" / "digits.yaml"
    short = ["training.epochs=1", "output.plots=false", f"output.directory={tmp_path}"]
    modules = imported("train", str(config), *(word for key in short for word in ("--set", key)))
    assert {"numpy", "h5py", "deepnet_cli.training.run.session"} <= modules
    assert not modules & {"matplotlib", "scipy", "tqdm", "multiprocessing", "numpy.ma"}
    assert not modules & {"deepnet_cli.config.code", "deepnet_cli.nn.grid"}


def test_a_foreign_module_in_the_working_directory_is_not_run(tmp_path: Path) -> None:
    for name in ("yaml", "click", "numpy", "signal", "enum"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a stranger ran')\n")
    run = subprocess.run(
        [sys.executable, "-m", "deepnet_cli", "train", "missing.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "no such file" in run.stderr

"""A file that is read gives its own bytes and no others, and runs nothing."""

import ctypes
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import LAYERS, config, deepnet, train_small

from deepnet_cli.training.kept.sealed import sealed

X = np.random.default_rng(8).normal(size=(12, 4))
Y = np.arange(12) % 3
ELSEWHERE = "elsewhere"
OTHER, RAW = f"{ELSEWHERE}/other.h5", f"{ELSEWHERE}/raw.bin"
IN_OPEN = 0x20

Fill = Callable[[Any], object]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_small(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work beside a folder whose files nobody has named."""
    monkeypatch.chdir(tmp_path)
    Path(ELSEWHERE).mkdir()
    with h5py.File(OTHER, "w") as file:
        file["x"], file["y"] = X, Y
        file["W1"] = np.ones((4, 4), "f4")
    Path(RAW).write_bytes(X.tobytes())


@contextmanager
def watched() -> Iterator[Callable[[], bool]]:
    """Whether anybody, of any process, has opened a file elsewhere since it was last asked: the
    kernel tells.
    """
    libc = ctypes.CDLL(None)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(descriptor, ELSEWHERE.encode(), IN_OPEN) >= 0

    def opened() -> bool:
        try:
            return bool(os.read(descriptor, 2**16))
        except BlockingIOError:
            return False

    try:
        yield opened
    finally:
        os.close(descriptor)


def external_storage(*files: str) -> Fill:
    """x as raw bytes, a part of it in each of these files."""
    size = X.nbytes // len(files)
    parts = [(file, k * size, size) for k, file in enumerate(files)]
    return lambda f: f.create_dataset("x", X.shape, "f8", external=parts)


def virtual(source: str, name: str = "x") -> Fill:
    """x as a window onto a dataset of another file."""

    def fill(f: Any) -> None:
        layout = h5py.VirtualLayout(X.shape, "f8")
        layout[...] = h5py.VirtualSource(source, name, X.shape)
        f.create_virtual_dataset("x", layout)

    return fill


def virtual_twice(f: Any) -> None:
    """x as a window onto a dataset of this file, which is one onto another file."""
    virtual(OTHER)(f)
    f.move("x", "inner")
    virtual(".", "inner")(f)


def virtual_in_part(f: Any) -> None:
    """Half of x stands in this file."""
    f["half"] = X[:6]
    layout = h5py.VirtualLayout(X.shape, "f8")
    layout[:6] = h5py.VirtualSource(".", "half", (6, 4))
    layout[6:] = h5py.VirtualSource(OTHER, "x", X.shape)[6:]
    f.create_virtual_dataset("x", layout)


def link(name: str, path: str, to: str = OTHER) -> Fill:
    """A link to another file."""
    return lambda f: f.__setitem__(name, h5py.ExternalLink(to, path))


def through(name: str, *links: tuple[str, str]) -> Fill:
    """Soft links that lead through a group of another file."""

    def fill(f: Any) -> None:
        f["out"] = h5py.ExternalLink(OTHER, "/")
        for at, to in links:
            f[at] = h5py.SoftLink(to)

    return fill


DATA: dict[str, tuple[Fill, str]] = {
    "external link": (link("x", "/x"), "x"),
    "external link by its whole path": (
        lambda f: f.__setitem__("x", h5py.ExternalLink(str(Path(OTHER).absolute()), "/x")),
        "x",
    ),
    "external link in a group": (link("a/b/x", "/x"), "a/b/x"),
    "group that is an external link": (link("out", "/"), "out/x"),
    "soft link through an external link": (through("x", ("x", "/out/x")), "x"),
    "soft link to a soft link": (through("x", ("x", "/z"), ("z", "/out/x")), "x"),
    "external storage": (external_storage(RAW), "x"),
    "external storage by its whole path": (
        lambda f: external_storage(str(Path(RAW).absolute()))(f),
        "x",
    ),
    "external storage in two files": (external_storage(RAW, RAW), "x"),
    "virtual dataset": (virtual(OTHER), "x"),
    "virtual dataset of a virtual dataset": (virtual_twice, "x"),
    "virtual dataset in part": (virtual_in_part, "x"),
}
"""How a file points elsewhere, and by which name its x is asked for."""


@pytest.mark.parametrize(("fill", "name"), DATA.values(), ids=DATA)
def test_data_that_stand_in_another_file(fill: Fill, name: str, run: Path) -> None:
    with h5py.File("bad.h5", "w") as file:
        fill(file)
        file["y"] = Y
    Path("named.yaml").write_text(config(data=f"train: {{file: bad.h5, x: {name}, y: y}}"))
    Path("found.yaml").write_text(config(data="train: bad.h5"))
    with watched() as opened:
        for words in (
            ("train", "named.yaml", "-q"),
            ("train", "found.yaml", "-q"),
            ("predict", run, "bad.h5", "--x", name),
            ("evaluate", run, "bad.h5", "--x", name),
            ("inspect", "bad.h5", "--x", name),
            ("inspect", "bad.h5"),
            ("init", "bad.h5", "-o", "-"),
            ("convert", "bad.h5", "out.csv"),
        ):
            assert deepnet(*words).code == 3, words
            assert not opened(), words
        with h5py.File("bad.h5") as file:
            np.testing.assert_array_equal(file[name][()], X)
        assert opened()


MODELS: dict[str, Fill] = {
    "external link": link("parameters/W1", "/W1"),
    "external group": link("parameters", "/"),
    "external storage": lambda f: f.create_dataset(
        "parameters/W1", (4, 4), "f4", external=[(RAW, 0, 64)]
    ),
    "virtual": lambda f: (virtual(OTHER)(f), f.move("x", "parameters/W1")),
}
"""Where a model's W1 stands."""


@pytest.mark.parametrize("fill", MODELS.values(), ids=MODELS)
def test_a_model_that_stands_in_another_file(fill: Fill, run: Path) -> None:
    def forge(file: Any) -> None:
        with h5py.File(run / "model.h5") as good:
            for name in good:
                good.copy(name, file)
            file.attrs.update(good.attrs)
        if fill is MODELS["external group"]:
            del file["parameters"]
        else:
            del file["parameters/W1"]
        fill(file)

    Path("model.h5").write_bytes(sealed("model", forge))
    data = run.parent / "train.h5"
    start = f"{LAYERS}\ninitial_parameters: model.h5"
    Path("start.yaml").write_text(config(data=f"train: {data}", model=start))
    with watched() as opened:
        for words in (
            ("predict", "model.h5", data),
            ("inspect", "model.h5"),
            ("gradcheck", "model.h5", "--data", data),
            ("train", "start.yaml", "-q"),
        ):
            assert deepnet(*words).code == 3, words
            assert not opened(), words


# What Python itself tells when something is run


RUN = (
    *("compile", "exec", "import", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"),
    *("os.spawn", "socket.connect", "socket.bind", "socket.getaddrinfo", "ctypes.dlopen"),
    *("pickle.find_class", "marshal.loads", "code.__new__", "urllib.Request"),
)
"""Of Python's audit events; a process of its own that reads HDF5 is a fork, and allowed."""

heard: list[tuple[object, ...]] = []
listening: list[bool] = []


def _hear(event: str, words: tuple[object, ...]) -> None:
    if listening and event in RUN:
        if event == "pickle.find_class" and str(words[0]).split(".")[0] in ("numpy", "deepnet_cli"):
            return  # what the process that reads HDF5 answers
        heard.append((event, *words[:1]))


@pytest.fixture(scope="module")
def hook() -> None:
    sys.addaudithook(_hear)  # for good


class Harm:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("harm",)


BAD: dict[str, bytes] = {
    "tag": b"data: !!python/object/apply:os.mkdir [harm]\n",
    "new": b"data: !!python/object/new:os.mkdir {args: [harm]}\n",
    "module": b"data: !!python/module:harm\n",
    "name": b"data: !!python/name:os.mkdir\n",
    "alias": b"a: &a [x]\nb: *a\n",
    "merge": b"<<: {a: 1}\n",
    "directive": b"%TAG ! tag:yaml.org,2002:python/\n---\ndata: !object/apply:os.mkdir [harm]\n",
    "expression": b"data: {train: '${harm}'}\nmodel: {layers: '__import__(1).mkdir(2)'}\n",
    "url": b"data: {train: 'http://localhost/x.h5'}\nmodel: {layers: [3]}\n",
    "url of a file": b"data: {train: 'file:///etc/passwd'}\nmodel: {layers: [3]}\n",
    "pickle": pickle.dumps(Harm()),
    "pickle in an HDF5 file": sealed("model", lambda f: f.attrs.update({"config": "a: 1"})),
    "array of objects": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'shape': (1,), }",
    "zip": b"PK\x03\x04" + bytes(60),
    "Python": b"import os\nos.mkdir('harm')\n",
}
"""What would be glad to run, as a config, a data file, a model and a run."""


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_nothing_runs(content: bytes, run: Path, hook: None) -> None:
    Path("bad").write_bytes(content)
    Path("c.yaml").write_text(config(data="train: bad"))
    Path("harm.py").write_text("raise SystemExit('ran')")
    commands = (
        ("train", "bad", "-q"),
        ("train", "c.yaml", "-q"),
        ("train", "--resume", "bad"),
        ("gradcheck", "bad"),
        ("predict", "bad", run.parent / "train.h5"),
        ("predict", run, "bad"),
        ("inspect", "bad"),
        ("init", "bad", "-o", "-"),
    )
    for words in commands:
        assert deepnet(*words).code in (2, 3), words  # and imports what it needs to say so
    listening.append(True)
    try:
        for words in commands:
            deepnet(*words)
    finally:
        listening.clear()
    assert heard == []
    assert not Path("harm").exists()


def test_the_hook_hears(hook: None) -> None:
    listening.append(True)
    try:
        pickle.loads(pickle.dumps(Harm()))
        __import__("this_is_no_module_at_all", fromlist=["x"])
    except ImportError:
        pass
    finally:
        listening.clear()
    told = {event for event, _ in heard}
    heard.clear()
    assert {"pickle.find_class", "import"} <= told

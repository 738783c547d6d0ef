"""`deepnet convert` as it is typed: what it says, what it refuses, and what it leaves behind."""

import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import LAYERS, assert_refused, assert_says, config, deepnet
from samples import largest_file

import deepnet_cli
from deepnet_cli.cli.convert import Bar
from deepnet_cli.data.convert import arrow, extras, images
from deepnet_cli.data.files.sink import Sink

IRIS = "length,width,kind\n" + "".join(f"{k / 10},{k},{'ab'[k % 2]}\n" for k in range(30))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("iris.csv").write_text(IRIS)


def names() -> list[str]:
    return sorted(path.name for path in Path.cwd().iterdir())


# What it says


def test_what_was_made_is_told_and_trains() -> None:
    result = deepnet("convert", "iris.csv", "iris.h5")
    assert result.code == 0, result.err
    assert_says(
        result.err,
        ["iris.csv: 30 rows of 3 columns between commas, with a header", "y is 'kind', the last",
         "--label", "next: deepnet init iris.h5"],
    )  # fmt: skip
    assert_says(result.out, ["x (30, 2) float32", "y (30,) uint8, 2 classes: a 15, b 15"])
    assert all(len(line) <= 90 for line in (result.out + result.err).splitlines())
    Path("c.yaml").write_text(config("train: iris.h5", LAYERS.replace("3]", "2]")))
    trained = deepnet("train", "c.yaml", "--run-dir", "run", "-q")
    assert trained.code == 0, trained.err
    predicted = deepnet("predict", "run", "iris.h5")
    assert predicted.out.splitlines()[0] == "prediction,probability_a,probability_b"


def test_classes_of_flags_are_counted_by_name() -> None:
    with h5py.File("a.h5", "w") as file:
        file["x"], file["y"] = np.zeros((5, 2)), np.array([1, 0, 1, 1, 0], bool)
        file["class_names"] = ["no", "yes"]
    assert "2 classes: no 2, yes 3" in deepnet("convert", "a.h5", "b.h5", "--rechunk").out


def test_what_to_do_next_is_what_the_file_is_for() -> None:
    """Examples to predict for are no training data."""
    assert "next: deepnet init a.h5" in deepnet("convert", "iris.csv", "a.h5").err
    for args in (["--like", "a.h5"], ["--drop", "kind", "--no-label"]):
        result = deepnet("convert", "iris.csv", "b.h5", *args, "--force")
        assert "next: deepnet predict RUN b.h5" in result.err
        assert "deepnet init" not in result.err


def test_as_json() -> None:
    result = deepnet("convert", "iris.csv", "iris.h5", "--json")
    found = json.loads(result.out)
    assert found["file"] == "iris.h5"
    assert found["datasets"]["x"] == {"shape": [30, 2], "dtype": "float32"}
    assert found["datasets"]["y"]["classes"] == {"a": 15, "b": 15}
    assert found["bytes_read"] == len(IRIS)
    assert found["bytes_written"] == Path("iris.h5").stat().st_size


def test_an_output_that_is_there_is_kept() -> None:
    Path("out.h5").write_bytes(b"mine")
    assert_refused(deepnet("convert", "iris.csv", "out.h5"), 2, ["out.h5", "is there", "--force"])
    assert Path("out.h5").read_bytes() == b"mine"
    assert deepnet("convert", "iris.csv", "out.h5", "--force").code == 0
    assert h5py.is_hdf5("out.h5")


def test_the_same_file_twice_is_the_same_to_the_byte() -> None:
    for out in ("a.h5", "b.h5"):
        deepnet("convert", "iris.csv", out)
    assert Path("a.h5").read_bytes() == Path("b.h5").read_bytes()


def test_names_of_thirty_thousand_features_fit() -> None:
    n = 30_000
    head = ",".join(f"gene_{k}" for k in range(n))
    Path("wide.csv").write_text(f"{head},y\n" + f"{'0.5,' * n}1\n" * 2)
    assert deepnet("convert", "wide.csv", "wide.h5").code == 0
    with h5py.File("wide.h5") as file:
        assert file["x"].attrs["feature_names"][-1] == f"gene_{n - 1}"


# What training says of other formats


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("iris.csv", "deepnet convert iris.csv iris.h5"),
        ("a b.tsv", "deepnet convert 'a b.tsv' 'a b.h5'"),
        ("iris.csv.gz", "deepnet convert iris.csv.gz iris.h5"),
        ("m.npz", "deepnet convert m.npz m.h5"),
        ("t-images-idx3-ubyte", "deepnet convert t-images-idx3-ubyte t-images-idx3-ubyte.h5"),
        ("iris.h5", None),
        ("iris.png", None),
    ],
)
def test_training_on_another_format_says_what_to_type(name: str, typed: str | None) -> None:
    Path(name).write_text(IRIS)
    Path("c.yaml").write_text(config(f"train: '{name}'"))
    words = ["not an HDF5 file (it looks like text)", typed or "!deepnet convert"]
    assert_refused(deepnet("train", "c.yaml"), 3, words)
    if typed == "deepnet convert iris.csv iris.h5":
        assert deepnet(*typed.split()[1:]).code == 0


# Bad inputs

Maker = Callable[[], object]


def text(content: str, name: str = "bad.csv") -> Maker:
    return lambda: Path(name).write_text(content)


def raw(content: bytes, name: str) -> Maker:
    return lambda: Path(name).write_bytes(content)


def npy(head: str, values: bytes = b"") -> bytes:
    """An .npy whose head says anything."""
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + values


def archive(**members: bytes) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, member in members.items():
            file.writestr(f"{name}.npy", member)
    return content.getvalue()


def doubled() -> None:
    Path("bad.npz").write_bytes(archive(x=npy(GOOD, bytes(16))))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile("bad.npz", "a") as file:
        file.writestr("x.npy", npy(GOOD, bytes(16)))


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1)}\n"
HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000)}\n"
MANY = "a,y\n" + "1,0\n" * 20
FLOATS = "".join(f"{k}.5,0\n" for k in range(40))

BAD: dict[str, tuple[Maker, str, int, list[str]]] = {
    "nothing": (text(""), "bad.csv", 3, ["empty file"]),
    "blanks": (text("\n \n"), "bad.csv", 3, ["empty file"]),
    "a header": (text("a,b\n"), "bad.csv", 3, ["no row below its header", "--no-header"]),
    "a short row": (text("a,b\n1,2\n3\n"), "bad.csv", 3, ["line 3: 1 cell where", "has 2"]),
    "a long row": (text("a,b\n1,2\n\n3,4,5\n"), "bad.csv", 3, ["line 4: 3 cells"]),
    "a short quoted row": (text('a,b\n"1",2\n3\n'), "bad.csv", 3, ["line 3: 1 cell"]),
    "an open quote": (text('a,b\n1,"2\n3,4\n'), "bad.csv", 3, ["line 2", "not closed"]),
    "a far open quote": (text(MANY + '2,"3\n' + MANY * 3000), "bad.csv", 3, ["line 22", "closed"]),
    "an open quote in the header": (text('a,"b\n1,2\n'), "bad.csv", 3, ["bad.csv: no row"]),
    "behind a quote": (text('a,b\n1,"2"3\n'), "bad.csv", 3, ["line 2", "closing quote"]),
    "latin": (raw(b"a,b\n1,2\ncaf\xe9,2\n", "bad.csv"), "bad.csv", 3, ["line 3", "0xe9", "UTF-8"]),
    "latin, far below": (
        raw(MANY.encode() * 20_000 + b"\xe9,2\n", "bad.csv"),
        "bad.csv",
        3,
        ["line 420001", "0xe9"],
    ),
    "latin between quotes": (raw(b'a,b\n"\xe9",2\n', "bad.csv"), "bad.csv", 3, ["line 2", "0xe9"]),
    "utf-16": (raw("a,b\n1,2\n".encode("utf-16"), "bad.csv"), "bad.csv", 3, ["UTF-16", "as UTF-8"]),
    "null bytes": (raw(b"a,b\n1,\x002\n", "bad.csv"), "bad.csv", 3, ["line 2", "null byte"]),
    "old line ends": (raw(b"a,b\r1,2\r3,4\r", "bad.csv"), "bad.csv", 3, ["CR alone"]),
    "one endless line": (raw(b"1," * 20_000, "bad.csv"), "bad.csv", 3, ["bad.csv: "]),
    "a text among numbers": (
        text("a,y\n" + FLOATS + "tall,1\n"),
        "bad.csv",
        3,
        ["line 42", "'tall'", "'a'", "--missing tall", "--drop a"],
    ),
    "names": (
        text("id,a,y\n" + "".join(f"user{k},{k},0\n" for k in range(50))),
        "bad.csv",
        3,
        ["'id' holds 50 different texts", "--drop id", "!--drop a"],
    ),
    "no label": (
        text("a,y\n1,0\n2,\n"),
        "bad.csv",
        3,
        ["line 3", "no label", "1 such row", "--skip-unlabeled"],
    ),
    "labels of text, several": (
        text("a,b,y\n1,u,0\n2,v,1\n"),
        "bad.csv --label b --label y",
        3,
        ["'b' holds text"],
    ),
    "an unknown column": (
        text("age,y\n1,0\n"),
        "bad.csv --label aeg",
        2,
        ["no column 'aeg'", "did you mean 'age'"],
    ),
    "a column too far": (
        text("age,y\n1,0\n"),
        "bad.csv --drop 3",
        2,
        ["no column '3'", "'age', 'y'"],
    ),
    "nothing for x": (text("age,y\n1,0\n"), "bad.csv --drop age", 3, ["no column is left for x"]),
    "nothing in x": (text("age,y\n,0\n,1\n"), "bad.csv", 3, ["no column is left for x"]),
    "two minds": (text(MANY), "bad.csv --label a --no-label", 2, ["--label goes without"]),
    "too large for float32": (
        text("a,y\n1e300,0.5\n0.5,1\n"),
        "bad.csv --dtype float32",
        3,
        ["'a' holds 1e+300"],
    ),
    "another format's option": (text(MANY), "bad.csv --gray", 2, ["--gray is for images", "CSV"]),
    "a size of nothing": (text(MANY), "bad.csv --size 0x3", 2, ["--size 0x3", "28x28"]),
    "two tables": (text(MANY), "bad.csv iris.csv", 2, ["several files", "IDX only"]),
    "a missing file": (text(MANY), "irs.csv", 3, ["no such file", "did you mean 'iris.csv'"]),
    "a device": (text(MANY), "/dev/null", 3, ["not a regular file"]),
    "an unknown dataset": (
        raw(archive(x=npy(GOOD, bytes(16))), "a.npz"),
        "a.npz --only xx",
        2,
        ["no 'xx'", "found: x"],
    ),
    "a cut gzip": (
        raw(gzip.compress(IRIS.encode())[:-30], "bad.csv.gz"),
        "bad.csv.gz",
        3,
        ["damaged gzip"],
    ),
    "no gzip": (raw(b"\x1f\x8b\x08no", "bad.csv.gz"), "bad.csv.gz", 3, ["damaged gzip"]),
    "a config": (
        text("a: b\n", "c.yaml"),
        "c.yaml",
        3,
        ["no format that is known", "call it .csv"],
    ),
    "noise": (raw(bytes(range(1, 200)), "noise"), "noise", 3, ["no format", "something else"]),
    "a cut zip": (
        raw(archive(x=npy(GOOD, bytes(16)))[:-9], "bad.npz"),
        "bad.npz",
        3,
        ["damaged zip"],
    ),
    "a flipped bit": (
        raw(archive(x=npy(GOOD, bytes(16))).replace(bytes(16), bytes(15) + b"\1", 1), "bad.npz"),
        "bad.npz",
        3,
        ["'x'", "damaged"],
    ),
    "an array twice": (doubled, "bad.npz", 3, ["'x' is in the archive twice"]),
    "names in each other's way": (
        raw(archive(**{"x": npy(GOOD, bytes(16)), "x/y": npy(GOOD, bytes(16))}), "bad.npz"),
        "bad.npz",
        3,
        ["'x/y' cannot be a dataset", "--only"],
    ),
    "no name": (
        raw(archive(**{"": npy(GOOD, bytes(16))}), "bad.npz"),
        "bad.npz",
        3,
        ["'' cannot be a dataset"],
    ),
    "an empty archive": (raw(archive(), "bad.npz"), "bad.npz", 3, ["no array of numbers"]),
    "an array that promises": (
        raw(archive(x=npy(HUGE)), "bad.npz"),
        "bad.npz",
        3,
        ["declares 8000000000000 bytes"],
    ),
    "an .npy that promises": (
        raw(npy(HUGE), "bad.npy"),
        "bad.npy",
        3,
        ["declares 8000000000000 bytes"],
    ),
    "parentheses": (raw(npy("(" * 9000 + "\n"), "bad.npy"), "bad.npy", 3, ["damaged NumPy array"]),
    "a negative shape": (
        raw(npy(GOOD.replace("2, 1", "-2, 1")), "bad.npy"),
        "bad.npy",
        3,
        ["damaged NumPy"],
    ),
    "no head": (raw(b"\x93NUMPY\x01", "bad.npy"), "bad.npy", 3, ["damaged NumPy array"]),
    "complex numbers": (
        raw(npy(GOOD.replace("f8", "c16"), bytes(32)), "bad.npy"),
        "bad.npy",
        3,
        ["complex128"],
    ),
    "no idx": (raw(b"no idx at all", "a-idx3-ubyte"), "a-idx3-ubyte", 3, ["not an IDX file"]),
    "a cut idx": (
        raw(bytes([0, 0, 8, 1, 0, 0, 0, 9, 1]), "a-idx1-ubyte"),
        "a-idx1-ubyte",
        3,
        ["truncated"],
    ),
    "a cut idx head": (
        raw(bytes([0, 0, 8, 3, 0, 0, 0, 9]), "a-idx3-ubyte"),
        "a-idx3-ubyte",
        3,
        ["truncated"],
    ),
    "labels of others": (
        lambda: (
            Path("a-idx2-ubyte").write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 5, 5])),
            Path("a-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 5])),
        ),
        "a-idx2-ubyte a-idx1-ubyte",
        3,
        ["holds 1 labels", "2 examples"],
    ),
    "the same twice": (
        raw(bytes([0, 0, 8, 1, 0, 0, 0, 1, 5]), "a-idx1-ubyte"),
        "a-idx1-ubyte a-idx1-ubyte",
        3,
        ["is y, as"],
    ),
    "words in libsvm": (text("1 1:2\n0 1:two\n", "bad.svm"), "bad.svm", 3, ["line 2", "'0 1:two'"]),
    "a bare value in libsvm": (text("1 1:2\n0 3\n", "bad.svm"), "bad.svm", 3, ["line 2"]),
    "an index below 0": (text("1 1:2\n0 -1:3\n", "bad.svm"), "bad.svm", 3, ["line 2"]),
    "nan in libsvm": (text("1 1:2\n0 1:nan\n", "bad.svm"), "bad.svm", 3, ["line 2"]),
    "an empty libsvm": (text("1\n2\n", "bad.svm"), "bad.svm", 3, ["no row with a value"]),
    "comments alone": (text("# a\n# b\n", "bad.svm"), "bad.svm", 3, ["no row with a value"]),
    "beyond float64": (text("1 1:2\n0 1:1e400\n", "bad.svm"), "bad.svm", 3, ["line 2", "1e400"]),
    "a label beyond float64": (text("1 1:2\n1e400 1:1\n", "bad.svm"), "bad.svm", 3, ["line 2"]),
    "a huge index": (text(f"1 1:2\n0 {9**21}:1\n", "bad.svm"), "bad.svm", 3, ["line 2"]),
    "an index as a float": (text("1 1:2\n0 1e2:5\n", "bad.svm"), "bad.svm", 3, ["line 2", "1e2:5"]),
    "an endless quote in the header": (
        text('\n"a,b\n' + "1,2\n" * 60_000),
        "bad.csv",
        3,
        ["bad.csv: line 2: a quote opens here"],
    ),
    "a member's name that is no text": (
        raw(archive(xé=npy(GOOD, bytes(16))).replace("é".encode(), b"\xff\xfe"), "bad.npz"),
        "bad.npz",
        3,
        ["damaged zip"],
    ),
    "70 axes": (
        raw(bytes([0, 0, 8, 70, *[0, 0, 0, 1] * 70, 1]), "a-idx3-ubyte"),
        "a-idx3-ubyte",
        3,
        ["70 axes"],
    ),
    "a cut idx of a terabyte": (
        raw(bytes([0, 0, 8, 2, *[0, 16, 0, 0] * 2, 1]), "a-idx2-ubyte"),
        "a-idx2-ubyte",
        3,
        ["truncated"],
    ),
    "labels of another part": (
        lambda: (
            Path("train-idx2-ubyte").write_bytes(bytes([0, 0, 8, 2, *[0, 0, 0, 1] * 2, 5])),
            Path("t10k-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 5])),
        ),
        "train-idx2-ubyte t10k-idx1-ubyte",
        3,
        ["t10k-idx1-ubyte: is y_test, without the images"],
    ),
    "a packed .npy": (
        raw(gzip.compress(npy(GOOD, bytes(16))), "bad.npy.gz"),
        "bad.npy.gz",
        3,
        ["gunzip bad.npy.gz"],
    ),
    "a damaged .mat": (
        raw(b"MATLAB 5.0 MAT-file" + bytes(200), "bad.mat"),
        "bad.mat",
        3,
        ["damaged MATLAB"],
    ),
    "a damaged .parquet": (
        raw(b"PAR1" + bytes(50), "bad.parquet"),
        "bad.parquet",
        3,
        ["damaged file"],
    ),
    "a damaged .arrow": (raw(b"ARROW1" + bytes(50), "bad.arrow"), "bad.arrow", 3, ["damaged file"]),
    "an empty folder": (lambda: Path("pets").mkdir(), "pets", 3, ["no picture in it"]),
    "text called .h5": (
        text(IRIS, "bad.h5"),
        "bad.h5",
        3,
        ["not an HDF5 file (it looks like text)"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_inputs_are_refused_and_leave_nothing(case: str) -> None:
    make, typed, code, words = BAD[case]
    make()
    before = names()
    result = deepnet("convert", *typed.split(), "out.h5")
    assert_refused(result, code, words)
    assert names() == before


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("iris.csv out.xlsx", ["ends in one of .h5"]),
        ("iris.csv folder", ["is a directory"]),
        ("iris.csv iris.csv --force", ["iris.csv: is IN", "give OUT another name"]),
        ("iris.csv out.csv --compression gzip", ["--compression gzip", ".csv has none"]),
        ("iris.csv out.h5 --rechunk", ["--rechunk is for HDF5; this is CSV"]),
        ("data.h5 out.csv --rechunk", ["--rechunk goes from HDF5 to HDF5"]),
        ("data.h5 out.h5", ["trained on as it is", "--rechunk"]),
        ("iris.csv", ["OUT is missing: deepnet convert iris.csv iris.h5"]),
        ("out.h5", ["OUT is missing: deepnet convert out.h5 OUT.h5"]),
    ],
)
def test_bad_usage(typed: str, words: list[str]) -> None:
    Path("folder.csv").mkdir()
    typed = typed.replace("folder", "folder.csv")
    with h5py.File("data.h5", "w") as file:
        file["x"] = [[1]]
    before = names()
    assert_refused(deepnet("convert", *typed.split()), 2, words)
    assert names() == before


def test_a_place_that_is_not_there_is_told_before_anything_is_read() -> None:
    refused = deepnet("convert", "missing.csv", "nowhere/out.h5")
    assert_refused(refused, 6, ["nowhere/out.h5: cannot write", "no directory 'nowhere'"])


@pytest.mark.parametrize(("module", "extra"), [(arrow, "arrow"), (images, "images")])
def test_a_library_that_is_not_there(
    module: Any, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extras, "import_module", missing)
    Path("pets").mkdir()
    Path("t.parquet").write_bytes(b"PAR1")
    given = "t.parquet" if extra == "arrow" else "pets"
    assert_refused(deepnet("convert", given, "o.h5"), 3, [f"pip install 'deepnet-cli[{extra}]'"])
    assert module


# What is left behind


@pytest.mark.parametrize("size", [0, 100, 5000, 100_000])
@pytest.mark.parametrize("out", ["out.h5", "out.h5 --compression gzip", "out.npz", "out.csv"])
def test_a_disk_that_fills_up(out: str, size: int) -> None:
    """In a process of its own, for HDF5 would crash at its end."""
    np.save("a.npy", np.random.default_rng(0).normal(size=(20_000, 8)))
    name = out.split()[0]
    Path(name).write_bytes(b"mine")
    with largest_file(size):
        result = deepnet("convert", "a.npy", *out.split(), "--force")
    assert_refused(result, 6, [f"{name}: cannot write: file too large"])
    assert Path(name).read_bytes() == b"mine"
    assert names() == sorted(["a.npy", "iris.csv", name])


def test_a_full_disk_does_not_crash_at_the_end() -> None:
    np.save("a.npy", np.random.default_rng(0).normal(size=(200_000, 8)))
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6));"
        "sys.argv = ['deepnet', 'convert', 'a.npy', 'out.h5', '--compression', 'lzf'];"
        "from deepnet_cli.cli.main import run; sys.exit(run())"
    )
    ended = run_python(code)
    assert ended.returncode == 6, ended.stderr
    assert ended.stderr == "out.h5: cannot write: file too large\n"
    assert names() == ["a.npy", "iris.csv"]


def run_python(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    path = str(Path(deepnet_cli.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, env=environment
    )


def test_too_large_for_the_disk_is_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("a.npy", np.zeros((1000, 1000)))
    usage = type("Usage", (), {"free": 2**20})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert_refused(deepnet("convert", "a.npy", "o.h5"), 6, ["takes 7.6 MiB but 1.0 MiB are free"])


def test_a_signal_leaves_nothing() -> None:
    """While the output is written: what is unfinished is known to who ends the process."""
    np.save("a.npy", np.zeros((3, 2)))
    code = (
        "import os, signal, sys;"
        "from deepnet_cli import signals; signals.handle(signals.leave);"
        "from deepnet_cli.data.convert import writing_hdf5;"
        "writing_hdf5._set = lambda *_: os.kill(os.getpid(), signal.SIGTERM);"
        "sys.argv = ['deepnet', 'convert', 'a.npy', 'out.h5'];"
        "from deepnet_cli.cli.main import run; sys.exit(run())"
    )
    ended = run_python(code)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGTERM, "interrupted\n")
    assert names() == ["a.npy", "iris.csv"]


def test_after_an_error_a_sink_takes_nothing_and_lets_close() -> None:
    class Full(BytesIO):
        def write(self, _: Any, /) -> int:
            raise OSError(errno.ENOSPC, "full")

    sink = Sink(Full())
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            sink.write(b"abc")
    sink.closing = True
    assert sink.write(b"abc") == 3
    assert sink.truncate(10) == 10
    sink.flush()
    with pytest.raises(OSError, match="full"):
        sink.check()


def test_the_bar_shows_how_much_was_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with Bar() as bar:
        bar.expect(4000)
        bar.moved(1000)
        bar.write("a note")
    shown = capsys.readouterr().err
    assert " 25%|" in shown
    assert "1.00k/4.00k" in shown
    assert "a note\n" in shown


@pytest.mark.long
def test_memory_does_not_grow_with_the_file() -> None:
    """A table eight times as long takes hardly more, there and back."""
    line = ",".join(f"{v:.6g}" for v in np.random.default_rng(0).normal(size=100))
    code = (
        "import resource, sys; from deepnet_cli.cli.main import run;"
        "sys.argv = ['deepnet', 'convert', *sys.argv[1:], '--force']; code = run();"
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = {}
    for m in (20_000, 160_000):
        with Path("t.csv").open("w") as file:
            for k in range(m):
                file.write(f"{line},{'ab'[k % 2]}\n")
        for args in (["t.csv", "t.h5"], ["t.h5", "b.csv"], ["t.h5", "b.npz"]):
            ended = run_python(code, *args).stdout.split()
            assert ended[-2] == "0"
            peaks[m, args[1]] = int(ended[-1])
    for out in ("t.h5", "b.csv", "b.npz"):
        assert peaks[160_000, out] < peaks[20_000, out] + 20_000, peaks  # KiB, of 130 MB of text


def test_a_table_where_a_config_is_expected_is_told_how_it_is_converted() -> None:
    Path("shop.csv").write_text("age,label\n31,yes\n40,no\n")
    told = "shop.csv: holds data, and a config was expected"
    assert_refused(deepnet("train", "shop.csv"), 2, [told, "deepnet convert shop.csv shop.h5"])

"""Every format in and out, held against the library that its people use."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet

from deepnet_cli.data.convert import (
    arrow,
    conversion,
    hdf5_datasets,
    numpy_files,
    speed,
    stream,
    svmlight,
)
from deepnet_cli.data.convert.formats import FORMATS, format_of
from deepnet_cli.data.convert.speed import Speed, reading_speed
from deepnet_cli.data.files.hdf5 import open_hdf5

rng = np.random.default_rng(11)
X = rng.normal(size=(40, 6)).round(3)
Y = np.arange(40) % 3
PICTURES = rng.integers(0, 256, (40, 5, 4), np.uint8)
KINDS = np.array(["cat", "dog", "eel"])[Y]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["whole", "in small blocks"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of many blocks, too."""
    if request.param != "whole":
        monkeypatch.setattr(stream.Field.slices, "__defaults__", (100,))
        monkeypatch.setattr(hdf5_datasets, "BYTES", 100)
        monkeypatch.setattr(arrow, "BYTES", 500)
        monkeypatch.setattr(svmlight, "BYTES", 200)
        monkeypatch.setattr(svmlight, "DENSE", 200)
        monkeypatch.setattr(numpy_files, "BYTES", 64)


def converted(*args: str | Path) -> dict[str, np.ndarray]:
    """The datasets of what `deepnet convert ARGS out.h5` writes."""
    result = deepnet("convert", *args, "out.h5", "--force")
    assert result.code == 0, result.err
    with h5py.File("out.h5") as file:
        return {
            name: file[name].asstr()[()] if file[name].dtype.kind == "O" else file[name][()]
            for name in file
        }


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype.newbyteorder("=") == values.dtype.newbyteorder("="), name
        np.testing.assert_array_equal(found[name], values)


# Arrays


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: Callable[..., None]) -> None:
    arrays = {
        "x_train": X,
        "y_train": Y,
        "big": X.astype(">f4"),
        "columns": np.asfortranarray(X),
        "images": PICTURES,
        "flags": Y > 1,
        "half": X.astype(np.float16),
        "none": np.empty((0, 3)),
        "one": np.array(3.5),
    }
    save("a.npz", **arrays)
    assert_same(converted("a.npz"), arrays | {"one": np.array(3.5)})


@pytest.mark.usefixtures("blocks")
def test_texts_of_npz() -> None:
    np.savez("a.npz", x=X, y=KINDS, b=KINDS.astype("S"))
    found = converted("a.npz")
    assert found["y"].tolist() == found["b"].tolist() == KINDS.tolist()


def test_objects_are_never_unpickled() -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (Path("trapped"),)

    np.savez("a.npz", x=X, meta=np.array([Trap()], object))
    assert converted("a.npz").keys() == {"x"}
    np.save("m.npy", np.array([Trap()], object))
    assert_refused(deepnet("convert", "m.npy", "o.h5"), 3, ["m.npy", "pickle"])
    assert not Path("trapped").exists()


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("array", [X, np.asfortranarray(X), PICTURES, X.astype(">f8"), Y])
def test_npy(array: np.ndarray) -> None:
    np.save("a.npy", array)
    assert_same(converted("a.npy"), {"x": array})


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("code", [8, 9, 11, 12, 13, 14])
@pytest.mark.parametrize("packed", [False, True])
def test_idx(code: int, packed: bool) -> None:
    dtype = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}[code]
    values = rng.integers(0, 100, (20, 3, 2)).astype(dtype)
    names = [
        f"{kind}-{word}{'.gz' * packed}" for kind, word in [("images", "idx3"), ("labels", "idx1")]
    ]
    for name, array in zip(names, [values, values[:, 0, 0].astype(">u1")], strict=True):
        kind = code if array is values else 8
        head = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
        with (gzip.open if packed else open)(name, "wb") as file:
            file.write(head + array.tobytes())
    assert_same(converted(*names), {"x": values, "y": values[:, 0, 0].astype("u1")})


def test_idx_in_parts() -> None:
    names = []
    for part, m in (("train", 7), ("t10k", 5)):
        for name, array in (
            (f"{part}-images-idx3-ubyte", PICTURES[:m]),
            (f"{part}-labels-idx1-ubyte", Y[:m].astype("u1")),
        ):
            Path(name).write_bytes(
                struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
            )
            names.append(name)
    found = converted(*names)
    assert {name: values.shape for name, values in found.items()} == {
        "x_train": (7, 5, 4),
        "y_train": (7,),
        "x_test": (5, 5, 4),
        "y_test": (5,),
    }


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("zero_based", [False, True])
def test_libsvm(zero_based: bool) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    sparse = X * (rng.random(X.shape) < 0.4)
    sparse[3], sparse[:2, 0], sparse[5, 5] = 0, 1.5, 1e-7
    datasets.dump_svmlight_file(sparse, Y, "heart", zero_based=zero_based, comment="made")
    read, labels = datasets.load_svmlight_file("heart", zero_based=zero_based)
    text = Path("heart").read_text()
    Path("heart").write_text("".join(line for line in text.splitlines(True) if line[0] != "#"))
    found = converted("heart", "--dtype", "float64")
    np.testing.assert_array_equal(found["x"], read.toarray())
    np.testing.assert_array_equal(found["y"], labels)


def test_libsvm_with_queries_comments_and_loose_spaces() -> None:
    Path("rank.svm").write_text("2 qid:1 1:0.5 3:1 # best\n-1  qid:1 2:+3  \n\n1 1:1e2")
    found = converted("rank.svm")
    assert found["x"].tolist() == [[0.5, 0, 1], [0, 3, 0], [100, 0, 0]]
    assert found["y"].tolist() == [2, -1, 1]


@pytest.mark.usefixtures("blocks")
def test_matlab() -> None:
    io, sparse = pytest.importorskip("scipy.io"), pytest.importorskip("scipy.sparse")
    thin = X * (X > 0.5)
    io.savemat(
        "m.mat",
        {
            "X": X,
            "y": Y.astype(np.int16),
            "t": thin,
            "S": sparse.csc_matrix(thin),
            "z": X[:3] * 1j,
            "name": "a",
        },
    )
    found = converted("m.mat")
    assert_same(found, {"X": X, "y": Y.astype(np.int16)[np.newaxis], "t": thin, "S": thin})


def test_complex_matrices_are_told() -> None:
    io = pytest.importorskip("scipy.io")
    io.savemat("m.mat", {"X": X, "z": X * 1j})
    assert "left out: 'z', which is complex" in deepnet("convert", "m.mat", "o.h5").err
    io.savemat("m.mat", {"z": X * 1j})
    assert_refused(deepnet("convert", "m.mat", "p.h5"), 3, ["m.mat: no matrix of real numbers"])


@pytest.mark.parametrize("where", ["a text", "a class", "a feature", "a category", "a long name"])
def test_what_hdf5_cannot_keep_is_refused(where: str) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    texts, odd = ["u", "v"], "u\0v"
    columns: dict[str, dict[str, object]] = {
        "a text": {"a": [odd, "w"], "y": [0, 1]},
        "a class": {"a": [1, 2], "y": [odd, "w"]},
        "a feature": {odd: [1, 2], "y": [0, 1]},
        "a category": {odd: texts, "y": [0, 1]},
        "a long name": {"a" * 70_000: texts, "y": [0, 1]},
    }
    parquet.write_table(pa.table(columns[where]), "t.parquet")
    words = ["too long a name"] if where == "a long name" else ["null byte"]
    assert_refused(deepnet("convert", "t.parquet", "o.h5"), 3, words)
    assert deepnet("convert", "t.parquet", "o.csv").code == 0


def test_comments_of_more_than_a_block_are_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svmlight, "BYTES", 50)
    Path("a.svm").write_text("1 1:2\n" + "# nothing\n" * 30 + "0 2:3\n")
    assert converted("a.svm")["x"].tolist() == [[2, 0], [0, 3]]


def test_a_new_matlab_file_is_hdf5() -> None:
    with h5py.File("m.mat", "w", userblock_size=512) as file:
        file["X"] = X
    assert format_of(Path("m.mat")) == "HDF5"
    assert_refused(deepnet("convert", "m.mat", "o.h5"), 2, ["it can be trained on as it is"])


# Columns


def table() -> dict[str, object]:
    """Columns of every kind."""
    return {
        "a": X[:, 0],
        "whole": Y * 1000,
        "flag": Y > 1,
        "gap": [None if k % 7 == 0 else float(k) for k in range(40)],
        "color": ["red" if k % 2 else None if k % 5 == 0 else "green" for k in range(40)],
        "kind": KINDS,
    }


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("suffix", ["parquet", "feather", "arrow", "stream.arrow"])
def test_columns_of_arrow(suffix: str) -> None:
    """The same as the CSV that pandas makes of them."""
    pa, pandas = pytest.importorskip("pyarrow"), pytest.importorskip("pandas")
    from pyarrow import feather, ipc, parquet

    columns = pa.table(table())
    for place, name in ((1, "whole"), (4, "color")):
        columns = columns.set_column(place, name, columns[name].dictionary_encode())
    if suffix == "parquet":
        parquet.write_table(columns, "t.parquet", row_group_size=17)
    elif suffix == "feather":
        feather.write_feather(columns, "t.feather")
    else:
        new = ipc.new_stream if suffix == "stream.arrow" else ipc.new_file
        with new(f"t.{suffix}", columns.schema) as writer:
            writer.write_table(columns, max_chunksize=9)
    frame = pandas.DataFrame(table())
    frame["flag"] = frame["flag"].astype(int)
    frame.to_csv("t.csv", index=False)
    of_text = converted("t.csv")
    assert of_text["x"].dtype == np.float32
    assert_same(converted(f"t.{suffix}"), of_text)


def test_what_arrow_holds_beside_numbers_and_text_is_named() -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"when": pa.array([0, 1], pa.timestamp("s")), "a": [1, 2], "y": [0, 1]}
    parquet.write_table(pa.table(columns), "t.parquet")
    assert_refused(deepnet("convert", "t.parquet", "o.h5"), 3, ["'when'", "timestamp", "--drop"])
    assert converted("t.parquet", "--drop", "when")["x"].tolist() == [[1], [2]]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_index_of_pandas_is_no_feature(suffix: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X[:, 0], "y": Y}, index=pandas.Index(range(40), name=None))
    if suffix == "csv":
        frame.to_csv("t.csv")
    else:
        frame.set_index(pandas.Index(list(range(40)))).to_parquet("t.parquet", index=True)
    assert converted(f"t.{suffix}")["x"].shape == (40, 1)


# Pictures


def pictures(mode: str = "L", **sizes: tuple[int, int]) -> None:
    """pets/cat/0.png ... pets/eel/39.png"""
    image = pytest.importorskip("PIL.Image")
    for k, kind in enumerate(KINDS):
        path = Path("pets", kind, f"{k:02}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = image.fromarray(PICTURES[k]).convert(mode)
        picture.resize(sizes.get(kind, picture.size)).save(path)


def by_class() -> np.ndarray:
    return np.argsort(Y, kind="stable")


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "1"])
def test_a_folder_of_pictures(mode: str) -> None:
    pictures(mode)
    found = converted("pets")
    image = pytest.importorskip("PIL.Image")
    files = [Path("pets", KINDS[k], f"{k:02}.png") for k in by_class()]
    gray = mode in ("L", "1")
    expected = []
    for file in files:
        with image.open(file) as picture:
            expected.append(np.asarray(picture.convert("L" if gray else "RGB")))
    np.testing.assert_array_equal(found["x"], expected)
    np.testing.assert_array_equal(found["y"], Y[by_class()])
    assert found["class_names"].tolist() == ["cat", "dog", "eel"]
    if mode == "L":
        np.testing.assert_array_equal(found["x"], PICTURES[by_class()])
    assert converted("pets", "--gray")["x"].shape == (40, 5, 4)


def test_pictures_of_different_sizes() -> None:
    pictures(dog=(6, 7))
    assert_refused(deepnet("convert", "pets", "o.h5"), 3, ["differ in size", "--size 4x5"])
    assert converted("pets", "--size", "8x9")["x"].shape == (40, 9, 8)


def test_pictures_that_cannot_be_read_are_named() -> None:
    pictures()
    Path("pets/cat/bad.png").write_bytes(b"\x89PNG no more")
    Path("pets/cat/notes.txt").write_text("no picture")
    assert_refused(deepnet("convert", "pets", "o.h5"), 3, ["cannot read cat/bad.png", "!notes"])
    Path("pets/cat/bad.png").unlink()
    result = deepnet("convert", "pets", "o.h5")
    assert result.code == 0
    assert "cat/notes.txt" in result.err
    for name in ("cat/a.pdf", "dog/b.h5", "notes.txt"):
        Path("pets", name).write_text("no picture")
    result = deepnet("convert", "pets", "o.h5", "--force")
    assert result.code == 0
    assert all(name in result.err for name in ("cat/a.pdf", "dog/b.h5", ", notes.txt"))
    whole = Path("pets/dog/01.png").read_bytes()
    Path("pets/dog/01.png").write_bytes(whole[: len(whole) // 2])
    assert_refused(deepnet("convert", "pets", "o2.h5"), 3, ["01.png", "cannot read"])
    assert not Path("o2.h5").exists()


def test_parts_are_converted_one_by_one() -> None:
    pictures()
    Path("both").mkdir()
    Path("pets").rename("both/train")
    assert_refused(deepnet("convert", "both", "o.h5"), 3, ["holds train"])
    assert converted("both/train")["x"].shape == (40, 5, 4)


# HDF5 and back


def layouts(path: str = "a.h5") -> dict[str, np.ndarray]:
    """Every layout; what they hold."""
    arrays = {
        "x": X,
        "y": Y,
        "deep/images": PICTURES,
        "half": X.astype("f2"),
        "big": X.astype(">f8"),
    }
    with h5py.File(path, "w") as file:
        file.attrs["source"] = "made"
        for name, array in arrays.items():
            file[name] = array
        file["x"].attrs["feature_names"] = np.array(list("abcdef"), h5py.string_dtype())
        file["x"].attrs["unit"] = 2.5
        file["x"].attrs["of"] = np.bytes_("ASCII")
        file["deep"].attrs["by"] = "hand"
        file.create_dataset("thin", data=X, chunks=(40, 1), compression="gzip")
        file.create_dataset("rows", data=X, chunks=(3, 6), compression="lzf", shuffle=True)
        file["kinds"] = KINDS.astype(h5py.string_dtype())
        file["one"] = 3.5
        file["link"] = h5py.SoftLink("/x")
    return arrays | {"thin": X, "rows": X, "one": np.array(3.5)}


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("compression", ["none", "lzf", "gzip"])
def test_laid_out_anew_all_is_the_same(compression: str) -> None:
    arrays = layouts()
    result = deepnet("convert", "a.h5", "b.h5", "--rechunk", "--compression", compression)
    assert result.code == 0, result.err
    assert "left out: 'link'" in result.err
    with h5py.File("b.h5") as file:
        for name, array in arrays.items():
            assert file[name].dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
            np.testing.assert_array_equal(file[name][()], array)
            chunks = file[name].chunks
            assert (chunks is None) == (compression == "none" or not array.shape)
            assert chunks is None or chunks[1:] == array.shape[1:]
        assert file["kinds"].asstr()[()].tolist() == KINDS.tolist()
        assert file["x"].attrs["feature_names"].tolist() == list("abcdef")
        assert file["x"].attrs["unit"] == 2.5
        assert file["x"].attrs["of"] == b"ASCII"
        assert file["deep"].attrs["by"] == "hand"
        assert file.attrs["source"] == "made"


def test_laid_out_anew_a_matrix_of_matlab_is_meant_as_before() -> None:
    with h5py.File("a.mat", "w", userblock_size=512) as file:
        file["x"] = X.T
        file["x"].attrs["MATLAB_class"] = np.bytes_("double")
    assert deepnet("convert", "a.mat", "b.h5", "--rechunk").code == 0
    with open_hdf5(Path("b.h5")) as source:
        np.testing.assert_array_equal(source.meant("x"), X)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("chunks", [None, (2, 7)])
def test_to_other_formats_values_go_as_they_are_meant(chunks: tuple[int, ...] | None) -> None:
    """Axes of MATLAB's, which stand reversed, and packed numbers."""
    with h5py.File("a.h5", "w") as file:
        file.create_dataset("x", data=X.T, chunks=chunks).attrs["MATLAB_class"] = np.bytes_(
            "double"
        )
        file["y"] = Y.astype("i2")
        file["y"].attrs["scale_factor"], file["y"].attrs["add_offset"] = 0.5, 10.0
    result = deepnet("convert", "a.h5", "a.npz")
    assert "'x' goes as it is meant: (40, 6) float64" in result.err
    with np.load("a.npz") as found:
        np.testing.assert_array_equal(found["x"], X)
        np.testing.assert_array_equal(found["y"], 10 + Y / 2)
    assert deepnet("convert", "a.h5", "a.csv").code == 0
    read = np.loadtxt("a.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(read, np.column_stack([X, 10 + Y / 2]))


def test_a_damaged_chunk_is_told_with_its_dataset() -> None:
    big = rng.normal(size=(3000, 200))
    with h5py.File("a.h5", "w") as file:
        chunk = file.create_dataset("x", data=big, chunks=(300, 200), compression="gzip").id
        at = chunk.get_chunk_info(5).byte_offset
    with Path("a.h5").open("r+b") as raw:
        raw.seek(at)
        raw.write(bytes(1000))
    refused = deepnet("convert", "a.h5", "b.h5", "--rechunk")
    assert_refused(refused, 3, ["a.h5: 'x' is damaged"])
    assert not Path("b.h5").exists()


def test_what_laying_out_anew_has_gained_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    layouts()
    speeds = {"a.h5": {"x": Speed(10**7, 1)}, "b.h5": {"x": Speed(10**8, 2), "y": Speed(1, 1)}}
    monkeypatch.setattr(conversion, "reading_speed", lambda path: speeds[path.name])
    result = deepnet("convert", "a.h5", "b.h5", "--rechunk")
    assert "x: read at 10 MB/s before, 50 MB/s now: 5.0 times as fast\n" in result.out


def test_the_speed_is_of_the_stretches_that_were_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is large enough and holds numbers; at most a fraction of a second long."""
    with h5py.File("a.h5", "w") as file:
        file["x"] = np.zeros((3000, 200))
        file["small"] = [[1.0]]
        file["text"] = np.array(["a"] * 10, object)
    found = reading_speed(Path("a.h5"))
    assert found.keys() == {"x"}
    assert found["x"].read == 3000 * 200 * 8
    monkeypatch.setattr(speed, "SECONDS", 0)
    once = reading_speed(Path("a.h5"))["x"]
    assert 0 < once.read <= stream.BYTES
    assert once.megabytes == pytest.approx(once.read / 1e6 / once.seconds)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_to_npz(compression: str) -> None:
    arrays = layouts()
    assert deepnet("convert", "a.h5", "a.npz", "--compression", compression).code == 0
    with np.load("a.npz", allow_pickle=False) as found:
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
        assert found["kinds"].tolist() == KINDS.tolist()


def test_to_npy() -> None:
    layouts()
    assert deepnet("convert", "a.h5", "a.npy").code == 0
    np.testing.assert_array_equal(np.load("a.npy"), X)
    assert_refused(
        deepnet("convert", "a.h5", "b.npy", "--only", "thin", "--only", "rows"), 3, ["--only"]
    )


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "u1", "i8", "?"])
def test_to_csv(dtype: str) -> None:
    values = rng.integers(0, 2 if dtype == "?" else 100, (30, 4)).astype(dtype)
    if dtype[0] == "f":
        values = (values * rng.normal(size=values.shape)).astype(dtype)
        values[3, 1] = np.nan
    with h5py.File("a.h5", "w") as file:
        file["x"], file["y"] = values, KINDS[:30].astype(h5py.string_dtype())
    result = deepnet("convert", "a.h5", "a.csv")
    assert result.code == 0, result.err
    assert "3 classes: cat 10, dog 10, eel 10" in result.out
    head, *lines = Path("a.csv").read_text().splitlines()
    assert head == "x1,x2,x3,x4,y"
    cells = [line.split(",") for line in lines]
    assert [row[4] for row in cells] == KINDS[:30].tolist()
    read = np.array([[float(cell or "nan") for cell in row[:4]] for row in cells])
    np.testing.assert_array_equal(read.astype(dtype), values)


@pytest.mark.usefixtures("blocks")
def test_labels_in_several_columns_stand_behind_x() -> None:
    """One-hot labels, in a file of parts, whose names say which is which."""
    one_hot = np.eye(3, dtype=np.uint8)[Y]
    with h5py.File("a.h5", "w") as file:
        file["part/x_test"], file["part/y_test"], file["x_train"] = X, one_hot, X
    names = ["--only", "part/y_test", "--only", "part/x_test"]
    result = deepnet("convert", "a.h5", "a.csv", *names)
    assert result.code == 0, result.err
    found = np.genfromtxt("a.csv", delimiter=",", names=True)
    assert found.dtype.names == ("x1", "x2", "x3", "x4", "x5", "x6", "y1", "y2", "y3")
    np.testing.assert_array_equal(found.tolist(), np.hstack([X, one_hot]))


@pytest.mark.usefixtures("blocks")
def test_a_table_becomes_the_table_that_is_read() -> None:
    """CSV to CSV: chosen columns, y last, classes by name; the labels are counted once."""
    lines = [f"{kind},{a:g},{b:g}" for kind, a, b in zip(KINDS, X[:, 0], Y, strict=True)]
    Path("t.csv").write_text("\n".join(["kind,a,b", *lines]))
    result = deepnet("convert", "t.csv", "u.csv", "--label", "kind", "--drop", "b")
    assert result.code == 0, result.err
    assert "cat 14, dog 13, eel 13" in result.out
    head, *found = Path("u.csv").read_text().splitlines()
    assert head == "a,kind"
    assert [line.split(",")[1] for line in found] == KINDS.tolist()
    assert [np.float32(line.split(",")[0]) for line in found] == X[:, 0].astype("f4").tolist()


def test_names_that_are_bytes_are_written_as_text(tmp_path: Path) -> None:
    """As the data in this repository have them."""
    data = Path(__file__).parents[1] / "data" / "breast_cancer.h5"
    result = deepnet("convert", data, tmp_path / "x.csv", "--only", "x_train")
    assert result.code == 0, result.err
    assert (tmp_path / "x.csv").read_text().startswith("mean radius,mean texture,")


def test_a_csv_takes_one_table() -> None:
    layouts()
    assert_refused(deepnet("convert", "a.h5", "a.csv"), 3, ["--only", "deep/images"])
    assert deepnet("convert", "a.h5", "a.csv", "--only", "thin", "--only", "kinds").code == 0
    assert Path("a.csv").read_text().splitlines()[0].endswith("x6,y")
    assert not list(Path.cwd().glob(".*"))


# All of them


def test_formats_are_known_by_their_bytes_where_the_name_says_nothing() -> None:
    np.savez("a.npz", x=X)
    np.save("a.npy", X)
    layouts()
    Path("a.csv").write_text("a,b\n1,2\n")
    Path("a.svm").write_text("1 1:2\n")
    Path("a.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 0]))
    for name, known in (
        ("a.npz", "NPZ"),
        ("a.npy", "NPY"),
        ("a.h5", "HDF5"),
        ("a.csv", "CSV"),
        ("a.svm", "LIBSVM"),
        ("a.idx", "IDX"),
    ):
        Path("nameless").write_bytes(Path(name).read_bytes())
        assert format_of(Path("nameless")) == known
        with gzip.open("packed", "wb") as file:
            file.write(Path(name).read_bytes())
        if known in ("CSV", "LIBSVM", "IDX"):
            assert format_of(Path("packed")) == known


@pytest.mark.parametrize("name", FORMATS)
def test_every_reader_is_there(name: str) -> None:
    assert callable(FORMATS[name].read)

"""Every layout of tests/layouts.py trains on the right numbers, or is refused as the docs say."""

import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from cli import assert_says, deepnet
from layouts import LAYOUTS, Layout, Reads, Refused, X, columns, refused, sparse

from deepnet_cli.config.job import Job, load_job
from deepnet_cli.data.describing.inspection import inspect_data
from deepnet_cli.data.files import dataset
from deepnet_cli.data.files.hdf5 import open_hdf5
from deepnet_cli.data.reading import stored
from deepnet_cli.data.reading.tables import Location, read_table
from deepnet_cli.errors import DataError
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

READ = [name for name, layout in LAYOUTS.items() if isinstance(layout.expected, Reads)]
REFUSED = [name for name, layout in LAYOUTS.items() if isinstance(layout.expected, Refused)]
PAGE = (Path(__file__).parents[1] / "docs" / "data" / "finding.md").read_text().splitlines()


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(layout: Layout) -> Path:
    """data.h5, and a config whose output layer suits the Y that is expected."""
    with h5py.File("data.h5", "w") as file:
        layout.fill(file)
    Y = layout.expected.Y if isinstance(layout.expected, Reads) else np.eye(3)
    bits = ((Y == 0) | (Y == 1)).all()
    one_hot = bits and len(Y) > 1 and (Y.sum(axis=0) == 1).all()
    output = "softmax" if one_hot else "sigmoid" if bits else "linear"
    config = Path("c.yaml")
    config.write_text(
        f"data: {{train: {layout.train}, scale: none, {layout.data}}}\n"
        f"model: {{layers: [3, {len(Y)}], activations: [tanh, {output}]}}\n"
        "training: {iterations: 3}\ncompute: {precision: float64, reduce: false}\n"
    )
    return config


def row(name: str, outcome: str, said: str) -> str:
    """Of the table in the docs."""
    return f"| {name} | {outcome} | `{said}` |"


def message(err: str) -> str:
    """An error in one line: without its place, the excerpt of the config and what to type."""
    first, *more = err.split("data.h5: ", 1)[1].splitlines()
    listed = takewhile(lambda line: line.startswith("    "), more[2:])
    entries = "; ".join(" ".join(line.split()) for line in listed)
    return f"{first} {entries}" if first.endswith("it holds") else first.partition("; make")[0]


def trained(job: Job) -> list[float]:
    """The costs of the job's updates."""
    state = State.start(job.initial_theta(), job.rule)
    runs = job.batches.runs(0, job.iterations)
    steps = train(state, job.objective, job.clippings, job.rule, job.rate, runs)
    return [float(cost) for step in steps for cost in step.costs]


@pytest.mark.parametrize("name", READ)
def test_the_network_gets_the_right_matrix(name: str) -> None:
    layout, expected = LAYOUTS[name], LAYOUTS[name].expected
    assert isinstance(expected, Reads)
    job = load_job(write(layout))
    (batch,) = job.batches.deal(0, 1)
    np.testing.assert_array_equal(batch.X, expected.X.T)
    np.testing.assert_array_equal(batch.Y, expected.Y)
    classes = job.dataset.encoding.classes
    assert (classes.names if classes else ()) == expected.names
    assert np.isfinite(trained(job)).all()
    assert job.warnings == []
    (told,) = job.dataset.told
    assert row(name, "is read", told.removeprefix("data.h5: ")) in PAGE


@pytest.mark.parametrize("name", READ)
def test_any_stretch_can_be_read_by_itself(name: str) -> None:
    """What stays in its file is understood as what is read at once."""
    layout, expected = LAYOUTS[name], LAYOUTS[name].expected
    assert isinstance(expected, Reads)
    named = yaml.safe_load(write(layout).read_text())["data"]
    location = Location(Path("data.h5"), named["train"].get("x"))
    rows = read_table(location, "train", last=named.get("examples") == "last").rows
    assert not isinstance(rows, np.ndarray)
    for i in (slice(0, 1), slice(3, 8), slice(11, 12), slice(None)):
        np.testing.assert_array_equal(rows[i], expected.X[i])
    np.testing.assert_array_equal(rows.take(np.array([2, 5, 11]))[:], expected.X[[2, 5, 11]])


def test_stretches_keep_to_the_chunks_of_whichever_axis_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dataset, "STRETCH", 1)
    with h5py.File("data.h5", "w") as f:
        for name, shape, chunks in (("x", (12, 4), (5, 3)), ("turned", (4, 12), (3, 5))):
            f.create_dataset(name, shape, chunks=chunks, data=np.ones(shape))
        f.create_dataset("m", (4, 12), chunks=(3, 5), data=X.T)
        f["m"].attrs["MATLAB_class"] = np.bytes_("double")
    for name, last in (("x", False), ("turned", True), ("m", False)):
        piece = stored.Piece(Path("data.h5"), name, last)
        assert (piece.shape, piece.edges.tolist()) == ((12, 4), [0, 5, 10, 12])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_refused_with_the_reason(name: str) -> None:
    layout, expected = LAYOUTS[name], LAYOUTS[name].expected
    assert isinstance(expected, Refused)
    result = deepnet("train", write(layout))
    assert (result.code, result.out) == (expected.code, "")
    assert_says(result.err, ["c.yaml:1:", "data.h5", *expected.says])
    assert not Path("runs").exists()
    assert row(name, "is refused", message(result.err)) in PAGE


def found_to_train(path: Path) -> str:
    """What is said before training on it, or why it is refused."""
    try:
        return read_table(Location(path), "train", last=False).told
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("name", [*takewhile(lambda name: name != "float16", LAYOUTS)])
def test_inspect_and_init_find_what_training_does(name: str) -> None:
    """And refuse what it does; only that examples are last, which it has to be told, they see."""
    path = write(LAYOUTS[name]).with_name("data.h5")
    seen, told = inspect_data(path, None, None, lambda *_: lambda *_: None), found_to_train(path)
    found = next(iter(seen.found), None)
    if found is None:
        assert str(seen.problem) == told
    elif found.y is None:
        assert f"{path}: {found.problem}" == told
    elif found.last:
        assert "examples: last" in told
    else:
        assert told.startswith(f"{path}: x '{found.x}' ")
        assert f", y '{found.y}' " in told


def test_the_page_has_no_other_rows() -> None:
    rows = [line for line in PAGE if "| is read |" in line or "| is refused |" in line]
    assert [line.split(" | ")[0].removeprefix("| ") for line in rows] == [*LAYOUTS]


def block(start: str) -> str:
    """The lines of the page from the one that begins so to the end of their block."""
    first = next(i for i, line in enumerate(PAGE) if line.startswith(start))
    return "\n".join(takewhile(lambda line: line != "```", PAGE[first:])) + "\n"


def test_the_page_shows_a_message_that_is_real() -> None:
    with h5py.File("lab.h5", "w") as f:
        f["raw"], f["smoothed"] = np.ones((209, 512), "f4"), np.ones((209, 512), "f4")
        f["substance"], f["wavelengths"] = np.ones(209, "i1"), np.arange(512.0)
    Path("c.yaml").write_text("data:\n  train: lab.h5\nmodel: {layers: [1]}\n")
    assert deepnet("train", "c.yaml").err == block("c.yaml:2:10: data.train: lab.h5: cannot")


def test_the_page_shows_what_is_said_before_training() -> None:
    with h5py.File("cats.h5", "w") as f:
        f["train_set_x"], f["train_set_y"] = np.ones((209, 64, 64, 3), "u1"), np.eye(1, 209)
        f["list_classes"] = [b"non-cat", b"cat"]
    Path("c.yaml").write_text("data: {train: cats.h5}\nmodel: {layers: [1]}\n")
    assert deepnet("train", "c.yaml", "--dry-run").out.startswith(block("cats.h5: x"))


def test_a_file_of_matlab_is_read_as_matlab_shows_it() -> None:
    """One that MATLAB wrote, and the same array in its older format, both as SciPy has them."""
    io = pytest.importorskip("scipy.io")
    folder = Path(io.__file__).parent / "matlab" / "tests" / "data"
    new, old = (folder / f"test{kind}_7.4_GLNX86.mat" for kind in ("hdf5", "double"))
    if not new.exists():
        pytest.skip("SciPy is installed without the data of its tests")
    with open_hdf5(new) as source:
        found = source.meant("testdouble")
    np.testing.assert_array_equal(found, io.loadmat(old)["testdouble"])


SHOWN = {
    "columns": (columns("t"), "kind"),
    "sparse": (sparse("s"), "labels"),
}
"""Files, and what stands for LABELS in the commands that are shown for them."""


@pytest.mark.parametrize("name", SHOWN)
def test_the_command_that_is_shown_makes_a_file_that_trains(name: str) -> None:
    fill, labels = SHOWN[name]
    config = write(Layout(fill, refused()))
    command = deepnet("train", config).err.partition("    python -c")[2].replace("LABELS", labels)
    subprocess.run(f"{sys.executable} -c{command}", shell=True, check=True)
    config.write_text(config.read_text().replace("data.h5", "data-plain.h5"))
    job = load_job(config, ("model.layers=[3, 1]", "model.activations=[tanh, linear]"))
    with h5py.File("data-plain.h5") as f:
        x, y = f["x"][()], f["y"][()]
    assert x.shape == (12, {"columns": 2, "sparse": 1}[name])
    (batch,) = job.batches.deal(0, 1)
    np.testing.assert_array_equal(batch.X, x.T)
    np.testing.assert_array_equal(batch.Y, [y])

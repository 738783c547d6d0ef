"""Examples that stay in their file: the same examples, in an order that is a function of
(seed, epoch), however they are stored and wherever training begins.
"""

import json
import re
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import deepnet
from hypothesis import given
from hypothesis import strategies as st
from samples import parameters, write_blobs, write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.data.dealing import parts
from deepnet_cli.data.dealing.batches import Batch, Batches
from deepnet_cli.data.dealing.mixing import Mixing
from deepnet_cli.data.dealing.parts import Order, Part
from deepnet_cli.data.dealing.windows import Windows
from deepnet_cli.data.encoding import streamed
from deepnet_cli.data.encoding.streamed import Streamed
from deepnet_cli.data.files import dataset
from deepnet_cli.data.reading.ahead import Clock, ahead
from deepnet_cli.data.reading.stored import Piece, Stored
from deepnet_cli.errors import DataError

M, N = 211, 5
STORAGES: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunks": {"chunks": (7, N)},
    "gzip": {"chunks": (16, 3), "compression": "gzip", "shuffle": True},
    "lzf": {"chunks": (1, N), "compression": "lzf", "fletcher32": True},
    "one chunk": {"chunks": (M, N)},
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of a few examples, windows of some stretches, blocks of some dozen examples."""
    monkeypatch.setattr(dataset, "STRETCH", 40)
    monkeypatch.setattr(streamed, "WINDOW", 3200)
    monkeypatch.setattr(parts, "VALUES", 300)


def numbered(path: Path, storage: str = "contiguous", m: int = M) -> Path:
    """Example i has i in x and in y; sorted by class."""
    x = np.arange(m, dtype=np.float32)[:, np.newaxis] * np.ones((1, N), np.float32)
    with h5py.File(path, "w") as file:
        options = {"chunks": (10, N)} if m != M else STORAGES[storage]
        file.create_dataset("x", data=x, **options)
        file["y"], file["w"] = np.arange(m) * 3 // m, 1.0 + np.arange(m) % 4
    return path


def job_of(
    folder: Path, stream: bool, size: int | str = 20, *, shuffle: bool = True, **data: object
) -> Any:
    write_config(
        folder / "config.yaml",
        data={"train": "n.h5", "stream": stream, **data},
        training={"batch_size": size, "shuffle": shuffle},
    )
    return load_job(folder / "config.yaml")


def dealt(batches: Batches, start: int, stop: int) -> list[Batch]:
    """Copies of the batches."""
    return [
        batch._replace(
            X=batch.X.copy(),
            Y=batch.Y.copy(),
            weights=None if batch.weights is None else batch.weights.copy(),
        )
        for batch in batches.deal(start, stop)
    ]


def same(one: list[Batch], other: list[Batch]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a[:2] == b[:2]
        for left, right in zip(a[2:], b[2:], strict=True):
            np.testing.assert_array_equal(left, right)


# The order of an epoch


@st.composite
def windows(draw: st.DrawFn) -> Windows:
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=40))
    size = draw(st.integers(1, sum(sizes)))
    order = Order(size, draw(st.integers(0, 9)), draw(st.booleans()))
    return Windows(np.cumsum([0, *sizes]), draw(st.integers(1, 60)), order)


@given(windows(), st.integers(0, 3))
def test_the_windows_of_an_epoch_deal_each_example_once(made: Windows, epoch: int) -> None:
    every, size = made.of_epoch(epoch), made.order.size
    read = np.concatenate([window.stretches for window in every])
    assert sorted(read.tolist()) == list(range(len(made.edges) - 1))
    at, behind = epoch * made.per_epoch, 0
    for window in every:
        count = sum(int(np.diff(made.edges)[s]) for s in window.stretches)
        assert sorted(made.order_of(window).tolist()) == list(range(count))
        assert window.iteration == at
        assert window.left == behind - (at - epoch * made.per_epoch) * size
        assert window.left + count <= made.capacity
        at, behind = at + window.length, behind + count
    assert at == (epoch + 1) * made.per_epoch
    assert behind == made.m
    if not made.order.shuffle:
        assert read.tolist() == list(range(len(made.edges) - 1))
        assert all((made.order_of(w) == np.arange(w.examples)).all() for w in every)


@given(windows(), st.integers(0, 3))
def test_each_window_is_a_sample_of_the_whole_file(made: Windows, epoch: int) -> None:
    """It has one of every W neighboring stretches, of the last ones perhaps none."""
    if made.order.shuffle:
        for window in made.of_epoch(epoch):
            zones = window.stretches // made.count
            full = (len(made.edges) - 1) // made.count
            assert zones[:full].tolist() == list(range(full))
            assert len(zones) in (full, full + 1)


@given(windows(), st.data())
def test_what_is_read_does_not_depend_on_where_one_begins(
    made: Windows, data: st.DataObject
) -> None:
    stop = 2 * made.per_epoch
    start = data.draw(st.integers(0, stop - 1))
    late = list(made.between(start, stop))
    reading = [window for window in late if window.length]
    whole = [window for window in made.between(0, stop) if window.length]
    for one, other in zip(whole[-len(reading) :], reading, strict=True):
        assert (one[:3], one[4:]) == (other[:3], other[4:])
        np.testing.assert_array_equal(one.stretches, other.stretches)
    before = [window for window in late if window.iteration <= reading[0].iteration][:-1]
    assert sum(window.examples for window in before) >= reading[0].left


def test_orders_differ_between_epochs_and_seeds() -> None:
    edges = np.arange(0, 401, 4)
    orders = set()
    for seed in range(3):
        made = Windows(edges, 100, Order(10, seed, True))
        for epoch in range(3):
            every = [made.order_of(window) for window in made.of_epoch(epoch)]
            orders.add(tuple(np.concatenate(every)))
    assert len(orders) == 9


# Batches


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_is_every_example_once(
    tmp_path: Path, storage: str, split: bool, shuffle: bool
) -> None:
    numbered(tmp_path / "n.h5", storage)
    held_out = {"validation": {"fraction": 0.3}} if split else {}
    data: dict[str, object] = {"train": {"file": "n.h5", "weights": "w"}, **held_out}
    batches, memory = (
        job_of(tmp_path, stream, 20, shuffle=shuffle, **data).batches for stream in (True, False)
    )
    assert not batches.part.held
    assert memory.part.held
    if not shuffle:
        same(dealt(batches, 0, 25), dealt(memory, 0, 25))
        return
    for epoch in range(2):
        first = epoch * batches.per_epoch
        seen = dealt(batches, first, first + batches.per_epoch)
        assert [batch.X.shape[1] for batch in seen[:-1]] == [20] * (len(seen) - 1)
        numbers = np.concatenate([batch.X[0] for batch in seen]).astype(int)
        assert sorted(numbers.tolist()) == sorted(memory.part.rows[:, 0].astype(int).tolist())
        assert numbers.tolist() != sorted(numbers.tolist())
        Y = np.concatenate([batch.Y for batch in seen], axis=1)
        np.testing.assert_array_equal(Y.argmax(axis=0), numbers * 3 // M)
        weights = np.concatenate([np.asarray(batch.weights) for batch in seen])
        np.testing.assert_array_equal(weights, 1 + numbers % 4)


@pytest.mark.parametrize("size", [1, 7, 100, M - 1, "full"])
def test_any_batch_can_be_dealt_at_any_time(tmp_path: Path, size: int | str) -> None:
    numbered(tmp_path / "n.h5", "chunks")
    batches = job_of(tmp_path, True, size).batches
    stop = min(2 * batches.per_epoch + 1, 60)
    whole = dealt(batches, 0, stop)
    for start in (0, 1, stop // 3, stop - 1):
        same(whole[start:], dealt(batches, start, stop))


def test_batches_of_a_sorted_file_are_mixed(tmp_path: Path) -> None:
    numbered(tmp_path / "n.h5", m=4000)
    for shuffle, low, high in ((True, 0.8, 1.25), (False, 15, 20)):
        batches = job_of(tmp_path, True, 20, shuffle=shuffle).batches
        for _ in batches.deal(0, 3 * batches.per_epoch):
            pass
        assert low < batches.part.flow.mixing.ratio < high
    assert batches.part.flow.size == 3 * 4000 * N * 4


def test_mixing_is_1_for_a_perfect_shuffle() -> None:
    """Against examples that were really drawn without looking."""
    rng = np.random.default_rng(0)
    Y = np.eye(4)[:, rng.integers(0, 4, 3000)]
    mixing = Mixing.of([Y[:, :1000], Y[:, 1000:]])
    for _ in range(60):
        mixing.see(Y[:, rng.permutation(3000)], 30)
    assert mixing.ratio == pytest.approx(1, abs=0.03)


# What else is asked of a supply


@pytest.mark.parametrize("kind", ["class", "binary", "numbers", "balanced", "weighed"])
def test_blocks_and_labels_are_those_of_the_part_in_memory(tmp_path: Path, kind: str) -> None:
    write_blobs(tmp_path / "n.h5", 190, 2 if kind == "binary" else 3, N)
    with h5py.File(tmp_path / "n.h5", "a") as file:
        if kind == "numbers":
            del file["y"]
            file["y"] = np.random.default_rng(0).normal(size=(190, 3))
        file["w"] = np.random.default_rng(1).uniform(1, 2, 190)
    output = {"numbers": "linear", "binary": "sigmoid"}.get(kind, "softmax")
    weighed = {"file": "n.h5", "weights": "w"} if kind == "weighed" else "n.h5"
    loss = {"loss": {"name": "cross_entropy", "class_weight": "balanced"}}
    write_config(
        tmp_path / "config.yaml",
        data={"train": weighed, "scale": "standardize"},
        model={"layers": [4, 1 if kind == "binary" else 3], "activations": ["tanh", output]},
        **(loss if kind == "balanced" else {}),
    )
    memory, stream = (
        load_job(tmp_path / "config.yaml", (f"data.stream={flag}",)).batches.part
        for flag in ("false", "true")
    )
    assert isinstance(memory, Part)
    assert isinstance(stream, Streamed)
    blocks, labels = list(stream.blocks()), list(stream.labels())
    assert len(blocks) > 3
    assert (stream.m, stream.features, stream.outputs) == (memory.m, N, memory.outputs)
    np.testing.assert_array_equal(np.concatenate([b.rows for b in blocks]), memory.rows)
    np.testing.assert_array_equal(np.concatenate([b.Y for b in blocks], axis=1), memory.Y)
    np.testing.assert_array_equal(np.concatenate([Y for Y, _ in labels], axis=1), memory.Y)
    if memory.weights is not None:
        np.testing.assert_array_equal(
            np.concatenate([np.asarray(w) for _, w in labels]), memory.weights
        )
    for count in (1, 30, 190, 999):
        sample = stream.sample(count, 0, "some")
        assert sample.m == min(count, 190)
        places = [int(np.flatnonzero((memory.rows == row).all(axis=1))[0]) for row in sample.rows]
        assert len(set(places)) == sample.m
        np.testing.assert_array_equal(sample.Y, memory.Y[:, places])
    assert max(places) - min(places) == 189


def test_digests_tell_when_the_data_have_changed(tmp_path: Path) -> None:
    def digests() -> dict[str, str]:
        found: dict[str, str] = job_of(tmp_path, True).batches.part.digests
        return found

    numbered(tmp_path / "n.h5")
    before = digests()
    assert before == digests()
    with h5py.File(tmp_path / "n.h5", "a") as file:
        file["x"][0, 0] = 99
    assert digests()["x_sample_sha256"] != before["x_sample_sha256"]
    with h5py.File(tmp_path / "n.h5", "a") as file:
        file["y"][0] = 1
    assert digests()["y_blocks_sha256"] != before["y_blocks_sha256"]


# Rows in files


@given(st.data())
def test_rows_in_files_are_sliced_and_taken_as_arrays_are(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    pieces, arrays = [], []
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    for k, m in enumerate(sizes):
        last = data.draw(st.booleans())
        values = rng.integers(0, 99, (m, 2, 3))
        with h5py.File(folder / f"{k}.h5", "w") as file:
            stands = np.moveaxis(values, 0, -1) if last else values
            chunks = data.draw(st.sampled_from([None, True]))
            file.create_dataset("x", data=stands, chunks=chunks)
        pieces.append(Piece(folder / f"{k}.h5", "x", last))
        arrays.append(values.reshape(m, -1))
    rows, array = Stored(tuple(pieces)), np.concatenate(arrays)
    for _ in range(2):
        assert rows.shape == array.shape
        a, b = sorted(data.draw(st.tuples(st.integers(0, 130), st.integers(0, 130))))
        np.testing.assert_array_equal(rows[a:b], array[a:b])
        assert rows.edges[0] == 0
        assert rows.edges[-1] == len(array)
        assert (np.diff(rows.edges) > 0).all()
        picked = st.sets(st.integers(0, len(array) - 1), min_size=1)
        chosen = np.array(sorted(data.draw(picked)))
        rows, array = rows.take(chosen), array.take(chosen, axis=0)


def test_the_rows_that_are_damaged_are_named(tmp_path: Path) -> None:
    """A chunk of gzip that does not unpack."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        data = np.random.default_rng(0).normal(size=(60, 5))
        file.create_dataset("x", data=data, chunks=(10, 5), compression="gzip")
        chunk = file["x"].id.get_chunk_info(3)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset + 40)
        raw.write(b"\xff" * 40)
    rows = Stored((Piece(path, "x"),))
    assert rows[0:30].shape == (30, 5)
    with pytest.raises(DataError, match="rows 30 to 39 are damaged"):
        rows[0:60]


# Reading ahead


def test_one_result_is_made_ahead_and_no_more() -> None:
    made: list[int] = []
    ready = threading.Event()

    def make(k: int) -> int:
        made.append(k)
        if k == 1:
            ready.set()
        return k

    results = ahead(make, range(5))
    assert next(results) == 0
    assert ready.wait(5)
    assert made == [0, 1]
    assert list(results) == [1, 2, 3, 4]


def test_what_is_raised_ahead_is_raised_where_its_result_is_asked_for() -> None:
    def bad_at_1(k: int) -> int:
        if k == 1:
            raise DataError("here")
        return k

    clock = Clock()
    results = ahead(bad_at_1, range(2), clock)
    assert next(results) == 0
    with pytest.raises(DataError, match="here"):
        next(results)
    assert clock.worked >= 0


# Whole runs


RUNS: dict[str, dict[str, Any]] = {
    "mini-batches": {"training": {"batch_size": 16}},
    "full batch": {"training": {"batch_size": "full"}},
    "split": {
        "data": {"validation": {"fraction": 0.2, "stratify": True}, "test": {"fraction": 0.1}}
    },
    "scaled": {"data": {"scale": "standardize"}, "training": {"batch_size": 16}},
    "weighed": {
        "loss": {"name": "cross_entropy", "class_weight": "balanced"},
        "training": {"batch_size": 16},
    },
    "changed": {
        "model": {"input_noise": 0.1, "input_dropout": 0.1},
        "training": {"batch_size": 16, "mixup": 0.2},
    },
    "metrics": {"training": {"batch_size": 16, "metrics": ["accuracy", "auc"]}},
    "batch norm": {
        "model": {"layers": [{"units": 6, "batch_norm": True}, 3]},
        "training": {"batch_size": 16, "averaging": {"name": "swa", "start": 0.5}},
    },
    "lbfgs": {"training": {"optimizer": "lbfgs", "learning_rate": 1.0, "iterations": 5}},
}


@pytest.mark.parametrize("name", RUNS)
def test_in_the_order_of_the_file_a_run_has_the_bits_of_one_in_memory(
    tmp_path: Path, name: str
) -> None:
    write_blobs(tmp_path / "blobs.h5", m=150, n=7)
    sections = {**RUNS[name], "seed": 3}
    sections["training"] = {**sections.get("training", {}), "shuffle": False}
    write_config(tmp_path / "config.yaml", **sections)
    ran = {}
    for stream in ("false", "true"):
        directory = tmp_path / stream
        setting = ("--set", f"data.stream={stream}", "--set", "compute.reduce=false")
        result = deepnet("train", tmp_path / "config.yaml", *setting, "--run-dir", directory)
        assert result.code == 0, result.err
        ran[stream] = parameters(directory), (directory / "history.csv").read_text()
    assert ran["true"][1] == ran["false"][1]
    for name, block in ran["true"][0].items():
        np.testing.assert_array_equal(block, ran["false"][0][name])


def test_a_run_that_is_resumed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    write_blobs(tmp_path / "blobs.h5", m=150, n=7)
    write_config(
        tmp_path / "config.yaml",
        data={"train": "blobs.h5", "stream": True, "validation": {"fraction": 0.2}},
        training={"batch_size": 16, "iterations": 41},
    )
    assert deepnet("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "one").code == 0
    begun = ("train", tmp_path / "config.yaml", "--set", "training.iterations=17")
    assert deepnet(*begun, "--run-dir", tmp_path / "two").code == 0
    more = ("train", "--resume", tmp_path / "two", "--set", "training.iterations=41")
    assert deepnet(*more).code == 0
    one, two = ((tmp_path / name / "history.csv").read_text() for name in ("one", "two"))
    assert one == two
    a, b = (parameters(tmp_path / name) for name in ("one", "two"))
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_a_run_whose_data_cannot_be_read_any_more_goes_on_when_they_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_blobs(tmp_path / "blobs.h5", m=150, n=7)
    write_config(
        tmp_path / "config.yaml",
        data={"train": "blobs.h5", "stream": True},
        training={"batch_size": 16, "iterations": 41, "log_every": 3},
    )
    train = ("train", tmp_path / "config.yaml", "--run-dir")
    assert deepnet(*train, tmp_path / "one").code == 0
    fill = streamed.Filling.__call__

    def damaged(self: streamed.Filling, window: Any) -> Any:
        if window.iteration > 20:
            raise DataError("rows 3 to 7 are damaged")
        return fill(self, window)

    with monkeypatch.context() as patch:
        patch.setattr(streamed.Filling, "__call__", damaged)
        result = deepnet(*train, tmp_path / "two")
    assert result.code == 3
    problem, go_on = result.err.splitlines()[-2:]
    assert problem == "rows 3 to 7 are damaged"
    assert go_on == f"go on: deepnet train --resume {tmp_path / 'two'}"
    result = deepnet("train", "--resume", tmp_path / "two")
    assert result.code == 0
    (made,) = re.findall(r"going on after (\d+) updates", result.err)
    assert 14 <= int(made) <= 30  # what the windows before it had
    one, two = ((tmp_path / name / "history.csv").read_text() for name in ("one", "two"))
    assert one == two
    a, b = (parameters(tmp_path / name) for name in ("one", "two"))
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_what_was_read_is_told(tmp_path: Path) -> None:
    write_blobs(tmp_path / "blobs.h5", m=150, n=7)
    write_config(tmp_path / "config.yaml", data={"stream": True}, training={"batch_size": 16})
    result = deepnet("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "run")
    told = json.loads((tmp_path / "run" / "summary.json").read_text())["stream"]
    assert (
        4 * 150 * 7 * 4 <= told["bytes"] <= 5 * 150 * 7 * 4
    )  # another batch shows that all is well
    assert re.search(r"streamed \d\d.\d KiB at .*/s; training waited for it", result.out)
    assert f"batches differ {told['mixing']:.2f} times" in result.out.replace("\n", " ")


def test_the_order_goes_on_where_the_memory_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`auto` is settled when a run begins."""
    write_blobs(tmp_path / "blobs.h5", m=150, n=7)
    write_config(tmp_path / "config.yaml", training={"batch_size": 16})
    monkeypatch.setattr("deepnet_cli.config.datasets.available_memory", lambda: 1000)
    assert deepnet("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "run").code == 0
    monkeypatch.undo()
    assert "stream: true" in (tmp_path / "run" / "config.yaml").read_text()


def test_data_that_may_not_stay_in_their_file_have_to_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_blobs(tmp_path / "blobs.h5", m=150, n=7)
    write_config(tmp_path / "config.yaml", data={"stream": False})
    monkeypatch.setattr("deepnet_cli.config.datasets.available_memory", lambda: 1000)
    result = deepnet("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "run")
    assert result.code == 6
    assert "data.stream: the data take 12.3 KiB; 1000 B available; leave it out" in result.err


def test_a_batch_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All examples at a time are a batch like any other."""
    write_blobs(tmp_path / "blobs.h5", m=1500, n=50)
    write_config(tmp_path / "config.yaml", data={"stream": True})
    monkeypatch.setattr("deepnet_cli.config.foresight.available_memory", lambda: 200_000)
    result = deepnet("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "run")
    assert result.code == 6
    assert "training.batch_size" in result.err
    assert "KiB of it for a batch of 1500; use a smaller batch_size" in result.err.replace(
        "MiB", "KiB"
    )


@pytest.mark.parametrize("part", ["train", "validation"])
@pytest.mark.parametrize("spoiled", ["a value", "a column", "the rows of a split"])
def test_what_cannot_be_trained_on_is_refused_before_a_run_begins(
    tmp_path: Path, part: str, spoiled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in memory, with its row in the file and its place in the config."""
    monkeypatch.setattr("deepnet_cli.config.datasets.HELD", 10**12)  # parts held out stream too
    for name in ("train", "validation"):
        write_blobs(tmp_path / f"{name}.h5", m=150, n=7)
    data: dict[str, object] = {"train": "train.h5", "validation": "validation.h5"}
    if spoiled == "the rows of a split":
        data = {"train": f"{part}.h5", "validation": {"fraction": 0.3}}
    with h5py.File(tmp_path / f"{part}.h5", "a") as file:
        if spoiled == "a column":
            x = file["x"][:, 1:]
            del file["x"]
            file["x"] = x
        else:
            file["x"][-1, 2] = np.nan
    told = []
    for stream in (False, True):
        write_config(tmp_path / "config.yaml", data={**data, "stream": stream})
        result = deepnet("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "run")
        assert result.code == 3
        assert not (tmp_path / "run").exists()
        told.append(result.err)
    assert told[0] == told[1]
    assert ("row 149" in told[0]) == (spoiled != "a column")
    assert "^^^" in told[0]

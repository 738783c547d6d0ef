"""Every layout of tests/layouts.py trains on the right numbers, or is refused as the docs say."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from cli import assert_says, deepnet
from layouts import LAYOUTS, Layout, Reads, Refused

from deepnet_cli.config.job import Job, load_job
from deepnet_cli.data.tables import Location, read_table
from deepnet_cli.training.loop import train
from deepnet_cli.training.state import State

READ = {name: each for name, each in LAYOUTS.items() if isinstance(each.expected, Reads)}
REFUSED = {name: each for name, each in LAYOUTS.items() if isinstance(each.expected, Refused)}


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


def trained(job: Job) -> list[float]:
    """The costs of the job's updates."""
    state = State.start(job.initial_theta(), job.rule)
    runs = job.batches.runs(0, job.iterations)
    steps = train(state, job.objective, job.clippings, job.rule, job.rate, runs)
    return [float(cost) for step in steps for cost in step.costs]


@pytest.mark.parametrize("layout", READ.values(), ids=READ)
def test_the_network_gets_the_right_matrix(layout: Layout) -> None:
    expected = layout.expected
    assert isinstance(expected, Reads)
    job = load_job(write(layout))
    (batch,) = job.batches.deal(0, 1)
    np.testing.assert_array_equal(batch.X, expected.X.T)
    np.testing.assert_array_equal(batch.Y, expected.Y)
    classes = job.dataset.encoding.classes
    assert (classes.names if classes else ()) == expected.names
    assert np.isfinite(trained(job)).all()
    assert job.warnings == []


@pytest.mark.parametrize("layout", READ.values(), ids=READ)
def test_any_stretch_can_be_read_by_itself(layout: Layout) -> None:
    """What stays in its file is understood as what is read at once."""
    expected = layout.expected
    assert isinstance(expected, Reads)
    named = yaml.safe_load(write(layout).read_text())["data"]
    location = Location(Path("data.h5"), named["train"].get("x"))
    rows = read_table(location, "train", last=named.get("examples") == "last").rows
    assert not isinstance(rows, np.ndarray)
    for i in (slice(0, 1), slice(3, 8), slice(11, 12), slice(None)):
        np.testing.assert_array_equal(rows[i], expected.X[i])
    np.testing.assert_array_equal(rows.take(np.array([2, 5, 11]))[:], expected.X[[2, 5, 11]])


@pytest.mark.parametrize("layout", REFUSED.values(), ids=REFUSED)
def test_what_is_not_read_is_refused_with_the_reason(layout: Layout) -> None:
    expected = layout.expected
    assert isinstance(expected, Refused)
    result = deepnet("train", write(layout))
    assert (result.code, result.out) == (expected.code, "")
    assert_says(result.err, ["c.yaml:1:", "data.h5", *expected.says])
    assert not Path("runs").exists()

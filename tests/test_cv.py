"""Folds: who is held out when, and `deepnet cv`, held against runs typed one by one."""

import json
import shlex
import signal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import part_of, write_blobs, write_config

from deepnet_cli.data.reading.splitting import folds, split
from deepnet_cli.nn.types import Array
from deepnet_cli.training.run.session import Session

sizes = st.integers(2, 60)
seeds = st.integers(0, 10)


@given(m=sizes, k=st.integers(2, 8), seed=seeds, classes=st.integers(1, 5))
@settings(deadline=None)
def test_folds_are_equal_and_so_are_the_classes_in_them(
    m: int, k: int, seed: int, classes: int
) -> None:
    strata = np.random.default_rng(seed).integers(0, classes, m)
    for fold in (folds(m, k, seed), folds(m, k, seed, strata)):
        counts = np.bincount(fold, minlength=k)
        assert len(counts) == k
        assert np.ptp(counts) <= 1
    of_class = [np.bincount(fold[strata == c], minlength=k) for c in range(classes)]
    assert all(np.ptp(counts) <= 1 for counts in of_class)
    np.testing.assert_array_equal(fold, folds(m, k, seed, strata))
    if m > 20:
        assert (fold != folds(m, k, seed + 1, strata)).any()


@given(
    groups=st.lists(st.integers(0, 12), min_size=2, max_size=60),
    k=st.integers(2, 6),
    seed=seeds,
    stratified=st.booleans(),
    fraction=st.floats(0.05, 0.95),
)
@settings(deadline=None)
def test_groups_stay_whole(
    groups: list[int], k: int, seed: int, stratified: bool, fraction: float
) -> None:
    """And no part is empty where there are groups enough."""
    group = np.array(groups)
    strata = np.random.default_rng(seed).integers(0, 3, len(group)) if stratified else None
    there = len(np.unique(group))
    if there >= k:
        fold = folds(len(group), k, seed, strata, group)
        assert set(fold) == set(range(k))
        assert all(len(set(fold[group == g])) == 1 for g in group)
    if there >= 2:
        kept, held = split(len(group), fraction, seed, "test split", strata, group)
        assert sorted([*kept, *held]) == [*range(len(group))]
        assert len(kept) > 0
        assert len(held) > 0
        assert not set(group[kept]) & set(group[held])


def test_grouped_folds_are_as_equal_as_can_be(rng: np.random.Generator) -> None:
    """Of 100 groups of 1 to 9 rows in 5 folds, each class within a group of its share."""
    group = np.repeat(np.arange(100), rng.integers(1, 10, 100))
    strata = rng.integers(0, 2, 100)[group]
    fold = folds(len(group), 5, 0, strata, group)
    for c in (0, 1):
        counts = np.bincount(fold[strata == c], minlength=5)
        assert np.abs(counts - counts.mean()).max() <= 9
    counts = np.bincount(folds(len(group), 5, 0, None, group))
    assert np.ptp(counts) <= 1


def write(folder: Path, *, groups: bool = False, **training: Any) -> Path:
    write_blobs(folder / "blobs.h5", m=60)
    if groups:
        with h5py.File(folder / "blobs.h5", "a") as file:
            names = [f"patient {i}".encode() for i in range(15)]
            file["few"] = [1, 2, 3]
            file["who"] = [names[i] for i in np.random.default_rng(0).integers(0, 15, 60)]
    return write_config(
        folder / "c.yaml",
        data={"validation": {"fraction": 0.2}, "scale": "standardize"},
        training={"batch_size": 16, **training},
    )


def test_a_fold_is_the_run_that_its_setting_makes(tmp_path: Path) -> None:
    config = write(tmp_path)
    result = deepnet("cv", config, "--folds", "3", "--run-dir", tmp_path / "cv", "--json")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert told == json.loads((tmp_path / "cv/cv.json").read_text())
    for k, figures in enumerate(told["folds"], 1):
        run = tmp_path / f"by-hand-{k}"
        fold = f"data.test={{fold: {k}, of: 3, stratify: true}}"
        assert deepnet("train", config, "--set", fold, "--run-dir", run).code == 0
        summary = json.loads((run / "summary.json").read_text())
        assert figures == summary["figures"]["test"]
        assert summary["data"]["test"]["examples"] == 20
        again = tmp_path / f"again-{k}"
        assert deepnet("train", tmp_path / f"cv/fold-{k}/config.yaml", "--run-dir", again).code == 0
        assert (again / "history.csv").read_bytes() == (run / "history.csv").read_bytes()
    for name in told["mean"]:
        values = [figures[name] for figures in told["folds"]]
        assert told["mean"][name] == pytest.approx(np.mean(values), rel=1e-12)
        assert told["std"][name] == pytest.approx(np.std(values, ddof=1), rel=1e-12)


@pytest.mark.parametrize("after", [3, 30, 50])
def test_typed_again_it_goes_on(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended by a signal in one of three folds of 20 iterations."""
    config = write(tmp_path, iterations=20)
    typed = ("cv", config, "--folds", "3", "-q", "--run-dir")
    assert deepnet(*typed, tmp_path / "whole").code == 0
    made, steps = 0, Session.steps

    def counted(self: Session) -> Any:
        nonlocal made
        for event in steps(self):
            made += len(event.steps.costs)
            if made > after:
                signal.raise_signal(signal.SIGTERM)
            yield event

    with monkeypatch.context() as patch:
        patch.setattr(Session, "steps", counted)
        stopped = deepnet(*typed, tmp_path / "part")
    assert stopped.code == 143
    assert "go on: deepnet cv" in stopped.err
    assert not (tmp_path / "part/cv.json").exists()
    assert deepnet(*typed, tmp_path / "part").code == 0
    whole, part = (
        json.loads((tmp_path / run / "cv.json").read_text()) for run in ("whole", "part")
    )
    assert whole["folds"] == part["folds"]
    for k in (1, 2, 3):
        files = [tmp_path / run / f"fold-{k}/history.csv" for run in ("whole", "part")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_data_that_are_gone_in_its_midst_are_told_with_what_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two folds, where no run is open."""
    config = write(tmp_path)
    data, aside, finish = tmp_path / "blobs.h5", tmp_path / "aside.h5", Session.finish

    def finished(self: Session, *more: Any) -> Any:
        data.rename(aside)
        return finish(self, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "finish", finished)
        result = deepnet("cv", config, "--folds", "3", "-q", "--run-dir", tmp_path / "cv")
    assert result.code == 3
    *_, go_on = result.err.splitlines()
    assert go_on.startswith("go on: deepnet cv ")
    assert "no such file" in result.err
    aside.rename(data)
    again = deepnet(*shlex.split(go_on)[3:])
    assert again.code == 0
    assert "fold 3" in again.out


def test_a_fold_whose_summary_is_damaged_is_finished_anew(tmp_path: Path) -> None:
    command = ("cv", write(tmp_path), "--folds", "3", "-q", "--run-dir", tmp_path / "cv")
    assert deepnet(*command).code == 0
    path = tmp_path / "cv/fold-2/summary.json"
    before = {**json.loads(path.read_text()), "seconds": 0}
    for damaged in (b"{", b"[1]", b"\xff"):
        path.write_bytes(damaged)
        assert deepnet(*command).code == 0
        assert {**json.loads(path.read_text()), "seconds": 0} == before
    (tmp_path / "cv/fold-2/config.yaml").write_bytes(b"\xff")
    assert_refused(deepnet(*command), 2, ["fold-2: was trained with another config"])


def test_finished_folds_are_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write(tmp_path)
    first = deepnet("cv", config, "--run-dir", tmp_path / "cv", "--json")
    monkeypatch.setattr(Session, "steps", None)
    assert deepnet("cv", config, "--run-dir", tmp_path / "cv", "--json").out == first.out


def test_a_fold_without_a_class_has_an_undefined_figure(tmp_path: Path) -> None:
    """Also where the command is typed again."""
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "blobs.h5", "w") as file:
        file["x"], file["y"] = rng.normal(size=(40, 3)), np.arange(40) < 2
    model = {"layers": [3, 1], "activations": ["tanh", "sigmoid"]}
    config = write_config(tmp_path / "c.yaml", model=model)
    command = ("cv", config, "--folds", "5", "--run-dir", tmp_path / "cv", "--json")
    first = deepnet(*command)
    assert first.code == 0, first.err
    assert [figures["auc"] is None for figures in json.loads(first.out)["folds"]].count(True) == 3
    (tmp_path / "cv/cv.json").unlink()
    assert deepnet(*command).out == first.out


OWN = """
import numpy as np
from deepnet_cli.custom import activation

activation("own", lambda Z: np.{f}(Z), lambda Z: {slope})
"""


def test_folds_of_other_code_are_not_mixed_in(tmp_path: Path) -> None:
    config = write(tmp_path)
    config.write_text(config.read_text().replace("- tanh", "- own"))
    code = tmp_path / "own.py"
    code.write_text(OWN.format(f="tanh", slope="1 - np.tanh(Z) ** 2"))
    command = ("cv", config, "--run-dir", tmp_path / "cv", "--code", code)
    assert deepnet(*command).code == 0
    code.write_text(OWN.format(f="sin", slope="np.cos(Z)"))
    assert_refused(deepnet(*command), 2, ["fold-1", "--code"])


def test_groups_are_never_in_two_parts(tmp_path: Path) -> None:
    """Neither in the folds nor in what is split off for validation."""
    config = write(tmp_path, groups=True)
    result = deepnet("cv", config, "--groups", "who", "--folds", "4", "--run-dir", tmp_path / "cv")
    assert result.code == 0, result.err
    assert "folds of whole groups" in result.err
    rows: dict[bytes, set[bytes]] = {}
    with h5py.File(tmp_path / "blobs.h5") as file:
        x, who = file["x"][...], file["who"][...]
    for row, name in zip(x, who, strict=True):
        rows.setdefault(name, set()).add(row.tobytes())
    from deepnet_cli.config.job import load_job

    held: list[float] = []
    for k in range(1, 5):
        job = load_job(tmp_path / f"cv/fold-{k}/config.yaml", ("data.scale=none",))
        seen = {name: _rows(part_of(part).rows) for name, part in job.dataset.parts.items()}
        assert set(seen) == {"train", "validation", "test"}
        for group in rows.values():
            assert sum(bool(group & part) for part in seen.values()) == 1
        held += [*seen["test"]]  # type: ignore[list-item]
    assert len(held) == len(set(held)) == 60


def _rows(rows: Array) -> set[bytes]:
    return {row.tobytes() for row in rows}


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--folds", "61"], 3, ["60 examples do not make 61 folds"]),
        (["--folds", "1"], 2, ["--folds"]),
        (["--folds", "500"], 3, ["--folds 500: ", "!--set", "!data.test"]),
        (["--groups", "whom"], 3, ["--groups whom: ", "'who'", "!--set", "!data.train"]),
        (["--groups", "who", "--folds", "16"], 3, ["15 groups do not make 16 folds"]),
        (["--groups", "few"], 3, ["shape (3,)", "a group for each of 60 rows"]),
        (["--set", "data.test={fold: 6, of: 5}"], 2, ["data.test", "no fold 6 of 5"]),
        (["--set", "data.test={fold: 0, of: 5}"], 2, ["data.test.fold"]),
        (["--set", "data.test={fold: 1}"], 2, ["data.test.of", "missing"]),
        (["--set", "training.learning_rate=1e30"], 4, ["fold-1", "became"]),
    ],
)
def test_what_cannot_be(tmp_path: Path, options: list[str], code: int, words: list[str]) -> None:
    config = write(tmp_path, groups=True, l2=1.0)
    assert_refused(deepnet("cv", config, "--run-dir", tmp_path / "cv", *options), code, words)


def test_another_config_or_other_data_are_not_mixed_in(tmp_path: Path) -> None:
    config = write(tmp_path)
    command = ("cv", config, "--run-dir", tmp_path / "cv")
    assert deepnet(*command, "-q").code == 0
    other = deepnet(*command, "--set", "training.l2=0.1")
    assert_refused(other, 2, ["fold-1", "training.l2: 0.0 -> 0.1", "--run-dir", "!go on"])
    write_blobs(tmp_path / "blobs.h5", m=60, seed=1)
    assert_refused(deepnet(*command), 2, ["fold-1", "other data", "--run-dir"])
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    assert_refused(deepnet("cv", config, "--run-dir", tmp_path / "full"), 2, ["not empty"])

"""What Python does is what the commands do: the same bytes, the same figures, the same errors."""

import copy
import importlib
import json
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.sparse
from cli import deepnet as command
from samples import rows, same_files, write_blobs, write_config

import deepnet_cli as deepnet
from deepnet_cli.nn.types import Array
from deepnet_cli.training.loop.state import Event

BINARY = {"layers": [4, 1], "activations": ["tanh", "sigmoid"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """blobs.h5 of three classes, two.h5 of two, config.yaml; the working directory."""
    monkeypatch.chdir(tmp_path)
    write_blobs(tmp_path / "blobs.h5")
    write_blobs(tmp_path / "two.h5", K=2)
    write_config(tmp_path / "config.yaml", data={"validation": {"fraction": 0.2}})
    return tmp_path


def examples(file: Path | str) -> tuple[Array, Array]:
    with h5py.File(file) as source:
        return source["x"][()], source["y"][()]


def test_every_name_is_there_and_no_other() -> None:
    for name in deepnet.__all__:
        assert getattr(deepnet, name) is not None
    assert dir(deepnet) == sorted(deepnet.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        deepnet.trian  # noqa: B018


def test_importing_it_imports_nothing_heavy() -> None:
    told = "import deepnet_cli, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert not {"numpy", "h5py", "typing", "importlib.metadata"} & {*run.stdout.split()}


def test_training_is_the_command(folder: Path) -> None:
    command("train", "config.yaml", "--set", "training.l2=0.5", "--run-dir", "a", "-q")
    run = deepnet.train("config.yaml", set={"training.l2": 0.5}, run_dir="b")
    same_files(Path("a"), run.path)
    assert run.stopped == "completed"


def test_nested_dicts_are_a_config(folder: Path) -> None:
    tree = {
        "name": "config",
        "data": {"train": folder / "blobs.h5", "validation": {"fraction": np.float32(0.25)}},
        "model": {"layers": (np.int64(6), 3), "activations": ["tanh", "softmax"]},
        "training": {"learning_rate": np.array(0.1), "iterations": 40, "log_every": 5},
        "output": {"plots": False},
    }
    write_config(folder / "config.yaml", data={"validation": {"fraction": 0.25}})
    same_files(deepnet.train("config.yaml").path, deepnet.train(tree).path)
    assert [run.name for run in sorted(Path("runs").iterdir())] == ["config-001", "config-002"]


def test_what_stands_in_two_places_of_a_dict_is_written_twice(folder: Path) -> None:
    hidden = {"units": 4, "dropout": 0.1}
    tree = {
        "data": {"train": "blobs.h5"},
        "model": {"layers": [hidden, hidden, 3], "activations": "tanh"},
        "training": {"iterations": 2},
        "output": {"plots": False},
    }
    assert deepnet.train(tree).model.parameters["W2"].shape == (4, 4)
    loop: dict[str, object] = {"data": {"train": "blobs.h5"}}
    loop["model"] = loop
    with pytest.raises(deepnet.ConfigError, match="cannot hold itself"):
        deepnet.train(loop)


@contextmanager
def signalled(after: int, times: int) -> Iterator[None]:
    """Ctrl-C when so many events were shown, so many times."""
    seen = 0

    @contextmanager
    def shown(*_: object, progress: bool) -> Iterator[Callable[[Event], None]]:
        def show(_: Event) -> None:
            nonlocal seen
            seen += 1
            for _again in range(times if seen == after else 0):
                signal.raise_signal(signal.SIGINT)

        yield show

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deepnet_cli.api.running._shown", shown)
        patch.setattr("deepnet_cli.training.run.stopping.APART", -1.0)
        yield


def test_ctrl_c_saves_and_what_is_resumed_never_stopped(folder: Path) -> None:
    deepnet.train("config.yaml", run_dir="whole")
    before = signal.getsignal(signal.SIGINT)
    with signalled(3, times=1), pytest.raises(KeyboardInterrupt, match=r"deepnet.resume") as caught:
        deepnet.train("config.yaml", run_dir="parts")
    assert isinstance(caught.value, deepnet.Interrupted)
    assert signal.getsignal(signal.SIGINT) is before
    run = caught.value.run
    assert run.stopped == "interrupted"
    assert run.summary["iterations"] < 40
    assert run.model.predict(examples("blobs.h5")[0]).shape == (90,)
    same_files(Path("whole"), deepnet.resume(run).path)


def test_a_second_ctrl_c_is_pythons_own(folder: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with signalled(3, times=2), pytest.raises(KeyboardInterrupt) as caught:
        deepnet.train("config.yaml", run_dir="a")
    assert type(caught.value) is KeyboardInterrupt
    assert signal.getsignal(signal.SIGINT) is before
    assert deepnet.resume("a").stopped == "completed"  # its lock was released


def test_other_threads_train_at_the_same_time(folder: Path) -> None:
    """None hears signals, and none meets another's tape."""
    write_config(folder / "long.yaml", training={"iterations": 150, "batch_size": 8})
    deepnet.train("long.yaml", run_dir="alone")
    failed: list[BaseException] = []

    def work(k: int) -> None:
        try:
            for again in range(2):
                deepnet.train("long.yaml", run_dir=f"{k}-{again}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    for k in range(3):
        for again in range(2):
            same_files(Path("alone"), Path(f"{k}-{again}"))


def test_longer_with_resume(folder: Path) -> None:
    run = deepnet.train("config.yaml", run_dir="a")
    with pytest.raises(deepnet.ConfigError, match="has ended"):
        deepnet.resume(run)
    assert deepnet.resume("a", set={"training.iterations": 60}).summary["iterations"] == 60
    with pytest.raises(deepnet.ConfigError, match="may change"):
        deepnet.resume("a", set={"training.optimizer": "adam"})


def test_a_run_is_what_stands_in_its_directory(folder: Path) -> None:
    run = deepnet.train("config.yaml")
    read = deepnet.Run(str(run.path))
    assert read.figures == json.loads((run.path / "summary.json").read_text())["figures"]
    told = rows(run.path)
    assert [*run.history] == [*told[0]]
    for name, column in run.history.items():
        np.testing.assert_array_equal(column, [row[name] for row in told])
    frame = run.history.to_pandas()
    assert [*frame.index] == [row["iteration"] for row in told]
    assert [*frame["cost"]] == [row["cost"] for row in told]
    assert command("plot", run.path, "--kind", "cost", "-o", "cost.png").code == 0
    assert read.plot("cost")._repr_png_() == Path("cost.png").read_bytes()
    read.plot("cost", smooth=0.5).save("smooth.png")
    assert Path("smooth.png").read_bytes() != Path("cost.png").read_bytes()
    for name in ("c.svg", "c.pdf"):
        assert command("plot", run.path, "--kind", "cost", "-o", name).code == 0
        read.plot("cost").save(f"as-{name}")
        assert Path(f"as-{name}").read_bytes() == Path(name).read_bytes()
    with pytest.raises(deepnet.ConfigError, match=r"c\.jpg: expected a name that ends in"):
        read.plot("cost").save("c.jpg")
    for smooth in (1, -0.1, float("nan")):
        with pytest.raises(deepnet.ConfigError, match="expected 0 <= smooth < 1"):
            read.plot("cost", smooth=smooth)
    with pytest.raises(deepnet.ConfigError, match="did you mean 'confusion'"):
        read.plot("confusoin")
    with pytest.raises(deepnet.ConfigError, match="has no picture 'residuals'"):
        read.plot("residuals")
    assert str(run.path) in repr(run)
    assert [*deepnet.load(run).parameters] == [*run.model.parameters]


@pytest.mark.parametrize("file", ["blobs.h5", "two.h5"])
def test_predictions_are_the_commands(folder: Path, file: str) -> None:
    model = BINARY if file == "two.h5" else {}
    write_config(folder / "config.yaml", data={"train": file}, model=model)
    run = deepnet.train("config.yaml")
    told = json.loads(command("predict", run.path, file, "--json").out)
    X, y = examples(file)
    trained = deepnet.load(run.path)
    np.testing.assert_array_equal(trained.predict(X), told["predictions"])
    P = trained.predict_proba(X)
    assert P.shape == (90, len(np.unique(y)))
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(
        P[:, -np.shape(told["probabilities"])[1] :], told["probabilities"]
    )
    assert trained.classes is not None
    np.testing.assert_array_equal(trained.classes[P.argmax(axis=1)], trained.predict(X))
    measured = json.loads(command("evaluate", run.path, file, "--json", "--no-intervals").out)
    found = trained.evaluate(X, y)
    assert {name: measured[name] for name in found} == found
    heavy = np.where(y == 0, 3.0, 1.0)
    times = np.where(y == 0, 3, 1)
    repeated = trained.evaluate(X.repeat(times, axis=0), y.repeat(times))
    weighed = trained.evaluate(X, y, sample_weight=heavy)
    assert weighed["cost"] == pytest.approx(repeated["cost"], rel=1e-6)
    assert weighed["accuracy"] == pytest.approx(repeated["accuracy"])


def test_a_model_is_pickled_copied_and_saved(folder: Path) -> None:
    model = deepnet.train("config.yaml").model
    X, _ = examples("blobs.h5")
    model.save("model.h5")
    for other in (
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        deepnet.load("model.h5"),
    ):
        np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    W1 = model.parameters["W1"]
    assert W1.shape == (6, 4)
    W1[...] = 0
    assert model.parameters["W1"].any()


def test_an_example_may_have_any_shape_and_a_frame_has_names(folder: Path) -> None:
    import pandas

    model = deepnet.train("config.yaml").model
    X, _ = examples("blobs.h5")
    expected = model.predict(X)
    np.testing.assert_array_equal(model.predict(X.reshape(90, 2, 2)), expected)
    np.testing.assert_array_equal(model.predict(X.tolist()), expected)
    frame = pandas.DataFrame(X, columns=[*"abcd"])
    np.testing.assert_array_equal(model.predict(frame), expected)
    np.testing.assert_array_equal(model.predict(frame.astype(object)), expected)


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (np.zeros((2, 5)), "5 features"),
        (np.zeros(4), r"reshape\(1, -1\)"),
        (np.zeros((0, 4)), "nothing in it"),
        (np.full((2, 4), np.nan), "NaN at row 0"),
        ([["a", "b", "c", "d"]], "needs numbers"),
        (np.array([[{}, 1, 2, 3]]), "needs numbers"),
        ([[1, 2, 3, 4], [1, 2]], "no array"),
        (scipy.sparse.eye(4).tocsr(), "toarray"),
    ],
)
def test_what_is_no_x_is_told(folder: Path, X: Any, said: str) -> None:
    model = deepnet.train("config.yaml").model
    with pytest.raises(deepnet.DataError, match=said):
        model.predict(X)


def test_what_is_no_y_or_weight_is_told(folder: Path) -> None:
    model = deepnet.train("config.yaml").model
    X, y = examples("blobs.h5")
    with pytest.raises(deepnet.DataError, match="y has 89 examples"):
        model.evaluate(X, y[1:])
    with pytest.raises(deepnet.DataError, match="weights have shape"):
        model.evaluate(X, y, y[1:])
    with pytest.raises(deepnet.DataError, match="row 1 is -1"):
        model.evaluate(X, y, np.where(np.arange(90) == 1, -1.0, 1.0))


def test_what_a_network_does_not_know_is_told(folder: Path) -> None:
    model = deepnet.train("config.yaml").model
    with pytest.raises(deepnet.ConfigError, match=r"has no scores; it has .*probabilities"):
        model.decision_function(examples("blobs.h5")[0])
    hinge = {"layers": [1], "activations": ["linear"]}
    write_config(folder / "hinge.yaml", data={"train": "two.h5"}, model=hinge, loss="hinge")
    model = deepnet.train("hinge.yaml").model
    assert model.decision_function(examples("blobs.h5")[0]).shape == (90, 1)
    with pytest.raises(deepnet.ConfigError, match="has no probabilities"):
        model.predict_proba(examples("blobs.h5")[0])


def test_mistakes_are_deepnets_own_errors(folder: Path) -> None:
    with pytest.raises(deepnet.ConfigError, match="did you mean 'layers'"):
        deepnet.train({"data": {"train": "blobs.h5"}, "model": {"layer": [3]}})
    with pytest.raises(deepnet.ConfigError, match=r"set=\{'training.l2': -1\}: must be >= 0"):
        deepnet.train("config.yaml", set={"training.l2": -1})
    with pytest.raises(deepnet.ConfigError, match="cannot hold a function"):
        deepnet.train("config.yaml", set={"training.l2": examples})
    with pytest.raises(deepnet.ConfigError, match="no such file"):
        deepnet.train("missing.yaml")
    with pytest.raises(deepnet.DataError, match="no such file"):
        deepnet.train("config.yaml", set={"data.train": "missing.h5"})
    with pytest.raises(deepnet.DataError, match="no such"):
        deepnet.load("missing")
    with pytest.raises(deepnet.DataError):
        deepnet.Run("runs")
    with pytest.raises(deepnet.DivergedError, match="try: --set"):
        deepnet.train("config.yaml", set={"training.learning_rate": 1e30, "training.l2": 1e9})
    assert all(issubclass(getattr(deepnet, e), deepnet.DeepnetError) for e in ERRORS)


ERRORS = [name for name in deepnet.__all__ if name.endswith("Error")]


def test_doubts_are_warnings(folder: Path) -> None:
    with h5py.File("blobs.h5", "a") as file:
        file["y"][...] = 1
    with pytest.warns(deepnet.DeepnetWarning, match="one class"):
        deepnet.train("config.yaml", set={"data.validation": None})


def test_progress_is_shown_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deepnet.train("config.yaml")
    assert capsys.readouterr() == ("", "")
    deepnet.train("config.yaml", progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "val_cost" in err


def test_the_gradient_check_is_the_command(folder: Path) -> None:
    check = deepnet.gradcheck("config.yaml", set={"seed": 3}, examples=8)
    out = command("gradcheck", "config.yaml", "--set", "seed=3", "--examples", "8", "--json").out
    told, found = json.loads(out), json.loads(json.dumps(check.to_dict()))
    for each in (told, found):
        each.pop("seconds", None)
    assert found == told
    assert check
    assert "right" in str(check)
    run = deepnet.train("config.yaml")
    assert deepnet.gradcheck(run.path, examples=4)
    assert deepnet.gradcheck(run.path / "model.h5", data="blobs.h5", examples=4)
    with pytest.raises(deepnet.ConfigError, match="names no data"):
        deepnet.gradcheck(run.path / "model.h5")


def test_a_wrong_derivative_is_no_exception(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    affine = importlib.import_module("deepnet_cli.nn.ops.affine")
    backward = affine.Affine.backward

    def wrong(self: Any, *args: Any) -> Any:
        found = backward(self, *args)
        args[-1][self.W][...] *= 2
        return found

    monkeypatch.setattr(affine.Affine, "backward", wrong)
    check = deepnet.gradcheck("config.yaml", examples=4)
    assert not check


CODE = """
import numpy as np
from deepnet_cli.custom import activation
activation("twice", lambda Z: np.tanh(2 * Z), lambda Z: 2 * (1 - np.tanh(2 * Z) ** 2))
"""


def test_code_of_ones_own(folder: Path) -> None:
    Path("mine.py").write_text(CODE)
    write_config(folder / "c.yaml", model={"activations": ["twice", "softmax"]})
    command("train", "c.yaml", "--code", "mine.py", "--run-dir", "a", "-q")
    run = deepnet.train("c.yaml", code="mine.py", run_dir="b")
    same_files(Path("a"), Path("b"))
    model = deepnet.load(run.path, code="mine.py")
    assert model.predict(examples("blobs.h5")[0]).shape == (90,)
    with pytest.raises(deepnet.DataError, match="twice"):
        deepnet.load(run.path)


def test_threads_with_code_of_their_own_wait_for_each_other(folder: Path) -> None:
    """Though the same name is another function in each."""
    write_config(folder / "c.yaml", model={"activations": ["twice", "softmax"]})
    for k, code in enumerate((CODE, CODE.replace("2", "3"))):
        Path(f"mine{k}.py").write_text(code.replace("** 3", "** 2"))
        deepnet.train("c.yaml", code=f"mine{k}.py", run_dir=f"alone{k}")

    def work(k: int) -> None:
        deepnet.train("c.yaml", code=f"mine{k % 2}.py", run_dir=str(k))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [None] * 4
    for k in range(4):
        same_files(Path(f"alone{k % 2}"), Path(str(k)))
    assert Path("alone0/model.h5").read_bytes() != Path("alone1/model.h5").read_bytes()


USER = """
import numpy as np

import deepnet_cli as deepnet

run = deepnet.train({"data": {"train": "x.h5"}, "model": {"layers": [1]}}, set={"seed": 1})
cost: float = float(run.history["cost"][-1])
accuracy: float = run.figures["test"]["accuracy"]
labels = deepnet.load(run.path).predict(np.zeros((2, 3)))
reveal_type(labels)
reveal_type(deepnet.resume(run))
reveal_type(deepnet.gradcheck("config.yaml"))
try:
    deepnet.train("config.yaml", sett={})
except deepnet.DivergedError as error:
    print(error)
classifier = deepnet.DeepnetClassifier((8,), epochs=3).fit([[1.0], [2.0]], [0, 1])
reveal_type(classifier)
"""


@pytest.mark.long
def test_a_script_is_checked_by_mypy(tmp_path: Path) -> None:
    """Its types are known, and the one misspelled argument is the one error."""
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER)
    words = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "user.py"]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith("user.py")]
    told = [line.partition("note: ")[2] for line in lines if "note: Revealed" in line]
    assert [line.split(".")[-1].rstrip('"') for line in told[1:3]] == ["Run", "GradientCheck"]
    assert "ndarray" in told[0]
    assert "DeepnetClassifier" in told[3]
    errors = [line for line in lines if "error" in line]
    assert len(errors) == 1, run.stdout
    assert "sett" in errors[0]

"""Bad model files, bad command lines, and what the machine refuses."""

import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import Result, assert_refused, assert_says, config, deepnet, train_small, write_train_h5

from deepnet_cli import __version__
from deepnet_cli.training.kept.sealed import USER_BLOCK, sealed

W1, W2 = "parameters/W1", "parameters/W2"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory; nothing may change it."""
    return train_small(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work beside a config and its data."""
    monkeypatch.chdir(tmp_path)
    write_train_h5(tmp_path / "train.h5")
    (tmp_path / "c.yaml").write_text(config())


def predict(content: bytes) -> Result:
    """`deepnet predict` with a model file of these bytes."""
    Path("model.h5").write_bytes(content)
    return deepnet("predict", "model.h5", "train.h5")


def forged(run: Path, change: Callable[[Any], object]) -> bytes:
    """The run's model, changed by a stranger who knows how to seal it."""

    def fill(file: Any) -> None:
        with h5py.File(run / "model.h5") as good:
            for name in good:
                good.copy(name, file)
            for name, value in good.attrs.items():
                file.attrs[name] = value
        change(file)

    return sealed("model", fill)


def resealed(body: bytes, header: str = "deepnet model\nformat 1\nsha256 {}\n") -> bytes:
    """These bytes after a header with their right digest."""
    digest = hashlib.sha256(body).hexdigest()
    return header.format(digest).encode().ljust(USER_BLOCK - 1) + b"\n" + body


def put(name: str, value: Any) -> Callable[[Any], object]:
    """Another value for a dataset, or None to leave it out."""

    def change(file: Any) -> None:
        if name in file:
            del file[name]
        if value is not None:
            file[name] = value

    return change


def attribute(name: str, value: Any) -> Callable[[Any], object]:
    """Another value for an attribute, or None to leave it out."""

    def change(file: Any) -> None:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value

    return change


def in_config(old: str, new: str) -> Callable[[Any], object]:
    """Another config in the file."""

    def change(file: Any) -> None:
        text = str(file.attrs["config"])
        assert old in text
        file.attrs["config"] = text.replace(old, new)

    return change


def a_million_million_rows(file: Any) -> None:
    del file[W1]
    file.create_dataset(W1, (10**12, 4), "f4")


def virtual(file: Any) -> None:
    del file[W1]
    layout = h5py.VirtualLayout((4, 4), "f4")
    layout[...] = h5py.VirtualSource(".", W1, (4, 4))
    file.create_virtual_dataset(W1, layout)


def external_storage(file: Any) -> None:
    del file[W1]
    file.create_dataset(W1, (4, 4), "f4", external=[("/etc/passwd", 0, 64)])


def group(file: Any) -> None:
    del file[W1]
    file[f"{W1}/a"] = np.ones((4, 4), "f4")


def categories(column: Any, value: Any, unknown: str = "zeros") -> Callable[[Any], None]:
    """Categories of columns of x."""

    def change(file: Any) -> None:
        for name, found in {"column": column, "value": value, "unknown": unknown}.items():
            file[f"inputs/categories/{name}"] = found

    return change


def words(column: Any, name: Any) -> Callable[[Any], None]:
    """What values of columns of x stand for."""

    def change(file: Any) -> None:
        file["inputs/words/column"], file["inputs/words/name"] = column, name

    return change


ONES = np.ones((4, 4), "f4")

FORGED: dict[str, tuple[Callable[[Any], object], *tuple[str, ...]]] = {
    # 99-102: parameters
    "W1_too_wide": (put(W1, np.ones((4, 5), "f4")), "W1", "(4, 5)", "(4, 4)"),
    "W1_too_tall": (put(W1, np.ones((5, 4), "f4")), "W1", "(5, 4)", "(4, 4)"),
    "W1_of_rank_3": (put(W1, np.ones((4, 4, 1), "f4")), "W1", "(4, 4, 1)", "(4, 4)"),
    "W1_scalar": (put(W1, np.float32(1)), "W1", "()", "(4, 4)"),
    "W1_integers": (put(W1, np.ones((4, 4), "i8")), "W1", "int64", "float"),
    "W1_bools": (put(W1, np.ones((4, 4), "?")), "W1", "bool", "float"),
    "W1_complex": (put(W1, ONES + 1j), "W1", "complex"),
    "W1_text": (put(W1, np.full((4, 4), b"a")), "W1", "float"),
    "W1_nan": (put(W1, np.where(np.eye(4), np.nan, ONES)), "W1", "NaN"),
    "W1_infinite": (put(W1, ONES * np.inf), "W1", "infinity"),
    "W1_too_large_for_float32": (put(W1, np.full((4, 4), 1e300)), "W1", "float32"),
    "W1_external_link": (put(W1, h5py.ExternalLink("train.h5", "/x_train")), "W1"),
    "W1_soft_link": (put(W1, h5py.SoftLink("/parameters/W2")), "W1"),
    "W1_virtual": (virtual, "W1", "virtual"),
    "W1_external_storage": (external_storage, "W1", "another file"),
    "W1_of_a_million_million_rows": (a_million_million_rows, "W1", "declares"),
    "W1_group": (group, "W1"),
    "W1_null": (put(W1, h5py.Empty("f4")), "W1"),
    "W1_missing": (put(W1, None), "W1", "W2"),
    "W2_missing": (put(W2, None), "W2", "W1"),
    "b2_missing": (put("parameters/b2", None), "b2"),
    "b2_too_long": (put("parameters/b2", np.ones((4, 1), "f4")), "b2", "(4, 1)", "(3, 1)"),
    "W3_more": (put("parameters/W3", ONES), "W3", "more"),
    "no_parameters": (put("parameters", None), "W1"),
    "parameters_link": (put("parameters", h5py.ExternalLink("other.h5", "/")), "W1"),
    # scaling and classes
    "no_scaling": (put("scaling", None), "scaling"),
    "shift_nan": (put("scaling/shift", np.full(4, np.nan)), "scaling"),
    "shift_for_5": (put("scaling/shift", np.zeros(5)), "scaling|W1"),
    "divisor_for_5": (put("scaling/divisor", np.ones(5)), "scaling"),
    "divisor_zero": (put("scaling/divisor", np.array([1.0, 0, 1, 1])), "scaling"),
    "divisor_infinite": (put("scaling/divisor", np.full(4, np.inf)), "scaling"),
    "divisor_scalar": (put("scaling/divisor", 1.0), "scaling"),
    "divisor_text": (put("scaling/divisor", [b"a"] * 4), "scaling"),
    "shift_of_rank_2": (put("scaling/shift", np.zeros((4, 1))), "scaling|damaged"),
    "shift_scalar": (put("scaling/shift", 0.0), "scaling|damaged"),
    "shift_virtual": (put("scaling/shift", h5py.ExternalLink("a.h5", "/x")), "scaling", "another"),
    "no_classes": (put("classes", None), "class"),
    "no_class_names": (put("classes/names", None), "classes/names"),
    "classes_too_few": (put("classes/values", [0, 1]), "class"),
    "class_names_too_few": (put("classes/names", [b"a", b"b"]), "class"),
    "class_names_numbers": (put("classes/names", [1, 2, 3]), "class"),
    "class_values_unsorted": (put("classes/values", [2, 1, 0]), "class"),
    "class_values_fractions": (put("classes/values", [0.5, 1, 2]), "class"),
    "class_values_of_rank_2": (put("classes/values", [[0, 1, 2]]), "class"),
    "class_weights_too_few": (put("classes/weights", [1.0, 2.0]), "classes/weights"),
    "class_weights_of_0": (put("classes/weights", [1.0, 2.0, 0.0]), "classes/weights", "> 0"),
    "class_weights_not_finite": (put("classes/weights", [1.0, 2.0, np.inf]), "classes/weights"),
    "class_weights_text": (put("classes/weights", [b"a", b"b", b"c"]), "classes/weights"),
    "units_without_divisor": (put("units/shift", [0.0, 0.0, 0.0]), "units/divisor"),
    # the attributes
    "no_config": (attribute("config", None), "config|damaged"),
    "config_number": (attribute("config", 5), "config"),
    "config_empty": (attribute("config", ""), "config"),
    "config_text": (attribute("config", "hello"), "config", "key: value"),
    "config_bomb": (attribute("config", "a: &a [x]\nb: *a\n"), "config", "not supported"),
    "config_bytes": (attribute("config", np.bytes_(b"\xff\xfe")), "config"),
    "config_tag": (attribute("config", "!!python/object/apply:os.system [ls]"), "config", "tag"),
    "config_of_other_layers": (in_config("[4, 3]", "[5, 3]"), "W1", "(4, 4)", "(5, 4)"),
    "config_of_huge_layers": (
        in_config("[4, 3]", "[1000000000, 3]"),
        "W1",
        "(4, 4)",
        "(1000000000, 4)",
    ),
    "config_unknown_key": (in_config("seed:", "sede:"), "config", "sede", "unknown key"),
    "config_unknown_activation": (in_config("relu", "rulu"), "config", "rulu"),
    "config_auto_loss": (
        in_config("loss: {name: cross_entropy, label_smoothing: 0.0}", "loss: auto"),
        "loss|damaged",
    ),
    "config_one_activation": (in_config("[relu, softmax]", "relu"), "activation|damaged"),
    "config_not_utf_8": (
        attribute("config", np.array(b"name: caf\xe9\n", h5py.string_dtype())),
        "config in it",
        "not UTF-8 (byte 0xe9)",
    ),
    "config_with_escape": (attribute("config", '"\\e[31m": 1'), r"\x1b[31m", "unknown key"),
    # what is missing, categories
    "unknown_function": (put("scaling/function", "exp"), "scaling/function", "identity, log1p"),
    "function_of_two": (put("scaling/function", [b"log1p"] * 2), "scaling/function"),
    "fill_for_5": (put("inputs/fill", np.zeros(5)), "inputs/fill"),
    "fill_nan": (put("inputs/fill", np.full(4, np.nan)), "inputs/fill"),
    "missing_text": (put("inputs/missing", [b"none"]), "inputs/missing"),
    "words_of_no_column": (words([4], ["a"]), "no column 4"),
    "words_too_few": (words([0, 1], ["a"]), "inputs/words"),
    "words_of_numbers": (words([0], [1]), "inputs/words/name"),
    "example_fraction": (put("inputs/example", [4.0]), "inputs/example"),
    "names_of_other_outputs": (put("outputs/names", ["a", "b"]), "outputs/names: 2 for 3"),
    "indicator_beyond": (put("inputs/indicators", [4]), "x has no column 4"),
    "indicator_negative": (put("inputs/indicators", [-1]), "x has no column -1"),
    "indicator_fraction": (put("inputs/indicators", [1.0]), "inputs/indicators"),
    "indicator_more": (put("inputs/indicators", [3]), "W1"),
    "category_without_value": (put("inputs/categories/column", [4]), "inputs/categories/value"),
    "categories_beyond": (categories([5, 5], [1.0, 2.0]), "x has no column 5"),
    "categories_descend": (categories([4, 4], [2.0, 1.0]), "ascending"),
    "categories_repeat": (categories([4, 4], [1.0, 1.0]), "ascending"),
    "categories_uneven": (categories([4, 4], [1.0]), "a value is needed"),
    "categories_empty": (categories(np.zeros(0, int), np.zeros(0)), "a value is needed"),
    "categories_unknown": (categories([4], [1.0], "ones"), "inputs/categories/unknown", "zeros"),
    "names_of_3": (put("inputs/names", [b"a", b"b", b"c"]), "inputs/names", "3 for 4"),
    "names_of_numbers": (put("inputs/names", np.arange(4)), "inputs/names"),
    "no_scaling_rule": (attribute("scaling", None), "scaling|damaged"),
}
"""What a stranger changed, with a right digest; words.  Each is refused, none is read wrongly."""


@pytest.mark.parametrize("row", FORGED.values(), ids=FORGED)
def test_forged_model(row: tuple[Callable[[Any], object], *tuple[str, ...]], run: Path) -> None:
    change, *words = row
    result = predict(forged(run, change))
    assert_refused(result, 3, ["model.h5: "])
    for word in words:
        assert_says_one_of(result.err, word)
    assert "root:" not in result.err


def test_a_model_with_nothing_changed_is_read(run: Path) -> None:
    good = deepnet("predict", run, "train.h5")
    assert good.code == 0
    assert predict(forged(run, lambda _: None)) == Result(
        0, good.out, good.err.replace(str(run), "model.h5")
    )
    assert predict(resealed((run / "model.h5").read_bytes()[USER_BLOCK:])).code == 0


def test_the_largest_parameters_are_looked_at_and_predict_nothing(run: Path) -> None:
    """Whose squares and sums are infinite, and infinity less infinity is no number."""

    def largest(file: Any) -> None:
        for block in file["parameters"].values():
            block[...] = np.finfo(block.dtype).max

    content = forged(run, largest)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = ["train.h5: 'x", "row 0: the network makes no number of it", "too large"]
        assert_refused(predict(content), 3, told)
        assert deepnet("inspect", "model.h5").code == 0
        assert json.loads(deepnet("inspect", "model.h5", "--json").out)["kind"] == "model"


def test_paths_in_a_model_are_never_opened(run: Path) -> None:
    os.mkfifo("pipe")  # opening it would not end
    content = forged(run, in_config("../train.h5", "pipe"))
    assert predict(content).code == 0
    assert deepnet("evaluate", "model.h5", "train.h5").code == 0


def test_class_names_cannot_drive_a_terminal(run: Path) -> None:
    names = [b"\x1b[31ma", b"b\r\n", "\u202ec".encode()]
    Path("model.h5").write_bytes(forged(run, put("classes/names", names)))
    result = deepnet("evaluate", "model.h5", "train.h5")
    assert "\x1b" not in result.out
    assert "\u202e" not in result.out


NOT_MODELS: dict[str, tuple[Callable[[Path], bytes], *tuple[str, ...]]] = {
    "empty": (lambda _: b"", "not a deepnet model", "empty|0 bytes"),
    "text": (lambda _: b"hello\n", "not a deepnet model", "text"),
    "pickle": (lambda _: pickle.dumps([1, 2]), "not a deepnet model", "pickle"),
    "npy": (lambda _: b"\x93NUMPY\x01\0", "not a deepnet model", "NumPy"),
    "npz": (lambda _: b"PK\x03\x04", "not a deepnet model", "zip"),
    "data_file": (lambda _: Path("train.h5").read_bytes(), "not a deepnet model", "HDF5"),
    "config": (lambda _: Path("c.yaml").read_bytes(), "not a deepnet model", "text"),
    "checkpoint": (
        lambda run: next((run / "checkpoints").iterdir()).read_bytes(),
        "not a deepnet model",
        "deepnet checkpoint|another deepnet file",
    ),
    "without_seal": (
        lambda run: (run / "model.h5").read_bytes()[USER_BLOCK:],
        "not a deepnet model",
        "HDF5",
    ),
    "seal_of_zeros": (
        lambda run: bytes(USER_BLOCK) + (run / "model.h5").read_bytes()[USER_BLOCK:],
        "not a deepnet model",
    ),
    "seal_alone": (lambda run: (run / "model.h5").read_bytes()[:USER_BLOCK], "damaged"),
    "garbage_after": (lambda run: (run / "model.h5").read_bytes() + b"\0", "damaged", "sha256"),
    "newer_format": (
        lambda run: resealed(
            forged(run, attribute("deepnet", "3.1"))[USER_BLOCK:],
            "deepnet model\nformat 4\nsha256 {}\n",
        ),
        "written by deepnet 3.1 (format 4)",
        f"this is deepnet {__version__} (formats up to 1)",
    ),
    "newer_format_of_many_digits": (
        lambda _: resealed(b"", f"deepnet model\nformat {'9' * 300}\nsha256 {{}}\n"),
        "newer",
    ),
    "sealed_nothing": (lambda _: resealed(b""), "damaged"),
    "sealed_text": (lambda _: resealed(b"hello" * 99), "damaged"),
    "sealed_empty_hdf5": (lambda _: sealed("model", lambda _: None), "config|damaged"),
}
"""What is given as a model; words."""


@pytest.mark.parametrize("row", NOT_MODELS.values(), ids=NOT_MODELS)
def test_not_a_model(row: tuple[Callable[[Path], bytes], *tuple[str, ...]], run: Path) -> None:
    content, *words = row
    result = predict(content(run))
    assert_refused(result, 3, ["model.h5: "])
    for word in words:
        assert_says_one_of(result.err, word)
    for command in ("evaluate", "predict"):
        assert deepnet(command, "model.h5", "train.h5").code == 3
    assert deepnet("gradcheck", "model.h5", "--data", "train.h5").code == 3


def test_a_pickle_is_never_unpickled() -> None:
    class Harm:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return os.mkdir, ("unpickled",)

    assert predict(pickle.dumps(Harm())).code == 3
    assert not Path("unpickled").exists()


def test_every_truncation_is_refused(run: Path) -> None:
    content = (run / "model.h5").read_bytes()
    lengths = [0, 1, 7, 100, 511, 512, 513, 520, 600, 1024, len(content) - 1]
    lengths += np.random.default_rng(3).integers(0, len(content), 30).tolist()
    for length in lengths:
        result = predict(content[:length])
        assert_refused(result, 3, ["model.h5: "])
        assert re.search("damaged|not a deepnet model", result.err), result.err


def test_every_flipped_bit_is_refused(run: Path) -> None:
    content = (run / "model.h5").read_bytes()
    rng = np.random.default_rng(4)
    places = [*rng.integers(0, USER_BLOCK, 20), *rng.integers(USER_BLOCK, len(content), 50)]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        result = predict(bytes(changed))
        assert_refused(result, 3, ["model.h5: "])
        assert re.search("damaged|not a deepnet model|newer", result.err), result.err


# What is typed


def in_use(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("mine")


PREPARED: dict[str, Callable[[], object]] = {
    "file": lambda: Path("file").write_text("x"),
    "full": lambda: in_use(Path("full")),
    "folder": lambda: Path("folder").mkdir(),
}
"""What stands in the folder for the rows below, beside c.yaml and train.h5."""

USAGE: dict[str, tuple[list[str], int, *tuple[str, ...]]] = {
    "no_command": ([], 2, "Usage", "train"),
    "unknown_command": (["trian", "c.yaml"], 2, "trian", "did you mean", "'train'"),
    "unknown_option": (["train", "c.yaml", "--dryrun"], 2, "--dryrun", "--dry-run"),
    "unknown_group_option": (["--verbose"], 2, "--verbose"),
    "train_nothing": (["train"], 2, "Usage"),
    "train_two": (["train", "c.yaml", "c.yaml"], 2, "unexpected"),
    "train_config_and_resume": (["train", "c.yaml", "--resume", "RUN"], 2, "--resume"),
    "train_only_options": (["train", "-q"], 2, "CONFIG"),
    "train_set_without_value": (["train", "c.yaml", "--set"], 2, "--set"),
    "train_data": (["train", "train.h5"], 2, "train.h5", "not UTF-8|HDF5"),
    "file_like_an_option": (["train", "-x.yaml"], 2, "-x"),
    "file_like_an_option_after_dashes": (["train", "--", "-x.yaml"], 2, "-x.yaml: no such file"),
    "predict_nothing": (["predict"], 2, "MODEL"),
    "predict_no_data": (["predict", "RUN"], 2, "DATA"),
    "predict_config": (["predict", "c.yaml", "train.h5"], 3, "c.yaml", "not a deepnet model"),
    "predict_missing_model": (["predict", "gone.h5", "train.h5"], 3, "gone.h5", "no such file"),
    "predict_missing_run": (["predict", "runs/a-001", "train.h5"], 3, "runs/a-001", "no such"),
    "predict_folder": (["predict", "folder", "train.h5"], 3, "folder", "model.h5"),
    "predict_missing_data": (["predict", "RUN", "tarin.h5"], 3, "did you mean 'train.h5'"),
    "predict_swapped": (["predict", "train.h5", "RUN"], 3, "train.h5", "not a deepnet model"),
    "predict_output_suffix": (["predict", "RUN", "train.h5", "-o", "a.txt"], 2, "a.txt", ".csv"),
    "predict_output_no_suffix": (["predict", "RUN", "train.h5", "-o", "a"], 2, "-o a", ".h5"),
    "predict_output_capitals": (["predict", "RUN", "train.h5", "-o", "a.npy"], 2, ".h5"),
    "predict_output_nowhere": (
        ["predict", "RUN", "train.h5", "-o", "no/a.csv"],
        6,
        "no/a.csv",
        "no such",
    ),
    "predict_output_below_file": (
        ["predict", "RUN", "train.h5", "-o", "file/a.csv"],
        6,
        "file/a.csv",
        "not a directory",
    ),
    "predict_x_unknown": (
        ["predict", "RUN", "train.h5", "--x", "x_tets"],
        3,
        "x_tets",
        "did you mean 'x_test'",
    ),
    "evaluate_no_data": (["evaluate", "RUN"], 2, "DATA"),
    "evaluate_y_unknown": (["evaluate", "RUN", "train.h5", "--y", "y"], 3, "no dataset 'y'"),
    "gradcheck_nothing": (["gradcheck"], 2, "CONFIG"),
    "gradcheck_no_examples": (["gradcheck", "c.yaml", "--examples", "0"], 2, "--examples", "1"),
    "gradcheck_after_text": (["gradcheck", "c.yaml", "--after", "a"], 2, "--after", "'a'"),
    "gradcheck_after_a_run": (["gradcheck", "RUN", "--after", "3"], 2, "--after", "trained"),
    "gradcheck_missing_data": (["gradcheck", "RUN", "--data", "gone.h5"], 3, "gone.h5"),
    "gradcheck_missing_run": (["gradcheck", "runs/a-001"], 2, "runs/a-001", "no such"),
    "run_dir_holds_a_run": (
        ["train", "c.yaml", "--run-dir", "RUN"],
        2,
        "holds a run",
        "--resume",
        "new directory",
    ),
    "run_dir_not_empty": (["train", "c.yaml", "--run-dir", "full"], 2, "full", "not empty"),
    "run_dir_of_the_data": (["train", "c.yaml", "--run-dir", "."], 2, "not empty"),
    "run_dir_is_a_file": (["train", "c.yaml", "--run-dir", "file"], 2, "file", "is a file"),
    "run_dir_below_a_file": (["train", "c.yaml", "--run-dir", "file/a"], 2, "file"),
    "run_dir_too_long": (["train", "c.yaml", "--run-dir", "a" * 300], 6, "name too long"),
    "output_below_a_file": (
        ["train", "c.yaml", "--set", "output.directory=file"],
        2,
        "file",
        "!100000",
    ),
    "output_with_nul": (["train", "c.yaml", "--set", r'output.directory="a\0b"'], 2, "output"),
    "resume_nothing": (["train", "--resume", "gone"], 3, "gone", "no such directory"),
    "resume_folder": (["train", "--resume", "folder"], 3, "folder", "is no run", "config.yaml"),
    "resume_file": (["train", "--resume", "c.yaml"], 3, "c.yaml", "is no run"),
    "resume_finished": (["train", "--resume", "RUN"], 2, "training.iterations=4"),
    "resume_with_other_rate": (
        ["train", "--resume", "RUN", "--set", "training.learning_rate=1"],
        2,
        "training.learning_rate",
        "new run",
    ),
    "resume_elsewhere": (["train", "--resume", "RUN", "--run-dir", "b"], 2, "--run-dir"),
    "not_utf_8": (["predict", "\udcff", "\udcfe.h5"], 3, r"\udcff", "no such file"),
    "option_not_utf_8": (["train", "--\udcff"], 2, r"\udcff"),
    "command_with_escape": (["\x1b[31mtrain"], 2, r"\x1b[31m"),
    "option_with_escape": (["train", "--\x1b[31m"], 2, r"\x1b[31m"),
}
"""Arguments (RUN is a run's directory), exit code, words."""


@pytest.mark.parametrize("name", USAGE)
def test_usage(name: str, run: Path) -> None:
    args, code, *words = USAGE[name]
    for prepare in PREPARED.values():
        prepare()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    result = deepnet(*(str(run) if arg == "RUN" else arg for arg in args))
    assert_refused(result, code, ())
    for word in words:
        assert_says_one_of(result.err, word)
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert before == after


def assert_says_one_of(text: str, word: str) -> None:
    """One of the words between `|`."""
    if "|" not in word:
        assert_says(text, [word])
    else:
        assert any(choice in text for choice in word.split("|")), (word, text)


# What the machine refuses, in a process of its own


def bash(script: str, run: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A bash script in which `deepnet` is the program and $RUN the run's directory."""
    head = f'set -o pipefail; deepnet() {{ "{sys.executable}" -m deepnet_cli "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-c", head + script],
        capture_output=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "", "RUN": str(run), **environment},
    )
    assert b"Traceback" not in done.stdout + done.stderr
    assert b"Exception ignored" not in done.stderr
    assert not list(Path.cwd().glob("deepnet-crash-*"))
    return done


SCRIPTS: dict[str, tuple[str, int, *tuple[str, ...]]] = {
    "predict_to_full_device": (
        "deepnet predict $RUN train.h5 > /dev/full",
        6,
        "standard output",
        "no space left",
    ),
    "help_to_full_device": ("deepnet --help > /dev/full", 6, "standard output", "no space left"),
    "figures_to_full_device": ("deepnet evaluate $RUN train.h5 --json > /dev/full", 6, "no space"),
    "errors_to_full_device": ("deepnet train gone.yaml 2> /dev/full", 2),
    "head_1": ("deepnet predict $RUN long.h5 | head -1", 141),
    "unbuffered": ("PYTHONUNBUFFERED=1 deepnet predict $RUN long.h5 | head -1", 141),
    "true": ("deepnet predict $RUN long.h5 | true", 141),
    "train_into_closed_pipe": (
        "deepnet train c.yaml --run-dir out | true; test -s out/model.h5",
        0,
    ),
    "progress_into_closed_pipe": (
        "deepnet train c.yaml --run-dir out 2> >(true); test -s out/model.h5",
        0,
    ),
    "everything_closed": (
        "deepnet predict $RUN train.h5 -o out.csv <&- >&- 2>&-; grep -q ^predict out.csv",
        0,
    ),
    "output_closed": ("deepnet train c.yaml --run-dir out >&-; test -s out/model.h5", 0),
    "predictions_to_nowhere": ("deepnet predict $RUN train.h5 >&-", 0),
    "not_utf_8": (r"deepnet predict $'\xff' $'\xfe.h5'", 3, r"\udcff"),
    "config_not_utf_8": (r"cp c.yaml $'\xff.yaml'; deepnet train $'\xff.yaml' -q", 0),
    "foreign_yaml_module": (
        'echo \'open("harm", "w")\' | tee yaml.py numpy.py click.py > h5py.py; '
        "deepnet train c.yaml -q; code=$?; test ! -e harm || exit 99; exit $code",
        0,
    ),
    "file_too_large": (
        "ulimit -f 1; deepnet train c.yaml -q --run-dir out",
        6,
        "out/",
        "too large",
    ),
}
"""A script, its exit code, words on stderr."""


@pytest.mark.parametrize("row", SCRIPTS.values(), ids=SCRIPTS)
def test_machine(row: tuple[str, int, *tuple[str, ...]], run: Path) -> None:
    script, code, *words = row
    if "long.h5" in script:
        with h5py.File("long.h5", "w") as file:
            file["x"] = np.zeros((20_000, 4), "f4")
    done = bash(script, run)
    assert done.returncode == code, done.stderr.decode(errors="replace")
    assert_says(done.stderr.decode(errors="replace"), words)


def test_output_that_knows_only_ascii(run: Path) -> None:
    names = ["ä", "b", "→"]
    Path("model.h5").write_bytes(forged(run, put("classes/names", names)))
    for command in ("predict model.h5 train.h5", "evaluate model.h5 train.h5"):
        done = bash(f"deepnet {command}", run, PYTHONIOENCODING="ascii")
        assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert rb"\u2192" in done.stdout


@pytest.mark.parametrize(
    "name", ["what?.yaml", ".yaml", "a:b.yaml", f"{'a' * 120}.yaml", "a\nb.yml"]
)
def test_a_config_may_have_any_file_name(name: str) -> None:
    Path("c.yaml").rename(name)
    result = deepnet("train", name, "-q")
    assert result.code == 0, result.err

"""Every bad input that is known to have harmed a program of this kind, by number: which test holds
what it meets here, and the tests of those that have no better place.

All of them run through `cli.deepnet`, which sees to it that there is no traceback and no control
character, and that a message is short.
"""

import errno
import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, assert_says, config, deepnet, train_small

CONFIGS, DATA, MODELS = "test_bad_configs", "test_bad_data", "test_bad_models_and_usage"
PLACED = f"{CONFIGS}::test_refused_at_its_place"
WHOLE = f"{CONFIGS}::test_refused"
X, Y, FILES = f"{DATA}::test_bad_x", f"{DATA}::test_bad_y", f"{DATA}::test_bad_file"
GOOD = f"{DATA}::test_odd_but_good_data_is_trained_on"
FORGED, USAGE = f"{MODELS}::test_forged_model", f"{MODELS}::test_usage"
SHELL = f"{MODELS}::test_machine"
HERE = "test_bad_inputs"


Held = tuple[str, tuple[str, ...]]
"""A test, and the rows of its table, as patterns; all of them where none is said."""


def each(test: str, *rows: str) -> Held:
    return test, rows


def placed(*rows: str) -> Held:
    """Rows of the tables of configs."""
    return PLACED, rows


ROWS: dict[int, tuple[str, *tuple[Held, ...]]] = {
    # a config
    1: ("1e-3", each(f"{CONFIGS}::test_accepted", "1e-3", "1E-3", "1e1")),
    2: ("1.0e+400", placed("training-number_*overflows")),
    3: (".nan, .inf", placed("training-rate_nan", "training-rate_*infinit*")),
    4: ("the words nan and inf", placed("training-rate_word_*")),
    5: ("a rate of 0 or less", placed("training-rate_negative", "training-rate_zero")),
    6: ("true for a number", placed("training-rate_true")),
    7: ("a number in quotes", placed("training-rate_quoted", "training-iterations_quoted")),
    8: ("5.5 and 5.0 epochs", placed("training-epochs_fraction", "training-epochs_5_0")),
    9: ("-3 and 0 epochs", placed("training-epochs_negative", "training-epochs_zero")),
    10: ("a number of 26 digits", placed("training-integer_out_of_range")),
    11: ("a number of 5,000 digits", placed("training-integer_of_5000_digits")),
    12: ("010", placed("top-octal")),
    13: ("0x10, 0b11, 1_000", placed("top-hexadecimal", "top-binary", "top-underscores")),
    14: ("1:30", placed("top-base_60", "top-base_60_twice")),
    15: ("yes, no, on, off", placed("training-shuffle_*")),
    16: ("on as a key", placed("training-key_on")),
    17: ("a key twice", placed("training-key_twice")),
    18: ("a key twice, once in quotes", placed("training-key_twice_quoted")),
    19: ("a key misspelled", placed("training-unknown_key")),
    20: ("a name in capitals", placed("model-activation_in_capitals")),
    21: ("a key missing", each(WHOLE, "no_data", "no_train", "no_model", "no_layers")),
    22: ("4, 5 and [4 5]", placed("model-layers_text", "model-layers_without_comma")),
    23: ("no layers, [0], [-1]", placed("model-layers_empty", "model-layers_zero")),
    24: ("layers of a thousand million", placed("model-layers_too_large_for_memory")),
    25: ("100,000 layers", each(f"{CONFIGS}::test_a_list_of_100000_layers_is_refused_at_once")),
    26: ("a billion laughs", placed("billion_laughs", "training-anchor", "training-alias")),
    27: ("a merge bomb", placed("merge_bomb")),
    28: ("a list in itself", placed("training-recursion")),
    29: ("a merge", placed("training-merge", "training-merge_of_alias")),
    30: ("1,000 brackets", placed("training-nested_1000_deep")),
    31: ("100,000 brackets", placed("nested_100000_deep")),
    32: ("a tag of Python", placed("training-tag_python")),
    33: ("other tags", placed("training-tag_binary", "training-tag_set", "training-tag_own")),
    34: ("a date", each(f"{CONFIGS}::test_accepted", "date_as_text")),
    35: ("two documents", placed("top-second_document")),
    36: ("an empty file", each(WHOLE, "empty", "only_comments", "empty_document")),
    37: ("no mapping", placed("list", "plain_text", "no_space")),
    38: ("a tab", placed("tab")),
    39: ("what is not closed", placed("training-*_not_closed")),
    40: ("not UTF-8", each(WHOLE, "bytes_of_latin_1", "utf_16")),
    41: ("control characters", placed("control_character", "nul")),
    42: ("keys that are no text", placed("training-key_number", "training-key_list")),
    43: ("= and << as values", placed("training-value_equals", "training-value_merge")),
    44: (
        "what has no end, or is none",
        each(WHOLE, "too_large"),
        each(f"{CONFIGS}::test_a_config_that_cannot_be_read", "endless_device", "directory"),
        each(f"{CONFIGS}::test_a_pipe_nobody_writes_to_is_not_waited_for"),
        each(f"{CONFIGS}::test_an_endless_pipe_is_read_no_further_than_a_config_may_be"),
    ),
    45: ("~ and ..", placed("data-home"), each(f"{CONFIGS}::test_accepted", "part_above")),
    46: ("a directory in use", each(USAGE, "run_dir_not_empty", "run_dir_of_the_data")),
    47: ("another config to resume", each(USAGE, "resume_with_other_rate")),
    # a data file
    48: ("no file", each(FILES, "missing")),
    49: ("a directory", each(FILES, "directory")),
    50: ("a FIFO", each(FILES, "fifo")),
    51: ("devices", each(FILES, "socket", "device"), each(f"{HERE}::test_a_file_of_the_kernels")),
    52: ("no HDF5", each(FILES, "empty", "four_bytes", "csv")),
    53: ("cut off", each(FILES, "truncated_*")),
    54: ("garbage behind", each(f"{DATA}::test_garbage_after_the_end_is_no_harm")),
    55: ("damaged metadata", each(FILES, "damaged_*")),
    56: ("what crashes HDF5", each(f"{DATA}::test_a_chunk_table_that_lies")),
    57: (
        "another bit in plain values",
        each("test_resume::test_what_changed_in_the_data_is_named"),
    ),
    58: ("another bit in a chunk", each(f"{DATA}::test_a_damaged_chunk")),
    59: ("an external link", each(X, "external_link*")),
    60: ("a path through one", each(f"{DATA}::test_every_part_of_a_path_is_looked_at")),
    61: ("a soft link to one", each(X, "soft_link_through_external_link")),
    62: ("external storage", each(X, "external_storage*")),
    63: ("external storage too short", each(f"{HERE}::test_external_storage_that_is_too_short")),
    64: ("a virtual dataset", each(X, "virtual*")),
    65: ("a virtual dataset of itself", each(X, "virtual_of_itself")),
    66: ("soft links to nowhere", each(X, "soft_link_to_nowhere", "soft_link_in_a_loop")),
    67: ("links in a circle", each(f"{DATA}::test_links_in_a_circle_are_not_walked_forever")),
    68: ("no dataset", each(X, "group", "named_type")),
    69: (
        "an unknown dataset",
        each(
            f"{CONFIGS}::test_a_data_file_that_cannot_be_used_is_told_at_its_place",
            "missing_dataset",
        ),
    ),
    70: ("a disk that cannot be read", each(f"{HERE}::test_a_disk_that_cannot_be_read")),
    71: ("text", each(X, "text", "bytes")),
    72: ("strange types", each(X, "lists_of*", "references", "compound", "opaque", "array_type")),
    73: ("complex numbers", each(X, "complex")),
    74: ("every type of number", each(GOOD, "f2", ">f4", ">f8", "[?]", "i1", "u8")),
    75: ("128-bit floats", each(X, "float128")),
    76: ("a label of 2^64 - 1", each(Y, "above_int64")),
    77: ("1e300 in float32", each(X, "too_large_for_float32")),
    78: ("NaN and infinity", each(X, "nan", "infinity")),
    79: ("ranks 0 and 32", each(X, "null", "scalar", "one_dimension"), each(GOOD, "rank_32")),
    80: ("no rows", each(X, "no_rows", "no_columns")),
    81: ("other rows of y", each(Y, "a_row_more", "a_row_less")),
    82: ("other features", each(f"{DATA}::test_parts_that_do_not_fit", "a_feature_more")),
    83: (
        "labels that are none",
        each(Y, "fraction", "a_negative_class_too_many", "a_class_beyond"),
        each(f"{DATA}::test_labels_of_one_class_are_trained_on_and_told"),
    ),
    84: ("constants", each(f"{DATA}::test_constant_features_are_trained_on_and_told")),
    85: ("10^18 declared", each(X, "declares_10_to_the_18")),
    86: ("1.5 GB declared", each(X, "declares_1_5_GB", "half_written")),
    87: ("1 GB of zeros in 1 MB", each(f"{HERE}::test_what_was_packed_well_needs_room")),
    88: ("huge chunks", each(X, "huge_chunks")),
    89: ("an unknown filter", each(X, "unknown_filter")),
    90: ("filters with a history", each(X, "szip", "nbit", "scaleoffset")),
    91: ("a chunk table that lies", each(f"{DATA}::test_a_chunk_table_that_lies")),
    92: ("a file that is written", each(f"{HERE}::test_a_file_that_another_process_writes")),
    93: ("no locks", each(f"{HERE}::test_a_file_system_without_locks")),
    94: ("a writer killed", each(f"{HERE}::test_a_file_whose_writer_was_killed")),
    95: ("names that drive a terminal", each(f"{DATA}::test_ambiguous", "names_*")),
    96: ("20,000 links", each(f"{DATA}::test_a_file_of_20000_links_is_listed_in_short")),
    # a model, the command line, the machine
    97: (
        "a pickle",
        each(f"{MODELS}::test_not_a_model", "pickle", "npy"),
        each(f"{MODELS}::test_a_pickle_is_never_unpickled"),
    ),
    98: (
        "a damaged model",
        each(f"{MODELS}::test_every_flipped_bit_is_refused"),
        each("test_files::test_hdf5_sees_no_byte_of_a_damaged_file"),
    ),
    99: ("a forged model", each(FORGED, "W1_external*", "W1_virtual", "W1_of*", "W1_scalar")),
    100: ("parameters of other types", each(FORGED, "W1_integers", "W1_complex")),
    101: ("parameters of other shapes", each(FORGED, "W1_missing", "W3_more", "W1_too_*")),
    102: ("parameters that are NaN", each(FORGED, "W1_nan", "W1_infinite")),
    103: ("a newer format", each(f"{MODELS}::test_not_a_model", "newer_format*")),
    104: ("other features", each(f"{DATA}::test_data_with_other_features_than_the_model")),
    105: (
        "damaged checkpoints",
        each("test_train::test_a_damaged_checkpoint_is_named_and_the_older_used"),
    ),
    106: ("a run in use", each("test_lock::test_the_second_is_told_who_the_first_is")),
    107: ("a full disk", each("test_faults::test_any_operation_of_a_run_may_fail")),
    108: ("other data to resume", each("test_resume::test_what_changed_in_the_data_is_named")),
    109: ("wrong usage", each(USAGE, "train_nothing", "unknown_option", "file_like_an_option*")),
    110: ("a reader who leaves", each(SHELL, "head_1", "train_into_closed_pipe")),
    111: ("/dev/full", each(SHELL, "*_to_full_device")),
    112: ("closed streams", each(SHELL, "everything_closed", "output_closed")),
    113: (
        "ASCII alone",
        each(f"{MODELS}::test_output_that_knows_only_ascii"),
        each(SHELL, "not_utf_8"),
    ),
    114: ("a foreign yaml.py", each(SHELL, "foreign_yaml_module")),
    115: ("a foreign plugin", each(f"{HERE}::test_a_plugin_of_hdf5s_is_not_run")),
    116: (
        "no room for BLAS",
        each("test_train::test_memory_that_is_not_there_is_told_before_training"),
    ),
    117: (
        "a cost that is NaN",
        each("test_train::test_divergence_ends_with_4_and_keeps_the_last_good_parameters"),
        each(f"{HERE}::test_a_gradient_that_overflows_reaches_no_file"),
    ),
}
"""Each row: what it is, and the tests that hold it, as patterns."""


@pytest.mark.parametrize("number", ROWS)
def test_each_row_is_held(number: int) -> None:
    _, *held = ROWS[number]
    for test, rows in held:
        module, _, name = test.partition("::")
        function = getattr(importlib.import_module(module), name)
        for row in rows:
            assert any(fnmatchcase(each, row) for each in ids_of(function)), (test, row)


def ids_of(test: Any) -> list[str]:
    """How the rows of a test's tables are called."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    return [str(each) for mark in marks for each in mark.kwargs.get("ids") or mark.args[1]]


def test_no_row_is_missing() -> None:
    assert list(ROWS) == list(range(1, 118))


# What has no better place


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_small(tmp_path_factory.mktemp("model"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With good data in bad.h5, and a config that names them."""
    monkeypatch.chdir(tmp_path)
    write("bad.h5")
    Path("c.yaml").write_text(config(data="train: {file: bad.h5, x: x, y: y}"))
    return tmp_path


def write(name: str, **options: Any) -> None:
    with h5py.File(name, "w", **options) as file:
        file["x"], file["y"] = np.random.default_rng(3).normal(size=(12, 4)), np.arange(12) % 3


def test_a_file_of_the_kernels(folder: Path, run: Path) -> None:
    """A regular file of no size, that cannot be read."""
    result = deepnet("predict", run, "/proc/self/mem")
    assert_refused(result, 3, ["/proc/self/mem: ", "0 bytes"])


def test_external_storage_that_is_too_short(folder: Path) -> None:
    """HDF5 would read zeros."""
    Path("raw.bin").write_bytes(b"abc")
    with h5py.File("bad.h5", "w") as file:
        file.create_dataset("x", (12, 4), "u1", external=[("raw.bin", 0, 48)])
        file["y"] = np.arange(12) % 3
    assert_refused(deepnet("train", "c.yaml"), 3, ["'x'", "another file"])


HDF5_SAYS = (
    "Unable to synchronously open object (file read failed: time = Thu Nov 26 12:43:51 2026\n"
    ", filename = 'bad.h5', file descriptor = 3, errno = 5, error message = 'Input/output error', "
    "buf = 0x7ffe0ffa9fa8, total read size = 8, bytes this sub-read = 8, offset = 0)"
)
"""Where a disk fails; the exception is any of those that damage has."""


@pytest.mark.parametrize(
    ("kind", "name"),
    [(h5py.Group, "__getitem__"), (h5py.Dataset, "__getitem__"), (h5py.File, "__init__")],
    ids=["object", "values", "file"],
)
@pytest.mark.parametrize("raised", [KeyError, OSError, RuntimeError])
def test_a_disk_that_cannot_be_read(
    folder: Path, run: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, name: str, raised: Any
) -> None:
    model = run / "model.h5"

    def fail(*_: object, **__: object) -> None:
        raise raised(HDF5_SAYS)

    with monkeypatch.context() as failing:
        failing.setattr(kind, name, fail)
        for words in (("train", "c.yaml", "-q"), ("inspect", "bad.h5"), ("inspect", model)):
            result = deepnet(*words)
            assert_refused(result, 6, ["cannot read: input/output error", "!damaged", "!0x7f"])


def test_what_was_packed_well_needs_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File("bad.h5", "w") as file:
        packed = {"chunks": True, "compression": 9}
        file.create_dataset("x", data=np.zeros((400_000, 4), "f4"), **packed)
        file.create_dataset("y", data=np.arange(400_000) % 3, dtype="i1", **packed)
    assert Path("bad.h5").stat().st_size < 100_000
    monkeypatch.setattr("deepnet_cli.config.foresight.available_memory", lambda: 1_000_000)
    result = deepnet("train", "c.yaml", "-q", "--set", "data.stream=false")
    assert_refused(result, 6, ["MiB", "available"])


OTHERS = {
    "writes": "file = h5py.File('bad.h5', 'r+'); print(flush=True); input()",
    "is killed": "file = h5py.File('bad.h5', 'r+', libver='latest'); file['z'] = 1; file.flush()\n"
    "import os; os._exit(0)",
}
"""What another process does with the file."""


def test_a_file_that_another_process_writes(folder: Path) -> None:
    command = [sys.executable, "-c", f"import h5py; {OTHERS['writes']}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        for words in (("train", "c.yaml"), ("inspect", "bad.h5")):
            assert_refused(deepnet(*words), 6, ["bad.h5", "written by another program"])
        other.communicate(b"\n")
    assert deepnet("inspect", "bad.h5").code == 0


def test_a_file_whose_writer_was_killed(folder: Path) -> None:
    write("bad.h5", libver="latest")
    subprocess.run([sys.executable, "-c", f"import h5py; {OTHERS['is killed']}"], check=True)
    assert_refused(deepnet("train", "c.yaml"), 3, ["bad.h5", "not closed properly", "h5clear -s"])


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Is read from all the same, which is told once."""
    told = "(on a file system without locks): x "
    assert told not in deepnet("train", "c.yaml").err
    open_file: Callable[..., None] = h5py.File.__init__

    def opened(file: Any, *words: Any, **options: Any) -> None:
        if options.get("locking") is not False and words[1:] == ("r",):
            raise OSError(code, f"Unable to open file (unable to lock file, errno = {code})")
        open_file(file, *words, **options)

    monkeypatch.setattr(h5py.File, "__init__", opened)
    assert deepnet("inspect", "bad.h5").code == 0
    result = deepnet("train", "c.yaml")
    assert result.code == 0
    assert " ".join(result.err.split()).count(told) == 1


PLUGIN = """
#include <stdio.h>
__attribute__((constructor)) static void run(void) { fclose(fopen("harm", "w")); }
"""


def test_a_plugin_of_hdf5s_is_not_run(folder: Path, run: Path) -> None:
    """HDF5 would look for an unknown filter where the environment says, and run what is there."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    Path("plugins").mkdir()
    Path("plugin.c").write_text(PLUGIN)
    command = [compiler, "-shared", "-fPIC", "plugin.c", "-o", "plugins/libplugin.so"]
    subprocess.run(command, check=True)
    with h5py.File("bad.h5", "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((12, 4))
        properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
        space, kind = h5py.h5s.create_simple((12, 4)), h5py.h5t.NATIVE_DOUBLE
        x = h5py.h5d.create(file.id, b"x", kind, space, properties)
        x.write_direct_chunk((0, 0), bytes(384))
    environment = {**os.environ, "HDF5_PLUGIN_PATH": str(folder / "plugins")}
    environment.pop("HDF5_PLUGIN_PRELOAD", None)
    read = "import h5py\ntry: h5py.File('bad.h5')['x'][()]\nexcept OSError: pass"
    for first, ran in (("import deepnet_cli.data", False), ("", True)):
        script = [sys.executable, "-c", f"{first}\n{read}"]
        subprocess.run(script, env=environment, check=True)
        assert Path("harm").exists() is ran
    assert_refused(deepnet("predict", run, "bad.h5"), 3, ["filter 32015"])


def test_a_gradient_that_overflows_reaches_no_file(folder: Path) -> None:
    """The cost is finite, its gradient is not: the update that follows is no good state."""
    with h5py.File("bad.h5", "w") as file:
        file["x"] = np.full((12, 1), 1e30, "f4") * np.linspace(-1, 1, 12)[:, None]
        file["y"] = np.linspace(-1, 1, 12) * 1e17
    model = "layers: [1]\nactivations: [linear]\ninitialization: zeros"
    training = "learning_rate: 1.0\niterations: 9\nlog_every: 1"
    more = "loss: mean_squared_error\n"
    text = config("train: {file: bad.h5, x: x, y: y}", model, training, more)
    Path("c.yaml").write_text(text.replace("plots: false", "plots: false, checkpoint_every: 1"))
    result = deepnet("train", "c.yaml", "--run-dir", "a", "-q")
    assert result.code == 4
    assert_says(result.err, ["at iteration 1 (epoch 1)", "learning rate 1", "last good parameters"])
    for path in [*Path("a").rglob("*.h5")]:
        with h5py.File(path) as file:
            for name in ("parameters/W1", "state/theta"):
                assert name not in file or np.isfinite(file[name][()]).all(), path
    assert "inf" not in Path("a/history.csv").read_text()


def test_a_run_that_diverged_goes_on_with_a_lower_rate(folder: Path) -> None:
    """From the last good state."""
    model, more = "layers: [1]\nactivations: [linear]", "loss: mean_squared_error\n"
    training = "learning_rate: 100.0\niterations: 90"
    Path("c.yaml").write_text(config("train: bad.h5", model, training, more))
    diverged = deepnet("train", "c.yaml", "--run-dir", "a", "-q")
    assert diverged.code == 4
    made = re.search(r"after (\d+) updates", diverged.err)
    assert made is not None
    lower = ("--set", "training.learning_rate=1e-9", "--run-dir", "b")
    result = deepnet("train", "--from", "a", *lower)
    assert result.code == 0, result.err
    assert f"going on after {made[1]} updates" in result.err

"""deepnet check: planted faults are each named by a line, and what is healthy is left alone."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import ascii_letters
from typing import Any

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from drawn import write
from points import six
from samples import write_blobs, write_config

from deepnet_cli.cli.say import mark
from deepnet_cli.config.draws import draw
from deepnet_cli.config.job import load_job
from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.errors import DeepnetError
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.report.checking import checks, of_network
from deepnet_cli.report.checking.checks import CHECKS, checked, checks_json, finding_text, verdict
from deepnet_cli.report.checking.finding import LEVELS, OK, SKIPPED, WARNING, WRONG, Finding
from deepnet_cli.training.checking import fitting, subject
from deepnet_cli.training.checking.head import first_of, head_from
from deepnet_cli.training.checking.subject import Subject
from deepnet_cli.training.timing import estimating

ROOT = Path(__file__).parents[1]
CONFIGS = {name: ROOT / "configs" / f"{name}.yaml" for name in ("breast_cancer", "diabetes")}
DIGITS = ROOT / "configs" / "digits.yaml"
NETS = six()


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is timed is timed once."""
    monkeypatch.chdir(tmp_path)
    for name in ("FOR_UPDATES", "FOR_ROWS"):
        monkeypatch.setattr(estimating, name, 0.0)


Arrays = dict[str, Array]
Edit = Callable[[Arrays], object]


def edited(name: str, edit: Edit) -> str:
    """A setting for shipped data in which something was changed."""
    with h5py.File(ROOT / "data" / f"{name}.h5") as file:
        arrays = {key: file[key][()] for key in file if key.startswith(("x_", "y_"))}
    edit(arrays)
    with h5py.File("edited.h5", "w") as file:
        for key, array in arrays.items():
            file[key] = array
    return str(Path("edited.h5").resolve())


def changed(name: str, edit: Edit) -> list[str]:
    """Settings for both parts of it."""
    file = edited(name, edit)
    return [f"data.train={file}", f"data.test={file}"]


def shuffled(arrays: Arrays) -> None:
    arrays["y_train"] = np.random.default_rng(3).permutation(arrays["y_train"])


def leaking(arrays: Arrays) -> None:
    arrays["x_test"][:7] = arrays["x_train"][10:17]


def constant(arrays: Arrays) -> None:
    for part in ("train", "test"):
        arrays[f"x_{part}"][...] = arrays["x_train"][0]


def tiny(arrays: Arrays) -> None:
    for key in ("x_train", "y_train"):
        arrays[key] = arrays[key][:30]


def lacking(label: int) -> Edit:
    def remove(arrays: Arrays) -> None:
        kept = arrays["y_train"] != label
        arrays["x_train"], arrays["y_train"] = arrays["x_train"][kept], arrays["y_train"][kept]

    return remove


def dead(_: Arrays) -> None:
    rng = np.random.default_rng(0)
    with h5py.File("dead.h5", "w") as file:
        file["W1"], file["b1"] = 0.2 * rng.normal(size=(16, 30)), np.full(16, -50.0)
        file["W2"], file["b2"] = rng.normal(size=(1, 16)), np.zeros(1)


def offset(arrays: Arrays) -> None:
    arrays["y_train"] = arrays["y_train"] + 1e5


def rare(arrays: Arrays) -> None:
    first = int((arrays["y_train"] == 0).argmax())
    kept = np.append(np.flatnonzero(arrays["y_train"] == 1), first)
    arrays["x_train"], arrays["y_train"] = arrays["x_train"][kept], arrays["y_train"][kept]


def nothing(_: Arrays) -> None:
    pass


def ten(output: str, units: int) -> list[str]:
    sizes, names = ["16"] * 10 + [str(units)], ["sigmoid"] * 10 + [output]
    return [f"model.layers=[{','.join(sizes)}]", f"model.activations=[{','.join(names)}]"]


@dataclass(frozen=True)
class Fault:
    """Settings for a shipped config over its changed data, and what has to name it: the line, its
    level and a word in it.
    """

    config: str
    line: str
    level: str
    words: tuple[str, ...]
    settings: tuple[str, ...] = ()
    edit: Edit = nothing


LARGE = ("model.layers=[512,512,1]", "training.l2=0")

FAULTS = {
    "rate too high": Fault(
        "breast_cancer", "rate", WRONG, ("too high", "lr-find"), ("training.learning_rate=10",)
    ),
    "rate too high for adam": Fault(
        "diabetes", "rate", WRONG, ("too high",), ("training.learning_rate=30",)
    ),
    "rate too low": Fault(
        "breast_cancer", "rate", WARNING, ("too low", "lr-find"), ("training.learning_rate=1e-3",)
    ),
    "rate too low for adam": Fault(
        "diabetes", "rate", WARNING, ("too low",), ("training.learning_rate=3e-3",)
    ),
    "dead units": Fault(
        "breast_cancer",
        "layers",
        WARNING,
        ("layer 1: 100 % of units dead",),
        ("model.initial_parameters={path}/dead.h5",),
        dead,
    ),
    "dead units, the batch": Fault(
        "breast_cancer",
        "batch",
        WRONG,
        ("0% learned",),
        ("model.initial_parameters={path}/dead.h5",),
        dead,
    ),
    "ten sigmoid layers": Fault(
        "breast_cancer", "layers", WARNING, ("layers 1, 2,", "relu"), (*ten("sigmoid", 1),)
    ),
    "ten sigmoid layers of numbers": Fault(
        "diabetes", "layers", WARNING, ("layers 1, 2,", "fewer layers"), (*ten("linear", 1),)
    ),
    "unscaled features": Fault(
        "breast_cancer", "x", WARNING, ("4.25e+03", "standardize"), ("data.scale=none",)
    ),
    "unscaled features, fewer": Fault("diabetes", "x", WARNING, ("301",), ("data.scale=none",)),
    "labels shuffled": Fault(
        "breast_cancer", "x and y", WARNING, ("in the same order?",), (), shuffled
    ),
    "numbers shuffled": Fault("diabetes", "x and y", WARNING, ("same order?",), (), shuffled),
    "one class only": Fault(
        "breast_cancer", "y", WRONG, ("every example is of class",), (), lacking(0)
    ),
    "test rows in train": Fault(
        "breast_cancer", "data", WARNING, ("7 of 113 rows also in train", "groups"), (), leaking
    ),
    "constant features": Fault("diabetes", "x", WRONG, ("every one is constant",), (), constant),
    "tiny data and a huge net": Fault(
        "breast_cancer",
        "network",
        WARNING,
        ("by heart", "l2"),
        (*LARGE, "model.activations=[relu,relu,sigmoid]"),
        tiny,
    ),
    "classes learned as numbers": Fault(
        "breast_cancer",
        "data",
        WARNING,
        ("binary_cross_entropy",),
        ("loss=mean_squared_error", "model.activations=[relu,linear]"),
    ),
    "numbers from a sigmoid": Fault(
        "diabetes", "batch", WRONG, ("output activation",), ("model.activations=[relu,sigmoid]",)
    ),
    "large y": Fault("diabetes", "start", WARNING, ("scale_y",), (), offset),
    "a large first W": Fault(
        "breast_cancer",
        "start",
        WARNING,
        ("initialization",),
        ("model.initialization={normal: 9}",),
    ),
    "a first W of 0": Fault(
        "breast_cancer", "layers", WARNING, ("W is 0",), ("model.initialization=zeros",)
    ),
    "a rare class": Fault("breast_cancer", "y", WARNING, ("1 ('0')", "add examples"), (), rare),
    "a schedule that ends early": Fault(
        "diabetes",
        "config",
        WARNING,
        ("is 0 before the run is over",),
        ("training.learning_rate={schedule: cosine, initial: 0.3, length: 5}",),
    ),
}
"""Faults of people, each named by one line at least."""

OF_DIGITS = {
    "one class missing": Fault("digits", "y", WARNING, ("none of '7'",), (), lacking(7)),
    "digits learned as numbers": Fault(
        "digits",
        "y",
        WARNING,
        ("10 whole numbers, 0 to 9", "cross_entropy"),
        (
            "loss=mean_squared_error",
            "model.layers=[32,1]",
            "model.activations=[relu,linear]",
            "data.validation={fraction: 0.1}",
        ),
    ),
}


def named_by(fault: Fault, path: Path) -> Finding:
    settings = [setting.replace("{path}", str(path)) for setting in fault.settings]
    settings += changed(fault.config, fault.edit)
    job = load_job(ROOT / "configs" / f"{fault.config}.yaml", tuple(settings))
    return CHECKS[fault.line](Subject(job))


@pytest.mark.parametrize("name", [*FAULTS, *OF_DIGITS])
def test_a_planted_fault_is_named(name: str, tmp_path: Path) -> None:
    fault = (FAULTS | OF_DIGITS)[name]
    finding = named_by(fault, tmp_path)
    assert finding.level == fault.level
    for word in fault.words:
        assert word in f"{finding.what} {' '.join(finding.do)}"
    assert finding.do


def test_a_missing_number_is_named_with_its_row() -> None:
    def hole(arrays: Arrays) -> None:
        arrays["x_train"][234, 5] = np.nan

    train = f"data.train={edited('diabetes', hole)}"
    assert_refused(
        deepnet("check", CONFIGS["diabetes"], "--set", train), 3, ["NaN at row 234, column 5"]
    )


@pytest.mark.parametrize("config", [*CONFIGS.values(), DIGITS], ids=lambda path: path.stem)
def test_the_shipped_configs_raise_no_alarm(config: Path) -> None:
    findings = dict(checked(load_job(config)))
    assert findings.keys() == CHECKS.keys()
    assert {name: finding.level for name, finding in findings.items()} == dict.fromkeys(CHECKS, OK)
    assert verdict(findings) == "ready"
    lawful(findings)


@pytest.fixture
def as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every network is checked as a large one."""
    monkeypatch.setattr(subject, "PARAMETERS", 1)
    monkeypatch.setattr(fitting, "HEAD", 1)
    monkeypatch.setattr(of_network, "MULTIPLICATIONS", 0)
    monkeypatch.setattr(estimating, "MULTIPLICATIONS", 0)


@pytest.mark.usefixtures("as_large")
@pytest.mark.parametrize("config", [*CONFIGS.values(), DIGITS], ids=lambda path: path.stem)
def test_the_shipped_configs_would_raise_none_if_they_were_large(config: Path) -> None:
    findings = dict(checked(load_job(config)))
    assert {name: finding.level for name, finding in findings.items()} == dict.fromkeys(CHECKS, OK)
    assert "of all parameters" in findings["gradient"].what
    assert "by the last layer" in findings["batch"].what
    assert "in 10 updates" in findings["rate"].what
    assert "32 examples" in findings["time"].what
    lawful(findings)


@pytest.mark.usefixtures("as_large")
@pytest.mark.parametrize(
    "name", [name for name, fault in FAULTS.items() if fault.line in ("rate", "batch")]
)
def test_a_fault_is_named_in_a_large_network_too(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    finding = named_by(fault, tmp_path)
    assert finding.level == fault.level
    assert finding.do


def test_what_would_take_minutes_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Subject(load_job(CONFIGS["breast_cancer"]))
    monkeypatch.setattr(subject, "LARGEST_HEAD", 1)
    assert "513 parameters of the last layer" in CHECKS["batch"](one).what
    monkeypatch.setattr(subject, "LARGEST", 1)
    left = {name: CHECKS[name](one) for name in ("gradient", "batch", "rate")}
    assert {finding.level for finding in left.values()} == {SKIPPED}
    assert all("left out: " in finding.what for finding in left.values())
    assert "513 parameters" in left["rate"].what


def test_what_does_not_fit_into_memory_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(of_network, "MULTIPLICATIONS", 0)
    monkeypatch.setattr(of_network, "available_memory", lambda: 1000)
    finding = CHECKS["gradient"](Subject(load_job(CONFIGS["breast_cancer"])))
    assert (finding.level, "of 1000 B available" in finding.what) == (SKIPPED, True)


@pytest.mark.parametrize("net", NETS)
def test_the_last_layers_are_the_end_of_the_chain(net: str) -> None:
    """J is that of the whole network, and so is their part of its gradient."""
    p = NETS[net]
    network, whole = p.objective.network, Objective(p.objective.network)
    if network.draws:
        pytest.skip("no two draws are the same")
    J, grad = whole(p.theta, p.X, p.Y)
    g = network.layout.views(grad)
    for l in range(1, len(network.layers) + 1):
        head, theta, X = head_from(l, network, p.theta, p.X)
        assert [*head.layers] == [*network.layers[l - 1 :]]
        J_l, grad_l = Objective(head)(theta, X, p.Y)
        assert J_l == pytest.approx(J, rel=1e-12)
        for name, found in head.layout.views(grad_l).items():
            kind = name.rstrip("0123456789")
            own = g[f"{kind}{int(name.removeprefix(kind)) + l - 1}"]
            if head.layout.blocks[name].trained:
                np.testing.assert_allclose(found, own, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("net", NETS)
def test_the_last_layers_are_as_many_as_are_small_enough(net: str) -> None:
    network = NETS[net].objective.network
    sizes = [
        sum(
            np.prod(s)
            for name, s in network.layout.shapes.items()
            if int(name.lstrip(ascii_letters)) >= l
        )
        for l in range(1, len(network.layers) + 1)
    ]
    for l, size in enumerate(sizes, start=1):
        assert first_of(network, int(size)) == l
        assert first_of(network, int(size) - 1) == min(l + 1, len(sizes))


def test_of_long_updates_smaller_ones_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a + b m of m examples is estimated without making it."""
    job = load_job(CONFIGS["breast_cancer"])
    monkeypatch.setattr(estimating, "MULTIPLICATIONS", 40 * sum((30 * 16, 16)))
    timed = list[int]()

    def linear(_: Any, __: Any, batches: Batches) -> float:
        timed.append(batches.size)
        return 3.0 + 0.25 * batches.size

    monkeypatch.setattr(estimating, "_seconds_of_an_update", linear)
    found = estimating.estimate(job)
    assert timed == [10, 40] == [*found.sizes]
    assert job.batches.size > 40
    assert found.step == pytest.approx(3.0 + 0.25 * job.batches.size)
    assert found.run == pytest.approx(
        job.iterations * found.step * found.filled + found.rows * found.row
    )


@pytest.mark.long
def test_what_the_course_trains_on_pictures_raises_no_alarm(rng: np.random.Generator) -> None:
    """Of 209 pictures with 12,288 numbers each: those that are not shipped look like these."""
    x = rng.integers(0, 256, (209, 64, 64, 3)).astype(np.uint8)
    x[:72, :32] //= 2
    with h5py.File("cats.h5", "w") as file:
        file["train_set_x"], file["train_set_y"] = x, (np.arange(209) < 72) * 1
    text = (ROOT / "configs" / "cats.yaml").read_text()
    Path("cats.yaml").write_text(text.replace("../data/train_catvnoncat.h5", "cats.h5"))
    job = load_job(Path("cats.yaml"), ("data.test=null",))
    assert [name for name, finding in checked(job) if finding.level not in (OK, SKIPPED)] == []


HEALTHY: dict[str, dict[str, Any]] = {
    "gradient descent": {},
    "adam": {"training": {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 16}},
    "lbfgs": {"training": {"optimizer": "lbfgs", "learning_rate": 0.01}},
    "one layer": {"model": {"layers": [3], "activations": ["softmax"]}},
    "norm and dropout": {
        "model": {
            "layers": [{"units": 32, "batch_norm": True, "dropout": 0.5}, 3],
            "activations": ["relu", "softmax"],
        },
        "training": {"optimizer": "adamw", "learning_rate": 0.01, "epochs": 50, "batch_size": 16},
    },
    "ten relu layers": {
        "model": {"layers": [*[16] * 9, 3], "activations": [*["relu"] * 9, "softmax"]},
        "training": {"optimizer": "adam", "learning_rate": 0.003, "epochs": 50, "batch_size": 16},
    },
    "one example at a time": {
        "training": {"learning_rate": 0.01, "epochs": 20, "batch_size": 1},
    },
    "scheduled": {
        "training": {"learning_rate": {"schedule": "cosine", "initial": 0.2, "warmup": 3}},
    },
    "read while it trains": {"data": {"stream": True}, "training": {"batch_size": 16}},
    "margins": {
        "model": {"layers": [8, 3], "activations": ["tanh", "linear"]},
        "loss": "multi_margin",
    },
    "in float64": {"compute": {"precision": "float64"}},
    "changed examples": {"model": {"input_noise": 0.1}, "training": {"mixup": 0.3, "l2": 1.0}},
}


QUICK = ("norm and dropout", "read while it trains")


def healthy(kind: str) -> Path:
    """A config over three clouds that trains as it is."""
    write_blobs(Path("blobs.h5"), m=120)
    sections = {"training": {"iterations": 300, "log_every": "auto"}} | HEALTHY[kind]
    if "epochs" not in sections["training"]:
        sections["training"] = {"iterations": 300, **sections["training"]}
    file = write_config(Path("c.yaml"), **sections)
    if "epochs" in sections["training"]:
        text = file.read_text().replace("  iterations: 40\n", "")
        file.write_text(text)
    return file


@pytest.mark.parametrize(
    "kind",
    [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.long) for kind in HEALTHY],
)
def test_healthy_configs_raise_no_alarm(kind: str) -> None:
    job = load_job(healthy(kind))
    alarms = {
        name: (finding.what, finding.do)
        for name, finding in checked(job)
        if finding.level not in (OK, SKIPPED)
    }
    assert alarms == {}


def lawful(findings: dict[str, Finding]) -> None:
    """Each says what to do where something is to be done, and nothing else; all of them fit a
    screen and a JSON object.
    """
    for name, finding in findings.items():
        assert finding.level in LEVELS
        assert bool(finding.do) == (finding.level in (WARNING, WRONG)), name
        lines = f"{finding.level:<8}{finding_text(name, finding)}".splitlines()
        assert lines[0].startswith(f"{finding.level:<8}{name}")
        assert all(len(line) <= 80 or str(Path.cwd()) in line for line in lines)
    told = checks_json(findings)
    assert told["ok"] == all(finding.level != WRONG for finding in findings.values())
    json.dumps(told)


def test_much_that_is_wrong_is_told_lawfully() -> None:
    settings = ("data.scale=none", "model.initialization={normal: 9}")
    job = load_job(CONFIGS["diabetes"], (*changed("diabetes", constant), *settings))
    findings = dict(checked(job))
    lawful(findings)
    levels = {finding.level for finding in findings.values()}
    assert levels == {*LEVELS}
    assert verdict(findings).startswith("not ready: x")


def test_nothing_that_cannot_begin_is_called_ready() -> None:
    """A first cost that is not finite ends no check but its own."""
    settings = ("model.initialization={normal: 1e38}", "training.l2=0")
    findings = dict(checked(load_job(CONFIGS["diabetes"], settings)))
    assert findings.keys() == CHECKS.keys()
    assert findings["start"].level == WRONG
    assert "not ready: " in verdict(findings)


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 60))]
)
def test_whatever_a_config_asks_for_each_check_has_a_finding(seed: int) -> None:
    """Over random networks on a few examples; none of their derivatives is called wrong."""
    write(draw(seed), Path())
    try:
        job = load_job(Path("draw.yaml"))
    except DeepnetError:  # of so few examples
        pytest.skip("is refused")
    findings = dict(checked(job))
    assert findings.keys() == CHECKS.keys()
    lawful(findings)
    assert findings["gradient"].level in (OK, SKIPPED)


def test_the_verdict_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: CHECKS[name] for name in ("config", "rate")}
    monkeypatch.setattr(checks, "CHECKS", few)
    calls = {
        rate: deepnet("check", CONFIGS["diabetes"], "--set", f"training.learning_rate={rate}")
        for rate in ("0.3", "0.003", "30")
    }
    assert [result.code for result in calls.values()] == [0, 0, 1]
    last = [result.out.splitlines()[-1] for result in calls.values()]
    assert last == ["ready", "ready, but look at rate", "not ready: rate"]
    assert [result.err.split()[2] for result in calls.values()] == ["train", "lr-find", "lr-find"]
    assert ["learning_rate" in result.err for result in calls.values()] == [True, False, False]
    told = json.loads(deepnet("check", CONFIGS["diabetes"], "--json").out)
    assert told["ok"] is True
    assert [each["name"] for each in told["checks"]] == [*few]
    assert_refused(deepnet("check", "gone.yaml"), 2, ["no such file"])


def test_each_check_has_its_line_and_nothing_is_written() -> None:
    file = healthy("adam")
    before = sorted(Path().rglob("*"))
    result = deepnet("check", file)
    assert result.code == 0, result.err
    assert sorted(Path().rglob("*")) == before
    lines = [line for line in result.out.splitlines() if line.split(" ")[0] in LEVELS]
    assert [line[8:18].strip() for line in lines] == [*CHECKS]


@pytest.mark.parametrize(
    ("terminal", "variables", "colored"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_levels_have_colors_on_a_terminal(
    terminal: bool,
    variables: dict[str, str],
    colored: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And a name in the text cannot drive one."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    mark("wrong   ", "red", "x\x1b[2J")
    told = stream.getvalue()
    assert ("\x1b[31mwrong" in told) == colored
    assert told.count("\x1b") == 2 * colored
    assert told.replace("\x1b[31m", "").replace("\x1b[0m", "") == "wrong   x\\x1b[2J\n"

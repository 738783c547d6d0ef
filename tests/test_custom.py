"""--code: activations and losses of the user's own."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from cli import Result, assert_refused, config, deepnet, write_train_h5
from networks import network_of, start

from deepnet_cli.nn import custom
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.grid import activation_problem, carries_complex_step, loss_problem
from deepnet_cli.nn.losses import LOSSES, Loss
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array

ROOT = Path(__file__).parents[1]
IMPORT = "import math\nimport numpy as np\nfrom deepnet_cli.custom import activation, loss\n"
SWISH = """
def swish(Z):
    return Z / (1 + np.exp(-Z))

def slope(Z):
    s = 1 / (1 + np.exp(-Z))
    return s + Z * s * (1 - s)

activation("swish", swish, slope)
"""
WRONG = SWISH.replace("s + Z * s * (1 - s)", "s")
CAUCHY = """
def cost(A, Y):
    return np.log1p((A - Y) ** 2)

def cost_slope(A, Y):
    return 2 * (A - Y) / (1 + (A - Y) ** 2)

loss("cauchy", cost, cost_slope)
"""
WITH_SWISH = "layers: [4, 3]\nactivations: [swish, softmax]"


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    """What a test registers is forgotten after it."""
    with custom.registering():
        yield


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: train.h5, c.yaml that names swish, and ops.py that registers it."""
    monkeypatch.chdir(tmp_path)
    write_train_h5(tmp_path / "train.h5")
    Path("c.yaml").write_text(config(model=WITH_SWISH))
    write(SWISH)
    return tmp_path


def write(code: str, name: str = "ops.py") -> None:
    Path(name).write_text(IMPORT + code)


def train(*options: str) -> Result:
    return deepnet("train", "c.yaml", "--run-dir", "run", "-q", *options)


def swish(Z: Array) -> Array:
    A: Array = Z / (1 + np.exp(-Z))
    return A


def swish_slope(Z: Array) -> Array:
    s = 1 / (1 + np.exp(-Z))
    slope: Array = s + Z * s * (1 - s)
    return slope


def registered(function: object, derivative: object, **options: object) -> Activation:
    custom.activation("own", function, derivative, **options)  # type: ignore[arg-type]
    return ACTIVATIONS.pop("own")


# The whole way


def test_a_run_with_swish_goes_the_whole_way() -> None:
    result = deepnet("train", "c.yaml", "--run-dir", "run", "--code", "ops.py")
    assert result.code == 0, result.err
    assert "next: deepnet report run --code ops.py" in result.err
    code = json.loads(Path("run/summary.json").read_text())["code"]
    assert code["file"] == "ops.py"
    assert re.fullmatch("[0-9a-f]{64}", code["sha256"])
    for command in (
        ("predict", "run", "train.h5"),
        ("evaluate", "run", "train.h5"),
        ("gradcheck", "c.yaml"),
        ("gradcheck", "run"),
        ("gradcheck", "run/model.h5", "--data", "train.h5"),
    ):
        result = deepnet(*command, "--code", "ops.py")
        assert result.code == 0, (command, result.err)
        assert "next" not in result.err or "--code ops.py" in result.err
    assert "swish" not in ACTIVATIONS


def test_swish_is_silu() -> None:
    """The same network under either name, to the last digits of float32."""
    assert train("--code", "ops.py", "--set", "training.iterations=20").code == 0
    Path("c.yaml").write_text(config(model=WITH_SWISH.replace("swish", "silu")))
    assert deepnet("train", "c.yaml", "--run-dir", "b", "--set", "training.iterations=20").code == 0
    own, ours = (json.loads(Path(f"{run}/summary.json").read_text()) for run in ("run", "b"))
    assert own["figures"]["train"]["cost"] == pytest.approx(ours["figures"]["train"]["cost"], 1e-5)
    assert "code" not in ours


def test_resuming_is_not_stopping() -> None:
    assert train("--code", "ops.py", "--set", "training.iterations=6").code == 0
    short = ("--set", "training.iterations=3", "--code", "ops.py", "-q")
    assert deepnet("train", "c.yaml", "--run-dir", "b", *short).code == 0
    longer = ("--set", "training.iterations=6", "--code", "ops.py", "-q")
    assert deepnet("train", "--resume", "b", *longer).code == 0
    assert Path("run/history.csv").read_bytes() == Path("b/history.csv").read_bytes()


def test_a_run_goes_on_with_its_own_code_only() -> None:
    assert train("--code", "ops.py").code == 0
    Path("plain.yaml").write_text(config())
    assert deepnet("train", "plain.yaml", "--run-dir", "plain", "-q").code == 0
    write(SWISH + "\n# changed\n", "other.py")
    more = ("--set", "training.iterations=4")
    assert_refused(deepnet("train", "--resume", "run", *more), 2, ["--code ops.py", "run:"])
    other = deepnet("train", "--resume", "run", *more, "--code", "other.py")
    assert_refused(other, 2, ["other.py", "not the code", "ops.py", "sha256"])
    added = deepnet("train", "--resume", "plain", *more, "--code", "ops.py")
    assert_refused(added, 2, ["ops.py", "without it"])
    assert deepnet("train", "--resume", "plain", *more).code == 0
    assert deepnet("train", "--resume", "run", *more, "--code", "ops.py").code == 0


# Who may name code


def test_only_the_command_line_can_have_a_file_run() -> None:
    write("open('ran', 'w').close()\n" + SWISH)
    for more in ("code: ops.py\n", ""):
        Path("c.yaml").write_text(config(model=WITH_SWISH, more=more))
        assert deepnet("train", "c.yaml").code == 2
        assert deepnet("gradcheck", "c.yaml").code == 2
    assert not Path("ran").exists()
    assert train("--code", "ops.py").code == 0
    assert Path("ran").exists()
    Path("ran").unlink()
    result = deepnet("train", "--resume", "run", "--set", "training.iterations=4")
    assert result.code == 2
    for command in (("predict", "run", "train.h5"), ("evaluate", "run", "train.h5")):
        told = ["model.h5", "the activation 'swish'", "--code"]
        assert_refused(deepnet(*command), 3, told)
    assert not Path("ran").exists()


def test_a_config_with_an_unknown_name_hears_of_code() -> None:
    words = ["unknown activation 'swish'", "c.yaml:5", "--code"]
    assert_refused(train(), 2, words)


def test_a_registered_name_is_the_nearest_one() -> None:
    Path("c.yaml").write_text(config(model=WITH_SWISH.replace("swish", "swihs")))
    words = ["unknown activation 'swihs'; did you mean 'swish'?"]
    assert_refused(train("--code", "ops.py"), 2, words)
    write(CAUCHY)
    Path("c.yaml").write_text(config(more="loss: cauchi\n"))
    words = ["unknown name 'cauchi'; did you mean 'cauchy'?"]
    assert_refused(train("--code", "ops.py"), 2, words)


def test_a_model_with_an_unregistered_loss() -> None:
    write(CAUCHY)
    model = "layers: [4, 1]\nactivations: [tanh, linear]"
    Path("c.yaml").write_text(config(model=model, more="loss: {name: cauchy}\n"))
    assert train("--code", "ops.py").code == 0
    assert_refused(deepnet("evaluate", "run", "train.h5"), 3, ["the loss 'cauchy'", "--code"])


# The check


def test_a_wrong_derivative_is_stopped_with_place_and_error() -> None:
    write(WRONG)
    result = train("--code", "ops.py")
    words = ["ops.py: swish: ", "at z = -1.5", "says 0.18242552", "is -0.041294154", "--no-check"]
    assert_refused(result, 1, words)
    assert not Path("run").exists()


def test_no_check_trains_anyway() -> None:
    write(WRONG)
    assert train("--code", "ops.py", "--no-check").code == 0


def test_a_resumed_run_is_checked() -> None:
    write(WRONG)
    assert train("--code", "ops.py", "--no-check").code == 0
    more = ("--resume", "run", "--set", "training.iterations=4", "--code", "ops.py")
    assert_refused(deepnet("train", *more), 1, ["swish", "z = -1.5"])
    assert deepnet("train", *more, "--no-check").code == 0


def test_gradcheck_finds_it_without_the_grid() -> None:
    write(WRONG)
    result = deepnet("gradcheck", "c.yaml", "--code", "ops.py")
    assert result.code == 1
    assert "first wrong: dZ1: the derivative of swish is wrong" in result.out.replace("\n", " ")


def test_two_wrong_derivatives_are_both_told() -> None:
    write(WRONG + CAUCHY.replace("return 2 *", "return 3 *"))
    result = train("--code", "ops.py")
    assert_refused(result, 1, ["swish: the derivative", "cauchy: the derivative", "Y = ", "A = "])


ours = pytest.mark.parametrize(
    "g", [g for g in ACTIVATIONS.values() if g.elementwise], ids=lambda g: g.name
)


@ours
def test_right_derivatives_pass_and_a_thousandth_does_not(g: Activation) -> None:
    with np.errstate(all="ignore"):
        own = registered(
            g.forward, lambda Z: g.backward(np.ones_like(Z), _kept(g, Z)), kinks=g.kinks
        )
        off = registered(g.forward, lambda Z: 1.001 * own.backward(np.ones_like(Z), Z))
        assert activation_problem(own) == ""
        assert "derivative is wrong" in activation_problem(off)
    assert own.complex_step


def _kept(g: Activation, Z: Array) -> Array:
    return Z if g.keeps_Z else g.forward(Z)


def sigmoid(Z: Array) -> Array:
    s: Array = 1 / (1 + np.exp(-Z))
    return s


RIGHT = {
    "naive softplus": (lambda Z: np.log(1 + np.exp(Z)), lambda Z: 1 - 1 / (1 + np.exp(Z))),
    "bump": (lambda Z: np.exp(-Z * Z), lambda Z: -2 * Z * np.exp(-Z * Z)),
    "sine": (np.sin, np.cos),
    "fast sine": (lambda Z: np.sin(50 * Z), lambda Z: 50 * np.cos(50 * Z)),
    "cube": (lambda Z: Z**3, lambda Z: 3 * Z**2),
    "exp": (np.exp, np.exp),
    "exp of a square": (lambda Z: np.exp(Z * Z), lambda Z: 2 * Z * np.exp(Z * Z)),
    "softsign": (lambda Z: Z / (1 + np.abs(Z)), lambda Z: 1 / (1 + np.abs(Z)) ** 2),
    "log": (np.log, lambda Z: 1 / Z),
    "far off": (lambda Z: Z + 1e6, np.ones_like),
    "integers": (lambda Z: Z, lambda Z: np.ones(Z.shape, int)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_no_right_derivative_is_refused(name: str) -> None:
    assert activation_problem(registered(*RIGHT[name])) == ""


@pytest.mark.parametrize(
    ("where", "place"),
    [
        (lambda Z: np.abs(Z) > 29.9, "z = -30"),
        (lambda Z: np.abs(Z) < 5e-8, "from -1e-08 to 1e-08"),
        (lambda Z: Z == 0, "z = 0"),
    ],
)
def test_wrong_only_far_out_or_only_near_0(where: object, place: str) -> None:
    assert callable(where)
    slope = lambda Z: np.where(where(Z), 0.7, 1 - np.tanh(Z) ** 2)  # noqa: E731
    problem = activation_problem(registered(np.tanh, slope))
    assert "derivative is wrong" in problem
    assert place in problem


def test_nan_in_a_derivative_is_wrong() -> None:
    slope = lambda Z: np.exp(Z) / (1 + np.exp(Z)) * np.where(Z > 20, np.nan, 1)  # noqa: E731
    assert "says nan" in activation_problem(registered(lambda Z: np.logaddexp(0, Z), slope))


def test_kinks_are_declared_and_the_derivative_there_lies_between_the_two() -> None:
    def clip(Z: Array) -> Array:
        return np.clip(Z, 0, 6)

    def inside(Z: Array) -> Array:
        return (Z > 0) & (Z < 6)

    problem = activation_problem(registered(clip, inside))
    assert problem == "the function has a kink at z = 0, 6; declare kinks=(0.0, 6.0)"
    problem = activation_problem(registered(clip, inside, kinks=[6]))
    assert problem == "the function has a kink at z = 0; declare kinks=(0.0, 6.0)"
    assert activation_problem(registered(clip, inside, kinks=(0, 6))) == ""
    half = lambda Z: np.where(Z == 6, 0.5, inside(Z))  # noqa: E731
    assert activation_problem(registered(clip, half, kinks=(0, 6))) == ""
    more = lambda Z: np.where(Z == 6, 1.5, inside(Z))  # noqa: E731
    problem = activation_problem(registered(clip, more, kinks=(0, 6)))
    assert "at z = 6: it says 1.5, from the left it is 1, from the right 0" in problem


@pytest.mark.parametrize(
    "function",
    [
        lambda Z: np.exp(Z - Z.max()) / np.exp(Z - Z.max()).sum(),
        lambda Z: Z - Z.mean(),
        lambda Z: np.random.default_rng().normal(size=Z.shape),
    ],
)
def test_a_function_of_other_entries_is_refused(function: object) -> None:
    assert "each entry by itself" in activation_problem(registered(function, np.ones_like))


def test_a_function_without_any_slope_is_refused() -> None:
    assert "at no z" in activation_problem(registered(lambda Z: Z * np.nan, np.ones_like))


LOSS_RIGHT: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "cauchy": (lambda A, Y: np.log1p((A - Y) ** 2), lambda A, Y: 2 * (A - Y) / (1 + (A - Y) ** 2)),
    "absolute": (lambda A, Y: np.abs(A - Y), lambda A, Y: np.sign(A - Y)),
    "logs": (
        lambda A, Y: -Y * np.log(A) - (1 - Y) * np.log(1 - A),
        lambda A, Y: -Y / A + (1 - Y) / (1 - A),
    ),
}


def own_loss(cost: object, derivative: object) -> Loss:
    custom.loss("own", cost, derivative)  # type: ignore[arg-type]
    return LOSSES.pop("own")


@pytest.mark.parametrize("name", LOSS_RIGHT)
def test_the_grid_of_a_loss(name: str) -> None:
    cost, slope = LOSS_RIGHT[name]
    assert loss_problem(own_loss(cost, slope)) == ""
    off = loss_problem(own_loss(cost, lambda A, Y: 1.001 * slope(A, Y)))
    assert "derivative is wrong at Y = " in off


# What a function is given and returns


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_precision_is_kept(dtype: str) -> None:
    up = registered(lambda Z: np.float64(1) * Z.astype(float), lambda Z: np.ones(Z.shape))
    cost, slope = LOSS_RIGHT["cauchy"]
    loss = own_loss(lambda A, Y: cost(A, Y).astype(float), lambda A, Y: slope(A, Y).astype(float))
    Z, out = np.linspace(-2, 2, 6, dtype=dtype).reshape(2, 3), np.empty((2, 3), dtype)
    for made in (up.forward(Z), up.backward(Z, Z), loss.entries(Z, Z), loss.gradient(Z, Z)):
        assert made.dtype == dtype
    assert up.forward(Z, out) is out
    assert up.backward(Z, Z, out) is out
    assert loss.entries(Z, Z, out) is out


def test_overflow_is_quiet_to_infinity_in_float32() -> None:
    g = registered(lambda Z: np.exp(Z.astype(float)), lambda Z: np.exp(Z.astype(float)))
    Z = np.full((1, 2), 300, "float32")
    assert np.isinf(g.forward(Z)).all()
    assert np.isinf(g.backward(Z, Z)).all()


def test_the_argument_and_what_is_returned_are_not_shared() -> None:
    g = registered(lambda Z: Z, np.ones_like)
    Z = np.ones((2, 3))
    assert not np.shares_memory(g.forward(Z), Z)
    assert Z.flags.writeable


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("Z.sum(axis=0)", "returned an array of shape"),
        ("1.0", "returned an array of shape ()"),
        ("None", "returned an array of shape ()"),
        ("Z + 1j", "complex"),
        ("np.array(['a'] * Z.size).reshape(Z.shape)", "expected real numbers"),
        ("[[1, 2], [3]]", "ValueError"),
        ("npp.exp(Z)", "ops.py:5: own: the function: NameError: name 'npp' is not defined"),
        ("math.erf(Z)", "ops.py:5: own: the function: TypeError"),
        ("Z.fill(0)", "ops.py:5: own: the function: ValueError"),
        ("np.multiply(Z, 2, out=Z)", "ops.py:5: own: the function: ValueError"),
        ("exit(3)", "ops.py:5: own: the function: SystemExit: 3"),
        ("1 / 0", "ops.py:5: own: the function: ZeroDivisionError"),
        (r"int('\x1b[31m' * 999)", r"ops.py:5: own: the function: ValueError"),
    ],
)
def test_a_function_that_fails_is_told_with_its_line(function: str, words: str) -> None:
    Path("c.yaml").write_text(config(model=WITH_SWISH.replace("swish", "own")))
    write(f"def function(Z):\n    return {function}\nactivation('own', function, np.ones_like)\n")
    for options in ((), ("--no-check",)):
        assert_refused(train("--code", "ops.py", *options), 2, [words, "ops.py", "own"])
    assert_refused(deepnet("gradcheck", "c.yaml", "--code", "ops.py"), 2, [words])


def test_a_derivative_that_fails_after_some_updates_is_told_with_its_line() -> None:
    failing = (
        "calls = []\ndef later(Z):\n    calls.append(1)\n    assert len(calls) < 3, 'enough'\n"
    )
    write(
        SWISH.replace("slope)", "later)").replace(
            "activation", f"{failing}    return slope(Z)\nactivation"
        )
    )
    result = train("--code", "ops.py", "--no-check", "--set", "training.iterations=9")
    assert_refused(result, 2, ["ops.py:15: swish: the derivative: AssertionError: enough"])


# Files


BAD_FILES = {
    "raises": ("\n1 / 0\n", "ops.py:5: ZeroDivisionError: division by zero"),
    "raises below": (
        "def f():\n    g()\n\ndef g():\n    {}['k']\nf()\n",
        "ops.py:8: KeyError: 'k'",
    ),
    "syntax": ("def f(:\n", "ops.py:4: SyntaxError"),
    "tabs": ("if 1:\n\tx = 1\n        y = 2\n", "ops.py:6: TabError"),
    "exits": ("import sys\nsys.exit('bye')\n", "ops.py:5: SystemExit: bye"),
    "no such module": (
        "import nothere\n",
        "ops.py:4: ModuleNotFoundError: No module named 'nothere'",
    ),
    "nothing": ("x = 1\n", "ops.py: registers nothing; call activation("),
    "known": (
        "activation('relu', abs, abs)\n",
        "ops.py:4: 'relu' is the name of a known activation",
    ),
    "known loss": (
        "loss('cross_entropy', abs, abs)\n",
        "ops.py:4: 'cross_entropy' is the name of a known loss",
    ),
    "twice": (SWISH + SWISH, "ops.py:21: 'swish' is the name of a known activation"),
    "no word": ("activation('my swish', abs, abs)\n", "ops.py:4: 'my swish' does not serve"),
    "no text": ("activation(3, abs, abs)\n", "ops.py:4: 3 does not serve as a name"),
    "auto": ("loss('auto', abs, abs)\n", "ops.py:4: 'auto' means something else"),
    "true": ("activation('True', abs, abs)\n", "ops.py:4: 'True' means something else"),
    "no function": ("activation('a', abs, 3)\n", "ops.py:4: a: expected a function"),
    "argument missing": ("activation('a', abs)\n", "ops.py:4: TypeError"),
    "kinks": ("activation('a', abs, abs, kinks=0)\n", "ops.py:4: a: kinks=0: expected numbers"),
    "kinks nan": ("activation('a', abs, abs, kinks=[np.nan])\n", "ops.py:4: a: kinks=[nan]"),
    "weights": ("activation('a', abs, abs, weights='hee')\n", "ops.py:4: a: weights='hee'"),
    "escape": ("raise ValueError('\\x1b[31m' + 'x' * 9999)\n", "ops.py:4: ValueError: \\x1b[31mxx"),
    "lines": ("raise ValueError('a\\nb')\n", "ops.py:4: ValueError: a\\nb"),
    "no message": ("raise ValueError\n", "ops.py:4: ValueError"),
    "wrong str": (
        "class E(Exception):\n    def __str__(self): return 1 / 0\nraise E\n",
        "ops.py:6: E",
    ),
    "recursion": ("def f(): f()\nf()\n", "ops.py:4: RecursionError"),
    "nested": ("-" * 100_000 + "1\n", "ops.py: SyntaxError: too deeply nested"),
    "null": ("\0", "ops.py"),
    "bytes": ("# é\n", "ops.py"),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("command", ["train", "predict"])
def test_a_bad_file_is_told_at_its_line(name: str, command: str) -> None:
    code, words = BAD_FILES[name]
    Path("ops.py").write_bytes((IMPORT + code).encode("latin-1"))
    given = {"train": ("c.yaml",), "predict": ("run", "train.h5")}[command]
    assert_refused(deepnet(command, *given, "--code", "ops.py"), 2, [words])


def test_a_file_that_cannot_be_read() -> None:
    Path("folder").mkdir()
    Path("large.py").write_bytes(b"#" * (2**20 + 1))
    for name, words in (
        ("opps.py", "no such file; did you mean 'ops.py'"),
        ("folder", "is a directory"),
        ("large.py", "larger than"),
        ("/dev/null", "not a regular file"),
    ):
        assert_refused(train("--code", name), 2, [f"--code {name}", words])


def test_what_the_file_prints_does_not_mix_with_results() -> None:
    write("print('hello')\n" + SWISH)
    result = train("--code", "ops.py", "--json")
    assert json.loads(result.out)["stopped"] == "completed"
    assert "hello" in result.err


def test_a_dataclass_in_the_file() -> None:
    write(
        dedent(
            """
        from __future__ import annotations
        from dataclasses import dataclass
        from numpy import exp
        from deepnet_cli.custom import activation

        @dataclass
        class Scaled:
            by: float
            def __call__(self, Z):
                return self.by * Z

        activation("swish", Scaled(2), lambda Z: 0 * Z + 2)
        """
        ).replace("\n", "", 1)
    )
    Path("ops.py").write_text(Path("ops.py").read_text().removeprefix(IMPORT))
    assert train("--code", "ops.py").code == 0


# Through the gradient check


@pytest.mark.parametrize(
    ("code", "method"),
    [
        ("activation('swish', np.abs, lambda Z: np.where(Z > 0, 1, -1), kinks=(0,))", "central"),
        (
            "activation('swish', np.vectorize(math.erf, otypes=[float]), "
            "lambda Z: 2 / np.sqrt(np.pi) * np.exp(-Z * Z))",
            "central differences for swish",
        ),
        ("activation('swish', lambda Z: np.clip(Z, 0, 6), lambda Z: (Z > 0) & (Z < 6), "
         "kinks=(0, 6))", "complex step"),
        ("activation('swish', np.sin, np.cos)", "complex step"),
    ],
)  # fmt: skip
def test_functions_with_and_without_a_complex_form(code: str, method: str) -> None:
    write(code)
    assert train("--code", "ops.py").code == 0
    result = deepnet("gradcheck", "c.yaml", "--code", "ops.py", "--json")
    assert result.code == 0, result.out
    assert method in json.loads(result.out)["method"]
    assert result.err.splitlines() == ["next: deepnet train c.yaml --code ops.py"]


def test_what_cuts_the_imaginary_part_off_has_no_complex_form() -> None:
    assert not carries_complex_step(lambda Z: np.asarray(Z.real * 2))
    assert not carries_complex_step(lambda Z: Z.astype(float))
    assert carries_complex_step(lambda Z: 2 * Z)


def test_a_loss_of_ones_own_trains_and_its_gradient_is_right() -> None:
    write(CAUCHY)
    Path("c.yaml").write_text(
        config(model="layers: [8, 1]\nactivations: [tanh, linear]", more="loss: cauchy\n")
    )
    assert train("--code", "ops.py", "--set", "training.iterations=200").code == 0
    rows = Path("run/history.csv").read_text().splitlines()
    first, last = (float(rows[i].split(",")[2]) for i in (1, -1))
    assert last < 0.9 * first
    for subject in ("c.yaml", "run"):
        result = deepnet("gradcheck", subject, "--code", "ops.py")
        assert result.code == 0, result.out
    Path("c.yaml").write_text(config(more="loss: cauchy\n"))
    words = ["cauchy does not fit the output activation softmax", "linear"]
    assert_refused(deepnet("train", "c.yaml", "--code", "ops.py"), 2, words)


def test_a_loss_without_a_complex_form() -> None:
    write("loss('absolute', lambda A, Y: np.abs(A - Y), lambda A, Y: np.sign(A - Y))")
    model = "layers: [8, 1]\nactivations: [tanh, linear]"
    Path("c.yaml").write_text(config(model=model, more="loss: absolute\n"))
    result = deepnet("gradcheck", "c.yaml", "--code", "ops.py")
    assert result.code == 0, result.out
    assert "central differences for absolute" in result.out.replace("\n", " ")


def test_the_initializer_of_an_activation() -> None:
    assert registered(swish, swish_slope).weights.name == "he"
    assert registered(swish, swish_slope, weights="xavier").weights.name == "xavier"


def test_a_loss_of_ones_own_does_not_become_the_default() -> None:
    write(CAUCHY)
    Path("c.yaml").write_text(config(model="layers: [8, 1]\nactivations: [tanh, linear]"))
    assert train("--code", "ops.py").code == 0
    assert "loss: mean_squared_error" in Path("run/config.yaml").read_text()


def test_j_is_the_mean_of_all_entries(rng: np.random.Generator) -> None:
    cost, slope = LOSS_RIGHT["cauchy"]
    network = network_of(
        (3, 4, 2), ACTIVATIONS["tanh"], ACTIVATIONS["linear"], own_loss(cost, slope)
    )
    X, Y, theta = rng.normal(size=(3, 5)), rng.normal(size=(2, 5)), start(network, rng)
    J, grad = Objective(network)(theta, X, Y)
    p = network.layout.views(theta)
    A = p["W2"] @ np.tanh(p["W1"] @ X + p["b1"]) + p["b2"]
    np.testing.assert_allclose(J, np.log1p((A - Y) ** 2).mean(), rtol=1e-12)
    db2 = (2 * (A - Y) / (1 + (A - Y) ** 2) / A.size).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(network.layout.views(grad)["b2"], db2, rtol=1e-12)

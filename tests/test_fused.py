"""Compiled passes: the same numbers as NumPy makes of the same formulas."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import CFUNCTYPE, c_int64
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from samples import write_blobs, write_config

from deepnet_cli.fused import native, tape
from deepnet_cli.fused.compiling import compiled_pass
from deepnet_cli.fused.elementary import ELEMENTARY
from deepnet_cli.fused.passes import Pass
from deepnet_cli.nn.activations import ACTIVATIONS, Activation
from deepnet_cli.nn.losses import LOSSES, Loss, made_loss
from deepnet_cli.nn.max_norm import HOLD
from deepnet_cli.nn.ops import alpha_dropout, batch_norm, dropout, layer_norm, norm
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.optimizers import OPTIMIZERS, update

pytestmark = pytest.mark.skipif(not native.available(), reason="needs llvmlite")

HIDDEN = [g for g in ACTIVATIONS.values() if g.elementwise]
BY_NUMPY = {"gelu"}  # erfc is SciPy's
SMOOTHED = [
    made_loss(name, label_smoothing=0.1) for name in ("binary_cross_entropy", "cross_entropy")
]
precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_hidden = pytest.mark.parametrize("g", HIDDEN, ids=lambda g: g.name)


def close(made: Array, expected: Array, ulps: float, dtype: Any) -> None:
    """Equal to some units in a precision's last place, of each entry or of the largest."""
    eps = np.finfo(dtype).eps
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    np.testing.assert_allclose(made, expected, rtol=ulps * eps, atol=ulps * eps * largest)


def agrees(run: Pass, args: list[Any], ulps: float) -> None:
    """Compiled, and as NumPy does it."""
    expected = [x.copy() if isinstance(x, np.ndarray) else x for x in args]
    run.in_numpy(*expected)
    run(*args)
    for made, wanted in zip(args, expected, strict=True):
        if isinstance(made, np.ndarray):
            close(made, wanted, ulps, args[0].dtype)


@precisions
@each_hidden
def test_activations_both_ways(g: Activation, dtype: Any, rng: np.random.Generator) -> None:
    def forward(Z: Array, b: Array, A: Array) -> None:
        Z += b
        g.forward(Z, out=A)

    def backward(dA: Array, kept: Array, db: Array) -> None:
        g.backward(dA, kept, out=dA)
        np.sum(dA, axis=1, keepdims=True, out=db)

    for n, m in ((1, 1), (3, 7), (5, 33), (2, 500)):
        Z, b = rng.normal(scale=3, size=(n, m)).astype(dtype), rng.normal(size=(n, 1)).astype(dtype)
        agrees(Pass(forward, "frf", axis=1), [Z.copy(), b, np.empty_like(Z)], 8)
        dA, kept = rng.normal(size=(n, m)).astype(dtype), Z if g.keeps_Z else g.forward(Z)
        agrees(Pass(backward, "ffr", axis=1), [dA, kept, np.empty_like(b)], 8 + 2 * np.sqrt(m))


@precisions
@pytest.mark.parametrize("loss", [*LOSSES.values(), *SMOOTHED], ids=lambda loss: loss.name)
def test_losses(loss: Loss, dtype: Any, rng: np.random.Generator) -> None:
    """As many columns as fill the lanes, fewer, and more."""
    for K, m in ((1, 1), (3, 15), (4, 16), (10, 17), (2, 100)):
        S, Y = rng.normal(scale=5, size=(K, m)).astype(dtype), np.zeros((K, m), dtype)
        Y[rng.integers(0, K, m), np.arange(m)] = 1
        costs, share = np.empty((1, m)), rng.random((1, m))
        agrees(loss._both, [S, Y, share, costs, np.empty_like(S), 0.5], 32)
        agrees(loss._costs, [S, Y, share, costs.copy(), 0.5], 32)


@precisions
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str, dtype: Any, rng: np.random.Generator) -> None:
    rule = OPTIMIZERS[name]()
    vectors = [rng.normal(size=100).astype(dtype) for _ in range(2)]
    vectors += [np.zeros(100, dtype) for _ in range(rule.n_slots)]
    for t in (1, 2, 3, 9, 1000):
        vectors[1] = rng.normal(size=100).astype(dtype)
        agrees(update(rule), [*vectors, 0.01, t], 4)


@precisions
def test_whole_parts_of_entries_and_of_numbers(dtype: Any, rng: np.random.Generator) -> None:
    def whole(x: Array, n: float) -> None:
        x -= n // 3
        x += x // 2

    for n in (-7, -1.5, 0, 2.9, 3, 8):
        agrees(Pass(whole, "fn"), [4 * rng.normal(size=50).astype(dtype), n], 0)


@precisions
def test_the_steps_of_a_chain(dtype: Any, rng: np.random.Generator) -> None:
    def some(*shape: int) -> Array:
        return np.asarray(rng.uniform(0.5, 2, size=shape), dtype)

    full, row, column = some(6, 40), some(6, 1), some(1, 40)
    for run, shapes in (
        (batch_norm.NORMALIZE, "fffrrrrrn"),
        (batch_norm.NORMALIZE_BY_RUNNING, "fffrrrrrn"),
        (batch_norm.PULL, "ffrr"),
        (batch_norm.PULL_BY_RUNNING, "frr"),
        (norm.SUMS, "ffrr"),
        (dropout.MASK, "ff"),
        (layer_norm.NORMALIZE, "fffcrrn"),
        (layer_norm.PULL, "ffcr"),
        (dropout.MASKED, "fff"),
        (alpha_dropout.MASKED, "fffnn"),
        (HOLD, "fn"),
    ):
        assert run.shapes == shapes
        given = [{"f": full, "r": row, "c": column}.get(k, 1e-5) for k in shapes]
        args = [some(*x.shape) if isinstance(x, np.ndarray) else x for x in given]
        agrees(run, args, 64)
        assert run._compiled(np.dtype(dtype))


@precisions
def test_what_is_compiled(dtype: Any) -> None:
    """Everything in the registries, but what is known to be NumPy's."""
    kind = np.dtype(dtype)
    for g in HIDDEN:
        both = [
            compiled_pass(lambda Z, g=g: g.forward(Z, out=Z), "f", None, kind),
            compiled_pass(lambda dA, A, g=g: g.backward(dA, A, out=dA), "ff", None, kind),
        ]
        assert all(both) == (g.name not in BY_NUMPY)
    for loss in (*LOSSES.values(), *SMOOTHED):
        assert loss._both._compiled(kind)
    for name in OPTIMIZERS:
        assert update(OPTIMIZERS[name]())._compiled(kind)


REFERENCES: dict[Any, Callable[[Array], Array]] = {
    np.exp: np.exp,
    np.expm1: np.expm1,
    np.tanh: np.tanh,
    np.log: np.log,
    np.log1p: np.log1p,
}


@precisions
@pytest.mark.parametrize("ufunc", ELEMENTARY, ids=lambda f: f.__name__)
def test_elementary_functions(ufunc: Any, dtype: Any, rng: np.random.Generator) -> None:
    """Against the next wider format, over all magnitudes, and at the ends exactly."""
    wider = np.longdouble if dtype is np.float64 else np.float64
    size = 10.0 ** rng.uniform(-12, 2.6, 20_000)
    x = (size * rng.choice([-1, 1], size.size)).astype(dtype)
    x = {np.log: np.abs(x), np.log1p: np.where(x <= -1, -x, x)}.get(ufunc, x)
    made = np.empty_like(x)
    Pass(lambda x, y: ufunc(x, out=y), "ff")(x, made)
    with np.errstate(all="ignore"):
        expected = ufunc(x.astype(wider))
        inside = np.abs(expected) >= np.finfo(dtype).tiny
        inside &= np.abs(expected) < np.finfo(dtype).max
        off = np.abs(made - expected)[inside] / np.spacing(np.abs(expected[inside]).astype(dtype))
    assert off.max() < 4, off.max()

    ends = np.array([0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-40, 500, -500, 1e4, -1e4], dtype)
    at_ends = np.empty_like(ends)
    Pass(lambda x, y: ufunc(x, out=y), "ff")(ends, at_ends)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(at_ends, ufunc(ends), rtol=4 * np.finfo(dtype).eps, atol=1e-44)


def test_a_sum_is_made_in_float64(rng: np.random.Generator) -> None:
    x, total = rng.random((1, 1_000_000), np.float32), np.empty((1, 1), np.float32)
    Pass(lambda x, y: np.sum(x, axis=1, keepdims=True, out=y), "fr", axis=1)(x, total)
    assert total[0, 0] == np.float32(x.sum(dtype=np.float64))


def test_what_a_later_loop_reads_is_not_overwritten_before(rng: np.random.Generator) -> None:
    """x is changed at once, but its sum after that is of what it was."""

    def formula(x: Array, y: Array, last: Array) -> None:
        first = np.sum(x, axis=1, keepdims=True)
        y += x * first
        second = np.sum(x * first, axis=1, keepdims=True)
        x *= 2
        np.multiply(second, 3, out=last)
        x += second

    args = [rng.normal(size=(4, 9)), rng.normal(size=(4, 9)), np.empty((4, 1))]
    agrees(Pass(formula, "ffr", axis=1), args, 64)


def a_decision(x: Array) -> None:
    if x > 0:
        x += 1


def an_array(x: Array) -> None:
    x += np.asarray(x)


def its_shape(x: Array) -> None:
    x += x.shape[0]


def a_foreign_array(x: Array) -> None:
    x += np.ones(3)


def another_axis(x: Array) -> None:
    x -= x.sum(axis=0, keepdims=True)


def an_unknown_function(x: Array) -> None:
    np.arctan(x, out=x)


def a_choice_by_a_number(x: Array) -> None:
    x += np.where(x, 1, 2)


@pytest.mark.parametrize(
    "formula",
    [
        a_decision,
        an_array,
        its_shape,
        a_foreign_array,
        another_axis,
        an_unknown_function,
        a_choice_by_a_number,
    ],
)
def test_what_symbols_cannot_follow_numpy_runs(formula: Callable[..., object]) -> None:
    assert compiled_pass(formula, "f", 1, np.dtype(float)) is None
    x = np.array([[2.0]]) if formula is a_decision else np.full((3, 3), 2.0)
    expected = x.copy()
    formula(expected)
    Pass(formula, "f", axis=1)(x)
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize(
    "wrong",
    [
        [np.ones((3, 4)), np.ones((3, 1), np.float32)],
        [np.ones((3, 4))[:, ::2], np.ones((3, 1))],
        [np.ones((4, 3)).T, np.ones((3, 1))],
        [np.ones((3, 4), np.float32), np.ones((3, 1))],
        [np.ones((3, 4))],
    ],
)
def test_what_does_not_fit_is_refused(wrong: list[Array]) -> None:
    with pytest.raises(ValueError, match="expected fr"):
        Pass(lambda x, y: np.add(x, y, out=x), "fr", axis=1)(*wrong)


def test_code_is_kept_and_a_damaged_file_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    made: list[str] = []
    translated = native._translated

    def counted(binding: Any, machine: Any, text: str) -> bytes:
        made.append(text)
        return translated(binding, machine, text)

    monkeypatch.setattr(native, "_translated", counted)
    monkeypatch.setattr(native, "_file", lambda key: tmp_path / "new" / f"{key}.o")

    def run(number: float) -> None:
        x = rng.normal(size=50)
        expected = x * number
        Pass(lambda x: np.multiply(x, number, out=x), "f")(x)
        np.testing.assert_array_equal(x, expected)

    native._compiled.cache_clear()
    run(1234.5)
    (file,) = (tmp_path / "new").iterdir()
    assert len(made) == 1
    native._compiled.cache_clear()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    assert native._kept(file.stem) is None
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("a file where the folder should be")
    run(4321.5)
    assert len(made) == 2


def test_threads_compile_in_turn_and_each_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, looked = [0], [0], list[str]()

    def slowly(key: str) -> None:
        looked.append(key)
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1

    monkeypatch.setattr(native, "_kept", slowly)
    monkeypatch.setattr(native, "_keep", lambda *_: None)
    texts = [f"define i64 @NAME() {{\nret i64 {9876 + k}\n}}\n" for k in range(3)]
    with ThreadPoolExecutor(6) as threads:
        found = [*threads.map(lambda text: native.compiled(text)(""), 2 * texts)]
    assert [CFUNCTYPE(c_int64)(address)() for address in found] == 2 * [9876, 9877, 9878]
    assert len(looked) == 3
    assert most == [1]


def test_the_first_run_says_that_it_compiles(tmp_path: Path) -> None:
    """Once, where nothing is kept; not under -q."""
    write_blobs(tmp_path / "blobs.h5")
    config = write_config(tmp_path / "c.yaml", training={"iterations": 2})

    def lines(cache: str, *options: str) -> int:
        command = [sys.executable, "-m", "deepnet_cli", "train", str(config), *options]
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / cache)}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return str(run.stderr).count("compiling for this processor")

    assert [lines("a"), lines("a"), lines("b", "-q"), lines("b")] == [1, 0, 0, 0]


def test_a_thread_records_none_of_anothers_passes() -> None:
    def double(x: Array) -> None:
        x *= 2

    x, of = np.ones((2, 3)), Pass(double, "f")
    with tape.record() as recorded:
        thread = Thread(target=of, args=(x,))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(x, 2)
    assert not recorded.calls

"""Matrix products by other libraries: what they compute, where they are used, who may have them."""

import gc
import os
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ctypes import CFUNCTYPE, c_int
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import labels_for, network_of, start

from deepnet_cli.blas import choice, cpu
from deepnet_cli.blas.bfloat16 import bfloat16
from deepnet_cli.blas.choice import LEAST, SHARED, Large, check_precision
from deepnet_cli.blas.choice import product as product_of
from deepnet_cli.blas.layouts import Matmul, Reorder, Wanted
from deepnet_cli.blas.library import UnavailableError, load
from deepnet_cli.blas.mkl import mkl
from deepnet_cli.blas.onednn import SPINS, engine, library, onednn
from deepnet_cli.blas.primitives import Engine, Made, Own
from deepnet_cli.fused import native, tape
from deepnet_cli.fused.passes import Pass
from deepnet_cli.fused.tape import Tape, record
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.products import NUMPY, Product
from deepnet_cli.nn.types import Array
from deepnet_cli.threads import effective, limited
from deepnet_cli.training.figures.evaluation import scores

SHAPES = [(1, 1, 1), (1, 9, 4), (9, 1, 4), (4, 9, 1), (7, 12, 5), (64, 200, 33), (10, 3000, 17)]
"""(n, k, m)"""

KINDS = ["W A", "W X", "dZ A^T", "dZ X^T", "W^T dZ"]
"""The products of training."""

each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
each_kind = pytest.mark.parametrize("kind", KINDS)


def pair(
    kind: str, shape: tuple[int, int, int], dtype: str, rng: np.random.Generator
) -> tuple[Array, Array]:
    """The factors for W (n, k), A (k, m), X a transposed window of rows (k, m) and dZ (n, m)."""
    n, k, m = shape
    W, A, dZ = (rng.normal(size=size).astype(dtype) for size in ((n, k), (k, m), (n, m)))
    X = rng.normal(size=(m + 5, k)).astype(dtype)[2 : m + 2].T
    pairs = ((W, A), (W, X), (dZ, A.T), (dZ, X.T), (W.T, dZ))
    return dict(zip(KINDS, pairs, strict=True))[kind]


def available(name: str) -> Product:
    """A product by its name; skips the test where this machine has it not."""
    if name == "bfloat16" and not cpu.has_bfloat16():
        pytest.skip("a processor without bfloat16")
    makers: dict[str, Callable[[], Product]] = {"MKL": mkl, "oneDNN": onednn, "bfloat16": bfloat16}
    try:
        return makers[name]() if name in makers else NUMPY
    except UnavailableError as problem:
        pytest.skip(str(problem))


def rounded(M: Array) -> Array:
    """To the nearest bfloat16, ties to even: the upper 16 bits of a float32."""
    bits = M.view(np.uint32)
    half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return ((bits + half) & np.uint32(0xFFFF0000)).view(np.float32)


def assert_close(AB: Array, A: Array, B: Array, tolerance: float) -> None:
    """Each entry to `tolerance` relative to its share of |A| |B|."""
    A, B = A.astype(float), B.astype(float)
    assert (np.abs(AB - A @ B) <= tolerance * (np.abs(A) @ np.abs(B))).all()


@each_kind
@each_shape
@pytest.mark.parametrize(
    ("name", "dtype"),
    [*product(["NumPy", "MKL"], ["float32", "float64"]), ("oneDNN", "float32")],
)
def test_a_product_is_that_of_the_definition(
    name: str, dtype: str, shape: tuple[int, int, int], kind: str, rng: np.random.Generator
) -> None:
    """A sum of k terms is right to k roundings (Higham, 2002, section 3.5)."""
    A, B = pair(kind, shape, dtype, rng)
    out = np.full((A.shape[0], B.shape[1]), np.nan, dtype)
    assert available(name)(A, B, out) is out
    assert_close(out, A, B, A.shape[1] * float(np.finfo(dtype).eps))


@each_kind
@each_shape
def test_a_mixed_product_rounds_its_factors_and_sums_in_float32(
    shape: tuple[int, int, int], kind: str, rng: np.random.Generator
) -> None:
    """bfloat16 rounds a number by at most 2^-8 of it, so a term by 2^-7 + 2^-16."""
    A, B = pair(kind, shape, "float32", rng)
    out = np.full((A.shape[0], B.shape[1]), np.nan, np.float32)
    assert available("bfloat16")(A, B, out) is out
    sums = A.shape[1] * 2.0**-23
    assert_close(out, A, B, 2**-7 + 2**-16 + sums)
    assert_close(out, rounded(A), rounded(B), sums)


@each_kind
@pytest.mark.parametrize("name", ["MKL", "oneDNN", "bfloat16"])
def test_a_product_does_not_depend_on_where_an_array_stands(
    name: str, kind: str, rng: np.random.Generator
) -> None:
    """Addresses differ from run to run, results must not."""
    A, B = pair(kind, (70, 300, 50), "float32", rng)
    transposed = A.strides[0] < A.strides[1]
    rows = A.T if transposed else A
    results = set()
    for shift in (0, 1, 7, 16):
        moved = np.empty(A.size + shift, np.float32)[shift:].reshape(rows.shape)
        moved[...] = rows
        out = np.empty((A.shape[0], B.shape[1]), np.float32)
        results.add(available(name)(moved.T if transposed else moved, B, out).tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("name", ["MKL", "oneDNN", "bfloat16"])
def test_threads_may_multiply_at_once(name: str, rng: np.random.Generator) -> None:
    multiply = available(name)
    given = [pair("W A", (300, 400, 200), "float32", rng) for _ in range(4)]

    def product_of_pair(k: int) -> Array:
        A, B = given[k % 4]
        return multiply(A, B, np.empty((300, 200), np.float32))

    alone = [product_of_pair(k) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for k, out in enumerate(pool.map(product_of_pair, range(80))):
            np.testing.assert_array_equal(out, alone[k % 4])


@each_kind
@each_shape
@pytest.mark.parametrize("name", ["NumPy", "MKL", "oneDNN", "bfloat16"])
@pytest.mark.skipif(not native.available(), reason="needs llvmlite")
def test_on_tape_a_product_is_what_it_is(
    name: str, shape: tuple[int, int, int], kind: str, rng: np.random.Generator
) -> None:
    """To rounding: NumPy takes other functions for vectors."""
    A, B = pair(kind, shape, "float32", rng)
    out = np.full((A.shape[0], B.shape[1]), np.nan, np.float32)
    product = available(name)
    with record() as recorded:
        assert product(A, B, out) is out
    assert np.isnan(out).all()
    assert not recorded.broken
    recorded.play()
    if name == "bfloat16":
        A, B = rounded(A), rounded(B)
    assert_close(out, A, B, A.shape[1] * float(np.finfo(np.float32).eps))


def test_onednn_has_as_many_threads_as_numpy_s_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is loaded, and where their number is limited."""
    available("oneDNN")
    for threads in (1, 2):
        monkeypatch.setattr("deepnet_cli.blas.onednn.effective", lambda n=threads: n)
        found, _ = library.__wrapped__()
        assert found.omp_get_max_threads() == threads
        with limited(3):
            assert effective() == found.omp_get_max_threads() == 3
        assert found.omp_get_max_threads() == threads


def test_primitives_are_for_the_threads_that_play_them(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    """Their scratchpad is of that many."""
    multiply, made, primitive = available("bfloat16"), list[int](), Engine._primitive

    def noted(engine: Engine, *given: Any) -> Made:
        made.append(engine._threads)
        return primitive(engine, *given)

    monkeypatch.setattr(Engine, "_primitive", noted)
    monkeypatch.setattr(engine(), "_own", Own())
    A, B = pair("W A", (64, 200, 33), "float32", rng)
    for number in (1, 2, 1, 3, 2):
        with limited(number):
            multiply(A, B, np.empty((64, 33), np.float32))
    assert made == [1] * 3 + [2] * 3 + [3] * 3


class Spied:
    """A library, but for some of its functions."""

    def __init__(self, real: Any, **functions: Any) -> None:
        self._real, self._functions = real, functions

    def __getitem__(self, name: str) -> Any:
        return self._functions.get(name) or self._real[name]

    def __getattr__(self, name: str) -> Any:
        return self._functions.get(name) or getattr(self._real, name)


@pytest.mark.skipif(not native.available(), reason="needs llvmlite")
def test_a_tape_has_the_threads_that_it_was_recorded_with(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    product, (A, B) = available("bfloat16"), pair("W A", (64, 200, 33), "float32", rng)
    real, seen = library()[0], list[int]()

    def noting() -> int:
        seen.append(real.omp_get_max_threads())
        return 0

    execute = CFUNCTYPE(c_int)(noting)

    monkeypatch.setattr(engine(), "_library", Spied(real, dnnl_primitive_execute=execute))
    with limited(2), record() as recorded:
        product(A, B, np.empty((64, 33), np.float32))
    with limited(5):
        recorded.play()
        assert real.omp_get_max_threads() == 5
    assert seen == [2] * 3


@pytest.mark.skipif(not native.available(), reason="needs llvmlite")
@pytest.mark.parametrize("name", ["oneDNN", "bfloat16"])
def test_a_tape_keeps_what_it_works_on_and_then_gives_it_back(
    name: str, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    product, real, there = available(name), library()[0], Counter[str]()

    def counted(function: str, kind: str, change: int) -> Callable[..., object]:
        def called(*arguments: object) -> object:
            there[kind] += change
            return getattr(real, function)(*arguments)

        return called

    functions = {
        function: counted(function, kind, change)
        for kind in ("memory", "primitive")
        for function, change in ((f"dnnl_{kind}_create", 1), (f"dnnl_{kind}_destroy", -1))
    }
    monkeypatch.setattr(engine(), "_library", Spied(real, **functions))
    monkeypatch.setattr(engine(), "_own", Own())
    arrays = [rng.standard_normal(s, np.float32) for s in ((64, 200), (200, 33), (64, 33))]
    seen: list[weakref.ref[Any]] = [weakref.ref(array) for array in arrays]
    with record() as recorded:
        product(*arrays)
    made = {"memory": 4, "primitive": 1} if name == "oneDNN" else {"memory": 10, "primitive": 3}
    assert there == made
    seen.append(weakref.ref(engine()._own.room))
    engine()._own.room = np.empty(0, np.uint8)  # as where a larger one is needed
    del arrays
    gc.collect()
    assert all(array() is not None for array in seen)
    recorded.play()
    del recorded
    gc.collect()
    assert all(array() is None for array in seen)
    assert not +there


@pytest.mark.skipif(not native.available(), reason="needs llvmlite")
def test_python_ends_while_a_daemon_thread_multiplies() -> None:
    available("bfloat16")
    text = """
import threading
import numpy as np
from deepnet_cli.blas.bfloat16 import bfloat16
from deepnet_cli.fused.tape import record

begun, M = threading.Event(), np.ones((3, 400, 400), np.float32)

def work():
    with record() as recorded:
        bfloat16()(*M)
    while True:
        recorded.play()
        begun.set()

threading.Thread(target=work, daemon=True).start()
begun.wait()
"""
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


def _doubled(X: Array) -> None:
    X *= 2


DOUBLED = Pass(_doubled, "f")


@pytest.mark.skipif(not native.available(), reason="needs llvmlite")
def test_on_tape_a_matrix_is_rounded_once_until_it_changes(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    """What each product then is, is what it is by itself."""
    product, noted, note = available("bfloat16"), list[object](), Engine.note

    def counted(engine: Engine, on: Tape, wanted: Wanted, *arrays: Array) -> None:
        noted.append(type(wanted))
        note(engine, on, wanted, *arrays)

    monkeypatch.setattr(Engine, "note", counted)
    W, X, dZ = (rng.standard_normal(s, np.float32) for s in ((40, 30), (50, 30), (40, 50)))
    Z, dW, dX, again = (np.empty(s, np.float32) for s in ((40, 50), (40, 30), (30, 50), (40, 30)))

    def run() -> None:
        DOUBLED(dZ)
        product(W, X.T, Z)
        product(dZ, X, dW)
        product(W.T, dZ, dX)
        DOUBLED(X[3:4])
        product(dZ, X, again)

    with record() as recorded:
        run()
    assert noted.count(Reorder) == 4  # W, X, dZ, X again
    assert noted.count(Matmul) == 4
    before = X.copy(), dZ.copy()
    for _ in range(2):
        X[...], dZ[...] = before
        recorded.play()
        played = [each.copy() for each in (Z, dW, dX, again)]
        X[...], dZ[...] = before
        run()
        for one, other in zip(played, (Z, dW, dX, again), strict=True):
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(dW, again)


class Marker:
    """Takes float32 and writes 1 everywhere."""

    name, team = "marker", None
    dtypes = frozenset({np.dtype(np.float32)})

    def __call__(self, A: Array, B: Array, out: Array) -> Array:  # noqa: ARG002
        if tape.recording.tape is not None:
            tape.recording.tape.broken = True
        out[...] = 1
        return out


def marks(A: Array, B: Array) -> bool:
    """Whether the library was chosen for A B, both zero."""
    out = np.empty((A.shape[0], B.shape[1]), A.dtype)
    return bool((Large(Marker(), LEAST)(A, B, out) == 1).all())


def test_the_rule_is_a_function_of_type_and_shape() -> None:
    n, k, m = 16, LEAST // 128, 8
    A, B = np.zeros((n, k), np.float32), np.zeros((k, m), np.float32)
    assert marks(A, B)
    assert marks(B.T, A.T)
    assert not marks(A[:-1], B)
    assert not marks(A.astype(float), B.astype(float))
    assert not marks(A.astype(complex), B.astype(complex))
    assert not marks(np.zeros((2 * n, 2 * k), np.float32)[::2, ::2], B)


CPUS = {
    "Intel with AMX": "vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f amx_bf16\n",
    "Intel of old": "vendor_id\t: GenuineIntel\nflags\t\t: fpu avx2\n",
    "AMD": "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512f avx512_bf16\n",
    "AMD of old": "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2\n",
    "ARM": "BogoMIPS\t: 50.00\nFeatures\t: fp asimd\n",
}
"""What /proc/cpuinfo says of the first core."""


@pytest.fixture(params=[*CPUS, "no Linux"])
def machine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """A processor by its name, with every library there."""
    file = tmp_path / "cpuinfo"
    if request.param in CPUS:
        file.write_text(f"processor\t: 0\n{CPUS[request.param]}")
    monkeypatch.setattr(cpu, "_CPUINFO", file)
    monkeypatch.setattr(choice, "mkl", Marker)
    monkeypatch.setattr(choice, "onednn", Marker)
    monkeypatch.setattr(choice, "bfloat16", Marker)
    cpu._field.cache_clear()
    yield request.param
    cpu._field.cache_clear()


LEAST_BY = {
    ("Intel with AMX", "float32"): LEAST,
    ("Intel with AMX", "float64"): LEAST,
    ("Intel of old", "float32"): LEAST,
    ("Intel of old", "float64"): LEAST,
    ("AMD", "float32"): SHARED,
}
"""Multiplications from which on a processor's product is another library's."""

LARGE_ONES = (256, 512), 128
SMALL_ONES = (64, 32, 1), 32
"""Sizes of layers, and of batches."""


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_who_made_the_processor_says_what_multiplies(machine: str, precision: str) -> None:
    assert product_of(precision, *SMALL_ONES) is NUMPY
    chosen = product_of(precision, *LARGE_ONES)
    least = chosen.least if isinstance(chosen, Large) else None
    assert least == LEAST_BY.get((machine, precision))
    assert isinstance(chosen, Large) or chosen is NUMPY


def test_mixed_needs_the_units(machine: str) -> None:
    if machine in ("Intel with AMX", "AMD"):
        check_precision("mixed")
        chosen = product_of("mixed", *SMALL_ONES)
        assert isinstance(chosen, Large)
        assert chosen.least == SHARED
    else:
        with pytest.raises(UnavailableError, match=r"processor .*AVX512_BF16 or AMX"):
            check_precision("mixed")


@pytest.mark.parametrize("machine", ["Intel of old", "AMD"], indirect=True)
def test_without_a_library_numpy_multiplies(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mkl", "onednn"):
        monkeypatch.setattr(choice, name, lambda: load("no-such-package", "libno"))
    assert product_of("float32", *LARGE_ONES) is NUMPY


@pytest.mark.parametrize("wish", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY", None])
def test_how_threads_wait_is_left_to_whoever_says_it(
    wish: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    available("oneDNN")
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "3")
        if name != wish:
            monkeypatch.delenv(name)
    library.__wrapped__()
    found = {None: SPINS, "GOMP_SPINCOUNT": "3", "OMP_WAIT_POLICY": None}[wish]
    assert os.environ.get("GOMP_SPINCOUNT") == found


def test_a_process_whose_memory_is_limited_does_without_onednn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whose C++ aborts where it gets none."""
    monkeypatch.setattr("deepnet_cli.blas.onednn.getrlimit", lambda _: (2**30, 2**30))
    with pytest.raises(UnavailableError, match="is limited"):
        library.__wrapped__()


def test_a_package_without_the_library_is_told() -> None:
    with pytest.raises(UnavailableError, match=r"numpy .* has no libmkl_rt.so"):
        load("numpy", "libmkl_rt")


@pytest.fixture
def networks() -> tuple[Network, Network]:
    """The same network trained with NumPy's products, and with each float32 one marked."""
    loss = LOSSES["cross_entropy"]
    plain = network_of((5, 4, 3), ACTIVATIONS["tanh"], ACTIVATIONS["softmax"], loss)
    layers = [replace(layer, multiply=Large(Marker(), 1)) for layer in plain.layers]
    return plain, Network.of(5, layers, loss)


@pytest.mark.parametrize("dtype", [float, complex])
def test_a_float64_network_is_the_same_with_any_product(
    networks: tuple[Network, Network], dtype: type, rng: np.random.Generator
) -> None:
    """So gradcheck and explain see the steps of a mixed network to all digits."""
    plain, mixed = map(Objective, networks)
    theta: Array = start(plain.network, rng).astype(dtype)
    X = rng.normal(size=(5, 7))
    Y = labels_for(plain.network.loss, 3, 7, rng)
    (J, grad), (J_mixed, grad_mixed) = plain(theta, X, Y), mixed(theta, X, Y)
    assert J_mixed == J
    np.testing.assert_array_equal(grad, grad_mixed)


def test_what_a_network_predicts_is_multiplied_by_numpy(
    networks: tuple[Network, Network], rng: np.random.Generator
) -> None:
    plain, mixed = networks
    theta = start(plain, rng).astype(np.float32)
    rows = rng.normal(size=(7, 5)).astype(np.float32)
    predicted = scores(mixed, theta, rows)
    assert mixed.evaluation.ops == mixed.ops  # nothing else differs: gradcheck has one to prove
    np.testing.assert_array_equal(predicted, scores(plain, theta, rows))
    work = mixed.workspace(7, theta.dtype)
    trained = mixed.forward(mixed.layout.views(theta), rows.T, work)
    assert not np.allclose(trained, predicted)

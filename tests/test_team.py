"""Passes that are shared by threads: the same bits as from one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import CFUNCTYPE, c_int, c_int64, c_uint, c_void_p, cast
from typing import Any

import numpy as np
import pytest

from deepnet_cli.blas.library import UnavailableError
from deepnet_cli.blas.mkl import mkl
from deepnet_cli.blas.onednn import onednn
from deepnet_cli.fused import native, tape
from deepnet_cli.fused.compiling import compiled_pass
from deepnet_cli.fused.gather import Gather
from deepnet_cli.fused.module import LANES
from deepnet_cli.fused.passes import Pass
from deepnet_cli.fused.tape import record
from deepnet_cli.fused.team import Team, Work
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.ops.affine import ADD, SUM
from deepnet_cli.nn.products import Product
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.optimizers import OPTIMIZERS, update
from deepnet_cli.threads import limited

pytestmark = pytest.mark.skipif(not native.available(), reason="needs llvmlite")


class Turns:
    """A team whose members work one after the other, in another thread than who asks."""

    def __init__(self, size: int) -> None:
        self.member, self.regions = 0, 0
        threads = ThreadPoolExecutor(1)
        threads.submit(bool).result()  # its flags are not those of who plays the tape

        def parallel(work: Any, data: Any, *_: int) -> None:
            self.regions += 1
            for self.member in range(size):
                threads.submit(CFUNCTYPE(None, c_void_p)(work), data).result()

        self._kept = (
            CFUNCTYPE(None, c_void_p, c_void_p, c_uint, c_uint)(parallel),
            CFUNCTYPE(c_int)(lambda: self.member),
            CFUNCTYPE(c_int)(lambda: size),
        )
        self.team = Team(*(cast(function, c_void_p).value or 0 for function in self._kept))


@pytest.fixture(autouse=True)
def whatever_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "LEAST", 1)


@pytest.fixture(params=[1, 2, 3, 50])
def turns(request: pytest.FixtureRequest) -> Turns:
    return Turns(request.param)


def assert_shared(turns: Turns, run: Callable[..., object], args: list[Any]) -> None:
    """On a tape with a team, and on one without: the same bits, and not those from before."""
    results, before = [], turns.regions
    for team in (turns.team, None):
        given = [x.copy() if isinstance(x, np.ndarray) else x for x in args]
        with record(team) as played:
            run(*given)
        played.play()
        results.append([x.tobytes() for x in given if isinstance(x, np.ndarray)])
    assert results[0] == results[1] != [x.tobytes() for x in args if isinstance(x, np.ndarray)]
    assert turns.regions == before + 1


@pytest.mark.parametrize("unit", [1, 16])
@pytest.mark.parametrize("lines", [0, 1, 10, 17, 64, 1003])
def test_each_member_has_its_stretch(lines: int, unit: int, turns: Turns) -> None:
    """One follows the other, and none is longer by more than a unit than it has to be."""
    stretches = list[tuple[int, int]]()
    part = CFUNCTYPE(None, c_void_p, c_int64, c_int64)(lambda _, *ends: stretches.append(ends))
    address = cast(part, c_void_p).value or 0
    function, words = turns.team.shared(Work(0, address, unit), lines, [])
    CFUNCTYPE(None, c_void_p)(function)((c_int64 * len(words))(*words))
    begins, ends = zip(*stretches, strict=True)
    assert begins == (0, *ends[:-1])
    assert ends[-1] == lines
    assert not any(begin % unit for begin in begins)
    longest = max(end - begin for begin, end in stretches)
    assert longest < lines / len(stretches) + unit


def test_rows_are_done_one_by_one_and_columns_some_at_a_time() -> None:
    for axis, unit in ((1, 1), (0, LANES), (None, LANES)):
        compiled = compiled_pass(lambda x: x.__imul__(2), "f", axis, np.dtype(np.float32))
        assert compiled is not None
        assert compiled.work is not None
        assert compiled.work.unit == unit


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_entries_of_a_vector(name: str, turns: Turns, rng: np.random.Generator) -> None:
    rule = OPTIMIZERS[name]()
    vectors = [rng.random(1003, np.float32) for _ in range(2 + rule.n_slots)]
    assert_shared(turns, update(rule), [*vectors, 0.01, 3])


def test_rows(turns: Turns, rng: np.random.Generator) -> None:
    for n, m in ((1, 1), (37, 21), (16, 5), (100, 3)):
        Z, b = rng.standard_normal((n, m)), rng.standard_normal((n, 1))
        assert_shared(turns, ADD, [Z, b])
        assert_shared(turns, SUM, [Z, b])


@pytest.mark.parametrize("name", LOSSES)
def test_columns(name: str, turns: Turns, rng: np.random.Generator) -> None:
    for K, m in ((1, 1), (3, 15), (2, 16), (4, 103)):
        S, Y = rng.standard_normal((K, m), np.float32), np.ones((K, m), np.float32) / K
        costs, share = np.empty((1, m)), rng.random((1, m))
        assert_shared(turns, LOSSES[name]._both, [S, Y, share, costs, np.empty_like(S), 0.5])


@pytest.mark.parametrize("axis", [0, 1])
def test_a_gathering(axis: int, turns: Turns, rng: np.random.Generator) -> None:
    """Two, of which the second takes what the first has left."""
    source = rng.random((40, 50), np.float32)
    out = np.empty((17, 50) if axis == 0 else (40, 17), np.float32)
    gather, chosen = Gather(source, out, axis), rng.permutation(40)[:34]
    with record(turns.team) as played:
        gather.note(played)
    gather.aim(source, chosen)
    for begin in (0, 17):
        played.play()
        assert (out == source.take(chosen[begin:][:17], axis)).all()
    assert turns.regions == 2


def test_members_make_numbers_that_are_too_small_zero_as_everybody_does(turns: Turns) -> None:
    def halved(x: Array) -> None:
        x *= 0.5

    assert_shared(turns, Pass(halved, "f"), [np.full(99, np.finfo(np.float32).tiny, np.float32)])


def test_small_passes_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(2)
    monkeypatch.setattr(tape, "LEAST", 100)
    for size, regions in ((99, 0), (100, 1)):
        with record(turns.team) as played:
            ADD(np.ones((1, size)), np.ones((1, 1)))
        played.play()
        assert turns.regions == regions


@pytest.mark.parametrize("library", [onednn, mkl])
def test_the_threads_of_openmp(library: Callable[[], Product], rng: np.random.Generator) -> None:
    try:
        team = library().team
    except UnavailableError as problem:
        pytest.skip(str(problem))
    assert team is not None
    vectors = [rng.random(2**16 + 5, np.float32) for _ in range(4)]
    made = [[x.copy() for x in vectors] for _ in range(2)]
    for given, shared in zip(made, (team, None), strict=True):
        with record(shared) as played:
            update(OPTIMIZERS["adam"]())(*given, 0.01, 3)
        with limited(3):
            for _ in range(50):
                played.play()
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one, other)

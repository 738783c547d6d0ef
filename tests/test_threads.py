"""Threads that multiply: how many there are, where threads of Python's overlap."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from threading import Thread, local
from types import SimpleNamespace
from typing import Any

import pytest
from samples import write_blobs, write_config
from threadpoolctl import ThreadpoolController, threadpool_limits

import deepnet_cli as deepnet
from deepnet_cli.blas.library import UnavailableError
from deepnet_cli.blas.mkl import mkl
from deepnet_cli.blas.onednn import onednn
from deepnet_cli.config.job import load_job
from deepnet_cli.threads import effective, limited

OUTSIDE = 5
WANTED = {"a": 1, "b": 2, "c": 3, "d": 4, "n": None}
HOME = {"a": 0, "b": 1, "c": 2, "d": 0, "n": 1}
"""How many threads each wants, and which of Python's it is in."""

ORDERS = ["aAbB", "abAB", "abBA", "abAcCB", "abcBAC", "adDA", "abdADB", "adbDBA", "anAN", "ncNC"]
"""A small letter comes in, and its capital goes out."""

each_order = pytest.mark.parametrize("order", ORDERS)

Homes = list[Callable[..., Any]]


@pytest.fixture
def homes() -> Iterator[Homes]:
    """Threads of Python's, each as a function that has another one called there, and waits."""
    with ExitStack() as held:
        pools = [held.enter_context(ThreadPoolExecutor(1)) for _ in range(3)]
        yield [lambda *call, pool=pool: pool.submit(*call).result() for pool in pools]


def check_walk(order: str, homes: Homes, number: Callable[[], int], *, own: bool) -> None:
    """After each coming and going every thread has the number of who is inside: of the newest in
    it, where each has its own, else of the newest of all; else what it had before.
    """
    before = [home(number) for home in homes]
    inside: dict[str, ExitStack] = {}
    for letter in order:
        name = letter.lower()
        if letter.islower():
            inside[name] = ExitStack()
            homes[HOME[name]](inside[name].enter_context, limited(WANTED[name]))
        else:
            homes[HOME[name]](inside.pop(name).close)
        for place, home in enumerate(homes):
            wanted = [WANTED[name] or OUTSIDE for name in inside if not own or HOME[name] == place]
            assert home(number) == [before[place], *wanted][-1], f"thread {place} after {letter}"


class Library:
    """One that threadpoolctl knows, with a number of threads in `numbers`."""

    def __init__(self, names: str, numbers: Any, outside: int) -> None:
        self.user_api, self.internal_api, self.threading_layer = names.split()
        self.filepath, self.numbers, self.outside = names, numbers, outside
        self.on_setting: Callable[[], object] = lambda: None

    @property
    def num_threads(self) -> int:
        return getattr(self.numbers, "threads", self.outside)

    def set_num_threads(self, threads: int) -> None:
        self.on_setting()
        self.numbers.threads = threads


@each_order
@pytest.mark.parametrize("layer", ["pthreads", "openmp"])
def test_each_thread_has_its_number_and_in_the_end_what_it_had(
    layer: str, order: str, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an OpenBLAS that has threads of its own, or OpenMP's."""
    openmp = Library("openmp openmp gnu", local(), OUTSIDE if layer == "openmp" else 7)
    numbers = openmp.numbers if layer == "openmp" else SimpleNamespace()
    openblas = Library(f"blas openblas {layer}", numbers, OUTSIDE)
    mkl = Library("blas mkl intel", local(), 9)
    found = SimpleNamespace(lib_controllers=[openmp, openblas, mkl])
    monkeypatch.setattr("threadpoolctl.ThreadpoolController", lambda: found)
    for library in found.lib_controllers:
        own = library is not openblas or layer == "openmp"
        check_walk(order, homes, partial(getattr, library, "num_threads"), own=own)


def test_one_that_is_dropped_while_another_comes_in_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    openblas, dropped = Library("blas openblas pthreads", SimpleNamespace(), 5), [limited(1)]
    found = SimpleNamespace(lib_controllers=[openblas])
    monkeypatch.setattr("threadpoolctl.ThreadpoolController", lambda: found)
    seen = list[int]()

    def work() -> None:
        dropped[0].__enter__()
        openblas.on_setting = dropped.clear
        with limited(2):
            seen.append(openblas.num_threads)
        seen.append(openblas.num_threads)

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(10)
    assert seen == [2, 5]


def is_own(library: Any, homes: Homes) -> bool:
    """Whether each thread has a number of its own: another does not see what one sets."""
    other = homes[1](partial(getattr, library, "num_threads"))
    with ExitStack() as held:
        homes[0](held.enter_context, threadpool_limits(other + 1))
        return bool(homes[1](partial(getattr, library, "num_threads")) == other)


@each_order
def test_so_it_is_with_the_libraries_that_are_here(order: str, homes: Homes) -> None:
    """Even if a program holds another number meanwhile, which it then has again."""
    for load in (mkl, onednn):
        with suppress(UnavailableError):
            load()
    libraries = ThreadpoolController().lib_controllers
    kinds = [is_own(library, homes) for library in libraries]
    for library, own in zip(libraries, kinds, strict=True):
        numpys = "numpy" in library.filepath
        number = effective if numpys else partial(getattr, library, "num_threads")
        with threadpool_limits(OUTSIDE, user_api="blas"):
            check_walk(order, homes, number, own=own)


def test_who_has_left_lets_others_limit_themselves(homes: Homes) -> None:
    """As scikit-learn does."""

    def inside(limit: Callable[[int], Any], threads: int) -> int:
        with limit(threads):
            return effective()

    before = effective()
    for home in homes:
        assert home(inside, limited, 2) == 2
        assert [each(inside, threadpool_limits, 3) for each in homes] == [3] * 3
    assert effective() == before


def test_a_run_records_the_number_that_it_asked_for(
    tmp_path: Path, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whichever thread, and after whichever other."""
    monkeypatch.setattr("deepnet_cli.config.checks.cores", lambda: 4)
    write_blobs(tmp_path / "blobs.h5")
    config = write_config(tmp_path / "c.yaml", training={"iterations": 1})

    def trained(threads: int) -> object:
        set_ = {"compute.threads": threads}
        run = deepnet.train(config, set=set_, run_dir=tmp_path / str(threads))
        return run.summary["environment"]["threads"]

    assert trained(1) == 1
    assert [home(trained, threads) for threads, home in enumerate(homes, 2)] == [2, 3, 4]


def test_more_threads_than_cores_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepnet_cli.config.checks.cores", lambda: 3)
    write_blobs(tmp_path / "blobs.h5")
    for threads, warned in ((3, 0), (4, 1), ("auto", 0)):
        config = write_config(tmp_path / "c.yaml", compute={"threads": threads})
        warnings = load_job(config).warnings
        assert len(warnings) == warned
        assert all("compute.threads: 4 threads on 3 cores wait" in told for told in warnings)

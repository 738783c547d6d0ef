"""Laws of whatever is drawn: orders, splits, batches; each a function of the seed alone."""

from collections.abc import Callable
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deepnet_cli.data.dealing.batches import Batch, Batches
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.data.reading.splitting import split
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import generator, order

law = settings(max_examples=60, derandomize=True, deadline=None)
SEEDS = st.integers(0, 2**53)


# Orders


@law
@given(SEEDS, st.integers(0, 10**6), st.integers(0, 300))
def test_an_order_is_a_permutation_and_a_function(seed: int, index: int, n: int) -> None:
    found = order(seed, "shuffle", index, n)
    np.testing.assert_array_equal(np.sort(found), np.arange(n))
    np.testing.assert_array_equal(found, order(seed, "shuffle", index, n))


def test_orders_never_change_between_versions() -> None:
    """Resuming, splitting and shuffling rely on it; these are the orders of the first version."""
    assert order(0, "shuffle", 0, 8).tolist() == [7, 5, 3, 6, 4, 1, 0, 2]
    assert order(2**53, "test split", 3, 8).tolist() == [1, 0, 4, 3, 6, 5, 2, 7]


def test_each_order_is_as_likely_as_any() -> None:
    counts = dict.fromkeys(permutations(range(4)), 0)
    for index in range(100 * len(counts)):
        counts[tuple(order(5, "shuffle", index, 4).tolist())] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize(
    "other",
    [
        lambda i: order(1, "shuffle", i + 1, 3),
        lambda i: order(2, "shuffle", i, 3),
        lambda i: order(1 + 2**32, "shuffle", i, 3),
        lambda i: order(1, "test split", i, 3),
        lambda i: order(i, "shuffle", 1, 3),
    ],
    ids=["next index", "next seed", "seed beyond 32 bits", "another purpose", "swapped"],
)
def test_orders_know_nothing_of_each_other(other: Callable[[int], Array]) -> None:
    table = np.zeros((6, 6), int)
    place = {p: k for k, p in enumerate(permutations(range(3)))}
    for index in range(2, 1500):
        one, two = order(1, "shuffle", index, 3), other(index)
        table[place[tuple(one.tolist())], place[tuple(two.tolist())]] += 1
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_no_two_draws_are_alike() -> None:
    seeds = (0, 1, 2**32, 2**32 + 1, 2**53)
    draws = {
        tuple(order(seed, purpose, index, 30).tolist())
        for seed, purpose, index in product(seeds, ("shuffle", "test split"), range(3))
    } | {tuple(generator(seed, "shuffle").permutation(30).tolist()) for seed in seeds}
    assert len(draws) == 5 * 2 * 3 + 5


# Splits


@law
@given(st.integers(2, 200), st.floats(0.001, 0.999), SEEDS)
def test_a_split_is_a_partition(m: int, fraction: float, seed: int) -> None:
    kept, held = split(m, fraction, seed, "test split")
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(m))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held) > 0).all()
    assert min(len(kept), len(held)) >= 1
    assert abs(len(held) - fraction * m) <= 0.5 or min(len(kept), len(held)) == 1


@pytest.mark.parametrize(
    ("m", "fraction", "held"),
    [(10, 0.1, 1), (10, 0.29, 3), (569, 0.2, 114), (2, 0.9, 1), (2, 0.01, 1)],
)
@pytest.mark.parametrize("stratified", [False, True])
def test_how_many_are_held_out(m: int, fraction: float, held: int, stratified: bool) -> None:
    strata = np.arange(m) % 2 if stratified else None
    assert len(split(m, fraction, 0, "test split", strata)[1]) == held


@law
@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=120),
    st.floats(0.01, 0.99),
    SEEDS,
    st.sampled_from([int, str]),
)
def test_a_stratified_split_gives_each_class_its_share(
    labels: list[int], fraction: float, seed: int, kind: type
) -> None:
    strata = np.array([kind(label) for label in labels])
    m = len(strata)
    kept, held = split(m, fraction, seed, "test split", strata)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(m))
    assert len(held) == len(split(m, fraction, seed, "test split")[1])
    for label in np.unique(strata):
        exact = (strata == label).sum() * len(held) / m
        assert abs((strata[held] == label).sum() - exact) < 1


def test_exact_shares_are_kept_exactly() -> None:
    strata = np.repeat([7, 8, 9], [10, 30, 60])
    _, held = split(100, 0.1, 3, "validation split", strata)
    assert np.bincount(strata[held]).tolist()[7:] == [1, 3, 6]


def test_what_is_left_over_goes_to_the_largest_remainders() -> None:
    """Of 5 rows in 25, classes of 11 and 14 have a claim to 2.2 and 2.8."""
    for strata in (np.repeat([0, 1], [11, 14]), np.repeat([1, 0], [11, 14])):
        _, held = split(25, 0.2, 3, "test split", strata)
        assert sorted(np.bincount(strata[held])) == [2, 3]
        assert np.bincount(strata[held]).argmax() == np.bincount(strata).argmax()


@pytest.mark.parametrize("strata", [None, np.arange(60) % 3], ids=["plain", "stratified"])
def test_a_split_is_a_function_of_seed_and_purpose(strata: Array | None) -> None:
    def held(seed: int, purpose: str = "test split") -> list[int]:
        rows: list[int] = split(60, 0.3, seed, purpose, strata)[1].tolist()
        return rows

    assert held(1) == held(1)
    assert held(1) != held(2)
    assert held(1) != held(1, "validation split")


@pytest.mark.parametrize("strata", [None, np.repeat([0, 1], [32, 8])], ids=["plain", "stratified"])
def test_each_row_is_held_out_as_often_as_any(strata: Array | None) -> None:
    """In 2000 splits of 40 rows, a quarter each."""
    counts = np.zeros(40)
    for seed in range(2000):
        counts[split(40, 0.25, seed, "test split", strata)[1]] += 1
    assert counts.sum() == 2000 * 10
    assert (abs(counts - 500) < 5 * np.sqrt(2000 * 0.25 * 0.75)).all()


# Batches


def numbered(m: int) -> Part:
    """Example i is (i, -i) with Y = 2 i: what was dealt can be read off."""
    i = np.arange(float(m))
    return Part(np.stack([i, -i], axis=1), 2 * i[np.newaxis])


def examples(batch: Batch) -> list[int]:
    """Which examples a batch holds, once X and Y agree on it."""
    np.testing.assert_array_equal(batch.X, np.stack([batch.Y[0] / 2, -batch.Y[0] / 2]))
    return [int(i) for i in batch.X[0]]


def dealt(batches: Batches, start: int, stop: int) -> list[tuple[int, int, list[int]]]:
    """What stands in each batch while it is the newest."""
    return [(b.iteration, b.epoch, examples(b)) for b in batches.deal(start, stop)]


M_AND_SIZE = st.integers(1, 40).flatmap(lambda m: st.tuples(st.just(m), st.integers(1, m)))


@law
@given(M_AND_SIZE, st.booleans(), SEEDS)
def test_an_epoch_deals_every_example_once(
    m_size: tuple[int, int], shuffle: bool, seed: int
) -> None:
    m, size = m_size
    batches = Batches(numbered(m), size, seed, shuffle)
    n = batches.per_epoch
    assert n == len(range(0, m, size))
    every = dealt(batches, 0, 3 * n)
    assert [iteration for iteration, _, _ in every] == list(range(3 * n))
    for epoch in range(3):
        own = every[epoch * n : (epoch + 1) * n]
        assert {found for _, found, _ in own} == {epoch}
        widths = [len(members) for _, _, members in own]
        assert widths == [size] * (n - 1) + [m - size * (n - 1)]
        assert sorted(i for _, _, members in own for i in members) == list(range(m))


@law
@given(M_AND_SIZE, st.booleans(), SEEDS, st.integers(0, 60), st.integers(0, 20))
def test_resuming_deals_what_would_have_come(
    m_size: tuple[int, int], shuffle: bool, seed: int, k: int, more: int
) -> None:
    batches = Batches(numbered(m_size[0]), m_size[1], seed, shuffle)
    assert dealt(batches, k, k + more) == dealt(batches, 0, k + more)[k:]


def test_each_epoch_and_each_seed_has_an_order_of_its_own() -> None:
    def epochs(seed: int) -> list[tuple[int, ...]]:
        every = dealt(Batches(numbered(30), 7, seed, shuffle=True), 0, 20)
        return [
            tuple(i for _, epoch, members in every if epoch == e for i in members) for e in range(4)
        ]

    assert epochs(1) == epochs(1)
    assert len({*epochs(1), *epochs(2), tuple(range(30))}) == 9


def test_without_shuffle_the_file_order_stays() -> None:
    batches = Batches(numbered(5), 2, 0, shuffle=False)
    assert [members for _, _, members in dealt(batches, 0, 6)] == [[0, 1], [2, 3], [4]] * 2


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_full_batch_is_the_part_itself(shuffle: bool) -> None:
    part = numbered(9)
    for epoch, batch in enumerate(Batches(part, 9, 0, shuffle).deal(0, 3)):
        assert batch.epoch == epoch
        assert np.shares_memory(batch.X, part.rows)
        assert np.shares_memory(batch.Y, part.Y)
        assert examples(batch) == list(range(9))


@pytest.mark.parametrize("shuffle", [False, True])
def test_mini_batches_reuse_their_buffers_and_leave_the_part_alone(shuffle: bool) -> None:
    part = numbered(9)
    seen: dict[int, Array] = {}
    for batch in Batches(part, 4, 0, shuffle).deal(0, 9):
        assert np.shares_memory(batch.X, seen.setdefault(batch.X.shape[1], batch.X))
        assert not np.shares_memory(batch.X, part.rows)
        assert not np.shares_memory(batch.Y, part.Y)
    assert sorted(seen) == [1, 4]
    np.testing.assert_array_equal(part.rows, numbered(9).rows)
    np.testing.assert_array_equal(part.Y, numbered(9).Y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [3, 5])
def test_batches_have_the_precision_of_the_part(dtype: str, size: int) -> None:
    part = Part(numbered(5).rows.astype(dtype), numbered(5).Y.astype(dtype))
    for batch in Batches(part, size, 0, shuffle=True).deal(0, 2):
        assert batch.X.dtype == batch.Y.dtype == dtype

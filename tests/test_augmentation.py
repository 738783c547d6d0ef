"""What the examples of a batch go through before the network sees them."""

from collections.abc import Sequence

import numpy as np
import pytest

from deepnet_cli.data.dealing.augmentation import AUGMENTATIONS, Augmentation, Examples
from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.fused import blocks
from deepnet_cli.nn.types import Array
from deepnet_cli.randomness import bits, order

STRENGTHS = {"mixup": 0.3, "input_noise": 0.2, "input_dropout": 0.4}
each = pytest.mark.parametrize("name", AUGMENTATIONS)
each_size = pytest.mark.parametrize("size", [5, 13], ids=["mini-batches", "full batch"])


def made(name: str, strength: float | None = None, seed: int = 0) -> Augmentation:
    return AUGMENTATIONS[name](STRENGTHS[name] if strength is None else strength, seed)


def part_of(m: int = 13, n: int = 6, dtype: type = np.float64, weighted: bool = False) -> Part:
    rng = np.random.default_rng(5)
    Y: Array = np.eye(3)[:, rng.integers(0, 3, m)].astype(dtype)
    weights = rng.uniform(0, 2, m) if weighted else None
    return Part(rng.normal(size=(m, n)).astype(dtype), np.ascontiguousarray(Y), weights)


def dealt(batches: Batches, start: int, stop: int) -> list[tuple[Array, ...]]:
    """Copies of X, Y and any weights of each batch."""
    return [
        tuple(array.copy() for array in (b.X, b.Y, b.weights) if array is not None)
        for b in batches.deal(start, stop)
    ]


def assert_same(one: Sequence[tuple[Array, ...]], other: Sequence[tuple[Array, ...]]) -> None:
    for a, b in zip(one, other, strict=True):
        for left, right in zip(a, b, strict=True):
            np.testing.assert_array_equal(left, right)


def test_strengths_are_given_for_all() -> None:
    assert set(STRENGTHS) == set(AUGMENTATIONS)


@each
@each_size
@pytest.mark.parametrize("weighted", [False, True])
def test_a_batch_is_a_function_of_seed_and_iteration(name: str, size: int, weighted: bool) -> None:
    """Whatever was dealt before; each iteration's and each seed's is another."""
    part = part_of(weighted=weighted)
    batches = Batches(part, size, 0, True, (made(name),))
    whole = dealt(batches, 0, 9)
    for start in (1, 4, 8):
        assert_same(dealt(batches, start, 9), whole[start:])
    assert len({b"".join(a.tobytes() for a in batch) for batch in whole}) == 9
    other = dealt(Batches(part, size, 0, True, (made(name, seed=1),)), 0, 9)
    assert all((a[0] != b[0]).any() for a, b in zip(whole, other, strict=True))


@each
@each_size
def test_the_part_itself_is_left_alone(name: str, size: int) -> None:
    part, before = part_of(weighted=True), part_of(weighted=True)
    seen: dict[int, Array] = {}
    for batch in Batches(part, size, 0, True, (made(name),)).deal(0, 9):
        assert batch.X is seen.setdefault(batch.X.shape[1], batch.X)  # as a tape needs it
        assert not np.shares_memory(batch.X, part.rows)
        assert not np.shares_memory(batch.Y, part.Y)
    np.testing.assert_array_equal(part.rows, before.rows)
    np.testing.assert_array_equal(part.Y, before.Y)
    np.testing.assert_array_equal(part.weights, before.weights)


@each
def test_float32_sees_what_float64_does(name: str) -> None:
    """But for rounding: a run is looked at in float64 and trained in float32."""
    augmentation = (made(name),)
    narrow = dealt(Batches(part_of(dtype=np.float32), 5, 0, True, augmentation), 0, 6)
    wide = dealt(Batches(part_of(), 5, 0, True, augmentation), 0, 6)
    for a, b in zip(narrow, wide, strict=True):
        for left, right in zip(a, b, strict=True):
            assert left.dtype == np.float32
            np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


@each
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = Batches(part_of(), 5, 0, True, (made(name),))
    whole = dealt(batches, 0, 4)
    monkeypatch.setattr(blocks, "BLOCK", 7)
    assert_same(dealt(batches, 0, 4), whole)


@each
def test_whether_it_rotates(name: str, rng: np.random.Generator) -> None:
    """Whether rotated examples become the rotation of what the examples become."""
    augmentation, rows = made(name), rng.normal(size=(8, 20))
    U = np.linalg.qr(rng.normal(size=(20, 20)))[0]

    def changed(rows: Array) -> Array:
        examples = Examples(rows.copy(), np.zeros((1, 8)), None, np.empty_like(rows))
        augmentation.change(examples, 3)
        return examples.rows

    assert augmentation.rotates is np.allclose(changed(rows @ U), changed(rows) @ U)


def mixed(alpha: float, iteration: int, m: int = 40) -> tuple[float, Array, Examples]:
    """lambda and the partner of each example, as the mixed batch itself shows them."""
    rows, weights = np.eye(m), np.arange(float(m))
    examples = Examples(rows.copy(), np.arange(2.0 * m).reshape(2, m), weights, np.empty((m, m)))
    made("mixup", alpha).change(examples, iteration)
    partner = np.array(
        [max(set(np.flatnonzero(row)) - {i}, default=i) for i, row in enumerate(examples.rows)]
    )
    alone = partner == np.arange(m)
    lam = np.diag(examples.rows)[~alone]
    assert np.ptp(lam) < 1e-15
    return float(lam[0]), partner, examples


def test_mixup_is_its_equation() -> None:
    """Rows, Y and weights by the one lambda, each example with its partner, each partner once."""
    partners = []
    for iteration in range(5):
        lam, partner, examples = mixed(1.0, iteration)
        i = np.arange(40)
        assert sorted(partner) == sorted(i)
        expected = lam * np.eye(40) + (1 - lam) * np.eye(40)[partner]
        np.testing.assert_allclose(examples.rows, expected, atol=1e-15)
        Y = np.arange(80.0).reshape(2, 40)
        np.testing.assert_allclose(examples.Y, lam * Y + (1 - lam) * Y[:, partner], rtol=1e-14)
        assert examples.weights is not None
        np.testing.assert_allclose(examples.weights, lam * i + (1 - lam) * partner, rtol=1e-14)
        partners.append(tuple(partner))
    assert len(set(partners)) == 5


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_lambda_is_of_a_beta_distribution(alpha: float) -> None:
    """Kolmogorov and Smirnov's statistic of 400 draws stays below that of 1 in 10^4."""
    stats = pytest.importorskip("scipy.stats")
    drawn = [mixed(alpha, iteration, m=6)[0] for iteration in range(400)]
    assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 1e-4


def test_mixed_labels_are_still_a_distribution() -> None:
    for _, Y in dealt(Batches(part_of(), 5, 0, True, (made("mixup"),)), 0, 9):
        np.testing.assert_allclose(Y.sum(axis=0), 1, rtol=1e-15)
        assert (Y >= 0).all()


def test_noise_is_normal_and_its_entries_are_apart() -> None:
    """Of its deviation; over entries, neighbors and iterations."""
    stats, noises = pytest.importorskip("scipy.stats"), []
    part = Part(np.ones((200, 50)), np.zeros((1, 200)))
    for X, Y in dealt(Batches(part, 200, 0, True, (made("input_noise", 0.25),)), 0, 3):
        noises.append((X - 1) / 0.25)
        assert not Y.any()
    first, second, _ = noises
    assert stats.kstest(np.concatenate(noises).reshape(-1), "norm").pvalue > 1e-4
    for other in (second, np.roll(first, 1, axis=0), np.roll(first, 1, axis=1)):
        assert abs((first * other).mean()) < 5 / 100


def test_input_dropout_is_dropout_of_the_rows() -> None:
    """By the bits themselves, an example after another; what is kept is scaled up."""
    part = Part(np.full((9, 7), 3.0), np.zeros((1, 9)))
    for k, (X, _) in enumerate(
        dealt(Batches(part, 9, 6, True, (made("input_dropout", 0.4, 6),)), 0, 3)
    ):
        words = bits(6, "input_dropout", k).random_raw(32).view(np.uint32)[:63]
        kept = (words >= 0.4 * 2**32).reshape(9, 7)
        np.testing.assert_allclose(X.T, 3 * kept / 0.6, rtol=1e-14)


def test_all_act_one_after_the_other() -> None:
    """In the order of the registry: what is dropped is 0 whatever the noise."""
    part = part_of()
    every = Batches(part, 13, 0, True, tuple(made(name) for name in AUGMENTATIONS))
    ((X, Y),) = dealt(every, 2, 3)
    examples = Examples(part.rows.copy(), part.Y.copy(), None, np.empty_like(part.rows))
    for name in ("mixup", "input_noise", "input_dropout"):
        made(name).change(examples, 2)
    np.testing.assert_array_equal(X, examples.rows.T)
    np.testing.assert_array_equal(Y, examples.Y)
    assert 0.2 < (X == 0).mean() < 0.6


def test_a_full_batch_keeps_the_order_of_the_part() -> None:
    """Only mini-batches are shuffled."""
    part = Part(np.arange(13.0)[:, np.newaxis] * np.ones((1, 3)), np.arange(13.0)[np.newaxis])
    for X, Y in dealt(Batches(part, 13, 0, True, (made("input_dropout", 0.1),)), 0, 3):
        np.testing.assert_array_equal(Y[0], np.arange(13.0))
        kept = X != 0
        np.testing.assert_allclose(X[kept], (np.arange(13.0) / 0.9 * kept)[kept])


def test_shuffling_and_mixing_are_apart() -> None:
    """Another purpose, so that no order decides the other."""
    assert (order(0, "shuffle", 1, 40) != order(0, "mixup order", 1, 40)).any()

"""Files that are nearly right: read, or refused in one message with the right code, in time."""

import os

import pytest
from fuzz import fuzz
from fuzz_seeds import KINDS

EACH = pytest.mark.parametrize("kind", KINDS)


@EACH
def test_a_few_files_that_are_nearly_right(kind: str) -> None:
    assert_harmless(kind, 150)


@EACH
@pytest.mark.long
def test_many_files_that_are_nearly_right(kind: str) -> None:
    assert_harmless(kind, 5_000)


def assert_harmless(kind: str, count: int) -> None:
    """And some of them are read, so that more than the first look was tried."""
    outcome = fuzz(kind, range(count), os.cpu_count() or 1)
    assert outcome.findings == {}
    assert outcome.codes.total() == count
    assert count / 50 < sum(n for codes, n in outcome.codes.items() if "0" in codes) < count / 2

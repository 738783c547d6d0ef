"""Files that are nearly right: read, or refused in one message with the right code, in time."""

import os
from collections import Counter
from pathlib import Path

import pytest
from fuzz import case, fuzz, prepared
from fuzz_seeds import KINDS

EACH = pytest.mark.parametrize("kind", KINDS)


@EACH
def test_a_few_files_that_are_nearly_right(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seeds, codes = prepared(kind, tmp_path), Counter[int]()
    for number in range(60):
        Path(KINDS[kind].name).write_bytes(case(kind, seeds, 1_000_000 + number))
        codes[KINDS[kind].read(number // len(seeds)).code] += 1
    assert codes[0] > 0 < codes[3]


@EACH
@pytest.mark.long
def test_many_files_that_are_nearly_right(kind: str) -> None:
    """Some of them are read: it was more than the first look that was tried."""
    outcome = fuzz(kind, range(5_000), os.cpu_count() or 1)
    assert outcome.findings == {}
    assert 100 < outcome.codes["0"] < outcome.codes.total() == 5_000

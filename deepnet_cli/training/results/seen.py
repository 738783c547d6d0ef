"""Rows that a run was trained on, and is measured on now."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepnet_cli.config.datasets import read_part
from deepnet_cli.config.load import config_from_text
from deepnet_cli.data.describing.duplicates import found_in, row_hashes
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DeepnetError
from deepnet_cli.files import read_file
from deepnet_cli.training.kept.run_directory import CONFIG


def seen_in_training(path: Path, table: Table) -> Iterator[str]:
    """A warning, where a run was trained on rows of a table, or where that cannot be told.  Of a
    model file nobody knows.
    """
    if not path.is_dir():
        return
    try:
        text = read_file(path / CONFIG).decode()
        config, document = config_from_text(text, str(path / CONFIG))
        count = _shared(table, read_part(config, document, path, "train"))
    except DeepnetError as error:
        why, *_ = str(error).splitlines()
        yield f"whether {path} was trained on these rows cannot be told: {why}"
        return
    if count:
        yield f"{path} was trained on {count:,} of these {table.m:,} rows: its figures flatter"


def _shared(table: Table, trained: Table) -> int:
    if table.rows.shape[1] != trained.rows.shape[1]:
        return 0
    dtype = np.result_type(table.rows.dtype, trained.rows.dtype)
    hashes = row_hashes(table.rows, dtype), row_hashes(trained.rows, dtype)
    return len(found_in(*hashes)[0])

"""What `deepnet inspect --json` says of a data file: every number of it."""

from typing import Any

import numpy as np

from deepnet_cli.data.describing.inspection import Found, Inspection
from deepnet_cli.data.describing.target import QUANTILES, Target
from deepnet_cli.data.files.storage import Storage
from deepnet_cli.report.remarks import remarks


def data_json(inspection: Inspection) -> dict[str, object]:
    """The keys are in docs/data/inspecting.md."""
    return {
        "kind": "data",
        "file": inspection.path,
        "bytes": inspection.size,
        "attributes": inspection.attributes,
        "datasets": [
            {
                "name": entry.name,
                "shape": list(entry.shape),
                "dtype": entry.dtype,
                "used_as": inspection.role(entry.name) or entry.aside or None,
                "problem": entry.problem or None,
                **_storage(storage),
            }
            for entry, storage in inspection.datasets
        ],
        "parts": [_part(found) for found in inspection.found],
        "remarks": [vars(remark) for remark in remarks(inspection)],
        "problem": None if inspection.problem is None else str(inspection.problem),
    }


def _storage(storage: Storage | None) -> dict[str, object]:
    if storage is None:
        return {}
    chunks = None if storage.chunks is None else list(storage.chunks)
    return {
        "chunks": chunks,
        "filters": list(storage.filters),
        "bytes": storage.declared,
        "stored": storage.stored,
    }


def _part(found: Found) -> dict[str, object]:
    p = found.profile
    return {
        "part": found.part,
        "x": found.x,
        "y": found.y,
        "examples": p.m,
        "features": p.n,
        "shape": list(found.shape),
        "examples_on": "last" if found.last else "first",
        "dtype": str(p.dtype),
        "target": None if p.target is None else _target(p.target),
        "problem": found.problem or None,
        "columns": [_column(found, j) for j in range(p.n)],
        "rows_missing": p.columns.rows_missing,
        "equal_columns": p.columns.equal,
        "columns_equal_to_y": p.answers,
        "repeated_rows": p.repeated.tolist(),
        "repeated_rows_are": p.repeats.tolist(),
        "repeated_rows_with_another_y": p.conflicting,
        "rows_in_train": found.shared,
    }


def _target(target: Target) -> dict[str, object]:
    told: dict[str, Any] = {
        "kind": target.kind,
        "why": target.why,
        "columns": target.outputs,
        "missing": target.missing,
        "first_missing": _row(target.first_missing),
        "sorted": target.sorted,
        "neighbors_alike": target.alike,
        "by_chance": target.chance,
        "guessing": target.guess,
    }
    if target.classes is not None:
        counted = zip(target.classes.names, target.classes.counts.tolist(), strict=True)
        told["classes"] = [{"name": name, "examples": count} for name, count in counted]
    if target.numbers is not None:
        told["names"] = list(target.numbers.names)
        told["mean"] = target.numbers.mean.tolist()
        told["std"] = target.numbers.deviation.tolist()
        told["skewness"] = target.numbers.skewness.tolist()
        told["quantiles"] = {
            f"{q:g}": row.tolist()
            for q, row in zip(QUANTILES, target.numbers.quantiles, strict=True)
        }
    return told


def _column(found: Found, j: int) -> dict[str, object]:
    c, names = found.profile.columns, found.names
    s, empty = c.statistics, not c.statistics.count[j]
    figures = {"mean": s.mean, "std": c.deviation, "min": s.low, "max": s.high}
    values = c.values[: c.distinct[j], j]
    return {
        "column": j,
        "name": names[j] if names else None,
        "categories": [*found.categories[j]] if j in found.categories else None,
        **{name: None if empty else float(each[j]) for name, each in figures.items()},
        "nan": int(s.nan[j]),
        "infinite": int(s.infinite[j]),
        "first_missing": _row(int(c.first_missing[j])),
        "constant": bool(c.constant[j]),
        "whole": bool(c.whole[j]),
        "values": values.tolist() if c.distinct[j] else None,
        "fill": None if np.isnan(c.fill[j]) else float(c.fill[j]),
        "fills": int(c.fills[j]),
        "rising": bool(c.rising[j]),
    }


def _row(row: int) -> int | None:
    return None if row < 0 else row

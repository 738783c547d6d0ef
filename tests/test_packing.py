"""Packed numbers are unpacked as the CF conventions say, value by value."""

from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from deepnet_cli.data.files.hdf5 import open_hdf5
from deepnet_cli.nn.types import Array

STORED = ["i1", "u1", "<i2", ">i2", "u2", "<i4", "i8", "f2", "<f4", ">f8"]
FACTORS = [None, np.float32(0.1), np.float64(0.1), np.array([2.5]), np.int16(3), np.float64(1)]
OFFSETS = [None, np.float32(-4.5), np.float64(273.15), np.float64(0)]


def unpacked(path: Path, values: Array, attributes: dict[str, Any]) -> Array:
    with h5py.File(path, "w") as file:
        file["x"] = values
        file["x"].attrs.update(attributes)
    with open_hdf5(path) as source:
        found = source.meant("x")
        assert found.dtype == source.layout("x").dtype
        return found


@pytest.mark.parametrize("stored", STORED)
def test_each_number_is_times_factor_plus_offset(tmp_path: Path, stored: str) -> None:
    values = np.array([0, 1, 7, 100, 25]).astype(stored)
    for factor, offset in product(FACTORS, OFFSETS):
        pairs = {"scale_factor": factor, "add_offset": offset}
        attributes = {name: value for name, value in pairs.items() if value is not None}
        found = unpacked(tmp_path / "f.h5", values, attributes)
        a, b = (
            float(np.ravel(v)[0]) if v is not None else d for v, d in ((factor, 1), (offset, 0))
        )
        expected = [float(value) * a + b for value in values]
        np.testing.assert_allclose(found, expected, rtol=3e-7 if found.dtype == "f4" else 1e-15)
        changed = a != 1 or b != 0
        assert (found.dtype == values.dtype) or changed
        if changed and "f8" in (np.asarray(factor).dtype, np.asarray(offset).dtype):
            assert found.dtype == "f8" or (a == 1 or b == 0)


MISSING: dict[str, tuple[str, dict[str, Any], list[int]]] = {
    "an integer": ("i2", {"_FillValue": np.int16(7)}, [2]),
    "several": ("i2", {"missing_value": np.array([7, 100], "i2")}, [2, 3]),
    "both": ("u1", {"_FillValue": np.uint8(0), "missing_value": np.uint8(7)}, [0, 2]),
    "one that cannot stand there": ("u1", {"missing_value": np.int32(-231)}, []),
    "half a number": ("i2", {"missing_value": np.float64(7.5)}, []),
    "of another precision": ("f4", {"_FillValue": np.float64(0.1)}, [4]),
    "NaN": ("f4", {"_FillValue": np.float32(np.nan)}, []),
    "infinite in this type": ("f4", {"_FillValue": np.float64(1e300)}, []),
    "text": ("f4", {"_FillValue": np.bytes_("none")}, []),
    "unsigned": ("i1", {"_Unsigned": np.bytes_("true"), "_FillValue": np.int8(-1)}, [5]),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_stands_for_no_number_becomes_nan(tmp_path: Path, name: str) -> None:
    stored, attributes, missing = MISSING[name]
    values = np.array([0, 1, 7, 100, 25, 255]).astype(stored)
    if stored == "f4":
        values[4] = np.float32(0.1)
    found = unpacked(tmp_path / "f.h5", values, attributes)
    assert np.flatnonzero(np.isnan(found.astype(float))).tolist() == missing
    there = np.setdiff1d(np.arange(6), missing)
    meant = values.view("u1") if "_Unsigned" in attributes else values
    np.testing.assert_array_equal(found[there], meant[there])
    assert (found.dtype.kind == "f") is (bool(missing) or stored == "f4")

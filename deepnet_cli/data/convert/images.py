"""A folder of pictures in, by Pillow: its subfolders are the classes, in sorted order.

x is (m, height, width) for gray pictures and (m, height, width, 3) for others, uint8; y is the
number of the subfolder, whose names are `class_names`.
"""

import warnings
from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from deepnet_cli.data.convert.extras import needed
from deepnet_cli.data.convert.stream import BYTES, Block, Choices, Field, Meter, Stream
from deepnet_cli.errors import DataError, listed
from deepnet_cli.nn.types import Array

GRAY = ("1", "L", "LA", "La")
"""Pillow's names for what has no color."""

DEEP = ("I", "F")
"""And for more than 8 bits."""

STUBS = {"BUFR", "GRIB", "HDF5", "MPEG"}
"""What Pillow knows by name alone."""

PARTS = {"train", "test", "val", "valid", "validation"}


def read_images(paths: list[Path], choices: Choices, meter: Meter) -> Stream:
    """x and y of a folder.  Raises DataError, with the pictures that cannot be read."""
    (folder,) = paths
    pillow = needed("PIL.Image", "images", f"{folder}: pictures")
    pillow.init()
    classes = sorted(d.name for d in folder.iterdir() if d.is_dir() and d.name[0] != ".")
    if classes and {name.casefold() for name in classes} <= PARTS:
        raise DataError(f"{folder}: holds {listed(classes)}; convert each of them by itself")
    files = [
        (path, code)
        for code, name in enumerate(classes or [""])
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and path.name[0] != "."
    ]
    if classes:
        files += [(path, 0) for path in sorted(folder.iterdir()) if path.is_file()]
    known = {
        suffix
        for suffix, kind in pillow.registered_extensions().items()
        if kind in pillow.OPEN and kind not in STUBS
    }
    pictures = [(path, code) for path, code in files if path.suffix.lower() in known]
    notes = []
    if others := [str(p.relative_to(folder)) for p, _ in files if p.suffix.lower() not in known]:
        notes.append(f"left out, no pictures by their names: {listed(others)}")
    if not pictures:
        raise DataError(f"{folder}: no picture in it")
    gray, (width, height) = _looks(folder, [path for path, _ in pictures], choices)
    m = len(pictures)
    shape = (m, height, width) if gray else (m, height, width, 3)
    codes = np.array([code for _, code in pictures], np.uint8 if len(classes) < 256 else np.int32)
    fields = [Field("x", shape, np.dtype(np.uint8))]
    if classes:
        names = np.array(classes, object)
        fields += [Field("y", (m,), codes.dtype), Field("class_names", names.shape, names.dtype)]
        if empty := [name for code, name in enumerate(classes) if code not in codes]:
            notes.append(f"no picture in {listed(empty)}")
    meter.expect(sum(path.stat().st_size for path, _ in pictures))

    def blocks(wanted: Collection[str]) -> Iterator[Block]:
        for i in fields[0].slices(BYTES) if "x" in wanted else ():
            rows = [_picture(path, choices, gray, meter) for path, _ in pictures[i]]
            yield {"x": np.stack(rows)}
        if classes:
            yield {"y": codes, "class_names": names}

    return Stream(tuple(fields), blocks, tuple(notes))


def _looks(folder: Path, paths: list[Path], choices: Choices) -> tuple[bool, tuple[int, int]]:
    """Whether all are gray, and their width and height.  Raises DataError."""
    bad: list[str] = []
    sizes: dict[tuple[int, int], str] = {}
    colored = False
    for path in paths:
        name = str(path.relative_to(folder))
        try:
            with _opened(path) as picture:
                deep = picture.mode[:1] in DEEP
                sizes.setdefault(picture.size, name)
                colored |= picture.mode not in GRAY
        except Exception:  # of any kind, over a damaged file
            bad.append(name)
            continue
        if deep:
            raise DataError(f"{folder}: {name} has more than 8 bits a color; convert it to 8")
    if bad:
        raise DataError(f"{folder}: cannot read {listed(bad)}; copy them again or remove them")
    if choices.size is None and len(sizes) > 1:
        (one, first), (other, second), *_ = sizes.items()
        raise DataError(
            f"{folder}: pictures differ in size ({first} {one[0]}x{one[1]}, {second} "
            f"{other[0]}x{other[1]}); add --size {one[0]}x{one[1]}, or another"
        )
    return choices.gray or not colored, choices.size or next(iter(sizes))


def _picture(path: Path, choices: Choices, gray: bool, meter: Meter) -> Array:
    try:
        with _opened(path) as picture:
            converted = picture.convert("L" if gray else "RGB")
    except Exception:  # of any kind, over a damaged file
        raise DataError(f"{path}: cannot read this picture; copy it again or remove it") from None
    if choices.size is not None and converted.size != choices.size:
        converted = converted.resize(choices.size)
    meter.moved(path.stat().st_size)
    return np.asarray(converted)


def _opened(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("PIL.Image").open(path)

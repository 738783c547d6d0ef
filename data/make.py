"""Make the sample data sets, as HDF5 files next to this one.

Run as ``python data/make.py``. The data are the copies bundled with scikit-learn, so no
network is needed. Each set is shuffled once with a fixed seed; the first fifth is the test
part and the rest the training part. Running again writes the same bytes, given the same
versions of NumPy, scikit-learn, h5py and its HDF5 and zlib libraries.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

FOLDER = Path(__file__).resolve().parent
SEED = 0


class Sample(NamedTuple):
    """One data set: examples by row, their targets, the names of both, and the origin."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    features: Iterable[str]
    classes: Iterable[str]  # by class index; empty for regression
    about: dict[str, str]


def breast_cancer() -> Sample:
    """Tell malignant from benign breast masses by 30 measures of their cell nuclei."""
    raw = load_breast_cancer()
    return Sample(
        raw.data.astype(np.float32),
        raw.target.astype(np.uint8),
        raw.feature_names,
        raw.target_names,
        {
            "title": "Breast Cancer Wisconsin (Diagnostic)",
            "source": "Wolberg, Street and Mangasarian (1995), UCI Machine Learning Repository, "
            "doi:10.24432/C5DW2B; the copy in scikit-learn, shuffled and split",
            "licence": "CC BY 4.0",
        },
    )


def digits() -> Sample:
    """Read a handwritten digit from its 8 x 8 image, grey levels in 0..1, row by row."""
    raw = load_digits()
    return Sample(
        (raw.data / 16).astype(np.float32),
        raw.target.astype(np.uint8),
        raw.feature_names,
        map(str, raw.target_names),
        {
            "title": "Optical Recognition of Handwritten Digits",
            "source": "Alpaydin and Kaynak (1998), UCI Machine Learning Repository, "
            "doi:10.24432/C50P49, test part; "
            "the copy in scikit-learn, divided by 16, shuffled and split",
            "licence": "CC BY 4.0",
        },
    )


def diabetes() -> Sample:
    """Predict the progression of diabetes after a year from ten baseline measures."""
    raw = load_diabetes(scaled=False)
    return Sample(
        raw.data.astype(np.float32),
        raw.target.astype(np.float32),
        raw.feature_names,
        (),
        {
            "title": "Diabetes progression",
            "source": "Efron, Hastie, Johnstone and Tibshirani (2004), Least Angle Regression, "
            "Annals of Statistics 32, 407-499; the raw copy in scikit-learn, shuffled and split",
            "licence": "not stated by the authors; scikit-learn, which bundles it, is BSD-3-Clause",
        },
    )


def byte_strings(names: Iterable[str]) -> npt.NDArray[np.bytes_]:
    """Pack names as fixed-length byte strings, the plainest text that HDF5 knows."""
    return np.array([name.encode() for name in names])


def write(sample: Sample, path: Path) -> None:
    """Split the sample and write it to the path."""
    order = np.random.default_rng(SEED).permutation(len(sample.x))
    cut = len(order) // 5
    with h5py.File(path, "w") as file:

        def put(name: str, values: npt.NDArray[Any]) -> None:
            file.create_dataset(name, data=values, compression="gzip", track_times=False)

        for part, rows in ("train", order[cut:]), ("test", order[:cut]):
            put(f"x_{part}", sample.x[rows])
            put(f"y_{part}", sample.y[rows])
        file["x_train"].attrs["feature_names"] = byte_strings(sample.features)
        if (classes := byte_strings(sample.classes)).size:
            put("list_classes", classes)
        file.attrs.update({name: np.bytes_(text.encode()) for name, text in sample.about.items()})


def main() -> None:
    """Write every sample."""
    for make in breast_cancer, digits, diabetes:
        write(make(), FOLDER / f"{make.__name__}.h5")


if __name__ == "__main__":
    main()

"""What is trained: one network on one seeded data set, the same for every peer.

x is standard normal (m, n[0]); the label of an example is the largest of K random linear
functions of it, so there is something to learn.  The batches are dealt in the order of the
file: every peer sees the same ones.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from benchmarks.peers.reference import Array, Parameters, cost, forward, softmax, trained

DATA, INITIAL, ROWS, CASE = "data.h5", "initial.h5", "rows.npy", "case.pickle"
DIGITS = Path(__file__).parents[2] / "data" / "digits.h5"


@dataclass(frozen=True)
class Data:
    """x (m, n[0]) float32 and y (m,) class indices."""

    x: Array
    y: Array


@dataclass(frozen=True)
class Training:
    """Time of one update of a relu network, sizes n[0] ... n[L].

    n[L] = 1: sigmoid and binary cross-entropy, else softmax and cross-entropy.  `steps` is how
    many updates a peer is asked for at a time, whole epochs; the parameters after the first
    `steps` are what is checked.
    """

    name: str
    sizes: tuple[int, ...]
    m: int
    batch: int
    optimizer: str  # gradient_descent or adam
    rate: float
    steps: int

    unit = "step"

    @property
    def units(self) -> float:
        """Of what is timed, in one run."""
        return self.steps

    @property
    def epochs(self) -> int:
        """In one run."""
        return self.steps * self.batch // self.m

    @property
    def title(self) -> str:
        """What it is, in a line."""
        short = {"gradient_descent": "gd"}.get(self.optimizer, self.optimizer)
        return f"a step of {'-'.join(map(str, self.sizes))}, batch {self.batch}, {short}"

    def quick(self) -> "Training":
        """A shorter look at the same."""
        return self

    def with_rows(self, rows: int) -> "Training":
        """The same where nothing is predicted."""
        return self

    def examples(self, rng: np.random.Generator) -> Data:
        """What is learned."""
        x = rng.standard_normal((self.m, self.sizes[0]), np.float32)
        rule = rng.standard_normal((self.sizes[0], max(2, self.sizes[-1])), np.float32)
        return Data(x, (x @ rule).argmax(axis=1))

    def write(self, directory: Path) -> None:
        """data.h5 with x_train (m, n[0]) and y_train (m,), initial.h5 with W1, b1, W2, ..."""
        rng = np.random.default_rng(0)
        data = self.examples(rng)
        with h5py.File(directory / DATA, "w") as file:
            file["x_train"], file["y_train"] = data.x, data.y
        with h5py.File(directory / INITIAL, "w") as file:
            for name, block in he(self.sizes, rng).items():
                file[name] = block

    def error(self, directory: Path, outcome: Parameters) -> float:
        """How far the cost after `steps` updates is from that of the reference, relatively."""
        data = read_data(directory)
        true = cost(trained(read_initial(directory), data.x, data.y, self), data.x, data.y)
        return abs(cost(outcome, data.x, data.y) - true) / true


@dataclass(frozen=True)
class Job(Training):
    """Time of the whole job: from the start of the process to its files written."""

    unit = "job"

    @property
    def units(self) -> float:
        return 1

    @property
    def title(self) -> str:
        return f"whole job, {self.steps} steps of {'-'.join(map(str, self.sizes))}"

    def quick(self) -> "Job":
        return replace(self, steps=self.steps // 5)


@dataclass(frozen=True)
class Digits(Job):
    """The digits of this repository."""

    def examples(self, rng: np.random.Generator) -> Data:
        with h5py.File(DIGITS) as file:
            return Data(file["x_train"][...], file["y_train"][...])


@dataclass(frozen=True)
class Prediction(Training):
    """Time of a million rows of probabilities, `rows` in one run, in batches of `batch`."""

    rows: int = 200_000

    unit = "10^6 rows"

    @property
    def units(self) -> float:
        return self.rows / 1e6

    @property
    def title(self) -> str:
        return f"prediction of {'-'.join(map(str, self.sizes))}, batches of {self.batch}"

    def quick(self) -> "Prediction":
        return replace(self, rows=self.rows // 10)

    def with_rows(self, rows: int) -> "Prediction":
        """With so many rows in a run."""
        return replace(self, rows=rows)

    def write(self, directory: Path) -> None:
        """rows.npy (rows, n[0]) as well."""
        super().write(directory)
        x = np.random.default_rng(1).standard_normal((self.rows, self.sizes[0]), np.float32)
        np.save(directory / ROWS, x)

    def error(self, directory: Path, outcome: Parameters) -> float:
        """The largest difference of a probability from the reference's in the first rows."""
        A = outcome["A"]
        Z = forward(read_initial(directory), read_rows(directory)[: len(A)])[-1]
        return float(abs(A - softmax(Z.astype(np.float64))).max())


def he(sizes: tuple[int, ...], rng: np.random.Generator) -> Parameters:
    """W[l] (n[l], n[l-1]) of variance 2/n[l-1] and b[l] = 0 (n[l],), in float32."""
    p = {}
    for l, (n, before) in enumerate(zip(sizes[1:], sizes, strict=False), 1):
        p[f"W{l}"] = rng.standard_normal((n, before), np.float32) * np.float32((2 / before) ** 0.5)
        p[f"b{l}"] = np.zeros(n, np.float32)
    return p


def read_data(directory: Path) -> Data:
    """What `write` wrote."""
    with h5py.File(directory / DATA) as file:
        return Data(file["x_train"][...], file["y_train"][...].astype(np.int64))


def read_rows(directory: Path) -> Array:
    """(rows, n[0]); all processes share the memory."""
    rows: Array = np.load(directory / ROWS, mmap_mode="c")
    return rows


def read_initial(directory: Path) -> Parameters:
    """The parameters that every peer starts from."""
    with h5py.File(directory / INITIAL) as file:
        return {name: file[name][...] for name in file}


COURSE, PLAIN = (12288, 20, 7, 5, 1), "gradient_descent"
PIXELS = (784, 512, 256, 10)

CASES: dict[str, Training] = {
    case.name: case
    for case in (
        Training("course", COURSE, 209, 209, PLAIN, rate=0.0075, steps=100),
        Training("tabular", (30, 64, 32, 1), 8192, 32, "adam", rate=0.001, steps=256),
        Training("mnist", PIXELS, 8192, 128, "adam", rate=0.001, steps=64),
        Training("wide", (1024, 2048, 2048, 10), 4096, 512, PLAIN, rate=0.1, steps=8),
        Job("course-job", COURSE, 209, 209, PLAIN, rate=0.0075, steps=2500),
        Digits("digits-job", (64, 64, 32, 10), 1438, 32, "adam", rate=0.001, steps=900),
        Prediction("predict", PIXELS, 1024, 8192, PLAIN, rate=0.1, steps=1),
    )
}

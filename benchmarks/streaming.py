"""Training on a file larger than memory, against training on the same data in memory.

    python benchmarks/streaming.py --directory DIR

In DIR, which needs room for four times --limit for each way to store, a file of float32 examples
is made, sorted by class, in chunks of whole rows.  `deepnet train` then goes through it for an
epoch with the process's address space limited to a quarter of the file (RLIMIT_AS), and without
a limit with the data in memory.  Told are, for each way to store:

    ratio       examples a second, of those in memory; the two take turns, the median of the rounds
    waited      what part of its time training waited for data
    mixing      how much batches differ, of what chance makes them differ
    accuracy    on test data, and of training in memory
    peak        the largest address space of the process

It exits with 1 where a peak is above the limit or an accuracy 0.5 points below the one in memory.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import h5py
import numpy as np

from deepnet_cli.nn.types import Array

FEATURES, CLASSES, TESTED = 784, 10, 20_000
APART = 0.11  # of the centers of the classes, in deviations of a feature: some 95 % can be told
CHUNK = 334  # rows, 1 MiB
BLOCK = 2**15
STORAGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "lzf": {"compression": "lzf", "shuffle": True},
    "gzip": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
}
PEAK = """
import atexit, re, runpy, sys
def tell():
    status = open("/proc/self/status").read()
    peak = re.search(r"VmPeak:\\s+(\\d+)", status)[1]
    print(f"peak {peak}", file=sys.stderr)
atexit.register(tell)
runpy.run_module("deepnet_cli", run_name="__main__")
"""
CONFIG = """
data:
  train: {train}
  test: {test}
  stream: {stream}
model: {{layers: [256, 128, 10], activations: [relu, relu, softmax]}}
training: {{optimizer: adam, learning_rate: 0.001, batch_size: 128, epochs: 1}}
output: {{plots: false}}
"""


def examples(y: Array, rng: np.random.Generator) -> Array:
    """x (m, FEATURES) of classes y (m,), in steps of 1/16, so that it compresses as pictures do."""
    centers = APART * np.random.default_rng(0).standard_normal((CLASSES, FEATURES), np.float32)
    x = rng.standard_normal((len(y), FEATURES), np.float32)
    x += centers[y]
    x *= 4
    np.rint(x, out=x)
    x /= 4
    return x


def blocks(m: int) -> Iterator[slice]:
    for start in range(0, m, BLOCK):
        yield slice(start, min(m, start + BLOCK))


def make(path: Path, m: int, storage: dict[str, Any], seed: int) -> None:
    """A file of m examples, sorted by class; what is there already stays."""
    if path.exists():
        return
    rng, y = np.random.default_rng(seed), np.arange(m) * CLASSES // m
    with h5py.File(path.with_suffix(".part"), "w") as file:
        x = file.create_dataset("x", (m, FEATURES), np.float32, chunks=(CHUNK, FEATURES), **storage)
        for i in blocks(m):
            x[i] = examples(y[i], rng)
        file["y"] = y
    path.with_suffix(".part").rename(path)


def train(folder: Path, data: Path, *, limit: int | None, name: str) -> dict[str, Any]:
    """The summary of a run with the address space limited, its peak with it."""
    config = folder / f"{name}.yaml"
    stream = "false" if limit is None else "auto"
    config.write_text(CONFIG.format(train=data.name, test="test.h5", stream=stream))

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    command = [sys.executable, "-c", PEAK, "train", str(config), "--json", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    peak = re.search(r"peak (\d+)", done.stderr)
    return told | {"peak": int(peak[1]) * 1024 if peak else 0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--limit", type=float, default=1.0, help="GiB of address space")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--storages", nargs="+", choices=STORAGES, default=list(STORAGES))
    given = parser.parse_args()
    folder, limit = given.directory, int(given.limit * 2**30)
    m = 4 * limit // (4 * FEATURES)
    make(folder / "test.h5", TESTED, {}, 1)
    ok = True
    size = f"{4 * given.limit:.1f} GiB, limit {given.limit:.1f} GiB"
    print(f"{m:,} examples of {FEATURES} float32 ({size})")
    print("storage    ratio  waited  mixing  accuracy  in memory   peak MiB")
    for storage in given.storages:
        data = folder / f"{storage}.h5"
        make(data, m, STORAGES[storage], 2)
        ratios, found = [], list[tuple[dict[str, Any], dict[str, Any]]]()
        for _ in range(given.rounds):
            streamed = train(folder, data, limit=limit, name="streamed")
            held = train(folder, data, limit=None, name="held")
            ratios.append(held["seconds"] / streamed["seconds"])
            found.append((streamed, held))
        streamed, held = found[-1]
        accuracies = [run["figures"]["test"]["accuracy"] for run in (streamed, held)]
        peak = max(run["peak"] for run, _ in found)
        ok &= peak <= limit and accuracies[0] >= accuracies[1] - 0.005
        waited = median(run["stream"]["waited"] / run["seconds"] for run, _ in found)
        mixing = streamed["stream"]["mixing"]
        print(
            f"{storage:9}  {median(ratios):5.2f}  {waited:6.3f}  {mixing:6.2f}"
            f"  {accuracies[0]:8.4f}  {accuracies[1]:9.4f}  {peak / 2**20:9.0f}"
        )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

"""A peer's whole job, as a script would do it: read HDF5, train, write the parameters.

python -m benchmarks.peers.script PEER DIRECTORY OUT.npz
"""

import importlib
import pickle
import sys
from pathlib import Path

from benchmarks.peers.cases import CASE
from benchmarks.peers.worker import Peer, save


def main() -> None:
    """Do it."""
    (module, name), directory = sys.argv[1].split(":"), Path(sys.argv[2])
    case = pickle.loads((directory / CASE).read_bytes())
    start = getattr(importlib.import_module(f"benchmarks.peers.{module}"), name)
    peer: Peer = start(case, directory)
    peer.run(1)
    save(Path(sys.argv[3]), peer.outcome())


if __name__ == "__main__":
    main()

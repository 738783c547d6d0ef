"""deepnet measured against its peers in one go: `python -m benchmarks.peers`."""

"""HDF5 files: opened with every guard, and how what stands in them is meant."""

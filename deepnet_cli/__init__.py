"""deepnet: dense neural networks from a YAML file, trained on HDF5 data with NumPy."""

__version__ = "0.1.0"

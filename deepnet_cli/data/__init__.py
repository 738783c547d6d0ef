"""HDF5 in and out: open safely, find, label, scale, split, batch."""

import os

# Read by the HDF5 library when h5py is first imported: an unknown filter named in a file
# must not make it load and run a library.
os.environ["HDF5_PLUGIN_PRELOAD"] = "::"

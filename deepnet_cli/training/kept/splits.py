"""splits.h5: which rows of the training file each part has, as `{file, rows}` takes them."""

from typing import Any

from deepnet_cli import __version__
from deepnet_cli.config.job import Job
from deepnet_cli.config.resolved import moved
from deepnet_cli.config.several_files import names_of
from deepnet_cli.data.files.hdf5 import hdf5_bytes
from deepnet_cli.training.kept.run_directory import RunDirectory

NAME = "splits.h5"


def write_splits(job: Job, directory: RunDirectory) -> None:
    """Write the file, where a part was split off or only some rows are trained on.

    Datasets `train`, `validation`, `test` (k,): row numbers from 0, ascending.  Attributes: the
    training file (a line each where there are several), how many examples it has, and the version.
    """
    selections = job.dataset.selections
    if not selections:
        return

    def fill(file: Any) -> None:
        for name, selection in selections.items():
            file[name] = selection.numbers
        names = names_of(job.config.data.train.file)
        file.attrs["file"] = "\n".join(moved(job, name, directory.path) for name in names)
        file.attrs["examples"] = selections["train"].of
        file.attrs["deepnet"] = __version__

    directory.write(NAME, hdf5_bytes(fill))

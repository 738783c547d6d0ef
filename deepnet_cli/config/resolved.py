"""The config as it was understood, as YAML: training it again gives the same run."""

import os
from pathlib import Path
from typing import Any

import yaml

from deepnet_cli.config.job import Job


def resolved_config(job: Job, place: Path) -> str:
    """YAML of the job's config, its paths made relative to the directory `place`.

    What the config left open is filled in: the name, every activation, the loss, the
    number of iterations, how often rows are logged.
    """
    tree = _plain(job.config.model_dump(mode="json"))
    tree["model"]["layers"] = [layer.units for layer in job.config.model.layers]
    tree["training"].pop("epochs", None)
    tree["training"]["iterations"] = job.iterations
    tree["training"]["log_every"] = job.log_every

    def moved(file: str) -> str:
        return Path(os.path.relpath(job.directory / file, place)).as_posix()

    for part in ("train", "validation", "test"):
        where = tree["data"].get(part)
        if isinstance(where, str):
            tree["data"][part] = moved(where)
        elif where is not None and "file" in where:
            where["file"] = moved(where["file"])
    if "initial_parameters" in tree["model"]:
        tree["model"]["initial_parameters"] = moved(tree["model"]["initial_parameters"])
    tree["output"]["directory"] = moved(tree["output"]["directory"])
    return yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=100)


def _plain(tree: Any) -> Any:
    """Without what is None; {name: NAME} and {file: FILE} as the bare word they stand for."""
    if not isinstance(tree, dict):
        return tree
    kept = {key: _plain(value) for key, value in tree.items() if value is not None}
    return next(iter(kept.values())) if list(kept) in (["name"], ["file"]) else kept

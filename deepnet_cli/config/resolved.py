"""The config as it was understood, as YAML: training it again gives the same run."""

import os
from pathlib import Path
from typing import Any

from deepnet_cli.config.checks import settled_activations
from deepnet_cli.config.job import Job
from deepnet_cli.config.options import Options
from deepnet_cli.config.schema import LayerSpec
from deepnet_cli.config.several_files import names_of
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.config.yaml_writer import dumped


def resolved_config(job: Job, place: Path) -> str:
    """YAML of the job's config, its paths made relative to the directory `place`.

    What the config left open is filled in: the name, every activation, the loss, the
    number of iterations, how often rows are logged.
    """
    settled = {"iterations": job.iterations, "epochs": None, "log_every": job.log_every}
    training = job.config.training.model_copy(update=settled)
    config = job.config.model_copy(update={"training": training})
    tree = _plain(config.model_dump(mode="json"))
    tree["model"]["layers"] = [_layer(spec) for spec in config.model.layers]
    tree["model"]["activations"] = [*map(_activation, settled_activations(config.model))]

    files = [(tree["data"], part) for part in ("train", "validation", "test")]
    for section, key in (*files, (tree["model"], "initial_parameters")):
        where = section.get(key)
        if isinstance(where, str):
            section[key] = moved(job, where, place)
        elif where is not None and "file" in where:
            names = [moved(job, name, place) for name in names_of(where["file"])]
            where["file"] = names if isinstance(where["file"], list) else names[0]
    tree["output"]["directory"] = moved(job, tree["output"]["directory"], place)
    return dumped(tree)


def moved(job: Job, file: str, place: Path) -> str:
    """A path in the job's config, made relative to the directory `place`."""
    real = os.path.realpath(job.directory / file), os.path.realpath(place)
    return Path(os.path.relpath(*real)).as_posix()


def _layer(spec: LayerSpec) -> object:
    """The units alone, or with what else the layer has; activations are listed for all layers."""
    given, fields = spec.model_dump(exclude={"activation"}), LayerSpec.model_fields
    kept = {name: value for name, value in given.items() if value != fields[name].default}
    return kept if len(kept) > 1 else spec.units


def _activation(chosen: Options) -> object:
    """The name alone, or with the options that are not as they are without being said."""
    options = chosen.model_dump(exclude={"name"}, exclude_defaults=True)
    return {"name": chosen.name, **options} if options else chosen.name


def _plain(tree: Any) -> Any:
    """Without what is None; {name: NAME} and {file: FILE} as the bare word they stand for."""
    if not isinstance(tree, dict):
        return tree
    kept = {key: _plain(value) for key, value in tree.items() if value is not None}
    word = next(iter(kept.values())) if list(kept) in (["name"], ["file"]) else None
    return word if isinstance(word, str) else kept


def differences(old: str, new: str) -> dict[str, str]:
    """'training.l2': 'training.l2: 0.1 -> 0.2', for each key that differs in two configs."""
    before, after = (flat(parse(text.encode(), "").tree) for text in (old, new))
    return {
        key: f"{key}: {before.get(key)} -> {after.get(key)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    }


def flat(tree: object, prefix: str = "") -> dict[str, object]:
    """'training.l2': 0.1, for each value of a tree."""
    if not isinstance(tree, dict):
        return {prefix: tree}
    found: dict[str, object] = {}
    for key, value in tree.items():
        found |= flat(value, f"{prefix}.{key}" if prefix else key)
    return found

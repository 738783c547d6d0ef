"""The runs below a directory, each by what its small files say: no checkpoint and no data is read.

Whatever state a run is in, it is one line of a list: a file of it that cannot be read is its
`problem`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepnet_cli.config.load import resolved
from deepnet_cli.config.resolved import flat
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.errors import DataError
from deepnet_cli.files import near, shown
from deepnet_cli.nn.metrics import Figures
from deepnet_cli.training.kept.inspecting import figures_in, history_in, object_in, text_in
from deepnet_cli.training.kept.lock import user_of
from deepnet_cli.training.kept.restoring import PLACES
from deepnet_cli.training.kept.run_directory import CONFIG, HISTORY, SUMMARY, checkpoints
from deepnet_cli.training.kept.sealed import open_sealed
from deepnet_cli.training.loop.history import Row
from deepnet_cli.training.run.folds import RESULT


@dataclass(frozen=True)
class Listed:
    """A run, or the folds of a cross-validation as one.

    `state` is why it stopped (completed, early, interrupted, ...), "training" while a process has
    it, "broken off" where one has left it without a word, "damaged", or "5 folds".  `rows`: of each
    part how many features those have, and their mark.
    """

    path: Path
    state: str
    when: float  # a file of it was last written, in seconds since 1970
    updates: int
    seconds: float | None  # that training took, since the last resume
    figures: dict[str, Figures] = field(default_factory=dict)  # by part
    keys: dict[str, object] = field(default_factory=dict)  # of the config: 'training.l2': 0.1
    problem: str = ""
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)


def runs_in(directory: Path) -> list[Listed]:
    """The run that a directory is, or those directly in it.  Raises DataError where there is no
    such directory.
    """
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else f"no such directory{near(directory)}"
        raise DataError(f"{directory}: {what}")
    if (directory / CONFIG).exists():
        return [_run(directory)]
    below = sorted(each for each in directory.iterdir() if each.is_dir())
    return [listed for each in below for listed in _listed(each)]


def trained(path: Path) -> Listed:
    """A run, or what a model file says of the one that it is from.  Raises DataError."""
    if path.is_dir():
        return _run(path)
    with open_sealed(path, "model") as source:
        keys = keys_of(source.text("config"), path.parent)
    return Listed(path, "", _changed(path), 0, None, keys=keys)


def unlike(runs: Sequence[Listed], part: str) -> bool:
    """Whether it is known that a part was not the same rows in all runs that have it: others of as
    many features.
    """
    rows = {run.rows[part] for run in runs if part in run.rows}
    return len(rows) > len({features for features, _ in rows})


def _listed(path: Path) -> Iterator[Listed]:
    if (path / CONFIG).exists():
        yield _run(path)
    elif folds := [_run(config.parent) for config in sorted(path.glob(f"fold-*/{CONFIG}"))]:
        yield _cross_validation(path, folds)


def _run(path: Path) -> Listed:
    keys = keys_of(text_in(path / CONFIG), path)
    summary = object_in(text_in(path / SUMMARY))
    problem = _problem(path, summary, readable=bool(keys))
    numbers, ended = [each.stem.rpartition("-")[2] for each in checkpoints(path)], 0
    made = [int(number) for number in numbers if number.isdecimal()]
    if isinstance(count := summary.get("iterations"), int):
        ended = count
    state = str(summary.get("stopped", "broken off"))
    if user_of(path):
        state = "training"
    elif problem:
        state = "damaged"
    elif max([0, *made]) > ended:
        state = "broken off"
    figures = figures_in(summary.get("figures"))
    if not figures and (rows := history_in(text_in(path / HISTORY)).rows):
        figures = _of_row(rows[-1])
    took = summary.get("seconds")
    seconds = float(took) if isinstance(took, int | float) else None
    when = max(_changed(path / name) for name in (CONFIG, HISTORY, SUMMARY, "checkpoints"))
    updates, of_parts = max([ended, *made]), _rows_of(summary.get("data"))
    return Listed(shown(path), state, when, updates, seconds, figures, keys, problem, of_parts)


def keys_of(config: str, place: Path) -> dict[str, object]:
    """The values of a resolved config by their keys, paths resolved from the directory `place`;
    empty where it cannot be read.
    """
    document = parse(config.encode(), "")
    if document.problems:
        return {}
    keys = {_chosen(key): value for key, value in flat(document.tree).items()}
    for key in keys.keys() & {*PLACES}:
        if isinstance(name := keys[key], str):
            keys[key] = str(resolved(name, place))
    return keys


def _chosen(key: str) -> str:
    """'loss' for 'loss.name': a choice is called the same with and without options."""
    parent, _, last = key.rpartition(".")
    return parent if parent and last in ("name", "file") else key


def _problem(path: Path, summary: dict[str, object], *, readable: bool) -> str:
    """What of its small files is damaged."""
    if not readable:
        return f"{path / CONFIG}: cannot be read as a config"
    if (path / SUMMARY).exists() and not isinstance(summary.get("stopped"), str):
        return f"{path / SUMMARY}: is not a run's summary"
    return ""


def _rows_of(parts: object) -> dict[str, tuple[str, str]]:
    """How many features the rows of each part have, and their mark, where a summary tells it."""
    return {
        part: (str(told.get("features")), str(told["rows_mark"]))
        for part, told in (parts.items() if isinstance(parts, dict) else ())
        if isinstance(told, dict) and "rows_mark" in told
    }


def _of_row(row: Row) -> dict[str, Figures]:
    """The figures of a row of the history, by part: of a run that has no summary yet."""
    seen = {name.removeprefix("val_"): v for name, v in row.items() if name.startswith("val_")}
    return {"train": {"cost": row["cost"]}, **({"validation": seen} if seen else {})}


def _cross_validation(path: Path, folds: Sequence[Listed]) -> Listed:
    """Folds as one: the means of their test figures, and the keys that they share."""
    states = {fold.state for fold in folds}
    mean = figures_in({"test": object_in(text_in(path / RESULT)).get("mean")})
    state = f"{len(folds)} folds" if mean else "broken off"
    took = [fold.seconds for fold in folds if fold.seconds is not None]
    first = folds[0].keys
    return Listed(
        shown(path),
        "training" if "training" in states else state,
        max(fold.when for fold in folds),
        sum(fold.updates for fold in folds),
        sum(took) if took else None,
        mean,
        {key: it for key, it in first.items() if all(f.keys.get(key) == it for f in folds)},
        "; ".join(fold.problem for fold in folds if fold.problem),
    )


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0

"""What `deepnet runs` says: what differed between runs, and what came of it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from textwrap import fill

from deepnet_cli.errors import ConfigError, did_you_mean, listed, one_line, shortened
from deepnet_cli.nn.improvement import smaller_is_better
from deepnet_cli.nn.metrics import HEADLINE
from deepnet_cli.report.figures import COLUMNS
from deepnet_cli.report.table import table
from deepnet_cli.report.timing import duration
from deepnet_cli.training.kept.restoring import PLACES
from deepnet_cli.training.results.listing import Listed, unlike

PARTS = ("validation", "test")
"""What a run is judged by; where it has neither, the training part."""

ABBREVIATED = {"validation": "val", "test": "test", "train": "train"}
"""How the history and config call a figure of a part: val_cost."""

APART = ("name", "output.", "data.train", "training.log_every")
"""Keys that say nothing of what was tried, or that have a column of their own."""

MOST_BLOCKS = 3
WIDEST = 24

Column = Callable[[Listed], object]

OWN: dict[str, Column] = {
    "run": lambda run: str(run.path),
    "state": lambda run: run.state,
    "data": lambda run: _data(run),
    "updates": lambda run: run.updates,
    "seconds": lambda run: run.seconds,
    "when": lambda run: run.when,
}
"""What every run has, by the names that --sort takes."""


def runs_text(runs: Sequence[Listed], now: float) -> str:
    """A table of at most 80 columns, in as many blocks as its columns need."""
    columns = list(_columns(runs, now))
    blocks: list[list[tuple[str, list[object]]]] = [[]]
    for column in columns[1:]:
        if blocks[-1] and _width([columns[0], *blocks[-1], column]) > COLUMNS:
            blocks.append([])
        blocks[-1].append(column)
    shown, left = blocks[:MOST_BLOCKS], blocks[MOST_BLOCKS:]
    parts = [_table([columns[0], *block]) for block in shown]
    if more := [head for block in left for head, _ in block]:
        parts.append(fill(f"what else differs: {listed(more)}", COLUMNS, subsequent_indent="  "))
    if others := _unlike(runs):
        parts.append(f"not all had the same {' and '.join(others)} rows: figures do not rank them")
    return "\n\n".join(parts)


def runs_json(runs: Sequence[Listed]) -> dict[str, object]:
    """The keys are in docs/comparing.md."""
    return {
        "runs": [
            {
                "run": str(run.path),
                "state": run.state,
                "when": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(run.when)),
                "updates": run.updates,
                "seconds": run.seconds,
                "figures": run.figures,
                "config": run.keys,
                "problem": run.problem or None,
            }
            for run in runs
        ],
        "differ": differing(runs),
        "unlike": _unlike(runs),
    }


def differing(runs: Sequence[Listed]) -> list[str]:
    """The keys of the configs that not all runs have alike, in the order of the vocabulary; of
    options that some lack, since they have made another choice, those that differ without them.
    """
    read = [run.keys for run in runs if run.keys]
    names = dict.fromkeys(key for keys in read for key in keys if not key.startswith(APART))
    first = {key.rpartition(".")[0]: key for key in reversed(names)}

    def lacks_its_choice(keys: Mapping[str, object], key: str) -> bool:
        parent = key.rpartition(".")[0]
        if key in keys:
            return False
        if parent in keys:
            return all(keys[parent] != other.get(parent) for other in read if key in other)
        return first[parent] != key and not any(each.startswith(f"{parent}.") for each in keys)

    def values(key: str) -> set[str]:
        return {str(keys.get(key)) for keys in read if not lacks_its_choice(keys, key)}

    return [key for key in names if len(values(key)) > 1]


def _unlike(runs: Sequence[Listed]) -> list[str]:
    """The parts that runs are judged by and that were not the same rows in all of them."""
    return [part for part in PARTS if unlike(runs, part)]


def by(key: str, runs: Sequence[Listed], *, reverse: bool = False) -> list[Listed]:
    """Runs in the order of a figure (the best first), a key of the config or what every run has;
    those that lack it last.  Raises ConfigError where none has it.
    """
    value, better = _sorting(key, runs)
    have = [run for run in runs if value(run) is not None]
    order = sorted(have, key=lambda run: _comparable(value(run)), reverse=reverse is not better)
    return order + [run for run in runs if value(run) is None]


def best(runs: Sequence[Listed]) -> list[Listed]:
    """Those that have a figure of what is held out, on the data of the best; the best first."""
    figure = _headlines(runs)[0]
    have = [run for run in runs if _figure(figure, run) is not None]
    ranked = by(figure, have) if have else []
    return [run for run in ranked if _key("data.train", run) == _key("data.train", ranked[0])]


def _sorting(key: str, runs: Sequence[Listed]) -> tuple[Column, bool]:
    """What a key of --sort takes of a run, and whether a larger one is better."""
    if key in OWN:
        return OWN[key], False
    figures = {f"{part}.{name}" for run in runs for part, of in run.figures.items() for name in of}
    keys = {name for run in runs for name in run.keys}
    known, key = figures | keys, _whole(key)
    found = [key] if key in known else [each for each in known if each.endswith(f".{key}")]
    if len(found) > 1:
        raise ConfigError(f"--sort {key}: say which: {', '.join(sorted(found))}")
    if not found:
        near = did_you_mean(key, [*OWN, *known])
        such = f"{', '.join(OWN)}, a figure such as test.cost, or a key of the config"
        raise ConfigError(f"--sort {key}: no run has it{near} (one of {such})")
    (name,) = found
    if name in figures:
        return partial(_figure, name), not smaller_is_better(name.partition(".")[2])
    return partial(_key, name), False


def _short(figure: str) -> str:
    """'val_accuracy' for 'validation.accuracy'."""
    part, _, name = figure.partition(".")
    return f"{ABBREVIATED.get(part, part)}_{name}"


def _whole(key: str) -> str:
    """A figure by the name of its part and its own, as summary.json has it."""
    whole = {f"{short}_": f"{part}." for part, short in ABBREVIATED.items()}
    begun = next((short for short in whole if key.startswith(short)), "")
    return whole.get(begun, "") + key.removeprefix(begun)


def _comparable(value: object) -> tuple[bool, float, str]:
    """Numbers before text."""
    if isinstance(value, int | float):
        return False, float(value), ""
    return True, 0.0, str(value)


def _columns(runs: Sequence[Listed], now: float) -> Iterator[tuple[str, list[object]]]:
    """Head and cells of each, the most important first."""

    def alike(value: Column) -> bool:
        return len({str(value(run)) for run in runs}) < 2

    yield "run", [one_line(str(run.path)) for run in runs]
    if not all(run.state == "completed" for run in runs):
        yield "state", [_cell(run.state) for run in runs]
    if not alike(_data):
        yield "data", [_data(run) for run in runs]
    for key in _headlines(runs):
        yield _short(key), [_cell(_figure(key, run)) for run in runs]
    if not alike(OWN["updates"]):
        yield "updates", [run.updates for run in runs]
    yield "time", ["" if run.seconds is None else duration(run.seconds) for run in runs]
    yield "when", [_when(run.when, now) for run in runs]
    keys = differing(runs)
    last = [key.rpartition(".")[2] for key in keys]
    for key, short in zip(keys, last, strict=True):
        head = key if last.count(short) > 1 or len(short) < 4 else short
        yield head, [_cell(run.keys.get(key), key) for run in runs]


def _headlines(runs: Sequence[Listed]) -> list[str]:
    """'validation.accuracy', 'test.accuracy': of each held-out part the metrics that runs are
    judged by, or where no run has any the cost.
    """
    found = dict.fromkeys(
        f"{part}.{_metric(run, part)}" for part in PARTS for run in runs if part in run.figures
    )
    return list(found) or ["train.cost"]


def _metric(run: Listed, part: str) -> str:
    """The first that the config asks for, or that of its kind; the cost where there is none."""
    asked = run.keys.get("training.metrics")
    words = asked if isinstance(asked, list) else [*dict.fromkeys(HEADLINE.values())]
    return next((str(word) for word in words if word in run.figures[part]), "cost")


def _figure(key: str, run: Listed) -> object:
    part, _, name = key.partition(".")
    return run.figures.get(part, {}).get(name)


def _key(key: str, run: Listed) -> object:
    return run.keys.get(key)


def _data(run: Listed) -> object:
    return as_written(run.keys.get("data.train"), "data.train")


def _cell(value: object, key: str = "") -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number else as_written(value, key)


def as_written(value: object, key: str) -> str:
    """A value of a config as it stands there, or its beginning; of a file the name."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    if key in PLACES and isinstance(value, str):
        value = Path(value).name
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
    return shortened(one_line(text), WIDEST)


def _when(when: float, now: float) -> str:
    """The time of a moment today, else the day."""
    then, today = time.localtime(when), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    return time.strftime("%b %d" if then[0] == today[0] else "%Y-%m-%d", then)


def _table(columns: Sequence[tuple[str, list[object]]]) -> str:
    heads = [head for head, _ in columns]
    return table(heads, [*zip(*(cells for _, cells in columns), strict=True)])


def _width(columns: Sequence[tuple[str, list[object]]]) -> int:
    return max(map(len, _table(columns).splitlines()))

"""What `deepnet inspect` says of a run or a checkpoint: on one screen, and for JSON."""

from collections.abc import Iterator
from textwrap import fill

from deepnet_cli.errors import one_line
from deepnet_cli.memory import told
from deepnet_cli.report.figures import COLUMNS, figures_text, fits
from deepnet_cli.report.model import training_line
from deepnet_cli.report.spark import sparkline
from deepnet_cli.report.table import table
from deepnet_cli.training.kept.inspecting import Checkpoint, CheckpointFile, Run
from deepnet_cli.training.loop.history import History

MOST_CURVES = 4
LAST_ROWS = 3
MOST_FILES = 12


def run_text(run: Run, heights: str) -> str:
    """How it stands, its figures, its curves, its files."""
    parts = ["\n".join(_wrapped(_about(run)))]
    if run.figures:
        parts.append("\n".join(filter(None, (figures_text(run.figures), _kept(run)))))
    if run.history.rows:
        parts += [curves(run.history, heights), last_rows(run.history)]
    files = [[one_line(name), told(size), ""] for name, size in run.files[:MOST_FILES]]
    if (more := len(run.files) - MOST_FILES) > 0:
        files.append([f"and {more} more", "", ""])
    for each in run.checkpoints:
        state = one_line(each.problem) if each.problem else f"{_updates(each.iteration)}, whole"
        files.append([f"checkpoints/{one_line(each.path.name)}", told(each.size), state])
    lines = table(["", "", ""], files).splitlines()[1:]
    parts.append("\n".join(line[:COLUMNS] for line in lines))
    return "\n\n".join(parts)


def checkpoint_text(file: CheckpointFile, heights: str) -> str:
    """What it is, and the curves so far."""
    at, made = file.checkpoint, _updates(file.checkpoint.iteration)
    lines = [
        f"{one_line(str(at.path))}: a checkpoint, {told(at.size)}, its sha256 matches",
        f"{file.config.name} after {made}: {file.parameters:,} parameters and statistics, "
        f"and {file.slots} such vectors of the optimizer's",
        training_line(file.config),
    ]
    parts = ["\n".join(_wrapped(lines))]
    if file.history.rows:
        parts += [curves(file.history, heights), last_rows(file.history)]
    return "\n\n".join(parts)


def curves(history: History, heights: str) -> str:
    """A figure a row: its first and last value, and how it came from one to the other."""
    rows: list[list[object]] = []
    for name in _figures(history)[:MOST_CURVES]:
        values = [row[name] for row in history.rows]
        rows.append([name, float(values[0]), sparkline(values, heights), float(values[-1])])
    return table(
        ["", "first", f"{len(history.rows):,} row{'s' * (len(history.rows) != 1)}", "last"], rows
    )


def last_rows(history: History) -> str:
    """As many columns as fit."""
    names = list(history.rows[0])
    rows = history.rows[-LAST_ROWS:]
    while not fits(text := table(names, [[row[name] for name in names] for row in rows])):
        names.pop()
    return text


def run_json(run: Run) -> dict[str, object]:
    """The keys are in docs/data/inspecting.md."""
    return {
        "kind": "run",
        "directory": str(run.path),
        "name": run.name,
        "state": run.state,
        "used_by": run.user or None,
        "iterations": run.made,
        "summary": run.summary or None,
        "rows": len(run.history.rows),
        "last_row": run.history.rows[-1] if run.history.rows else None,
        "files": dict(run.files),
        "checkpoints": [_checkpoint_json(each) for each in run.checkpoints],
        "config": None if run.config is None else run.config.model_dump(mode="json"),
        "problem": run.problem or None,
    }


def checkpoint_json(file: CheckpointFile) -> dict[str, object]:
    """The keys are in docs/data/inspecting.md."""
    return {
        "kind": "checkpoint",
        **_checkpoint_json(file.checkpoint),
        "name": file.config.name,
        "parameters": file.parameters,
        "slots": file.slots,
        "rows": len(file.history.rows),
        "last_row": file.history.rows[-1] if file.history.rows else None,
        "config": file.config.model_dump(mode="json"),
    }


def _about(run: Run) -> Iterator[str]:
    name = f" of {one_line(run.name)}" if run.name else ""
    state = {
        "training": f"in use by {run.user}",
        "ended": "which has ended",
        "diverged": "which diverged",
        "stopped": "which stopped and can go on",
        "broken off": "which was broken off and can go on",
    }[run.state]
    yield f"{one_line(str(run.path))}: a run{name}, {state}; {_updates(run.made)} made"
    if run.state in ("ended", "diverged", "stopped"):
        seconds = run.summary.get("seconds")
        took = f"; {seconds:,.1f} s" if isinstance(seconds, int | float) else ""
        yield one_line(f"{run.summary.get('stopped')}: {run.summary.get('reason')}{took}")
    if run.config is not None:
        units = "-".join(str(spec.units) for spec in run.config.model.layers)
        yield f"layers {units}, {training_line(run.config)}"
    else:
        yield one_line(run.problem)


def _updates(n: int) -> str:
    return f"{n:,} update{'s' * (n != 1)}"


def _kept(run: Run) -> str:
    """Which parameters the figures are of, where one of them has chosen."""
    best = run.summary.get("best")
    if not isinstance(best, dict):
        return ""
    monitor, iteration = best.get("monitor"), best.get("iteration")
    return one_line(f"of the parameters with the best {monitor}, after iteration {iteration}")


def _wrapped(lines: Iterator[str] | list[str]) -> list[str]:
    return [fill(line, COLUMNS, subsequent_indent="  ", break_long_words=False) for line in lines]


def _figures(history: History) -> list[str]:
    return [name for name in history.rows[0] if name not in ("iteration", "epoch")]


def _checkpoint_json(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "file": str(checkpoint.path),
        "bytes": checkpoint.size,
        "iteration": None if checkpoint.problem else checkpoint.iteration,
        "problem": checkpoint.problem or None,
    }

"""A config as text, tree and places: what is needed to tell an error as a compiler does.

cats.yaml:14:3: training.learning_rat: unknown key; did you mean 'learning_rate'?
   14 |   learning_rat: 0.0075
      |   ^^^^^^^^^^^^
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deepnet_cli.errors import (
    ConfigError,
    DataError,
    DeepnetError,
    MachineError,
    one_line,
    shortened,
)

KINDS = {kind.exit_code: kind for kind in (ConfigError, DataError, MachineError)}
MOST_PROBLEMS = 20
LONGEST_LINE = 120
LONGEST_NAME = 60
SET = "--set "
"""The option that names a key; of another it is clear enough what is wrong with it."""

Path = tuple[str | int, ...]
"""Where a value stands in the tree: ("model", "layers", 0)."""


@dataclass(frozen=True)
class Place:
    """A stretch of one line, counted from 1."""

    line: int
    column: int
    width: int


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, at a key or value of the tree, or at a place in the text."""

    path: Path
    message: str
    place: Place | None = None
    at_key: bool = False
    exit_code: int = 2


@dataclass
class Document:
    """A parsed config; `source` is how messages call it."""

    source: str
    text: str
    tree: dict[str, object] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    overrides: dict[Path, str] = field(default_factory=dict)  # "--set training.l2=0.1", as typed
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, path: Path, message: str, *, at_key: bool = False, exit_code: int = 2) -> None:
        """Note a problem, unless its place already has one.

        A path that the tree does not have, since a short form was written, is cut to what it has.
        """
        if not at_key and path not in self.overrides:
            path = self._written(path)
        told = [problem.path for problem in self.problems if problem.path]
        if not any(path[: len(known)] == known for known in told):
            self.problems.append(Problem(path, message, None, at_key, exit_code))

    def raise_problems(self) -> None:
        """Raise all that was noted, as one error in the order of the text."""
        if not self.problems:
            return
        ordered = sorted(self.problems, key=self._position)
        told = [self.render(problem) for problem in ordered[:MOST_PROBLEMS]]
        if len(ordered) > MOST_PROBLEMS:
            told.append(f"... and {len(ordered) - MOST_PROBLEMS} more")
        kinds = [KINDS.get(problem.exit_code, ConfigError) for problem in ordered]
        raise (ConfigError if ConfigError in kinds else kinds[0])("\n".join(told))

    def warn(self, path: Path, message: str) -> None:
        """Note what is no error but likely a mistake."""
        self.warnings.append(self.render(Problem(path, message)))

    def error(self, path: Path, cause: DeepnetError) -> DeepnetError:
        """`cause`, of its own kind, with the place in the config that led to it."""
        return type(cause)(self.render(Problem(path, str(cause))))

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """What is raised here is raised with this place in the config."""
        try:
            yield
        except DeepnetError as error:
            raise self.error(path, error) from None

    def render(self, problem: Problem) -> str:
        """The message with its place, the line and a caret; a list in it goes below them."""
        name = dotted(problem.path)
        first, *listed = map(shortened, problem.message.split("\n"))
        message = shortened(f"{name}: {first}" if name else first)
        if setting := self._override(problem.path):
            own = message if setting.startswith(SET) else shortened(first)
            shown = [f"{shortened(one_line(setting), LONGEST_NAME + len(SET))}: {own}"]
        elif place := self._place(problem):
            head = f"{self.source}:{place.line}:{place.column}: {message}"
            shown = [head, *self._excerpt(place)]
        else:
            shown = [f"{self.source}: {message}"]
        return "\n".join([*shown, *listed])

    def _excerpt(self, place: Place) -> list[str]:
        """The line and a caret, where that is in the text and not too long."""
        lines = self.text.splitlines()
        if place.line > len(lines):
            return []
        line = lines[place.line - 1].replace("\t", " ")
        start = place.column - 1
        before, marked, after = (
            one_line(text)
            for text in (
                line[:start],
                line[start : start + place.width],
                line[start + place.width :],
            )
        )
        if len(before) >= LONGEST_LINE:
            return []
        carets = "^" * max(1, min(len(marked), LONGEST_LINE - len(before)))
        return [
            f"{place.line:5} | {(before + marked + after)[:LONGEST_LINE]}",
            f"      | {' ' * len(before)}{carets}",
        ]

    def _written(self, path: Path) -> Path:
        tree: object = self.tree
        for depth, part in enumerate(path):
            if isinstance(tree, list) and isinstance(part, int):
                tree = tree[part]
            elif not isinstance(tree, dict):
                return path[:depth]
            else:
                tree = tree.get(part, {})
        return path

    def _override(self, path: Path) -> str | None:
        """The option, as typed, that a path of the tree comes from."""
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.overrides:
                return self.overrides[path[:depth]]
        if path in self.keys or path in self.values:
            return None
        made = [setting for keys, setting in self.overrides.items() if keys[: len(path)] == path]
        return made[0] if path and made else None

    def _place(self, problem: Problem) -> Place | None:
        """The problem's own place, or that of the nearest enclosing value."""
        if problem.place is not None:
            return problem.place
        first, second = (self.keys, self.values) if problem.at_key else (self.values, self.keys)
        for depth in range(len(problem.path), 0, -1):
            path = problem.path[:depth]
            if place := first.get(path) or second.get(path):
                return place
        return None

    def _position(self, problem: Problem) -> tuple[int, int]:
        place = self._place(problem)
        return (place.line, place.column) if place else (0, 0)


def dotted(path: Path) -> str:
    """model.layers[0]"""
    text = ""
    for part in path:
        word = part if isinstance(part, int) else shortened(one_line(part), LONGEST_NAME)
        text += f"[{word}]" if isinstance(part, int) else f".{word}" if text else str(word)
    return text

"""The rows of history.csv, and the best of them.

`cost` is the mean of J over the batches since the last row, each before its update;
`val_...` are of the parameters after the row's update.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from deepnet_cli.nn.metrics import SMALLER_IS_BETTER

Row = dict[str, float]
"""iteration, epoch, cost, val_cost, ...; iteration and epoch are whole."""


@dataclass
class History:
    """Every row so far, and the sum of the costs that the next one will average."""

    rows: list[Row] = field(default_factory=list)
    cost_sum: float = 0.0
    batches: int = 0

    def add_cost(self, cost: float) -> None:
        self.cost_sum += cost
        self.batches += 1

    def add_row(self, iteration: int, epoch: int, figures: Row) -> Row:
        """Close the row of an iteration: the mean cost, and figures such as val_cost."""
        mean = self.cost_sum / self.batches
        row = {"iteration": iteration, "epoch": epoch, "cost": mean, **figures}
        self.rows.append(row)
        self.cost_sum, self.batches = 0.0, 0
        return row

    def to_csv(self) -> str:
        """history.csv: floats in full precision."""
        if not self.rows:
            return ""
        lines = [",".join(self.rows[0])]
        lines += [",".join(repr(value) for value in row.values()) for row in self.rows]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_csv(cls, text: str) -> "History":
        """The rows that to_csv wrote."""
        lines = [line.split(",") for line in text.splitlines()]
        return cls([_row(lines[0], values) for values in lines[1:]])


def _row(names: Iterable[str], values: Iterable[str]) -> Row:
    whole = ("iteration", "epoch")
    pairs = zip(names, values, strict=True)
    return {name: int(value) if name in whole else float(value) for name, value in pairs}


@dataclass
class Watch:
    """The best value of a figure so far, and for how many rows it has not been beaten."""

    figure: str
    min_delta: float = 0.0
    best: float | None = None
    iteration: int = -1  # of the row with the best value
    waited: int = 0

    def see(self, row: Row) -> bool:
        """Take a row in; whether it is a new best."""
        if better(self.figure, row[self.figure], self.best, self.min_delta):
            self.best, self.iteration, self.waited = row[self.figure], int(row["iteration"]), 0
            return True
        self.waited += 1
        return False


def better(figure: str, new: float, old: float | None, min_delta: float = 0.0) -> bool:
    """Whether a figure such as val_cost or val_accuracy improved by more than min_delta."""
    if old is None:
        return new == new  # not nan
    if figure.removeprefix("val_") in SMALLER_IS_BETTER:
        return new < old - min_delta
    return new > old + min_delta

"""The rows of history.csv, and what is watched in them.

`cost` is the mean of J over the batches since the last row, each before its update; so are the
metrics without `val_`, of all the examples of these batches together.  `clipped` is
the share of their gradients that were clipped; `learning_rate` and `gradient_norm`, before
clipping, are those of the row's update; `val_...` are of the parameters after it, averaged where
the config asks for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import nan

from deepnet_cli.nn.improvement import improves
from deepnet_cli.nn.metrics import Figures, Metric, States, pooled

Row = dict[str, float]
"""iteration, epoch, cost, val_cost, ...; iteration and epoch are whole."""


@dataclass
class History:
    """Every row so far, and the sums that the next one will average."""

    rows: list[Row] = field(default_factory=list)
    cost_sum: float = 0.0
    batches: int = 0
    clipped: int = 0  # of these, how many gradients
    gradient_norm: float = nan  # of the last update, where a row or a checkpoint tells it
    states: States = field(default_factory=dict)  # of the metrics of their outputs

    @property
    def clipped_share(self) -> float:
        """The share of the steps since the last row whose gradient was clipped."""
        return self.clipped / self.batches

    def add_steps(self, costs: Sequence[float], clipped: int = 0) -> None:
        """Take in J of some batches, and of how many the gradient was clipped."""
        for cost in costs:
            self.cost_sum += cost
        self.batches += len(costs)
        self.clipped += clipped

    def add_states(self, metrics: Mapping[str, Metric], states: States) -> None:
        """Take in what metrics need of one batch."""
        self.states = pooled(metrics, self.states, states)

    def next_row(self, iteration: int, epoch: int, figures: Figures) -> Row:
        """The row that an iteration would have: the mean cost, and figures such as val_cost."""
        mean = self.cost_sum / self.batches
        return {"iteration": iteration, "epoch": epoch, "cost": mean, **figures}

    def add_row(self, row: Row) -> None:
        """Keep a row and begin the next mean."""
        self.rows.append(row)
        self.cost_sum, self.batches, self.clipped, self.states = 0.0, 0, 0, {}

    def before(self, iteration: int) -> "History":
        """The same with the rows of earlier iterations only."""
        rows = self.rows
        count = len(rows)
        while count and rows[count - 1]["iteration"] >= iteration:
            count -= 1
        return replace(self, rows=rows[:count])

    def to_csv(self) -> str:
        """history.csv: floats in full precision.  Rows from before a fork may lack columns."""
        ends = (self.rows[0], self.rows[-1]) if self.rows else (("iteration", "epoch", "cost"),)
        names = list(dict.fromkeys(chain(*ends)))
        lines = [",".join(names)]
        lines += [",".join(repr(row.get(name, nan)) for name in names) for row in self.rows]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_csv(cls, text: str) -> "History":
        """The rows that to_csv wrote."""
        lines = [line.split(",") for line in text.splitlines()]
        return cls([_row(lines[0], values) for values in lines[1:]])


@dataclass
class Watch:
    """The best value of a figure, and how many rows went by without a clear improvement.

    Every better value is a new best.  Only one that is better by more than `min_delta` than
    the last one that counted makes the waiting begin anew.
    """

    figure: str
    min_delta: float = 0.0
    best: float | None = None
    iteration: int = -1  # of the row with the best value
    counted: float | None = None
    since: int = -1  # the iteration of the row that counted
    waited: int = 0

    def see(self, row: Row) -> bool:
        """Take a row in; whether it is a new best."""
        value = row[self.figure]
        if improves(self.figure, value, self.counted, self.min_delta):
            self.counted, self.since, self.waited = value, int(row["iteration"]), 0
        else:
            self.waited += 1
        if not self.beaten(row):
            return False
        self.best, self.iteration = value, int(row["iteration"])
        return True

    def beaten(self, row: Row) -> bool:
        """Whether a row has a better value than the best so far."""
        return improves(self.figure, row[self.figure], self.best)

    @property
    def waiting(self) -> str:
        """How long there has been no clear improvement, for a reader."""
        if self.counted is None:
            return f"{self.figure} was not a finite number ({self.waited} rows)"
        by = f" by more than {self.min_delta:g}" if self.min_delta else ""
        since = f"since iteration {self.since} ({self.waited} rows)"
        return f"{self.figure} has not improved{by} {since}"


def _row(names: Iterable[str], values: Iterable[str]) -> Row:
    whole = ("iteration", "epoch")
    pairs = zip(names, values, strict=True)
    return {name: int(value) if name in whole else float(value) for name, value in pairs}

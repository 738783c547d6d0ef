"""The learning rate that a config describes: a number, or a schedule.

The length of a schedule that ends with the run, and the figure that one looks at, are written into
the run's config: a run that goes on for longer keeps its curve.
"""

from dataclasses import MISSING, fields
from typing import Protocol

from deepnet_cli.config.document import Document
from deepnet_cli.config.schema import Config
from deepnet_cli.errors import nearest
from deepnet_cli.optim.schedule import Schedule
from deepnet_cli.optim.schedules import SCHEDULES, Constant


class Rate(Protocol):
    """The learning rate of an iteration, counted from 0, after so many reductions."""

    def __call__(self, iteration: int, reductions: int = 0, /) -> float: ...


def rate_of(config: Config, per_epoch: int, iterations: int) -> Rate:
    """The learning rate as a function of the iteration."""
    chosen = config.training.learning_rate
    if isinstance(chosen, float):
        return lambda *_: chosen
    schedule = schedule_of(config)
    return lambda i, reductions=0: schedule.rate(i, per_epoch, iterations, reductions)


def schedule_of(config: Config) -> Schedule:
    """The schedule of the learning rate; a number is a constant one."""
    chosen = config.training.learning_rate
    if isinstance(chosen, float):
        return Constant(initial=chosen)
    schedule: Schedule = chosen.build(SCHEDULES)
    return schedule


def initial_key(config: Config) -> str:
    """The key of the rate that a run begins with: that of a number, or of a schedule."""
    number = isinstance(config.training.learning_rate, float)
    return "training.learning_rate" if number else "training.learning_rate.initial"


def settled(config: Config, document: Document, per_epoch: int, iterations: int) -> Config:
    """The config with what its schedule left open; warns where the rate is 0 before the end."""
    training, schedule = config.training, schedule_of(config)
    if rate_of(config, per_epoch, iterations)(iterations - 1) == 0:
        document.warn(
            ("training", "learning_rate"),
            "is 0 before the run is over; the last iterations change nothing",
        )
    if isinstance(training.learning_rate, float):
        return config
    figure = "cost" if config.data.validation is None else "val_cost"
    filling = {"length": schedule.rest(per_epoch, iterations), "monitor": figure}
    left_open = {name: x for name, x in filling.items() if getattr(schedule, name, x) is None}
    rate = training.learning_rate.model_copy(update=left_open)
    training = training.model_copy(update={"learning_rate": rate})
    return config.model_copy(update={"training": training})


def schedule_meant(word: str) -> str:
    """The schedule that a bare word means, with all that it needs, as a config writes it."""
    if (name := nearest(word, SCHEDULES)) is None:
        return ""
    options = fields(SCHEDULES[name])  # type: ignore[arg-type]
    needed = {option.name: "..." for option in options if option.default is MISSING}
    told = {"schedule": name, **needed, "initial": "0.01"}
    return f"{{{', '.join(f'{key}: {value}' for key, value in told.items())}}}"

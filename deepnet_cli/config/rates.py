"""The learning rate that a config describes: a number, or a schedule.

The length of a schedule that ends with the run is written into the run's config: a run that
goes on for longer keeps its curve.
"""

from collections.abc import Callable

from deepnet_cli.config.document import Document
from deepnet_cli.config.schema import Config
from deepnet_cli.optim.schedule import Schedule
from deepnet_cli.optim.schedules import SCHEDULES


def rate_of(config: Config, per_epoch: int, iterations: int) -> Callable[[int], float]:
    """The learning rate as a function of the iteration, counted from 0."""
    chosen = config.training.learning_rate
    if isinstance(chosen, float):
        return lambda _: chosen
    schedule: Schedule = chosen.build(SCHEDULES)
    return lambda i: schedule.rate(i, per_epoch, iterations)


def settled(config: Config, document: Document, per_epoch: int, iterations: int) -> Config:
    """The config with the schedule's length; warns where the rate is 0 before the run's end."""
    training = config.training
    if rate_of(config, per_epoch, iterations)(iterations - 1) == 0:
        document.warn(
            ("training", "learning_rate"),
            "is 0 before the run is over; the last iterations change nothing",
        )
    if isinstance(training.learning_rate, float):
        return config
    schedule: Schedule = training.learning_rate.build(SCHEDULES)
    if getattr(schedule, "length", 0) is not None:  # it has none, or the config says it
        return config
    length = {"length": schedule.rest(per_epoch, iterations)}
    rate = training.learning_rate.model_copy(update=length)
    training = training.model_copy(update={"learning_rate": rate})
    return config.model_copy(update={"training": training})

"""The average of the parameters that a config asks for.

Where it starts and how often it takes parameters in is written into the run's config: a run that
goes on for longer averages as it did.
"""

from deepnet_cli.config.document import Document
from deepnet_cli.config.schema import Config
from deepnet_cli.errors import ConfigError
from deepnet_cli.optim.averages import AVERAGES, Average


def average_of(config: Config) -> Average | None:
    """The average; None where parameters are used as they are."""
    chosen = config.training.averaging
    if chosen is None:
        return None
    average: Average = chosen.build(AVERAGES)
    return average


def settled(config: Config, document: Document, per_epoch: int, iterations: int) -> Config:
    """The config with iterations for a part of the run, and for an epoch; warns where the run is
    too short for its average.

    Raises ConfigError where nothing would be averaged.
    """
    chosen = config.training.averaging
    options = chosen.model_dump() if chosen is not None else {}
    over = 1 / (1 - options.get("decay", 0.0))
    if over > iterations:
        document.warn(
            ("training", "averaging"),
            f"is over about the last {over:,.0f} updates, and the run makes {iterations:,}; "
            "with a smaller decay it follows them faster",
        )
    if chosen is None or "start" not in options:
        return config
    start, every = options["start"], options["every"] or per_epoch
    start = int(start if start >= 1 else start * iterations)
    if start >= iterations:
        problem = f"is behind the last iteration, {iterations - 1:,}; nothing would be averaged"
        raise document.error(("training", "averaging", "start"), ConfigError(problem))
    averaging = chosen.model_copy(update={"start": start, "every": every})
    training = config.training.model_copy(update={"averaging": averaging})
    return config.model_copy(update={"training": training})

"""The vocabulary of a config: every key, its type, its bounds and its default.

Strings that name a file, an activation, an optimizer are still strings here; job.py
turns them into things.  What one key asks of another is in checks.py.
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from deepnet_cli.config.data_schema import PATH, DataSection, file_named
from deepnet_cli.config.durations import seconds
from deepnet_cli.config.forms import AlsoAs, Section, number_or, one_or_list, word_or
from deepnet_cli.config.options import Chosen, Options, choice, growing_choice, variants
from deepnet_cli.errors import did_you_mean
from deepnet_cli.nn.activations import ACTIVATION_OPTIONS, ACTIVATIONS
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.losses import LOSS_OPTIONS, LOSSES
from deepnet_cli.nn.metrics import EVERY, top
from deepnet_cli.optim.averages import AVERAGES
from deepnet_cli.optim.schedules import SCHEDULES
from deepnet_cli.optim.searches import RULES

MOST_LAYERS = 1000
MOST_ITERATIONS = 10_000_000
LARGEST_SEED = 2**53
LONGEST_NAME = 100
MOST_THREADS = 1024
TOP = {"type": "string", "pattern": "^top_[1-9][0-9]{0,8}$", "examples": ["top_10"]}
METRIC_WORDS = {"anyOf": [{"enum": [*EVERY]}, TOP]}


def _layer(value: object) -> object:
    return {"units": value} if not isinstance(value, dict) else value


def _norm(value: object) -> object:
    if value is None:
        raise ValueError("true or false")
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


def _rate_factor(value: object) -> object:
    if value == 0:
        raise ValueError("must be > 0; to freeze the layer write 'trainable: false'")
    return value


def _layers(value: object) -> object:
    if not isinstance(value, list):
        return value
    if len(value) > MOST_LAYERS:
        raise ValueError(f"more than {MOST_LAYERS:,} layers")
    return [_layer(item) for item in value]


def plain_name(text: str) -> str:
    """A name that serves as a directory's: `text` without what some file system refuses."""
    kept = "".join("-" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in text)
    return kept.strip(". -")[:LONGEST_NAME] or "run"


def _checked_name(value: str) -> str:
    if value != plain_name(value):
        raise ValueError(f"{value!r} does not serve as a directory's name")
    return value


def _path(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"{value!r}: no file can have this name")
    return value


SWITCH = AlsoAs(({"type": "boolean"},))
UNITS = AlsoAs(({"type": "integer", "minimum": 1},))


def _metric(value: str) -> str:
    if value not in EVERY and top(value) is None:
        near = did_you_mean(value, EVERY)
        raise ValueError(f"unknown metric '{value}'{near} (one of {', '.join(EVERY)})")
    return value


class Scheduled(Chosen):
    """{schedule: NAME, initial: RATE, option: value}"""

    key: ClassVar[str] = "schedule"
    schedule: str
    initial: float


if TYPE_CHECKING:  # what a checked value is; the branch below is what is checked
    ActivationOptions = Options
    OptimizerOptions = Options
    AverageOptions = Options
    InitializerOptions = Options
    LossOptions = Options
    LearningRate = float | Scheduled
    Activations = list[Options] | Options
    BatchSize = int | str
    Interval = int | str
    Threads = int | str
    MetricName = str
else:
    ActivationOptions = growing_choice(
        ACTIVATIONS,
        ACTIVATION_OPTIONS,
        what="activation",
        own="; one of your own needs --code FILE.py",
    )
    OptimizerOptions = choice(RULES)
    AverageOptions = choice(AVERAGES)
    InitializerOptions = choice(INITIALIZERS, "auto")
    LossOptions = growing_choice(LOSSES, LOSS_OPTIONS, "auto")
    LearningRate = number_or(Annotated[float, Field(gt=0)], variants(SCHEDULES, Scheduled))
    Activations = one_or_list(ActivationOptions)
    BatchSize = word_or(Literal["full"], Annotated[int, Field(ge=1)])
    Interval = word_or(Literal["auto"], Annotated[int, Field(ge=1)])
    MetricName = Annotated[str, AfterValidator(_metric), WithJsonSchema(METRIC_WORDS)]
    Threads = word_or(Literal["auto"], Annotated[int, Field(ge=1, le=MOST_THREADS)])


class BatchNormOptions(Section):
    epsilon: float = Field(default=1e-5, gt=0)
    momentum: float = Field(default=0.1, gt=0, le=1)


class LayerNormOptions(Section):
    epsilon: float = Field(default=1e-5, gt=0)


class LayerSpec(Section):
    units: int = Field(ge=1, le=2**31)
    activation: ActivationOptions | None = None
    dropout: float = Field(default=0.0, ge=0, lt=1)
    alpha_dropout: float = Field(default=0.0, ge=0, lt=1)
    batch_norm: Annotated[BatchNormOptions | None, BeforeValidator(_norm), SWITCH] = None
    layer_norm: Annotated[LayerNormOptions | None, BeforeValidator(_norm), SWITCH] = None
    l2: float | None = Field(default=None, ge=0)
    l1: float | None = Field(default=None, ge=0)
    max_norm: float | None = Field(default=None, gt=0)
    trainable: bool = True
    rate_factor: Annotated[float, Field(gt=0), BeforeValidator(_rate_factor)] = 1.0


class InitialParameters(Section):
    """A file, and how many layers are read from it, from the first on; None: all."""

    file: str
    layers: int | None = Field(default=None, ge=1)


class ModelSection(Section):
    layers: Annotated[
        list[Annotated[LayerSpec, UNITS]], Field(min_length=1), BeforeValidator(_layers)
    ]
    activations: Activations = Field(default="relu", validate_default=True)
    initialization: InitializerOptions = Field(default="auto", validate_default=True)
    initial_parameters: Annotated[InitialParameters, BeforeValidator(file_named), PATH] | None = (
        None
    )
    input_dropout: float = Field(default=0.0, ge=0, lt=1)
    input_noise: float = Field(default=0.0, ge=0)


class EarlyStopping(Section):
    monitor: str = "val_cost"
    patience: int = Field(default=20, ge=1)
    min_delta: float = Field(default=0.0, ge=0)


class Target(Section):
    """A value of a figure that is good enough."""

    monitor: str
    value: float


class TrainingSection(Section):
    optimizer: OptimizerOptions = Field(default="gradient_descent", validate_default=True)
    learning_rate: LearningRate = 0.01
    iterations: int | None = Field(default=None, ge=1, le=MOST_ITERATIONS)
    epochs: int | None = Field(default=None, ge=1, le=MOST_ITERATIONS)
    batch_size: BatchSize = "full"
    shuffle: bool = True
    l2: float = Field(default=0.0, ge=0)
    l1: float = Field(default=0.0, ge=0)
    max_norm: float | None = Field(default=None, gt=0)
    mixup: float = Field(default=0.0, ge=0, le=1000)
    clip_norm: float | None = Field(default=None, gt=0)
    clip_value: float | None = Field(default=None, gt=0)
    metrics: Annotated[list[MetricName], Field(min_length=1)] | None = None
    averaging: AverageOptions | None = None
    early_stopping: EarlyStopping | None = None
    target: Target | None = None
    max_time: Annotated[float, Field(gt=0), BeforeValidator(seconds)] | None = None
    log_every: Interval = "auto"


class ComputeSection(Section):
    precision: Literal["float32", "float64", "mixed"] = "float32"
    threads: Threads = "auto"
    reduce: Literal["auto", False] = "auto"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of parameters and data; `mixed` differs from float32 in the products alone."""
        return np.dtype("float32" if self.precision == "mixed" else self.precision)


class OutputSection(Section):
    directory: Annotated[str, AfterValidator(_path)] = "runs"
    plots: bool = True
    checkpoint_every: Interval = "auto"
    tensorboard: bool = False
    jsonl: bool = False


class Config(Section):
    """A whole config."""

    version: Literal[1] = 1
    name: Annotated[str, AfterValidator(_checked_name)] | None = None
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    data: DataSection
    model: ModelSection
    loss: LossOptions = Field(default="auto", validate_default=True)
    training: TrainingSection = TrainingSection()
    compute: ComputeSection = ComputeSection()
    output: OutputSection = OutputSection()

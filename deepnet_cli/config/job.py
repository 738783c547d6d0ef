"""All that a config means, as objects: what training, checking and explaining start from."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepnet_cli.blas.choice import product
from deepnet_cli.config import averaging
from deepnet_cli.config.architecture import (
    build_augmentations,
    build_clippings,
    build_initializers,
    build_network,
    build_penalties,
    resolve,
)
from deepnet_cli.config.checks import check_width
from deepnet_cli.config.datasets import NONE, Dataset, Tables, encode, read_tables
from deepnet_cli.config.document import Document
from deepnet_cli.config.figures import check_metrics, check_patience, measured
from deepnet_cli.config.foresight import check_memory, memory_needed
from deepnet_cli.config.inputs import inputs_of
from deepnet_cli.config.load import load_config, resolved
from deepnet_cli.config.pretrained import PLACE, read_pretrained, warn_of_changes
from deepnet_cli.config.rates import Rate, rate_of, schedule_of, settled
from deepnet_cli.config.reduction import reduced_features
from deepnet_cli.config.schema import MOST_ITERATIONS, Config
from deepnet_cli.config.source import Tree, directory_of, name_of
from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.data.files.hdf5 import kept_open, open_hdf5
from deepnet_cli.data.parameters import read_parameters
from deepnet_cli.errors import ConfigError, DeepnetError
from deepnet_cli.nn.metrics import DEFAULTS, HEADLINE, Metric
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.nn.unit_variance import FITTINGS
from deepnet_cli.optim.averages import Average, Averaged
from deepnet_cli.optim.clipping import Clipping
from deepnet_cli.optim.rule import Rule
from deepnet_cli.optim.schedule import Reductions
from deepnet_cli.optim.searches import RULES
from deepnet_cli.randomness import generator
from deepnet_cli.threads import fitting

if TYPE_CHECKING:
    from deepnet_cli.config.code import Code

ROWS_OF_HISTORY = 50
"""About how many iterations are logged where the config does not say."""


@dataclass(frozen=True)
class Job:
    """A config (resolved), its data, and what they make together."""

    config: Config
    directory: Path  # that the config's paths are relative to
    dataset: Dataset
    network: Network
    objective: Objective
    clippings: tuple[Clipping, ...]  # of the gradient, before the rule
    rule: Rule
    average: Average | None  # of the parameters, that the rule keeps
    batches: Batches
    iterations: int
    log_every: int
    reduced: int | None  # features that training has, where fewer than n[0] do (nn/span.py)
    memory: dict[str, int]  # bytes, by purpose
    warnings: list[str]  # what is likely a mistake, each with its place
    code: "Code | None"  # the user's own, that the network may be made of

    @cached_property
    def rate(self) -> Rate:
        """The learning rate of iteration i, counted from 0, after so many reductions."""
        return rate_of(self.config, self.batches.per_epoch, self.iterations)

    @property
    def running_metrics(self) -> dict[str, Metric]:
        """What the config asks for: measured on the batches as they go by."""
        return self.dataset.metrics(self.network.loss.kind, self.config.training.metrics or ())

    @property
    def metrics(self) -> dict[str, Metric]:
        """Of the validation set, in each row of the history."""
        kind = self.network.loss.kind
        return self.dataset.metrics(kind, measured(self.config.training, kind))

    @property
    def summary_metrics(self) -> dict[str, Metric]:
        """Of every part, at the end."""
        kind = self.network.loss.kind
        return self.dataset.metrics(kind, DEFAULTS[kind]) | self.metrics

    @property
    def headline(self) -> str:
        """The one metric that is shown: the first that the config asks for."""
        return next(iter(self.running_metrics), HEADLINE[self.network.loss.kind])

    @property
    def threads(self) -> int | None:
        """That products have in training: as many as are wanted, or as suit its layers and batches;
        None for all there are.
        """
        wanted, n = self.config.compute.threads, self.reduced or self.network.features
        suiting = fitting((n, *self.network.sizes[1:]), self.batches.size)
        return wanted if isinstance(wanted, int) else suiting

    def reductions(self) -> Reductions:
        """What counts the reductions that rows bring, before the first row."""
        return schedule_of(self.config).reductions(self.batches.per_epoch)

    def initial_theta(self) -> Array:
        """The first parameters (P,): read from a file as far as it goes; the others drawn with the
        seed, and for some fitted to the first batch.
        """
        model, layout, L = self.config.model, self.network.layout, len(self.network.layers)
        initializers = build_initializers(self.config, self.network)
        rng, dtype = generator(self.config.seed, "initialization"), self.dataset.encoding.dtype
        theta, read = self.network.initialize(initializers, rng).astype(dtype), 0
        if (start := model.initial_parameters) is not None:
            read, windows = start.layers or L, layout.views(theta)
            wanted = layout.until(read)
            with open_hdf5(resolved(start.file, self.directory)) as source:
                found = read_parameters(source, wanted, dtype, part=start.layers is not None)
            for name, block in wanted.views(found).items():
                windows[name][...] = block
        if read < L and (fit := FITTINGS.get(model.initialization.name)):
            (first,) = self.batches.deal(0, 1)
            fit(self.network, theta, first.X, first.iteration, read)
        return theta


def load_job(
    source: Path | Tree,
    settings: tuple[str, ...] = (),
    code: "Code | None" = None,
    at_hand: Tables = NONE,
) -> Job:
    """Read a config and its data; `code` was run before, and tables that are at hand are taken for
    what the config names.

    Raises ConfigError, DataError or MachineError.
    """
    with kept_open():
        config, document = load_config(source, settings, at_hand.keys())
        if config.name is None:
            config = config.model_copy(update={"name": name_of(source)})
        return build_job(config, document, directory_of(source), code, at_hand)


def build_job(
    config: Config,
    document: Document,
    directory: Path,
    code: "Code | None" = None,
    at_hand: Tables = NONE,
) -> Job:
    """The job of a checked config.  Nothing large is made before it is known to fit."""
    tables = read_tables(config, document, directory, at_hand)
    config = resolve(config, tables["train"])
    held = tables["train"].held
    data = config.data.model_copy(update={"stream": not held})
    config = config.model_copy(update={"data": data})
    pretrained = read_pretrained(config, document, directory)
    inputs = inputs_of(config, document, pretrained, tables["train"])
    network = build_network(config, inputs.features)
    check_metrics(document, config.training, network)

    training, m = config.training, tables["train"].m
    size = m if isinstance(training.batch_size, str) else min(training.batch_size, m)
    check_width(document, config.model, m, size)
    per_epoch = ceil(m / size)
    iterations = training.iterations or (training.epochs or 0) * per_epoch or 2500
    if iterations > MOST_ITERATIONS:
        problem = f"makes {iterations:,} iterations; at most {MOST_ITERATIONS:,}"
        raise document.error(("training", "epochs"), ConfigError(problem))
    config = settled(config, document, per_epoch, iterations)
    config = averaging.settled(config, document, per_epoch, iterations)
    log_every = _log_every(training.log_every, iterations, per_epoch)
    check_patience(document, config.training, ceil(iterations / log_every))
    average = averaging.average_of(config)
    rule: Any = training.optimizer.build(RULES)
    rule = Averaged(rule, average) if average else rule
    penalties = build_penalties(config, m)
    clippings = build_clippings(config)
    augmentations = build_augmentations(config)
    reduced = None
    if held:
        changing = penalties, clippings, augmentations, rule
        reduced = reduced_features(config, network, *changing, m, size)
    sizes = (reduced or network.features, *network.sizes[1:])
    network = network.multiplied_by(product(config.compute.precision, sizes, size))
    memory = memory_needed(config, network, rule, m, size, reduced)
    check_memory(memory, size, document)

    dataset = encode(tables, config, document, network, inputs)
    part = dataset.parts["train"]
    batches = Batches(part, size, config.seed, training.shuffle, augmentations)
    job = Job(
        config,
        directory,
        dataset,
        network,
        Objective(network, penalties),
        clippings,
        rule,
        average,
        batches,
        iterations,
        log_every,
        reduced,
        memory | {"data": sum(supply.nbytes for supply in dataset.parts.values())},
        document.warnings,
        code,
    )
    if pretrained is not None:
        try:
            job.initial_theta()
        except DeepnetError as error:
            raise document.error(PLACE, error) from None
        warn_of_changes(document, config.model, pretrained, dataset.encoding)
    return job


def _log_every(wanted: int | str, iterations: int, per_epoch: int) -> int:
    """`auto`: about 50 rows; whole epochs with mini-batches, else 1, 2 or 5 times 10^k."""
    if isinstance(wanted, int):
        return wanted
    about = max(1, iterations / ROWS_OF_HISTORY)
    if per_epoch > 1:
        return per_epoch * ceil(about / per_epoch)
    power = int(10 ** (len(str(int(about))) - 1))
    return next(k * power for k in (1, 2, 5, 10) if k * power >= about)

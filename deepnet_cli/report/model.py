"""What `deepnet inspect` says of a model: on one screen of 80 columns, and for JSON."""

from dataclasses import asdict, dataclass, replace
from string import ascii_letters
from textwrap import fill

import numpy as np

from deepnet_cli.config.schema import Config
from deepnet_cli.data.encoding.inputs import Inputs
from deepnet_cli.errors import listed, one_line, shortened
from deepnet_cli.memory import told
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.types import Array
from deepnet_cli.report.figures import COLUMNS, figures_text
from deepnet_cli.report.table import table
from deepnet_cli.training.kept.inspecting import ModelFile

MOST_BLOCKS = 16

TINY = 1e-3
"""Of the root mean square of W, below which a weight is tiny."""


@dataclass(frozen=True)
class Block:
    """One block of parameters.  Of W there are also g of its layer, the share of its weights that
    are tiny, and the number of its rows that are 0: units that see nothing.
    """

    name: str
    shape: tuple[int, ...]
    mean: float
    std: float
    min: float
    max: float
    activation: str | None = None
    tiny: float | None = None
    zero_rows: int | None = None

    @classmethod
    def of(cls, name: str, values: Array, network: Network) -> "Block":
        """That of some values, by its name in the network."""
        with np.errstate(all="ignore"):  # the largest numbers have no finite square
            mean, std, least, most = (float(f(values)) for f in (np.mean, np.std, np.min, np.max))
            rms = np.sqrt((values**2).mean())
        block = cls(name, values.shape, mean, std, least, most)
        if not name.startswith("W"):
            return block
        size = np.abs(values)
        return replace(
            block,
            activation=network.layers[int(name.lstrip(ascii_letters)) - 1].activation.name,
            tiny=float((size <= TINY * rms).mean()),
            zero_rows=int((size.max(axis=1) == 0).sum()),
        )

    @property
    def cells(self) -> list[object]:
        """A row of a table."""
        figures = [float(f"{v:.4g}") for v in (self.mean, self.std, self.min, self.max)]
        tiny = "" if self.tiny is None else f"{100 * self.tiny:.1f} %"
        rows = "" if self.zero_rows is None else str(self.zero_rows)
        return [self.name, self.activation or "", str(self.shape), *figures, tiny, rows]


def blocks(file: ModelFile) -> list[Block]:
    """Those of all layers, in their order."""
    network = file.model.network
    views = network.layout.views(file.model.theta.astype(np.float64))
    return [Block.of(name, views[name], network) for name, _ in network.layout.given]


def model_text(file: ModelFile, *, everything: bool) -> str:
    """What it is, its parameters, its figures."""
    model, network = file.model, file.model.network
    size = f"{network.layout.parameters.stop:,} parameters"
    lines = [
        f"{one_line(str(file.path))}: a model, {told(file.size)}, its sha256 matches",
        f"{model.config.name}: {'-'.join(map(str, network.sizes))}, {size}",
        training_line(model.config),
        f"trained on {model.examples:,} examples by deepnet {one_line(file.version)}; "
        f"{_inputs(model.encoding.inputs)}",
    ]
    if (classes := model.encoding.classes) is not None:
        lines.append(shortened(f"classes: {listed(classes.names)}", COLUMNS))
    every = blocks(file)
    shown = every if everything else every[:MOST_BLOCKS]
    heads = ["", "", "", "mean", "std", "min", "max", "tiny", "rows of 0"]
    text = table(heads, [block.cells for block in shown])
    if len(every) > len(shown):
        text += f"\nand {len(every) - len(shown):,} more: --all"
    parts = [
        "\n".join(
            fill(line, COLUMNS, subsequent_indent="  ", break_long_words=False) for line in lines
        ),
        text,
    ]
    if file.figures:
        parts.append(figures_text(file.figures))
    return "\n\n".join(parts)


def _inputs(inputs: Inputs) -> str:
    """What is done to x."""
    words = [f"scaling of x: {inputs.scaling.name}"]
    words += ["missing values are filled in"] if inputs.fill is not None else []
    many = len(inputs.categories.columns)
    words += [f"{many} column{'s' * (many > 1)} one-hot"] if many else []
    return ", ".join(words)


def model_json(file: ModelFile) -> dict[str, object]:
    """The keys are in docs/data/inspecting.md."""
    model, network = file.model, file.model.network
    classes = model.encoding.classes
    return {
        "kind": "model",
        "file": str(file.path),
        "bytes": file.size,
        "deepnet": file.version,
        "name": model.config.name,
        "layers": network.sizes,
        "activations": [layer.activation.name for layer in network.layers],
        "loss": network.loss.name,
        "optimizer": model.config.training.optimizer.name,
        "parameters": network.layout.parameters.stop,
        "trained": network.layout.trained.stop,
        "examples": model.examples,
        "columns": model.encoding.inputs.columns,
        "scaling": model.encoding.inputs.scaling.name,
        "imputed": model.encoding.inputs.fill is not None,
        "one_hot": model.encoding.inputs.categories.columns.tolist(),
        "classes": None if classes is None else list(classes.names),
        "figures": file.figures,
        "blocks": [asdict(block) for block in blocks(file)],
        "config": model.config.model_dump(mode="json"),
    }


def training_line(config: Config) -> str:
    """How a network is or was trained, in a line."""
    training = config.training
    rate = training.learning_rate
    told_rate = f"{rate:g}" if isinstance(rate, float) else f"{rate.initial:g}, {rate.schedule}"
    size = training.batch_size
    weights = getattr(config.loss, "class_weight", None)
    words = [
        config.loss.name,
        *(["balanced class weights" if weights == "balanced" else "class weights"] * bool(weights)),
        training.optimizer.name,
        f"rate {told_rate}",
        "full batch" if size == "full" else f"batches of {size}",
    ]
    words += [f"{key} {value:g}" for key in ("l2", "l1") if (value := getattr(training, key))]
    return ", ".join(words)

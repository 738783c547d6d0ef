"""What one key of a config asks of another.  Each check looks at sections that are valid
by themselves, and notes what it finds in the document.
"""

from collections.abc import Collection
from typing import Any

from deepnet_cli.config.data_schema import DataFile, DataSection, Fold, Fraction
from deepnet_cli.config.document import Document
from deepnet_cli.config.schema import (
    ModelSection,
    TrainingSection,
)
from deepnet_cli.errors import did_you_mean
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.metrics import METRICS

MONITORED = list(
    dict.fromkeys(["val_cost", *(f"val_{name}" for names in METRICS.values() for name in names)])
)
"""What early stopping can watch."""


def check_model(document: Document, model: ModelSection) -> None:
    """One activation a layer, and softmax where it belongs."""
    L = len(model.layers)
    listed = model.activations
    if isinstance(listed, list):
        if len(listed) != L:
            document.add(
                ("model", "activations"),
                f"{len(listed)} activations for {L} layers; give one for each of model.layers",
            )
        for l, layer in enumerate(model.layers):
            if layer.activation is not None:
                document.add(
                    ("model", "layers", l, "activation"),
                    "model.activations names this layer's activation too; keep one of them",
                )
    for l, name in enumerate(named_activations(model)):
        if name and ACTIVATIONS[name].link_only and l < L - 1:
            document.add(
                activation_path(model, l), f"{name} is for the output layer; use relu or tanh here"
            )
        if l == L - 1 and model.layers[l].dropout:
            document.add(
                ("model", "layers", l, "dropout"),
                "the output layer's units are the prediction; drop units of hidden layers only",
            )
        if name == "softmax" and l == L - 1 and model.layers[l].units == 1:
            document.add(
                activation_path(model, l),
                "softmax of one unit is always 1; use sigmoid, or one unit for each class",
            )


def check_frozen(document: Document, model: ModelSection) -> None:
    """A layer is left to train; what is frozen was trained before; a file fills what there is."""
    start, L = model.initial_parameters, len(model.layers)
    if start is not None and (start.layers or 0) > L:
        document.add(
            ("model", "initial_parameters", "layers"),
            f"{start.layers} of {L} layers; leave it out to read all of them",
        )
    read = 0 if start is None else start.layers or L
    frozen = [l for l, layer in enumerate(model.layers) if not layer.trainable]
    for l in frozen:
        if model.layers[l].rate_factor != 1:
            document.add(
                ("model", "layers", l, "rate_factor"),
                "a layer that is not trainable has no learning rate; leave rate_factor out",
            )
    drawn = [l for l in frozen if l >= read]
    if len(frozen) == L:
        document.add(
            ("model", "layers", frozen[-1], "trainable"),
            "no layer is trainable; leave the output layer at least",
        )
    elif drawn:
        document.warn(
            ("model", "layers", drawn[0], "trainable"),
            "this layer stays as it is drawn; model.initial_parameters reads layers from a file",
        )


def check_loss(document: Document, model: ModelSection, loss: str) -> None:
    """The loss takes what the output activation gives."""
    output = named_activations(model)[-1]
    link = LOSSES[loss].link.name if loss != "auto" else ""
    if output is None or not link or output == link:
        return
    if link == "linear" and not ACTIVATIONS[output].link_only:
        return  # a squared error of any numbers
    fitting = next((name for name, known in LOSSES.items() if known.link.name == output), "")
    advice = f"use loss {fitting}, or " if fitting else ""
    if link == "linear":
        link = "linear, tanh or sigmoid"
    document.add(
        ("loss",),
        f"{loss} does not fit the output activation {output}; {advice}output activation {link}",
    )


def check_training(document: Document, training: TrainingSection, data: DataSection | None) -> None:
    """Iterations or epochs; something to monitor."""
    if training.iterations is not None and training.epochs is not None:
        document.add(("training", "epochs"), "give iterations or epochs, not both")
    if training.early_stopping is None:
        return
    monitor = training.early_stopping.monitor
    if monitor not in MONITORED:
        document.add(
            ("training", "early_stopping", "monitor"),
            f"unknown figure '{monitor}'{did_you_mean(monitor, MONITORED)} "
            f"(one of {', '.join(MONITORED)})",
        )
    elif data is not None and data.validation is None:
        document.add(
            ("training", "early_stopping"),
            "needs a validation set; add 'validation: {fraction: 0.1}' under data",
        )


def check_batches(document: Document, training: TrainingSection, model: ModelSection) -> None:
    """A batch norm needs a batch."""
    if training.batch_size == 1 and any(layer.batch_norm for layer in model.layers):
        document.add(
            ("training", "batch_size"),
            "a batch norm needs the mean of several examples; use 2 or more, better 32",
        )


def check_data(document: Document, data: DataSection) -> None:
    """A fraction leaves examples to train on; file names are plain."""
    for part in ("train", "validation", "test"):
        where = getattr(data, part)
        if isinstance(where, DataFile) and where.file.startswith("~"):
            message = "'~' is not expanded here; write the full path"
            document.add(("data", part, "file"), message)
    held_out = [part for part in (data.validation, data.test) if part is not None]
    total = sum(_share(part) for part in held_out)
    if total >= 1:
        document.add(("data", "test"), "validation and test together leave nothing to train on")


def _share(part: DataFile | Fraction | Fold) -> float:
    """Of the training examples, that a held-out part takes."""
    if isinstance(part, Fold):
        return 1 / part.of
    return part.fraction if isinstance(part, Fraction) else 0.0


def named_activations(model: ModelSection) -> list[str | None]:
    """g[1] ... g[L] by name; None for an output activation that the data will decide."""
    if isinstance(model.activations, list):
        return [*model.activations]
    hidden: list[str | None] = [
        layer.activation or str(model.activations) for layer in model.layers[:-1]
    ]
    return [*hidden, model.layers[-1].activation]


def unregistered(tree: dict[str, Any]) -> list[str]:
    """The activations and the loss of a model file's config that are in no registry, told."""
    model = tree.get("model")
    activations = model.get("activations") if isinstance(model, dict) else []
    named: list[tuple[str, str, Collection[str]]]
    named = [("activation", name, ACTIVATIONS) for name in _words(activations)]
    named += [("loss", name, LOSSES) for name in _words([tree.get("loss", "auto")])]
    strange = [f"the {what} '{name}'" for what, name, known in named if name not in known]
    return list(dict.fromkeys(strange))


def _words(values: object) -> list[str]:
    every = values if isinstance(values, list) else [values]
    return [value for value in every if isinstance(value, str) and value != "auto"]


def activation_path(model: ModelSection, l: int) -> tuple[str | int, ...]:
    """Where the config names the activation of layer l (from 0)."""
    if isinstance(model.activations, list):
        return ("model", "activations", l)
    return ("model", "layers", l, "activation")

"""What one key of a config asks of another.  Each check looks at sections that are valid
by themselves, and notes what it finds in the document.
"""

from collections.abc import Collection
from typing import Any

from deepnet_cli.config.data_schema import DataFile, DataSection, Fold, Fraction, NamedRows
from deepnet_cli.config.document import Document
from deepnet_cli.config.options import Options
from deepnet_cli.config.schema import ComputeSection, LayerSpec, ModelSection, TrainingSection
from deepnet_cli.config.several_files import names_of
from deepnet_cli.errors import ConfigError
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.losses import LOSSES, ClassWeight
from deepnet_cli.threads import cores


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
    for l, (layer, g) in enumerate(zip(model.layers, named_activations(model), strict=False)):
        name = g.name if g else ""
        _check_layer(document, layer, l, name, last=l == L - 1)
        if name and ACTIVATIONS[name].link_only and l < L - 1:
            document.add(
                activation_path(model, l), f"{name} is for the output layer; use relu or tanh here"
            )
        if name == "softmax" and l == L - 1 and model.layers[l].units == 1:
            document.add(
                activation_path(model, l),
                "softmax of one unit is always 1; use sigmoid, or one unit for each class",
            )


def _check_layer(document: Document, layer: LayerSpec, l: int, g: str, *, last: bool) -> None:
    """What a layer has goes together, and with its activation g (l from 0)."""
    at = ("model", "layers", l)
    for kind in ("dropout", "alpha_dropout"):
        if last and getattr(layer, kind):
            document.add(
                (*at, kind),
                "the output layer's units are the prediction; drop units of hidden layers only",
            )
    if layer.dropout and layer.alpha_dropout:
        document.add((*at, "alpha_dropout"), "give dropout or alpha_dropout, not both")
    if layer.batch_norm and layer.layer_norm:
        document.add((*at, "layer_norm"), "give batch_norm or layer_norm, not both")
    if layer.layer_norm and layer.units == 1:
        document.add(
            (*at, "layer_norm"),
            "one unit is its own mean: its norm is always 0; use batch_norm, or more units",
        )
    if g == "selu" and layer.dropout:
        what = "dropout takes from selu the mean 0 and variance 1 that it is made to keep"
        document.warn((*at, "dropout"), f"{what}; use alpha_dropout")
    if g and g != "selu" and layer.alpha_dropout:
        what = "alpha_dropout moves what is dropped to where selu saturates"
        document.warn((*at, "alpha_dropout"), f"{what}, and this layer's activation is {g}")


def check_loss(document: Document, model: ModelSection, loss: str) -> None:
    """The loss takes what the output activation gives."""
    chosen = named_activations(model)[-1]
    if chosen is None or loss == "auto" or LOSSES[loss].takes(ACTIVATIONS[chosen.name]):
        return
    output = chosen.name
    fitting = next((name for name, known in LOSSES.items() if known.link.name == output), "")
    links = ["linear", "tanh", "sigmoid"]
    links = [name for name in links if LOSSES[loss].takes(ACTIVATIONS[name])]
    instead = [f"loss {fitting}"] if fitting else []
    instead.append(f"output activation {' or '.join(links) or LOSSES[loss].link.name}")
    reason = ", which does not treat both signs alike" if LOSSES[loss].scored else ""
    document.add(
        ("loss",),
        f"{loss} does not fit the output activation {output}{reason}; use {', or '.join(instead)}",
    )


def check_loss_options(document: Document, model: ModelSection, loss: Options) -> None:
    """Class weights for networks that tell classes apart, an output for each of several tau."""
    weights: ClassWeight = getattr(loss, "class_weight", None)
    tau, units = getattr(loss, "tau", None), model.layers[-1].units
    if weights == {}:
        problem = "the mapping is empty; give a number for each class, or balanced"
        document.add(("loss", "class_weight"), problem)
    elif weights is not None and LOSSES[loss.name].target == "binary" and units > 1:
        document.add(
            ("loss", "class_weight"),
            "labels that do not exclude each other are no classes of examples; "
            "data.train.weights weighs the examples themselves",
        )
    if isinstance(tau, tuple) and len(tau) != units:
        document.add(
            ("model", "layers", len(model.layers) - 1),
            f"{units} units, but loss.tau names {len(tau)} quantiles; give a unit for each",
        )


def check_training(document: Document, training: TrainingSection) -> None:
    """Iterations or epochs."""
    if training.iterations is not None and training.epochs is not None:
        document.add(("training", "epochs"), "give iterations or epochs, not both")


def check_compute(document: Document, compute: ComputeSection) -> None:
    """Threads have a core each."""
    if isinstance(compute.threads, int) and compute.threads > (there := cores()):
        document.warn(
            ("compute", "threads"),
            f"{compute.threads} threads on {there} {'core' if there == 1 else 'cores'} wait for "
            "each other, and a step may take a hundred times as long; use auto",
        )


def check_batches(document: Document, training: TrainingSection, model: ModelSection) -> None:
    """A batch norm needs a batch, and so does mixup."""
    if training.batch_size == 1 and any(layer.batch_norm for layer in model.layers):
        document.add(
            ("training", "batch_size"),
            "a batch norm needs the mean of several examples; use 2 or more, better 32",
        )
    if training.batch_size == 1 and training.mixup:
        document.add(
            ("training", "mixup"), "mixes the examples of a batch; use a batch_size of 2 or more"
        )


def check_width(document: Document, model: ModelSection, m: int, size: int) -> None:
    """No batch of m examples, dealt by `size`, is too small for a batch norm."""
    normed = [l for l, layer in enumerate(model.layers) if layer.batch_norm]
    if not normed:
        return
    if m == 1:
        problem = "needs the mean of several examples, and there is one to train on; use layer_norm"
        place = ("model", "layers", normed[0], "batch_norm")
        raise document.error(place, ConfigError(problem))
    if m % size == 1:
        better = next(other for other in range(size + 1, m + 1) if m % other != 1)
        document.warn(
            ("training", "batch_size"),
            f"{m:,} examples leave a last batch of one, of which a batch norm makes its shift: "
            f"nothing below learns from it; use batch_size {better}",
        )


def check_data(document: Document, data: DataSection) -> None:
    """Fractions leave something to train on, what came last has no strata, file names are plain."""
    for part in ("train", "validation", "test"):
        where = getattr(data, part)
        named = where.file if isinstance(where, DataFile | NamedRows) else None
        if any(name.startswith("~") for name in names_of(named or [])):
            message = "'~' is not expanded here; write the full path"
            document.add(("data", part, "file"), message)
        if isinstance(where, Fraction | Fold) and where.stratify and data.in_order(where):
            order = "take: last" if where.take == "last" else "data.train.times"
            document.add(
                ("data", part, "stratify"),
                f"{order} holds out what came last, so that classes cannot have their shares; "
                "leave one of the two out",
            )
    held_out = [part for part in (data.validation, data.test) if part is not None]
    total = sum(_share(part) for part in held_out)
    if total >= 1:
        document.add(("data", "test"), "validation and test together leave nothing to train on")


def _share(part: DataFile | NamedRows | Fraction | Fold) -> float:
    """Of the training examples, that a held-out part takes."""
    if isinstance(part, Fold):
        return 1 / part.of
    return part.fraction if isinstance(part, Fraction) else 0.0


def named_activations(model: ModelSection) -> list[Options | None]:
    """g[1] ... g[L], as chosen; None for an output activation that the data will decide."""
    if isinstance(model.activations, list):
        return [*model.activations]
    hidden: list[Options | None] = [
        layer.activation or model.activations for layer in model.layers[:-1]
    ]
    return [*hidden, model.layers[-1].activation]


def settled_activations(model: ModelSection) -> list[Options]:
    """g[1] ... g[L] of a resolved config, which leaves none open."""
    return [chosen for chosen in named_activations(model) if chosen is not None]


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
    names = [value.get("name") if isinstance(value, dict) else value for value in every]
    return [name for name in names if isinstance(name, str) and name != "auto"]


def activation_path(model: ModelSection, l: int) -> tuple[str | int, ...]:
    """Where the config names the activation of layer l (from 0)."""
    if isinstance(model.activations, list):
        return ("model", "activations", l)
    return ("model", "layers", l, "activation")

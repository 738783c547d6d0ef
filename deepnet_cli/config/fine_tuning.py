"""What a config says of layers that were trained before: which are read, which stay as they are."""

from itertools import product

from deepnet_cli.config.data_schema import DataSection
from deepnet_cli.config.document import Document
from deepnet_cli.config.schema import LayerSpec, ModelSection

OF_TRAINING = ("rate_factor", "l2", "l1", "max_norm")
"""The keys of a layer that say how it is trained."""


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
    for l, key in product(frozen, OF_TRAINING):
        if getattr(model.layers[l], key) != LayerSpec.model_fields[key].default:
            document.add(
                ("model", "layers", l, key),
                f"a layer that is not trainable stays as it is; leave {key} out",
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


def check_scale(document: Document, data: DataSection, model: ModelSection) -> None:
    """A scaling that is taken over is taken from somewhere, with all that is done to x."""
    if not data.takes_over:
        return
    if model.initial_parameters is None:
        document.add(
            ("data", "scale"),
            "is that of model.initial_parameters, which is not there; "
            "name the model.h5 to start from, or another scaling",
        )
    given = {
        "impute": data.impute.name != "refuse",
        "missing": data.missing is not None,
        "one_hot": data.one_hot is not None,
    }
    for key in (key for key, is_given in given.items() if is_given):
        problem = "with scale: initial x is encoded as in model.initial_parameters; leave it out"
        document.add(("data", key), problem)

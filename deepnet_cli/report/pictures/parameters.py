"""Pictures of the weights: how they are spread in each layer, and what the first one looks for."""

from math import isqrt

import numpy as np

from deepnet_cli.nn.types import Array
from deepnet_cli.report.pictures.panels import Chart, Panel, Series, Tiles
from deepnet_cli.report.pictures.trained import Trained

MOST_BINS = 60
MOST_TILES = 64
LEAST = 4
"""Pixels that the sides of an image have at least."""


def weights(run: Trained) -> list[Panel]:
    """A histogram for each layer."""
    charts, layout, theta = list[Panel](), run.model.network.layout, run.model.theta
    for name, W in layout.views(theta).items():
        if name.startswith("W"):
            counts, edges = np.histogram(W.astype(np.float64), min(MOST_BINS, 2 * isqrt(W.size)))
            x, y = np.repeat(edges, 2)[1:-1], np.repeat(counts, 2)
            title = f"{name} ({W.shape[0]}, {W.shape[1]}), deviation {W.std():.3g}"
            charts.append(Chart(title, "weight", "how many", (Series("", x, y, "area"),)))
    return charts


def first_layer(run: Trained) -> list[Panel]:
    """The weights of each unit of the first layer, as a picture of its input; of many units those
    with the largest ones.
    """
    if (shape := image_shape(run)) is None:
        raise ValueError(no_image(run))
    W = run.model.network.layout.views(run.model.theta)["W1"]
    chosen = np.sort(np.argsort(-(W**2).sum(axis=1), kind="stable")[:MOST_TILES])
    of = f"{len(chosen)} of {len(W)} units" if len(chosen) < len(W) else f"{len(W)} units"
    return [Tiles(f"weights of the first layer, {of}", as_images(W[chosen], shape))]


def image_shape(run: Trained) -> tuple[int, ...] | None:
    """(h, w), (h, w, 3) or (3, h, w), where an example is an image: as it was said, or as it stands
    in the file.
    """
    inputs = run.model.encoding.inputs
    shape = tuple(side for side in run.image or inputs.example if side != 1)
    whole = int(np.prod(shape)) == inputs.features == inputs.columns
    return shape if whole and is_image(shape) else None


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether it is (h, w), (h, w, 3) or (3, h, w)."""
    sides = [*shape]
    if len(shape) == 3 and 3 in (shape[0], shape[-1]):
        sides.pop(-1 if shape[-1] == 3 else 0)
    return len(sides) == 2 and min(sides) >= LEAST


def as_images(rows: Array, shape: tuple[int, ...]) -> Array:
    """Rows (n, features) as images (n, h, w) or (n, h, w, 3)."""
    tiles = rows.reshape(len(rows), *shape)
    return np.moveaxis(tiles, 1, -1) if len(shape) == 3 and shape[-1] != 3 else tiles


def no_model(run: Trained) -> str:
    """Nothing: every model has weights.  Raises DataError where there is none."""
    _ = run.model
    return ""


def no_image(run: Trained) -> str:
    """Why the first layer's weights are no images; nothing where it is."""
    if image_shape(run) is not None:
        return ""
    inputs = run.model.encoding.inputs
    if run.image is not None:
        asked = "x".join(map(str, run.image))
        return f"an example has {inputs.features} features, of which --image {asked} makes none"
    shape, side = "x".join(map(str, inputs.example)), isqrt(inputs.features)
    asked = f"{side}x{side}" if side**2 == inputs.features else "HxW"
    return f"its examples ({shape}) are no images; if they are flattened ones: --image {asked}"

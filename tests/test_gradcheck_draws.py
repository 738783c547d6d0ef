"""No false alarm: the check passes whatever a config may say, drawn from its whole vocabulary."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli import deepnet
from drawn import write
from points import rngs

from deepnet_cli.config.checks import settled_activations
from deepnet_cli.config.draws import LAYER, LIMITS, MODEL, draw
from deepnet_cli.nn.activations import ACTIVATION_OPTIONS, ACTIVATIONS
from deepnet_cli.nn.gradcheck.report import LARGEST, check
from deepnet_cli.nn.gradcheck.trace import Point
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.losses import LOSS_OPTIONS, LOSSES
from deepnet_cli.nn.penalties import PENALTIES

BLOCK, QUICK, ALL = 20, 60, 500
"""Draws of a test; of the quick suite; of `pytest -m long` beside them."""

blocks = pytest.mark.parametrize(
    "start",
    [
        *range(0, QUICK, BLOCK),
        *(pytest.param(start, marks=pytest.mark.long) for start in range(QUICK, ALL, BLOCK)),
    ],
)


@blocks
def test_no_false_alarm(start: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the whole check, whatever the network, its scale and its data."""
    monkeypatch.setattr("deepnet_cli.nn.gradcheck.crosscheck.MOST_ENTRIES", 4)
    for seed in range(start, start + BLOCK):
        drawn = draw(seed)
        report = check(drawn.point, rngs(seed))
        if "has no derivative" in report.undetermined:  # exp of large numbers
            assert not max(_cost(drawn.point), _cost(drawn.point.evaluation)) < LARGEST
        elif report.wrong or report.undetermined:
            pytest.fail(f"{report.undetermined}\n{report.culprit}\n{write(drawn, tmp_path)}")


def _cost(point: Point) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return point.cost()


def test_draws_are_of_every_kind() -> None:
    """Of every name, option, key of a layer and number of examples that there is."""
    drawn = [draw(seed) for seed in range(300)]
    networks = [each.point.objective.network for each in drawn]
    assert {layer.activation.name for n in networks for layer in n.layers} == {*ACTIVATIONS}
    assert {network.loss.name for network in networks} == {*LOSSES}
    assert {each.config.model.initialization.name for each in drawn} == {"auto", *INITIALIZERS}
    assert {p.name for each in drawn for p in each.point.objective.penalties} == {*PENALTIES}
    layers = [layer for each in drawn for layer in each.tree["model"]["layers"]]
    assert {key for layer in layers for key in layer} == {*LAYER}
    losses = [each.config.loss for each in drawn]
    activations = [g for each in drawn for g in settled_activations(each.config.model)]
    options: Any
    for chosen, name, options in [
        *((losses, *pair) for pair in LOSS_OPTIONS.items()),
        *((activations, *pair) for pair in ACTIVATION_OPTIONS.items()),
    ]:
        varied = {key for c in chosen if c.name == name for key in c.model_fields_set - {"name"}}
        assert varied == {field.name for field in fields(options)}, name
    written = [each.tree["loss"] for each in drawn if isinstance(each.tree["loss"], dict)]
    forms = {(key, type(value)) for loss in written for key, value in loss.items()}
    assert forms > {("class_weight", str), ("class_weight", dict), ("tau", float), ("tau", list)}
    assert {key for each in drawn for key in each.tree["model"]} == {*MODEL} - {"activations"}
    assert {key for each in drawn for key in each.tree["training"]} == {*LIMITS, *PENALTIES}
    assert any(each.weights is not None for each in drawn)
    assert {each.X.shape[1] for each in drawn} >= {1, 2, 21}


def test_a_draw_can_be_typed(tmp_path: Path) -> None:
    """Its files and command make the same network at the same point: the gradients are the same."""
    told = 0
    for seed in range(60):
        drawn = draw(seed)
        kinds = {op.kind for op in drawn.point.objective.network.ops}
        dropped = any("dropout" in kind for kind in kinds)
        if drawn.X.shape[1] < 8 or dropped:  # masks go by the place of an example
            continue
        command, _, _ = write(drawn, tmp_path).partition("\n")
        result = deepnet(*command.split()[1:], "--json")
        if result.code == 3:  # labels that a file of so few examples does not make clear
            continue
        assert result.code in (0, 5), result.err
        nodes = json.loads(result.out)["nodes"]
        verdicts = check(drawn.point, rngs(seed)).verdicts
        assert [node["name"] for node in nodes] == [v.node.name for v in verdicts]
        norms = [float(np.linalg.norm(v.node.gradient)) for v in verdicts]
        np.testing.assert_allclose([n["norm"] for n in nodes], norms, rtol=1e-8, atol=1e-14)
        told += 1
    assert told >= 5

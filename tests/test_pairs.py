"""Every output activation with every loss: it trains, or is refused with what fits."""

from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest
from networks import labels_for, network_of, start
from samples import write_config

from deepnet_cli.config.job import load_job
from deepnet_cli.errors import ConfigError
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.losses import LOSSES, made_loss
from deepnet_cli.nn.objective import Objective

PAIRS = list(product(ACTIVATIONS, LOSSES))
TAKEN = [pair for pair in PAIRS if LOSSES[pair[1]].takes(ACTIVATIONS[pair[0]])]

SENSIBLE = {
    "sigmoid": {"binary_cross_entropy", "focal"},
    "softmax": {"cross_entropy", "categorical_focal"},
    "exp": {"poisson"},
}
"""What each output activation that some loss carries is for, beside numbers."""

NUMBERS = {"mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "quantile"}
SCORES = {"hinge", "squared_hinge", "multi_margin"}


def test_which_pairs_are_taken() -> None:
    """A list by hand: numbers from anything but softmax and exp, scores where signs are alike."""
    for output, loss in PAIRS:
        sensible = set(SENSIBLE.get(output, ()))
        sensible |= NUMBERS if output not in ("softmax", "exp") else set()
        sensible |= SCORES if output in ("linear", "tanh", "softsign", "hard_tanh") else set()
        assert ((output, loss) in TAKEN) is (loss in sensible), (output, loss)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config without output activation and loss, to be set."""
    with h5py.File(tmp_path / "blobs.h5", "w") as file:
        file["x"], file["y"] = np.random.default_rng(3).normal(size=(12, 4)), np.arange(12) % 3
    return write_config(tmp_path / "c.yaml")


@pytest.mark.parametrize(("output", "loss"), [pair for pair in PAIRS if pair not in TAKEN])
def test_a_pair_that_makes_no_sense_is_refused(config: Path, output: str, loss: str) -> None:
    """By the config with words that help: each loss and each activation named does fit."""
    settings = (f"model.activations=[tanh, {output}]", f"loss={loss}")
    with pytest.raises(ConfigError) as refused:
        load_job(config, settings)
    _, _, advice = str(refused.value).partition(f"{loss} does not fit the output activation ")
    assert advice.startswith(output)
    words = set(advice.partition("; use ")[2].replace(",", " ").split())
    losses, outputs = words & set(LOSSES), words & set(ACTIVATIONS)
    assert outputs
    assert all(LOSSES[loss].takes(ACTIVATIONS[fitting]) for fitting in outputs)
    assert all(LOSSES[fitting].takes(ACTIVATIONS[output]) for fitting in losses)
    with pytest.raises(ValueError, match="does not take"):
        network_of((4, 3), ACTIVATIONS["tanh"], ACTIVATIONS[output], LOSSES[loss])


@pytest.mark.parametrize(("output", "loss"), TAKEN)
def test_a_pair_that_is_taken_descends_its_gradient(
    output: str, loss: str, rng: np.random.Generator
) -> None:
    """The gradient is the complex derivative of J, and two small steps along it lower J."""
    network = network_of((4, 5, 3), ACTIVATIONS["tanh"], ACTIVATIONS[output], made_loss(loss))
    theta, objective = start(network, rng), Objective(network)
    X, Y = rng.normal(size=(4, 12)), labels_for(network.loss, 3, 12, rng)
    costs = []
    for _ in range(2):
        J, grad = objective(theta, X, Y)
        v = rng.normal(size=theta.size)
        slope = objective.cost(theta + 1e-20j * v, X, Y).imag / 1e-20
        assert grad @ v == pytest.approx(slope, rel=1e-10, abs=1e-14)
        costs.append(J.real)
        theta -= 1e-3 * grad
    costs.append(objective.cost(theta, X, Y).real)
    assert costs[0] > costs[1] > costs[2]

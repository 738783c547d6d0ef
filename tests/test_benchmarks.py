"""The benchmark against peers: all of them train the same, and what it prints."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.neural_network import _multilayer_perceptron

from benchmarks.peers import processes
from benchmarks.peers.cases import Training, he, read_initial
from benchmarks.peers.deepnet import float32
from benchmarks.peers.figure import figure
from benchmarks.peers.floor import Floor
from benchmarks.peers.measure import measure
from benchmarks.peers.peers import STEPS, Contest, Peer
from benchmarks.peers.processes import Worker
from benchmarks.peers.reference import cost, gradient
from benchmarks.peers.scikit import Scikit
from benchmarks.peers.table import table

TINY = [
    Training("sigmoid", (6, 8, 5, 1), 64, 16, "adam", rate=0.01, steps=8),
    Training("softmax", (6, 8, 3), 64, 64, "gradient_descent", rate=0.1, steps=8),
]
tiny = pytest.mark.parametrize("case", TINY, ids=[case.name for case in TINY])


@tiny
def test_reference_gradient_is_the_derivative_of_its_cost(case: Training) -> None:
    rng = np.random.default_rng(2)
    p = {name: block.astype(np.float64) for name, block in he(case.sizes, rng).items()}
    data = case.examples(rng)
    direction = {name: rng.standard_normal(block.shape) for name, block in p.items()}
    h = 1e-6
    ahead, behind = ({k: p[k] + s * h * direction[k] for k in p} for s in (1, -1))
    slope = (cost(ahead, data.x, data.y) - cost(behind, data.x, data.y)) / (2 * h)
    g = gradient(p, data.x.astype(np.float64), data.y)
    assert slope == pytest.approx(sum((g[k] * direction[k]).sum() for k in p), rel=1e-6)


@tiny
def test_deepnet_and_scikit_learn_reach_the_cost_of_the_reference(
    case: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_multilayer_perceptron, "shuffle", _multilayer_perceptron.shuffle)
    case.write(tmp_path)
    assert case.error(tmp_path, read_initial(tmp_path)) > 0.01  # untrained: it is no match
    for peer in (float32(case, tmp_path), Scikit(case, tmp_path)):
        peer.run(1)
        assert case.error(tmp_path, peer.outcome()) < 1e-3


@tiny
def test_the_floor_makes_every_product_of_a_step(case: Training, tmp_path: Path) -> None:
    case.write(tmp_path)
    floor = Floor(case, tmp_path)
    floor.run(1)
    assert len(floor.products) == 3 * (len(case.sizes) - 1) - 1
    made = sum(2 * left.size * right.shape[1] for left, right, _ in floor.products)
    weights = [a * b for a, b in zip(case.sizes, case.sizes[1:], strict=False)]
    assert made == 2 * case.batch * (3 * sum(weights) - weights[0])
    for left, right, out in floor.products:
        np.testing.assert_allclose(out, left @ right, rtol=1e-4, atol=1e-4)


@pytest.mark.long
def test_a_contest_is_timed_told_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "TIMING", 0.01)
    peers = {
        "deepnet": STEPS["deepnet"],
        "floor": Peer("floor:Floor"),
        "missing": Peer("floor:Floor", ("no-such-package",)),
        "broken": Peer("floor:Nothing"),
    }
    held = measure(Contest(TINY[0], Worker, peers, trials=1), list(peers), rounds=2)
    assert [result.peer for result in held.results] == ["deepnet", "floor"]
    assert held.results[0].ratio == 1.0
    assert held.results[0].agrees
    assert held.refused["missing"] == "not installed: no-such-package"
    assert "Nothing" in held.refused["broken"]
    text = table(held)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert all(peer in text for peer in peers)
    figure([held], "here", tmp_path / "benchmark.png")
    assert (tmp_path / "benchmark.png").read_bytes().startswith(b"\x89PNG")

"""PyTorch: eager, compiled by torch.compile, and eager in mixed precision (bf16).

As its tuning guide has it: a fused optimizer, gradients set to None, no cost read back, and
the data as tensors, since DataLoader costs more than these steps.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.peers.cases import Prediction, Training, read_data, read_initial, read_rows
from benchmarks.peers.reference import Array
from benchmarks.peers.threads import threads

Step = Callable[[Any, Any], None]


class Torch:
    """A model with its data and its order: one tensor of row numbers for each batch."""

    def __init__(self, case: Training, directory: Path) -> None:
        torch.set_num_threads(threads())
        self.case, data = case, read_data(directory)
        self.x, self.y = torch.from_numpy(data.x), torch.from_numpy(data.y)
        self.loss: Any = nn.CrossEntropyLoss()
        if case.sizes[-1] == 1:
            self.y, self.loss = self.y.float()[:, None], nn.BCEWithLogitsLoss()
        layers: list[Any] = []
        for n, before in zip(case.sizes[1:], case.sizes, strict=False):
            layers += [nn.Linear(before, n), nn.ReLU()]
        self.model: Any = nn.Sequential(*layers[:-1])
        with torch.no_grad():
            for l, layer in enumerate(layers[:-1:2], 1):
                for block, name in ((layer.weight, f"W{l}"), (layer.bias, f"b{l}")):
                    block.copy_(torch.from_numpy(read_initial(directory)[name]))
        rule = {"adam": torch.optim.Adam, "gradient_descent": torch.optim.SGD}[case.optimizer]
        self.optimizer: Any = rule(self.model.parameters(), lr=case.rate, fused=True)
        self.order = torch.arange(case.m).split(case.batch)
        self.step: Step = self.eager

    def eager(self, x: Any, y: Any) -> None:
        """One update."""
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def run(self, times: int) -> None:
        for _ in range(times * self.case.epochs):
            if len(self.order) == 1:
                self.step(self.x, self.y)
                continue
            for rows in self.order:
                self.step(self.x[rows], self.y[rows])

    def outcome(self) -> dict[str, Array]:
        named = zip(self.model.parameters(), self.names(), strict=True)
        return {name: block.detach().numpy() for block, name in named}

    def names(self) -> list[str]:
        """W1, b1, W2, ..."""
        return [f"{stem}{l}" for l in range(1, len(self.case.sizes)) for stem in "Wb"]


def eager(case: Training, directory: Path) -> Torch:
    return Torch(case, directory)


def bf16(case: Training, directory: Path) -> Torch:
    """torch.autocast: products in bfloat16, parameters and update in float32."""
    peer = Torch(case, directory)

    def step(x: Any, y: Any) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = peer.loss(peer.model(x), y)
        loss.backward()
        peer.optimizer.step()
        peer.optimizer.zero_grad()

    peer.step = step
    return peer


class Predictor:
    """Eager, in inference mode."""

    def __init__(self, case: Prediction, directory: Path) -> None:
        self.model = Torch(case, directory).model.eval()
        self.x, self.batch = torch.from_numpy(read_rows(directory)), case.batch
        self.A = torch.empty(len(self.x), case.sizes[-1])

    def run(self, times: int) -> None:
        with torch.inference_mode():
            for _ in range(times):
                batches = zip(self.x.split(self.batch), self.A.split(self.batch), strict=True)
                for x, A in batches:
                    torch.softmax(self.model(x), dim=1, out=A)

    def outcome(self) -> dict[str, Array]:
        return {"A": self.A[:1000].numpy()}

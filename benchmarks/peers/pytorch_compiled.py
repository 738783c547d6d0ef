"""PyTorch compiled: gather, forward, backward (torch.func) and update in one graph.

Compiling the model alone and leaving backward() and the optimizer as they are is slower.
"""

from pathlib import Path
from typing import Any

import torch
from torch.func import functional_call, grad

from benchmarks.peers.cases import Training
from benchmarks.peers.pytorch import Torch

Blocks = dict[str, Any]


class Compiled(Torch):
    """The same model; its parameters are updated in place by the compiled step."""

    def __init__(self, case: Training, directory: Path) -> None:
        super().__init__(case, directory)
        p: Blocks = {name: block.detach() for name, block in self.model.named_parameters()}
        m: Blocks = {name: torch.zeros_like(block) for name, block in p.items()}
        v: Blocks = {name: torch.zeros_like(block) for name, block in p.items()}
        t: Any = torch.zeros(())

        def cost(p: Blocks, x: Any, y: Any) -> Any:
            return self.loss(functional_call(self.model, p, (x,)), y)

        def adam(g: Blocks) -> None:
            t.add_(1)
            a, b = case.rate / (1 - 0.9**t), 1 / (1 - 0.999**t)
            for name in p:
                m[name].mul_(0.9).add_(g[name], alpha=0.1)
                v[name].mul_(0.999).addcmul_(g[name], g[name], value=0.001)
                p[name].sub_(a * m[name] / ((v[name] * b).sqrt() + 1e-8))

        def plain(g: Blocks) -> None:
            for name in p:
                p[name].sub_(g[name], alpha=case.rate)

        update = adam if case.optimizer == "adam" else plain

        def full(x: Any, y: Any) -> None:
            update(grad(cost)(p, x, y))

        def gathered(x: Any, y: Any, rows: Any) -> None:
            update(grad(cost)(p, x[rows], y[rows]))

        self.full: Any = torch.compile(full, fullgraph=True)
        self.gathered: Any = torch.compile(gathered, fullgraph=True)

    def run(self, times: int) -> None:
        for _ in range(times * self.case.epochs):
            if len(self.order) == 1:
                self.full(self.x, self.y)
                continue
            for rows in self.order:
                self.gathered(self.x, self.y, rows)

"""JAX: all steps of a run in one compiled lax.scan, its state donated."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

from benchmarks.peers.cases import Training, read_data, read_initial
from benchmarks.peers.reference import Array
from benchmarks.peers.threads import threads


class Jax:
    """The state (p, m, v, t) on the device, and the compiled run."""

    def __init__(self, case: Training, directory: Path) -> None:
        use_threads()
        data, start = read_data(directory), read_initial(directory)
        self.layers = range(1, len(case.sizes))
        p = [(jnp.asarray(start[f"W{l}"].T), jnp.asarray(start[f"b{l}"])) for l in self.layers]
        zeros = jax.tree.map(jnp.zeros_like, p)
        adam = case.optimizer == "adam"
        self.state: Any = (p, zeros, jax.tree.map(jnp.copy, zeros), 0) if adam else (p,)
        self.x, self.y = jnp.asarray(data.x), jnp.asarray(data.y)
        order = np.resize(np.arange(case.m), (case.steps, case.batch))
        self.order = jnp.asarray(order if case.batch < case.m else order[:, :0])
        update = adam_update if adam else plain_update

        def step(state: Any, rows: Any, x: Any, y: Any) -> tuple[Any, None]:
            if rows.size:
                x, y = x[rows], y[rows]
            return update(state, jax.grad(cost)(state[0], x, y), case.rate), None

        def run(state: Any, order: Any, x: Any, y: Any) -> Any:
            return lax.scan(lambda s, rows: step(s, rows, x, y), state, order)[0]

        self.compiled: Any = jax.jit(run, donate_argnums=0)

    def run(self, times: int) -> None:
        for _ in range(times):
            self.state = self.compiled(self.state, self.order, self.x, self.y)
        jax.block_until_ready(self.state)

    def outcome(self) -> dict[str, Array]:
        p = dict(zip(self.layers, self.state[0], strict=True))
        W = {f"W{l}": np.asarray(W).T for l, (W, _) in p.items()}
        return W | {f"b{l}": np.asarray(b) for l, (_, b) in p.items()}


def use_threads() -> None:
    """JAX has a thread for every core that it may use when it starts, and no other setting."""
    if not hasattr(os, "sched_setaffinity"):
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[: threads()])
    jax.devices()
    for thread in Path("/proc/self/task").iterdir():  # the threads are made: let them move
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), allowed)


def cost(p: Any, x: Any, y: Any) -> Any:
    """J of a batch."""
    for W, b in p[:-1]:
        x = nn.relu(x @ W + b)
    W, b = p[-1]
    Z = x @ W + b
    if Z.shape[1] == 1:
        return jnp.mean(nn.softplus(Z[:, 0]) - y * Z[:, 0])
    return -jnp.mean(jnp.take_along_axis(nn.log_softmax(Z), y[:, None], axis=1))


def plain_update(state: Any, g: Any, rate: float) -> Any:
    """W -= rate dW"""
    return (jax.tree.map(lambda p, g: p - rate * g, state[0], g),)


def adam_update(state: Any, g: Any, rate: float) -> Any:
    """Kingma and Ba, 2015, algorithm 1."""
    p, m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    a, b = rate / (1 - 0.9**t), 1 / (1 - 0.999**t)
    p = jax.tree.map(lambda p, m, v: p - a * m / (jnp.sqrt(v * b) + 1e-8), p, m, v)
    return p, m, v, t

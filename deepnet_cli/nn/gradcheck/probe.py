"""Numerical derivatives of J in one direction, by the complex step.

    d/dv J = Im J(node + i h v) / h,      h = 1e-20

There is no subtraction, so no digit is lost and h need not be weighed against rounding
(Squire and Trapp, 1998; Martins, Sturdza and Alonso, 2003).  J is computed by the very
steps that train, entered at the node.  A switch such as relu's looks at the real part,
which is set back to the traced value behind each step: h^2 would move a 0 off its kink.

A step with an activation that complex numbers cannot go through is replaced by its
tangent: the value it had, and as slope its own central differences, extrapolated.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from deepnet_cli.nn.differences import slopes
from deepnet_cli.nn.gradcheck.trace import Node, Trace
from deepnet_cli.nn.network import Network, Workspace
from deepnet_cli.nn.ops.op import Windows
from deepnet_cli.nn.types import Array

H = 1e-20
COMPLEX: np.dtype[np.generic] = np.dtype(np.complex128)


@dataclass(frozen=True)
class Probe:
    """J around the point of a trace."""

    trace: Trace

    @cached_property
    def network(self) -> Network:
        return self.trace.point.objective.network

    @cached_property
    def work(self) -> Workspace:
        """Complex buffers, with the masks of the trace."""
        work = self.network.workspace(self.trace.point.m, COMPLEX)
        self.network.draw(work, self.trace.point.step)
        return work

    @cached_property
    def tangents(self) -> dict[int, Array]:
        """The numerical slope of each step that has no complex form, at its input."""
        found = {}
        for k, op in enumerate(self.network.ops):
            if not op.complex_step:
                found[k] = tangent(op, self.trace.values[k])
        return found

    @cached_property
    def copies(self) -> dict[str, Array]:
        """The complex copy of the node that was moved last, or of all parameters."""
        return {}

    @property
    def method(self) -> str:
        """What the derivatives are, in words."""
        named = {
            self.network.layers[self.network.ops[k].layer - 1].activation.name
            for k in self.tangents
        }
        loss = self.network.loss
        names = sorted(named | (set() if loss.complex_step else {loss.name}))
        return "complex step" + (f"; central differences for {', '.join(names)}" if names else "")

    def slope(self, node: Node, v: Array) -> float:
        """dJ in the direction v, an array of the node's shape, without penalties."""
        return self._followed(*self.moved(node, v), node.step)

    def slope_of_all(self, v: Array) -> float:
        """dJ with all parameters that are trained moved together, in the direction v (P',)."""
        layout, p = self.network.layout, dict(self.trace.p)
        for name in layout.names:
            if name not in self.copies:
                self.copies[name] = np.ascontiguousarray(p[name], COMPLEX)
            p[name] = self.copies[name]
            np.multiply(v[layout.places[name]].reshape(p[name].shape), H, out=p[name].imag)
        return self._followed(p, self.trace.values[0].astype(COMPLEX, "C"), 0)

    def handed(self, node: Node, v: Array) -> float:
        """<dU, (dU/dV) v>: what the node's own step makes of the derivative it was handed.

        For the scores, which no step made, it is dJ.
        """
        if node.source is None:
            return self.slope(node, v)
        p, V = self.moved(node, v)
        with np.errstate(all="ignore"):
            U = self.through(node.source, p, V)
        return float(np.vdot(self.trace.upstream[node.source], U.imag) / H)

    def moved(self, node: Node, v: Array) -> tuple[Windows, Array]:
        """The parameters, and the input of the node's step, with the node moved by i h v."""
        p, V = self.trace.p, self.trace.values[node.step]
        if node.name not in self.copies:
            self.copies.clear()
            self.copies[node.name] = np.ascontiguousarray(node.value, COMPLEX)
        moved = self.copies[node.name]
        np.multiply(v, H, out=moved.imag)
        return ({**p, node.name: moved}, V.astype(COMPLEX, "C")) if node.parameter else (p, moved)

    def through(self, k: int, p: Windows, V: Array) -> Array:
        """The output of step k for a complex input, or complex parameters."""
        if k in self.tangents:
            U: Array = self.trace.values[k + 1] + 1j * (self.tangents[k] * V.imag)
            return U
        U = self.network.forward(p, V, self.work, k, k + 1)
        U.real[...] = self.trace.values[k + 1]
        return U

    def _followed(self, p: Windows, V: Array, step: int) -> float:
        """dJ of complex parameters, and of the complex input of a step."""
        with np.errstate(all="ignore"):
            for k in range(step, len(self.network.ops)):
                V = self.through(k, p, V)
            return self._cost_slope(V)

    def _cost_slope(self, S: Array) -> float:
        point, loss = self.trace.point, self.network.loss
        if loss.complex_step:
            return float(loss.cost(S, point.Y, point.share).imag / H)
        return float((self._dS * S.imag).sum() / H)

    @cached_property
    def _dS(self) -> Array:
        """The slopes of a loss that has no complex form."""
        point, loss, S = self.trace.point, self.network.loss, self.trace.values[-1]

        def costs(k: int, row: Array) -> Array:
            moved = S.copy()
            moved[k] = row
            return np.asarray(loss.entries(moved, point.Y).sum(axis=0))

        rows = [slopes(partial(costs, k), S[k])[0] for k in range(len(S))]
        return np.array(rows) * (point.share / loss.outputs(point.Y))


def tangent(op: Any, V: Array) -> Array:
    """The derivative of an elementwise activation; the backward pass's own beside a kink,
    where differences cannot tell.
    """
    slope, error = slopes(op.g.forward, V)
    own = op.g.backward(np.ones_like(V), V if op.g.keeps_Z else op.g.forward(V))
    settled: Array = np.where(error <= 1e-6 * np.maximum(1, np.abs(slope)), slope, own)
    return settled

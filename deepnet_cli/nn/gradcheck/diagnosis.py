"""Why a node is wrong: the usual bugs, held against it.

A suspect is either a wrong formula, evaluated on what the backward pass was handed (which
the walk has found right): it is the cause where it gives the wrong g to the last digits.
Or it is a correction of g: it is the cause where the corrected g has the numerical
derivatives.  Both are exact, so a sentence is said only where it is true.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from deepnet_cli.nn.gradcheck.formulas import FORMULAS
from deepnet_cli.nn.gradcheck.probe import H, tangent
from deepnet_cli.nn.gradcheck.scene import CLOSE, Diagnosis, Scene, same


def diagnose(scene: Scene) -> Diagnosis:
    """The cause of a wrong node, or that it is none of the usual ones."""
    g = scene.node.gradient
    if not np.isfinite(g).all():
        return Diagnosis("not finite", f"d{scene.node.name} is not finite")
    if not same(g, scene.again):
        again = "differs between two passes of the same numbers: in it is something of an"
        return Diagnosis("stale", f"d{scene.node.name} {again} earlier pass, or of chance")
    if not g.any():
        return Diagnosis("zero", f"d{scene.node.name} is 0 everywhere: it is never computed")
    if scene.node.source is not None:
        for cause, sentence, formula in FORMULAS[_place(scene)](scene):
            if scene.explains(formula):
                return Diagnosis(cause, sentence)
    return _factor(scene) or _correction(scene) or _of_another(scene) or _unknown(scene)


def _place(scene: Scene) -> str:
    return scene.node.name.rstrip("0123456789") if scene.node.parameter else scene.op.kind


def _factor(s: Scene) -> Diagnosis | None:
    """g' = c g for one number c."""
    along = np.array([np.vdot(s.node.gradient, v) for v in s.vs])
    numerical = np.array(s.slopes)
    c = float(along @ numerical / (along @ along))
    if c == 0 or abs(c - 1) < CLOSE or not s.fits(c * s.node.gradient):
        return None
    name, times = f"d{s.node.name}", 1 / c
    for cause, factor, sentence in _factors(s):
        if abs(times / factor - 1) < CLOSE:
            return Diagnosis(cause, sentence.format(name))
        if abs(-times / factor - 1) < CLOSE:
            return Diagnosis("sign", sentence.format(name) + ", and has the wrong sign")
    return Diagnosis("factor", f"{name} is {times:.6g} times what it should be")


def _factors(s: Scene) -> Iterator[tuple[str, float, str]]:
    m, K = s.probe.trace.point.m, s.probe.network.sizes[-1]
    yield "sign", -1.0, "{} has the wrong sign"
    ops: tuple[Any, ...] = s.probe.network.ops
    for op in ops:
        if op.kind.endswith("dropout"):
            l, name = op.layer, "keep" if op.kind == "dropout" else "1/a"
            told = f"{name} = {1 / op.kept:g}"
            yield "keep", op.kept, f"{{}} is divided by {told} (of layer {l}) once too often"
            yield "keep", 1 / op.kept, f"{{}} is to be divided by {told} of layer {l}, and is not"
    yield "factor", 2.0, "{} is twice what it should be: a factor 2 too much"
    yield "factor", 0.5, "{} is half of what it should be: a factor 2 is missing"
    yield "m", float(m), f"{{}} is m = {m} times too large: the 1/m of the mean is missing"
    yield "m", 1 / m, f"{{}} is m = {m} times too small: the 1/m of the mean is in it twice"
    yield "outputs", float(K), f"{{}} is {K} times too large: the mean over {K} outputs is missing"
    yield "outputs", 1 / K, f"{{}} is {K} times too small: the mean over {K} outputs is in it twice"


def _correction(s: Scene) -> Diagnosis | None:
    """g' = g with one entry replaced, with the weights of the examples, g + c W, or the
    numerical slope of an activation.
    """
    g, name, point = s.node.gradient, f"d{s.node.name}", s.probe.trace.point
    one = g.copy()
    one[s.entry.index] = s.entry.numerical
    if s.fits(one):
        return Diagnosis("one entry", f"only the entry {place(s.entry.index)} of {name} is wrong")
    if s.node.source is None and s.fits(g * point.share * point.m):
        return Diagnosis("weights", f"the weights of the examples are missing in {name}")
    if s.node.parameter and s.node.name[0] == "W":
        return _weight_term(s)
    if s.node.source is not None and not s.node.parameter and s.op.kind == "activation":
        return _slope(s)
    return None


def _of_another(s: Scene) -> Diagnosis | None:
    """g is another node's, or has the digits of float32 alone."""
    g, name = s.node.gradient, f"d{s.node.name}"
    for other in s.probe.trace.nodes:
        if other.gradient.shape == g.shape and s.fits(other.gradient):
            return Diagnosis("another node", f"d{other.name} holds what {name} should be")
    if np.array_equal(g, g.astype(np.float32)):
        return Diagnosis("precision", f"{name} has been rounded to float32")
    return None


def _weight_term(s: Scene) -> Diagnosis | None:
    """A penalty's term in the gradient of the data."""
    for name, term in (("l2", s.node.value), ("l1", np.sign(s.node.value))):
        along = np.array([np.vdot(term, v) for v in s.vs])
        missing = np.array(s.slopes) - [np.vdot(s.node.gradient, v) for v in s.vs]
        c = float(along @ missing / (along @ along)) if along.any() else 0.0
        if c and s.fits(s.node.gradient + c * term):
            too = "lacks" if c > 0 else "has too much of"
            sentence = f"d{s.node.name} {too} an {name} term, lambda/m = {abs(c):.6g}"
            return Diagnosis(name, sentence)
    return None


def _slope(s: Scene) -> Diagnosis | None:
    """The activation's own derivative is wrong: where, and what it should be."""
    name, l = s.op.g.name, s.op.layer
    with np.errstate(all="ignore"):
        right = s.probe.through(s.source, s.probe.trace.p, s.V + 1j * H).imag / H
    if not s.fits(s.dU * right):
        return None
    says = np.divide(s.node.gradient, s.dU, out=right.copy(), where=s.dU != 0)
    off = np.abs(says - right)
    at = np.unravel_index(int(np.argmax(off)), off.shape)
    z = f"at Z[{l}] = {s.V[at]:.6g} it says {says[at]:.6g} and should say {right[at]:.6g}"
    if np.isin(s.V[off > CLOSE * off.max()], s.op.kinks).all():
        kink = f"{name}' exactly at its kink is not what the forward pass does: {z}"
        return Diagnosis("kink", kink)
    if np.allclose(says, tangent(s.op, s.V), rtol=CLOSE, atol=CLOSE):
        cause = f"{name} is not analytic: its derivative has the central differences, but"
        return Diagnosis("not analytic", f"{cause} no complex number goes through it unharmed")
    return Diagnosis("derivative", f"the derivative of {name} is wrong: {z}")


def _unknown(s: Scene) -> Diagnosis:
    e, loss = s.entry, s.probe.network.loss.name
    if s.node.source is None:
        at = f"{place(e.index)} it is {e.backward:.8g} and should be {e.numerical:.8g}"
        return Diagnosis("loss", f"d{s.node.name}, the derivative of {loss}, is wrong: at {at}")
    return Diagnosis(
        "unknown",
        f"none of the usual bugs; at {place(e.index)} d{s.node.name} is {e.backward:.8g} "
        f"and should be {e.numerical:.8g}",
    )


def place(index: tuple[int, ...]) -> str:
    """[3, 0]: row and column, counted from 0."""
    return f"[{', '.join(map(str, index))}]"

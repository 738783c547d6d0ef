"""formulas.md: every formula with the code that computes it, taken from the code.

python docs/formulas.py > docs/formulas.md
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

from deepnet_cli.data.encoding import imputation, scaling
from deepnet_cli.nn import initializers, max_norm, penalties, unit_variance
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.metrics import METRICS
from deepnet_cli.nn.ops import (
    activate,
    affine,
    alpha_dropout,
    batch_norm,
    dropout,
    layer_norm,
    norm,
    prelu,
)
from deepnet_cli.optim import averages, clipping, lbfgs
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.optim.schedules import SCHEDULES

ROOT = Path(__file__).parents[1]

HEAD = """\
# Every formula with its code

X is (n[0], m), one column an example; W[l] is (n[l], n[l-1]), b[l] (n[l], 1); Z[l], A[l] and their
derivatives are (n[l], m). dA stands for dJ/dA, and so on. The code below is what trains, not a
sketch of it: the same lines run on float32 and float64, carry the complex steps of
[the gradient check](gradcheck.md), and are compiled where llvmlite is installed. How each formula
compares with that of other libraries is said in [conventions.md](conventions.md).

This page is made from the code: `python docs/formulas.py > docs/formulas.md`.
"""

CHAIN = """\
```math
Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]} \\qquad A^{[l]} = g^{[l]}(Z^{[l]}) \\qquad A^{[0]} = X
```

```math
dZ^{[l]} = dA^{[l]} * g^{[l]\\prime}(Z^{[l]}) \\qquad
dW^{[l]} = dZ^{[l]} A^{[l-1]T} \\qquad
db^{[l]} = \\sum_{\\mathrm{examples}} dZ^{[l]} \\qquad
dA^{[l-1]} = W^{[l]T} dZ^{[l]}
```

The 1/m of the course is multiplied in once, where the loss begins the way back, so it is in every
derivative.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections()]).rstrip() + "\n"


def _sections() -> Iterator[str]:
    yield f"## A layer\n\n{CHAIN}"
    step = affine.Affine
    yield _code([step.product, step.weight_gradient, step.pull, affine._add, affine._sum])
    yield _code([activate.Activate.forward, activate.Activate.pull])

    yield "## Activations\n\nOn the way back A stands for Z where g' is a function of Z alone.\n"
    for g in ACTIVATIONS.values():
        derivative = f"g'(Z) = {g.slope}" if g.slope else ""
        yield _entry(g.name, [f"g(Z) = {g.formula}", derivative], [g.forward, g.backward])

    yield (
        "## Losses\n\nThe cost of an entry; J is their mean, with what the examples weigh. The "
        "derivative by Z is that of\nthe loss and the output activation in one, where the loss "
        "carries it.\n"
    )
    for loss in LOSSES.values():
        told = [f"cost = {loss.formula}", f"dcost/dA = {loss.start_formula}"]
        told += [f"dcost/dZ = {loss.by_Z}"] if loss.by_Z else []
        yield _entry(loss.name, told, [loss.entries, loss.gradient, loss.start])

    yield "## Norms and dropout\n"
    for module, kind in (
        (batch_norm, batch_norm.BatchNorm),
        (layer_norm, layer_norm.LayerNorm),
        (dropout, dropout.Dropout),
        (alpha_dropout, alpha_dropout.AlphaDropout),
        (prelu, prelu.PReLU),
    ):
        yield _module(module, [kind])
    yield _module(norm, _functions(norm))

    yield "## Penalties and limits of the weights\n"
    yield from _each({"l2": penalties.L2, "l1": penalties.L1})
    yield _module(max_norm, [*_functions(max_norm), *_classes(max_norm)])

    yield "## Optimizers\n\ng is the gradient, t counts updates from 1.\n"
    yield from _each(OPTIMIZERS)
    yield _module(lbfgs, [lbfgs.LBFGS, *_functions(lbfgs)])

    yield "## Averages of the parameters\n"
    yield from _each(averages.AVERAGES)

    yield "## Clipping of the gradient\n"
    yield from _each(clipping.CLIPPINGS)

    yield (
        "## Schedules of the learning rate\n\nk counts iterations or epochs from the end of the "
        "warm-up, T is the length of the run.\n"
    )
    yield from _each(SCHEDULES)

    yield "## First weights\n"
    yield from _each(initializers.INITIALIZERS)
    yield _module(unit_variance, _functions(unit_variance))

    yield "## Scaling and filling of x\n"
    yield from _each(scaling.SCALINGS)
    yield from _each(imputation.IMPUTATIONS)

    yield "## Metrics\n\nC[i, k] is how many examples of class i are decided to be k.\n"
    seen = set[int]()
    for metrics in METRICS.values():
        for name, metric in metrics.items():
            figures = [metric.figure if metric.each is None else metric.each]
            if id(plain := inspect.unwrap(figures[0])) not in seen:
                seen.add(id(plain))
                yield _entry(name, [], figures)


def _each(registry: Mapping[str, Any]) -> Iterator[str]:
    """A heading and the code for each entry of a registry, whose docstrings are formulas."""
    for name, made in registry.items():
        if inspect.isclass(made) or inspect.isfunction(made):
            yield _entry(name, [], [made])


def _entry(name: str, formulas: Iterable[str], things: Iterable[Any]) -> str:
    told = "\n".join(f"    {line}" for line in formulas if line)
    return f"### {name}\n\n" + (f"{told}\n\n" if told else "") + _code(things)


def _module(module: ModuleType, things: Iterable[Any]) -> str:
    """What a file says in its head, with the code."""
    head = inspect.getdoc(module) or ""
    told = "\n".join(f"    {line}".rstrip() for line in head.splitlines())
    return f"### {module.__name__.rpartition('.')[2].replace('_', ' ')}\n\n{told}\n\n" + _code(
        things
    )


def _code(things: Iterable[Any]) -> str:
    """The source of functions and classes, and where it stands."""
    plain = list(dict.fromkeys(_plain(thing) for thing in things))
    sources = [dedent(inspect.getsource(thing)).rstrip() for thing in plain]
    files = dict.fromkeys(
        Path(inspect.getsourcefile(thing) or "").relative_to(ROOT).as_posix() for thing in plain
    )
    links = ", ".join(f"[{file}](../{file})" for file in files)
    code = "\n\n\n".join(sources)
    return f"```python\n{code}\n```\n\n{links}\n"


def _plain(thing: Any) -> Any:
    """The function that has a source: that behind a partial or a wrapper."""
    while isinstance(thing, partial):
        thing = thing.func
    return inspect.unwrap(thing)


def _functions(module: ModuleType) -> list[Callable[..., Any]]:
    return [f for _, f in inspect.getmembers(module, inspect.isfunction) if _own(f, module)]


def _classes(module: ModuleType) -> list[type]:
    return [f for _, f in inspect.getmembers(module, inspect.isclass) if _own(f, module)]


def _own(thing: Any, module: ModuleType) -> bool:
    return bool(thing.__module__ == module.__name__)


if __name__ == "__main__":
    sys.stdout.write(page())

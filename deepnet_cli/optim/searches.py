"""The rules that see the objective, by name, and all that training.optimizer may name."""

from collections.abc import Callable

from deepnet_cli.optim.lbfgs import LBFGS
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.optim.rule import Rule, Search

SEARCHES: dict[str, Callable[..., Search]] = {LBFGS.name: LBFGS}

RULES: dict[str, Callable[..., Rule]] = {**OPTIMIZERS, **SEARCHES}

"""What PyTorch calls the names of each registry, and which of them it has not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
F: Any = torch.nn.functional
S: Any = torch.optim.lr_scheduler
O: Any = torch.optim

STEPS, RATE = 50, 0.03
"""Of a run."""


@dataclass(frozen=True)
class Form:
    """PyTorch's form of an entry made with some options."""

    theirs: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)
    rate: float = RATE  # smaller, for outputs in the thousands


def warm_step(optimizer: Any) -> Any:
    """A step schedule after a warm-up of 12."""
    warm = S.LinearLR(optimizer, 1 / 13, total_iters=12)
    return S.SequentialLR(optimizer, [warm, S.StepLR(optimizer, 10, 0.3)], [12])


def one_cycle(optimizer: Any) -> Any:
    return S.OneCycleLR(
        optimizer,
        20 * RATE,
        STEPS + 1,
        pct_start=0.25,
        div_factor=20,
        final_div_factor=1e3,
        cycle_momentum=False,
    )


def prelu(initial: float) -> Callable[..., Any]:
    """nn.PReLU with a slope a unit; without slopes all are the first."""
    first = torch.tensor([initial], dtype=torch.float64)
    return lambda Z, slope=first: F.prelu(Z.T, slope.view(-1)).T


def smooth_flags(Z: Any, Y: Any) -> Any:
    return F.binary_cross_entropy_with_logits(Z, 0.9 * Y + 0.05)


def focal(Z: Any, Y: Any, gamma: float = 2.0, alpha: float | None = None) -> Any:
    """Of each entry (Lin et al., equation 5; 4 without alpha)."""
    z, weight = (2 * Y - 1) * Z, 1.0 if alpha is None else alpha * Y + (1 - alpha) * (1 - Y)
    return -weight * torch.sigmoid(-z) ** gamma * F.logsigmoid(z)


def categorical_focal(Z: Any, Y: Any, gamma: float = 2.0) -> Any:
    """Of each example."""
    log_p = (Y * F.log_softmax(Z, dim=0)).sum(dim=0)
    return -((1 - log_p.exp()) ** gamma) * log_p


def hinge(S: Any, Y: Any) -> Any:
    """Of each entry: Y before 0, by a margin of 1."""
    return F.margin_ranking_loss(S, torch.zeros_like(S), 2 * Y - 1, 1.0, reduction="none")


def multi_margin(S: Any, Y: Any, reduction: str = "mean") -> Any:
    return F.multi_margin_loss(S.T, Y.argmax(dim=0), reduction=reduction)


def quantile(A: Any, Y: Any, *taus: float) -> Any:
    tau = torch.tensor(taus, dtype=A.dtype)[:, None]
    return torch.where(Y > A, tau * (Y - A), (1 - tau) * (A - Y)).mean()


CLASSES = {"0": 0.5, "1": 2.0, "2": 1.25}
FLAGS = {"0": 0.5, "1": 2.0}
"""Class weights."""


def of_class(Y: Any) -> Any:
    """The class weight of each example."""
    labels = Y.argmax(dim=0) if len(Y) > 1 else Y[0].long()
    return torch.tensor([*CLASSES.values()], dtype=Y.dtype)[labels]


def by_class(costs: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The mean of the examples' costs, each with the weight of its class."""
    return lambda S, Y: (of_class(Y) * costs(S, Y)).sum() / of_class(Y).sum()


def weighted_cross_entropy(Z: Any, Y: Any) -> Any:
    weights = torch.tensor([*CLASSES.values()], dtype=Z.dtype)
    return F.cross_entropy(Z.T, Y.argmax(dim=0), weights)


def weighted_flags(Z: Any, Y: Any) -> Any:
    weights = of_class(Y)
    sum_ = F.binary_cross_entropy_with_logits(Z, Y, weights, reduction="sum")
    return sum_ / weights.sum()


TABLE: dict[str, dict[str, list[Form]]] = {
    "Activations": {
        "relu": [Form(F.relu)],
        "leaky_relu": [
            Form(F.leaky_relu),
            Form(lambda Z: F.leaky_relu(Z, 0.0), {"slope": 0.0}),
            Form(lambda Z: F.leaky_relu(Z, 0.2), {"slope": 0.2}),
            Form(lambda Z: F.leaky_relu(Z, 1.0), {"slope": 1.0}),
        ],
        "prelu": [Form(prelu(0.25)), Form(prelu(0.6), {"initial": 0.6})],
        "elu": [
            Form(F.elu),
            Form(lambda Z: F.elu(Z, 0.3), {"alpha": 0.3}),
            Form(lambda Z: F.elu(Z, 1e3), {"alpha": 1e3}, 1e-9),
        ],
        "celu": [  # in whose derivative alpha is a float32
            Form(F.celu),
            Form(lambda Z: F.celu(Z, 0.25), {"alpha": 0.25}),
            Form(lambda Z: F.celu(Z, 2.0**-9), {"alpha": 2.0**-9}),
            Form(lambda Z: F.celu(Z, 1e3), {"alpha": 1e3}),
        ],
        "selu": [Form(F.selu)],
        "silu": [Form(F.silu)],
        "gelu": [Form(F.gelu)],
        "gelu_tanh": [Form(lambda Z: F.gelu(Z, approximate="tanh"))],
        "mish": [Form(F.mish)],
        "softplus": [  # a straight line above the threshold
            Form(lambda Z: F.softplus(Z, threshold=40)),
            Form(lambda Z: F.softplus(Z, 7.0, threshold=40), {"beta": 7.0}),
            Form(lambda Z: F.softplus(Z, 1e-3, threshold=40), {"beta": 1e-3}, 1e-7),
            Form(lambda Z: F.softplus(Z, 1e3, threshold=40), {"beta": 1e3}),
        ],
        "tanh": [Form(torch.tanh)],
        "sigmoid": [Form(torch.sigmoid)],
        "softsign": [Form(F.softsign)],
        "hard_tanh": [Form(F.hardtanh)],
        "hard_sigmoid": [Form(lambda Z: F.relu6(Z + 3) / 6)],  # hardsigmoid's 1/6 is a float32
        "exp": [Form(torch.exp)],
        "linear": [Form(lambda Z: 1 * Z)],
        "softmax": [Form(lambda Z: F.softmax(Z, dim=0))],
    },
    "Losses": {
        "binary_cross_entropy": [
            Form(F.binary_cross_entropy_with_logits),
            Form(smooth_flags, {"label_smoothing": 0.1}),
            Form(weighted_flags, {"class_weight": FLAGS}),
        ],
        "cross_entropy": [
            Form(lambda Z, Y: F.cross_entropy(Z.T, Y.T)),
            Form(
                lambda Z, Y: F.cross_entropy(Z.T, Y.T, label_smoothing=0.1),
                {"label_smoothing": 0.1},
            ),
            Form(weighted_cross_entropy, {"class_weight": CLASSES}),
        ],
        "mean_squared_error": [Form(F.mse_loss)],
        "mean_absolute_error": [Form(F.l1_loss)],
        "huber": [
            Form(F.huber_loss),
            Form(lambda A, Y: F.huber_loss(A, Y, delta=0.3), {"delta": 0.3}),
            Form(lambda A, Y: 0.3 * F.smooth_l1_loss(A, Y, beta=0.3), {"delta": 0.3}),
        ],
        "log_cosh": [Form(lambda A, Y: (A - Y).cosh().log().mean())],
        "quantile": [
            Form(lambda A, Y: quantile(A, Y, 0.5)),
            Form(lambda A, Y: quantile(A, Y, 0.9), {"tau": 0.9}),
            Form(lambda A, Y: quantile(A, Y, 0.1, 0.5, 0.9), {"tau": (0.1, 0.5, 0.9)}),
        ],
        "poisson": [Form(F.poisson_nll_loss)],
        "focal": [
            Form(lambda Z, Y: focal(Z, Y).mean()),
            Form(lambda Z, Y: focal(Z, Y, 0.7, 0.25).mean(), {"gamma": 0.7, "alpha": 0.25}),
            Form(by_class(lambda Z, Y: focal(Z, Y).mean(dim=0)), {"class_weight": FLAGS}),
        ],
        "categorical_focal": [
            Form(lambda Z, Y: categorical_focal(Z, Y).mean()),
            Form(lambda Z, Y: categorical_focal(Z, Y, 3.0).mean(), {"gamma": 3.0}),
            Form(by_class(categorical_focal), {"class_weight": CLASSES}),
        ],
        "hinge": [
            Form(lambda S, Y: hinge(S, Y).mean()),
            Form(by_class(lambda S, Y: hinge(S, Y).mean(dim=0)), {"class_weight": FLAGS}),
        ],
        "squared_hinge": [
            Form(lambda S, Y: (hinge(S, Y) ** 2).mean()),
            Form(by_class(lambda S, Y: (hinge(S, Y) ** 2).mean(dim=0)), {"class_weight": FLAGS}),
        ],
        "multi_margin": [
            Form(multi_margin),
            Form(by_class(lambda S, Y: multi_margin(S, Y, "none")), {"class_weight": CLASSES}),
        ],
    },
    "Optimizers": {
        "gradient_descent": [Form(O.SGD)],
        "momentum": [Form(lambda p, lr: O.SGD(p, lr, momentum=0.7), {"momentum": 0.7})],
        "nesterov": [
            Form(lambda p, lr: O.SGD(p, lr, momentum=0.7, nesterov=True), {"momentum": 0.7})
        ],
        "adam": [
            Form(O.Adam),
            Form(
                lambda p, lr: O.Adam(p, lr, betas=(0.8, 0.95), eps=1e-3),
                {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
            ),
        ],
        "adamw": [
            Form(O.AdamW, {"weight_decay": 0.2}),
            Form(
                lambda p, lr: O.AdamW(p, lr, betas=(0.8, 0.95), eps=1e-3),
                {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight_decay": 0.2},
            ),
        ],
        "amsgrad": [
            Form(lambda p, lr: O.Adam(p, lr, amsgrad=True)),
            Form(
                lambda p, lr: O.Adam(p, lr, betas=(0.8, 0.9), eps=1e-3, amsgrad=True),
                {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3},
            ),
        ],
        "adamax": [
            Form(O.Adamax),
            Form(
                lambda p, lr: O.Adamax(p, lr, betas=(0.8, 0.95), eps=1e-3),
                {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
            ),
        ],
        "radam": [
            Form(O.RAdam),
            Form(
                lambda p, lr: O.RAdam(p, lr, betas=(0.8, 0.95), eps=1e-3),
                {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
            ),
        ],
        "adagrad": [
            Form(O.Adagrad),
            Form(
                lambda p, lr: O.Adagrad(p, lr, initial_accumulator_value=0.1, eps=1e-3),
                {"initial": 0.1, "epsilon": 1e-3},
            ),
        ],
        "adadelta": [
            Form(O.Adadelta),
            Form(lambda p, lr: O.Adadelta(p, lr, rho=0.8, eps=1e-3), {"rho": 0.8, "epsilon": 1e-3}),
        ],
        "rmsprop": [
            Form(O.RMSprop),
            Form(
                lambda p, lr: O.RMSprop(p, lr, alpha=0.8, eps=1e-3), {"alpha": 0.8, "epsilon": 1e-3}
            ),
        ],
    },
    "Schedules": {
        "constant": [Form(lambda o: S.ConstantLR(o, 1.0))],
        "step": [
            Form(lambda o: S.StepLR(o, 10, 0.3), {"every": 10, "factor": 0.3}),
            Form(warm_step, {"every": 10, "factor": 0.3, "warmup": 12}),
            Form(lambda o: S.StepLR(o, 3, 0.5), {"every": 3, "factor": 0.5, "by": "epoch"}),
        ],
        "exponential": [Form(lambda o: S.ExponentialLR(o, 0.98), {"factor": 0.98})],
        "inverse_time": [
            Form(lambda o: S.LambdaLR(o, lambda k: 1 / (1 + 0.2 * k)), {"decay": 0.2})
        ],
        "inverse_sqrt": [
            Form(lambda o: S.LambdaLR(o, lambda k: (1 + k / 9) ** -0.5), {"scale": 9.0})
        ],
        "polynomial": [
            Form(lambda o: S.PolynomialLR(o, 40, 1.7), {"power": 1.7, "length": 40}),
            Form(
                lambda o: S.LambdaLR(o, lambda k: 0.2 + 0.8 * (1 - k / STEPS)),
                {"final": 0.2 * RATE},
            ),
        ],
        "cosine": [
            Form(lambda o: S.CosineAnnealingLR(o, STEPS, 1e-3), {"final": 1e-3}),
            Form(lambda o: S.CosineAnnealingLR(o, 60), {"length": 60}),
        ],
        "cosine_restarts": [
            Form(
                lambda o: S.CosineAnnealingWarmRestarts(o, 17, 1, 1e-3),
                {"period": 17, "final": 1e-3},
            ),
            Form(lambda o: S.CosineAnnealingWarmRestarts(o, 7, 2), {"period": 7, "growth": 2}),
        ],
        "one_cycle": [
            Form(
                one_cycle,
                {"peak_factor": 20.0, "rising": 0.25, "final_factor": 1e-3, "length": STEPS + 1},
            )
        ],
        "piecewise": [
            Form(
                lambda o: S.MultiStepLR(o, [15, 32], 0.3),
                {"points": ((15, RATE * 0.3), (32, RATE * 0.09))},
            )
        ],
    },
    "Clippings": {
        "clip_value": [Form(torch.nn.utils.clip_grad_value_)],
        "clip_norm": [Form(torch.nn.utils.clip_grad_norm_)],
    },
    "Penalties": {
        "l2": [Form(lambda W: (W**2).sum() / 2)],
        "l1": [Form(lambda W: W.abs().sum())],
    },
}

NONE: dict[str, dict[str, str]] = {
    "Schedules": {"reduce_on_plateau": "looks at rows of the history: test_plateau.py"},
    "Optimizers": {
        "momentum.dampening": "PyTorch's SGD leaves it out of the first update",
        "nadam": "PyTorch varies b1 with t",
        "lion": "PyTorch has none; its paper's algorithm is in transcription.py",
    },
}
"""An entry, or an option of one, that PyTorch has not in the same form, and why."""

ELSEWHERE = {
    "Initializers": "a draw is its own: test_initializers.py knows the distributions",
    "Augmentations": "drawn: test_augmentation.py",
    "Searches": "a line search is its own: test_lbfgs.py meets PyTorch's at the minimum",
    "Averages": "of a run, not in it: test_averaging.py has PyTorch's AveragedModel",
    "Scalings": "PyTorch has none: test_scaling.py has scikit-learn's",
    "Imputations": "PyTorch has none: test_inputs.py has scikit-learn's",
    "Metrics": "PyTorch has none: test_metrics.py has scikit-learn's",
}
"""The registries that no training run is compared for."""

"""A plain float64 transcription of the training equations: the tests' independent oracle.

Everything is a Python loop over examples and units on plain floats, so that it shares no
mistake with a vectorized implementation. Columns of X (n0, m) and Y (K, m) are examples.

One example, forward:   z[l] = W[l] a[l-1] + b[l],   a[l] = g[l](z[l]),   a[0] = x
One example, backward:  da[L] = dJ/da[L],   dz[l]_i = da[l]_i g'(z[l]_i),   da[l-1] = W[l]^T dz[l]
  softmax (output layer only):   dz[L]_i = sum_k da[L]_k a_k (delta_ik - a_i)
  prelu:   a_i = z_i where z_i > 0, else slope_i z_i;   dslope_i = da_i z_i where z_i <= 0, else 0
Mean over the m examples:   dW[l] = mean of dz[l] a[l-1]^T,   db[l] = mean of dz[l]

Losses, and the da[L] of one example:
  binary_cross_entropy   J = mean over m K entries of -(y log a + (1-y) log(1-a))
                         da = (-y/a + (1-y)/(1-a)) / K
  cross_entropy          J = mean over m examples of -sum_k y_k log a_k,   da = -y/a
  mean_squared_error     J = mean over m K entries of (a - y)^2,   da = 2 (a - y) / K
  and the other losses of numbers likewise, as their papers have them
L2 (weights only):   J += lambda/(2m) sum ||W||^2,   dW += lambda/m W

Optimizers {options}, on every entry p of every W and b: p -= lr step, memories 0 before t = 1:
  gradient_descent                  step = g
  momentum {mu, dampening}          v = mu v + (1 - dampening) g,   step = v
  nesterov {mu, dampening}          v = mu v + (1 - dampening) g,   step = g + mu v
  weight_decay                      adds weight_decay W to what the rate multiplies, of W alone
  adam {beta1, beta2, epsilon}      m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
                                    step = m/(1 - beta1^t) / (sqrt(v/(1 - beta2^t)) + epsilon)
and the others from their papers, or as PyTorch documents them.

The forms are literal, with no numerically stable shortcut: a saturated output (log 0, division
by 0, overflow in exp) raises an ArithmeticError or ValueError instead of returning a number.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt

Parameters = dict[str, list[list[float]]]
Rows = Sequence[Sequence[float]] | npt.NDArray[Any]


def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))


def gelu_argument(z: float) -> float:
    return math.sqrt(2.0 / math.pi) * (z + 0.044715 * z**3)


def softplus(z: float) -> float:
    return math.log(1.0 + math.exp(z))


SELU = (1.0507009873554805, 1.6732632423543772)


# g and g' of every activation that acts on each unit alone (softmax does not) without parameters.
UNITWISE: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "relu": (lambda z: max(0.0, z), lambda z: 1.0 if z > 0.0 else 0.0),
    "leaky_relu": (lambda z: z if z > 0.0 else 0.01 * z, lambda z: 1.0 if z > 0.0 else 0.01),
    "tanh": (math.tanh, lambda z: 1.0 - math.tanh(z) ** 2),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1.0 - sigmoid(z))),
    "silu": (
        lambda z: z / (1.0 + math.exp(-z)),
        lambda z: (1.0 + math.exp(-z) + z * math.exp(-z)) / (1.0 + math.exp(-z)) ** 2,
    ),
    "gelu": (
        lambda z: z * (1.0 + math.erf(z / math.sqrt(2.0))) / 2.0,
        lambda z: (
            (1.0 + math.erf(z / math.sqrt(2.0))) / 2.0
            + z * math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
        ),
    ),
    "gelu_tanh": (
        lambda z: z * (1.0 + math.tanh(gelu_argument(z))) / 2.0,
        lambda z: (
            (1.0 + math.tanh(gelu_argument(z))) / 2.0
            + z
            * (1.0 - math.tanh(gelu_argument(z)) ** 2)
            * math.sqrt(2.0 / math.pi)
            * (1.0 + 0.134145 * z * z)
            / 2.0
        ),
    ),
    "elu": (
        lambda z: z if z > 0.0 else math.exp(z) - 1.0,
        lambda z: 1.0 if z > 0.0 else math.exp(z),
    ),
    "selu": (
        lambda z: SELU[0] * (z if z > 0.0 else SELU[1] * (math.exp(z) - 1.0)),
        lambda z: SELU[0] * (1.0 if z > 0.0 else SELU[1] * math.exp(z)),
    ),
    "mish": (
        lambda z: z * math.tanh(softplus(z)),
        lambda z: (
            math.tanh(softplus(z)) + z * (1.0 - math.tanh(softplus(z)) ** 2) / (1.0 + math.exp(-z))
        ),
    ),
    "celu": (
        lambda z: max(0.0, z) + min(0.0, math.exp(min(0.0, z)) - 1.0),
        lambda z: math.exp(min(0.0, z)),
    ),
    "softplus": (lambda z: softplus(z), lambda z: 1.0 / (1.0 + math.exp(-z))),
    "softsign": (lambda z: z / (1.0 + abs(z)), lambda z: 1.0 / (1.0 + abs(z)) ** 2),
    "hard_tanh": (
        lambda z: max(-1.0, min(1.0, z)),
        lambda z: 1.0 if -1.0 < z < 1.0 else 0.0,
    ),
    "hard_sigmoid": (
        lambda z: max(0.0, min(1.0, (z + 3.0) / 6.0)),
        lambda z: 1.0 / 6.0 if -3.0 < z < 3.0 else 0.0,
    ),
    "exp": (math.exp, math.exp),
    "linear": (lambda z: z, lambda _z: 1.0),
}


def slopes_of(parameters: Parameters, layer: int) -> list[float]:
    return [row[0] for row in parameters.get(f"slope{layer}", [])]


def activate(name: str, z: list[float], slopes: Sequence[float] = ()) -> list[float]:
    if name == "prelu":
        return [v if v > 0.0 else s * v for v, s in zip(z, slopes, strict=True)]
    if name == "softmax":
        total = sum(math.exp(v) for v in z)
        return [math.exp(v) / total for v in z]
    g = UNITWISE[name][0]
    return [g(v) for v in z]


def dz_of(
    name: str, z: list[float], a: list[float], da: list[float], slopes: Sequence[float] = ()
) -> list[float]:
    units = range(len(z))
    if name == "prelu":
        return [d if v > 0.0 else s * d for v, d, s in zip(z, da, slopes, strict=True)]
    if name == "softmax":
        return [sum(da[k] * a[k] * (float(i == k) - a[i]) for k in units) for i in units]
    g_prime = UNITWISE[name][1]
    return [da[i] * g_prime(z[i]) for i in units]


def loss_and_da(name: str, a: list[float], y: list[float]) -> tuple[float, list[float]]:
    """One example's loss (J is its mean over the examples) and the derivative in a."""
    loss, da = 0.0, []
    for a_k, y_k in zip(a, y, strict=True):
        if name == "binary_cross_entropy":
            loss += -(y_k * math.log(a_k) + (1.0 - y_k) * math.log(1.0 - a_k)) / len(a)
            da.append((-y_k / a_k + (1.0 - y_k) / (1.0 - a_k)) / len(a))
        elif name == "cross_entropy":
            loss += -y_k * math.log(a_k)
            da.append(-y_k / a_k)
        elif name == "mean_squared_error":
            loss += (a_k - y_k) ** 2 / len(a)
            da.append(2.0 * (a_k - y_k) / len(a))
        elif name == "mean_absolute_error":
            loss += abs(a_k - y_k) / len(a)
            da.append(math.copysign(1.0, a_k - y_k) / len(a))
        elif name == "huber":
            e = a_k - y_k
            loss += (e * e / 2.0 if abs(e) <= 1.0 else abs(e) - 0.5) / len(a)
            da.append((e if abs(e) <= 1.0 else math.copysign(1.0, e)) / len(a))
        elif name == "log_cosh":
            loss += math.log(math.cosh(a_k - y_k)) / len(a)
            da.append(math.tanh(a_k - y_k) / len(a))
        elif name == "quantile":
            loss += abs(a_k - y_k) / 2.0 / len(a)
            da.append(math.copysign(0.5, a_k - y_k) / len(a))
        elif name == "poisson":
            loss += (a_k - y_k * math.log(a_k)) / len(a)
            da.append((1.0 - y_k / a_k) / len(a))
        elif name == "focal":
            p = a_k if y_k == 1.0 else 1.0 - a_k
            sign = 1.0 if y_k == 1.0 else -1.0
            loss += -((1.0 - p) ** 2) * math.log(p) / len(a)
            da.append(sign * (2.0 * (1.0 - p) * math.log(p) - (1.0 - p) ** 2 / p) / len(a))
        elif name == "categorical_focal":
            loss += -y_k * (1.0 - a_k) ** 2 * math.log(a_k)
            da.append(y_k * (2.0 * (1.0 - a_k) * math.log(a_k) - (1.0 - a_k) ** 2 / a_k))
        elif name in ("hinge", "squared_hinge"):
            sign = 1.0 if y_k == 1.0 else -1.0
            lack = max(0.0, 1.0 - sign * a_k)
            loss += (lack if name == "hinge" else lack**2) / len(a)
            da.append(-sign * (float(lack > 0.0) if name == "hinge" else 2.0 * lack) / len(a))
        elif name == "multi_margin":
            right = a[list(y).index(1.0)]
            if y_k == 0.0:
                loss += max(0.0, 1.0 - right + a_k) / len(a)
                da.append(float(1.0 - right + a_k > 0.0) / len(a))
            else:
                near = sum(1.0 - right + other > 0.0 for other in a) - 1  # without itself
                da.append(-near / len(a))
        else:
            raise ValueError(f"unknown loss {name!r}")
    return loss, da


def forward_layers(
    parameters: Parameters, x: Sequence[float], activations: Sequence[str]
) -> tuple[list[list[float]], list[list[float]]]:
    """z and a of every layer for one example; index 0 is the input (its z is empty)."""
    if "softmax" in activations[:-1]:
        raise ValueError("softmax is for the output layer only")
    zs: list[list[float]] = [[]]
    outputs = [[float(v) for v in x]]
    for layer, name in enumerate(activations, start=1):
        z = []
        for row, bias in zip(parameters[f"W{layer}"], parameters[f"b{layer}"], strict=True):
            total = bias[0]
            for weight, value in zip(row, outputs[-1], strict=True):
                total += weight * value
            z.append(total)
        zs.append(z)
        outputs.append(activate(name, z, slopes_of(parameters, layer)))
    return zs, outputs


def forward(parameters: Parameters, x: Sequence[float], activations: Sequence[str]) -> list[float]:
    """The network's output for one example."""
    return forward_layers(parameters, x, activations)[1][-1]


def cost_and_gradient(
    parameters: Parameters, X: Rows, Y: Rows, activations: Sequence[str], loss: str, l2: float = 0.0
) -> tuple[float, Parameters]:
    """J and its gradient, the latter under the parameters' own keys (W1, b1, ...)."""
    examples = [[float(v) for v in column] for column in zip(*X, strict=True)]
    targets = [[float(v) for v in column] for column in zip(*Y, strict=True)]
    m, cost = len(examples), 0.0
    gradient = {k: [[0.0] * len(row) for row in p] for k, p in parameters.items()}
    for x, y in zip(examples, targets, strict=True):
        zs, outputs = forward_layers(parameters, x, activations)
        example_loss, da = loss_and_da(loss, outputs[-1], y)
        cost += example_loss / m
        for layer in range(len(activations), 0, -1):
            slopes = slopes_of(parameters, layer)
            dz = dz_of(activations[layer - 1], zs[layer], outputs[layer], da, slopes)
            for i in range(len(slopes)):
                if zs[layer][i] <= 0.0:
                    gradient[f"slope{layer}"][i][0] += da[i] * zs[layer][i] / m
            previous = outputs[layer - 1]
            weights, dw, db = parameters[f"W{layer}"], gradient[f"W{layer}"], gradient[f"b{layer}"]
            da = [0.0] * len(previous)
            for i in range(len(dz)):
                db[i][0] += dz[i] / m
                for j in range(len(previous)):
                    dw[i][j] += dz[i] * previous[j] / m
                    da[j] += weights[i][j] * dz[i]
    for layer in range(1, len(activations) + 1):
        for i, row in enumerate(parameters[f"W{layer}"]):
            for j, weight in enumerate(row):
                cost += l2 / (2.0 * m) * weight**2
                gradient[f"W{layer}"][i][j] += l2 / m * weight
    return cost, gradient


def step_of(
    optimizer: str, o: dict[str, float], g: float, memory: dict[str, float], t: int
) -> float:
    """What is multiplied by the rate and taken off one parameter; `memory` is its own, renewed."""
    b1, b2, epsilon = o.get("beta1", 0.0), o.get("beta2", 0.0), o.get("epsilon", 0.0)

    def mean(name: str, rate: float, value: float) -> float:
        memory[name] = rate * memory.get(name, 0.0) + (1.0 - rate) * value
        return memory[name]

    if optimizer == "gradient_descent":
        return g
    if optimizer in ("momentum", "nesterov"):
        v = memory["v"] = o["mu"] * memory.get("v", 0.0) + (1.0 - o["dampening"]) * g
        return v if optimizer == "momentum" else g + o["mu"] * v
    if optimizer == "lion":
        sign = b1 * memory.get("m", 0.0) + (1.0 - b1) * g
        mean("m", b2, g)
        return 0.0 if sign == 0.0 else math.copysign(1.0, sign)
    if optimizer == "adagrad":
        memory["s"] = memory.get("s", o["initial"]) + g**2
        return g / (math.sqrt(memory["s"]) + epsilon)
    if optimizer == "adadelta":
        s = mean("s", o["rho"], g**2)
        delta = math.sqrt(memory.get("u", 0.0) + epsilon) / math.sqrt(s + epsilon) * g
        mean("u", o["rho"], delta**2)
        return delta
    if optimizer == "rmsprop":
        return g / (math.sqrt(mean("s", o["alpha"], g**2)) + epsilon)
    m_hat = mean("m", b1, g) / (1.0 - b1**t)
    if optimizer == "adamax":
        memory["u"] = max(b2 * memory.get("u", 0.0), abs(g) + epsilon)
        return m_hat / memory["u"]
    v_hat = mean("v", b2, g**2) / (1.0 - b2**t)
    if optimizer == "amsgrad":
        memory["x"] = max(memory.get("x", 0.0), memory["v"])
        v_hat = memory["x"] / (1.0 - b2**t)
    if optimizer == "nadam":
        m_hat = b1 * memory["m"] / (1.0 - b1 ** (t + 1)) + (1.0 - b1) * g / (1.0 - b1**t)
    if optimizer == "radam":
        rho_end = 2.0 / (1.0 - b2) - 1.0
        rho = rho_end - 2.0 * t * b2**t / (1.0 - b2**t)
        if rho <= 5.0:
            return m_hat
        above = (rho - 4.0) * (rho - 2.0) * rho_end
        r = math.sqrt(above / ((rho_end - 4.0) * (rho_end - 2.0) * rho))
        length = math.sqrt(1.0 - b2**t) / (math.sqrt(memory["v"]) + epsilon)
        return r * m_hat * length
    if optimizer not in ("adam", "adamw", "amsgrad", "nadam"):
        raise ValueError(f"unknown optimizer {optimizer!r}")
    return m_hat / (math.sqrt(v_hat) + epsilon)


def train(
    parameters: Parameters,
    X: Rows,
    Y: Rows,
    activations: Sequence[str],
    loss: str,
    *,
    learning_rate: float,
    iterations: int,
    l2: float = 0.0,
    optimizer: str = "gradient_descent",
    options: dict[str, float] | None = None,
) -> tuple[list[float], Parameters]:
    """J before each full-batch update, and the final parameters (the input is not changed)."""
    o, costs = options or {}, []
    current = {k: [[float(v) for v in row] for row in p] for k, p in parameters.items()}
    entries = [
        (k, i, j) for k, p in current.items() for i in range(len(p)) for j in range(len(p[i]))
    ]
    memory: dict[tuple[str, int, int], dict[str, float]] = {entry: {} for entry in entries}
    for t in range(1, iterations + 1):
        cost, gradient = cost_and_gradient(current, X, Y, activations, loss, l2)
        costs.append(cost)
        for entry in entries:
            key, i, j = entry
            step = step_of(optimizer, o, gradient[key][i][j], memory[entry], t)
            if key.startswith("W"):
                step += o.get("weight_decay", 0.0) * current[key][i][j]
            current[key][i][j] -= learning_rate * step
    return costs, current

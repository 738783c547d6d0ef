"""The same training run by PyTorch, for every name of every registry that it has too.

From the same first parameters on the same data in float64, 50 updates: the parameters agree to
1e-10, with full batches and with mini-batches in the order of the file, the last one short.
What PyTorch does is its autograd, its optimizers, its schedulers, its clipping.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from networks import labels_for, start
from pytorch import ELSEWHERE, NONE, RATE, STEPS, TABLE, F, Form, torch

from deepnet_cli.config.json_schema import json_schema
from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.data.dealing.parts import Part
from deepnet_cli.data.dealing.weighing import weighed
from deepnet_cli.nn.activations import ACTIVATIONS, Activation, made_activation
from deepnet_cli.nn.layer import Layer, Norm
from deepnet_cli.nn.losses import Loss, made_loss, shares
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.ops.alpha_dropout import AlphaDropout
from deepnet_cli.nn.penalties import PENALTIES, Penalty
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.clipping import CLIPPINGS, Clipping
from deepnet_cli.optim.optimizers import OPTIMIZERS
from deepnet_cli.optim.rule import Optimizer
from deepnet_cli.optim.schedule import Schedule
from deepnet_cli.optim.schedules import SCHEDULES
from deepnet_cli.randomness import bits
from deepnet_cli.report import vocabulary
from deepnet_cli.report.entries import REGISTRIES
from deepnet_cli.training.loop.loop import train
from deepnet_cli.training.loop.state import State

M, SIZE, FEATURES, UNITS, OUTPUTS = 11, 4, 5, (6, 4), 3
"""Three batches an epoch, of 4, 4 and 3 examples."""

KEYS = {registry.title: registry for registry in REGISTRIES}


def forms(title: str) -> pytest.MarkDecorator:
    """Every form in the table."""
    cases = [(name, form) for name, there in TABLE[title].items() for form in there]
    ids = [f"{name} {form.options or ''}".strip() for name, form in cases]
    return pytest.mark.parametrize(("name", "form"), cases, ids=ids)


def test_every_registry_is_accounted_for() -> None:
    assert {*TABLE, *ELSEWHERE} == {registry.title for registry in REGISTRIES}


@pytest.mark.parametrize("title", TABLE)
def test_every_entry_is_accounted_for(title: str) -> None:
    """It is in the table or said to be missing; and so is each of its options."""
    registry, missing = KEYS[title], NONE.get(title, {})
    assert not TABLE[title].keys() & missing.keys()
    assert {*TABLE[title], *(name for name in missing if "." not in name)} == {*registry.names}
    schema = json_schema()
    for name, there in TABLE[title].items():
        varied = {option for form in there for option in form.options}
        varied |= {each.partition(".")[2] for each in missing if each.startswith(f"{name}.")}
        shared = {"initial", "warmup", "by"} if title == "Schedules" else set()  # of all
        options = vocabulary.options(schema, registry.key, name).keys()
        assert options - shared <= varied, f"{name}: give a Form with other options than default"


class Run(NamedTuple):
    """A training run here and what PyTorch is given for each part of it."""

    hidden: tuple[Activation, Callable[..., Any]] = (ACTIVATIONS["tanh"], torch.tanh)
    output: tuple[Activation, Callable[..., Any]] | None = None  # where the loss has it not inside
    loss: tuple[Loss, Callable[..., Any]] = (
        made_loss("mean_squared_error"),
        torch.nn.functional.mse_loss,
    )
    rule: tuple[Optimizer, Callable[..., Any]] = (OPTIMIZERS["gradient_descent"](), torch.optim.SGD)
    schedule: tuple[Schedule, Callable[..., Any] | None] = (
        SCHEDULES["constant"](initial=RATE),
        None,
    )
    clipping: tuple[Clipping, Callable[..., Any], float] | None = None
    penalty: tuple[Penalty, Callable[..., Any]] | None = None
    decay: float = 0.0  # PyTorch's weight_decay of W
    norm: Norm | None = None  # of the hidden layers, by batches
    layer_norm: float | None = None  # its epsilon
    max_norm: float | None = None  # of every layer
    outputs: int = OUTPUTS
    class_weight: dict[str, float] | None = None

    def network(self) -> Network:
        loss, _ = self.loss
        output = self.output[0] if self.output else loss.link
        around: dict[str, Any] = {"batch_norm": self.norm, "layer_norm": self.layer_norm}
        layers = [Layer(n, self.hidden[0], max_norm=self.max_norm, **around) for n in UNITS]
        layers.append(Layer(self.outputs, output, max_norm=self.max_norm))
        return Network.of(FEATURES, layers, loss)

    def here(self, theta: Array, X: Array, Y: Array, size: int) -> Array:
        """theta after the updates, as deepnet trains."""
        rule, (schedule, _) = self.rule[0], self.schedule
        part = Part(np.ascontiguousarray(X.T), Y, weights_of(self.class_weight, Y))
        batches = Batches(part, size, 0, shuffle=False)
        state = State.start(theta.copy(), rule)
        objective = Objective(self.network(), (self.penalty[0],) if self.penalty else ())
        clippings = [self.clipping[0]] if self.clipping else []

        def rate(iteration: int) -> float:
            return schedule.rate(iteration, batches.per_epoch, STEPS)

        for _ in train(
            state, objective, clippings, rule, rate, batches.runs(0, STEPS, lambda _: 7)
        ):
            pass
        return state.theta

    def there(self, theta: Array, X: Array, Y: Array, size: int) -> Array:
        """theta after the updates, as PyTorch trains."""
        layout = self.network().layout
        p = {name: torch.tensor(block) for name, block in layout.views(theta).items()}
        trained = {name: p[name].requires_grad_() for name in layout.names}
        Ws = [block for name, block in trained.items() if name[0] == "W"]
        others = [block for name, block in trained.items() if name[0] != "W"]
        groups = [
            {"params": Ws, "weight_decay": self.decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimizer = self.rule[1](groups, lr=self.schedule[0].initial)
        scheduler = self.schedule[1](optimizer) if self.schedule[1] else None
        for columns in dealt(size):
            A = torch.tensor(X[:, columns])
            for l, g in enumerate([*[self.hidden] * len(UNITS), self.output], start=1):
                Z = p[f"W{l}"] @ A + p.get(f"b{l}", 0)
                Z = self.normed(Z, p, l) if f"scale{l}" in p else Z
                slopes = [p[f"slope{l}"]] if f"slope{l}" in p else []
                A = g[1](Z, *slopes) if g else Z
            J = self.loss[1](A, torch.tensor(Y[:, columns]))
            if self.penalty:
                first, last = self.penalty[0].layers or (1, len(Ws))
                J = J + self.penalty[0].strength * sum(map(self.penalty[1], Ws[first - 1 : last]))
            optimizer.zero_grad()
            J.backward()
            if self.clipping:
                self.clipping[1]([*Ws, *others], self.clipping[2])
            optimizer.step()
            if self.max_norm:
                for W in Ws:
                    W.data = torch.renorm(W.data, 2, 0, self.max_norm)
            if scheduler and (self.schedule[0].by == "iteration" or columns.stop == M):
                scheduler.step()
        moved = np.zeros_like(theta)
        for name, block in layout.views(moved).items():
            block[...] = p[name].detach().numpy()
        return moved

    def normed(self, Z: Any, p: dict[str, Any], l: int) -> Any:
        scale, shift = p[f"scale{l}"].view(-1), p[f"shift{l}"].view(-1)
        if self.norm is None:
            return F.layer_norm(Z.T, (len(Z),), scale, shift, self.layer_norm).T
        mean, variance = p[f"mean{l}"].view(-1), p[f"variance{l}"].view(-1)  # moved
        momentum, epsilon = self.norm.momentum, self.norm.epsilon
        return F.batch_norm(Z.T, mean, variance, scale, shift, True, momentum, epsilon).T

    def agrees(self, rng: np.random.Generator, atol: float = 1e-10) -> None:
        """By full batches and by mini-batches."""
        network = self.network()
        theta, X = start(network, rng), rng.normal(size=(FEATURES, M))
        Y = labels_for(network.loss, self.outputs, M, rng)
        for size in (M, SIZE):
            here, there = (run(theta, X, Y, size) for run in (self.here, self.there))
            assert np.abs(here - theta).max() > 1e-3
            np.testing.assert_allclose(here, there, rtol=0, atol=atol)


def weights_of(class_weight: dict[str, float] | None, Y: Array) -> Array | None:
    """The weight that each example has of its class."""
    if class_weight is None:
        return None
    labels = Y.argmax(axis=0) if len(Y) > 1 else Y[0].astype(int)
    return weighed(labels, np.array([*class_weight.values()]), None)


def outputs(loss: Loss, options: dict[str, Any]) -> int:
    """One for each tau; one where its two classes have weights."""
    if isinstance(options.get("tau"), tuple):
        return len(options["tau"])
    return 1 if loss.target == "binary" and "class_weight" in options else OUTPUTS


def dealt(size: int) -> Iterator[slice]:
    """The examples of each update, in their order."""
    per_epoch = -(-M // size)
    for i in range(STEPS):
        first = i % per_epoch * size
        yield slice(first, min(first + size, M))


FAR = [-0.0, 5e-324, -5e-324, 50.0, -50.0, 1e4, -1e4, 1e30, -1e30]


@forms("Activations")
def test_values_of_activations(name: str, form: Form, rng: np.random.Generator) -> None:
    """And their derivatives, kinks and the ends of the line included."""
    g = made_activation(name, **form.options)
    Z = np.concatenate([rng.normal(scale=3, size=200), g.kinks, [0.0], FAR])
    Z = Z[np.newaxis] + np.zeros((2, 1))
    dA = rng.normal(size=Z.shape)
    z = torch.tensor(Z, requires_grad=True)
    theirs = form.theirs(z)
    theirs.backward(torch.tensor(dA))
    with np.errstate(over="ignore"):
        A = g.forward(Z)
        dZ = g.backward(dA, Z if g.keeps_Z else A)
    close(A, theirs)
    close(dZ, z.grad, max([1.0, *form.options.values()]))  # alpha + A has the digits of alpha


@forms("Losses")
def test_values_of_losses(name: str, form: Form, rng: np.random.Generator) -> None:
    """J and its derivative, on scores that are far from small and, for numbers, exact ones."""
    loss = made_loss(name, **form.options)
    K = outputs(loss, form.options)
    S, Y = rng.normal(scale=3, size=(K, 50)), labels_for(loss, K, 50, rng)
    if loss.target in ("number", "quantiles"):
        S[:, :5] = Y[:, :5]
    s = torch.tensor(S, requires_grad=True)
    J = form.theirs(s, torch.tensor(Y))
    J.backward()
    dS, share = np.empty_like(S), shares(weights_of(form.options.get("class_weight"), Y), 50)
    assert loss.cost_and_gradient(S, Y, share, dS) == pytest.approx(J.item(), rel=1e-14)
    close(dS, s.grad)


def close(made: Array, theirs: Any, size: float = 1.0) -> None:
    """To 1e-14 of each entry, or of `size`."""
    np.testing.assert_allclose(made, theirs.detach().numpy(), rtol=1e-14, atol=1e-14 * size)


@forms("Activations")
def test_activations(name: str, form: Form, rng: np.random.Generator) -> None:
    """Hidden ones and of the output; a trained slope, too."""
    g = made_activation(name, **form.options)
    if g.link_only:
        carried: dict[str, tuple[str, Callable[..., Any]]] = {
            "softmax": ("cross_entropy", lambda A, Y: -(Y * A.log()).sum() / Y.shape[1]),
            "exp": ("poisson", lambda A, Y: (A - Y * A.log()).mean()),
        }
        loss, theirs = carried[name]
        Run(loss=(made_loss(loss), lambda Z, Y: theirs(form.theirs(Z), Y))).agrees(rng)
    else:
        run = Run(schedule=(SCHEDULES["constant"](initial=form.rate), None))
        run._replace(hidden=(g, form.theirs)).agrees(rng)
        run._replace(output=(g, form.theirs)).agrees(rng)


@forms("Losses")
def test_losses(name: str, form: Form, rng: np.random.Generator) -> None:
    loss, class_weight = made_loss(name, **form.options), form.options.get("class_weight")
    run = Run(loss=(loss, form.theirs), class_weight=class_weight)
    run._replace(outputs=outputs(loss, form.options)).agrees(rng)


@forms("Optimizers")
def test_optimizers(name: str, form: Form, rng: np.random.Generator) -> None:
    """Alone; with l2, which PyTorch calls weight_decay; a decay that is decoupled is its own."""
    rule = OPTIMIZERS[name](**form.options)
    Run(rule=(rule, form.theirs), decay=rule.weight_decay).agrees(rng)
    if not rule.weight_decay:
        penalty = PENALTIES["l2"](0.3), TABLE["Penalties"]["l2"][0].theirs
        run = Run(rule=(rule, form.theirs), penalty=penalty)
        run.agrees(rng)
        coupled = (PENALTIES["l2"](0.3), lambda W: 0 * W.sum())
        run._replace(penalty=coupled, decay=0.3).agrees(rng)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # of PyTorch, about its own schedulers
@forms("Schedules")
def test_schedules(name: str, form: Form, rng: np.random.Generator) -> None:
    schedule = SCHEDULES[name](initial=RATE, **form.options)
    Run(schedule=(schedule, form.theirs)).agrees(rng)


@forms("Clippings")
@pytest.mark.parametrize("limit", [0.05, 0.5])
def test_clippings(name: str, form: Form, limit: float, rng: np.random.Generator) -> None:
    Run(clipping=(CLIPPINGS[name](limit), form.theirs, limit)).agrees(rng)


@forms("Penalties")
@pytest.mark.parametrize("layers", [None, (1, 2), (2, 2)])
def test_penalties(
    name: str, form: Form, layers: tuple[int, int] | None, rng: np.random.Generator
) -> None:
    Run(penalty=(PENALTIES[name](0.02, layers), form.theirs)).agrees(rng)


@pytest.mark.parametrize("norm", [Norm(), Norm(epsilon=0.1, momentum=0.5)])
def test_batch_norm(norm: Norm, rng: np.random.Generator) -> None:
    """Its running statistics, too, and in the short last batch."""
    Run(norm=norm).agrees(rng)


@pytest.mark.parametrize("epsilon", [1e-5, 0.02])
def test_layer_norm(epsilon: float, rng: np.random.Generator) -> None:
    Run(layer_norm=epsilon).agrees(rng)


@pytest.mark.parametrize("limit", [0.3, 1.0])
def test_max_norm(limit: float, rng: np.random.Generator) -> None:
    """renorm after each update; it divides by the norm and 1e-7, and is so much short."""
    Run(max_norm=limit).agrees(rng, atol=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_alpha_dropout(rate: float, rng: np.random.Generator) -> None:
    """What PyTorch makes of an entry that it keeps, and of one that it drops, by its own mask."""
    A, dD = rng.normal(size=(20, 30)), rng.normal(size=(20, 30))
    a = torch.tensor(A, requires_grad=True)
    theirs = torch.nn.AlphaDropout(rate)(a)
    theirs.backward(torch.tensor(dD))
    kept = a.grad.numpy() != 0
    assert 0 < kept.mean() < 1
    op = AlphaDropout(1, 20, rate, partial(bits, 0, "dropout 1"))
    cache = op.cache(30, A.dtype, A)
    cache.mask[...] = op.kept * kept
    D = op.forward({}, A, cache)
    np.testing.assert_allclose(D, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(op.pull({}, dD, cache), a.grad.numpy(), rtol=1e-12)

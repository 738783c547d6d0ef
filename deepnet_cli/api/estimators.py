"""scikit-learn's estimators: a job of arrays, trained by the code that trains any other."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "deepnet's estimators need scikit-learn 1.7 or newer: "
        "python -m pip install 'deepnet-cli[sklearn]'"
    ) from error

from deepnet_cli.api.model import Model
from deepnet_cli.api.run import History
from deepnet_cli.api.running import DeepnetWarning
from deepnet_cli.config.job import load_job
from deepnet_cli.data.reading.arrays import table_of
from deepnet_cli.errors import DivergedError
from deepnet_cli.nn.types import Array
from deepnet_cli.training.kept import model
from deepnet_cli.training.kept.unwritten import Unwritten
from deepnet_cli.training.run import beginning
from deepnet_cli.training.run.running import run_to_end
from deepnet_cli.training.run.session import Session
from deepnet_cli.training.run.stopping import Interruption

PRECISIONS = [np.float64, np.float32]
FITTED = {"model_", "history_", "n_iter_", "classes_"}
ARRAYS = "arrays"
"""What the config of a model calls the data that it was trained on."""


class Estimator(BaseEstimator):
    """What both have.  A parameter is the config's key of that name; `hidden_layers` are the units
    of all layers but the last, `early_stopping` is its patience, with `validation_fraction` of the
    examples held out for it.  `config` holds any other keys, and has the last word.

    Training is in float32 where X is, else in float64.

    Attributes: model_ (Model), history_ (History), n_iter_ (updates made), n_features_in_.
    """

    def __init__(
        self,
        hidden_layers: int | Sequence[int] = (64,),
        activations: str | Sequence[str] = "relu",
        *,
        optimizer: str | Mapping[str, Any] = "adam",
        learning_rate: float | Mapping[str, Any] = 0.001,
        epochs: int = 100,
        batch_size: int | str = 32,
        l2: float = 0.0,
        scale: str = "standardize",
        early_stopping: int | None = None,
        validation_fraction: float = 0.1,
        random_state: Any = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.hidden_layers = hidden_layers
        self.activations = activations
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.l2 = l2
        self.scale = scale
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.config = config

    def _given(self, X: Any, y: Any, **asked: bool) -> tuple[Array, Array]:
        """What is to be fitted, checked.  What was fitted before is gone: a fit that fails leaves
        none, rather than parts of two.
        """
        for name in vars(self).keys() & FITTED:
            delattr(self, name)
        checked: tuple[Array, Array] = validate_data(self, X, y, dtype=PRECISIONS, **asked)
        return checked

    def _train(
        self,
        X: Array,
        y: Array,
        sample_weight: Any,
        tree: Mapping[str, Any],
        class_names: Sequence[str] = (),
    ) -> None:
        """Fit to arrays that were checked."""
        weights = sample_weight
        if weights is not None:
            weights = _check_sample_weight(weights, X, ensure_non_negative=True)
        tree = merged(merged(self._tree(X), tree), self.config or {})
        with ExitStack() as held:
            job = load_job(tree, at_hand={"train": table_of(X, y, weights, class_names)})
            for told in job.warnings:
                warnings.warn(told, DeepnetWarning, stacklevel=3)
            begun = beginning.new(job, held)
            session = Session(job, Unwritten(), begun.progress)
            if run_to_end(session, Interruption(), lambda _: None) is not None:
                advice = "try a smaller learning_rate, or scale='standardize'"
                raise DivergedError(f"{session.ending.reason}; {advice}")
            theta, m = session.settle(), job.batches.part.m
        found = model.Model(job.objective, theta, job.dataset.encoding, job.config, m)
        self.model_ = Model(found.to_bytes(session.config, {}))
        self.history_ = History.of(session.history.rows)
        self.n_iter_ = session.progress.state.iteration

    def _tree(self, X: Array) -> dict[str, Any]:
        """The config that the parameters stand for."""
        training: dict[str, Any] = {
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "l2": self.l2,
        }
        data: dict[str, Any] = {"train": ARRAYS, "scale": self.scale}
        if self.early_stopping is not None:
            training["early_stopping"] = {"patience": self.early_stopping}
            data["validation"] = {"fraction": self.validation_fraction}
        return {
            "seed": self._seed(),
            "data": data,
            "training": training,
            "compute": {"precision": X.dtype.name},
        }

    def _seed(self) -> int:
        """A number is the seed itself."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    def _model(self, units: int, output: str) -> dict[str, Any]:
        """The section of a network with so many outputs."""
        given, g = self.hidden_layers, self.activations
        hidden = [given] if isinstance(given, int | np.integer) else [*given]
        names = [g] * len(hidden) if isinstance(g, str) else [*g]
        return {"layers": [*hidden, units], "activations": [*names, output]}

    def _checked(self, X: Any) -> Array:
        check_is_fitted(self, "model_")
        checked: Array = validate_data(self, X, dtype=PRECISIONS, reset=False)
        return checked


class DeepnetClassifier(ClassifierMixin, Estimator):
    """A network that tells classes apart: sigmoid for two, softmax for more.

    Attribute: classes_ (K,).
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (m, n) with labels y (m,)."""
        X, y = self._given(X, y)
        check_classification_targets(y)
        classes, indices = np.unique(y, return_inverse=True)
        K = len(classes)
        if K < 2:
            raise ValueError(
                f"y holds one class, {classes.tolist()[0]!r}: there is nothing to learn"
            )
        section = self._model(1, "sigmoid") if K == 2 else self._model(K, "softmax")
        tree: dict[str, Any] = {"model": section}
        if self.early_stopping is not None:
            tree["data"] = {"validation": {"stratify": True}}
        self._train(X, indices, sample_weight, tree, [*map(str, classes)])
        self.classes_ = classes
        return self

    def predict(self, X: Any) -> Array:
        """Labels (m,)."""
        X = self._checked(X)
        labels: Array = self.classes_[self.model_.predict(X)]
        return labels

    def predict_proba(self, X: Any) -> Array:
        """The probability (m, K) of each class, in the order of `classes_`."""
        X = self._checked(X)
        return self.model_.predict_proba(X)


class DeepnetRegressor(RegressorMixin, Estimator):
    """A network that predicts numbers, which it learns with mean 0 and deviation 1."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (m, n) with numbers y (m,) or (m, K)."""
        X, y = self._given(X, y, multi_output=True, y_numeric=True)
        units = 1 if y.ndim == 1 else y.shape[1]
        tree = {"data": {"scale_y": "standardize"}, "model": self._model(units, "linear")}
        self._train(X, y, sample_weight, tree)
        return self

    def predict(self, X: Any) -> Array:
        """Numbers (m,) or (m, K)."""
        X = self._checked(X)
        return self.model_.predict(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One tree, in which `above` has the last word; two dicts at a place are merged."""
    tree = dict(below)
    for key, value in above.items():
        old = tree.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            tree[key] = merged(old, value)
        else:
            tree[key] = value
    return tree

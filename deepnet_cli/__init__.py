"""deepnet: dense neural networks from a YAML file, trained on HDF5 data with NumPy.

    import deepnet_cli as deepnet

    run = deepnet.train("config.yaml", set={"training.learning_rate": 0.05})
    run.model.predict(X)

What is named here is imported when it is first used: docs/python.md tells of each.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # as typing's, which is slow
if TYPE_CHECKING:
    from deepnet_cli.api.checking import GradientCheck, gradcheck
    from deepnet_cli.api.estimators import DeepnetClassifier, DeepnetRegressor
    from deepnet_cli.api.model import Model, load
    from deepnet_cli.api.run import History, Picture, Run
    from deepnet_cli.api.running import DeepnetWarning, Interrupted, resume, train
    from deepnet_cli.errors import (
        CheckError,
        ConfigError,
        DataError,
        DeepnetError,
        DivergedError,
        MachineError,
    )

__all__ = [
    "CheckError",
    "ConfigError",
    "DataError",
    "DeepnetClassifier",
    "DeepnetError",
    "DeepnetRegressor",
    "DeepnetWarning",
    "DivergedError",
    "GradientCheck",
    "History",
    "Interrupted",
    "MachineError",
    "Model",
    "Picture",
    "Run",
    "__version__",
    "gradcheck",
    "load",
    "resume",
    "train",
]

_HOMES = {
    "errors": {name for name in __all__ if name.endswith("Error")},
    "api.checking": {"GradientCheck", "gradcheck"},
    "api.estimators": {"DeepnetClassifier", "DeepnetRegressor"},
    "api.model": {"Model", "load"},
    "api.run": {"History", "Picture", "Run"},
    "api.running": {"DeepnetWarning", "Interrupted", "resume", "train"},
}


def __getattr__(name: str) -> object:
    import importlib

    for home, names in _HOMES.items():
        if name in names:
            found: object = getattr(importlib.import_module(f"deepnet_cli.{home}"), name)
            return found
    raise AttributeError(f"module 'deepnet_cli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

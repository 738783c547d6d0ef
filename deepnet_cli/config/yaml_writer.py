"""YAML that our reader, which is of YAML 1.2, reads back as what was written."""

from pathlib import PurePath
from typing import Any

import numpy as np
import yaml

from deepnet_cli.config.scalars import plain_scalar
from deepnet_cli.errors import ConfigError


class Dumper(yaml.SafeDumper):
    """Quotes whatever text our reader would not read as that text, and writes what stands in two
    places twice.
    """

    def ignore_aliases(self, _: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: object) -> yaml.ScalarNode:
    word = str(text)
    try:
        plain = plain_scalar(word) == word
    except ValueError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", word, None if plain else '"')


def _numbers(dumper: yaml.SafeDumper, numbers: Any) -> yaml.Node:
    return dumper.represent_data(numbers.tolist())


Dumper.add_representer(str, _text)
Dumper.add_multi_representer(PurePath, _text)
for numpys in (np.generic, np.ndarray):
    Dumper.add_multi_representer(numpys, _numbers)


def dumped(tree: object) -> str:
    """YAML that our reader reads back as `tree`.  Raises ConfigError where it holds other things
    than numbers, text, lists and dicts.
    """
    return _dumped(tree, default_flow_style=None, width=100)


def flowed(value: object) -> str:
    """A value on one line."""
    return _dumped([value], default_flow_style=True, width=10**6).strip()[1:-1]


def _dumped(tree: object, **style: Any) -> str:
    try:
        return str(yaml.dump(tree, Dumper=Dumper, sort_keys=False, **style))
    except yaml.representer.RepresenterError as error:
        kind = type(error.args[-1]).__name__
        problem = f"a config is made of numbers, text, lists and dicts, and cannot hold a {kind}"
        raise ConfigError(problem) from None
    except RecursionError:
        raise ConfigError("a config cannot hold itself") from None

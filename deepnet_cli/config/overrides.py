"""`--set training.learning_rate=0.01`: a value of the config from the command line."""

from deepnet_cli.config.document import Document
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.errors import ConfigError


def override(document: Document, setting: str) -> None:
    """Put KEY.KEY=VALUE into the document's tree.  VALUE is YAML.  Raises ConfigError."""
    dotted, equals, text = setting.partition("=")
    keys = tuple(dotted.strip().split("."))
    if not equals or not all(keys):
        raise ConfigError(f"--set {setting}: expected KEY=VALUE, such as training.epochs=20")
    value = parse(f"value: {text}".encode(), f"--set {setting}")
    if value.problems:
        raise ConfigError(f"--set {setting}: {value.problems[0].message}")

    section = document.tree
    for depth, key in enumerate(keys[:-1], start=1):
        inner = section.setdefault(key, {})
        if isinstance(inner, str) and keys[:1] == ("data",):
            inner = section[key] = {"file": inner}
        if not isinstance(inner, dict):
            raise ConfigError(
                f"--set {setting}: '{'.'.join(keys[:depth])}' is a single value; set it whole"
            )
        section = inner
    section[keys[-1]] = value.tree["value"]
    document.overrides[keys] = setting
    document.problems = [p for p in document.problems if p.path[: len(keys)] != keys or not p.path]

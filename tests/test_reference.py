"""docs/reference.md and the JSON Schema say what the code does, all of it."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from cli import deepnet
from pydantic import BaseModel, ValidationError

from deepnet_cli.config.descriptions import DESCRIPTIONS
from deepnet_cli.config.json_schema import json_schema
from deepnet_cli.config.options import Chosen
from deepnet_cli.config.schema import Config
from deepnet_cli.data.encoding.imputation import IMPUTATIONS
from deepnet_cli.nn.metrics import METRICS
from deepnet_cli.report import vocabulary
from deepnet_cli.report.entries import REGISTRIES, Registry, of_docstring
from deepnet_cli.report.markdown import anchor

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reference.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]
HEADINGS = re.findall(r"(?m)^#+ (.*)$", PAGE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a crash file would be written."""
    monkeypatch.chdir(tmp_path)


def test_the_page_is_what_the_code_says() -> None:
    result = deepnet("schema", "--reference")
    assert result.code == 0, result.err
    assert result.out == PAGE, "type: deepnet schema --reference > docs/reference.md"


def models(annotation: object) -> set[type[BaseModel]]:
    """Every mapping that a config may hold, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = (models(field.annotation) for field in annotation.model_fields.values())
        return {annotation}.union(*inner)
    return set().union(*map(models, get_args(annotation)))


def test_every_key_is_described_and_nothing_else() -> None:
    sections = {model for model in models(Config) if not issubclass(model, Chosen)}
    assert {model: {*model.model_fields} for model in sections} == {
        section: {*lines} for section, lines in DESCRIPTIONS.items()
    }, "say what a key is in config/descriptions.py"


def test_every_option_stands_in_the_row_of_its_name() -> None:
    chosen = [model for model in models(Config) if issubclass(model, Chosen)]
    assert len(chosen) > 30
    for model in chosen:
        name = model.model_fields[model.key].default
        rows = [row for row in ROWS if row.startswith(f"| `{name}` ")]
        shared = {"initial", "warmup", "by"} if model.key == "schedule" else set()
        shared |= {"indicators"} if name in IMPUTATIONS else set()
        for option in model.model_fields.keys() - {model.key} - shared:
            assert any(re.search(rf"`{option}\b", row) for row in rows), f"{name}: {option}"


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda r: r.title)
def test_every_name_has_its_formula(registry: Registry) -> None:
    for name in registry.names:
        rows = [row for row in ROWS if row.startswith(f"| `{name}` | `")]
        assert any(
            registry.told(name, registry.names[name]).formula.replace("|", r"\|") in row
            for row in rows
        )


def test_every_option_is_in_the_formula_or_told() -> None:
    for registry in REGISTRIES[:2]:
        for name, entry in registry.names.items():
            told = registry.told(name, entry)
            for option in vocabulary.options(json_schema(), registry.key, name):
                text = " ".join((told.formula, told.source, told.module))
                assert re.search(rf"\b{option}\b", text), f"{name}: {option}"


def test_every_metric_is_there() -> None:
    assert all(f"`{name}`" in PAGE for names in METRICS.values() for name in names)


def test_a_name_without_a_formula_is_refused() -> None:
    class Nameless:
        pass

    with pytest.raises(ValueError, match=r"nameless: give .* a docstring"):
        of_docstring("nameless", Nameless)


def test_tables_render() -> None:
    """As many cells in every row as in the head, with | escaped; links lead to headings."""
    for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(cells) == 1, block
    anchors = [anchor(title) for title in HEADINGS]
    assert len(set(anchors)) == len(anchors)
    assert {*re.findall(r"\]\((#[^)]*)\)", PAGE)} <= {*anchors}


def test_the_command_prints_the_schema() -> None:
    result = deepnet("schema")
    assert result.code == 0, result.err
    assert json.loads(result.out) == json_schema()
    assert all(len(line) <= 80 for line in result.err.splitlines())


BASE: dict[str, Any] = {"data": {"train": "a.h5"}, "model": {"layers": [3]}}
WRITTEN: dict[str, dict[str, Any]] = {
    "least": {},
    "layers of both kinds": {"model": {"layers": [4, {"units": 3, "dropout": 0.5}]}},
    "a norm": {"model": {"layers": [{"units": 3, "batch_norm": True}]}},
    "a norm with options": {"model": {"layers": [{"units": 3, "batch_norm": {"momentum": 0.5}}]}},
    "no layers": {"model": {"layers": []}},
    "a layer of nothing": {"model": {"layers": [0]}},
    "activations": {"model": {"layers": [3, 2], "activations": ["tanh", "linear"]}},
    "an unknown activation": {"model": {"layers": [3], "activations": "tahn"}},
    "an initializer": {"model": {"layers": [3], "initialization": "he"}},
    "an initializer, briefly": {"model": {"layers": [3], "initialization": {"normal": 0.1}}},
    "an initializer of nothing": {
        "model": {"layers": [3], "initialization": {"name": "he", "a": 1}}
    },
    "a fraction": {"data": {"train": {"file": "a.h5", "x": "x"}, "validation": {"fraction": 0.2}}},
    "a file": {"data": {"train": "a.h5", "validation": "b.h5", "test": None}},
    "a whole": {"data": {"train": "a.h5", "validation": {"fraction": 1}}},
    "no data": {"data": {}},
    "a loss": {"loss": "huber"},
    "a loss by name": {"loss": {"name": "huber"}},
    "a loss with options": {"loss": {"name": "huber", "delta": 2.0}},
    "a loss, briefly": {"loss": {"huber": 2.0}},
    "a loss without options": {"loss": {"name": "log_cosh"}},
    "a loss with strange options": {"loss": {"name": "log_cosh", "delta": 2.0}},
    "a rule": {"training": {"optimizer": {"name": "adam", "beta1": 0.8}}},
    "a rule, briefly": {"training": {"optimizer": {"momentum": 0.8}}},
    "a rule out of bounds": {"training": {"optimizer": {"name": "adam", "beta1": 1.0}}},
    "a rate": {"training": {"learning_rate": 0.5}},
    "a schedule": {"training": {"learning_rate": {"schedule": "step", "initial": 1, "every": 3}}},
    "half a schedule": {"training": {"learning_rate": {"schedule": "step", "initial": 1}}},
    "points": {
        "training": {"learning_rate": {"schedule": "piecewise", "initial": 1, "points": [[1, 2]]}}
    },
    "a batch": {"training": {"batch_size": 32, "clip_norm": None}},
    "half a batch": {"training": {"batch_size": 0.5}},
    "a scale": {"data": {"train": "a.h5", "scale": 255}},
    "metrics": {"training": {"metrics": ["f1", "width", "top_7"]}},
    "no metrics": {"training": {"metrics": []}},
    "an unknown metric": {"training": {"metrics": ["f2"]}},
    "a top of none": {"training": {"metrics": ["top_0"]}},
    "an unknown key": {"sed": 1},
    "switches": {
        "compute": {"reduce": False},
        "output": {"plots": False},
        "training": {"shuffle": 1},
    },
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_the_schema_takes_what_a_config_takes(written: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    tree = BASE | written
    try:
        Config.model_validate(tree)
        valid = True
    except ValidationError:
        valid = False
    assert jsonschema.Draft202012Validator(json_schema()).is_valid(tree) is valid


def test_the_schema_takes_the_shipped_configs() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(json_schema())
    for config in (ROOT / "configs").glob("*.yaml"):
        jsonschema.validate(yaml.safe_load(config.read_text()), json_schema())

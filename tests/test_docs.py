"""README, docs and --help cannot disagree with the code."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from cli import deepnet
from pydantic import BaseModel

from deepnet_cli.cli.main import COMMANDS
from deepnet_cli.config.schema import Config
from deepnet_cli.data.encoding.imputation import IMPUTATIONS
from deepnet_cli.data.encoding.scaling import SCALINGS
from deepnet_cli.nn.activations import ACTIVATIONS
from deepnet_cli.nn.initializers import INITIALIZERS
from deepnet_cli.nn.losses import LOSSES
from deepnet_cli.nn.metrics import METRICS
from deepnet_cli.optim.schedules import SCHEDULES
from deepnet_cli.optim.searches import RULES

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def keys(annotation: object) -> set[str]:
    """Every key that a config may have, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return {name for name, _ in fields}.union(*(keys(field.annotation) for _, field in fields))
    return set().union(*map(keys, get_args(annotation)))


def test_every_key_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "config.md").read_text()
    missing = {key for key in keys(Config) if not re.search(rf"\b{key}\b", text)}
    assert not missing


@pytest.mark.parametrize(
    "registry",
    [ACTIVATIONS, LOSSES, RULES, SCHEDULES, INITIALIZERS, SCALINGS, IMPUTATIONS, *METRICS.values()],
    ids=[
        *("activations", "losses", "optimizers", "schedules", "initializers", "scalings"),
        *("imputations", *METRICS),
    ],
)
def test_every_name_is_in_the_reference_and_has_its_formula(registry: dict[str, object]) -> None:
    reference = (ROOT / "docs" / "config.md").read_text()
    formulas = (ROOT / "docs" / "conventions.md").read_text()
    for name in set(registry) - {"none"}:
        assert re.search(rf"`{{?{name}\b", reference), name
        assert name in formulas, name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"(?<!\w)\[[^\]]+\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_first_network_of_the_readme_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of its console block, typed in order."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    config = blocks("yaml")[0]
    (tmp_path / "first.yaml").write_text(config)
    for line in blocks("console")[0].splitlines():
        command = line.removeprefix("$ deepnet ").partition("  #")[0].split()
        result = deepnet(*command)
        assert result.code == 0, result.err
    assert (tmp_path / "predictions.csv").exists()


def test_the_mistake_of_the_readme_looks_like_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    wrong = "data: {train: data/digits.h5}\nmodel:\n  layer: [64, 32, 10]\n"
    wrong += "  activations: [relu, rleu, softmax]\n"
    (tmp_path / "first.yaml").write_text(wrong)
    result = deepnet("train", "first.yaml")
    assert result.code == 2
    assert result.err == blocks("text")[0]


@pytest.mark.parametrize("config", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.name)
def test_shipped_configs_have_a_seed_and_known_keys(config: Path) -> None:
    tree = yaml.safe_load(config.read_text())
    assert "seed" in tree
    assert set(tree) <= set(Config.model_fields)


def test_help_lists_every_command_and_fits_80_columns() -> None:
    result = deepnet("--help")
    assert result.code == 0
    assert all(name in result.out for name in COMMANDS)
    for name in COMMANDS:
        shown = deepnet(name, "--help")
        assert shown.code == 0
        assert "Example:" in shown.out
        assert all(len(line) <= 80 for line in (shown.out + result.out).splitlines())

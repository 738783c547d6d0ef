"""README, docs and --help cannot disagree with the code."""

import doctest
import importlib.util
import io
import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import get_args

import pages
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
from deepnet_cli.nn.metrics import EVERY, METRICS
from deepnet_cli.optim.averages import AVERAGES
from deepnet_cli.optim.clipping import CLIPPINGS
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


def test_the_page_of_formulas_is_the_code() -> None:
    """As `python docs/formulas.py > docs/formulas.md` writes it, and nothing is left out."""
    place = importlib.util.spec_from_file_location("formulas", ROOT / "docs" / "formulas.py")
    assert place is not None
    assert place.loader is not None
    formulas = importlib.util.module_from_spec(place)
    place.loader.exec_module(formulas)
    text = (ROOT / "docs" / "formulas.md").read_text()
    assert formulas.page() == text, "type: python docs/formulas.py > docs/formulas.md"
    registries: list[Mapping[str, object]] = [
        ACTIVATIONS,
        LOSSES,
        RULES,
        AVERAGES,
        CLIPPINGS,
        SCHEDULES,
        INITIALIZERS,
    ]
    names = {*EVERY, *SCALINGS, *IMPUTATIONS, *chain.from_iterable(registries)} - {"refuse"}
    headings = {*re.findall(r"^### (.*)$", text, re.MULTILINE)}
    assert names - headings <= {"top_5", "initial"}, names - headings


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"(?<!\w)\[[^\]]+\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_every_page_is_found_from_the_readme() -> None:
    found, new = set[Path](), {ROOT / "README.md"}
    while new:
        found |= new
        links = {
            (page.parent / to)
            for page in new
            for to in re.findall(r"\]\(([^)#:]+\.md)", page.read_text())
        }
        new = {link.resolve() for link in links} - found
    assert {*PAGES} <= found


MADE = {"reference.md"}
"""From --help, whose examples name files of the reader's own."""

TYPED = [page for page in PAGES if page.name not in MADE and pages.blocks(page)]
QUICK = {"README.md"}


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=[] if p.name in QUICK else pytest.mark.long) for p in TYPED],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_what_a_page_says_to_do_is_done(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command in order, with the exit code and the output that are shown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    pages.copied(tmp_path)
    names: dict[str, object] = {}
    for block in pages.blocks(page):
        if block.kind == "file":
            Path(block.name).write_text(block.body)
        elif block.kind == "pycon":
            told = io.StringIO()
            example = doctest.DocTestParser().get_doctest(block.body, names, page.name, None, 0)
            checked = doctest.DocTestRunner(optionflags=DOCTEST)
            failed, _ = checked.run(example, out=told.write, clear_globs=False)
            names = example.globs
            assert not failed, told.getvalue()
        else:
            pages.type_all(block)


DOCTEST = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def test_a_page_that_shows_other_output_fails() -> None:
    told = ["epoch  cost", "1  0.5", "2  0.25", "made in 0.3 s", "next: deepnet check"]
    assert pages.alike(told, told)
    assert pages.alike(["epoch  cost", "...", "made in 17 s", "next: ..."], told)
    assert pages.alike(["...", "2  0.26", "..."], told)
    assert not pages.alike(told[:-1], told)
    assert not pages.alike([*told, "more"], told)
    assert not pages.alike(["...", "2  0.35", "..."], told)
    assert not pages.alike(["epoch  cost", "...", "next: deepnet train"], told)
    assert not pages.alike(["...", "2  0.25", "1  0.5", "..."], told)
    assert not pages.alike(["...", "made in 17 ms of", "..."], told)
    timed = [f"{cost:4}  {seconds:>7}{star}" for cost, seconds, star in TIMED]
    assert pages.alike([line.replace("17.0", " 1.1") for line in timed], timed)
    assert not pages.alike([line.replace("0.5", "0.6") for line in timed], timed)


TIMED = [("cost", "seconds", ""), ("0.5", "1.2", " *"), ("0.1", "17.0", "")]


def test_a_command_that_ends_otherwise_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pages.type_all(pages.Block("console", "$ deepnet inspect none.h5  # exit code 3\n"))
    with pytest.raises(AssertionError, match="no such file"):
        pages.type_all(pages.Block("console", "$ deepnet inspect none.h5\n"))
    with pytest.raises(AssertionError, match="not run here"):
        pages.type_all(pages.Block("console", "$ echo a && pip install nothing\n"))
    with pytest.raises(AssertionError, match="shown"):
        pages.type_all(pages.Block("console", "$ echo a && echo b\na\nc\n"))


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


def test_the_readme_has_the_commands_as_help_has_them() -> None:
    assert [*dict.fromkeys(re.findall(r"^\| `deepnet ([\w-]+)", README, re.M))] == [*COMMANDS]


def test_help_lists_every_command_and_fits_80_columns() -> None:
    result = deepnet("--help")
    assert result.code == 0
    told = [line.split(maxsplit=1) for line in result.out.splitlines() if line.strip()]
    assert all([name, sentence] in told for name, sentence in COMMANDS.items())
    for name in COMMANDS:
        shown = deepnet(name, "--help")
        assert shown.code == 0
        assert "Example:" in shown.out
        assert all(len(line) <= 80 for line in (shown.out + result.out).splitlines())

"""`deepnet report`: one page that stands alone, whatever the names in files are."""

import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from samples import write_blobs, write_config
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import escaped
from deepnet_cli.report.page.chart import curves
from deepnet_cli.report.page.facts import gathered
from deepnet_cli.report.page.html import VOID, Element, html, tag
from deepnet_cli.report.page.pixels import picture_shape, pixels
from deepnet_cli.report.page.png import data_uri
from deepnet_cli.report.page.scale import Scale
from deepnet_cli.report.page.sections import OF_ONE, OF_SEVERAL
from deepnet_cli.report.page.square import square
from deepnet_cli.report.page.thinning import COLUMNS, kept
from deepnet_cli.report.page.yaml_text import highlighted
from deepnet_cli.report.pictures.panels import Chart, Series

NASTY = "</td></script x><script>alert('1')</script>\"&amp;<!--\x1b[31m\n\u202e]]>"
"""A name in somebody's file."""


law = settings(max_examples=40, deadline=None)


class Page(HTMLParser):
    """A page as a browser reads it: elements with their attributes, and the text in each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        element = (name, dict(attrs), list[str]())
        self.elements.append(element)
        if name not in VOID:
            self._open.append(element)

    def handle_endtag(self, name: str) -> None:
        assert self._open.pop()[0] == name

    def handle_data(self, data: str) -> None:
        for _, _, text in self._open:
            text.append(data)

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")

    def all(self, name: str, **attributes: str) -> list[str]:
        """The texts of the elements of a name that have these attributes."""
        wanted = {key.strip("_"): value for key, value in attributes.items()}
        return [
            "".join(text)
            for kind, has, text in self.elements
            if kind == name and wanted.items() <= has.items()
        ]

    def rows(self, caption: str) -> list[list[str]]:
        """The cells of the table whose caption begins so."""
        found, inside = list[list[str]](), False
        for name, _, text in self.elements:
            if name == "caption":
                inside = "".join(text).startswith(caption)
            elif inside and name == "tr":
                found.append([])
            elif inside and name in ("th", "td"):
                found[-1].append("".join(text))
        return found


def report(*args: str | Path) -> tuple[Path, Page]:
    """The page that a command writes."""
    result = deepnet("report", *args)
    assert result.code == 0, result.err
    assert result.out == ""
    wrote = re.search(r"^wrote (.+), [\d.]+ \w+; open it in a browser$", result.err, re.MULTILINE)
    assert wrote is not None
    path = Path(wrote[1])
    return path, Page(path.read_text())


def train(folder: Path, name: str, **sections: object) -> Path:
    """A run of a config over blobs.h5."""
    config = write_config(folder / f"{name}.yaml", **sections)
    result = deepnet("train", config, "--run-dir", folder / name, "-q")
    assert result.code in (0, 4), result.err
    return folder / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: of classes, of numbers, of labels with nasty names, and one that has not ended."""
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(2)
    write_blobs(folder / "blobs.h5")
    with h5py.File(folder / "blobs.h5", "r+") as file:
        file["x"][...] += 3 * rng.normal(size=file["x"].shape)  # so that there are confusions
    held = {"train": "blobs.h5", "validation": {"fraction": 0.3}}
    train(folder, "classes", data=held, seed=3)
    train(folder, "more", data=held, training={"iterations": 60, "l2": 0.1})
    with h5py.File(folder / "numbers.h5", "w") as file:
        x = rng.normal(size=(80, 3))
        file["x_train"], file["y_train"] = x[:50], x[:50].sum(axis=1)
        file["x_test"], file["y_test"] = x[50:], x[50:].sum(axis=1)
    both = {"train": "numbers.h5", "test": "numbers.h5"}
    one = {"layers": [4, 1], "activations": ["relu", "linear"]}
    train(folder, "numbers", data=both, model=one, loss="mean_squared_error")
    with h5py.File(folder / "labels.h5", "w") as file:
        file["x"] = rng.normal(size=(60, 5))
        file["y"] = rng.integers(0, 2, (60, 3)).astype("u1")
        file["list_classes"] = np.array([NASTY + str(k) for k in range(3)], h5py.string_dtype())
        file["x"].attrs["feature_names"] = [f"{NASTY}{k}" for k in range(5)]
    several = {"layers": [4, 3], "activations": ["tanh", "sigmoid"]}
    train(folder, "labels", data={"train": "labels.h5"}, model=several, loss="binary_cross_entropy")
    large = {"learning_rate": 1e30, "iterations": 9}
    linear = {"layers": [4, 1], "activations": ["linear", "linear"]}
    train(folder, "far", data=both, model=linear, loss="mean_squared_error", training=large)
    (folder / "begun").mkdir()
    (folder / "begun" / "config.yaml").write_bytes((folder / "more" / "config.yaml").read_bytes())
    return folder


ONE = ("classes", "numbers", "labels", "far", "begun")


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, Page]:
    """The page of each run by itself."""
    found = {}
    for name in ONE:
        path, found[name] = report(folder / name)
        assert path == folder / name / "report.html"
    return found


trees = st.recursive(
    st.text() | st.none(),
    lambda nodes: st.builds(
        lambda children, attributes: Element("p", children, attributes),
        st.lists(nodes, max_size=3),
        st.dictionaries(st.sampled_from(["title", "id", "alt"]), st.text()),
    ),
)


@law
@given(trees)
def test_nothing_but_an_element_is_markup(tree: object) -> None:
    """The page has the elements of the tree, with their attributes, and its text, and no more."""
    elements, words = list[tuple[str, dict[str, str]]](), list[str]()

    def walk(node: object) -> None:
        if isinstance(node, str):
            words.append(escaped(node))
        elif isinstance(node, Element):
            named = {k: escaped(str(v)) for k, v in node.attributes.items()}
            elements.append((node.name, named))
            for child in node.children:
                walk(child)

    walk(tree)
    found = Page(html(["(", tree, ")"]))  # type: ignore[list-item]
    assert [(name, has) for name, has, _ in found.elements] == elements
    whole = Page(html(tag("main", tree)))  # type: ignore[arg-type]
    assert whole.all("main")[0].replace("\n", "") == "".join(words).replace("\n", "")


ELEMENTS = (
    "html head meta title style body header p h1 h2 h3 nav ul ol li a main section div dl dt dd "
    "table caption thead tbody tr th td figure figcaption button span svg path text script pre "
    "code img footer wbr br"
)


@pytest.mark.parametrize("name", ONE)
def test_a_page_is_of_our_own_elements_and_needs_no_other_file(
    folder: Path, pages: dict[str, Page], name: str
) -> None:
    path, page = folder / name / "report.html", pages[name]
    assert path.stat().st_size < 100_000
    scripts = list[str]()
    for kind, has, text in page.elements:
        assert kind in ELEMENTS.split()
        assert not any(key.startswith("on") or key == "style" for key in has)
        assert not {"src", "href"} & has.keys() or re.match(
            r"(#\w+$|data:image/png)", "".join(str(has.get(key, "")) for key in ("src", "href"))
        )
        if kind == "script" and has.get("type") == "application/json":
            json.loads("".join(text))
        elif kind == "script":
            scripts.append("".join(text))
    policy = next(h["content"] for _, h, _ in page.elements if h.get("http-equiv")) or ""
    for own, directive in ((scripts, "script-src"), (page.all("style"), "style-src")):
        (text_of,) = own
        digest = b64encode(sha256(text_of.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "://" not in path.read_text()


def test_nasty_names_are_text(pages: dict[str, Page]) -> None:
    page = pages["labels"]
    cells = " ".join(page.all("td"))
    assert escaped(NASTY).replace("\n", "") in cells.replace("\n", "")
    assert "alert" not in "".join(page.all("script"))


def test_every_section_is_made_of_some_run(folder: Path, pages: dict[str, Page]) -> None:
    """And each has a heading and a link that leads to it."""
    made = set[str]()
    for page in pages.values():
        ids = {has["id"] for kind, has, _ in page.elements if kind == "section"}
        links = {str(has["href"])[1:] for kind, has, _ in page.elements if kind == "a"}
        assert ids == links
        assert len(page.all("h2")) == len(ids)
        made |= ids  # type: ignore[arg-type]
    assert made == OF_ONE.keys()
    runs = gathered([folder / "classes", folder / "more"])
    assert all(make(runs) is not None for make in OF_SEVERAL.values())


def test_figures_are_those_of_evaluate(folder: Path, pages: dict[str, Page]) -> None:
    page = pages["numbers"]
    told = json.loads(deepnet("evaluate", folder / "numbers", folder / "numbers.h5", "--json").out)
    head, *rows = page.rows("Figures on the 30 test examples")
    assert head == ["", "network", "95 % interval", "linear", "mean"]
    assert rows
    for name, figure, interval, *others in rows:
        assert float(figure) == pytest.approx(told[name], rel=1e-4)
        ends = [float(end) for end in interval.split(" to ")]
        assert ends == pytest.approx(told["intervals"][name], rel=1e-3)
        for other, baseline in zip(others, ("linear", "mean"), strict=True):
            expected = told["baselines"][baseline].get(name)
            assert (other == "") == (expected is None), (name, other)
            if expected is not None:
                assert float(other) == pytest.approx(expected, rel=1e-4, abs=1e-12)


def test_confusions_and_hardest_examples_are_those_of_the_predictions(
    folder: Path, pages: dict[str, Page]
) -> None:
    """The oracle: probabilities by `predict` for the rows of the validation part."""
    page = pages["classes"]
    told = json.loads(deepnet("predict", folder / "classes", folder / "blobs.h5", "--json").out)
    with h5py.File(folder / "classes" / "splits.h5") as file:
        rows = file["validation"][()]
    with h5py.File(folder / "blobs.h5") as file:
        x, y = file["x"][()][rows], file["y"][()][rows]
    p = np.array(told["probabilities"])[rows]
    worst = np.argsort(np.log(p[np.arange(len(y)), y]))[:12]
    table = page.rows("Hardest examples")[1:]
    assert [row[0] for row in table] == [f"row {rows[i]}" for i in worst]
    for i, (_, true, decided, cost, unusual) in zip(worst, table, strict=True):
        assert true == str(y[i])
        assert decided == f"{p[i].argmax()} ({p[i].max():.3f})"
        assert float(cost) == pytest.approx(-np.log(p[i, y[i]]), rel=1e-3)
        named = re.findall(r"column (\d) = (\S+) \((\S+) sd\)", unusual)
        away = (x[i] - x.mean(axis=0)) / x.std(axis=0)
        assert [int(j) for j, *_ in named] == [*np.argsort(-abs(away))[:3]]
        for j, value, sd in named:
            assert float(value) == pytest.approx(x[i, int(j)], rel=1e-3)
            assert float(sd) == pytest.approx(away[int(j)], abs=0.06)
    C = np.zeros((3, 3), int)
    np.add.at(C, (y, p.argmax(axis=1)), 1)
    assert (C != C.T).any()
    cells = [text for text in page.all("td") if text == "·" or text.isdigit()]
    flat = [str(count) if count else "·" for count in C.ravel()]
    assert any(cells[k : k + 9] == flat for k in range(len(cells)))


def test_curves_of_ranks_are_scikit_learns(pages: dict[str, Page], folder: Path) -> None:
    """Each class against the rest, with its areas; each point of the ROC is on the curve."""
    told = json.loads(deepnet("predict", folder / "classes", folder / "blobs.h5", "--json").out)
    with h5py.File(folder / "classes" / "splits.h5") as file:
        rows = file["validation"][()]
    with h5py.File(folder / "blobs.h5") as file:
        y = file["y"][()][rows]
    p = np.array(told["probabilities"])[rows]
    for name, area in (("ROC", roc_auc_score), ("precision and", average_precision_score)):
        legend, drawn = square_chart(pages["classes"], name)
        areas = [f"{k}: {area(y == k, p[:, k]):.3f}" for k in range(3)]
        assert [label for label in legend if label != "chance"] == areas
        assert [(has or "")[-2:] for has, _ in drawn if "marked" not in has] == ["c0", "c1", "c2"]
    _, drawn = square_chart(pages["classes"], "ROC")
    for k, (_, d) in enumerate(drawn[1:]):
        false, right, _ = roc_curve(y == k, p[:, k], drop_intermediate=False)
        scale = Scale.of(np.array([0.0, 1.0]))
        expected = np.transpose([1000 * scale.place(false), 1000 - 1000 * scale.place(right)])
        np.testing.assert_allclose(points(d), expected, atol=0.06)


def square_chart(page: Page, title: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The legend of a chart, and the class and the points of what is drawn in it."""
    legend, drawn, inside = list[str](), list[tuple[str, str]](), False
    for name, has, text in page.elements:
        kind = has.get("class") or ""
        if name == "h3":
            inside = "".join(text).startswith(title)
        elif inside and name == "span" and not kind:
            legend.append("".join(text))
        elif inside and name == "path" and kind != "rule":
            drawn.append((kind, str(has["d"])))
    return legend, drawn


def points(d: str) -> np.ndarray:
    """Where a path is drawn to: by M x,y or L x,y, or by V y at the same x."""
    found = list[tuple[float, float]]()
    for command, one, other in re.findall(r"([MLV])([-\d.]+),?([-\d.]*)", d):
        found.append((found[-1][0], float(one)) if command == "V" else (float(one), float(other)))
    return np.array(found)


def test_a_step_goes_up_or_down_before_it_goes_on() -> None:
    series = Series("a", np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.5, 0.75]), "step")
    page = Page(html(square(Chart("PR", "recall", "precision", (series,), square=True))))
    _, ((_, d),) = square_chart(page, "PR")
    place = 1000 * Scale.of(np.array([0.0, 1.0])).place(np.array([0, 0.5, 0.75, 1]))
    at = dict(zip((0, 0.5, 0.75, 1), place, strict=True))
    corners = [(0, 1), (0, 0.5), (0.5, 0.5), (0.5, 0.75), (1, 0.75)]
    np.testing.assert_allclose(points(d), [(at[x], 1000 - at[y]) for x, y in corners], atol=0.06)


def test_of_many_classes_the_worst_are_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "blobs.h5", "w") as file:
        file["y"] = y = np.arange(160) % 8
        file["x"] = np.eye(8)[y] * y[:, np.newaxis] + rng.normal(size=(160, 8))
    model = {"layers": [8], "activations": ["softmax"]}
    _, page = report(train(tmp_path, "eight", model=model))
    told = json.loads(deepnet("predict", tmp_path / "eight", tmp_path / "blobs.h5", "--json").out)
    p = np.array(told["probabilities"])
    areas = sorted((roc_auc_score(y == k, p[:, k]), k) for k in range(8))
    legend, _ = square_chart(page, "ROC")
    assert legend == ["chance", *(f"{k}: {area:.3f}" for area, k in areas[:6])]
    assert any("of 8 those with the smallest areas" in text for text in page.all("p"))


def test_categories_and_classes_of_the_hardest_go_by_their_names(tmp_path: Path) -> None:
    """And how many have the category is said in the place of deviations."""
    rng = np.random.default_rng(0)
    colors = rng.choice(3, 200, p=[0.5, 0.3, 0.2])
    with h5py.File(tmp_path / "blobs.h5", "w") as file:
        file["x"] = np.stack([rng.normal(size=200), colors, np.zeros(200)], axis=1)
        file["y"] = (file["x"][:, 0] > 0) ^ (rng.uniform(size=200) < 0.1)
        file["x"].attrs["feature_names"] = ["age", "color", "place"]
        file["x"].attrs["categories.color"] = ["red", "green", "blue"]
        file["x"].attrs["categories.place"] = ["here", "there"]
        file["y"].attrs["class_names"] = ["well", "ill"]
    model = {"layers": [1], "activations": ["sigmoid"]}
    _, page = report(train(tmp_path, "named", model=model))
    hardest = page.rows("Hardest examples")[1:]
    assert {true for _, true, *_ in hardest} | {row[2].split()[0] for row in hardest} == {
        "well",
        "ill",
    }
    for row, *_, unusual in hardest:
        i = int(row.removeprefix("row "))
        name, percent = re.findall(r"'color'\) = (\w+) \((\d+) % have it\)", unusual)[0]
        assert name == ["red", "green", "blue"][colors[i]]
        assert int(percent) == pytest.approx(100 * (colors == colors[i]).mean(), rel=0.06)
        assert re.search(r"'age'\) = \S+ \([+-]\d\.\d sd\)", unusual)
        assert "'place') = here (100 % have it)" in unusual
        away = float(re.findall(r"([+-]\d\.\d) sd", unusual)[0])
        share = (colors == colors[i]).mean()
        if abs(abs(away) - np.sqrt((1 - share) / share)) > 0.1:
            first = "color" if abs(away) < np.sqrt((1 - share) / share) else "age"
            assert unusual.split("'")[1] == first
    assert len({re.findall(r"'color'.*?= (\w+)", row[-1])[0] for row in hardest}) > 1


def test_where_the_kept_parameters_were_found_is_marked(
    folder: Path, pages: dict[str, Page]
) -> None:
    summary = json.loads((folder / "classes" / "summary.json").read_text())
    best, last = summary["best"]["iteration"], summary["iterations"] - 1
    drawn = [h["d"] for kind, h, _ in pages["classes"].elements if h.get("class") == "marked"]
    assert drawn
    assert {*drawn} == {f"M{1000 * best / last:.1f},0V1000"}
    assert f"iteration {best}: the parameters that are kept" in pages["classes"].all("title")


def test_several_runs_are_told_apart_by_what_differs(folder: Path) -> None:
    out = folder / "both.html"
    path, page = report(folder / "classes", folder / "more", "-o", out, "--force")
    assert path == out
    differ = {row[0]: row[1:] for row in page.rows("Keys of the configs")[1:]}
    assert differ["training.l2"] == ["0.0", "0.1"]
    assert differ["training.iterations"] == ["40", "60"]
    assert differ["seed"] == ["3", "0"]
    assert "model.layers" not in differ
    summary = json.loads((folder / "more" / "summary.json").read_text())
    cost = summary["figures"]["train"]["cost"]
    figures = {row[0]: row[2] for row in page.rows("Figures")[1:]}
    assert float(figures["train cost"]) == pytest.approx(cost, rel=1e-4)
    labels = page.all("button", class_="toggle")
    assert {"classes", "more, validation"} <= {*labels}


@pytest.mark.parametrize(("one", "other"), [("classes", "more"), ("numbers", "far")])
def test_differences_of_several_runs_are_those_of_compare(
    folder: Path, tmp_path: Path, one: str, other: str
) -> None:
    """Of some there is no evidence, of a network that was never trained there is."""
    runs = [folder / one, folder / other]
    _, page = report(*runs, folder / "labels", "-o", tmp_path / "three.html")
    told = json.loads(deepnet("compare", *runs, "--json").out)
    head, *rows = page.rows(f"Differences from {one}")
    assert head == ["", f"{other}, {told['rows']} {told['part']} rows"]
    lacks = ", without the weight penalty" * (other == "more")
    assert [name for name, _ in rows] == [
        f"{name}{lacks}" if name == "cost" else name for name in told["figures"]
    ]
    words = {"A": "worse", "B": "better", None: "no evidence of a difference"}
    for name, cell in rows:
        found = told["figures"][name.removesuffix(lacks)]
        low, high = found["interval"]
        numbers = f"{found['difference']:+.3g} ({low:.3g} to {high:.3g})"
        assert cell == f"{numbers}: {words[found['better']]}"
    assert {found["better"] for found in told["figures"].values()} == {
        "A" if other == "far" else None
    }
    notes = page.all("p", class_="note")
    assert {*notes} >= {f"{other}: {note}" for note in told["notes"]}
    assert any(note.startswith("labels: ") and "nothing to compare" in note for note in notes)


def test_what_is_told_to_type_next_works(folder: Path, tmp_path: Path) -> None:
    out = ("-o", tmp_path / "two.html", "--force")
    for other, command in (("more", "compare"), ("numbers", "report"), ("begun", "report")):
        result = deepnet("report", folder / "classes", folder / other, *out)
        told = result.err.splitlines()[-1].removeprefix("next: deepnet ").split()
        assert told[0] == command
        assert deepnet(*told).code == 0


def test_a_run_that_has_not_ended_has_a_page_too(folder: Path) -> None:
    result = deepnet("report", folder / "begun")
    assert result.code == 0
    assert "no figures on held-out rows" in result.err
    assert "train --resume" in result.err.splitlines()[-1]
    page = Page((folder / "begun" / "report.html").read_text())
    assert "Broken off" in page.all("p", class_="lead")[0]


def test_a_run_that_diverged_says_where(folder: Path, pages: dict[str, Page]) -> None:
    page = pages["far"]
    assert page.all("p", class_="lead")[0].startswith("Diverged: the cost became ")
    again = deepnet("report", folder / "far")
    assert "deepnet train --resume" not in " ".join(page.all("pre"))
    assert again.err.splitlines()[-1] == f"next: deepnet replay {folder / 'far'}"
    told = deepnet("replay", folder / "far", "--json")
    found = json.loads(told.out)["found"]
    assert page.all("p", class_="alarm")[0].startswith(f"First not finite: {found['tensor']} of ")
    assert f"deepnet replay {folder / 'far'}" in page.all("pre")


def test_data_that_have_changed_give_no_figures(folder: Path, tmp_path: Path) -> None:
    write_blobs(tmp_path / "blobs.h5")
    run = train(tmp_path, "moved")
    write_blobs(tmp_path / "blobs.h5", seed=9)
    result = deepnet("report", run)
    assert result.code == 0
    assert "another x and y" in result.err
    (tmp_path / "blobs.h5").unlink()
    result = deepnet("report", run)
    assert result.code == 0
    assert "no such file" in result.err
    assert "cost" in [row[0] for row in Page((run / "report.html").read_text()).rows("Figures of")]


def test_a_summary_that_somebody_has_changed_is_no_bug(folder: Path, tmp_path: Path) -> None:
    for text in ('{"parameters": {"a": 1}, "seconds": "x", "best": 3, "data": {"train": 1}}', "[]"):
        run = tmp_path / f"run{len(text)}"
        run.mkdir()
        (run / "config.yaml").write_text("data: [\n")
        (run / "summary.json").write_text(text)
        (run / "history.csv").write_text("iteration,epoch,cost\n0,0,nan\n1,0,inf\n")
        assert deepnet("report", run).code == 0
        assert deepnet("report", run, folder / "begun", "-o", tmp_path / "o.html").code == 0


def test_what_is_no_report_is_kept(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "thesis.html"
    other.write_text("<!doctype html><p>mine")
    result = deepnet("report", folder / "begun", "-o", other)
    assert_refused(result, 2, ["thesis.html", "--force"])
    assert other.read_text().endswith("mine")
    assert deepnet("report", folder / "begun", "-o", other, "--force").code == 0
    assert deepnet("report", folder / "begun", "-o", other).code == 0
    assert_refused(deepnet("report", folder / "begun", "-o", tmp_path / "a.png"), 2, [".html"])
    assert_refused(deepnet("report", tmp_path), 3, ["no run"])
    assert_refused(deepnet("report", tmp_path / "missing"), 3, ["missing"])


def test_the_same_run_gives_the_same_bytes(folder: Path, pages: dict[str, Page]) -> None:
    path = folder / "classes" / "report.html"
    before = path.read_bytes()
    assert report(folder / "classes")[0].read_bytes() == before


finite = st.floats(allow_nan=False, allow_infinity=False)


@law
@example(np.array([5e-324]), True)
@example(np.array([1.7e308]), False)
@given(arrays(float, st.integers(1, 30), elements=finite), st.booleans())
def test_every_value_has_its_place_on_a_scale(values: np.ndarray, log: bool) -> None:
    scale = Scale.of(values, log=log)
    assert np.isfinite([scale.low, scale.high]).all()
    assert scale.low < scale.high
    places = scale.place(values)
    has_place = values > 0 if log else np.ones(len(values), bool)
    assert (np.isnan(places) == ~has_place).all()
    there = places[has_place]
    assert ((there >= -1e-9) & (there <= 1 + 1e-9)).all()
    up = values[has_place].argsort()
    assert (np.diff(there[up]) >= 0).all()
    marks = scale.marks()
    assert len(marks) <= 9
    assert marks == sorted(set(marks))


def test_a_scale_is_even_in_differences_or_in_ratios() -> None:
    flat = Scale(2.0, 12.0)
    np.testing.assert_allclose(flat.place(np.array([2.0, 7.0, 12.0])), [0, 0.5, 1])
    log = Scale(0.01, 100.0, log=True)
    np.testing.assert_allclose(log.place(np.array([0.01, 0.1, 1, 100])), [0, 0.25, 0.5, 1])
    assert flat.marks() == [2, 4, 6, 8, 10, 12]
    assert log.marks() == [0.01, 0.1, 1, 10, 100]


values = st.floats(-1e6, 1e6) | st.just(np.nan)


@law
@given(arrays(float, st.integers(1, 400), elements=values), st.integers(1, 20))
def test_a_thinned_curve_has_the_outline_of_the_whole(y: np.ndarray, columns: int) -> None:
    x = np.cumsum(1 + np.arange(len(y)) % 7)
    i = kept(x, y, columns)
    assert (np.diff(i) > 0).all()
    assert i[0] == 0
    assert i[-1] == len(x) - 1
    assert len(i) <= max(4, 5) * columns
    for k in range(columns):
        inside = np.minimum((x - x[0]) * columns // max(1, x[-1] - x[0]), columns - 1) == k
        whole, thin = y[inside], y[i][inside[i]]
        assert np.isnan(whole).any() == np.isnan(thin).any()
        if np.isfinite(whole).any():
            assert np.nanmin(whole) == np.nanmin(thin)
            assert np.nanmax(whole) == np.nanmax(thin)


def test_a_long_history_is_thinned(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "long"
    run.mkdir()
    (run / "config.yaml").write_bytes((folder / "more" / "config.yaml").read_bytes())
    noise = np.random.default_rng(0).normal(size=20_000).tolist()
    lines = [f"{i},{i},{e},{e + 1}" for i, e in enumerate(noise)]
    (run / "history.csv").write_text("\n".join(["iteration,epoch,cost,val_cost", *lines]) + "\n")
    path, page = report(run)
    assert path.stat().st_size < 400_000
    told = json.loads(page.all("script", type="application/json")[0])
    for series, shift in zip(told["series"], (0, 1), strict=True):
        assert 2 * COLUMNS < len(series["x"]) <= 5 * COLUMNS
        assert series["x"][-1] == 19_999
        assert max(map(float, series["y"])) == pytest.approx(max(noise) + shift, rel=1e-4)


@law
@given(arrays(float, st.integers(2, 60), elements=values))
def test_what_is_drawn_is_what_is_told(y: np.ndarray) -> None:
    """As many points as values that have a place, each at its place: page.js relies on it."""
    x = np.arange(len(y)) * 3.0
    series = Series(NASTY, x, y)
    page = Page(html(curves("cost", Chart("cost", "iteration", "J", (series,)))))
    told = json.loads(page.all("script")[0])["series"][0]
    assert told["label"] == NASTY
    assert "<" not in page.all("script")[0]
    assert told["x"] == x.tolist()
    for kind in ("linear", "log"):
        drawn = paths(page, kind)
        if not drawn:
            assert kind == "log"
            continue
        log = kind == "log"
        there = [v is not None and (not log or float(v) > 0) for v in told["y"]]
        points = re.findall(r"[ML]([-\d.]+),([-\d.]+)", drawn[0])
        assert len(points) == sum(there)
        scale = Scale.of(y, log=log)
        expected = 1000 - 1000 * scale.place(y[there])
        np.testing.assert_allclose([float(b) for _, b in points], expected, atol=0.06)
        np.testing.assert_allclose(
            [float(a) for a, _ in points], 1000 * x[there] / x[-1], atol=0.06
        )


def paths(page: Page, kind: str) -> list[str]:
    """The curves in the picture of a scale."""
    found, inside = list[str](), False
    for name, has, _ in page.elements:
        if name == "div" and has.get("class") == "picture":
            inside = has["data-scale"] == kind
        if inside and name == "path" and (has.get("class") or "").startswith("line"):
            found.append(str(has["d"]))
    return found


@law
@given(st.text() | st.sampled_from(["a: [1, 'b: # c', \"d\"] # e\nf.g: -1.0e-08\n", "a:\n- b: ~"]))
def test_highlighted_text_is_the_text(text: str) -> None:
    page = Page(html(highlighted(text)))
    assert page.all("pre") == [escaped(text)] or "\r" in text


def test_what_is_highlighted_is_what_yaml_says() -> None:
    text = 'name: digits  # mine\nloss: {name: mse, delta: 1.0e-08}\nplots: true\nfile: "1 2"\n'
    page = Page(html(highlighted(text)))
    assert page.all("span", class_="key") == ["name", "loss", "name", "delta", "plots", "file"]
    assert page.all("span", class_="comment") == ["# mine"]
    assert page.all("span", class_="number") == ["1.0e-08"]
    assert page.all("span", class_="word") == ["true"]
    assert page.all("span", class_="text") == ['"1 2"']


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (3, 5, 7)])
def test_a_picture_is_its_pixels(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    image = pytest.importorskip("PIL.Image")
    given_bytes = rng.integers(0, 256, shape, dtype=np.uint8)
    given_bytes.flat[:2] = 0, 255
    drawn = pixels(given_bytes.reshape(1, -1), shape)[0]
    expected = given_bytes.transpose(1, 2, 0) if shape[0] == 3 else given_bytes
    with image.open(BytesIO(b64decode(data_uri(drawn).partition(",")[2]))) as read:
        np.testing.assert_array_equal(np.asarray(read), expected)


@pytest.mark.parametrize(
    ("example", "values", "names", "shape"),
    [
        ((6, 5), [-3.0], 0, (6, 5)),
        ((1, 6, 5), [2.0], 0, (6, 5)),
        ((6, 5, 3), [2.0], 0, (6, 5, 3)),
        ((16,), [0.0, 0.25, 1.0], 0, (4, 4)),
        ((16,), [0.0, 3.0, 255.0], 0, (4, 4)),
        ((16,), [0.0, 3.5], 0, None),
        ((16,), [-1.0, 3.0], 0, None),
        ((16,), [0.0, 1.0], 16, None),
        ((15,), [0.0, 1.0], 0, None),
    ],
)
def test_what_is_a_picture(
    example: tuple[int, ...], values: list[float], names: int, shape: tuple[int, ...] | None
) -> None:
    rows = np.resize(values, (2, int(np.prod(example))))
    named = tuple(f"c{k}" for k in range(names))
    table = Table(rows, None, "", "", feature_names=named, example=example)
    assert picture_shape(table, rows) == shape

"""`deepnet report` in a browser, headless: where Chromium and its driver are installed.

The first thing that is tested of a page is that it says nothing to the console.
"""

import base64
import json
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cli import deepnet
from samples import rows, write_config

from deepnet_cli.report.page.scale import Scale

webdriver = pytest.importorskip("selenium.webdriver")
webdriver_errors = pytest.importorskip("selenium.common.exceptions")

CHROMIUM, DRIVER = (
    shutil.which(name) or shutil.which(other)
    for name, other in (("chromium", "chromium-browser"), ("chromedriver", "chromium.chromedriver"))
)

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="needs Chromium and its driver: apt-get install chromium-driver",
)

LONG = "a name that goes on_and_on without" + 60 * "e"
QUIET = (
    *("headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-sync"),
    *("disable-background-networking", "disable-component-update", "disable-dev-shm-usage"),
)


class Browser:
    """A page in a window of a width, light or dark."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, width: int = 1000, scheme: str = "light") -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.tell("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.tell("Emulation.setEmulatedMedia", features=features)
        self.driver.get(path.resolve().as_uri())

    def tell(self, command: str, **options: object) -> Any:
        return self.driver.execute_cdp_cmd(command, options)

    def run(self, script: str, *values: object) -> Any:
        return self.driver.execute_script(script, *values)

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def point(self, figure: str, share: float) -> None:
        """Move the pointer over a figure, so far to its right; it is scrolled to before."""
        box = self.run(
            "const plot = document.querySelector(arguments[0]);"
            "plot.scrollIntoView({block: 'center'}); return plot.getBoundingClientRect().toJSON()",
            f"{figure} .picture:not([hidden]) .plot",
        )
        x, y = box["x"] + share * box["width"], box["y"] + box["height"] / 2
        self.tell("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, *keys: str) -> None:
        """Keys, as who has no pointer types them."""
        for key in keys:
            for kind in ("rawKeyDown", "keyUp"):
                self.tell("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def tip(self) -> list[str]:
        """The lines of what is shown beside the pointer."""
        told = self.run("return document.querySelector('.tip')?.innerText ?? ''")
        return [line for line in str(told).split("\n") if line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of pictures in classes, one with a long name, as pages."""
    folder = tmp_path_factory.mktemp("browser")
    rng = np.random.default_rng(4)
    with h5py.File(folder / "images.h5", "w") as file:
        bright = 70 * (np.arange(90) % 3)[:, np.newaxis, np.newaxis]
        file["x"] = (bright + rng.integers(0, 100, (90, 6, 6))).astype(np.uint8)
        file["y"] = np.arange(90) % 3
        file["list_classes"] = np.array([b"red", LONG.encode(), b"blue"])
    for k in (1, 2):
        config = write_config(
            folder / f"run-{k}.yaml",
            data={"train": "images.h5", "validation": {"fraction": 0.3}},
            training={"learning_rate": 0.3 / k, "iterations": 60, "metrics": ["accuracy"]},
        )
        assert deepnet("train", config, "--run-dir", folder / f"run-{k}", "-q").code == 0
    for runs, out in ((("run-1",), "one.html"), (("run-1", "run-2"), "two.html")):
        result = deepnet("report", *(folder / name for name in runs), "-o", folder / out)
        assert result.code == 0, result.err
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in (*QUIET, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    except webdriver_errors.SessionNotCreatedException as error:
        pytest.skip(f"Chromium does not start here: {error.msg}")
    yield Browser(driver)
    driver.quit()


OVERFLOWING = """
    const own = (e) => e.closest('.scroll, pre, svg') && !e.matches('.scroll, pre');
    const cut = (e) => e.scrollWidth > e.clientWidth + 1 && !e.matches('.scroll, pre');
    const out = (e) => e.getBoundingClientRect().right > innerWidth + 1;
    const from = (e) => e.getBoundingClientRect().left;
    const mark = (e) => e.matches('.up text') && e.getClientRects().length;
    return [document.documentElement, ...document.body.querySelectorAll('*')]
      .filter((e) => mark(e) ? from(e) < from(e.closest('figure'))
        : !own(e) && e.clientWidth && (cut(e) || out(e)))
      .map((e) => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`)
"""

OVERLAPPING = """
    const words = [...document.querySelectorAll('svg text')];
    const boxes = words.filter((e) => e.getClientRects().length)
      .map((e) => [e, e.getBoundingClientRect()]);
    const apart = (a, b) => a.right < b.left || b.right < a.left
      || a.bottom < b.top + 2 || b.bottom < a.top + 2;
    return boxes.flatMap(([e, a], i) => boxes.slice(i + 1)
      .filter(([f, b]) => e.parentNode === f.parentNode && !apart(a, b))
      .map(([f]) => `${e.textContent} and ${f.textContent}`))
"""


@pytest.mark.parametrize("page", ["one.html", "two.html"])
@pytest.mark.parametrize("width", [360, 1400])
def test_no_text_is_cut_or_overlaps(browser: Browser, folder: Path, page: str, width: int) -> None:
    browser.open(folder / page, width)
    assert browser.complaints() == []
    assert browser.run("return innerWidth") == width
    assert browser.run(OVERFLOWING) == []
    assert browser.run(OVERLAPPING) == []
    assert browser.run("return document.querySelectorAll('svg text').length") > 10


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_pointer_is_told_the_values_of_the_history(
    browser: Browser, folder: Path, scale: str
) -> None:
    history = rows(folder / "run-1")
    browser.open(folder / "one.html")
    browser.run(
        "const one = document.querySelector('#chart-cost .scale');"
        "if (one.ariaPressed !== arguments[0]) one.click()",
        str(scale == "log").lower(),
    )
    last = history[-1]["iteration"]
    for row in history[:: len(history) // 3]:
        browser.point("#chart-cost", row["iteration"] / last)
        head, training, cost, validation, val_cost = browser.tip()
        assert head == f"iteration {row['iteration']:g}"
        assert (training, validation) == ("training", "validation")
        assert float(cost) == pytest.approx(row["cost"], rel=1e-4)
        assert float(val_cost) == pytest.approx(row["val_cost"], rel=1e-4)
    browser.tell("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    assert browser.tip() == []
    assert browser.complaints() == []


def test_the_keyboard_does_what_the_pointer_does(browser: Browser, folder: Path) -> None:
    history = rows(folder / "run-1")
    browser.open(folder / "one.html")
    plot = "#chart-accuracy .picture:not([hidden]) .plot"
    browser.run("document.querySelector(arguments[0]).focus()", plot)
    for keys, row in ((["Home"], 0), (["ArrowRight", "ArrowRight"], 2), (["End", "ArrowLeft"], -2)):
        browser.press(*keys)
        said = browser.run("return document.querySelector(arguments[0]).ariaValueText", plot)
        assert said.startswith(f"iteration {history[row]['iteration']:g}, training ")
        assert browser.tip()[0] == f"iteration {history[row]['iteration']:g}"
    browser.press("Escape")
    assert browser.tip() == []


@pytest.mark.parametrize("k", [1, 2])
def test_the_pointer_is_told_what_is_drawn_of_ranks(browser: Browser, folder: Path, k: int) -> None:
    """Of the ROC, and of precision and recall: of each class the point of its curve that is nearest
    to the pointer, where the curve goes upright its upper end.
    """
    figure, scale = f".square:nth-child({k})", Scale.of(np.array([0.0, 1.0]))
    browser.open(folder / "one.html")
    paths = browser.run(
        "return [...document.querySelectorAll(arguments[0])].map((e) => e.getAttribute('d'))",
        f"{figure} path.line:not(.marked)",
    )
    curves = [np.array(re.findall(r"[ML]([-\d.]+),([-\d.]+)", d), float) / 1000 for d in paths]
    assert len(curves) == 3
    for share in (0.0, 0.3, float(scale.place(np.ones(1))[0])):
        browser.point(figure, share)
        head, *told = browser.tip()
        at = float(head.split()[-1])
        assert at == pytest.approx(scale.high * share, abs=0.1)
        for points, value in zip(curves, told[1::2], strict=True):
            x, y = points[:, 0] * scale.high, (1 - points[:, 1]) * scale.high
            away = np.round(abs(x - at), 3)
            assert float(value.split()[0]) == pytest.approx(y[away == away.min()].max(), abs=2e-4)
    assert browser.complaints() == []


def test_a_curve_can_be_left_out_and_the_scale_be_changed(browser: Browser, folder: Path) -> None:
    browser.open(folder / "two.html")
    shown = (
        "return [...document.querySelectorAll('#chart-cost .picture:not([hidden]) path.line')]"
        ".filter((e) => e.getClientRects().length).length"
    )
    kind = "return document.querySelector('#chart-cost .picture:not([hidden])').dataset.scale"
    press = "document.querySelectorAll('#chart-cost button')[arguments[0]].click()"
    assert browser.run(shown) == 4
    browser.run(press, 1)
    assert browser.run(shown) == 3
    browser.point("#chart-cost", 0.5)
    assert len(browser.tip()) == 1 + 2 * 3
    before = browser.run(kind)
    browser.run(press, 4)
    assert {before, browser.run(kind)} == {"linear", "log"}
    assert browser.run(shown) == 3
    browser.point("#chart-cost", 0.5)
    assert len(browser.tip()) == 1 + 2 * 3
    browser.run(press, 1)
    assert browser.run(shown) == 4
    assert browser.complaints() == []


CONTRAST = """
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => parts(color).slice(0, 3).map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
    const paper = getComputedStyle(document.body).backgroundColor;
    const flat = (e) => {
      const over = parts(getComputedStyle(e).backgroundColor), a = over[3] ?? 1;
      return `rgb(${over.slice(0, 3).map((c, k) => a * c + (1 - a) * parts(paper)[k])})`;
    };
    const words = [...document.querySelectorAll('main *, header *')]
      .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
        && e.getClientRects().length && !e.closest('svg, script'));
    return [paper, words.map((e) => {
      const [a, b] = [light(getComputedStyle(e).color), light(flat(e))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className];
    })];
"""


def test_light_and_dark_are_both_legible(browser: Browser, folder: Path) -> None:
    """A contrast of 4.5 or more (https://www.w3.org/TR/WCAG21/#contrast-minimum)."""
    papers = list[str]()
    for scheme in ("light", "dark"):
        browser.open(folder / "one.html", scheme=scheme)
        paper, found = browser.run(CONTRAST)
        assert len(found) > 100
        assert min(ratio for ratio, _ in found) >= 4.5, min(found)
        papers.append(paper)
    assert papers[0] != papers[1]


def test_what_is_touched_has_a_name(browser: Browser, folder: Path) -> None:
    """Of every button, link, picture and chart, as a screen reader has it."""
    browser.open(folder / "one.html")
    tree = browser.tell("Accessibility.getFullAXTree")["nodes"]
    roles: dict[str, list[str]] = {}
    for node in tree:
        name = node.get("name", {}).get("value", "")
        roles.setdefault(node.get("role", {}).get("value", ""), []).append(name)
    for role in ("button", "link", "image", "slider", "region", "heading"):
        assert roles[role], role
        assert all(roles[role]), (role, roles[role])
    headings = browser.run(
        "return [...document.querySelectorAll('h1,h2,h3')].map((e) => e.tagName)"
    )
    assert headings[0] == "H1"
    assert all(int(b[1]) <= int(a[1]) + 1 for a, b in pairwise(headings))


def test_nothing_is_fetched_and_nothing_foreign_runs(browser: Browser, folder: Path) -> None:
    """The policy of the page holds even where somebody has put a script into it."""
    text = (folder / "one.html").read_text()
    foreign = "<script>document.title = 'foreign'</script><img src=x onerror='document.title=1'>"
    (folder / "foreign.html").write_text(text.replace("<main>", f"<main>{foreign}"))
    browser.open(folder / "foreign.html")
    assert browser.run("return document.title") == "run-1 - deepnet"
    assert any("Content Security Policy" in told for told in browser.complaints())
    browser.open(folder / "one.html")
    fetched = browser.run("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []


def test_it_prints(browser: Browser, folder: Path) -> None:
    browser.open(folder / "one.html", scheme="dark")
    printed = browser.tell("Page.printToPDF", printBackground=True)
    content = base64.b64decode(printed["data"])
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") in range(1, 12)
    browser.tell("Emulation.setEmulatedMedia", media="print", features=[])
    assert (
        browser.run("return getComputedStyle(document.body).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    browser.tell("Emulation.setEmulatedMedia", media="screen", features=[])


def test_without_scripts_the_curves_are_there(browser: Browser, folder: Path) -> None:
    browser.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(folder / "one.html")
        tree = browser.tell("DOMSnapshot.captureSnapshot", computedStyles=[])
        names = {tree["strings"][k] for k in tree["documents"][0]["nodes"]["nodeName"] if k >= 0}
        assert {"svg", "path", "text"} <= names
    finally:
        browser.tell("Emulation.setScriptExecutionDisabled", value=False)
    assert json.dumps(browser.complaints()) == "[]"

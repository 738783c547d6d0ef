"""The config, the environment, and the command that makes the run again."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import Element, tag
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import figure, pairs
from deepnet_cli.report.page.yaml_text import highlighted
from deepnet_cli.training.kept.run_directory import CONFIG


def again(runs: Sequence[Facts]) -> Section:
    """The command that repeats the run; and the one that goes on, where it can."""
    (facts,) = runs
    run = facts.run
    body = [
        tag("p", "The same config, seed and data give the same bytes on the same machine:"),
        typed("deepnet train", run.path / CONFIG),
    ]
    if run.can_go_on:
        body.append(tag("p", "It can go on where it stopped:"))
        body.append(typed("deepnet train --resume", run.path))
    return Section("Do it again", body)


def typed(command: str, path: Path) -> Element:
    """A command about a path, as it is typed in a shell."""
    text = f"{command} {shlex.quote(str(path))}"
    return tag("pre", tag("code", text), tabindex=0, aria_label="command")


def config(runs: Sequence[Facts]) -> Section:
    """As the run keeps it."""
    (facts,) = runs
    return Section("Config", [highlighted(facts.config)])


def environment(runs: Sequence[Facts]) -> Section | None:
    """Versions, and how the machine multiplied."""
    (facts,) = runs
    known = facts.run.summary.get("environment")
    if not isinstance(known, dict):
        return None
    return Section("Environment", [pairs([(name, figure(value)) for name, value in known.items()])])

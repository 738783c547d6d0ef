"""The config, the environment, and the command that makes the run again."""

import shlex
from collections.abc import Sequence

from deepnet_cli.report.page.facts import Facts
from deepnet_cli.report.page.html import Element, tag
from deepnet_cli.report.page.section import Section
from deepnet_cli.report.page.tables import figure, pairs
from deepnet_cli.report.page.yaml_text import highlighted
from deepnet_cli.training.run_directory import CONFIG


def again(runs: Sequence[Facts]) -> Section:
    """The command that repeats the run; and the one that goes on, where it can."""
    (facts,) = runs
    run = facts.run
    body = [
        tag("p", "The same config, seed and data give the same bytes on the same machine:"),
        _typed(f"deepnet train {shlex.quote(str(run.path / CONFIG))}"),
    ]
    if run.state in ("stopped", "broken off"):
        resume = _typed(f"deepnet train --resume {shlex.quote(str(run.path))}")
        body += [tag("p", "It can go on where it stopped:"), resume]
    return Section("Do it again", body)


def _typed(command: str) -> Element:
    return tag("pre", tag("code", command), tabindex=0, aria_label="command")


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

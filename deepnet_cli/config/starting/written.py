"""Choices as YAML that says why: each reason stands beside its value, in lines of 80 columns."""

from collections.abc import Iterator
from textwrap import wrap

from deepnet_cli.config.starting.choices import Choices, Chosen
from deepnet_cli.config.yaml_writer import flowed
from deepnet_cli.errors import one_line

COLUMNS = 80

REASONS = 38
"""The column in which they begin."""


def written(choices: Choices, head: str) -> str:
    """The text of a config, which our reader reads back as the values alone; a comment above."""
    lines = [f"# {line}" for line in wrap(one_line(head), COLUMNS - 2)]
    return "\n".join([*lines, *_section(choices, "")]) + "\n"


def _section(choices: Choices, indent: str) -> Iterator[str]:
    for key, chosen in choices.items():
        if isinstance(chosen, Chosen):
            yield from _beside(f"{indent}{key}: {flowed(chosen.value)}", chosen.why)
        else:
            yield f"{indent}{key}:"
            yield from _section(chosen, indent + "  ")


def _beside(code: str, why: str) -> Iterator[str]:
    """A line with its reason; below it, where there is no room."""
    reason = wrap(one_line(why), COLUMNS - REASONS - 2, subsequent_indent="  ")
    if len(code) > REASONS - 2:
        reason.insert(0, "")
    head = f"{code:{REASONS}}# {reason[0]}" if reason and reason[0] else code
    yield head
    yield from (f"{'':{REASONS}}# {line}" for line in reason[1:])

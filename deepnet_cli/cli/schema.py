"""deepnet schema"""

import re
from inspect import cleandoc

import click

from deepnet_cli.cli.main import COMMANDS, command_named
from deepnet_cli.cli.say import say, tell
from deepnet_cli.config.json_schema import json_schema
from deepnet_cli.files import json_text
from deepnet_cli.report.reference import Command, reference


@click.command()
@click.option(
    "--reference", "as_page", is_flag=True, help="Print docs/reference.md in place of the schema."
)
def schema(as_page: bool) -> None:
    """Print the config's vocabulary as a JSON Schema.

    An editor that is given it completes keys and names, and underlines what is wrong.

    \b
    Example:
        deepnet schema > deepnet.schema.json
    """
    if as_page:
        tell(reference(map(_told, COMMANDS)).removesuffix("\n"))
        return
    tell(json_text(json_schema(), indent=2))
    say("next: '# yaml-language-server: $schema=FILE' as the first line of a config")


def _told(name: str) -> Command:
    """What a command's --help says of it."""
    command = command_named(name)
    context = click.Context(command, info_name=f"deepnet {name}")
    text, _, example = cleandoc(command.help or "").partition("\n\n\b\nExample:\n")
    records = [p.get_help_record(context) for p in command.params]
    return Command(
        name,
        text,
        re.sub(r"\s+", " ", command.get_usage(context).removeprefix("Usage: ")),
        [record for record in records if record and record[1]],
        "\n".join(f"$ {line.strip()}" for line in example.splitlines()),
    )

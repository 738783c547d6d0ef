"""What `deepnet convert` has made, in a few lines."""

from textwrap import fill

from deepnet_cli.data.convert.conversion import Made
from deepnet_cli.data.convert.stream import CLASS_NAMES, Field
from deepnet_cli.errors import one_line
from deepnet_cli.memory import told

TOGETHER = "\u00a0"
"""A space at which no line is broken."""

SHOWN = 12
"""Classes whose examples are told one by one."""


def conversion_json(made: Made) -> dict[str, object]:
    """All of it, for JSON."""
    return {
        "file": str(made.path),
        "datasets": {
            field.name: {
                "shape": list(field.shape),
                "dtype": _type(field),
                **({"classes": made.classes[field.name]} if field.name in made.classes else {}),
            }
            for field in made.fields
        },
        "notes": list(made.notes),
        "bytes_read": made.bytes_in,
        "bytes_written": made.bytes_out,
        "seconds": made.seconds,
        "reading": {
            name: {"before": before.megabytes, "after": after.megabytes}
            for name, (before, after) in made.speeds.items()
        },
    }


def conversion_text(made: Made) -> str:
    """A line for each dataset, what reading has gained, and how much was read and written."""
    told_apart = [field for field in made.fields if field.name not in CLASS_NAMES]
    lines = [_dataset(field, made.classes.get(field.name)) for field in told_apart]
    lines += [
        f"{name}: read at {_brief(before.megabytes)} MB/s before, {_brief(after.megabytes)} MB/s "
        f"now: {_brief(after.megabytes / before.megabytes)} times as fast"
        for name, (before, after) in made.speeds.items()
    ]
    line = f"{made.path}: {told(made.bytes_in)} read, {told(made.bytes_out)} written"
    if made.seconds > 1:
        speed = made.bytes_in / 1e6 / made.seconds
        line += f" in {made.seconds:.1f} s, {speed:.3g} MB/s"
    lines.append(line)
    text = "\n".join(fill(line, 80, subsequent_indent="  ") for line in lines)
    return text.replace(TOGETHER, " ")


def _dataset(field: Field, classes: dict[str, int] | None) -> str:
    line = f"{one_line(field.name)} {field.shape} {_type(field)}"
    if not classes:
        return line
    shown = [
        f"{one_line(name)}{TOGETHER}{count:,}" for name, count in list(classes.items())[:SHOWN]
    ]
    more = f" and {len(classes) - SHOWN} more" if len(classes) > SHOWN else ""
    what = "class" if len(classes) == 1 else "classes"
    return f"{line}, {len(classes)} {what}: {', '.join(shown)}{more}"


def _brief(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _type(field: Field) -> str:
    return "text" if field.dtype.kind == "O" else str(field.dtype)

"""Plain-text tables, 80 columns at most."""

from collections.abc import Sequence


def number(value: float | int | str, width: int = 10) -> str:
    """A value at most `width` wide: integers whole, floats with five digits, or what fits."""
    if not isinstance(value, float):
        return str(value).rjust(width)
    text = f"{value:.5g}"
    too_much = max(0, len(text) - width)
    return f"{value:.{max(1, 5 - too_much)}g}".rjust(width)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as they need to be; text to the left, numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    texts = [isinstance(value, str) for value in rows[0]] if rows else [True] * len(head)

    def line(values: Sequence[str]) -> str:
        padded = [
            value.ljust(width) if text else value.rjust(width)
            for value, width, text in zip(values, widths, texts, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(head), *map(line, cells)])


def _cell(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)

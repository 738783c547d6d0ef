"""A length of time as a config tells it: 90 (seconds), 30m, 1h30m, 1.5h, 2d or '1:30:00'."""

import re

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
"""Seconds in each, the longest first."""

_PARTS = re.compile(" ?".join(rf"(?:(?P<{u}>[0-9]+(?:\.[0-9]+)?) ?{u})?" for u in UNITS))
_CLOCK = re.compile(r"(?P<h>[0-9]+):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9])")


def seconds(value: object) -> object:
    """Text that tells a length of time in seconds; any other value as it is."""
    if not isinstance(value, str):
        return value
    told = _PARTS.fullmatch(value) or _CLOCK.fullmatch(value)
    counts = {unit: float(n) for unit, n in told.groupdict().items() if n} if told else {}
    return sum(n * UNITS[unit] for unit, n in counts.items()) if counts else value


def spelled(duration: float) -> str:
    """Seconds for a reader: 1h30m."""
    parts, rest = [], duration
    for unit, length in UNITS.items():
        count, rest = divmod(rest, length) if length > 1 else (rest, 0.0)
        parts += [f"{count:g}{unit}"] if count else []
    return "".join(parts)

"""What a check has found."""

from typing import Any, NamedTuple

OK, NOTE, UNCLEAR, WRONG = "ok", "note", "unclear", "wrong"
"""As promised; the same, with something worth knowing; not to be decided here; not as promised."""


class Finding(NamedTuple):
    """A verdict, what was seen in a sentence, and its figures for a program."""

    verdict: str
    told: str
    figures: dict[str, Any]

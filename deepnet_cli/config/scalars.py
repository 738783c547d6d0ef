"""Plain YAML words to Python values: YAML 1.2's numbers, none of YAML 1.1's surprises.

1e-3 is a number; yes, no, on and off are text; 010, 0x10, 1_000 and 1:30, which YAML 1.1
reads as 8, 16, 1000 and 90, are refused.
"""

import math
import re

INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
AMBIGUOUS = re.compile(
    r"[-+]?(0[0-9]+|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?|[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?)"
)
WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
MOST_DIGITS = 18

Scalar = str | int | float | bool | None


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted word.  Raises ValueError with the reason it is refused."""
    if text in WORDS:
        return WORDS[text]
    if AMBIGUOUS.fullmatch(text):
        raise ValueError(f"'{text}' is ambiguous; write a decimal number, or quote it as text")
    if INTEGER.fullmatch(text):
        if len(text) > MOST_DIGITS:
            raise ValueError("integer out of range")
        return int(text)
    if FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError(f"{text} overflows; use a number below 1e308")
        if "." not in text and number.is_integer() and abs(number) < 10**MOST_DIGITS:
            return int(number)  # 1e4 counts iterations as 10000 does
        return number
    return text

"""A range test of learning rates for a reader, 80 columns, and for a program."""

from textwrap import fill

from deepnet_cli.report.pictures.rates import range_chart
from deepnet_cli.report.pictures.terminal import chart_text
from deepnet_cli.training.checking.range_test import RangeTest


def rates_text(test: RangeTest, asked: float, *, braille: bool) -> str:
    """The curve, and what follows from it; `asked` is the rate that the config begins with."""
    s, lowest, steepest = test.smoothed, test.lowest, test.steepest
    if test.suggestion is None:
        found = f"no rate makes the cost fall from {test.costs[0]:.4g}: deepnet check says more"
    else:
        found = (
            f"the cost falls fastest at {test.rates[steepest]:.2g} and is lowest, {s[lowest]:.4g}, "
            f"at {test.rates[lowest]:.2g}; suggested is {test.suggestion:g} (the config has "
            f"{asked:g})"
        )
    return f"{chart_text(range_chart(test), braille=braille)}\n\n{fill(found, 80)}"


def rates_json(test: RangeTest, asked: float) -> dict[str, object]:
    """The same as one JSON object."""
    return {
        "suggestion": test.suggestion,
        "learning_rate": asked,
        "steepest": float(test.rates[test.steepest]),
        "lowest": float(test.rates[test.lowest]),
        "rates": test.rates.tolist(),
        "costs": test.costs.tolist(),
        "smoothed": test.smoothed.tolist(),
    }

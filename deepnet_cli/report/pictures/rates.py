"""A picture of a range test of learning rates."""

import numpy as np

from deepnet_cli.report.pictures.panels import Chart, Series
from deepnet_cli.training.checking.range_test import RangeTest

ABOVE = 0.25
"""Part of the fall that is shown above where the cost began: what explodes would hide the rest."""


def range_chart(test: RangeTest) -> Chart:
    """The smoothed cost over the rate, and what is suggested, up to where it explodes."""
    s, end, marks = test.smoothed, len(test.rates), list[Series]()
    if (rate := test.suggestion) is not None:
        exploded = s[test.lowest :] > s[: test.lowest + 1].max() + ABOVE * test.fall
        end = test.lowest + int(exploded.argmax()) if exploded.any() else end
        J = float(np.interp(np.log(rate), np.log(test.rates), s))
        marks = [Series(f"suggested: {rate:g}", np.array([rate]), np.array([J]), "mark", 1)]
    series = [Series("cost, smoothed", test.rates[:end], s[:end]), *marks]
    return Chart("range test", "learning rate", "cost J", tuple(series), log_x=True)

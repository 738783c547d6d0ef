"""The results as text of at most 80 columns."""

from textwrap import fill

from benchmarks.peers.measure import Result, Results

SCALES = ((1e-3, 1e6, "us"), (1.0, 1e3, "ms"), (float("inf"), 1.0, "s"))


def shown(seconds: float) -> str:
    """'17.2 us', '3.05 ms', '12.4 s'"""
    factor, name = next((factor, name) for most, factor, name in SCALES if seconds < most)
    value = seconds * factor
    return f"{value:.{max(0, 2 - len(str(int(value))) + 1)}f} {name}"


def table(contest: Results) -> str:
    """Who was how fast, and whether all reached the same."""
    unit, lines = f"per {contest.unit}", [f"{contest.name}: {contest.title}", ""]
    lines.append(f"  {'':16}{unit:>14}{'x deepnet':>11}{'threads':>9}{'off by':>10}{'first':>9}")
    for result in sorted(contest.results, key=lambda result: result.ratio or result.seconds):
        lines.append(f"  {_row(result)}")
    for peer, reason in contest.refused.items():
        told = f"{peer}: not measured: {reason}"
        lines.append(fill(told, 80, initial_indent="  ", subsequent_indent="    "))
    return "\n".join(lines) + "\n"


def _row(result: Result) -> str:
    ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
    error = "" if result.error is None else f"{result.error:.0e}"
    verdict = "" if result.agrees else "  DIFFERS"
    return (
        f"{result.peer:16}{shown(result.seconds):>14}{ratio:>11}{result.threads:>9}"
        f"{error:>10}{shown(result.first):>9}{verdict}"
    )

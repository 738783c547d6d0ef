"""What `deepnet compare` says: what differs between two configs, and what came of it."""

from collections.abc import Iterator, Mapping
from textwrap import fill

from deepnet_cli.errors import one_line
from deepnet_cli.report.figures import COLUMNS, fits
from deepnet_cli.report.runs import as_written
from deepnet_cli.report.table import table
from deepnet_cli.training.results.comparing import Comparison

Keys = Mapping[str, tuple[object, object]]
"""Of two configs, those that differ."""


def comparison_text(found: Comparison, keys: Keys) -> str:
    """The configs' keys that differ, the figures, and the sentence."""
    sides = (("A", found.a), ("B", found.b))
    parts = ["\n".join(f"{name}  {one_line(str(side.path))}" for name, side in sides)]
    if keys:
        rows = [[key, *(as_written(value, key) for value in pair)] for key, pair in keys.items()]
        parts.append(table(["", "A", "B"], rows))
    else:
        parts.append("their configs are the same")
    where = {"data": "the file"}.get(part := found.a.outcomes.part, f"the {part} part")
    rows_of = f"{where}: the same {found.m:,} row{'s' * (found.m != 1)}"
    told = (figures_table(found, digits) for digits in (4, 3, 2))
    parts.append(
        f"{rows_of}\n{next((text for text in told if fits(text)), figures_table(found, 1))}"
    )
    parts.append("\n".join(_filled(line) for line in verdict(found)))
    return "\n\n".join(parts)


def figures_table(found: Comparison, digits: int) -> str:
    """A row a figure: of A, of B, B - A and its interval, and which is better."""
    rows = []
    for name, (a, b, difference, (low, high), better) in found.figures.items():
        between = f"{low:.{digits}g} to {high:.{digits}g}"
        rows.append([name, a, b, float(f"{difference:.3g}"), between, better])
    return table(["", "A", "B", "B - A", "95 % interval", "better"], rows)


def verdict(found: Comparison) -> Iterator[str]:
    """A sentence of the figure that decides, and one of the cost."""
    for name in dict.fromkeys((found.judged, "cost")):
        if name not in found.figures:
            continue
        _, _, difference, (low, high), better = found.figures[name]
        why = f"95 % interval of B - A: {low:.3g} to {high:.3g}"
        if name == "accuracy" and found.mcnemar is not None:
            only_a, only_b, p = found.mcnemar
            why = f"only A is right in {only_a:,} rows, only B in {only_b:,}; p = {p:.2g}"
            why += " by McNemar's exact test"
        said = f"{better} is better by {abs(difference):.3g}" if better else NO_EVIDENCE
        yield f"{called(name, found)}: {said} ({why})"


def called(name: str, *found: Comparison) -> str:
    """A figure's name; a cost that is not all of what `evaluate` calls so says what it lacks."""
    sides = [side for each in found for side in (each.a, each.b)]
    penalized = any(side.model.objective.penalties for side in sides)
    return f"{name}, without the weight penalty" if name == "cost" and penalized else name


NO_EVIDENCE = "no evidence of a difference"


def comparison_json(found: Comparison, keys: Keys) -> dict[str, object]:
    """The keys are in docs/comparing.md."""
    return {
        "a": str(found.a.path),
        "b": str(found.b.path),
        "config": {key: list(pair) for key, pair in keys.items()},
        "part": found.a.outcomes.part,
        "rows": found.m,
        "rows_of": found.of,
        "figures": {
            name: {
                "a": a,
                "b": b,
                "difference": difference,
                "interval": interval,
                "better": better or None,
            }
            for name, (a, b, difference, interval, better) in found.figures.items()
        },
        "mcnemar": None if found.mcnemar is None else found.mcnemar._asdict(),
        "judged_by": found.judged,
        "better": found.better or None,
        "notes": found.notes,
    }


def _filled(text: str) -> str:
    return fill(text, COLUMNS, subsequent_indent="  ", break_long_words=False)

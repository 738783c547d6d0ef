"""What `deepnet reproduce` says: identical, or what differs first, and what has changed since."""

from collections.abc import Iterator
from dataclasses import asdict
from textwrap import fill

from deepnet_cli.errors import listed, one_line
from deepnet_cli.report.figures import COLUMNS
from deepnet_cli.report.table import table
from deepnet_cli.training.kept.model import NAME as MODEL
from deepnet_cli.training.run.reproducing import Compared, Reproduction


def reproduction_text(made: Reproduction) -> str:
    """The verdict, what it rests on, and where there is a difference its likely causes."""
    verdict = {True: "identical, to the bit", False: "different", None: "cannot tell"}
    updates = f"{made.made:,} update{'s' * (made.made != 1)}"
    parts = [f"{one_line(str(made.record.path))}: {verdict[made.identical]}, after {updates}"]
    if made.identical is None:
        why = "it kept no row and no state that far: there is nothing to compare with"
        return "\n".join([*parts, why])
    if same := [*_same(made)]:
        parts.append(_filled(f"the same: {listed(same)}"))
    if made.identical is False:
        parts.append(table(["", "", "", ""], [*_differences(made)]).partition("\n")[2])
        changed = "; ".join(made.changed) or "nothing that it recorded"
        parts.append(_filled(f"changed since: {changed}"))
        if set_otherwise := made.record.settings(made.session.job):
            parts.append(_filled(f"set when it went on: {'; '.join(set_otherwise)}"))
    elif made.changed:
        parts.append(_filled(f"although there has changed: {'; '.join(made.changed)}"))
    return "\n".join(parts)


def reproduction_json(made: Reproduction) -> dict[str, object]:
    """The keys are in docs/comparing.md."""
    return {
        "run": str(made.record.path),
        "identical": made.identical,
        "updates": made.made,
        "seconds": made.session.seconds,
        "rows": made.rows,
        "row": None if made.row is None else asdict(made.row),
        "states": [asdict(state) for state in made.states],
        "other_end": made.other_end,
        "changed": made.changed,
    }


def _same(made: Reproduction) -> Iterator[str]:
    """What was compared and does not differ."""
    if made.rows and made.row is None:
        yield f"{made.rows:,} row{'s' * (made.rows != 1)} of history.csv"
    same = [state for state in made.states if not state.tensor]
    kept = [f"{state.updates:,}" for state in same if state.what != MODEL]
    if kept:
        yield f"the state after {' and '.join(kept)} update{'s' * (kept != ['1'])}"
    yield from (state.what for state in same if state.what == MODEL)
    if made.ended and made.whole and made.record.ending and not made.other_end:
        yield "why it ended"


def _named(state: Compared) -> str:
    updates = f"{state.updates:,} update{'s' * (state.updates != 1)}"
    return state.what if state.what == MODEL else f"state after {updates}"


def _differences(made: Reproduction) -> Iterator[list[str]]:
    """Where, what, and by how much; in the order of the updates."""
    if (row := made.row) is not None:
        there, here = (_figure(value) for value in (row.there, row.here))
        yield [f"row of iteration {row.iteration:,}", row.figure, f"{there} there", f"{here} here"]
    for state in made.states:
        if state.tensor:
            memory = "'s memory" * (state.what == "slots")
            by = f"up to {state.by:.2g}"
            yield [_named(state), f"{state.tensor}{memory}", by, f"all up to {state.most:.2g}"]
    if made.other_end:
        yield ["why it ended", "there", one_line(made.record.ending or "it did not diverge"), ""]
        yield ["", "here", one_line(made.diverged or made.session.ending.reason), ""]


def _figure(value: float | None) -> str:
    return "none" if value is None else repr(value)


def _filled(text: str) -> str:
    return fill(text, COLUMNS, subsequent_indent="  ", break_long_words=False)

"""The gradient check for a reader, 80 columns, and for a program."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from textwrap import fill

from deepnet_cli.nn.gradcheck.crosscheck import CrossCheck
from deepnet_cli.nn.gradcheck.mutations import Mutation
from deepnet_cli.nn.gradcheck.report import Culprit, Report
from deepnet_cli.nn.gradcheck.walk import Verdict
from deepnet_cli.report.table import table
from deepnet_cli.training.checking.gradients import About


def gradcheck_text(report: Report, about: About) -> str:
    """The table, the diagnosis, and what every other witness says."""
    head = (
        f"J over {about.examples} examples at {about.at}, {about.parameters:,} parameters, "
        f"float64, seed {about.seed}"
    )
    if report.undetermined:
        return f"{fill(head, 80)}\n\n{fill(f'inconclusive: {report.undetermined}', 80)}"
    lines = [fill(f"{head}: {report.method}", 80), "", _table(report.verdicts), ""]
    if report.culprit is not None:
        lines += [*_culprit(report.culprit, report.verdicts), ""]
    if report.evaluation:
        lines.append(fill(_evaluation(report.evaluation), 80))
    if report.crosscheck is not None:
        lines.append(fill(_crosscheck(report.crosscheck), 80))
    if report.invariances:
        lines.append(fill(_invariances(report), 80))
    if report.float32_digits:
        least = min(report.float32_digits, key=lambda name: report.float32_digits[name])
        digits = report.float32_digits[least]
        lines.append(f"in float32 every block keeps {digits:.1f} digits or more (d{least} fewest)")
    return "\n".join([*lines, *_void(report), fill(_verdict(report, about), 80)])


def gradcheck_json(report: Report, about: About) -> dict[str, object]:
    """The same as one JSON object."""
    culprit, cross = report.culprit, report.crosscheck
    return {
        "ok": not report.wrong and not report.inconclusive,
        "method": report.method,
        "dtype": "float64",
        "seed": about.seed,
        "at": about.at,
        "examples": about.examples,
        "nodes": [_node(verdict) for verdict in report.verdicts],
        "evaluation": [_node(verdict) for verdict in report.evaluation],
        "first_wrong": culprit and culprit.verdict.node.name,
        "entry": culprit
        and {
            "index": list(culprit.entry.index),
            "backward": _finite(culprit.entry.backward),
            "numerical": _finite(culprit.entry.numerical),
        },
        "diagnosis": culprit
        and {"cause": culprit.diagnosis.cause, "sentence": culprit.diagnosis.sentence},
        "crosscheck": cross
        and {
            "entries": cross.entries,
            "kinks": cross.kinks,
            "unsettled": cross.unsettled,
            "zeros": cross.zeros,
            "worst": cross.worst,
            "disagrees": list(cross.disagrees),
        },
        "invariances": [
            {"name": law.name, "error": law.error, "tolerance": law.tolerance, "ok": law.ok}
            for law in report.invariances
        ],
        "float32_digits": {k: round(v, 2) for k, v in report.float32_digits.items()},
        "undetermined": report.undetermined or None,
        "seconds": round(about.seconds, 3),
    }


def _node(verdict: Verdict) -> dict[str, object]:
    return {
        "name": verdict.node.name,
        "layer": verdict.node.layer,
        "shape": list(verdict.node.value.shape),
        "norm": _finite(verdict.norm),
        "rel_error": _finite(verdict.rel_error),
        "digits": round(verdict.digits, 1),
        "status": verdict.status,
    }


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _table(verdicts: list[Verdict]) -> str:
    rows = [
        [
            v.node.title,
            f"{v.node.value.shape}",
            f"{v.norm:.2e}",
            f"{v.rel_error:.1e}" if v.status != "void" else "-",
            f"{v.digits:.1f}" if v.status != "void" else "-",
            v.status.upper() if v.status == "wrong" else v.status,
        ]
        for v in verdicts
    ]
    return table(["", "shape", "|grad|", "rel. error", "digits", "status"], rows)


def _culprit(culprit: Culprit, verdicts: Sequence[Verdict]) -> list[str]:
    node, at = culprit.verdict.node, culprit.entry
    lines = [fill(f"first wrong: {node.title}: {culprit.diagnosis.sentence}", 80)]
    if isfinite(at.numerical):
        place = ", ".join(str(i) for i in at.index)
        text = (
            f"at [{place}] of {node.title} the backward pass says {at.backward:.8g}, "
            f"the forward pass {at.numerical:.8g}"
        )
        lines.append(fill(text, 80, initial_indent="  ", subsequent_indent="  "))
    tainted = [f"d{v.node.name}" for v in verdicts if v.status == "tainted"]
    if tainted:
        text = f"tainted by it, and right but for it: {', '.join(tainted)}"
        lines.append(fill(text, 80, initial_indent="  ", subsequent_indent="  "))
    return lines


def _evaluation(verdicts: list[Verdict]) -> str:
    bad = [f"d{v.node.name}" for v in verdicts if v.status in ("wrong", "tainted")]
    if bad:
        return f"as it predicts (no dropout, running statistics): wrong: {', '.join(bad)}"
    worst = max(v.rel_error for v in verdicts)
    return (
        f"as it predicts (no dropout, running statistics): all {len(verdicts)} derivatives right, "
        f"largest error {worst:.1e}"
    )


def _crosscheck(cross: CrossCheck) -> str:
    text = f"central differences: {cross.entries} single entries compared, "
    if cross.disagrees:
        names = ", ".join(f"d{name}" for name in cross.disagrees)
        text += f"they differ in {names} (up to {cross.worst:.1e})"
    else:
        text += "all agree"
    if cross.kinks:
        text += f"; {cross.kinks} of them at a kink, by one-sided derivatives"
    if cross.zeros:
        text += f"; {cross.zeros} inputs exactly at a kink, where relu'(0) = 0"
    if cross.unsettled:
        text += f"; {cross.unsettled} more left out, undecided"
    return text


def _invariances(report: Report) -> str:
    told = [
        f"{law.name} {'(hidden by rounding)' if law.error is None else f'{law.error:.0e}'}"
        f"{'' if law.ok else ' BROKEN'}"
        for law in report.invariances
    ]
    return f"invariances, relative error: {'; '.join(told)}"


def _void(report: Report) -> list[str]:
    names = [f"d{v.node.name}" for v in report.verdicts if v.status == "void"]
    if not names:
        return []
    return [fill(f"void: {', '.join(names)}: at or below rounding here, which proves nothing", 80)]


def _verdict(report: Report, about: About) -> str:
    if report.wrong:
        word = "wrong" if report.culprit else "wrong, by another witness than the complex step"
    elif report.inconclusive:
        word = "inconclusive: no derivative rises above rounding at these parameters"
    else:
        compared = [v for v in report.verdicts if v.status == "ok"]
        worst = max(v.rel_error for v in compared)
        word = f"right: {len(compared)} derivatives, largest error {worst:.1e}"
    return f"{word}; {about.seconds:.1f} s"


@dataclass(frozen=True)
class Outcome:
    """What the check made of a planted bug."""

    mutation: Mutation
    culprit: Culprit | None

    @property
    def found(self) -> bool:
        """Caught, and at the right node."""
        return self.culprit is not None and self.culprit.verdict.node.name == self.mutation.node

    @property
    def named(self) -> bool:
        """And for the right reason."""
        return (
            self.found
            and self.culprit is not None
            and self.culprit.diagnosis.cause in self.mutation.causes
        )


def mutations_text(outcomes: list[Outcome]) -> str:
    """A line a bug: what was planted, and what the check said."""
    lines = []
    for o in outcomes:
        mark = "named " if o.named else "found " if o.found else "MISSED"
        lines.append(f"{mark}  {o.mutation.name}")
        said = o.culprit.diagnosis.sentence if o.culprit else "everything is right"
        lines.append(fill(said, 80, initial_indent=" " * 8, subsequent_indent=" " * 8))
    caught = sum(o.culprit is not None for o in outcomes)
    found, named = sum(o.found for o in outcomes), sum(o.named for o in outcomes)
    total = len(outcomes)
    lines += [
        "",
        f"{total} bugs planted: {caught} caught, {found} at the right node, {named} named",
    ]
    return "\n".join(lines)


def mutations_json(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """The same for a program."""
    return [
        {
            "bug": o.mutation.name,
            "node": o.mutation.node,
            "caught": o.culprit is not None,
            "first_wrong": o.culprit and o.culprit.verdict.node.name,
            "cause": o.culprit and o.culprit.diagnosis.cause,
            "sentence": o.culprit and o.culprit.diagnosis.sentence,
            "named": o.named,
        }
        for o in outcomes
    ]

"""Every check in its order, and what they say together: for a reader, 80 columns, and a program."""

from collections.abc import Iterator, Mapping
from textwrap import fill

from deepnet_cli.config.job import Job
from deepnet_cli.errors import DivergedError
from deepnet_cli.report.checking import of_data, of_network, of_run
from deepnet_cli.report.checking.finding import WARNING, WRONG, Check, Finding
from deepnet_cli.training.checking.subject import Subject

NAME = 9
"""The width of the longest name."""

INDENT = " " * (NAME + 9)

CHECKS: dict[str, Check] = {
    "config": of_run.config,
    "data": of_data.parts,
    "x": of_data.x,
    "y": of_data.y,
    "x and y": of_data.dependence,
    "network": of_network.size,
    "start": of_network.start,
    "gradient": of_network.gradient,
    "layers": of_network.layers,
    "batch": of_network.batch,
    "rate": of_run.rate,
    "time": of_run.time,
    "memory": of_run.memory,
}
"""Each by the name of its line."""

Findings = Mapping[str, Finding]


def checked(job: Job) -> Iterator[tuple[str, Finding]]:
    """The name and the finding of each check, as they are made."""
    subject = Subject(job)
    for name, check in CHECKS.items():
        try:
            yield name, check(subject)
        except DivergedError as error:
            do = "data.scale: standardize, or a smaller model.initialization"
            yield name, Finding(WRONG, str(error), (do,))


def finding_text(name: str, finding: Finding) -> str:
    """Its line, without the level, and below it what to do."""
    told = _filled(f"{name:<{NAME}} {finding.what}", 80 - 8, "", " " * (NAME + 1))
    told = told.replace("\n", "\n" + " " * 8)
    below = [_filled(f"-> {do}", 80, INDENT, f"{INDENT}   ") for do in finding.do]
    return "\n".join([told, *below])


def verdict(findings: Findings) -> str:
    """All of them in a line."""
    wrong, doubtful = _named(findings, WRONG), _named(findings, WARNING)
    if wrong:
        also = f"; look at {', '.join(doubtful)}, too" if doubtful else ""
        return f"not ready: {', '.join(wrong)}{also}"
    return f"ready, but look at {', '.join(doubtful)}" if doubtful else "ready"


def passed(findings: Findings) -> bool:
    """Whether nothing is wrong."""
    return not _named(findings, WRONG)


def checks_json(findings: Findings) -> dict[str, object]:
    """All of them as one JSON object."""
    return {
        "ok": passed(findings),
        "verdict": verdict(findings),
        "checks": [{"name": name, **vars(finding)} for name, finding in findings.items()],
    }


def _filled(text: str, width: int, first: str, then: str) -> str:
    """Lines that leave names and options whole."""
    return fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _named(findings: Findings, level: str) -> list[str]:
    return [name for name, finding in findings.items() if finding.level == level]

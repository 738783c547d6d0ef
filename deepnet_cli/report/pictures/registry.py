"""The pictures that there are, by name, and which of them runs have."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from deepnet_cli.errors import ConfigError, DeepnetError
from deepnet_cli.report.pictures import decisions, histories, numbers, parameters
from deepnet_cli.report.pictures.histories import Look
from deepnet_cli.report.pictures.panels import Panel
from deepnet_cli.report.pictures.trained import Trained

Panels = Callable[[Sequence[Trained], Look], list[Panel]]


@dataclass(frozen=True)
class Picture:
    """Its panels; why a run has none, or nothing where it has.

    Of several runs there is one chart `together`, or each has panels of its own.  It may be
    `measured` on examples.  The overview has its first panel.
    """

    panels: Panels
    lacks: Callable[[Trained], str]
    together: bool = False
    measured: bool = False
    in_overview: bool = True


Found = dict[str, list[Panel]]


def panels_of(names: Sequence[str], runs: Sequence[Trained], look: Look) -> Found:
    """The panels of pictures by name.

    Raises ConfigError where a run has none of that name, and what is raised of its files.
    """
    for name in names:
        for run in runs:
            if problem := PICTURES[name].lacks(run):
                has = _instead(run)
                raise ConfigError(f"{run.path}: has no picture '{name}': {problem}{has}")
    return {name: PICTURES[name].panels(runs, look) for name in names}


def overview(runs: Sequence[Trained], look: Look) -> tuple[Found, list[str]]:
    """The first panel of each picture that is for an overview; and why there are not more, where
    something cannot be read.  Raises what is to be said where there is none at all.
    """
    found, problems = Found(), dict[str, DeepnetError]()
    for run in runs:
        run.check()
    for name, picture in PICTURES.items():
        if not picture.in_overview or (len(runs) > 1 and not picture.together):
            continue
        have = False
        for run in runs:
            try:
                have |= not picture.lacks(run)
            except DeepnetError as error:
                problems[str(error)] = error
        if have:
            found[name] = picture.panels(runs, look)[:1]
    if not found:
        nothing = "; ".join(f"{run.path}: {histories.no_history(run)}" for run in runs)
        raise next(iter(problems.values()), ConfigError(nothing))
    return found, [*problems]


def heading(names: Iterable[str], runs: Sequence[Trained]) -> str:
    """Which runs pictures are of, and which examples."""
    if len(runs) > 1:
        return " and ".join(run.label for run in runs) if len(runs) < 3 else f"{len(runs)} runs"
    measured = any(PICTURES[name].measured for name in names)
    return f"{runs[0].label}: {runs[0].examples}" if measured else runs[0].label


def _instead(run: Trained) -> str:
    """What a run has, where that is known."""
    try:
        names = [name for name, picture in PICTURES.items() if not picture.lacks(run)]
    except DeepnetError:
        return ""
    return f"; it has {', '.join(names)}"


def _each(panels: Callable[[Trained], Sequence[Panel]]) -> Panels:
    """Those of each run; of several with its name."""

    def of(runs: Sequence[Trained], _: Look) -> list[Panel]:
        return [
            replace(panel, title=f"{run.label}: {panel.title}") if len(runs) > 1 else panel
            for run in runs
            for panel in panels(run)
        ]

    return of


PICTURES = {
    "cost": Picture(histories.cost, histories.no_history, together=True),
    "metrics": Picture(histories.metrics, histories.no_metrics, together=True),
    "learning_rate": Picture(histories.learning_rate, histories.no_schedule, together=True),
    "gradient_norm": Picture(
        histories.gradient_norm, histories.no_norm, together=True, in_overview=False
    ),
    "confusion": Picture(_each(decisions.confusion), decisions.no_classes, measured=True),
    "roc": Picture(_each(decisions.roc_curves), decisions.no_ranking, measured=True),
    "precision_recall": Picture(
        _each(decisions.precision_recall_curves), decisions.no_ranking, measured=True
    ),
    "calibration": Picture(_each(decisions.reliability), decisions.no_probabilities, measured=True),
    "predicted": Picture(_each(numbers.predicted), numbers.no_numbers, measured=True),
    "residuals": Picture(_each(numbers.residuals), numbers.no_residuals, measured=True),
    "weights": Picture(_each(parameters.weights), parameters.no_model, in_overview=False),
    "first_layer": Picture(_each(parameters.first_layer), parameters.no_image, in_overview=False),
}

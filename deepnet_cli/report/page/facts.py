"""All that a page says of a run: what stands in its directory, and what its model says of rows that
were held out, as far as there is such.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deepnet_cli.errors import DeepnetError
from deepnet_cli.files import read_file
from deepnet_cli.training.kept.inspecting import Run, inspect_run
from deepnet_cli.training.kept.model import Model, load_model
from deepnet_cli.training.kept.run_directory import CONFIG
from deepnet_cli.training.results.assessment import Assessment, assess
from deepnet_cli.training.results.outcomes import Outcomes, outcomes


class Held(NamedTuple):
    """A model, and what it says of held-out examples."""

    model: Model
    outcomes: Outcomes
    found: Assessment


@dataclass(frozen=True)
class Facts:
    """`label` tells the run from the others on the page; `held` is None for the reason in `why`."""

    label: str
    run: Run
    config: str  # YAML, as it stands
    held: Held | None
    why: str = ""

    @property
    def name(self) -> str:
        """That of the config, or of the directory."""
        return self.run.name or self.label


def gathered(paths: Sequence[Path]) -> list[Facts]:
    """Of each run.  Raises DataError where a directory is none."""
    runs = [inspect_run(path) for path in paths]
    short = [run.path.resolve().name for run in runs]
    unlike = len({*short}) == len(short)
    labels = short if unlike else [str(run.path) for run in runs]
    return [_facts(*each) for each in zip(labels, paths, runs, strict=True)]


def _facts(label: str, path: Path, run: Run) -> Facts:
    config = read_file(path / CONFIG).decode(errors="backslashreplace")
    try:
        model, said = load_model(path), outcomes(path)
        return Facts(label, run, config, Held(model, said, assess(model, said.table)))
    except DeepnetError as error:
        return Facts(label, run, config, None, str(error))

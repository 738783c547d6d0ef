"""What can be wrong with the run: its config, its learning rate, its time and memory."""

from deepnet_cli.config.job import Job
from deepnet_cli.config.rates import initial_key
from deepnet_cli.memory import available_memory, told
from deepnet_cli.report.checking.finding import OK, SKIPPED, WARNING, WRONG, Finding
from deepnet_cli.report.timing import duration
from deepnet_cli.training.checking.pace import Pace, pace
from deepnet_cli.training.checking.subject import Subject
from deepnet_cli.training.timing.estimating import estimate

KEPT = 0.1
"""Part of the fall in the range test that the config's own rate keeps, at least."""

LEARNABLE = 0.5
"""Share of one batch that can be learned by heart, below which no rate helps."""

GOES = 0.5
"""Of the updates that were tried: by so many at the suggested rate the whole run goes, at least."""

FULL = 0.8
"""Part of the available memory from which on it may get tight."""


def config(subject: Subject) -> Finding:
    """What the config asks for, and what in it is likely a mistake."""
    job = subject.job
    warnings = doubts(job, of_data=False)
    training = f"{job.config.training.optimizer.name}, {job.iterations:,} iterations"
    what = f"{job.config.name}: {job.network.loss.name}, {training}"
    return Finding(WARNING if warnings else OK, what, warnings, {"warnings": warnings})


def doubts(job: Job, *, of_data: bool) -> tuple[str, ...]:
    """The warnings of a job that are about its data, or the others; a line each."""
    lines = [warning.split("\n")[0] for warning in job.warnings]
    return tuple(line for line in lines if (": data." in line) == of_data)


def rate(subject: Subject) -> Finding:
    """The learning rate beside what a range test suggests."""
    if subject.job.rule.sees == "objective":
        name = subject.job.config.training.optimizer.name
        return Finding(SKIPPED, f"{name} finds its own step lengths")
    if subject.too_large:
        return Finding(SKIPPED, f"{subject.too_large}; deepnet lr-find tests it")
    if subject.fit is not None and subject.fit.explained < LEARNABLE:
        return Finding(SKIPPED, "says nothing, as long as not even one batch is learned")
    found = pace(subject)
    J, lowest = found.test.costs[0], found.test.smoothed[found.test.lowest]
    rate, suggestion = found.rate, found.test.suggestion
    figures = {"rate": rate, "suggestion": suggestion, "fall": found.fall, "best": found.test.fall}
    if suggestion is None:
        what = f"no rate makes the cost fall from {J:.3g} in {len(found.test.costs):,} updates"
        do = "look at the other lines: they say why, if it is not at its lowest already"
        return Finding(WARNING, what, (do,), figures)
    key = initial_key(subject.job.config)
    do = f"--set {key}={suggestion:g}, or what deepnet lr-find shows"
    what = f"{rate:g}: J {J:.3g} -> {found.after:.3g} in {found.made} updates"
    if found.diverged:
        what = f"{rate:g} is too high: after {found.made} updates J is not finite"
        return Finding(WRONG, what, (do,), figures)
    if rate > suggestion and found.fall < KEPT * found.test.fall:
        what = f"{what}: too high, lower rates bring it to {lowest:.3g}"
        return Finding(WRONG, what, (do,), figures)
    if _short(found):
        goes = found.whole / suggestion
        what = f"{rate:g} is too low: all {subject.job.iterations:,} updates go as far as "
        what += f"{goes:.2g} by {suggestion:g}"
        return Finding(WARNING, what, (f"{do}; or many more iterations",), figures)
    return Finding(OK, f"{what}; suggested {suggestion:g}", (), figures)


def _short(found: Pace) -> bool:
    """Whether all updates together go nowhere."""
    suggestion = found.test.suggestion or 0.0
    return found.rate < suggestion and found.whole < GOES * found.updates * suggestion


def time(subject: Subject) -> Finding:
    """As `deepnet time` estimates it, by fewer updates."""
    found = estimate(subject.job, subject.theta)
    what = f"about {duration(found.run)}, {duration(found.mean_step)} an update"
    if len(found.sizes) > 1:
        what += " (by those of {:,} and {:,} examples)".format(*found.sizes)
    figures = {"seconds": found.run, "step_seconds": found.mean_step, "timed": found.sizes}
    return Finding(OK, what, (), figures)


def memory(subject: Subject) -> Finding:
    """As it is foreseen before training."""
    needed, there = sum(subject.job.memory.values()), available_memory()
    what = f"{told(needed)} of {told(there)} available"
    figures = {"needed": needed, "available": there}
    if needed > FULL * there:
        do = "a smaller training.batch_size, or data.stream: true"
        return Finding(WARNING, what, (do,), figures)
    return Finding(OK, what, (), figures)

"""A session from its first event to its last, whoever looks on."""

from collections.abc import Callable, Iterator

from deepnet_cli.config.job import Job
from deepnet_cli.config.rates import initial_key, schedule_of
from deepnet_cli.errors import DeepnetError, DivergedError, MachineError
from deepnet_cli.training.loop.state import Event
from deepnet_cli.training.run.post_mortem import NAME, post_mortem
from deepnet_cli.training.run.session import Draw, Session
from deepnet_cli.training.run.stopping import Interruption


def run_to_end(
    session: Session, interruption: Interruption, show: Callable[[Event], None]
) -> DivergedError | None:
    """Train to the end of it, whichever that is, and show each event; where it diverged, the error
    that says what to do about it.  What is to be written then, `finish` writes.

    Raises what else ends training early.
    """
    session.late = interruption.late
    session.begin()
    session.directory.remove(NAME)  # of an earlier end
    try:
        for event in interruption.stop(session.steps()):
            show(event)
        session.end()
    except DivergedError as error:
        return _advised(error, session, *_looked_into(session))
    return None


def finish(session: Session, draw: Draw | None = None) -> dict[str, object]:
    """Write what is to be written then, as `Session.finish` does.  Where it cannot be, and training
    has diverged, both are told.
    """
    try:
        return session.finish(draw)
    except MachineError as error:
        if session.diverged_at is None:
            raise
        raise MachineError(f"{session.ending.reason}\n{error}") from None


def _looked_into(session: Session) -> tuple[str, str]:
    """What the first tensor was that is not finite, and how it is seen again, for which all is
    written; what goes wrong with that is told in its place.
    """
    job, start, end, told = session.job, session.progress, session.diverged_at, ""
    if end is None:
        return "", ""
    try:
        found = post_mortem(job, start, end)
        if found.finding is not None:
            told = f"\nfirst not finite: {found.finding.told}"
        session.directory.write(NAME, found.bundle(job, start, session.config))
    except (DeepnetError, MemoryError) as error:
        return told, f"deepnet replay cannot show it: {str(error) or 'not enough memory'}"
    return told, f"see it again: deepnet replay {session.directory.path}"


def _advised(error: DivergedError, session: Session, found: str, again: str) -> DivergedError:
    job, made, place = session.job, session.progress.state.iteration, session.directory.path
    gradient = job.rule.sees == "gradient"
    rate = f", with learning rate {session.rate(made):g}" if gradient else ""
    ways = [f"--set {calmer(job)}", *_more_ways(job)]
    either = f"{', '.join(ways[:-1])}, or {ways[-1]}" if len(ways) > 1 else ways[0]
    return DivergedError(
        f"{error}{rate}; the last good parameters, after {made:,} update{'s' * (made != 1)}, "
        f"are in {place}{found}\n"
        f"try: {either}\n{again}"
    )


def _more_ways(job: Job) -> Iterator[str]:
    """What else may help, of what the config has not yet."""
    if job.rule.sees == "objective":
        yield "a smaller model.initialization"
        return
    if job.config.training.clip_norm is None:
        yield "training.clip_norm: 1"
    if getattr(job.config.data.scale, "name", "a number") in ("auto", "none", "a number"):
        yield "data.scale: standardize where features differ much in size"


def calmer(job: Job) -> str:
    """The setting that most likely keeps a run from diverging there."""
    if job.rule.sees == "objective":
        return "data.scale=standardize"
    lower = min(schedule_of(job.config).initial, 1.0) / 10  # or of any rate that may be good
    return f"{initial_key(job.config)}={lower:g}"

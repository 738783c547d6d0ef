"""A session from its first event to its last, whoever looks on."""

from collections.abc import Callable

from deepnet_cli.errors import DeepnetError, DivergedError
from deepnet_cli.training.session import Session
from deepnet_cli.training.state import Event
from deepnet_cli.training.stopping import Interruption


def run_to_end(
    session: Session, interruption: Interruption, show: Callable[[Event], None]
) -> DivergedError | None:
    """Train to the end of it, whichever that is, and show each event; where it diverged, the error
    that says what to do about it.  What is to be written then, `Session.finish` writes.

    Raises what else ends training early, with the command that goes on.
    """
    session.begin()
    try:
        for event in interruption.stop(session.steps()):
            show(event)
        session.end()
    except DivergedError as error:
        return _advised(error, session)
    except DeepnetError as error:
        raise type(error)(f"{error}\ngo on: {interruption.go_on}") from None
    return None


def _advised(error: DivergedError, session: Session) -> DivergedError:
    made = session.progress.state.iteration
    if session.job.rule.sees == "objective":
        return DivergedError(
            f"{error}; the last good parameters, after {made:,} updates, are in "
            f"{session.directory.path}\ntry: --set data.scale=standardize, or a smaller "
            "model.initialization"
        )
    key, rate = "training.learning_rate", session.rate(made)
    scheduled, asked = session.job.config.training.learning_rate, rate
    if not isinstance(scheduled, float):
        key, asked = f"{key}.initial", scheduled.initial
    return DivergedError(
        f"{error}, with learning rate {rate:g}; the last good parameters, after "
        f"{made:,} updates, are in {session.directory.path}\n"
        f"try: --set {key}={asked / 10:g}, "
        "or data.scale: standardize where features differ much in size"
    )

"""Backpropagation against numerical derivatives, in random networks."""

from functools import partial

from deepnet_cli.config.draws import draw
from deepnet_cli.nn.gradcheck.report import check
from deepnet_cli.randomness import generator
from deepnet_cli.training.selftest.finding import OK, UNCLEAR, WRONG, Finding

NETWORKS = 30


def check_gradients(networks: int = NETWORKS) -> Finding:
    """Of networks that are drawn from all that a config may say, the same each time."""
    derivatives, undecided, wrong = 0, list[int](), list[int]()
    for seed in range(networks):
        report = check(draw(seed).point, partial(generator, seed))
        derivatives += len(report.verdicts)
        if report.wrong:
            wrong.append(seed)
        elif report.undetermined:
            undecided.append(seed)
    figures = {"networks": networks, "derivatives": derivatives, "wrong": wrong}
    told = f"{derivatives} derivatives in {networks} random networks agree with complex steps"
    if wrong:
        numbers = ", ".join(map(str, wrong))
        told = f"{len(wrong)} of {networks} random networks have a wrong derivative: {numbers}"
        return Finding(WRONG, told, figures)
    if 2 * len(undecided) > networks:
        told = f"in {len(undecided)} of {networks} random networks nothing could be decided"
        return Finding(UNCLEAR, told, figures)
    return Finding(OK, told, figures)

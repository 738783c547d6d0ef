"""The threads of a command."""

from collections.abc import Sequence

import click

from deepnet_cli.config.job import Job
from deepnet_cli.threads import fitting, limited


def suit(sizes: Sequence[int], m: int, wanted: int | str = "auto") -> None:
    """To the command's end, products have the threads that are wanted, or that suit layers of
    these sizes and batches of m examples.
    """
    threads = wanted if isinstance(wanted, int) else fitting(sizes, m)
    click.get_current_context().with_resource(limited(threads))


def suit_training(job: Job) -> None:
    """The same for a job's training, in the features that it has there."""
    click.get_current_context().with_resource(limited(job.threads))

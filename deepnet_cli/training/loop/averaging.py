"""The averaged parameters of a state, with what makes a network of them.

Only what is trained is averaged.  Running statistics belong to the activations that parameters
make: for an average of far-apart parameters they are made anew, as PyTorch's update_bn does.
"""

from dataclasses import replace

import numpy as np

from deepnet_cli.data.dealing.batches import Batches
from deepnet_cli.nn.network import Network
from deepnet_cli.nn.objective import Objective
from deepnet_cli.nn.types import Array
from deepnet_cli.optim.averages import Average
from deepnet_cli.training.loop.space import Space
from deepnet_cli.training.loop.state import State


def averaged(state: State, average: Average, space: Space) -> Array:
    """theta (P',), where there is an average that one in the state's last slot: a new vector."""
    theta = state.theta.copy()
    if average.kept(state.iteration) == 0:  # of one: theta itself
        return theta
    network = space.objective.network
    theta[network.layout.trained] = state.slots[-1, network.layout.trained]
    space.objective.hold(theta)
    if average.fresh_statistics and network.tracks:
        renew_statistics(space.objective, theta, space.batches)
    return theta


def renew_statistics(objective: Objective, theta: Array, batches: Batches) -> None:
    """Make the running statistics in theta (P,) the means of those of the batches of an epoch.

    The epoch is the first one, with its order and masks.
    """
    network = _of_the_last_batch(objective.network)
    p, batch_statistics = network.layout.views(theta), theta[network.layout.statistics]
    mean = batch_statistics.copy()
    with np.errstate(all="ignore"):  # what overflows shows in a cost
        for k, batch in enumerate(batches.deal(0, batches.per_epoch)):
            work = network.workspace(batch.X.shape[1], theta.dtype)
            network.draw(work, batch.iteration)
            network.forward(p, batch.X, work)
            network.track(p, work)
            mean += (batch_statistics - mean) / (k + 1)
    batch_statistics[...] = mean


def _of_the_last_batch(network: Network) -> Network:
    """The same with running statistics that are those of the last batch."""
    layers = [
        replace(layer, batch_norm=layer.batch_norm and replace(layer.batch_norm, momentum=1.0))
        for layer in network.layers
    ]
    return Network.of(network.features, layers, network.loss).fused

"""What a model offers to a task that comes later, and how the new task gets into the network."""

from typing import TypeGuard

import torch
from torch import Tensor

from tasktalk.models.build import Network
from tasktalk.models.options import FullySharedOptions, IndirectOptions, Options, SharedPrivateOptions
from tasktalk.models.transfer_options import MittenOptions

Open = IndirectOptions | SharedPrivateOptions | FullySharedOptions | MittenOptions
"""Models with something that a new task can read from, while the old ones do not hear it."""
OPEN = "ic, sp, fs or mitten"


def is_open(options: Options) -> TypeGuard[Open]:
    """Whether a model has something that a new task could read from as it is.

    That is the shared LSTM of ``ic``, ``sp`` and ``fs``, and in ``mitten`` every task's encoder and what it sends.
    """
    return isinstance(options, Open)


def with_newcomer(options: Open) -> Open:
    """The settings of the network with one task more, which the others do not hear."""
    if isinstance(options, MittenOptions):
        return options.model_copy(update={"newcomers": options.newcomers + 1})
    return options


def without_newcomer(options: Open) -> Open:
    """The settings from which ``with_newcomer`` made these."""
    if isinstance(options, MittenOptions):
        return options.model_copy(update={"newcomers": options.newcomers - 1})
    return options


def for_one_task(options: Open) -> Open:
    """The settings while only one task learns: SP-MTL's adversary tells tasks apart, and there are none to tell."""
    if isinstance(options, SharedPrivateOptions):
        return options.model_copy(update={"adversarial": 0.0})
    return options


def corner(values: Tensor) -> tuple[slice, ...]:
    """Where the values of the first tasks stand in a parameter of more tasks: at the beginning of every axis."""
    return tuple(slice(size) for size in values.shape)


@torch.no_grad()
def graft(network: Network, before: Network) -> None:
    """Put the weights of a network into one for more tasks, the first of which are those of the other.

    Some parameters have a part for every task: SP-MTL's discriminator, the maps and D of L2T-MITTEN, and its encoders
    of whole molecules. There the parts of the first tasks are those of the other.
    """
    state = network.state_dict()
    for name, values in before.state_dict().items():
        state[name][corner(values)] = values

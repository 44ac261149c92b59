"""What D of L2T-MITTEN, who listens to whom in general, learns from: all labels, or labels of its own."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from tasktalk.communication.mitten import MutualAttention
from tasktalk.core.seeding import generator
from tasktalk.data.batches import Batchable

HELD_OUT = 0.2
"""Share of a task's training labels that only D learns from."""

_PURPOSE = 1_684_368_484  # keeps these draws apart from those that use the same seed for something else


def general_dependencies(network: nn.Module) -> list[nn.Parameter]:
    """D of every mutual attention in a network."""
    return [module.general for module in network.modules() if isinstance(module, MutualAttention)]


def set_priors(network: nn.Module, prior: Float[np.ndarray, "targets sources"]) -> None:
    """Let D of every mutual attention in a network start from some weights."""
    for module in network.modules():
        if isinstance(module, MutualAttention):
            module.set_prior(torch.from_numpy(prior))


def hold_out(examples: Batchable, seed: int) -> tuple[Batchable, Batchable]:
    """The same examples twice, each with a part of the labels: those for the parameters, and those for D.

    D gets a fifth of each task's labels, rounded, drawn at random. A task keeps at least one label for its parameters.
    """
    draw = generator(seed, _PURPOSE)
    for_parameters, for_dependency = examples.labels.copy(), np.full_like(examples.labels, np.nan)
    for task in range(examples.labels.shape[1]):
        rows = draw.permutation(np.flatnonzero(~np.isnan(examples.labels[:, task])))
        held = rows[: round(HELD_OUT * len(rows))]
        for_dependency[held, task] = examples.labels[held, task]
        for_parameters[held, task] = np.nan
    return _with_labels(examples, for_parameters), _with_labels(examples, for_dependency)


def _with_labels(examples: Batchable, labels: np.ndarray) -> Batchable:
    fields: Any = examples  # every Batchable is a dataclass with labels
    changed: Batchable = replace(fields, labels=labels)
    return changed


def set_dependency_gradient(network: nn.Module, loss: torch.Tensor) -> None:
    """Let D follow the gradient of another loss than the rest of the network.

    Args:
        network: after the backward pass of its own loss, whose graph was kept.
        loss: over the labels that are D's own.
    """
    general = general_dependencies(network)
    for parameter, gradient in zip(general, torch.autograd.grad(loss, general), strict=True):
        parameter.grad = gradient

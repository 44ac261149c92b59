"""Optimisers: dense parameters apart from word tables, whose updates touch only the rows of the batch.

Who listens to whom in general, D of L2T-MITTEN, may have a step size of its own.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from tasktalk.heads.wide import WideLogits
from tasktalk.training.config import TrainingConfig
from tasktalk.training.dependency import general_dependencies

_RHO, _EPSILON = 0.95, 1e-6  # Zeiler 2012


def takes_sparse_gradients(config: TrainingConfig) -> bool:
    """Whether word tables may have row-wise gradients; AdaDelta exists for dense ones only."""
    return config.optimizer == "adamw"


def make_optimizers(
    network: nn.Module, config: TrainingConfig, dependency_rate: float = 1.0
) -> list[torch.optim.Optimizer]:
    """The optimiser of the dense parameters first, then that of the word tables if theirs is another.

    With AdamW, word tables have Adam without weight decay: a row that is not in the batch stays as it is, its moments
    included. D has no weight decay either, which would make all tasks equal to each other.

    Args:
        network: whose parameters are trained.
        config: settings of the training.
        dependency_rate: factor of D's step size.
    """
    tables = {id(p) for module in network.modules() for p in _sparse_parameters(module)}
    general = general_dependencies(network)
    apart = tables | {id(p) for p in general}
    dense: list[Any] = [{"params": [p for p in network.parameters() if p.requires_grad and id(p) not in apart]}]
    if general:
        dense.append({"params": general, "lr": config.learning_rate * dependency_rate, "weight_decay": 0.0})
    if config.optimizer == "adadelta":
        return [
            torch.optim.Adadelta(
                dense, lr=config.learning_rate, rho=_RHO, eps=_EPSILON, weight_decay=config.weight_decay
            )
        ]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(dense, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
    ]
    sparse = [p for p in network.parameters() if p.requires_grad and id(p) in tables]
    if sparse:
        optimizers.append(torch.optim.SparseAdam(sparse, lr=config.learning_rate))
    return optimizers


def decay(optimizers: Iterable[torch.optim.Optimizer], progress: float) -> None:
    """Let the step sizes fall along half a cosine (Loshchilov and Hutter 2017).

    Args:
        optimizers: whose groups are changed; each keeps the step size that it began with as ``initial_lr``.
        progress: part of the training that is done, from 0 to 1.
    """
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * (1 + math.cos(math.pi * progress)) / 2


def _sparse_parameters(module: nn.Module) -> list[nn.Parameter]:
    if isinstance(module, nn.Embedding):
        return list(module.parameters()) if module.sparse else []
    return module.sparse_tables() if isinstance(module, WideLogits) else []

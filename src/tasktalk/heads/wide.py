"""The wide part of a model: easy-adapt features that feed the same logits as the network.

Wide and deep: Cheng et al. 2016. Easy adapt, shared and per-task weights of every feature: Daume III 2007.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.core.batch import SparseRows


class WideLogits(nn.Module):
    """A linear model over sparse features, with weights shared by the tasks that have the same classes.

    ``mix`` holds the factors of the network's logits and of these in their sum, both 1 until somebody knows better.

    Args:
        features: number of sparse features.
        outputs: number of classes of each task.
        groups: for each task the group whose shared weights it uses (tasks with the same classes).
        trainable: whether the weights are learned with the network, or kept as they were fitted before.
        sparse: whether gradients have only the rows of the batch (needs an optimiser that takes sparse gradients).
    """

    def __init__(
        self, features: int, outputs: Sequence[int], groups: Sequence[int], trainable: bool, sparse: bool = True
    ) -> None:
        super().__init__()
        self.groups = tuple(groups)
        self.trainable = trainable
        self.sparse = sparse and trainable
        sizes = dict(zip(groups, outputs, strict=True))
        self.shared = nn.ParameterList(nn.Parameter(torch.zeros(features, sizes[g])) for g in sorted(sizes))
        self.own = nn.ParameterList(nn.Parameter(torch.zeros(features, n)) for n in outputs)
        self.bias = nn.ParameterList(nn.Parameter(torch.zeros(n)) for n in outputs)
        self.mix: Tensor
        self.register_buffer("mix", torch.ones(2))
        self.requires_grad_(trainable)

    def sparse_tables(self) -> list[nn.Parameter]:
        """The parameters whose gradients have only the rows of the batch."""
        return [*self.shared, *self.own] if self.sparse else []

    def add_to(
        self,
        deep: tuple[Float[Tensor, "batch _"], ...],
        rows: SparseRows,
        shape: tuple[int, int],
        receivers: tuple[int, ...],
    ) -> tuple[Float[Tensor, "batch _"], ...]:
        """The network's logits and these, added up; other arguments as in ``forward``."""
        pairs = zip(deep, self(rows, shape, receivers), strict=True)
        return tuple(self.mix[0] * network + self.mix[1] * linear for network, linear in pairs)

    def forward(
        self, rows: SparseRows, shape: tuple[int, int], receivers: tuple[int, ...]
    ) -> tuple[Float[Tensor, "batch _"], ...]:
        """Logits of every receiver.

        Args:
            rows: features of the examples in the order of a flattened (groups, batch).
            shape: (groups, batch).
            receivers: the tasks that read.
        """
        groups, batch = shape
        answers = []
        for i, task in enumerate(receivers):
            own_rows = rows.part(i * batch, (i + 1) * batch) if groups > 1 else rows
            shared, own = self.shared[self.groups[task]], self.own[task]
            answers.append(self._logits(own_rows, shared) + self._logits(own_rows, own) + self.bias[task])
        return tuple(answers)

    def _logits(self, rows: SparseRows, weights: Tensor) -> Tensor:
        return functional.embedding_bag(
            rows.indices, weights, rows.offsets, mode="sum", per_sample_weights=rows.values, sparse=self.sparse
        )

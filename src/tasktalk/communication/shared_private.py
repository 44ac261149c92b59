"""SP-MTL: a shared and a private LSTM, kept apart by an adversary and an orthogonality penalty (Liu et al. 2017)."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.communication.block import BlockOutput, for_receivers
from tasktalk.communication.cells import LSTMs, SharedLSTM
from tasktalk.core.errors import ConfigError
from tasktalk.core.joint import joint_sum


class SharedPrivate(nn.Module):
    """Shared-private model of Liu, Qiu and Huang 2017, "Adversarial Multi-task Learning for Text Classification".

    A state is [private, shared]. A linear discriminator guesses the task from the last shared state through a gradient
    reversal layer (Ganin and Lempitsky 2015), which turns the paper's min-max game into one backward pass. The
    orthogonality penalty is the squared Frobenius norm of S^T H of the last shared and private states, which are
    scaled to length 1 first so that it does not depend on the hidden size (Bousmalis et al. 2016).
    The record is empty.

    Args:
        word_features: size of an embedded word.
        hidden: size of the shared and of the private state.
        tasks: how many tasks.
        adversarial: weight of the discriminator's loss (lambda in that paper).
        orthogonal: weight of the orthogonality penalty (gamma in that paper).

    Raises:
        ConfigError: fewer than two tasks.
    """

    def __init__(
        self, word_features: int, hidden: int, tasks: int, adversarial: float = 0.05, orthogonal: float = 0.01
    ) -> None:
        super().__init__()
        if tasks < 2:
            raise ConfigError(f"SP-MTL needs at least 2 tasks that its discriminator can tell apart, found {tasks}")
        self.features = 2 * hidden
        self.adversarial = adversarial
        self.orthogonal = orthogonal
        self.shared = SharedLSTM(word_features, hidden)
        self.private = LSTMs(word_features, hidden, tasks)
        self.discriminator = nn.Linear(hidden, tasks)

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the receivers, with the weighted penalties while training.

        Raises:
            ConfigError: several receivers read the same examples while training: then no example belongs to one task,
                and there is nothing for the discriminator to tell apart.
        """
        if self.training and words.shape[0] != len(receivers):
            raise ConfigError(
                "SP-MTL's adversary tells from which task an example comes, so it needs examples that belong to one "
                "task each; this data set has one set of texts with a label column per task (try ic, dc or fs)"
            )
        shared = for_receivers(self.shared(words), receivers)
        private = self.private(words, receivers)
        states = torch.cat((private, shared), dim=-1) * mask.unsqueeze(-1)
        return BlockOutput(states, {}, self._penalty(shared, private, mask, receivers) if self.training else None)

    def _penalty(self, shared: Tensor, private: Tensor, mask: Tensor, receivers: tuple[int, ...]) -> Tensor:
        examples = mask.any(dim=-1)
        last = (mask.sum(dim=-1) - 1).clamp(min=0)[..., None, None].expand(-1, -1, 1, shared.shape[-1])
        s, h = shared.gather(2, last).squeeze(2), private.gather(2, last).squeeze(2)
        guess = self.discriminator(_ReverseGradient.apply(s))  # type: ignore[no-untyped-call]
        truth = torch.tensor(receivers, device=s.device)[:, None].expand(examples.shape)
        count = examples.sum()  # a process of several may have none
        adversarial = functional.cross_entropy(guess[examples], truth[examples], reduction="sum") / count.clamp(min=1)
        s, h = (functional.normalize(x, dim=-1) * examples.unsqueeze(-1) for x in (s, h))
        # No mean over examples: where processes divide a batch, S^T H is summed over all its rows.
        products, joint_count = joint_sum(s.transpose(1, 2) @ h), joint_sum(count.to(s.dtype))
        orthogonal = products.square().sum() / joint_count.clamp(min=1)
        return self.adversarial * adversarial + self.orthogonal * orthogonal


class _ReverseGradient(torch.autograd.Function):
    """Identity forward, minus the gradient backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return -grad

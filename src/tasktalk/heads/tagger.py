"""The output layers of tagging tasks: scores of every tag at every word, their loss, and the tags that they mean."""

import copy
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.heads import crf_kernel
from tasktalk.heads.crf import CRF, Legality

Output = Literal["crf", "softmax"]


class Tagger(nn.Module):
    """One linear layer per task, and a CRF or a softmax over what it gives.

    Tasks with as many tags start from the same weights; see ``Classifier``.

    Args:
        features: size of a word's state.
        classes: names of the tags of each task.
        output: ``crf`` or ``softmax``.
        constraints: whether illegal BIOES tags are never given; with a CRF they are impossible in training too.
    """

    def __init__(
        self, features: int, classes: Sequence[Sequence[str]], output: Output = "crf", constraints: bool = True
    ) -> None:
        super().__init__()
        self.output = output
        self.constraints = constraints
        outputs = [len(names) for names in classes]
        first = {n: nn.Linear(features, n) for n in sorted(set(outputs))}
        self.layers = nn.ModuleList(copy.deepcopy(first[n]) for n in outputs)
        for layer in self.layers:
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.crfs = nn.ModuleList(CRF(names, constraints) for names in classes if output == "crf")
        self.legality = nn.ModuleList(Legality(names) for names in classes if output == "softmax" and constraints)

    def forward(
        self, states: Float[Tensor, "receivers batch words features"], receivers: tuple[int, ...]
    ) -> tuple[Float[Tensor, "batch words _"], ...]:
        """Emissions of every receiver: a score for each of its tags at every word."""
        return tuple(self.layers[k](x) for k, x in zip(receivers, states, strict=True))

    def loss(
        self, emissions: Float[Tensor, "batch words tags"], tags: Int[Tensor, "batch words"], k: int
    ) -> Float[Tensor, ""]:
        """Negative log-likelihood of task k's tags, divided by the number of words that have them.

        Per word, a CRF and a softmax are of one scale, and a long sentence counts as much as its words in short ones.
        Without any tag it is zero, and still attached to the graph.

        Args:
            emissions: as from ``forward``.
            tags: class indices of the words of a sentence, or -1 at all of them; -1 at padding.
            k: the task.
        """
        known = tags >= 0
        return self.nll(emissions, known, tags, k).sum() / known.sum().clamp(min=1)

    def nll(
        self,
        emissions: Float[Tensor, "batch words tags"],
        mask: Bool[Tensor, "batch words"],
        tags: Int[Tensor, "batch words"],
        k: int,
    ) -> Float[Tensor, " batch"]:
        """Negative log-likelihood of the tags of each sentence, in nats; 0 for a sentence without words.

        Args:
            emissions: as from ``forward``.
            mask: True for the words, all of which have tags.
            tags: class indices; what stands at padding is ignored.
            k: the task.
        """
        target = tags.clamp(min=0).long()
        if self.output == "softmax":
            losses = functional.cross_entropy(emissions.float().transpose(1, 2), target, reduction="none")
            return torch.where(mask, losses, 0).sum(dim=1)
        return self.crfs[k].nll(emissions, mask, target)  # type: ignore[operator]

    @torch.no_grad()
    def decode(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"], k: int
    ) -> Int[Tensor, "batch words"]:
        """The tags that task k gives, -1 at padding.

        With a CRF the best path. With a softmax the best tag of each word, or with constraints the legal path with the
        highest product of probabilities.
        """
        if self.output == "crf":
            return self.crfs[k].decode(emissions, mask)  # type: ignore[operator]
        if self.constraints:
            return crf_kernel.viterbi(emissions, mask, *self.legality[k].scores())[0]  # type: ignore[operator]
        return emissions.argmax(dim=2).masked_fill(~mask, -1)

    @torch.no_grad()
    def marginals(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"], k: int
    ) -> Float[Tensor, "batch words tags"]:
        """Probability of every tag of task k at every word, 0 at padding; a softmax knows no constraints here."""
        if self.output == "crf":
            return self.crfs[k].marginals(emissions, mask)  # type: ignore[operator]
        return torch.where(mask[:, :, None], emissions.float().softmax(dim=2), 0)

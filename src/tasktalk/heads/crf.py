"""A CRF for the tags of one task: scores of starts, transitions and ends, and which of them are legal."""

import re
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from tasktalk.heads import crf_kernel

_SPAN_CLASS = re.compile(r"[BIES]-.+")


def constraints(
    classes: Sequence[str],
) -> tuple[Bool[Tensor, " tags"], Bool[Tensor, "tags tags"], Bool[Tensor, " tags"]]:
    """Which tags may start a sentence, follow each other (row, then column) and end a sentence.

    Where all classes are ``O`` or ``B-x``, ``I-x``, ``E-x``, ``S-x`` (BIOES), a span that began goes on with its own
    type until it ends, and nothing else goes on. Of any other list of classes everything is legal.
    """
    spans = "O" in classes and all(name == "O" or _SPAN_CLASS.fullmatch(name) for name in classes)
    if not spans:
        every = torch.ones(len(classes), dtype=torch.bool)
        return every, every.repeat(len(classes), 1), every
    # What a tag needs open before it, and what it leaves open: the type of a span, or nothing.
    needs = [name[2:] if name[0] in "IE" else "" for name in classes]
    leaves = [name[2:] if name[0] in "BI" else "" for name in classes]
    start = torch.tensor([need == "" for need in needs])
    end = torch.tensor([left == "" for left in leaves])
    return start, torch.tensor([[left == need for need in needs] for left in leaves]), end


class Legality(nn.Module):
    """Scores of 0 for what is legal and of -inf for what is not, on the device of the module that holds them.

    They follow from the classes and are saved with no weights.

    Args:
        classes: names of the tags; see ``constraints``.
    """

    start: Tensor
    transitions: Tensor
    end: Tensor

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        for name, legal in zip(("start", "transitions", "end"), constraints(classes), strict=True):
            self.register_buffer(name, torch.zeros(legal.shape).masked_fill(~legal, -torch.inf), persistent=False)

    def scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of transitions, starts and ends, in the order in which ``crf_kernel`` takes them."""
        return self.transitions, self.start, self.end


class CRF(nn.Module):
    """A linear-chain CRF over the tags of one task.

    All scores start at 0, so that it starts as a softmax per word, and tasks start alike. With constraints, illegal
    paths have no probability, in training and afterwards. A gold path that is illegal itself, for example because the
    sentence was cut within a span, is compared with all paths instead of the legal ones: its loss stays finite.

    Args:
        classes: names of the tags.
        constrained: whether what ``constraints`` forbids is impossible.
    """

    def __init__(self, classes: Sequence[str], constrained: bool = True) -> None:
        super().__init__()
        tags = len(classes)
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.start = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))
        self.legality = Legality(classes) if constrained else None

    def nll(
        self,
        emissions: Float[Tensor, "batch words tags"],
        mask: Bool[Tensor, "batch words"],
        tags: Int[Tensor, "batch words"],
    ) -> Float[Tensor, " batch"]:
        """Negative log-likelihood of every sentence's tags; 0 for a sentence without words.

        Args:
            emissions: score of every tag at every word, of any precision.
            mask: True for words; padding is at the end.
            tags: gold tags; what stands at padding is ignored.
        """
        losses = self._nll(emissions, mask, tags, *self._scores())
        legal = losses.isfinite()
        if self.legality is not None and not legal.all():
            losses = torch.where(legal, losses, self._nll(emissions, mask, tags, *self._free()))
        return losses.to(self.transitions.dtype)

    def decode(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]
    ) -> Int[Tensor, "batch words"]:
        """The best tags of every sentence (Viterbi), -1 at padding."""
        return crf_kernel.viterbi(emissions, mask, *self._scores())[0]

    def n_best(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"], n: int
    ) -> list[list[tuple[list[int], float]]]:
        """The n best taggings of every sentence with their scores, best first; fewer where there are fewer."""
        paths, scores = crf_kernel.n_best(emissions, mask, *self._scores(), n)
        lengths = mask.sum(dim=1).tolist()
        return [
            [(path[:length], score) for path, score in zip(*own, strict=True) if score > -torch.inf]
            for length, *own in zip(lengths, paths.tolist(), scores.tolist(), strict=True)
        ]

    def marginals(
        self, emissions: Float[Tensor, "batch words tags"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words tags"]:
        """Probability of every tag at every word, without gradient; 0 at padding."""
        return crf_kernel.marginals(emissions, mask, *self._scores()).to(self.transitions.dtype)

    def _nll(self, emissions: Tensor, mask: Tensor, tags: Tensor, *scores: Tensor) -> Tensor:
        gold = crf_kernel.path_score(emissions, mask, tags, *scores)
        return crf_kernel.log_partition(emissions, mask, *scores) - gold

    def _free(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.transitions, self.start, self.end

    def _scores(self) -> tuple[Tensor, Tensor, Tensor]:
        if self.legality is None:
            return self._free()
        transitions, start, end = (a + b for a, b in zip(self._free(), self.legality.scores(), strict=True))
        return transitions, start, end

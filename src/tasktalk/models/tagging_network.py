"""The network of every tagger: words and letters, communication, a tag for each word."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from tasktalk.communication.block import Block
from tasktalk.core.batch import Output, Spelling, TextBatch
from tasktalk.encoders.embedding import Embedding
from tasktalk.encoders.spelling import SpellingEncoder
from tasktalk.heads.tagger import Tagger


class TaggingNetwork(nn.Module):
    """Embedding and spelling, communication, tagger: the task-specific layer sees the state of every word.

    Args:
        embedding: words to vectors, or None.
        spelling: letters and capitals to vectors: none, one for all tasks, or one for each.
        block: how the tasks share.
        tagger: output layer of every task, and the scores of its tags.
        dropout: share of the features of words and states that are dropped while training.
        word_dropout: share of the words that look unknown while training, so that unknown words mean something.
        unknown: index of unknown words.
    """

    def __init__(
        self,
        embedding: Embedding | None,
        spelling: Sequence[SpellingEncoder],
        block: Block,
        tagger: Tagger,
        dropout: float = 0.5,
        word_dropout: float = 0.0,
        unknown: int = 1,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.spelling = nn.ModuleList(spelling)
        self.block = block
        self.tagger = tagger
        self.dropout = nn.Dropout(dropout)
        self.word_dropout = word_dropout
        self.unknown = unknown

    def forward(self, batch: TextBatch) -> Output:
        """Scores of every tag of every word for every receiver, who listened to whom, and the losses if there are tags.

        The scores are those before the CRF; the methods of ``tagger`` make tags and probabilities of them.
        """
        words = self.dropout(torch.cat(self._parts(batch), dim=-1))
        states, record, penalty = self.block(words, batch.mask.expand(words.shape[0], -1, -1), batch.receivers)
        scores = self.tagger(self.dropout(states), batch.receivers)
        losses = None
        if batch.tags is not None:
            parts = zip(scores, batch.tags, batch.receivers, strict=True)
            losses = torch.stack([self.tagger.loss(x, tags, k) for x, tags, k in parts])
        return Output(scores, record, penalty, losses)

    def _parts(self, batch: TextBatch) -> list[Tensor]:
        """Vectors of the words and of their spellings, each (groups, batch, words, features) for the same groups."""
        parts = []
        if self.embedding is not None:
            parts.append(self.embedding(self._some_unknown(batch.tokens, batch.mask), batch.receivers))
        if batch.spelling is not None and len(self.spelling):
            parts.append(self._spelled(batch.spelling, batch.receivers))
        groups = max(map(len, parts))
        return [part.expand(groups, -1, -1, -1) for part in parts]

    def _some_unknown(
        self, tokens: Int[Tensor, "groups batch words"], mask: Bool[Tensor, "groups batch words"]
    ) -> Int[Tensor, "groups batch words"]:
        if not self.training or not self.word_dropout:
            return tokens
        hidden = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
        return tokens.masked_fill(hidden & mask, self.unknown)

    def _spelled(
        self, spelling: Spelling, receivers: tuple[int, ...]
    ) -> Float[Tensor, "groups_or_receivers batch words features"]:
        if len(self.spelling) == 1:
            shared: Tensor = self.spelling[0](spelling)
            return shared
        own = [self.spelling[k](spelling) for k in receivers]
        return torch.stack([x[place % len(x)] for place, x in enumerate(own)])

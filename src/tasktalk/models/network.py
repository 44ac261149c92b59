"""The network of every text model: composition reads like the picture in the README."""

import torch
from torch import Tensor, nn

from tasktalk.communication.block import Block
from tasktalk.core.batch import Output, TextBatch
from tasktalk.encoders.embedding import Embedding
from tasktalk.heads.classifier import Classifier
from tasktalk.heads.wide import WideLogits


class TextNetwork(nn.Module):
    """Embedding, communication, pooling, head; and beside them, if wanted, a linear model of sparse features.

    Args:
        embedding: words to vectors.
        block: how the tasks share.
        pooling: states to one vector per example.
        head: output layer of every task.
        dropout: share of the embedded words' and the pooled states' features that are dropped while training.
        wide: linear model whose logits are added (wide and deep, Cheng et al. 2016), or None.
    """

    def __init__(
        self,
        embedding: Embedding,
        block: Block,
        pooling: nn.Module,
        head: Classifier,
        dropout: float = 0.5,
        wide: WideLogits | None = None,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.block = block
        self.pooling = pooling
        self.head = head
        self.dropout = nn.Dropout(dropout)
        self.wide = wide

    def forward(self, batch: TextBatch) -> Output:
        """Logits of every receiver, who listened to whom, and the block's penalty."""
        words = self.dropout(self.embedding(batch.tokens, batch.receivers))
        mask = batch.mask.expand(words.shape[0], -1, -1)  # tables of their own give every receiver a group
        states, record, penalty = self.block(words, mask, batch.receivers)
        mask = batch.mask.expand(len(batch.receivers), -1, -1)
        pooled: Tensor = self.dropout(self.pooling(states, mask, batch.receivers))
        logits = self.head(pooled, batch.receivers)
        # A linear model fitted before answers its own training texts almost perfectly: added while training, it would
        # leave the network nothing to learn.
        if self.wide is not None and batch.wide is not None and (self.wide.trainable or not self.training):
            groups, examples, _ = batch.tokens.shape
            logits = self.wide.add_to(logits, batch.wide, (groups, examples), batch.receivers)
        return Output(logits, record, penalty)


@torch.no_grad()
def initialise_uniform(network: nn.Module, limit: float = 0.1) -> None:
    """Draw all but word tables and the wide part from uniform(-limit, limit), as the message-passing paper does."""
    for name, parameter in network.named_parameters():
        if not name.startswith(("embedding.", "wide.")):
            parameter.uniform_(-limit, limit)

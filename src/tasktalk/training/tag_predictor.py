"""The tags that a network gives to the words of sentences."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasktalk.core.batch import Record, TextBatch
from tasktalk.core.task import Task
from tasktalk.data.batches import Batchable, Plan, plan_evaluation
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.training.asking import ask, record_of


class Tagged(NamedTuple):
    """What a network says of one sentence.

    Attributes:
        tags: the best path, as indices of classes.
        probabilities: of each of these tags by itself (its marginal); None where they were not asked for.
        loss: negative log-likelihood of the right path, in nats; not a number where it is not known.
    """

    tags: Int[np.ndarray, " words"]
    probabilities: Float[np.ndarray, " words"] | None
    loss: float


@dataclass(frozen=True)
class TagPredictor:
    """A tagging network, asked in large batches of sentences of about the same length.

    Args:
        network: the network.
        tasks: its tasks.
        device: where it is.
        batch_size: sentences per batch.
        marginals: whether to tell the probabilities of tags; scores need none.
    """

    network: TaggingNetwork
    tasks: Sequence[Task]
    device: torch.device
    batch_size: int
    marginals: bool = False

    def answers(self, examples: Batchable, tasks: Sequence[int]) -> list[list[Tagged]]:
        """For each of these tasks the tags of the sentences that it reads, in the order of ``rows_of``."""
        return ask(self.network, examples, tasks, lambda receivers: self._read(examples, receivers))

    def _read(self, examples: Batchable, receivers: tuple[int, ...]) -> list[list[Tagged]]:
        found: list[dict[int, Tagged]] = [{} for _ in receivers]
        for plan in plan_evaluation(examples, receivers, self.batch_size):
            batch = examples.collate(plan).to(self.device)
            if not isinstance(batch, TextBatch):
                raise TypeError(f"expected sentences, found {type(batch).__name__}")
            for its, tagged in zip(found, self._tag(batch), strict=True):
                its.update(zip(plan.rows[0].tolist(), tagged, strict=True))
        return [[its[row] for row in sorted(its)] for its in found]

    def _tag(self, batch: TextBatch) -> list[list[Tagged]]:
        scores = self.network(replace(batch, tags=None)).logits  # their losses are taken below, sentence by sentence
        tagger, mask = self.network.tagger, batch.mask[0]
        lengths = mask.sum(dim=1).tolist()
        answers = []
        for i, (k, x) in enumerate(zip(batch.receivers, scores, strict=True)):
            path = tagger.decode(x, mask, k)
            losses = self._losses(x, None if batch.tags is None else batch.tags[i], mask, k)
            parts = zip(path.cpu().numpy(), self._chosen(x, path, mask, k), losses.tolist(), lengths, strict=True)
            answers.append([Tagged(tags[:n], None if p is None else p[:n], loss) for tags, p, loss, n in parts])
        return answers

    def _chosen(
        self,
        scores: Float[Tensor, "batch words tags"],
        path: Int[Tensor, "batch words"],
        mask: Bool[Tensor, "batch words"],
        task: int,
    ) -> Sequence[Float[np.ndarray, " words"] | None]:
        """Probabilities of the tags of every sentence, if they are asked for."""
        if not self.marginals:
            return [None] * len(path)
        found = self.network.tagger.marginals(scores, mask, task).gather(2, path.clamp(min=0).unsqueeze(2))
        return list(found.squeeze(2).double().cpu().numpy())

    def _losses(
        self,
        scores: Float[Tensor, "batch words tags"],
        tags: Int[Tensor, "batch words"] | None,
        mask: Bool[Tensor, "batch words"],
        task: int,
    ) -> Float[Tensor, " batch"]:
        """Of every sentence; not a number where its tags are not known."""
        if tags is None:
            return scores.new_full(scores.shape[:1], torch.nan)
        return self.network.tagger.nll(scores, mask, tags, task).masked_fill(tags[:, 0] < 0, torch.nan)

    def record(self, examples: Batchable, plan: Plan) -> Record:
        """Who listened to whom in one batch."""
        return record_of(self.network, examples, plan, self.device)

"""Scores of a tagging task: of its spans where it has any, else of its tokens."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from tasktalk.core.task import Task
from tasktalk.data.schemes import convert
from tasktalk.training.metrics import TaskScores
from tasktalk.training.spans import span_scores, token_scores
from tasktalk.training.tag_predictor import Tagged


def tag_scores(task: Task, answers: Sequence[Tagged], gold: Sequence[Int[np.ndarray, " _"] | None]) -> TaskScores:
    """Scores over the sentences whose tags are known.

    Args:
        task: the task.
        answers: what a network says of each sentence.
        gold: the right tags of each; None where they are not known.

    Returns:
        ``span_scores`` or ``token_scores`` of the tags in the scheme of the task's files, ``error`` of the tags
        (percent), and ``loss``: negative log-likelihood of the right paths for each word, in nats.
    """
    known = [(answer, right) for answer, right in zip(answers, gold, strict=True) if right is not None]
    right = [_names(task, tags) for _, tags in known]
    found = [_names(task, answer.tags[: len(tags)]) for answer, tags in known]
    words = sum(map(len, right))
    loss = sum(answer.loss for answer, _ in known) / words if words else None
    scores = token_scores(right, found)
    return {**scores, **(span_scores(right, found) if task.scheme else {}), "loss": loss}


def _names(task: Task, tags: Int[np.ndarray, " words"]) -> list[str]:
    """As in the files, so that the accuracy of tags is conlleval's."""
    names = [task.classes[tag] for tag in tags]
    return convert(names, task.scheme) if task.scheme else names

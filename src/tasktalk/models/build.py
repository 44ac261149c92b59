"""From settings to a network."""

from collections.abc import Sequence

import torch

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.encoders.embedding import Embedding, PartlySharedEmbedding, PrivateEmbedding, WordEmbedding
from tasktalk.heads.classifier import Classifier
from tasktalk.heads.pooling import pooling
from tasktalk.heads.wide import WideLogits
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork, initialise_uniform
from tasktalk.models.options import MTCNNOptions, NetworkOptions


def build_network(
    options: NetworkOptions,
    tasks: Sequence[Task],
    vocabulary: int,
    wide_features: int = 0,
    sparse: bool = True,
) -> TextNetwork:
    """Compose embedding, block, pooling and head as the settings say.

    Args:
        options: settings of the model.
        tasks: the tasks.
        vocabulary: number of word indices, padding and unknown included.
        wide_features: number of sparse features of the wide part.
        sparse: whether word tables, those of the wide part included, may give sparse gradients.

    Raises:
        ConfigError: settings that make no sense together, for example DC-MTL with one task, or a task that is not a
            classification.
    """
    for task in tasks:
        if task.kind not in ("binary", "multiclass"):
            raise ConfigError(f"models for text do classification only; task {task.name!r} is of kind {task.kind!r}")
    embedding = _embedding(options, vocabulary, len(tasks), sparse)
    block = options.block(embedding.features, len(tasks))
    backward_features = block.features // 2 if options.bidirectional else 0
    outputs = [task.outputs for task in tasks]
    network = TextNetwork(
        embedding,
        block,
        pooling(options.pooling, block.features, len(tasks), backward_features),
        Classifier(block.features, outputs),
        options.dropout,
        None if options.wide == "off" else _wide(options.wide == "joint", tasks, wide_features, sparse),
    )
    if options.initialisation == "uniform":
        initialise_uniform(network)
    return network


def _embedding(options: NetworkOptions, vocabulary: int, tasks: int, sparse: bool) -> Embedding:
    features = options.embedding_features
    if options.embeddings == "private":
        return PrivateEmbedding(vocabulary, features, tasks, sparse)
    shared = WordEmbedding(vocabulary, features, options.embeddings == "shared", sparse)
    if isinstance(options, MTCNNOptions):
        own = PrivateEmbedding(vocabulary, options.private_features, tasks, sparse)
        return PartlySharedEmbedding(shared, own)
    return shared


@torch.no_grad()
def set_wide(wide: WideLogits, linear: LinearModel) -> None:
    """Give the wide part the weights of an easy-adapt model that was fitted before."""
    for table in linear.tables:
        wide.shared[wide.groups[table.tasks[0]]].copy_(torch.from_numpy(table.shared))
        for row, task in enumerate(table.tasks):
            if table.own is not None:
                wide.own[task].copy_(torch.from_numpy(table.own[row]))
            wide.bias[task].copy_(torch.from_numpy(table.intercepts[row]))


def _wide(trainable: bool, tasks: Sequence[Task], features: int, sparse: bool) -> WideLogits:
    classes = sorted({task.classes for task in tasks})
    groups = [classes.index(task.classes) for task in tasks]
    return WideLogits(features, [task.outputs for task in tasks], groups, trainable, sparse)

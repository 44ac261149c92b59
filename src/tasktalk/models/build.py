"""From settings to a network."""

import copy
from collections.abc import Sequence

import torch

from tasktalk.core.errors import ConfigError
from tasktalk.core.inputs import GraphInputs, Inputs, SentenceInputs, TextInputs
from tasktalk.core.task import Task
from tasktalk.encoders.embedding import Embedding, PartlySharedEmbedding, PrivateEmbedding, WordEmbedding
from tasktalk.encoders.graph import GraphEncoders
from tasktalk.encoders.spelling import SpellingEncoder
from tasktalk.encoders.summary import SummaryEncoders
from tasktalk.heads.classifier import Classifier
from tasktalk.heads.pooling import pooling
from tasktalk.heads.readout import readout
from tasktalk.heads.tagger import Tagger
from tasktalk.heads.wide import WideLogits
from tasktalk.models.graph_network import GraphNetwork
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork, initialise_uniform
from tasktalk.models.options import MTCNNOptions, NetworkOptions
from tasktalk.models.settings import Wide
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.models.transfer_options import MittenOptions, TransferNetworkOptions, TransferOptions

Network = TextNetwork | TaggingNetwork | GraphNetwork


def build_network(options: NetworkOptions, tasks: Sequence[Task], inputs: Inputs, sparse: bool = True) -> Network:
    """Compose a network as the settings say.

    Args:
        options: settings of the model.
        tasks: the tasks.
        inputs: what it is to read.
        sparse: whether word tables, those of the wide part included, may give sparse gradients.

    Raises:
        ConfigError: settings that make no sense together or for these inputs, for example DC-MTL with one task, or for
            molecules; a tagging of anything but sentences, or another task of sentences.
    """
    if isinstance(inputs, GraphInputs):
        _of_graphs(options, inputs)
    _refuse_idle_settings(options, inputs)
    for task in tasks:
        if (task.kind == "tagging") != isinstance(inputs, SentenceInputs):
            raise ConfigError(f"task {task.name!r} is a {task.kind} task, and these are {_noun(inputs)}")
    network: Network
    if isinstance(inputs, SentenceInputs):
        network = _tagging_network(options, tasks, inputs, sparse)
    elif isinstance(inputs, TextInputs):
        network = _text_network(options, tasks, inputs, sparse)
    else:
        network = _graph_network(_of_graphs(options, inputs), tasks, inputs)
    if options.initialisation == "uniform":
        initialise_uniform(network)
    return network


def _text_network(options: NetworkOptions, tasks: Sequence[Task], inputs: TextInputs, sparse: bool) -> TextNetwork:
    embedding = _embedding(options, inputs.vocabulary, len(tasks), sparse)
    block = options.block(embedding.features, len(tasks))
    backward_features = block.features // 2 if options.bidirectional else 0
    outputs = [task.outputs for task in tasks]
    return TextNetwork(
        embedding,
        block,
        pooling(options.pooling, block.features, len(tasks), backward_features),
        Classifier(block.features, outputs),
        options.dropout,
        _wide(options.wide, tasks, inputs.wide_features, sparse),
    )


def _tagging_network(
    options: NetworkOptions, tasks: Sequence[Task], inputs: SentenceInputs, sparse: bool
) -> TaggingNetwork:
    if isinstance(options, MittenOptions) and (options.prior, options.dependency_data) != ("none", "train"):
        raise ConfigError("model.prior and model.dependency_data are not for sentences: leave them out")
    embedding = _embedding(options, inputs.vocabulary, len(tasks), sparse) if options.words else None
    spelling = _spelling(options, inputs.letters, len(tasks))
    if embedding is None and not spelling:
        raise ConfigError("model.words, model.characters and model.capitals are all off: a tagger has nothing to read")
    features = (embedding.features if embedding else 0) + (spelling[0].features if spelling else 0)
    block = options.block(features, len(tasks))
    return TaggingNetwork(
        embedding,
        spelling,
        block,
        Tagger(block.features, [task.classes for task in tasks], options.output, options.constraints),
        options.dropout,
        options.word_dropout,
    )


def _spelling(options: NetworkOptions, letters: int, tasks: int) -> list[SpellingEncoder]:
    """None, one for all tasks, or one for each; those start alike, as all that tasks have of their own."""
    if options.characters == "none" and not options.capitals:
        return []
    first = SpellingEncoder(letters, options.characters, options.capitals)
    return [first, *(copy.deepcopy(first) for _ in range(tasks - 1 if options.private_spelling else 0))]


def _of_graphs(options: NetworkOptions, inputs: GraphInputs) -> TransferNetworkOptions:
    if isinstance(options, TransferOptions):
        return options
    raise ConfigError(
        f"model {options.name!r} reads texts, not {inputs.examples}: choose from "
        "cross-stitch, mitten, mmoe, shared, single, or linear and forest"
    )


def _graph_network(options: TransferNetworkOptions, tasks: Sequence[Task], inputs: GraphInputs) -> GraphNetwork:
    count = len(tasks)
    alike = False  # drawn apart, encoders are an ensemble to the tasks that listen to them (decision 15)
    hidden, dropout = options.hidden, options.dropout
    number = options.transfer(1, count).encoders
    encoders = GraphEncoders(
        inputs.features, hidden, options.layers, number, inputs.kinds, inputs.learned, alike, dropout
    )
    of_atoms = readout(options.readout, hidden, count) if inputs.examples == "molecules" else None
    width = hidden if of_atoms is None else of_atoms.features
    summaries = None
    if inputs.summary:
        summaries = SummaryEncoders(inputs.summary, hidden, number, alike, dropout)
        width += hidden
    head = Classifier(width, [task.outputs for task in tasks])
    transfer = options.transfer(encoders.input_features, count)
    return GraphNetwork(encoders, transfer, of_atoms, head, dropout, summaries)


_OF_WORDS = ("bidirectional", "embedding_features", "embeddings", "initialisation")
_SETTINGS = {
    "texts": (*_OF_WORDS, "pooling", "wide"),
    "sentences": (*_OF_WORDS, "output", "constraints", "words", "characters", "capitals", "word_dropout"),
    "molecules": ("layers", "readout", "bonds", "molecules"),
    "nodes": ("layers", "nodes"),
}
"""Settings that mean something for some inputs only."""
_NOUNS = {TextInputs: "texts", SentenceInputs: "sentences"}


def _refuse_idle_settings(options: NetworkOptions, inputs: Inputs) -> None:
    """A setting that would do nothing is a mistake that nobody sees."""
    found = _noun(inputs)
    defaults = type(options)()
    for key in sorted({key for keys in _SETTINGS.values() for key in keys} - set(_SETTINGS[found])):
        if getattr(options, key, None) != getattr(defaults, key, None):
            kinds = " and ".join(kind for kind, keys in _SETTINGS.items() if key in keys)
            raise ConfigError(f"model.{key} is for {kinds}, and these are {found}: leave it out")


def _noun(inputs: Inputs) -> str:
    return inputs.examples if isinstance(inputs, GraphInputs) else _NOUNS[type(inputs)]


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


def _wide(wide: Wide, tasks: Sequence[Task], features: int, sparse: bool) -> WideLogits | None:
    if wide == "off":
        return None
    regression = next((task for task in tasks if task.kind == "regression"), None)
    if wide == "fitted" and regression is not None:  # its logits are weighed by their likelihood, and values have none
        raise ConfigError(
            f"model.wide fitted is for classifications, and task {regression.name!r} is a regression: choose joint"
        )
    classes = sorted({task.classes for task in tasks})
    groups = [classes.index(task.classes) for task in tasks]
    return WideLogits(features, [task.outputs for task in tasks], groups, wide == "joint", sparse)

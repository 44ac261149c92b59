"""The settings of every model, and the block each of them makes. A new model is a class here, named in ``Options``.

Settings stop here: modules take plain arguments.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tasktalk.communication.block import Block
from tasktalk.communication.compose import Layers, bidirectional
from tasktalk.communication.convolution import TaskConvolution
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.fully_shared import FullyShared
from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.communication.private import PrivateLSTM
from tasktalk.communication.shared_private import SharedPrivate
from tasktalk.heads.pooling import Pooling
from tasktalk.models.own_block import make_block
from tasktalk.models.settings import Embeddings, Settings, Size, TextOptions
from tasktalk.models.transfer_options import TransferNetworkOptions

LinearMode = Literal["easy-adapt", "pooled", "per-task"]
SimpleView = Literal["ecfp", "descriptors", "both"]


class LSTMOptions(TextOptions):
    """An LSTM and a word table per task, nothing shared: single-task training of all tasks in one run."""

    private_spelling: ClassVar[bool] = True
    name: Literal["lstm"] = "lstm"
    embeddings: Embeddings = "private"

    def block(self, word_features: int, tasks: int) -> Block:
        """The block of this model."""
        return bidirectional(lambda: PrivateLSTM(word_features, self.hidden, tasks), self.bidirectional)


class BiLSTMOptions(LSTMOptions):
    """An LSTM in both directions and a word table per task, nothing shared."""

    name: Literal["bilstm"] = "bilstm"  # type: ignore[assignment]
    bidirectional: bool = True


class StackedOptions(TextOptions):
    """Two LSTMs on top of each other and a word table per task, nothing shared.

    Attributes:
        layers: how many.
    """

    private_spelling: ClassVar[bool] = True
    name: Literal["stacked"] = "stacked"
    embeddings: Embeddings = "private"
    layers: Annotated[int, Field(ge=2)] = 2

    def block(self, word_features: int, tasks: int) -> Block:
        """The block of this model."""

        def layer(features: int) -> Block:
            return bidirectional(lambda: PrivateLSTM(features, self.hidden, tasks), self.bidirectional)

        first = layer(word_features)
        return Layers([first, *(layer(first.features) for _ in range(self.layers - 1))])


class MTCNNOptions(TextOptions):
    """MT-CNN: a convolution per task over partly shared look-up tables (Collobert and Weston 2008).

    Attributes:
        pooling: ``max``, as in that paper.
        window: words per filter.
        private_features: size of the part of a word vector that is a task's own.
    """

    name: Literal["mt-cnn"] = "mt-cnn"
    pooling: Pooling = "max"
    embeddings: Literal["shared", "frozen"] = "shared"
    window: Literal[1, 3, 5, 7, 9] = 5
    private_features: Size = 10
    bidirectional: Literal[False] = False

    def block(self, word_features: int, tasks: int) -> Block:
        """The block of this model."""
        return TaskConvolution(word_features, self.hidden, tasks, self.window)


class FullySharedOptions(TextOptions):
    """FS-MTL: one LSTM that all tasks share, an output layer for each."""

    name: Literal["fs"] = "fs"

    def block(self, word_features: int, tasks: int) -> Block:
        """The block of this model."""
        return bidirectional(lambda: FullyShared(word_features, self.hidden), self.bidirectional)


class SharedPrivateOptions(TextOptions):
    """SP-MTL: a shared and a private LSTM, kept apart by an adversary and an orthogonality penalty (Liu et al. 2017).

    Attributes:
        adversarial: weight of the loss of the discriminator of tasks.
        orthogonal: weight of the orthogonality penalty.
    """

    name: Literal["sp"] = "sp"
    adversarial: Annotated[float, Field(ge=0)] = 0.05
    orthogonal: Annotated[float, Field(ge=0)] = 0.01

    def block(self, word_features: int, tasks: int) -> Block:
        """The block of this model."""
        return bidirectional(
            lambda: SharedPrivate(word_features, self.hidden, tasks, self.adversarial, self.orthogonal),
            self.bidirectional,
        )


class DirectOptions(TextOptions):
    """DC-MTL: every task reads, word by word, what the other tasks' LSTMs make of its sentence.

    Attributes:
        train_senders: let a task's loss also reach the LSTMs it listens to.
    """

    name: Literal["dc"] = "dc"
    train_senders: bool = True

    def block(self, word_features: int, tasks: int) -> Block:
        """The block of this model."""
        return bidirectional(
            lambda: DirectCommunication(word_features, self.hidden, tasks, self.train_senders), self.bidirectional
        )


class IndirectOptions(TextOptions):
    """IC-MTL: the tasks read, word by word, from one shared LSTM, the mailbox.

    Attributes:
        causal: let a word read only the words up to itself.
    """

    name: Literal["ic"] = "ic"
    causal: bool = False

    def block(self, word_features: int, tasks: int) -> Block:
        """The block of this model."""
        return bidirectional(
            lambda: IndirectCommunication(word_features, self.hidden, tasks, self.causal), self.bidirectional
        )


class OwnOptions(TextOptions):
    """A block of your own, by its import path: ``--model my_module:MyBlock``.

    Attributes:
        path: ``module:Name`` of a class that takes ``word_features``, ``hidden`` and ``tasks``. Its code is run.
        options: its settings of its own, further arguments by name: ``--set model.options.heads=4``.
    """

    name: Literal["own"] = "own"
    path: str = ""
    options: dict[str, Any] = Field(default={})

    def block(self, word_features: int, tasks: int) -> Block:
        """The block of this model."""
        return bidirectional(
            lambda: make_block(self.path, word_features, self.hidden, tasks, self.options), self.bidirectional
        )


class LinearOptions(Settings):
    """Logistic or ridge regression on sparse features: what people would do without us.

    The features are TF-IDF of words and word pairs, fingerprints of molecules, or the spectral embedding of a graph.

    Attributes:
        molecules: features of molecules: an ECFP4 fingerprint (``ecfp``), RDKit's ``descriptors``, or ``both``.
        mode: ``per-task``, ``pooled`` (one model for all), ``easy-adapt`` (shared and per-task weights, Daume 2007), or
            ``auto``: ``easy-adapt`` where tasks have inputs of their own, else ``per-task``.
    """

    name: Literal["linear"] = "linear"
    molecules: SimpleView = "ecfp"
    mode: Literal[LinearMode, "auto"] = "auto"


class ForestOptions(Settings):
    """A random forest per task on the same features: what people would do for molecules without us.

    Attributes:
        molecules: features of molecules: an ECFP4 fingerprint (``ecfp``), RDKit's ``descriptors``, or ``both``.
        trees: how many trees per task.
    """

    name: Literal["forest"] = "forest"
    molecules: SimpleView = "ecfp"
    trees: Size = 500


TextOnlyOptions = (
    LSTMOptions
    | BiLSTMOptions
    | StackedOptions
    | MTCNNOptions
    | FullySharedOptions
    | SharedPrivateOptions
    | DirectOptions
    | IndirectOptions
    | OwnOptions
)
NetworkOptions = TextOnlyOptions | TransferNetworkOptions
SimpleOptions = LinearOptions | ForestOptions
Options = NetworkOptions | SimpleOptions


def title(options: Options) -> str:
    """What a model is called in tables and folders: its name, or module and name of a block of your own."""
    return options.path.replace(":", ".") if isinstance(options, OwnOptions) and options.path else options.name

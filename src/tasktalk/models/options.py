"""The settings of every model, and the block each of them makes. A new model is a class here, named in ``Options``.

Settings stop here: modules take plain arguments.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasktalk.communication.block import Block
from tasktalk.communication.compose import Layers, bidirectional
from tasktalk.communication.convolution import TaskConvolution
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.fully_shared import FullyShared
from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.communication.private import PrivateLSTM
from tasktalk.communication.shared_private import SharedPrivate
from tasktalk.heads.pooling import Pooling

Wide = Literal["off", "fitted", "joint"]
Embeddings = Literal["shared", "private", "frozen"]
LinearMode = Literal["easy-adapt", "pooled", "per-task"]
Share = Annotated[float, Field(ge=0, lt=1)]
Size = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """A group of settings; a key that does not exist is an error."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class TextOptions(Settings):
    """What every network for text has.

    Attributes:
        hidden: size of a state (of each direction).
        pooling: how the states of the words become one vector; ``last`` is the papers'.
        dropout: share of the features of words and pooled states that are dropped while training.
        bidirectional: read in both directions, with parameters of their own.
        embedding_features: size of a word vector; pretrained vectors set it to their own size.
        embeddings: word vectors that all tasks learn (``shared``), that each task learns for itself (``private``; as
            many tables as tasks), or that stay as they are (``frozen``).
        initialisation: ``default`` (Glorot and orthogonal, forget bias 1) or ``uniform`` (-0.1 to 0.1, the paper's).
        wide: add the logits of an easy-adapt model of words and word pairs: ``fitted`` first, kept, and weighed against
            the network by the likelihood of the development data, or trained
            ``joint``ly with the network.
    """

    hidden: Size = 100
    pooling: Pooling = "last"
    dropout: Share = 0.5
    bidirectional: bool = False
    embedding_features: Size = 100
    embeddings: Embeddings = "shared"
    initialisation: Literal["default", "uniform"] = "default"
    wide: Wide = "off"


class LSTMOptions(TextOptions):
    """An LSTM and a word table per task, nothing shared: single-task training of all tasks in one run."""

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


class LinearOptions(Settings):
    """Logistic regression on TF-IDF of words and word pairs: what people would do without us.

    Attributes:
        mode: ``per-task``, ``pooled`` (one model for all), or ``easy-adapt`` (shared and per-task weights, Daume 2007).
    """

    name: Literal["linear"] = "linear"
    mode: LinearMode = "easy-adapt"


NetworkOptions = (
    LSTMOptions
    | BiLSTMOptions
    | StackedOptions
    | MTCNNOptions
    | FullySharedOptions
    | SharedPrivateOptions
    | DirectOptions
    | IndirectOptions
)
Options = NetworkOptions | LinearOptions

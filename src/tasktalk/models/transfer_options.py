"""The settings of the dependency paper's models, and the transfer each of them makes."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tasktalk.communication.block import Block
from tasktalk.communication.compose import bidirectional
from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.communication.mitten import MutualAttention
from tasktalk.communication.over_words import TransferOverWords
from tasktalk.communication.separate import Separate, Shared
from tasktalk.communication.transfer import Transfer
from tasktalk.heads.pooling import Pooling
from tasktalk.heads.readout import ReadoutName
from tasktalk.models.settings import Embeddings, MoleculeView, Share, Size, TextOptions

Bonds = Literal["kinds", "one"]
NodeVectors = Literal["learned", "spectral", "both"]


class TransferOptions(TextOptions):
    """What the models of the dependency paper share: encoders, a transfer, readouts; for texts, molecules and nodes.

    Attributes:
        hidden: size of a state.
        pooling: texts: how the states of the words become one vector; ``dot`` is the paper's attention.
        dropout: share of the features that are dropped after every layer of an encoder and before the head.
        layers: graphs: how many graph convolutions.
        readout: molecules: how the states of the atoms become one vector; ``set2set`` is the paper's.
        bonds: molecules: weights for each kind of bond (``kinds``), or the same for all (``one``).
        molecules: what is seen of a molecule: its ``atoms`` only, beside them an ECFP4 fingerprint (``ecfp``) or
            RDKit's ``descriptors`` of the whole molecule, or ``both``.
        nodes: nodes: a ``learned`` vector for each, its ``spectral`` embedding, or ``both``, beside the features that
            the data has.
    """

    hidden: Size = 64
    pooling: Pooling = "dot"
    dropout: Share = 0.2
    layers: Size = 3
    readout: ReadoutName = "set2set"
    bonds: Bonds = "kinds"
    molecules: MoleculeView = "descriptors"
    nodes: NodeVectors = "learned"

    def transfer(self, input_features: int, tasks: int) -> Transfer:
        """The transfer of this model."""
        raise NotImplementedError

    def block(self, word_features: int, tasks: int) -> Block:
        """The same transfer, between LSTMs that read words."""
        return bidirectional(
            lambda: TransferOverWords(word_features, self.hidden, self.transfer(word_features, tasks)),
            self.bidirectional,
        )


class SingleOptions(TransferOptions):
    """Single-Task: an encoder and a readout per task, nothing shared."""

    private_spelling: ClassVar[bool] = True
    name: Literal["single"] = "single"
    embeddings: Embeddings = "private"

    def transfer(self, input_features: int, tasks: int) -> Transfer:
        """The transfer of this model."""
        return Separate(self.hidden, tasks)


class SharedOptions(TransferOptions):
    """Shared-Bottom: one encoder for all tasks, a readout for each (Caruana 1997)."""

    name: Literal["shared"] = "shared"

    def transfer(self, input_features: int, tasks: int) -> Transfer:
        """The transfer of this model."""
        return Shared(self.hidden)


class CrossStitchOptions(TransferOptions):
    """Cross-Stitch: an encoder per task, mixed by a matrix of tasks by tasks (Misra et al. 2016)."""

    name: Literal["cross-stitch"] = "cross-stitch"

    def transfer(self, input_features: int, tasks: int) -> Transfer:
        """The transfer of this model."""
        return CrossStitch(self.hidden, tasks)


class MMoEOptions(TransferOptions):
    """MMoE: experts that all tasks share, mixed by a gate per task that reads the input (Ma et al. 2018).

    Attributes:
        experts: how many encoders.
    """

    name: Literal["mmoe"] = "mmoe"
    experts: Annotated[int, Field(ge=2)] = 4

    def transfer(self, input_features: int, tasks: int) -> Transfer:
        """The transfer of this model."""
        return MixtureOfExperts(self.hidden, input_features, tasks, self.experts)


class MittenOptions(TransferOptions):
    """L2T-MITTEN: every task listens, position by position, to the encoders of the others.

    Attributes:
        eta: factor of the scores before the softmax over tasks (eta of Eq. 4). D~ of T tasks makes them about T times
            smaller under ``scale``, nothing does under ``log-prior``: take a small eta there, such as 0.03.
        include_self: whether a task may listen to itself.
        dependency: how the general dependency D enters: it scales the attention (``scale``, Eq. 4), or is the
            logarithm of a prior that is added to it (``log-prior``).
        dependency_rate: factor of the step size of D, whose gradient is small; D has no weight decay.
        dependency_data: what D learns from: the same labels as everything else (``train``), or a fifth of every task's
            training labels, from which nothing else learns (``held-out``).
        prior: where D starts: all tasks alike (``none``), or at the look-ahead ``affinity`` (Fifty et al. 2021),
            measured on the training labels before the training, see ``tasktalk affinity``.
        newcomers: how many of the last tasks came later (``tasktalk transfer`` counts them): none hears those after it.
    """

    name: Literal["mitten"] = "mitten"
    eta: Annotated[float, Field(gt=0)] = 1.0
    include_self: bool = True
    dependency: Literal["scale", "log-prior"] = "scale"
    dependency_rate: Annotated[float, Field(gt=0)] = 1.0
    dependency_data: Literal["train", "held-out"] = "train"
    prior: Literal["none", "affinity"] = "none"
    newcomers: Annotated[int, Field(ge=0)] = 0

    def transfer(self, input_features: int, tasks: int) -> Transfer:
        """The transfer of this model."""
        eta, newcomers = self.eta, self.newcomers
        return MutualAttention(self.hidden, tasks, eta, self.include_self, self.dependency, newcomers=newcomers)


TransferNetworkOptions = SingleOptions | SharedOptions | CrossStitchOptions | MMoEOptions | MittenOptions

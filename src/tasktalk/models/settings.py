"""Groups of settings: what all of them, and those of all networks for texts, have in common."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasktalk.encoders.spelling import Characters
from tasktalk.heads.pooling import Pooling
from tasktalk.heads.tagger import Output as TagOutput

Wide = Literal["off", "fitted", "joint"]
Embeddings = Literal["shared", "private", "frozen"]
MoleculeView = Literal["atoms", "ecfp", "descriptors", "both"]
Share = Annotated[float, Field(ge=0, lt=1)]
Size = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """A group of settings; a key that does not exist is an error."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class TextOptions(Settings):
    """What every network for texts and sentences has.

    Attributes:
        hidden: size of a state (of each direction).
        pooling: texts: how the states of the words become one vector; ``last`` is the papers'.
        dropout: share of the features of words and pooled states that are dropped while training.
        bidirectional: read in both directions, with parameters of their own.
        embedding_features: size of a word vector; pretrained vectors set it to their own size.
        embeddings: word vectors that all tasks learn (``shared``), that each task learns for itself (``private``; as
            many tables as tasks), or that stay as they are (``frozen``).
        initialisation: ``default`` (Glorot and orthogonal, forget bias 1) or ``uniform`` (-0.1 to 0.1, the paper's).
        wide: texts: add the logits of an easy-adapt model of words and word pairs: ``fitted`` first, kept, and weighed
            against the network by the likelihood of the development data, or trained ``joint``ly with the network.
        output: sentences: tags that know their neighbours (``crf``), or each word by itself (``softmax``).
        constraints: sentences: never answer tags of spans that cannot follow each other.
        words: sentences: look words up in a table; without it letters and capitals have to do.
        characters: sentences: read the letters of each word by an LSTM in both directions (``lstm``), by a convolution
            (``cnn``), or not (``none``).
        capitals: sentences: tell words by how they use capitals, digits and signs.
        word_dropout: sentences: share of the words that look unknown while training.
    """

    private_spelling: ClassVar[bool] = False
    """Whether each task reads letters for itself, as where nothing is shared."""

    hidden: Size = 100
    pooling: Pooling = "last"
    dropout: Share = 0.5
    bidirectional: bool = False
    embedding_features: Size = 100
    embeddings: Embeddings = "shared"
    initialisation: Literal["default", "uniform"] = "default"
    wide: Wide = "off"
    output: TagOutput = "crf"
    constraints: bool = True
    words: bool = True
    characters: Characters = "lstm"
    capitals: bool = True
    word_dropout: Share = 0.05

"""The encoder that suits the examples: texts, sentences, molecules or nodes."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from tasktalk.core.errors import ConfigError
from tasktalk.core.inputs import Inputs
from tasktalk.data.batches import Batchable
from tasktalk.data.dataset import Dataset, Examples, Molecules, Nodes, Sentences
from tasktalk.models.options import ForestOptions, LinearOptions
from tasktalk.models.settings import TextOptions
from tasktalk.models.transfer_options import TransferOptions
from tasktalk.training.config import Config
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.graph_encoders import MoleculeEncoder, NodeEncoder
from tasktalk.training.run_folder import ALPHABET, GRAPH, MOLECULES, VOCABULARY
from tasktalk.training.sentence_encoder import SentenceEncoder


@runtime_checkable  # signatures are checked while the tests run
class Encoder(Protocol):
    """Examples to what a model reads, fitted on the training examples."""

    def __call__(self, examples: Examples) -> Batchable:
        """Encode examples."""
        ...

    @property
    def inputs(self) -> Inputs:
        """What a network is built for."""
        ...

    def save(self, folder: Path) -> None:
        """Write it into a run folder."""
        ...


def fit_encoder(dataset: Dataset, config: Config) -> Encoder:
    """The encoder of a data set, for a model.

    Raises:
        ConfigError: a simple model for sentences, which it cannot tag.
    """
    model, train = config.model, dataset.splits["train"]
    simple = isinstance(model, LinearOptions | ForestOptions)
    match train.content:
        case Molecules():
            if isinstance(model, TransferOptions):
                return MoleculeEncoder.fit(train, model.bonds, model.molecules)
            seen = model.molecules if isinstance(model, LinearOptions | ForestOptions) else "atoms"
            return MoleculeEncoder.fit(train, "one", seen)
        case Nodes():
            vectors = model.nodes if isinstance(model, TransferOptions) else "spectral"
            return NodeEncoder.fit(train, vectors)
        case Sentences():
            if simple:
                raise ConfigError(f"model {model.name!r} gives a whole text a label, and cannot tag its words")
            return SentenceEncoder.fit(dataset, config.data)
        case _:
            wide = isinstance(model, TextOptions) and model.wide != "off"
            return TextEncoder.fit(dataset, config.data, with_features=simple or wide)


def load_encoder(folder: Path, config: Config) -> Encoder:
    """The encoder of a run folder.

    Raises:
        RunFolderError: a file is missing or damaged.
    """
    if (folder / MOLECULES).exists():
        return MoleculeEncoder.load(folder)
    if (folder / GRAPH).exists():
        return NodeEncoder.load(folder)
    if (folder / ALPHABET).exists():
        return SentenceEncoder.load(folder, config.data.case == "fold")
    return TextEncoder.load(folder, config.data.max_words)


def is_encoded(folder: Path) -> bool:
    """Whether a run folder has its encoder already, which is written last before the training begins."""
    return any((folder / name).exists() for name in (VOCABULARY, MOLECULES, GRAPH))

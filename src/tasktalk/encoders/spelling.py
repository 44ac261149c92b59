"""Words to vectors by how they are written: their characters, and their use of capitals."""

import math
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from tasktalk.core.batch import Spelling
from tasktalk.core.errors import ConfigError

Characters = Literal["none", "lstm", "cnn"]

_CAPITALS = 8  # indices of a word's use of capitals, padding included (data.spellings)


class SpellingEncoder(nn.Module):
    """A vector for each word from its spelling; each different spelling of a batch is computed once.

    The defaults are the sizes of Lample et al. 2016 (LSTM: vectors and states of 25), of Ma and Hovy 2016 (CNN: 30
    filters of width 3; their character vectors have 30) and of Collobert et al. 2011 (capitals: 5).

    Args:
        letters: number of indices of characters, padding and unknown included.
        characters: how they are read: ``lstm`` (``LetterLSTM``), ``cnn`` (``LetterCNN``), or ``none``.
        capitals: whether a word's use of capitals, digits and signs gets a vector, beside its characters.
        letter_features: size of a character's vector.
        hidden: size of the LSTM's state, for each direction.
        filters: filters of the CNN.
        width: how many characters in a row a filter sees.
        capital_features: size of the vector for capitals.

    Raises:
        ConfigError: neither characters nor capitals: there would be nothing to encode.
    """

    def __init__(
        self,
        letters: int,
        characters: Characters = "lstm",
        capitals: bool = True,
        letter_features: int = 25,
        hidden: int = 25,
        filters: int = 30,
        width: int = 3,
        capital_features: int = 5,
    ) -> None:
        super().__init__()
        if characters == "none" and not capitals:
            raise ConfigError("expected characters 'lstm' or 'cnn', or capitals, found neither: leave out the encoder")
        self.characters: LetterLSTM | LetterCNN | None = None
        if characters == "lstm":
            self.characters = LetterLSTM(letters, letter_features, hidden)
        elif characters == "cnn":
            self.characters = LetterCNN(letters, letter_features, filters, width)
        self.capitals = _table(_CAPITALS, capital_features) if capitals else None
        self.features = (self.characters.features if self.characters else 0) + (capital_features if capitals else 0)
        """Size of a word's vector."""

    def forward(self, spelling: Spelling) -> Float[Tensor, "groups batch words features"]:
        """Vectors of the words, characters before capitals; zero on padding."""
        parts = []
        if self.characters is not None:
            parts.append(self.characters(spelling.letters))
        if self.capitals is not None:
            parts.append(self.capitals(spelling.capitals))
        return functional.embedding(spelling.of_word, torch.cat(parts, dim=1))


class LetterLSTM(nn.Module):
    """An LSTM reads the characters in each direction; its last states are the word's (Lample et al. 2016).

    Args:
        letters: number of indices of characters.
        letter_features: size of a character's vector.
        hidden: size of a state, for each direction.
    """

    def __init__(self, letters: int, letter_features: int, hidden: int) -> None:
        super().__init__()
        self.features = 2 * hidden
        self.table = _letter_table(letters, letter_features)
        self.lstm = nn.LSTM(letter_features, hidden, batch_first=True, bidirectional=True)

    def forward(self, letters: Int[Tensor, "spellings letters"]) -> Float[Tensor, "spellings features"]:
        """The state after the last character, then that after the first; zero where there are none."""
        lengths = letters.count_nonzero(dim=1)
        # Packed, since in most batches the longest word is far longer than the others. A row needs one character.
        rows = pack_padded_sequence(
            self.table(letters), lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.lstm(rows)
        states: Tensor = last.transpose(0, 1).flatten(1)
        return _zero_unless(lengths > 0, states)


class LetterCNN(nn.Module):
    """Filters pass over the characters and each keeps its maximum over all positions (Ma and Hovy 2016).

    A word has width - 1 zeros on both sides, so that filters see where it begins and ends, also if it is shorter than a
    filter. tanh is applied to the maxima, which is the same as the maximum of tanh.

    Args:
        letters: number of indices of characters.
        letter_features: size of a character's vector.
        filters: how many filters.
        width: how many characters in a row a filter sees.
    """

    def __init__(self, letters: int, letter_features: int, filters: int, width: int) -> None:
        super().__init__()
        self.features = filters
        self.width = width
        self.table = _letter_table(letters, letter_features)
        self.convolution = nn.Conv1d(letter_features, filters, width, padding=width - 1)

    def forward(self, letters: Int[Tensor, "spellings letters"]) -> Float[Tensor, "spellings features"]:
        """The maxima; zero where there are no characters."""
        lengths = letters.count_nonzero(dim=1)
        values = self.convolution(self.table(letters).transpose(1, 2))
        # Positions where a filter sees only padding do not count; a row without characters keeps some, to stay finite.
        last = lengths.clamp(min=1) + self.width - 1
        beyond = torch.arange(values.shape[2], device=letters.device) >= last[:, None]
        maxima = values.masked_fill(beyond[:, None], -math.inf).amax(dim=2)
        return _zero_unless(lengths > 0, maxima.tanh())


def _table(indices: int, features: int) -> nn.Embedding:
    """Uniform in +-sqrt(3 / features), as Ma and Hovy 2016; padding is zero."""
    table = nn.Embedding(indices, features, padding_idx=0)
    bound = math.sqrt(3 / features)
    nn.init.uniform_(table.weight.data[1:], -bound, bound)
    return table


def _letter_table(letters: int, features: int) -> nn.Embedding:
    """Unknown characters are zero, since training never meets one and would leave a random vector as it is."""
    table = _table(letters, features)
    table.weight.data[1] = 0
    return table


def _zero_unless(
    spelled: Bool[Tensor, " spellings"], values: Float[Tensor, "spellings features"]
) -> Float[Tensor, "spellings features"]:
    return values * spelled[:, None]

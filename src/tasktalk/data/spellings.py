"""How words are spelled: their characters as indices, and how they use capitals, digits and signs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int

from tasktalk.core.batch import Spelling
from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.core.files import write_text

PADDING = 0
UNKNOWN = 1
FIRST_LETTER = 2

CAPITALS = 8
"""Number of indices that ``capitals_of`` gives, 0 for padding included."""

LONGEST = 40
"""Of longer words (addresses, most often) the middle is left out."""


def capitals_of(word: str) -> int:
    """How a word uses capitals, digits and signs, an idea of Collobert et al. 2011 (their feature "caps").

    Signs are all characters that are neither letters nor numbers; they make no difference beside either. Letters of
    scripts without capitals count as lower case.

    Returns:
        1 lower case ("well-known"), 2 the first letter and no other is a capital ("House", "I"), 3 all of at least two
        letters are capitals ("U.S."), 4 other capitals ("iPhone"), 5 numbers without letters ("1,000"), 6 numbers
        and letters ("B-52"), 7 neither ("...").
    """
    letters = [character for character in word if character.isalpha()]
    numbers = any(character.isnumeric() and not character.isalpha() for character in word)
    if numbers or not letters:
        return 6 if numbers and letters else 5 if numbers else 7
    capital = [character != character.lower() for character in letters]  # title case, such as U+01C5, included
    if not any(capital):
        return 1
    if capital[0] and not any(capital[1:]):
        return 2
    return 3 if all(capital) else 4


@dataclass(frozen=True)
class Alphabet:
    """Index 0 is padding, index 1 every unknown character, and ``characters[i]`` has index ``i + 2``.

    Args:
        characters: the known characters (code points), all different.

    Raises:
        DataError: an entry that is not one character, or stands twice.
    """

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(self.characters)

    @classmethod
    def build(cls, words: Iterable[str]) -> "Alphabet":
        """The characters of the training words, in the order of their code points."""
        return cls(tuple(sorted(set(chain.from_iterable(words)))))

    @classmethod
    def load(cls, path: Path) -> "Alphabet":
        """Read a file that ``save`` wrote.

        Raises:
            RunFolderError: the file cannot be read.
            DataError: it is not a JSON list of different characters.
        """
        try:
            characters = json.loads(path.read_bytes().decode("ascii"))
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read ({error.strerror or error})") from error
        except ValueError as error:
            raise DataError(f"expected JSON in ASCII ({error})", path) from error
        if not isinstance(characters, list):
            raise DataError(f"expected a list of characters, found {type(characters).__name__}", path)
        _check(characters, path)
        return cls(tuple(characters))

    def save(self, path: Path) -> None:
        """Write a JSON list in ASCII: every character is safe in it, line ends and single surrogates too.

        Raises:
            RunFolderError: the file cannot be written.
        """
        write_text(path, json.dumps(self.characters) + "\n")

    def __len__(self) -> int:
        """Number of indices, padding and unknown included."""
        return FIRST_LETTER + len(self.characters)

    @cached_property
    def index(self) -> dict[str, int]:
        """The index of each character."""
        return {character: i for i, character in enumerate(self.characters, FIRST_LETTER)}

    def encode(self, word: str, longest: int = LONGEST) -> Int[np.ndarray, " letters"]:
        """Indices of the characters; of a word longer than ``longest`` the middle is left out.

        Its beginning and its end say more about it: prefixes, capitals, and endings such as "-ing".

        Raises:
            ConfigError: ``longest`` below 1.
        """
        if longest < 1:
            raise ConfigError(f"longest must be at least 1, found {longest}")
        if len(word) > longest:
            end = longest // 2
            word = word[: longest - end] + word[len(word) - end :]
        index = self.index
        return np.array([index.get(character, UNKNOWN) for character in word], dtype=np.int32)


@dataclass(frozen=True, eq=False)
class SpellingTable:
    """The spellings of a split, every different one once; row 0 is padding and has no letters.

    Args:
        letters: indices of characters, 0 where padded.
        capitals: ``capitals_of`` each spelling, 0 for padding.
        sentences: row of every word of every sentence, at least one each.
    """

    letters: Int[np.ndarray, "spellings letters"]
    capitals: Int[np.ndarray, " spellings"]
    sentences: list[Int[np.ndarray, " _"]]

    @classmethod
    def of(cls, sentences: Sequence[Sequence[str]], alphabet: Alphabet, longest: int = LONGEST) -> "SpellingTable":
        """Spell every different word of a split once.

        Args:
            sentences: the words of each sentence; one without any gets one word that is padding here, because
                ``Vocabulary.encode`` gives it an unknown word.
            alphabet: the known characters.
            longest: as for ``Alphabet.encode``.

        Raises:
            ConfigError: ``longest`` below 1.
        """
        words = list(dict.fromkeys(chain.from_iterable(sentences)))
        row = {word: i for i, word in enumerate(words, 1)}
        spelled = [alphabet.encode(word, longest) for word in words]
        letters = np.zeros((1 + len(words), max((len(s) for s in spelled), default=0)), dtype=np.int32)
        for i, spelling in enumerate(spelled, 1):
            letters[i, : len(spelling)] = spelling
        capitals = np.array([PADDING, *(capitals_of(word) for word in words)], dtype=np.int64)
        rows = [np.array([row[word] for word in sentence] or [PADDING], dtype=np.int64) for sentence in sentences]
        return cls(letters, capitals, rows)

    @cached_property
    def lengths(self) -> Int[np.ndarray, " spellings"]:
        """Letters of each spelling."""
        return np.count_nonzero(self.letters, axis=1)

    def collate(self, groups: Sequence[Int[np.ndarray, " _"]]) -> Spelling:
        """The spellings of a batch, each once, padded to its longest word.

        Args:
            groups: the sentences of each group, such as ``Plan.rows``; groups of unequal size are filled up.
        """
        words = max(len(self.sentences[s]) for group in groups for s in group)
        of_word = np.zeros((len(groups), max(len(group) for group in groups), words), dtype=np.int64)
        for g, group in enumerate(groups):
            for b, s in enumerate(group):
                of_word[g, b, : len(self.sentences[s])] = self.sentences[s]
        used, position = np.unique(np.append(of_word, PADDING), return_inverse=True)  # row 0 also without any padding
        longest = max(1, int(self.lengths[used].max()))
        return Spelling(
            torch.from_numpy(self.letters[used, :longest].astype(np.int64)),
            torch.from_numpy(self.capitals[used]),
            torch.from_numpy(position[:-1].reshape(of_word.shape)),
        )


def _check(characters: Sequence[object], path: Path | None = None) -> None:
    seen: set[str] = set()
    for character in characters:
        if not isinstance(character, str) or len(character) != 1:
            raise DataError(f"expected single characters, found {character!r}", path)
        if character in seen:
            raise DataError(f"expected every character once, found {character!r} again", path)
        seen.add(character)

"""Words and their indices."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.core.files import write_text

PADDING = 0
UNKNOWN = 1
FIRST_WORD = 2


@dataclass(frozen=True)
class Vocabulary:
    """Index 0 is padding, index 1 every unknown word, and ``words[i]`` has index ``i + 2``.

    Args:
        words: the known words, all different, none empty or with a line feed (the file has one word a line).

    Raises:
        DataError: a word that is empty, stands twice or holds a line feed.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(self.words)

    @classmethod
    def build(
        cls,
        texts: Iterable[Iterable[str]],
        min_count: int = 1,
        max_size: int | None = None,
        extra: Iterable[str] = (),
    ) -> "Vocabulary":
        """Count the words of the training texts; the most frequent come first, ties in alphabetical order.

        Args:
            texts: the words of each text.
            min_count: drop words that are rarer.
            max_size: keep at most this many of the counted words.
            extra: words admitted besides, whatever their count, in alphabetical order after the others. With frozen
                pretrained vectors a word of the development or test texts that training lacks is not unknown.

        Raises:
            ConfigError: ``min_count`` or ``max_size`` below 1.
            DataError: a word that is empty or holds a line feed.
        """
        for name, value in (("min_count", min_count), ("max_size", max_size)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, found {value}")
        counts = Counter(word for text in texts for word in text)
        frequent = [word for word, count in counts.items() if count >= min_count]
        frequent.sort(key=lambda word: (-counts[word], word))
        kept = frequent[:max_size]
        return cls((*kept, *sorted(set(extra).difference(kept))))

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read a file that ``save`` wrote.

        Raises:
            RunFolderError: the file cannot be read.
            DataError: bytes that are not UTF-8, or a line that is empty or stands twice.
        """
        try:
            text = path.read_bytes().decode()  # read_text would turn a carriage return within a word into a line feed
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read ({error.strerror or error})") from error
        except UnicodeDecodeError as error:
            raise DataError(f"expected UTF-8, found {error.object[error.start : error.end]!r}", path) from error
        # Not splitlines(), which also splits at form feeds, U+0085, U+2028 and other characters that a word may hold.
        words = text.removesuffix("\n").split("\n") if text else []
        _check(words, path)
        return cls(tuple(words))

    def save(self, path: Path) -> None:
        """Write one word a line, UTF-8.

        Raises:
            RunFolderError: the file cannot be written.
        """
        write_text(path, "".join(word + "\n" for word in self.words))

    def __len__(self) -> int:
        """Number of indices, padding and unknown included."""
        return FIRST_WORD + len(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """The index of each word."""
        return {word: i for i, word in enumerate(self.words, FIRST_WORD)}

    def encode(self, tokens: Sequence[str], max_words: int | None = None) -> Int[np.ndarray, " words"]:
        """Indices of the first ``max_words`` words; an empty text is one unknown word.

        Raises:
            ConfigError: ``max_words`` below 1.
        """
        if max_words is not None and max_words < 1:
            raise ConfigError(f"max_words must be at least 1, found {max_words}")
        index = self.index
        indices = [index.get(token, UNKNOWN) for token in tokens[:max_words]]
        return np.array(indices or [UNKNOWN], dtype=np.int64)


def _check(words: Sequence[str], path: Path | None = None) -> None:
    seen: set[str] = set()
    for line, word in enumerate(words, 1):
        if not word or "\n" in word:
            found = "an empty one" if not word else repr(word)
            raise DataError(f"expected one word a line, found {found}", path, line if path else None)
        if word in seen:
            raise DataError(f"expected every word once, found {word!r} again", path, line if path else None)
        seen.add(word)

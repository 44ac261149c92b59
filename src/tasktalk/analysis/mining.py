"""Patterns that the shared layer of IC-MTL links, counted over many texts (message-passing paper, Table 2)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

SHORT = 3
"""Words that stand no further apart are at short range."""
_MOST_WORDS = 1500
_LONGEST_SEQUENCE = 3
Range = Literal["short", "long", "any"]
_RANGES: tuple[Range, Range] = ("short", "long")


class Pattern(NamedTuple):
    """Words that are read together, and who reads them.

    Attributes:
        reader: the word that reads; empty where any word may read.
        read: the word or the words, next to each other, that are read.
        range: whether the reader is at most ``SHORT`` words away from the nearest of them, or further; any for a word
            that any word may read.
    """

    reader: str
    read: tuple[str, ...]
    range: Range

    @property
    def kind(self) -> str:
        """A ``word`` that is read, a ``pair`` of words, or a ``sequence`` that is read."""
        return "pair" if self.reader else "word" if len(self.read) == 1 else "sequence"


def is_word(word: str) -> bool:
    """Whether it holds a letter or a digit: patterns are made of words, not of punctuation."""
    return any(c.isalnum() for c in word)


class Candidates:
    """The patterns that stand in enough of some texts, and where they stand in a text.

    Words are compared in lower case. Pairs are made of the 1,500 words that stand in most texts.

    Args:
        texts: the words of each text.
        least: in how many texts a pattern must stand.
    """

    def __init__(self, texts: Sequence[Sequence[str]], least: int) -> None:
        folded = [_folded(text) for text in texts]
        self._index = _frequent(folded, least)
        self._size = max(1, len(self._index))
        support = np.zeros(2 * self._size**2, dtype=np.int32)
        sequences: Counter[tuple[str, ...]] = Counter()
        for text in folded:
            support[np.unique(self._pairs(text)[0])] += 1
            sequences.update({words for words, _ in _sequences(text)})
        keys = np.flatnonzero(support >= least)
        self._place = np.full(len(support), -1, dtype=np.int32)
        self._place[keys] = np.arange(len(keys))
        names = list(self._index)
        pairs = [
            Pattern(names[key // self._size % self._size], (names[key % self._size],), _RANGES[key // self._size**2])
            for key in keys.tolist()
        ]
        kept = [words for words, count in sequences.items() if count >= least]
        self._sequence = {words: len(pairs) + 2 * number for number, words in enumerate(kept)}
        self._first_word = len(pairs) + 2 * len(kept)
        self.patterns = pairs + [Pattern("", words, name) for words in kept for name in _RANGES]
        self.patterns += [Pattern("", (word,), "any") for word in names]

    def _pairs(self, words: Sequence[str]) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
        """Keys of the pairs in a text, and where they stand in its flattened (reader, read) matrix."""
        ids = np.array([self._index.get(word, -1) for word in words], dtype=np.int64)
        known = np.flatnonzero(ids >= 0)
        reader, read = (part.ravel() for part in np.meshgrid(known, known, indexing="ij"))
        apart = ids[reader] != ids[read]
        reader, read = reader[apart], read[apart]
        far = np.abs(reader - read) > SHORT
        return (far * self._size + ids[reader]) * self._size + ids[read], reader * len(words) + read

    def pairs(self, words: Sequence[str]) -> tuple[Int[np.ndarray, " found"], Int[np.ndarray, " found"]]:
        """The pairs in a text: numbers of their patterns, and their places in the flattened (reader, read) matrix."""
        keys, cells = self._pairs(_folded(words))
        patterns = self._place[keys].astype(np.int64)
        return patterns[patterns >= 0], cells[patterns >= 0]

    def words(self, words: Sequence[str]) -> tuple[Int[np.ndarray, " found"], Int[np.ndarray, " found"]]:
        """The single words in a text: numbers of their patterns, and their places."""
        ids = np.array([self._index.get(word, -1) for word in _folded(words)], dtype=np.int64)
        places = np.flatnonzero(ids >= 0)
        return self._first_word + ids[places], places

    def sequences(self, words: Sequence[str]) -> list[tuple[int, int, int]]:
        """The sequences in a text: number of the pattern at short range (the next is at long range), start, length."""
        found = [(self._sequence.get(part, -1), start, len(part)) for part, start in _sequences(_folded(words))]
        return [entry for entry in found if entry[0] >= 0]


def _folded(text: Iterable[str]) -> list[str]:
    return [word.lower() for word in text]


def _frequent(texts: Sequence[Sequence[str]], least: int) -> dict[str, int]:
    counts = Counter(word for text in texts for word in set(text) if is_word(word))
    kept = sorted((word for word, count in counts.items() if count >= least), key=lambda word: (-counts[word], word))
    return {word: number for number, word in enumerate(kept[:_MOST_WORDS])}


def _sequences(words: Sequence[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Sequences of two and three words without punctuation, and where they begin."""
    for length in range(2, _LONGEST_SEQUENCE + 1):
        for start in range(len(words) - length + 1):
            part = tuple(words[start : start + length])
            if all(map(is_word, part)):
                yield part, start


@dataclass(frozen=True)
class Mined:
    """What was counted of every pattern, apart for each task and for two halves of its texts.

    Args:
        patterns: the patterns.
        support: number of texts that hold the pattern.
        taken: beta of the pattern, summed over its places.
        even: what uniform reading would give, 1 / n, summed over the same places.
        attraction: how often the words that are read are read by any word, 1 where as often as the mean word; always 1
            for a single word.
        entropy: mean entropy of beta's rows divided by log n, over the texts of two words and more; 1 is uniform.
        apart: how far the reading of a word is from that of the mean word of its text, as the share of the reading that
            would have to move (total variation), mean over the same texts; 0 where all words read the same.
        words: how many words these texts have together.
    """

    patterns: list[Pattern]
    support: Int[np.ndarray, "halves tasks patterns"]
    taken: Float[np.ndarray, "halves tasks patterns"]
    even: Float[np.ndarray, "halves tasks patterns"]
    attraction: Float[np.ndarray, "halves tasks patterns"]
    entropy: float
    apart: float
    words: int

    def lift(self, half: int | None = None, task: int | None = None) -> Float[np.ndarray, " patterns"]:
        """How much stronger a pattern is read than its words usually are; NaN where it does not stand.

        A single word is compared with uniform reading.

        Args:
            half: 0 or 1; None takes all texts.
            task: None takes all tasks.
        """
        halves = slice(None) if half is None else slice(half, half + 1)
        tasks = slice(None) if task is None else slice(task, task + 1)
        taken = self.taken[halves, tasks].sum(axis=(0, 1))
        expected = (self.attraction * self.even)[halves, tasks].sum(axis=(0, 1))
        return np.divide(taken, expected, out=np.full(len(taken), np.nan), where=expected > 0)


class Miner:
    """Counts patterns text by text.

    Args:
        candidates: the patterns.
        tasks: how many tasks.
    """

    def __init__(self, candidates: Candidates, tasks: int) -> None:
        self._candidates = candidates
        shape = (2, tasks, len(candidates.patterns))
        self._support = np.zeros(shape, dtype=np.int32)
        self._taken, self._even = np.zeros(shape), np.zeros(shape)
        self._words = {word: number for number, word in enumerate({w for p in candidates.patterns for w in p.read})}
        self._read, self._times = np.zeros((2, 2, tasks, len(self._words)))
        self._entropies: list[float] = []
        self._apart: list[float] = []
        self._length = 0

    def add(self, words: Sequence[str], beta: Float[np.ndarray, "tasks words words"], tasks: range, half: int) -> None:
        """Count one text as some tasks read it.

        Args:
            words: the words.
            beta: of every task what word t (first) took from word i.
            tasks: the tasks that count.
            half: to which half the text belongs, 0 or 1.
        """
        n = len(words)
        self._length += n if n > 1 else 0
        patterns, cells = self._candidates.pairs(words)
        sequences = self._candidates.sequences(words)
        single, their = self._candidates.words(words)
        known = np.array([self._words.get(word, -1) for word in _folded(words)], dtype=np.int64)
        places = np.flatnonzero(known >= 0)
        for task in tasks:
            own = beta[task].astype(np.float64)
            if n > 1:
                self._entropies.append(float(-(own * np.log(np.maximum(own, 1e-30))).sum() / n / np.log(n)))
                self._apart.append(float(np.abs(own - own.mean(axis=0)).sum() / (2 * n)))
            self._count(half, task, patterns, own.ravel()[cells], np.full(len(cells), 1 / n))
            self._count(half, task, *_of_sequences(sequences, own))
            read = n * own.mean(axis=0)
            self._count(half, task, single, read[their], np.ones(len(their)))
            np.add.at(self._read[half, task], known[places], read[places])
            np.add.at(self._times[half, task], known[places], 1)

    def _count(
        self,
        half: int,
        task: int,
        patterns: Int[np.ndarray, " found"],
        taken: Float[np.ndarray, " found"],
        even: Float[np.ndarray, " found"],
    ) -> None:
        there, inverse = np.unique(patterns, return_inverse=True)
        self._support[half, task, there] += 1
        self._taken[half, task, there] += np.bincount(inverse, taken, len(there))
        self._even[half, task, there] += np.bincount(inverse, even, len(there))

    def result(self) -> Mined:
        """What was counted so far."""
        patterns = self._candidates.patterns
        mean = np.divide(self._read, self._times, out=np.ones_like(self._read), where=self._times > 0)
        attraction = np.zeros(self._taken.shape)
        for length in range(1, _LONGEST_SEQUENCE + 1):
            its = [number for number, pattern in enumerate(patterns) if len(pattern.read) == length]
            words = np.array([[self._words[word] for word in patterns[number].read] for number in its], dtype=np.int64)
            attraction[..., its] = mean[..., words.reshape(-1, length)].mean(axis=-1)
        attraction[..., [number for number, pattern in enumerate(patterns) if pattern.range == "any"]] = 1
        entropy, apart = (float(np.mean(x)) if x else float("nan") for x in (self._entropies, self._apart))
        return Mined(patterns, self._support, self._taken, self._even, attraction, entropy, apart, self._length)


def _of_sequences(
    found: Sequence[tuple[int, int, int]], beta: Float[np.ndarray, "words words"]
) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Of each sequence and range: its number, what the words in that range took from it, and 1 / n for each of them."""
    n = len(beta)
    sums = np.concatenate((np.zeros((1, n)), beta.cumsum(axis=0)))  # over the first readers
    rows: list[tuple[int, float, float]] = []
    for pattern, start, length in found:
        stop, first, last = start + length, max(0, start - SHORT), min(n, start + length + SHORT)
        read = sums[:, start:stop].mean(axis=1)
        near = read[start] - read[first] + read[last] - read[stop]
        far = read[first] + read[n] - read[last]
        rows.append((pattern, float(near), (start - first + last - stop) / n))
        rows.append((pattern + 1, float(far), (first + n - last) / n))
    kept = np.array([row for row in rows if row[2] > 0]).reshape(-1, 3)
    return kept[:, 0].astype(np.int64), kept[:, 1], kept[:, 2]


def texts_with(patterns: Sequence[Pattern], texts: Sequence[Sequence[str]]) -> Int[np.ndarray, " patterns"]:
    """In how many texts each pattern stands."""
    counts = np.zeros(len(patterns), dtype=np.int64)
    for text in texts:
        places: dict[str, list[int]] = {}
        for place, word in enumerate(_folded(text)):
            places.setdefault(word, []).append(place)
        for number, pattern in enumerate(patterns):
            counts[number] += _stands(pattern, places, len(text))
    return counts


def _stands(pattern: Pattern, places: dict[str, list[int]], n: int) -> bool:
    first, *rest = pattern.read
    starts = [
        start for start in places.get(first, []) if all(start + k in places.get(w, ()) for k, w in enumerate(rest, 1))
    ]
    if not pattern.reader:
        length = len(pattern.read)
        if pattern.range == "any":
            return bool(starts)
        far = pattern.range == "long"
        return any(start - SHORT > 0 or start + length + SHORT < n if far else n > length for start in starts)
    readers = places.get(pattern.reader, ())
    return any((abs(t - i) > SHORT) == (pattern.range == "long") for i in starts for t in readers)

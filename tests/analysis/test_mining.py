from collections import defaultdict

import numpy as np
import pytest

from tasktalk.analysis import mining
from tasktalk.analysis.mining import SHORT, Candidates, Mined, Miner, Pattern, Range, texts_with

TASKS, LEAST = 2, 3
Key = tuple[int, int, Pattern]


def texts(count: int = 24) -> list[list[str]]:
    rng = np.random.default_rng(1)
    words = ["would", "have", "to", "Buy", "the", "it", ",", "!", "film"]
    return [[str(word) for word in rng.choice(words, size=rng.integers(1, 13))] for _ in range(count)] + [["rare"]]


def readings(given: list[list[str]]) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    raw = [rng.random((TASKS, len(text), len(text))) ** 3 for text in given]
    return [beta / beta.sum(axis=-1, keepdims=True) for beta in raw]


def mine(given: list[list[str]], betas: list[np.ndarray]) -> Mined:
    """Text by text; the task is the number's remainder, and the half changes after every second text."""
    miner = Miner(Candidates(given, LEAST), TASKS)
    for number, (text, beta) in enumerate(zip(given, betas, strict=True)):
        miner.add(text, beta, range(number % TASKS, number % TASKS + 1), number // 2 % 2)
    return miner.result()


def occurrences(text: list[str]) -> list[tuple[Pattern, list[int], list[int]]]:
    """Every pattern of a text wherever it stands: with the places that read and those that are read."""
    low, n, found = [word.lower() for word in text], len(text), []
    is_word = [any(c.isalnum() for c in word) for word in low]
    for i in range(n):
        if is_word[i]:
            found.append((Pattern("", (low[i],), "any"), list(range(n)), [i]))
        found += [
            (Pattern(low[t], (low[i],), "short" if abs(t - i) <= SHORT else "long"), [t], [i])
            for t in range(n)
            if is_word[i] and is_word[t] and low[i] != low[t]
        ]
        for length in (2, 3):
            window = list(range(i, i + length))
            if window[-1] < n and all(is_word[j] for j in window):
                distance = [min(abs(t - j) for j in window) for t in range(n)]
                near = [t for t in range(n) if 0 < distance[t] <= SHORT]
                far = [t for t in range(n) if distance[t] > SHORT]
                words = tuple(low[j] for j in window)
                ranges: list[tuple[Range, list[int]]] = [("short", near), ("long", far)]
                found += [(Pattern("", words, name), readers, window) for name, readers in ranges if readers]
    return found


def oracle(given: list[list[str]], betas: list[np.ndarray]) -> tuple[dict[Key, list[float]], dict[Key, set[int]]]:
    """Sums of beta and of 1 / n over the places of each pattern, and the texts that hold it."""
    sums: dict[Key, list[float]] = defaultdict(lambda: [0.0, 0.0])
    where: dict[Key, set[int]] = defaultdict(set)
    for number, (text, beta) in enumerate(zip(given, betas, strict=True)):
        half, task = number // 2 % 2, number % TASKS
        for pattern, readers, read in occurrences(text):
            key = (half, task, pattern)
            where[key].add(number)
            for t in readers:
                sums[key][0] += float(np.mean([beta[task, t, i] for i in read]))
                sums[key][1] += 1 / len(text)
    return sums, where


def attraction(given: list[list[str]], betas: list[np.ndarray], half: int, task: int, word: str) -> float:
    found = [
        len(text) * beta[task, :, i].mean()
        for number, (text, beta) in enumerate(zip(given, betas, strict=True))
        if (number // 2 % 2, number % TASKS) == (half, task)
        for i, other in enumerate(text)
        if other.lower() == word
    ]
    return float(np.mean(found)) if found else 1.0


def test_every_pattern_is_counted_as_by_hand() -> None:
    given = texts()
    betas = readings(given)
    mined, (sums, where) = mine(given, betas), oracle(given, betas)
    # A sequence must stand in enough texts, at whatever range; the others at their own.
    holds: dict[Pattern | tuple[str, ...], set[int]] = defaultdict(set)
    for number, text in enumerate(given):
        for pattern, _, _ in occurrences(text):
            holds[pattern].add(number)
        low = [word.lower() for word in text]
        for length in (2, 3):
            for i in range(len(low) - length + 1):
                if all(mining.is_word(word) for word in low[i : i + length]):
                    holds[tuple(low[i : i + length])].add(number)
    frequent = {p for p, its in holds.items() if isinstance(p, Pattern) and p.kind != "sequence" and len(its) >= LEAST}
    frequent |= {
        Pattern("", words, name)
        for words, its in holds.items()
        if not isinstance(words, Pattern) and len(its) >= LEAST
        for name in ("short", "long")
    }
    assert set(mined.patterns) == frequent and len(mined.patterns) == len(frequent) > 50
    assert {pattern.kind for pattern in mined.patterns} == {"word", "pair", "sequence"}
    for number, pattern in enumerate(mined.patterns):
        expected = np.zeros(2)
        for half in (0, 1):
            for task in range(TASKS):
                key = (half, task, pattern)
                taken, even = sums.get(key, [0.0, 0.0])
                assert mined.taken[half, task, number] == pytest.approx(taken, abs=1e-9)
                assert mined.even[half, task, number] == pytest.approx(even, abs=1e-9)
                assert mined.support[half, task, number] == len(where.get(key, ()))
                usual = [attraction(given, betas, half, task, word) for word in pattern.read]
                usual = [1.0] if pattern.kind == "word" else usual
                expected += taken, float(np.mean(usual)) * even
        if expected[1]:
            assert mined.lift()[number] == pytest.approx(expected[0] / expected[1], abs=1e-9)


def test_entropy_and_distance_of_the_readers() -> None:
    given = texts()
    betas = readings(given)
    mined = mine(given, betas)
    entropies, apart = [], []
    for number, (text, beta) in enumerate(zip(given, betas, strict=True)):
        if len(text) < 2:
            continue
        rows = beta[number % TASKS]
        entropies.append(np.mean([-sum(p * np.log(p) for p in row) for row in rows]) / np.log(len(text)))
        apart.append(np.mean([0.5 * sum(abs(p - q) for p, q in zip(row, rows.mean(axis=0))) for row in rows]))  # noqa: B905
    assert mined.entropy == pytest.approx(float(np.mean(entropies)), abs=1e-9)
    assert mined.apart == pytest.approx(float(np.mean(apart)), abs=1e-9)


def test_uniform_reading_has_a_lift_of_one_everywhere() -> None:
    given = texts()
    uniform = [np.full((TASKS, len(text), len(text)), 1 / len(text)) for text in given]
    mined = mine(given, uniform)
    assert mined.entropy == pytest.approx(1) and mined.apart == pytest.approx(0)
    np.testing.assert_allclose(mined.lift(), 1, atol=1e-9)
    np.testing.assert_allclose(mined.lift(half=1, task=0)[mined.support[1, 0] > 0], 1, atol=1e-9)


def test_a_planted_pattern_stands_out() -> None:
    given = texts(60)
    betas = readings(given)
    for text, beta in zip(given, betas, strict=True):
        for t, reader in enumerate(text):
            for i, read in enumerate(text):
                if (reader, read) == ("film", "Buy") and abs(t - i) <= SHORT:
                    beta[:, t, i] += 2
    mined = mine(given, [beta / beta.sum(axis=-1, keepdims=True) for beta in betas])
    pairs = [number for number, pattern in enumerate(mined.patterns) if pattern.kind == "pair"]
    best = max(pairs, key=lambda number: mined.lift()[number])
    assert mined.patterns[best] == Pattern("film", ("buy",), "short")


def test_shared_texts_are_counted_for_every_task() -> None:
    given = texts(8)
    betas = readings(given)
    candidates = Candidates(given, LEAST)
    together, alone = Miner(candidates, TASKS), Miner(candidates, TASKS)
    for text, beta in zip(given, betas, strict=True):
        together.add(text, beta, range(TASKS), 0)
        for task in range(TASKS):
            alone.add(text, beta, range(task, task + 1), 0)
    np.testing.assert_allclose(together.result().taken, alone.result().taken)
    np.testing.assert_allclose(together.result().lift(), alone.result().lift(), equal_nan=True)


def test_nothing_to_count() -> None:
    mined = mine([["one"], ["!"]], [np.ones((TASKS, 1, 1))] * 2)
    assert mined.patterns == [] and np.isnan(mined.entropy) and len(mined.lift()) == 0


def test_in_how_many_texts_a_pattern_stands() -> None:
    given = texts()
    candidates = Candidates(given, LEAST)
    counts = texts_with(candidates.patterns, given)
    for pattern, count in zip(candidates.patterns, counts, strict=True):
        assert count == sum(pattern in {found for found, _, _ in occurrences(text)} for text in given)

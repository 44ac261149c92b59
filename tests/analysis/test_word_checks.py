from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasktalk.analysis import word_checks as checks
from tasktalk.analysis.hearing import Heard, hear_each, spoken
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.take import take
from tasktalk.training.run import Run
from tasktalk.training.train import train
from tests.training.toy import config, toy

TASKS = 7


def text(n: int) -> list[str]:
    return [f"w{k}" for k in range(n)]


def examples(*lengths: int, owner: int | None = 0) -> Examples:
    owners = None if owner is None else np.full(len(lengths), owner)
    return Examples([text(n) for n in lengths], np.full((len(lengths), TASKS), np.nan), owners)


def shares(n: int, seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).random((TASKS, n, TASKS))
    return raw / raw.sum(axis=-1, keepdims=True)


def test_the_strongest_without_oneself() -> None:
    weights = np.array([[0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]])
    assert checks.strongest(weights, 2, None).tolist() == [[True, True, False, False]] * 2
    assert checks.strongest(weights, 2, 0).tolist() == [[False, True, True, False]] * 2


def test_a_word_that_keeps_its_sources_passes_and_another_fails() -> None:
    texts, whole = examples(8), shares(8, 0)
    heard = [Heard(0, text(8), weights=whole)]
    same = {0: Heard(0, text(8)[4:], weights=whole[:, 4:])}
    kept = checks._half_check(texts, heard, same, True, 3)
    assert kept.passed and "kept 100% of its 3 strongest sources; by chance it would keep 50%" in kept.sentence
    other = {0: Heard(0, text(8)[4:], weights=whole[:, 4:].max() - whole[:, 4:])}
    lost = checks._half_check(texts, heard, other, True, 3)
    expected = np.mean(
        [
            len(set(np.argsort(-np.delete(whole[0, t], 0))[:3]) & set(np.argsort(np.delete(whole[0, t], 0))[:3])) / 3
            for t in range(4, 8)
        ]
    )
    assert lost.passed is False and f"kept {expected:.0%} of" in lost.sentence


def test_words_that_all_follow_their_task_fail() -> None:
    texts = examples(9)
    habit = np.tile(shares(1, 1), (1, 9, 1))
    found = checks._habit_check(texts, [Heard(0, text(9), weights=habit)], True, 3)
    assert found.passed is False and found.sentence.startswith("100% of")
    weights = shares(9, 2)
    differ = checks._habit_check(texts, [Heard(0, text(9), weights=weights)], True, 3)
    mean = [float(np.mean([weights[0, t, s] for t in range(9)])) for s in range(TASKS)]
    moved = np.mean([sum(abs(weights[0, t, s] - mean[s]) for s in range(TASKS)) / 2 for t in range(9)])
    assert differ.passed and f"and {moved:.0%} of a word's weights would have to move" in differ.sentence
    faint = checks._habit_check(texts, [Heard(0, text(9), weights=0.95 / TASKS + 0.05 * weights)], True, 3)
    assert faint.passed is False and not faint.sentence.startswith("100%")


def test_gates_in_the_same_order_pass() -> None:
    texts, gate = examples(8), np.random.default_rng(0).random((TASKS, 8))
    heard = [Heard(0, text(8), gate=gate)]
    assert checks._gate_check(texts, heard, {0: Heard(0, text(8)[4:], gate=gate[:, 4:] ** 2)}).passed
    back = checks._gate_check(texts, heard, {0: Heard(0, text(8)[4:], gate=-gate[:, 4:])})
    assert back.passed is False and "rank correlation of -1.00" in back.sentence
    assert checks._gate_check(texts, heard, {}).passed is None


@pytest.mark.parametrize(("spread", "passed"), [(0.01, False), (0.5, True)])
def test_gates_that_hardly_differ_fail(spread: float, passed: bool) -> None:
    gate = np.tile(np.linspace(0.4, 0.4 + spread, 50), (TASKS, 1))
    found = checks._spread_check(examples(50), [Heard(0, text(50), gate=gate)])
    assert found.passed is passed and "between 0.4" in found.sentence


def test_halves_are_read_by_the_model(tmp_path: Path) -> None:
    run: Run = train(toy(), config("dc", hidden=4, training__epochs=1), tmp_path / "run")
    texts = spoken(toy().splits["test"])
    heard = sorted(hear_each(run, texts), key=lambda sample: sample.row)
    halves = checks._without_first_half(run, texts, heard)
    assert sorted(halves) == [row for row, words in enumerate(texts.tokens) if len(words) > 1]
    row = next(row for row in halves if len(texts.tokens[row]) == 5)
    second = texts.tokens[row][2:]
    assert halves[row].words == second
    alone = run.listen([" ".join(second)])
    weights = halves[row].weights
    assert weights is not None
    np.testing.assert_allclose(weights, alone.record["alpha"][:, 0, :3].numpy(), atol=1e-6)
    assert [check.passed in {True, False} for check in checks.word_checks(run, texts, heard, "alpha")] == [True, True]


def test_two_tasks_leave_no_choice(tmp_path: Path) -> None:
    data = load_two()
    run = train(data, config("dc", hidden=4, training__epochs=1), tmp_path / "run")
    texts = spoken(data.splits["test"])
    heard = sorted(hear_each(run, texts), key=lambda sample: sample.row)
    (found,) = checks.word_checks(run, texts, heard, "alpha")
    assert found.passed is None and "one source only" in found.sentence


def load_two() -> Dataset:
    data = toy()

    def two(split: Examples) -> Examples:
        assert split.owner is not None
        kept = take(split, np.flatnonzero(split.owner < 2))
        return replace(kept, labels=kept.labels[:, :2])

    return replace(data, tasks=data.tasks[:2], splits={name: two(split) for name, split in data.splits.items()})


def test_a_few_words_certify_nothing(tmp_path: Path) -> None:
    run: Run = train(toy(), config("dc", hidden=4, training__epochs=1), tmp_path / "run")
    texts = spoken(run.examples(["a good film", "so bad"]))
    (found,) = checks.word_checks(run, texts, list(hear_each(run, texts)), "alpha")
    assert (found.passed, found.sentence) == (None, "5 words are too few: at least 20 are needed.")

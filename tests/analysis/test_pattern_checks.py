import numpy as np
import pytest

from tasktalk.analysis.chance import too_few
from tasktalk.analysis.mining import Mined, Pattern
from tasktalk.analysis.pattern_checks import pattern_checks


def mined(
    first: np.ndarray, second: np.ndarray, entropy: float = 0.5, apart: float = 0.5, words_read: int = 20
) -> Mined:
    """Words and as many pairs, with these lifts in the two halves."""
    words = [Pattern("", (f"w{n}",), "any") for n in range(len(first))]
    pairs = [Pattern("r", (f"w{n}",), "short") for n in range(len(first))]
    taken = np.stack((np.tile(first, 2), np.tile(second, 2)))[:, np.newaxis]
    ones = np.ones(taken.shape)
    return Mined([*words, *pairs], ones.astype(np.int32), taken, ones, ones, entropy, apart, words_read)


def results(given: Mined) -> list[bool | None]:
    return [check.passed for check in pattern_checks(given)]


def test_patterns_that_hold_pass() -> None:
    lifts = np.linspace(0.2, 3, 60)
    checks = pattern_checks(mined(lifts, lifts + 0.01))
    assert [check.passed for check in checks] == [True] * 4
    mean, everything = np.sort(lifts)[-20:].mean(), lifts.mean()
    assert f"have {mean:.2f} on average there, and {mean + 0.01:.2f} in the other half" in checks[2].sentence
    assert f"all 60 have {everything + 0.01:.2f} there" in checks[2].sentence


def test_luck_fails() -> None:
    lifts = np.linspace(0.2, 3, 60)
    assert results(mined(lifts, lifts[::-1])) == [True, True, False, False]


def test_uniform_reading_and_readers_that_are_alike_fail() -> None:
    lifts = np.linspace(0.2, 3, 60)
    assert results(mined(lifts, lifts, entropy=0.96)) == [False, True, True, True]
    assert results(mined(lifts, lifts, apart=0.04)) == [True, False, True, True]
    sentence = pattern_checks(mined(lifts, lifts, entropy=0.96))[0].sentence
    assert "0.96 of the largest possible (log n). The reading is close to uniform" in sentence


@pytest.mark.parametrize("count", [0, 10])
def test_too_little_is_no_check(count: int) -> None:
    few = np.ones(count)
    assert results(mined(few, few, float("nan"), float("nan"), 0)) == [None] * 4


def test_few_words_and_few_texts_are_no_check() -> None:
    lifts = np.linspace(0.2, 3, 60)
    checks = pattern_checks(mined(lifts, lifts, words_read=19))
    assert [check.passed for check in checks] == [None, None, True, True]
    assert {check.sentence for check in checks[:2]} == {"19 words are too few: at least 20 are needed."}
    checks = pattern_checks(mined(lifts, lifts), too_few(19, [10, 9], "text"))
    assert [check.passed for check in checks] == [True, True, None, None]
    few = "19 texts are too few: at least 20 are needed, and on average 5 of each task."
    assert {check.sentence for check in checks[2:]} == {few}

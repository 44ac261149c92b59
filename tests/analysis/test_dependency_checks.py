import numpy as np

from tasktalk.analysis.dependency_checks import chance_check, dependency_checks, groups_check, strongest_check
from tasktalk.analysis.dependency_view import look
from tests.analysis.overviews import alike, in_groups, make


def clear() -> np.ndarray:
    """Groups in which every task has one source that it listens to most."""
    weights = in_groups(60, noise=0.3, diagonal=False)
    for group in range(0, 9, 3):
        for k in range(3):
            weights[:, group + k, group + (k + 1) % 3] += 0.3
    return weights


def test_clear_groups_pass_every_check() -> None:
    checks = dependency_checks(look(make(clear(), shared=True)))
    assert [check.passed for check in checks] == [True, True, True]
    assert checks[0].sentence.startswith("The strongest source of 9 of 9 tasks is the same in at least 95% of 500")
    assert "Cut into 3 groups" in checks[1].sentence


def test_noise_passes_none_and_the_sentences_say_so() -> None:
    noise = np.random.default_rng(0).dirichlet(np.ones(9), size=(20, 9))
    view = look(make(noise, shared=True))
    assert strongest_check(view).passed is False
    assert "not so for" in strongest_check(view).sentence
    assert "more." in strongest_check(view).sentence
    assert groups_check(view).passed is False
    assert chance_check(view).passed is False
    assert "without any structure" in chance_check(view).sentence


def test_weights_dealt_out_of_a_likeness_stay_mirrored() -> None:
    checks = dependency_checks(look(make(alike(), "beta")))
    assert checks[2].passed is False


def test_weights_of_no_sample_cannot_be_checked_by_samples() -> None:
    checks = dependency_checks(look(make(np.repeat(clear()[:1], 9, axis=0), "stitch")))
    assert [check.passed for check in checks] == [None, None, True]
    assert "seeds" in checks[0].sentence


def test_equal_tasks_have_no_groups() -> None:
    view = look(make(np.full((9, 5, 5), 0.2)))
    assert [check.passed for check in dependency_checks(view)] == [None, None, None]


def test_a_single_sample_for_each_task_is_too_few() -> None:
    view = look(make(in_groups(9)))
    assert strongest_check(view).passed is None
    assert "two samples" in strongest_check(view).sentence


def test_a_few_samples_certify_nothing() -> None:
    """Two texts, or one of each of many tasks: drawn anew they stay what they are."""
    few = dependency_checks(look(make(clear()[:3], shared=True)))
    assert [check.passed for check in few] == [None, None, None]
    assert {check.sentence[:21] for check in few} == {"3 samples are too few"}
    (one, _, _) = dependency_checks(look(make(clear()[:1], shared=True)))
    assert one.passed is None and "two samples" in one.sentence
    assert chance_check(look(make(clear()[:1], shared=True))).sentence.startswith("1 sample is too few")
    one_each = dependency_checks(look(make(clear()[:18])))
    assert [check.passed for check in one_each] == [None, None, None]


def test_of_two_tasks_each_has_one_source() -> None:
    check = strongest_check(look(make(in_groups(60)[:, :2, :2], shared=True)))
    assert check.passed is None and "one source only" in check.sentence

import numpy as np

from tasktalk.analysis.dependency_view import finding, grouped, listened_to, look, silent
from tests.analysis.overviews import alike, in_groups, make


def test_groups_are_found_and_named() -> None:
    view = look(make(in_groups()))
    assert len(set(view.groups)) == 3
    assert [len(set(view.groups[start : start + 3])) for start in (0, 3, 6)] == [1, 1, 1]
    assert all(name in grouped(view) for name in view.overview.tasks)
    assert grouped(view).count("(") == 3


def test_what_is_to_be_seen_is_said() -> None:
    assert finding(look(make(in_groups()))).startswith("Weights lie between 0.0")
    assert finding(look(make(alike(), "beta"))).startswith("All tasks read nearly alike: the likeness of every two")
    assert finding(look(make(alike(spread=0.8), "beta"))).startswith("From pair to pair")
    assert finding(look(make(np.full((9, 3, 3), 1 / 3)))).startswith("All weights are the same (0.3")
    nobody = make(in_groups(9), owner=np.full(9, -1))
    assert finding(look(nobody)).startswith("No task has samples")


def test_a_source_that_all_listen_to_is_called_a_channel() -> None:
    weights = in_groups(18, diagonal=False)
    weights[:, 1:] *= 0.1
    weights[:, 1:, 0] += 0.9
    found = finding(look(make(weights)))
    assert found.startswith("8 of 8 tasks listen most to task0 (0.9")
    assert "it does not say that they are alike" in found


def test_who_is_listened_to_is_a_mean_over_the_others() -> None:
    view = look(make(in_groups(9)))
    for source in range(9):
        expected = np.mean([view.weights[k, source] for k in range(9) if k != source])
        np.testing.assert_allclose(listened_to(view)[source], expected)


def test_tasks_without_samples_are_named() -> None:
    assert silent(make(in_groups(7))) == ["task7", "task8"]
    assert silent(make(in_groups(7), shared=True)) == []

import numpy as np

from tasktalk.analysis.dependency_table import bars, table_picture
from tasktalk.analysis.dependency_view import look
from tests.analysis.overviews import alike, in_groups, make


def test_a_row_per_task_with_whom_it_listens_to_most() -> None:
    overview = make(in_groups(30), openness=np.full((30, 9), 0.25))
    view = look(overview)
    picture = table_picture(view)
    assert picture.header[:4] == ["task", "samples", "listens most to", "weight"]
    for k, row in enumerate(picture.rows):
        others = [(view.weights[k, j], overview.sources[j]) for j in range(9) if j != k]
        weight, source = max(others)
        assert list(row[:4]) == [f"task{k}", len(overview.own(k)), source, weight]
        assert row[-1] == 0.25


def test_tasks_without_samples_have_no_numbers() -> None:
    picture = table_picture(look(make(in_groups(7))))
    assert list(picture.rows[8][:6]) == ["task8", 0, "", None, None, None]


def test_a_likeness_and_experts_have_their_own_words() -> None:
    assert "reads most like" in table_picture(look(make(alike(), "beta"))).header
    assert "listened to" not in table_picture(look(make(in_groups(9)[:, :, :4], "experts"))).header


def test_bars_go_from_the_largest() -> None:
    axes = bars(["a", "$b$", "c"], np.array([0.1, 0.5, 0.3]), "share").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$b$", "c", "a"]

"""Which epoch's weights are kept."""

import json

from tasktalk.training.metrics import TaskScores
from tasktalk.training.selection import MEAN, Best, Selection


def scores(error: float | None, loss: float | None = None) -> TaskScores:
    return {"n": 0 if error is None else 4, "error": error, "loss": loss}


def feed(selection: Selection, *epochs: tuple[TaskScores, dict[str, TaskScores]]) -> list[bool]:
    return [selection.update(epoch, mean, tasks) for epoch, (mean, tasks) in enumerate(epochs)]


def test_the_lowest_mean_error_wins_and_the_loss_decides_between_equals() -> None:
    selection = Selection("mean")
    means = [(20.0, 0.5), (10.0, 0.9), (10.0, 0.8), (10.0, 0.8), (15.0, 0.1)]
    assert feed(selection, *((scores(*mean), {}) for mean in means)) == [True, True, True, False, False]
    assert selection.best == {MEAN: Best(2, 10.0, 0.8)}
    assert (selection.epochs(), selection.epoch_of("any task")) == ({2}, 2)


def test_the_mean_ignores_what_is_best_for_a_task() -> None:
    selection = Selection("mean")
    feed(selection, (scores(20.0), {"a": scores(0.0)}), (scores(10.0), {"a": scores(20.0)}))
    assert selection.epoch_of("a") == 1


def test_each_task_has_its_own_epoch_beside_that_of_the_mean() -> None:
    selection = Selection("per-task")
    changed = feed(
        selection,
        (scores(20.0), {"a": scores(10.0), "b": scores(30.0)}),
        (scores(15.0), {"a": scores(20.0), "b": scores(10.0)}),
        (scores(16.0), {"a": scores(5.0), "b": scores(27.0)}),
        (scores(30.0), {"a": scores(30.0), "b": scores(30.0)}),
    )
    assert changed == [True, True, True, False]
    assert [selection.epoch_of(task) for task in ("a", "b", MEAN)] == [2, 1, 1]
    assert selection.epochs() == {1, 2}


def test_a_task_without_development_labels_follows_the_mean() -> None:
    selection = Selection("per-task")
    tasks = {"a": scores(10.0), "b": scores(None)}
    feed(selection, (scores(10.0), tasks), (scores(20.0), {**tasks, "a": scores(20.0)}))
    assert [selection.epoch_of(task) for task in ("a", "b")] == [0, 0]


def test_without_development_data_the_last_epoch_is_kept() -> None:
    selection = Selection("per-task")
    assert feed(selection, *[({}, {})] * 3) == [True] * 3
    assert selection.epochs() == {2}


def test_to_json_and_back() -> None:
    selection = Selection("per-task")
    feed(selection, (scores(20.0, 0.1 + 0.2), {"a": scores(10.0, None)}))
    again = Selection.from_facts(json.loads(json.dumps(selection.to_facts())))
    assert again == selection
    assert again.update(1, scores(20.0, 0.3), {"a": scores(10.0, 7.0)})

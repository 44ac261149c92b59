"""Which epoch's weights are kept."""

import json

import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.training.metrics import TaskScores
from tasktalk.training.selection import MEAN, Best, Score, Selection, choose_criterion

TOXIC, GENRE = Task("toxic", "binary", ("no", "yes")), Task("genre", "multiclass", ("a", "b", "c"))
AGE = Task("age", "regression")


def scores(error: float | None, loss: float | None = None) -> TaskScores:
    return {"n": 0 if error is None else 4, "error": error, "loss": loss}


def feed(selection: Selection, *epochs: dict[str, TaskScores]) -> list[bool]:
    return [selection.update(epoch, tasks) for epoch, tasks in enumerate(epochs)]


def test_the_lowest_mean_error_wins_and_the_loss_decides_between_equals() -> None:
    selection = Selection("mean")
    means = [(20.0, 0.5), (10.0, 0.9), (10.0, 0.8), (10.0, 0.8), (15.0, 0.1)]
    assert feed(selection, *({"a": scores(*mean)} for mean in means)) == [True, True, True, False, False]
    assert selection.best == {MEAN: Best(2, 10.0, 0.8)}
    assert (selection.epochs(), selection.epoch_of("any task")) == ({2}, 2)


def test_the_mean_ignores_what_is_best_for_a_task() -> None:
    selection = Selection("mean")
    feed(selection, {"a": scores(0.0), "b": scores(40.0)}, {"a": scores(20.0), "b": scores(0.0)})
    assert selection.epoch_of("a") == 1


def test_each_task_has_its_own_epoch_beside_that_of_the_mean() -> None:
    selection = Selection("per-task")
    changed = feed(
        selection,
        {"a": scores(10.0), "b": scores(30.0)},
        {"a": scores(20.0), "b": scores(10.0)},
        {"a": scores(5.0), "b": scores(27.0)},
        {"a": scores(30.0), "b": scores(30.0)},
    )
    assert changed == [True, True, True, False]
    assert [selection.epoch_of(task) for task in ("a", "b", MEAN)] == [2, 1, 1]
    assert selection.epochs() == {1, 2}


def test_a_task_without_development_labels_follows_the_mean() -> None:
    selection = Selection("per-task")
    tasks = {"a": scores(10.0), "b": scores(None)}
    feed(selection, tasks, {**tasks, "a": scores(20.0)})
    assert [selection.epoch_of(task) for task in ("a", "b")] == [0, 0]


def test_without_development_data_the_last_epoch_is_kept() -> None:
    selection = Selection("per-task")
    assert feed(selection, *[{}] * 3) == [True] * 3
    assert selection.epochs() == {2}


@pytest.mark.parametrize(("criterion", "best"), [("error", 1), ("loss", 2), ("auroc", 0)])
def test_the_criterion_decides(criterion: Score, best: int) -> None:
    selection = Selection("per-task", criterion)
    means: list[TaskScores] = [
        {"error": 20.0, "auroc": 0.9, "loss": 0.5},
        {"error": 10.0, "auroc": 0.8, "loss": 0.4},
        {"error": 15.0, "auroc": 0.7, "loss": 0.3},
    ]
    feed(selection, *({"a": {"n": 4, **mean}} for mean in means))
    assert (selection.epoch_of(MEAN), selection.epoch_of("a")) == (best, best)
    again = Selection.from_facts(json.loads(json.dumps(selection.to_facts())))
    assert again == selection


def test_equal_areas_are_decided_by_the_loss() -> None:
    selection = Selection("mean", "auroc")
    means: list[TaskScores] = [{"auroc": 0.75, "loss": 0.5}, {"auroc": 0.75, "loss": 0.4}, {"auroc": 0.5, "loss": 0.1}]
    assert feed(selection, *({"a": mean} for mean in means)) == [True, True, False]
    assert selection.best == {MEAN: Best(1, 0.25, 0.4)}


def test_a_task_with_development_labels_of_one_class_follows_the_mean_of_the_areas() -> None:
    selection = Selection("per-task", "auroc")
    one_class: TaskScores = {"n": 4, "error": 0.0, "auroc": None, "loss": 0.1}
    feed(selection, *({"a": one_class, "b": {"n": 4, "auroc": area, "loss": 0.5}} for area in (0.5, 0.7)))
    assert (selection.epoch_of("a"), list(selection.best)) == (1, [MEAN, "b"])
    assert selection.best[MEAN].value == pytest.approx(0.3) and selection.best[MEAN].loss == pytest.approx(0.3)


def test_where_no_task_has_an_area_the_loss_decides() -> None:
    selection = Selection("mean", "auroc")
    means: list[TaskScores] = [{"auroc": None, "loss": 0.5}, {"auroc": None, "loss": 0.4}, {"auroc": None, "loss": 0.6}]
    assert feed(selection, *({"a": mean} for mean in means)) == [True, True, False]


def test_an_epoch_whose_answers_are_no_numbers_is_never_better_than_one_that_has_scores() -> None:
    selection = Selection("mean")
    assert feed(selection, *({"a": s} for s in (scores(None), scores(50.0, 1.0), scores(None)))) == [True, True, False]
    assert selection.epoch_of(MEAN) == 1


@pytest.mark.parametrize(
    ("tasks", "separate", "expected"),
    [
        ([TOXIC, GENRE], True, "error"),
        ([TOXIC, TOXIC], False, "auroc"),
        ([TOXIC, GENRE], False, "loss"),
        ([TOXIC, AGE], False, "loss"),
        ([TOXIC, AGE], True, "loss"),
        ([AGE], False, "loss"),
    ],
)
def test_what_auto_means(tasks: list[Task], separate: bool, expected: str) -> None:
    assert choose_criterion("auto", tasks, separate) == expected


def test_a_criterion_that_was_set_stays_unless_a_task_has_no_such_score() -> None:
    given: list[Score] = ["error", "loss", "auroc"]
    assert [choose_criterion(criterion, [TOXIC, GENRE], separate=True) for criterion in given] == given
    assert choose_criterion("loss", [TOXIC, AGE], separate=False) == "loss"
    with pytest.raises(ConfigError, match="a regression such as 'age' has no auroc; choose loss, or auto"):
        choose_criterion("auroc", [TOXIC, AGE], separate=False)


def test_to_json_and_back() -> None:
    selection = Selection("per-task")
    feed(selection, {"a": scores(10.0, None), "b": scores(30.0, 0.1 + 0.2)})
    again = Selection.from_facts(json.loads(json.dumps(selection.to_facts())))
    assert again == selection
    assert again.update(1, {"a": scores(10.0, None), "b": scores(30.0, 0.3)})


POS = Task("pos", "tagging", ("A", "B"))
NER = Task("ner", "tagging", ("O", "B-x", "E-x", "I-x", "S-x"), scheme="iob2")


def test_taggings_are_judged_by_f1_or_what_was_set() -> None:
    assert choose_criterion("auto", [POS, NER], separate=True) == "f1"
    given: list[Score] = ["error", "loss", "f1"]
    assert [choose_criterion(criterion, [POS, NER], separate=True) for criterion in given] == given
    with pytest.raises(ConfigError, match="tags have no AUROC; choose f1, error or loss"):
        choose_criterion("auroc", [POS], separate=True)
    with pytest.raises(ConfigError, match="f1 is for tags; choose error, auroc or loss"):
        choose_criterion("f1", [TOXIC], separate=True)


def test_tags_that_are_no_spans_count_with_their_accuracy() -> None:
    selection = Selection("per-task", "f1")
    epochs = [(0.9, 0.1, 0.5), (0.8, 0.8, 0.4), (0.95, 0.4, 0.6)]  # accuracy, F1, and the accuracy of the spans' tags
    pos = [{"n": 4, "accuracy": accuracy, "loss": 1.0} for accuracy, _, _ in epochs]
    ner = [{"n": 4, "f1": f1, "accuracy": other, "loss": 1.0} for _, f1, other in epochs]
    feed(selection, *({"pos": one, "ner": other} for one, other in zip(pos, ner, strict=True)))
    assert [selection.epoch_of(name) for name in (MEAN, "pos", "ner")] == [1, 2, 1]
    assert selection.best[MEAN].value == pytest.approx(0.2)


def test_a_task_without_spans_follows_the_mean() -> None:
    selection = Selection("per-task", "f1")
    nothing: TaskScores = {"n": 4, "f1": None, "accuracy": 1.0, "loss": 0.5}
    feed(selection, *({"pos": {"n": 4, "accuracy": a, "loss": 1.0}, "ner": nothing} for a in (0.5, 0.9)))
    assert (selection.epoch_of("ner"), list(selection.best)) == (1, [MEAN, "pos"])

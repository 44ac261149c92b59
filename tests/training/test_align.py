"""Other data in the terms of a run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, Place, Sentences
from tasktalk.training.align import align

RUN = (
    Task("books", "multiclass", ("bad", "good", "so so")),
    Task("dvd", "binary", ("no", "yes")),
    Task("x", "binary", ("0", "1")),
)


def dataset(tasks: tuple[Task, ...], labels: list[list[float]], owner: list[int] | None) -> Dataset:
    tokens = [[f"w{row}"] for row in range(len(labels))]
    examples = Examples(tokens, np.array(labels), None if owner is None else np.array(owner))
    return Dataset("other", tasks, {"test": examples}, "words", {"a.csv": "sum"}, ("careful",))


def test_tasks_and_classes_take_the_order_of_the_run() -> None:
    nan = np.nan
    tasks = (Task("dvd", "binary", ("yes", "no")), Task("books", "binary", ("good", "bad")))
    found = align(dataset(tasks, [[0, nan], [1, nan], [nan, 0], [nan, 1]], [0, 0, 1, 1]), RUN)
    assert found.tasks == RUN
    assert (found.name, found.sources, found.warnings) == ("other", {"a.csv": "sum"}, ("careful",))
    test = found.splits["test"]
    np.testing.assert_array_equal(test.labels, [[nan, 1, nan], [nan, 0, nan], [1, nan, nan], [0, nan, nan]])
    assert test.owner is not None and test.owner.tolist() == [1, 1, 0, 0]
    assert test.tokens == [["w0"], ["w1"], ["w2"], ["w3"]]


def test_shared_inputs_stay_shared() -> None:
    tasks = (Task("x", "binary", ("0", "1")), Task("dvd", "binary", ("no", "yes")))
    test = align(dataset(tasks, [[0.0, 1.0], [1.0, np.nan]], None), RUN).splits["test"]
    assert test.owner is None
    np.testing.assert_array_equal(test.labels, [[np.nan, 1, 0], [np.nan, np.nan, 1]])


def test_data_of_the_run_itself_does_not_change() -> None:
    own = dataset(RUN, [[2, 0, np.nan], [np.nan, 1, 1]], None)
    np.testing.assert_array_equal(align(own, RUN).splits["test"].labels, own.splits["test"].labels)


AGE = Task("age", "regression", mean=40.0, std=10.0)


@pytest.mark.parametrize("given", [Task("age", "regression"), Task("age", "multiclass", ("7.5", "20", "41"))])
def test_values_stay_values_also_where_they_looked_like_classes(given: Task) -> None:
    labels = [7.5, 41.0, np.nan, 20.0] if given.kind == "regression" else [0, 2, np.nan, 1]
    found = align(dataset((given,), [[label] for label in labels], None), (RUN[0], AGE))
    assert found.tasks == (RUN[0], AGE)
    np.testing.assert_array_equal(found.splits["test"].labels, [[np.nan, y] for y in (7.5, 41.0, np.nan, 20.0)])


def test_a_task_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="task 'age': the run was trained on values, found the label 'old'"):
        align(dataset((Task("age", "binary", ("old", "young")),), [[0.0], [1.0]], None), (AGE,))
    with pytest.raises(ConfigError, match="task 'x': the run was trained on the classes 0, 1, and these are values"):
        align(dataset((Task("x", "regression"),), [[0.5], [1.0]], None), RUN)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task("bokos", "binary", ("bad", "good")), "the run has no task 'bokos': did you mean 'books'?"),
        (
            Task("dvd", "binary", ("no", "yess")),
            "task 'dvd': the run was trained without the label 'yess': did you mean",
        ),
    ],
)
def test_what_the_run_does_not_know_is_refused(task: Task, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        align(dataset((task,), [[0.0], [1.0]], None), RUN)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (Task("dvd", "binary", ("no", "yes")), "a.csv, line 7: task 'dvd': the run was trained without the label 'so'"),
        (Task("dvd", "regression"), "a.csv, line 5: task 'dvd': the run was trained on values, found the label 'no'"),
    ],
)
def test_what_is_refused_has_its_line_if_that_is_known(known: Task, message: str) -> None:
    given = dataset((Task("dvd", "multiclass", ("no", "so", "yes")),), [[2.0], [0.0], [1.0], [1.0]], None)
    places = [Place(Path("a.csv"), (line,)) for line in (3, 5, 7, 9)]
    with pytest.raises(DataError, match=message):
        align(replace(given, splits={"test": replace(given.splits["test"], places=places)}), (known,))


NER = Task("ner", "tagging", ("O", "B-x", "E-x", "I-x", "S-x", "B-y", "E-y", "I-y", "S-y"), scheme="iob2")
POS = Task("pos", "tagging", ("A", "B", "C"))


def tagging(*tasks: Task) -> Dataset:
    """A sentence of each task, with its last two tags; the sequences stand in another order than the sentences."""
    count = len(tasks)
    tags = [np.array([len(task.classes) - 1, len(task.classes) - 2]) for task in reversed(tasks)]
    labels = np.full((count, count), np.nan)
    labels[range(count), range(count)] = range(count - 1, -1, -1)
    examples = Examples(Sentences([["a", "b"]] * count, tags), labels, np.arange(count))
    return Dataset("d", tasks, {"train": examples}, "whitespace")


def test_tags_take_the_numbers_and_tasks_the_order_of_the_run() -> None:
    known = (POS, NER)
    given = tagging(
        Task("ner", "tagging", ("O", "B-y", "E-y", "I-y", "S-y"), scheme="bioes"), Task("pos", "tagging", ("A", "C"))
    )
    found = align(given, known)
    assert found.tasks == known
    part = found.splits["train"]
    assert isinstance(part.content, Sentences) and part.owner is not None and part.owner.tolist() == [1, 0]
    names = [
        [known[k].classes[tag] for tag in part.content.tags[int(part.labels[row, k])]] for row, k in ((0, 1), (1, 0))
    ]
    assert names == [["S-y", "I-y"], ["C", "A"]]
    assert np.isnan(part.labels).tolist() == [[True, False], [False, True]]


def test_tags_of_the_run_itself_do_not_change() -> None:
    found, given = align(tagging(NER, POS), (NER, POS)).splits["train"], tagging(NER, POS).splits["train"]
    assert isinstance(found.content, Sentences) and isinstance(given.content, Sentences)
    for k in (0, 1):
        mine, theirs = (x.content.tags[int(x.labels[k, k])].tolist() for x in (found, given))
        assert mine == theirs


def test_a_tag_that_the_run_does_not_know_is_refused_only_where_it_stands() -> None:
    with pytest.raises(
        ConfigError, match="task 'pos': the run was trained without the label 'X', which 'a' has in the"
    ):
        align(tagging(Task("pos", "tagging", ("A", "X"))), (POS,))
    found = align(tagging(Task("pos", "tagging", ("X", "A", "B"))), (POS,)).splits["train"]
    assert isinstance(found.content, Sentences) and found.content.tags[0].tolist() == [1, 0]
    with pytest.raises(ConfigError, match="task 'pos': the run has a binary task, and the data a tagging task"):
        align(tagging(POS), (Task("pos", "binary", ("0", "1")),))


def test_sentences_without_any_span_suit_a_task_of_spans() -> None:
    only = Dataset(
        "d",
        (Task("ner", "tagging", ("O",)),),
        {"train": Examples(Sentences([["a"]], [np.array([0])]), np.zeros((1, 1)), np.zeros(1, dtype=np.int64))},
        "whitespace",
    )
    found = align(only, (POS, NER)).splits["train"]
    assert isinstance(found.content, Sentences) and found.content.tags[0].tolist() == [0]

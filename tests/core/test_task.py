import dataclasses

import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Kind, Task


@pytest.mark.parametrize(
    ("kind", "classes", "outputs"),
    [
        ("binary", ("negative", "positive"), 2),
        ("multiclass", ("a", "b", "c"), 3),
        ("regression", (), 1),
        ("tagging", ("O",), 1),
        ("tagging", ("O", "B-PER", "I-PER"), 3),
    ],
)
def test_outputs(kind: Kind, classes: tuple[str, ...], outputs: int) -> None:
    assert Task("books", kind, classes).outputs == outputs


@pytest.mark.parametrize(
    ("kind", "classes", "sentence"),
    [
        ("binary", ("one",), "task 'books': a binary task has 2 classes, found 1"),
        ("binary", ("a", "b", "c"), "task 'books': a binary task has 2 classes, found 3"),
        ("multiclass", ("a", "b"), "task 'books': a multiclass task has 3 or more classes, found 2"),
        ("regression", ("a",), "task 'books': a regression task has 0 classes, found 1"),
        ("tagging", (), "task 'books': a tagging task has 1 or more classes, found 0"),
    ],
)
def test_classes_that_do_not_fit_the_kind(kind: Kind, classes: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Task("books", kind, classes)


@pytest.mark.parametrize("name", ["two\nlines", "a\ttab", "\x1b[31mred"])
def test_names_that_would_break_tables(name: str) -> None:
    with pytest.raises(ConfigError, match="a name has no line breaks, tabs or other control characters"):
        Task(name, "regression")
    assert Task("señal 😀‍🔥 a/b", "regression").outputs == 1


def test_a_kind_that_does_not_exist() -> None:
    task = Task("books", "regression")
    object.__setattr__(task, "kind", "rank")  # as it would come in where types are not checked
    with pytest.raises(ConfigError, match="kind must be one of binary, multiclass, regression, tagging, found 'rank'"):
        task.__post_init__()


def test_a_task_stays_as_it_is() -> None:
    task = Task("books", "regression")
    assert (task.weight, task.mean, task.std) == (1.0, 0.0, 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.weight = 2.0  # type: ignore[misc]

from pathlib import Path

import pytest

from tasktalk.core.errors import (
    ConfigError,
    DataError,
    RunFolderError,
    TasktalkError,
    TrainingError,
    is_interrupt,
    nearest,
)


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({}, "expected a, found b"),
        ({"path": "books.train"}, "books.train: expected a, found b"),
        ({"path": Path("books.train"), "line": 7}, "books.train, line 7: expected a, found b"),
    ],
)
def test_a_data_error_says_where(where: dict[str, object], sentence: str) -> None:
    error = DataError("expected a, found b", **where)  # type: ignore[arg-type]
    assert str(error) == sentence
    assert (error.path, error.line) == (where.get("path"), where.get("line"))


@pytest.mark.parametrize("kind", [ConfigError, DataError, RunFolderError, TrainingError])
def test_every_error_of_a_user_is_one_kind(kind: type[Exception]) -> None:
    assert issubclass(kind, TasktalkError)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("book", "did you mean 'books'?"),
        ("bvd", "did you mean 'dvd'?"),
        ("electronic", "did you mean 'electronics'?"),
        ("xyz", "choose from books, dvd, electronics, toys"),
        ("", "choose from books, dvd, electronics, toys"),
    ],
)
def test_nearest_choices(name: str, end: str) -> None:
    assert nearest(name, {"toys", "electronics", "dvd", "books"}) == end


def test_several_choices_are_near() -> None:
    assert nearest("baby", ["baby1", "baby2", "toys"], count=1) == "did you mean 'baby2'?"
    assert nearest("baby", ["baby1", "baby2", "toys"]) == "did you mean 'baby2' or 'baby1'?"


def test_interrupts_are_known_by_what_caused_them() -> None:
    made_of_one = RuntimeError("Error calling __set_name__")
    made_of_one.__cause__ = KeyboardInterrupt()
    assert is_interrupt(KeyboardInterrupt()) and is_interrupt(made_of_one)
    made_beside_one = ValueError("a bug")
    made_beside_one.__context__ = KeyboardInterrupt()
    assert not is_interrupt(made_beside_one) and not is_interrupt(SystemExit(2))

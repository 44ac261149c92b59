"""From rows to a data set."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.assemble import Row, Table, assemble, natural_order


def table(shared: bool = False, tasks: Sequence[str] = ("a",), **splits: Sequence[tuple[str, dict[str, str]]]) -> Table:
    rows = {
        split: [Row(text, labels, Path(f"{split}.csv"), line) for line, (text, labels) in enumerate(given, start=2)]
        for split, given in splits.items()
    }
    return Table("name", tasks, rows, shared, {"train.csv": "0" * 64})


def one_task(*labels: str) -> Table:
    return table(train=[(f"text {number}", {"a": label}) for number, label in enumerate(labels)])


def test_separate_inputs() -> None:
    dataset = assemble(
        table(
            tasks=("a", "b"),
            train=[("x y", {"a": "no"}), ("", {"b": "2"}), ("z", {"a": "yes"}), ("y", {"b": "10"}), ("y", {"b": "1"})],
            test=[("y", {"b": "2"})],
        ),
        "whitespace",
    )
    assert dataset.tasks == (Task("a", "binary", ("no", "yes")), Task("b", "multiclass", ("1", "2", "10")))
    train, test = dataset.splits["train"], dataset.splits["test"]
    assert train.tokens == [["x", "y"], [], ["z"], ["y"], ["y"]]
    assert train.owner is not None
    assert train.owner.tolist() == [0, 1, 0, 1, 1]
    nan = np.nan
    np.testing.assert_array_equal(train.labels, [[0, nan], [nan, 1], [1, nan], [nan, 2], [nan, 0]])
    np.testing.assert_array_equal(test.labels, [[nan, 1]])
    assert list(dataset.splits) == ["train", "test"]
    assert (dataset.name, dataset.tokenizer, dataset.sources) == ("name", "whitespace", {"train.csv": "0" * 64})


def test_shared_inputs_keep_rows_without_any_label() -> None:
    dataset = assemble(
        table(True, ("a", "b"), train=[("x", {"a": "0", "b": "u"}), ("y", {"a": "1"}), ("z", {}), ("w", {"b": "v"})]),
        "characters",
    )
    train = dataset.splits["train"]
    assert train.owner is None
    np.testing.assert_array_equal(train.labels, [[0, 0], [1, np.nan], [np.nan, np.nan], [np.nan, 1]])


def test_class_names_replace_labels_only_where_they_fit() -> None:
    names = {"0": "negative", "1": "positive"}
    assert assemble(one_task("1", "0"), "words", names).tasks[0].classes == ("negative", "positive")
    assert assemble(one_task("1", "2"), "words", names).tasks[0].classes == ("1", "2")
    assert assemble(one_task("0", "1", "2"), "words", names).tasks[0].classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "-1", "0.5"], ["-1", "0.5", "9", "10"]),
        (["a10", "a9", "B1", "a"], ["a", "a9", "a10", "B1"]),
        (["x", "10", "9"], ["9", "10", "x"]),
        (["nan", "2", "inf", "1"], ["1", "2", "inf", "nan"]),
        (["٢", "1", "²", "x"], ["1", "٢", "x", "²"]),
    ],
)
def test_natural_order(labels: list[str], expected: list[str]) -> None:
    assert natural_order(labels) == expected


def test_one_class_only_is_refused() -> None:
    with pytest.raises(DataError, match="train.csv: task 'a': expected at least two classes in training, found only"):
        assemble(one_task("x", "x"), "words")
    with pytest.raises(DataError, match="task 'b': expected at least two classes in training, found no label"):
        assemble(table(True, ("a", "b"), train=[("x", {"a": "0"}), ("y", {"a": "1"})]), "words")


def test_fractions_are_a_regression_and_few_numbers_are_classes() -> None:
    values = [str(number / 10) for number in range(12)]
    measured = assemble(one_task(*values), "words")
    assert (measured.tasks[0].kind, measured.tasks[0].classes) == ("regression", ())
    assert measured.splits["train"].labels[:, 0].tolist() == [float(value) for value in values]
    assert len(assemble(one_task("0.5", "1.5", "2.5"), "words").tasks[0].classes) == 3
    assert len(assemble(one_task(*map(str, range(12))), "words").tasks[0].classes) == 12


def test_a_kind_that_is_given_is_not_inferred() -> None:
    whole = one_task(*map(str, range(101)))
    assert assemble(whole, "words", kinds={"a": "regression"}).tasks[0].kind == "regression"
    fractions = one_task(*(str(number / 10) for number in range(12)))
    assert len(assemble(fractions, "words", kinds={"a": "multiclass"}).tasks[0].classes) == 12
    with pytest.raises(DataError, match="expected two classes, found 12: 0.0, 0.1, 0.2"):
        assemble(fractions, "words", kinds={"a": "binary"})
    with pytest.raises(ConfigError, match="no task 'aa' to give a kind to: did you mean 'a'"):
        assemble(whole, "words", kinds={"aa": "regression"})


def test_identifiers_are_refused() -> None:
    with pytest.raises(DataError, match=re.escape("found 101 different values in 101 training rows")):
        assemble(one_task(*map(str, range(101))), "words")
    assert len(assemble(one_task(*map(str, [*range(101), *range(101)])), "words").tasks[0].classes) == 101


def test_whole_numbers_that_may_be_values() -> None:
    prices = one_task(*(str(50 * number) for number in range(21)))
    expected = (
        "train.csv: task 'a': expected classes, found 21 different values in 21 training rows; --kind a=regression "
        "learns them as values; --kind a=multiclass takes them for classes, and --labels (--label) names the label "
    )
    with pytest.raises(DataError, match=re.escape(expected)):
        assemble(prices, "words")
    with pytest.raises(DataError, match=re.escape("in 21 training rows; --kind a=multiclass takes them for classes")):
        assemble(one_task(*(f"p{number}" for number in range(21))), "words")
    assert len(assemble(prices, "words", kinds={"a": "multiclass"}).tasks[0].classes) == 21
    assert assemble(prices, "words", known={"a": ()}).warnings == ()  # align knows that they are values


def test_whole_numbers_far_apart_are_classes_with_a_warning() -> None:
    prices = one_task(*(str(5 * number) for number in range(11)))
    expected = (
        "task 'a': 11 different whole numbers from 0 to 50 are learned as classes; --kind a=regression learns them as "
        "values, --kind a=multiclass says that they are classes"
    )
    assert assemble(prices, "words").warnings == (expected,)
    for kind in ("regression", "multiclass"):
        assert assemble(prices, "words", kinds={"a": kind}).warnings == ()
    for labels in (range(1, 6), range(20), range(0, 1000, 100)):  # stars, numbered classes, few numbers
        assert assemble(one_task(*map(str, labels)), "words").warnings == ()
    assert assemble(one_task(*(f"c{number}" for number in range(20))), "words").warnings == ()


@pytest.mark.parametrize("unknown", ["nan", "N/A", "NULL"])
def test_word_for_nothing_beside_numbers_is_refused(unknown: str) -> None:
    expected = f"train.csv, line 4: task 'a': expected numbers, found '{unknown}'; leave the cell empty where nothing"
    with pytest.raises(DataError, match=re.escape(expected)):
        assemble(one_task("0", "1", unknown), "words")
    assert assemble(one_task("0", "1", unknown), "words", kinds={"a": "multiclass"}).tasks[0].classes[-1] == unknown
    assert len(assemble(one_task("yes", "no", unknown), "words").tasks[0].classes) == 3
    assert len(assemble(one_task("0", "1", "unsure"), "words").tasks[0].classes) == 3


def test_label_that_training_lacks() -> None:
    given = table(train=[("x", {"a": "good"}), ("y", {"a": "bad"})], dev=[("z", {"a": "goood"})])
    with pytest.raises(DataError, match=r"dev.csv, line 2: task 'a': label 'goood' is not in training; did you mean"):
        assemble(given, "words")


def test_unknown_tokeniser() -> None:
    with pytest.raises(ConfigError, match=re.escape("unknown tokeniser 'word'")):
        assemble(one_task("x", "y"), "word")


def test_texts_of_dev_that_stand_in_train_give_a_warning() -> None:
    train = [("x y", {"a": "0"}), ("y", {"a": "1"}), ("x", {"b": "0"}), ("z", {"b": "1"})]
    dev = [("x  y", {"a": "0"}), ("x", {"a": "0"}), ("z", {"b": "1"})]
    dataset = assemble(table(tasks=("a", "b"), train=train, dev=dev), "words")
    assert dataset.warnings == ("2 of 3 dev texts also stand in train: a 1, b 1",)
    assert assemble(table(tasks=("a", "b"), train=train, dev=dev[1:2]), "words").warnings == ()


def test_what_is_only_scored_needs_no_second_class() -> None:
    same = one_task("good", "good")
    with pytest.raises(DataError, match="train.csv: task 'a': expected at least two classes in training, found only"):
        assemble(same, "words")
    known = {"a": ("bad", "good")}
    scored = assemble(same, "words", known=known)
    assert scored.tasks == (Task("a", "binary", ("bad", "good")),)
    np.testing.assert_array_equal(scored.splits["train"].labels, [[1], [1]])
    assert assemble(one_task("new"), "words", known=known).tasks[0].classes == ("bad", "good", "new")
    tested = table(train=[("x", {"a": "good"})], test=[("y", {"a": "fair"}), ("y", {"a": "bad"})])
    assert assemble(tested, "words", known=known).tasks[0].classes == ("bad", "fair", "good")
    assert assemble(one_task("1.5"), "words", known={"a": ()}).tasks == (Task("a", "regression"),)
    with pytest.raises(DataError, match="train.csv, line 2: task 'a': expected a number, found 'good'"):
        assemble(same, "words", known={"a": ()})
    with pytest.raises(DataError, match="expected at least two classes in training, found only 'good'"):
        assemble(same, "words", known={"b": ("bad", "good")})

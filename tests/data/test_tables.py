"""Tables with separate and with shared inputs."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.tables import load_tables


def write(path: Path, *rows: str, header: str = "text,label") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def reviews(path: Path, count: int = 40) -> Path:
    return write(path, *(f"{path.stem} review {number},{number % 2}" for number in range(count)))


def sizes(paths: list[Path | str], **arguments: float) -> dict[str, int]:
    dataset = load_tables(paths, **arguments)  # type: ignore[arg-type]
    return {split: len(examples) for split, examples in dataset.splits.items()}


def test_a_file_per_task_is_split(tmp_path: Path) -> None:
    books, dvd = reviews(tmp_path / "books.csv"), reviews(tmp_path / "dvd.csv", 60)
    dataset = load_tables([books, f"films={dvd}"])
    assert dataset.name == tmp_path.name
    assert dataset.tasks == (Task("books", "binary", ("0", "1")), Task("films", "binary", ("0", "1")))
    assert {split: len(examples) for split, examples in dataset.splits.items()} == {"train": 70, "dev": 10, "test": 20}
    test = dataset.splits["test"]
    assert test.owner is not None
    assert Counter(test.owner.tolist()) == {0: 8, 1: 12}
    assert np.nansum(test.labels, axis=0).tolist() == [4, 6]
    assert dataset.sources == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (books, dvd)}
    assert dataset.tokenizer == "words"
    assert dataset.warnings == ()


def test_split_files_are_found_by_their_names(tmp_path: Path) -> None:
    train, dev = reviews(tmp_path / "books.train.csv"), reviews(tmp_path / "books.dev.csv", 6)
    assert sizes([train]) == {"train": 40, "dev": 6}
    test = reviews(tmp_path / "books.test.csv", 8)
    assert sizes([dev]) == sizes([train, dev, test]) == {"train": 40, "dev": 6, "test": 8}
    assert load_tables([train]).tasks[0].name == "books"
    dev.unlink()
    assert sizes([test], dev=0.25) == {"train": 30, "dev": 10, "test": 8}
    assert sizes([test], dev=0.0) == {"train": 40, "test": 8}


def test_whole_file_beside_a_test_file_is_for_training(tmp_path: Path) -> None:
    whole = reviews(tmp_path / "books.csv")
    reviews(tmp_path / "books.test.csv", 8)
    assert sizes([whole]) == {"train": 36, "dev": 4, "test": 8}
    reviews(tmp_path / "books.train.csv")
    with pytest.raises(DataError, match=r"books.csv: found books.train.csv beside it"):
        load_tables([whole])


def test_files_named_after_their_split_only(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    train = reviews(tmp_path / "books" / "train.csv")
    reviews(tmp_path / "books" / "test.csv", 8)
    dataset = load_tables([train])
    assert (dataset.name, dataset.tasks[0].name) == ("books", "books")
    assert len(dataset.splits["test"]) == 8


def test_nothing_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"books.test.csv: expected books.train.csv beside it to train on, found none"):
        load_tables([reviews(tmp_path / "books.test.csv")])
    with pytest.raises(DataError, match=r"films.csv: no such file"):
        load_tables([f"dvd={tmp_path}/films.csv"])
    with pytest.raises(ConfigError, match="expected at least one table"):
        load_tables([])


def test_two_tables_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, second = reviews(tmp_path / "books.csv"), reviews(tmp_path / "other" / "books.csv")
    with pytest.raises(ConfigError, match="two tables named 'books'"):
        load_tables([first, second])
    assert set(load_tables([first, f"more={second}"]).sources) == {str(first), str(second)}


def test_same_text_of_two_tasks_stays_on_one_side(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{name}.csv", *(f"text {n},{n % 2}" for n in range(30))) for name in "ab"]
    dataset = load_tables(paths)
    sides = [{tuple(words) for words in examples.tokens} for examples in dataset.splits.values()]
    assert sum(map(len, sides)) == 30
    assert all(sides)


def test_other_columns_and_formats(tmp_path: Path) -> None:
    tsv = tmp_path / "a.tsv"
    tsv.write_text("id\tstars\treview\n" + "".join(f"{n}\t{n % 3 + 9}\tIt's {n}\n" for n in range(30)))
    jsonl = tmp_path / "b.jsonl"
    jsonl.write_text("".join(f'{{"review": "x {n}", "stars": {n % 2}.0, "meta": []}}\n' for n in range(30)))
    dataset = load_tables([tsv, jsonl], text="review", label="stars")
    assert dataset.tasks == (Task("a", "multiclass", ("9", "10", "11")), Task("b", "binary", ("0", "1")))
    assert dataset.splits["train"].tokens[0][:2] == ["it", "'s"]


def test_shared_inputs(tmp_path: Path) -> None:
    rows = [f"film {n},{n % 2},{'' if n % 3 else n % 4}.0" for n in range(24)]
    rows = [row.replace(",.0", ",") for row in rows] + [",1,"]
    path = write(tmp_path / "films.csv", *rows, header="plot,comedy,war")
    dataset = load_tables([path], text="plot", dev=0.0, test=0.0, tokenizer="whitespace")
    assert dataset.name == "films"
    assert dataset.tasks == (Task("comedy", "binary", ("0", "1")), Task("war", "multiclass", ("0", "1", "2", "3")))
    train = dataset.splits["train"]
    assert train.owner is None
    assert (~np.isnan(train.labels)).sum(axis=0).tolist() == [25, 8]
    assert train.labels[:4].tolist()[0] == [0, 0]
    assert train.labels[3].tolist() == [1, 3]
    assert train.tokens[24] == []
    assert [task.name for task in load_tables([path], text="plot", tasks=["war"]).tasks] == ["war"]
    assert [task.name for task in load_tables([path], text="plot", labels=["war", "comedy"]).tasks] == ["war", "comedy"]


def test_shared_inputs_keep_rare_classes_in_training(tmp_path: Path) -> None:
    rows = [f"film {n},{n % 2},{'rare' if n == 7 else 'often'}" for n in range(50)]
    path = write(tmp_path / "films.csv", *rows, header="text,comedy,war")
    for seed in range(5):
        splits = load_tables([path], seed=seed).splits
        assert [len(examples) for examples in splits.values()] == [35, 5, 10]
        assert np.nansum(splits["train"].labels[:, 1]) == 1


def test_shared_inputs_from_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "films.jsonl"
    path.write_text(
        '{"text": "x", "a": true}\n{"text": "y", "a": false, "b": 1}\n{"text": "z", "b": null}\n{"text": "w", "b": 0}'
    )
    dataset = load_tables([path], dev=0.0, test=0.0)
    assert dataset.tasks == (Task("a", "binary", ("false", "true")), Task("b", "binary", ("0", "1")))
    np.testing.assert_array_equal(dataset.splits["train"].labels, [[1, np.nan], [0, 1], [np.nan] * 2, [np.nan, 0]])


def test_a_label_column_makes_a_single_table_one_task(tmp_path: Path) -> None:
    path = write(tmp_path / "books.csv", *(f"{n},t {n},{n % 2}" for n in range(20)), header="id,text,label")
    assert [task.name for task in load_tables([path]).tasks] == ["books"]
    assert [task.name for task in load_tables([path], labels=["label"]).tasks] == ["label"]


def test_wrong_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x,0", "y,1", header="txt,label")
    expected = "a.csv: expected a column 'text', found 'txt', 'label'; did you mean 'txt'?"
    with pytest.raises(DataError, match=re.escape(expected)):
        load_tables([path])
    with pytest.raises(DataError, match="expected a column 'stars', found 'txt', 'label'"):
        load_tables([path], text="txt", label="stars")
    with pytest.raises(DataError, match="expected a column 'war', found 'txt', 'label'"):
        load_tables([path], text="txt", labels=["war"])
    alone = write(tmp_path / "b.csv", "x", header="text")
    with pytest.raises(DataError, match=r"b.csv: expected label columns beside 'text', found none"):
        load_tables([alone])


def test_contradictions_and_unknown_tasks(tmp_path: Path) -> None:
    paths = [reviews(tmp_path / "a.csv"), reviews(tmp_path / "b.csv")]
    with pytest.raises(ConfigError, match="label columns go with one table and no label column, found 2 and None"):
        load_tables(paths, labels=["x"])
    with pytest.raises(ConfigError, match="found 1 and 'label'"):
        load_tables(paths[:1], label="label", labels=["x"])
    with pytest.raises(ConfigError, match="no task 'c': choose from a, b"):
        load_tables(paths, tasks=["c"])
    assert [task.name for task in load_tables(paths, tasks=["b"]).tasks] == ["b"]


def test_missing_label_of_separate_inputs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x,0", "y, ", "z,1")
    with pytest.raises(DataError, match=r"a.csv, line 3: expected a label in column 'label', found none"):
        load_tables([path])


def test_label_of_the_test_file_that_training_lacks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.train.csv", *(f"x{n},{label}" for n, label in enumerate(["good", "bad"] * 5)))
    write(tmp_path / "a.test.csv", "x,good", "y,god")
    with pytest.raises(DataError, match=r"a.test.csv, line 3: task 'a': label 'god' is not in training; did you mean"):
        load_tables([path])


def test_one_class_only(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x,0", "y,0", "z,0")
    with pytest.raises(DataError, match=r"a.csv: task 'a': expected at least two classes in training, found only '0'"):
        load_tables([path])


def test_dev_file_that_shares_texts_with_train_gives_a_warning(tmp_path: Path) -> None:
    path = reviews(tmp_path / "a.train.csv")
    write(tmp_path / "a.dev.csv", "a.train review 3,1", "A.train   review 4,0", "new,1")
    assert load_tables([path]).warnings == ("2 of 3 dev texts also stand in train: a 2",)

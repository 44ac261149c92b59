"""The FDU format."""

import re
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset
from tasktalk.data.duplicates import seen
from tasktalk.data.fdu import load_fdu, task_names

TRAIN_SIZES = {"electronics": 1398, "camera_photo": 1397, "baby": 1300, "magazines": 1370, "software": 1315}
TEST_TEXTS_IN_TRAIN = {
    "apparel": 5, "baby": 10, "books": 7, "camera_photo": 64, "dvd": 11, "electronics": 12, "health_personal_care": 30,
    "imdb": 0, "kitchen_housewares": 9, "magazines": 149, "MR": 0, "music": 7, "software": 56, "sports_outdoors": 26,
    "toys_games": 8, "video": 97,
}  # fmt: skip


def write(folder: Path, name: str, rows: list[str], encoding: str = "utf-8") -> None:
    (folder / name).write_bytes("".join(row + "\n" for row in rows).encode(encoding))


def rows(count: int, labels: str = "01") -> list[str]:
    return [f"{labels[number % len(labels)]}\ttext {number}" for number in range(count)]


def test_last_rows_are_dev_and_test_is_optional(tmp_path: Path) -> None:
    write(tmp_path, "b.task.train", rows(10))
    write(tmp_path, "b.task.test", ["1\tnew text", "0\t"])
    write(tmp_path, "A.task.train", rows(8, "xyz"))
    write(tmp_path, "A.task.unlabel", ["only text"])
    dataset = load_fdu(tmp_path, dev_rows=3)
    assert dataset.tasks == (Task("A", "multiclass", ("x", "y", "z")), Task("b", "binary", ("negative", "positive")))
    train, dev, test = (dataset.splits[split] for split in ("train", "dev", "test"))
    assert (len(train), len(dev), len(test)) == (5 + 7, 3 + 3, 2)
    assert dev.tokens[-1] == ["text", "9"]
    assert test.tokens == [["new", "text"], []]
    assert test.owner is not None
    assert test.owner.tolist() == [1, 1]
    np.testing.assert_array_equal(test.labels, [[np.nan, 1], [np.nan, 0]])
    assert set(dataset.sources) == {"A.task.train", "b.task.train", "b.task.test"}
    assert dataset.tokenizer == "whitespace"


def test_two_hundred_rows_of_dev_by_default(tmp_path: Path) -> None:
    write(tmp_path, "a.task.train", rows(203))
    dataset = load_fdu(tmp_path)
    assert {split: len(examples) for split, examples in dataset.splits.items()} == {"train": 3, "dev": 200}
    write(tmp_path, "a.task.train", rows(200))
    with pytest.raises(DataError, match=r"a.task.train: expected more than 200 rows .*, found 200"):
        load_fdu(tmp_path)


def test_bytes_that_other_readers_trip_over(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf0\ta\xc2\x85b c\x85\r\n1\tcaf\xe9\r\n0\t\r\n1\td\r\n"
    (tmp_path / "a.task.train").write_bytes(content)
    dataset = load_fdu(tmp_path, dev_rows=1)
    train = dataset.splits["train"]
    assert len(train) == 3
    assert train.tokens[1:] == [["café"], []]
    assert train.labels[:, 0].tolist() == [0, 1, 0]


def test_undecodable_byte(tmp_path: Path) -> None:
    (tmp_path / "a.task.train").write_bytes(b"0\tfine\n1\t\x81\n")
    with pytest.raises(DataError, match=re.escape("a.task.train, line 2: expected text in UTF-8 or cp1252, found")):
        load_fdu(tmp_path)


@pytest.mark.parametrize("row", ["1 no tab", "\tno label", ""])
def test_malformed_row(tmp_path: Path, row: str) -> None:
    write(tmp_path, "a.task.train", [*rows(4), row, *rows(4)])
    with pytest.raises(DataError, match=re.escape("a.task.train, line 5: expected label<TAB>text, found")):
        load_fdu(tmp_path, dev_rows=1)


def test_label_of_dev_or_test_that_training_lacks(tmp_path: Path) -> None:
    write(tmp_path, "a.task.train", [*rows(4), "2\tx"])
    with pytest.raises(DataError, match=re.escape("a.task.train, line 5: task 'a': label '2' is not in training")):
        load_fdu(tmp_path, dev_rows=1)
    write(tmp_path, "a.task.train", rows(4))
    write(tmp_path, "a.task.test", ["0\tx", "-1\ty"])
    with pytest.raises(DataError, match=re.escape("a.task.test, line 2: task 'a': label '-1' is not in training")):
        load_fdu(tmp_path, dev_rows=1)


def test_some_tasks(tmp_path: Path) -> None:
    for name in ("books", "DVD", "music"):
        write(tmp_path, f"{name}.task.train", rows(4))
    assert task_names(tmp_path) == ["books", "DVD", "music"]
    assert [task.name for task in load_fdu(tmp_path, ["music", "books"], dev_rows=1).tasks] == ["books", "music"]
    with pytest.raises(ConfigError, match=re.escape("no task 'book': did you mean 'books'?")):
        load_fdu(tmp_path, ["book"])


def test_no_tasks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape("expected files <task>.task.train, found none")):
        load_fdu(tmp_path)


@pytest.fixture(scope="module")
def fdu(real_data: Path) -> Dataset:
    return load_fdu(real_data / "fdu-mtl")


def test_real_counts(fdu: Dataset) -> None:
    names = [task.name for task in fdu.tasks]
    assert names == list(TEST_TEXTS_IN_TRAIN)
    for split, expected in {
        "train": [TRAIN_SIZES.get(name, 1400) for name in names],
        "dev": [200] * 16,
        "test": [400] * 16,
    }.items():
        examples = fdu.splits[split]
        assert examples.owner is not None
        assert np.bincount(examples.owner, minlength=16).tolist() == expected
        assert (~np.isnan(examples.labels)).sum(axis=0).tolist() == expected
    assert {task.classes for task in fdu.tasks} == {("negative", "positive")}
    assert sum(not words for examples in fdu.splits.values() for words in examples.tokens) == 1
    assert len(fdu.sources) == 32


def test_real_duplicates_have_the_same_label(fdu: Dataset) -> None:
    train, test = fdu.splits["train"], fdu.splits["test"]
    assert train.owner is not None
    assert test.owner is not None
    twice = seen(test, train)
    assert twice.sum() == 491
    counts = np.bincount(test.owner[twice], minlength=16)
    assert dict(zip((task.name for task in fdu.tasks), counts.tolist(), strict=True)) == TEST_TEXTS_IN_TRAIN
    labels: dict[tuple[int, tuple[str, ...]], set[float]] = {}
    for number, owner in enumerate(train.owner):
        labels.setdefault((owner, tuple(train.tokens[number])), set()).add(train.labels[number, owner])
    for row in np.flatnonzero(twice):
        owner = test.owner[row]
        assert labels[owner, tuple(test.tokens[row])] == {test.labels[row, owner]}
    assert fdu.warnings[0].startswith("257 of 3200 dev texts also stand in train: apparel 5, baby 7")


def test_real_lines_that_are_not_utf8(fdu: Dataset) -> None:
    names = [task.name for task in fdu.tasks]
    train, test = fdu.splits["train"], fdu.splits["test"]
    assert train.owner is not None
    assert test.owner is not None
    line_905 = train.tokens[np.flatnonzero(train.owner == names.index("dvd"))[904]]
    assert "kï¿½ttbullar" in line_905
    line_122 = test.tokens[np.flatnonzero(test.owner == names.index("MR"))[121]]
    assert {"pokémon", "–"} <= set(line_122)

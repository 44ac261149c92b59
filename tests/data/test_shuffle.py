import numpy as np
import pytest

from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, Sentences
from tasktalk.data.schemes import problem_of
from tasktalk.data.shuffle import shuffle_labels
from tests.training.toy import mixed, tagged, toy


@pytest.mark.parametrize("dataset", [toy(), toy(shared=True), mixed()], ids=["separate", "shared", "mixed"])
def test_labels_are_permuted_within_each_task(dataset: Dataset) -> None:
    shuffled = shuffle_labels(dataset, seed=3)
    for name in ("train", "dev"):
        before, after = dataset.splits[name], shuffled.splits[name]
        assert after.content is before.content
        np.testing.assert_array_equal(np.isnan(before.labels), np.isnan(after.labels))
        np.testing.assert_array_equal(np.sort(before.labels, axis=0), np.sort(after.labels, axis=0))
        assert not np.array_equal(before.labels, after.labels, equal_nan=True)
    assert shuffled.splits["test"] is dataset.splits["test"]
    assert shuffled.tasks == dataset.tasks


def test_the_seed_decides_and_the_sources_tell() -> None:
    dataset = toy()
    once, again, other = (shuffle_labels(dataset, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(once.splits["train"].labels, again.splits["train"].labels)
    assert not np.array_equal(once.splits["train"].labels, other.splits["train"].labels, equal_nan=True)
    assert once.sources == {**dataset.sources, "labels": "shuffled with seed 0"}


def test_nothing_is_learned_from_them() -> None:
    dataset = toy(sizes=(2000, 2000, 2000))
    train = shuffle_labels(dataset).splits["train"]
    good = np.array(["good" in words for words in train.tokens])
    for task in range(3):
        known = ~np.isnan(train.labels[:, task])
        assert abs(np.corrcoef(train.labels[known, task], good[known])[0, 1]) < 0.1


def test_tags_fit_their_sentences_and_their_scheme() -> None:
    dataset = tagged()
    shuffled = shuffle_labels(dataset)
    for name in ("train", "dev"):
        before, after = dataset.splits[name], shuffled.splits[name]
        for column, task in enumerate(dataset.tasks):
            rows = np.flatnonzero(~np.isnan(before.labels[:, column]))
            old, new = (_tags(split, column, rows) for split in (before, after))
            assert [len(tags) for tags in new] == [len(before.tokens[row]) for row in rows]
            assert any(not np.array_equal(a, b) for a, b in zip(old, new, strict=True))
            if task.scheme:
                named = [[task.classes[tag] for tag in tags] for tags in new]
                assert [problem for tags in named if (problem := problem_of(tags, "bioes"))] == []
            else:
                assert sorted(np.concatenate(old).tolist()) == sorted(np.concatenate(new).tolist())


def _tags(examples: Examples, column: int, rows: np.ndarray) -> list[np.ndarray]:
    assert isinstance(examples.content, Sentences)
    return [examples.content.tags[int(n)] for n in examples.labels[rows, column]]


def test_a_task_without_labels() -> None:
    tasks = (Task("known", "binary", ("no", "yes")), Task("unknown", "binary", ("no", "yes")))
    labels = np.stack((np.arange(8.0) % 2, np.full(8, np.nan)), axis=1)
    dataset = Dataset("half", tasks, {"train": Examples([["a"]] * 8, labels, None)}, "")
    assert np.isnan(shuffle_labels(dataset).splits["train"].labels[:, 1]).all()

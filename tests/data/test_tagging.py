"""Corpora of tagged sentences as a data set."""

import re
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, Sentences
from tasktalk.data.request import Request
from tasktalk.data.tagging import load_tagging

ALONE = Request(dev=0.0, test=0.0)


def load(*sources: str, request: Request = ALONE, folder: Path = Path()) -> Dataset:
    return load_tagging(sources, request, lambda name: folder / name)


def write(path: Path, text: str) -> Path:
    """A column file: words of a sentence as ``word/tag``, a sentence per line."""
    path.parent.mkdir(exist_ok=True)
    sentences = [[word.rpartition("/") for word in line.split()] for line in text.splitlines()]
    path.write_text("\n".join("".join(f"{word} {tag}\n" for word, _, tag in words) for words in sentences))
    return path


def told(dataset: Dataset, split: str) -> list[tuple[str, str, str]]:
    """Task, words and tags of every example."""
    found: Examples = dataset.splits[split]
    assert isinstance(found.content, Sentences)
    assert found.owner is not None
    lines = []
    for row, owner in enumerate(found.owner):
        assert np.flatnonzero(~np.isnan(found.labels[row])).tolist() == [owner]
        tags = found.content.tags[int(found.labels[row, owner])]
        names = [dataset.tasks[owner].classes[tag] for tag in tags]
        lines.append((dataset.tasks[owner].name, " ".join(found.content.words[row]), " ".join(names)))
    return lines


def test_every_corpus_is_a_task(tmp_path: Path) -> None:
    ner = write(tmp_path / "ner.txt", "Ann/B-PER Lee/I-PER ran/O\nOslo/B-LOC")
    pos = write(tmp_path / "pos.txt", "We/PRP ran/VBD")
    dataset = load(f"{ner}", f"{pos}:test={pos}:dev={pos}")
    marked = ("B-LOC", "B-PER", "E-LOC", "E-PER", "I-LOC", "I-PER", "S-LOC", "S-PER")
    assert dataset.tasks == (
        Task("ner", "tagging", ("O", *marked), scheme="iob2"),
        Task("pos", "tagging", ("PRP", "VBD")),
    )
    assert told(dataset, "train") == [
        ("ner", "Ann Lee ran", "B-PER E-PER O"),
        ("ner", "Oslo", "S-LOC"),
        ("pos", "We ran", "PRP VBD"),
    ]
    assert told(dataset, "test") == told(dataset, "dev") == [("pos", "We ran", "PRP VBD")]
    assert (dataset.name, dataset.tokenizer) == ("ner+pos", "whitespace")
    assert sorted(dataset.sources) == ["ner.txt", "pos.txt"]
    assert dataset.warnings == ("1 of 1 dev texts also stand in train: pos 1",)


def test_tasks_are_chosen(tmp_path: Path) -> None:
    paths = [str(write(tmp_path / f"{name}.txt", "We/PRP")) for name in "abc"]
    assert [task.name for task in load(*paths, request=Request(tasks=("c", "a"), dev=0.0, test=0.0)).tasks] == [
        "a",
        "c",
    ]
    with pytest.raises(ConfigError, match="no task 'd': choose from a, b, c"):
        load(*paths, request=Request(tasks=("d",)))
    with pytest.raises(ConfigError, match="2 corpora named 'a': rename all but one with NAME="):
        load(paths[0], paths[0])
    with pytest.raises(ConfigError, match="tagged sentences bring their words: leave out the tokeniser 'words'"):
        load(paths[0], request=Request(tokenizer="words"))


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        ("iob1", "a/I-X b/B-X c/I-X"),
        ("iob2", "a/B-X b/B-X c/I-X"),
        ("bioes", "a/S-X b/B-X c/E-X"),
        ("bioes", "a/U-X b/B-X c/L-X"),
    ],
)
def test_spans_of_every_scheme_become_bioes(tmp_path: Path, scheme: str, text: str) -> None:
    dataset = load(str(write(tmp_path / "a.txt", text)))
    assert dataset.tasks[0].scheme == scheme
    assert told(dataset, "train") == [("a", "a b c", "S-X B-X E-X")]


def test_a_tag_that_training_lacks_is_a_class_and_a_warning(tmp_path: Path) -> None:
    train = write(tmp_path / "train.txt", "a/O b/B-X\nc/B-Y c/B-X")
    test = write(tmp_path / "test.txt", "a/B-X b/I-X c/I-X\nb/B-Z")
    dataset = load(f"x={train}:test={test}:limit=1")
    assert {name[2:] for name in dataset.tasks[0].classes if name != "O"} == {"X", "Z"}
    assert dataset.warnings == (
        "task 'x': the tag 'B-Z' is not in training; 1 word of test (test.txt) has it",
        "task 'x': the tag 'I-X' is not in training; 2 words of test (test.txt) have it",
    )
    assert told(dataset, "test") == [("x", "a b c", "B-X I-X E-X"), ("x", "b", "S-Z")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a/B-X b/I-X\na/O b/I-X", "test.txt, line 5: task 'x': expected a tag that begins a span, as in IOB2"),
        ("a/B-X b/E-X", "test.txt, line 2: task 'x': expected O or a tag of IOB2, as most are, found 'E-X'"),
        ("a/B-X b/X", "test.txt, line 2: task 'x': expected O or a tag of IOB2, as most are, found 'X'"),
    ],
)
def test_tags_of_mixed_schemes_are_refused(tmp_path: Path, text: str, message: str) -> None:
    train = write(tmp_path / "train.txt", "a/O b/B-X c/I-X\n" * 3)
    with pytest.raises(DataError, match=re.escape(message)):
        load(f"x={train}:test={write(tmp_path / 'test.txt', text)}")


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    first, second = (write(tmp_path / folder / "train.txt", f"{folder}/X") for folder in "ab")
    assert sorted(load(f"x={first}", f"y={second}").sources) == ["x/train.txt", "y/train.txt"]
    assert sorted(load(f"x={first}", f"y={first}").sources) == ["train.txt"]


def test_a_sentence_of_5000_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "a/B-X " + "b/I-X " * 4998 + "c/I-X")
    ((_, words, tags),) = told(load(str(path)), "train")
    assert len(words.split()) == 5000
    assert tags.split()[-2:] == ["I-X", "E-X"]


def test_real_data(real_data: Path) -> None:
    dataset = load("treebank-sample", request=Request(), folder=real_data)
    assert {split: len(part) for split, part in dataset.splits.items()} == {"train": 2740, "dev": 391, "test": 783}
    assert (len(dataset.tasks[0].classes), dataset.tasks[0].scheme) == (45, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "scheme", "classes", "counts"),
    [
        ("conll2000", "iob2", 45, {"train": (8042, 190_717), "dev": (894, 21_010), "test": (2012, 47_377)}),
        ("conll2000:column=1", "", 44, {"train": (8042, 190_717), "dev": (894, 21_010), "test": (2012, 47_377)}),
        ("ud-ewt", "", 49, {"train": (12_544, 204_577), "dev": (2001, 25_147), "test": (2077, 25_094)}),
        ("ud-ewt:column=upos", "", 17, {"train": (12_544, 204_577), "dev": (2001, 25_147), "test": (2077, 25_094)}),
        ("wnut17", "iob2", 25, {"train": (3394, 62_730), "dev": (1009, 15_733), "test": (1287, 23_394)}),
        ("wikiann-en", "iob2", 13, {"train": (20_000, 160_394), "dev": (10_000, 80_536), "test": (10_000, 80_326)}),
    ],
)
def test_counts_of_the_catalogue(
    real_data: Path, source: str, scheme: str, classes: int, counts: dict[str, tuple[int, int]]
) -> None:
    dataset = load(source, request=Request(), folder=real_data)
    assert (dataset.tasks[0].scheme, len(dataset.tasks[0].classes)) == (scheme, classes)
    found = {split: (len(part), sum(map(len, part.tokens))) for split, part in dataset.splits.items()}
    assert found == counts
    unseen = [warning for warning in dataset.warnings if "not in training" in warning]
    expected = "task 'conll2000': the tag 'I-LST' is not in training; 2 words of test (test.txt) have it"
    assert unseen == ([expected] if source == "conll2000" else [])

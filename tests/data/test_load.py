"""One way to load any data set."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.data.catalogue import CATALOGUE, Entry, RemoteFile
from tasktalk.data.dataset import Dataset, Molecules, Nodes, Sentences
from tasktalk.data.fdu import load_fdu
from tasktalk.data.load import load
from tasktalk.data.request import Request
from tests.data.server import Site, serve

TRAIN = "".join(f"{number % 2}\tText {number}\n" for number in range(210)).encode()


def _toy(folder: Path, request: Request) -> Dataset:
    return load_fdu(folder, request.tasks, request.tokenizer or "whitespace")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A catalogue with a data set ``toy`` of one task on a server on this machine, and an empty cache."""
    with serve(Site({"a.task.train": TRAIN})) as site:
        file = RemoteFile("toy/a.task.train", f"{site.url}/a.task.train", hashlib.sha256(TRAIN).hexdigest())
        monkeypatch.setitem(CATALOGUE, "toy", Entry("toy", "toy", "none", "nobody", (file,), _toy))
        monkeypatch.setenv("TASKTALK_DATA", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        yield tmp_path


def table(path: Path, header: str = "text,label") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(header + "\n" + "".join(f"Review {number},{number % 2}\n" for number in range(20)))
    return path


def test_by_name_fetches_when_it_is_missing(toy: Path) -> None:
    dataset = load("toy", progress=False)
    assert (dataset.name, dataset.tokenizer, len(dataset.splits["train"])) == ("toy", "whitespace", 10)
    assert (toy / "cache/toy/a.task.train").read_bytes() == TRAIN
    assert load("toy", tokenizer="words").splits["train"].tokens[0] == ["text", "0"]


def test_a_folder_in_fdu_format(toy: Path) -> None:
    load("toy", progress=False)
    folder = toy / "cache" / "toy"
    assert load(folder).splits["train"].tokens == load(str(folder), tasks=["a"]).splits["train"].tokens
    with pytest.raises(ConfigError, match="no task 'b': choose from a"):
        load(folder, tasks=["b"])


def test_tables(tmp_path: Path) -> None:
    paths = [table(tmp_path / "files" / name) for name in ("b.csv", "A.csv")]
    (tmp_path / "files" / "notes.md").write_text("not a table")
    assert [task.name for task in load(tmp_path / "files").tasks] == ["A", "b"]
    assert [task.name for task in load(paths).tasks] == ["b", "A"]
    assert [task.name for task in load([f"books={paths[0]}"]).tasks] == ["books"]
    dataset = load(str(paths[0]), dev=0.2, test=0.0, seed=3, tokenizer="characters")
    assert [len(examples) for examples in dataset.splits.values()] == [16, 4]
    assert dataset.tokenizer == "characters"
    shared = load(table(tmp_path / "c.csv", "review,good"), text="review", labels=["good"])
    assert shared.splits["train"].owner is None


def test_molecules_and_nodes_are_told_by_what_is_asked(tmp_path: Path) -> None:
    pytest.importorskip("rdkit", reason="RDKit is not installed: no molecules")
    molecules, labels, edges = (tmp_path / name for name in ("drugs.csv", "people.csv", "friends.csv"))
    rows = "".join(f"{'C' * (n + 1)},{n % 2},{n % 3}\n" for n in range(20))
    molecules.write_text("smiles,toxic,colour\n" + rows)
    labels.write_text("node,member\n" + "".join(f"n{n},{n % 2}\n" for n in range(20)))
    edges.write_text("a,b\n" + "".join(f"n{n},n{n + 1}\n" for n in range(19)))
    drugs = load(molecules, smiles="smiles", labels=["toxic"], split="scaffold")
    assert isinstance(drugs.splits["train"].content, Molecules)
    assert [task.name for task in drugs.tasks] == ["toxic"]
    people = load(str(labels), edges=str(edges), dev=0.0)
    assert isinstance(people.splits["train"].content, Nodes)
    assert list(people.splits) == ["train", "test"]
    texts = load(molecules, text="smiles", kinds={"colour": "regression"})
    assert isinstance(texts.splits["train"].content, list)
    assert [task.kind for task in texts.tasks] == ["binary", "regression"]


def test_what_is_one_file_is_not_given_as_several(tmp_path: Path) -> None:
    paths = [table(tmp_path / name) for name in ("a.csv", "b.csv")]
    cases: list[tuple[dict[str, Any], str]]
    cases = [({"smiles": "text"}, "a table of molecules"), ({"edges": "c.csv"}, "the labels of a graph")]
    for choices, what in cases:
        with pytest.raises(ConfigError, match=f"expected {what} in one file, found 2 files"):
            load(paths, **choices)
    for name in ("a.mat", "b.mat"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match="expected a graph in one file, found 2 files"):
        load([tmp_path / "a.mat", tmp_path / "b.mat"])


def test_a_choice_that_there_is_not_is_an_error_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="smile"):
        load(table(tmp_path / "a.csv"), smile="text")


def test_names_win_over_folders_of_the_same_name(toy: Path) -> None:
    table(toy / "toy" / "b.csv")
    assert [task.name for task in load("toy", progress=False).tasks] == ["a"]
    assert [task.name for task in load("./toy").tasks] == ["b"]


def test_nothing_of_that_name(toy: Path) -> None:
    with pytest.raises(ConfigError, match="no data set, folder or table 'tooy': did you mean 'toy'"):
        load("tooy")
    with pytest.raises(DataError, match=r"reviews.csv: no such file"):
        load("reviews.csv")
    with pytest.raises(DataError, match=r"folder/reviews: no such file"):
        load("folder/reviews")
    (toy / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: expected files <task>.task.train or tables \(.csv, .tsv, .jsonl\)"):
        load(toy / "empty")


def test_corpora_of_tagged_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.conll", "b.txt"):
        Path(name).write_text("".join(f"w{number} DT O\nx NN B-X\n\n" for number in range(20)))
    alone = load("a.conll")
    assert isinstance(alone.splits["train"].content, Sentences)
    assert [len(examples) for examples in alone.splits.values()] == [14, 2, 4]
    dataset = load([Path("a.conll"), "pos=b.txt:column=1"], dev=0.0, test=0.0, tasks=["pos"])
    assert [(task.name, task.classes) for task in dataset.tasks] == [("pos", ("DT", "NN"))]
    assert load(["ner=a.conll"]).tasks[0].name == "ner"


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["a.conll", "b.csv"], "'a.conll' is a corpus of tagged sentences, and 'b.csv' is none: load them apart"),
        (["fdu-mtl", "a.conll:column=1"], "'a.conll:column=1' is a corpus of tagged sentences, and 'fdu-mtl' is none"),
        (["wnut17", "conll200"], "no data set, folder or table 'conll200': did you mean 'conll2000'"),
    ],
)
def test_corpora_go_with_nothing_else(sources: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(sources)


def test_a_corpus_is_fetched_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a zip archive with both files, as ``conll2000`` is."""
    text = "".join(f"w{number} DT B-NP\n\n" for number in range(10)).encode()
    archive = io.BytesIO()
    with ZipFile(archive, "w") as packed:
        for part in ("train", "test"):
            packed.writestr(f"conll2000/{part}.txt", text)
    with serve(Site({"conll2000.zip": archive.getvalue()})) as site:
        real = CATALOGUE["conll2000"]
        files = [
            replace(file, url=f"{site.url}/{file.url.rpartition('/')[2]}", sha256=hashlib.sha256(text).hexdigest())
            for file in real.files
        ]
        monkeypatch.setitem(CATALOGUE, "conll2000", replace(real, files=tuple(files)))
        monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
        dataset = load("conll2000:column=1", progress=False)
    assert dataset.tasks[0].name == "conll2000-pos"
    assert {split: len(part) for split, part in dataset.splits.items()} == {"train": 9, "dev": 1, "test": 10}
    entry = CATALOGUE["conll2000"]
    assert entry.loader(tmp_path / entry.folder, Request()).tasks[0].scheme == "iob2"


def test_real_data(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKTALK_DATA", str(real_data))
    dataset = load("fdu-mtl", tasks=["MR", "books"])
    assert [task.name for task in dataset.tasks] == ["books", "MR"]
    assert len(dataset.splits["test"]) == 800


def test_the_demos_molecules_have_a_name_and_a_seed() -> None:
    pytest.importorskip("rdkit", reason="RDKit is not installed: no molecules")
    first, same, other = load("molecules"), load("molecules:0"), load("molecules:3")
    assert first.splits["test"].tokens == same.splits["test"].tokens
    assert first.splits["test"].tokens != other.splits["test"].tokens

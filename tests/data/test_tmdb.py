"""The TMDb movies."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.request import Request
from tasktalk.data.tmdb import load_tmdb


def genres(*names: str) -> str:
    return json.dumps([{"id": number, "name": name} for number, name in enumerate(names)])


MOVIES = [(f"Movie {n}", f"A plot, number {n}.", genres(*(["Drama", "War"][: n % 2 + 1]), "Bad " * (n % 3 > 0) + "TV"))
          for n in range(20)]  # fmt: skip


def write(folder: Path, movies: list[tuple[str, str, str]]) -> Path:
    with (folder / "tmdb_5000_movies.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("title", "overview", "genres"), *movies])
    return folder


def test_genres_are_tasks(tmp_path: Path) -> None:
    movies = [*MOVIES, ("Quiet", " ", genres("War")), ("Lost", "A plot.", "[]"), ("Nothing", "", "[]")]
    dataset = load_tmdb(write(tmp_path, [*movies, ("One line\nmore", "Same plot.", genres("TV"))]), Request())
    assert dataset.tasks == tuple(Task(name, "binary", ("no", "yes")) for name in ("Bad TV", "Drama", "TV", "War"))
    assert dataset.tokenizer == "words"
    assert dataset.skipped == (
        "tmdb_5000_movies.csv, line 22: 'Quiet' has no overview",
        "tmdb_5000_movies.csv, line 23: 'Lost' has no genres",
        "tmdb_5000_movies.csv, line 24: 'Nothing' has no overview",
    )
    seen = 0
    for examples in dataset.splits.values():
        assert examples.owner is None
        for words, labels in zip(examples.tokens, examples.labels, strict=True):
            if words[-2].isdecimal():
                number = int(words[-2])
                assert labels.tolist() == [number % 3 > 0, 1, number % 3 == 0, number % 2]
                assert words == ["a", "plot", ",", "number", str(number), "."]
                seen += 1
    assert seen == 20
    assert len(dataset.sources) == 1


def test_seed_tasks_and_tokeniser(tmp_path: Path) -> None:
    write(tmp_path, [*MOVIES, *((f"War {n}", f"Guns, number {n}.", genres("War")) for n in range(9))])
    first = load_tmdb(tmp_path, Request(seed=1))
    assert first.splits["test"].tokens == load_tmdb(tmp_path, Request(seed=1)).splits["test"].tokens
    assert first.splits["test"].tokens != load_tmdb(tmp_path, Request(seed=2)).splits["test"].tokens
    chosen = load_tmdb(tmp_path, Request(tasks=("War",), tokenizer="whitespace"))
    assert [task.name for task in chosen.tasks] == ["War"]
    assert chosen.splits["train"].tokens[0][0] in ("A", "Guns,")
    with pytest.raises(ConfigError, match=r"no task 'Wars': did you mean 'War'\?"):
        load_tmdb(tmp_path, Request(tasks=("Wars",)))


@pytest.mark.parametrize(
    "cell", ["", "Drama", "[", '["Drama"]', "[1]", '{"name": "Drama"}', '[{"id": 3}]', '[{"name": 3}]', "null", "3"]
)
def test_genres_that_cannot_be_read(tmp_path: Path, cell: str) -> None:
    write(tmp_path, [*MOVIES, ("Odd", "A plot", cell)])
    sentence = f"line 22: expected a JSON list of genres with names in 'genres', found {cell!r}"
    with pytest.raises(DataError, match=re.escape(sentence)):
        load_tmdb(tmp_path, Request())


def test_missing_files_columns_and_movies(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tmdb_5000_movies\.csv: cannot be read"):
        load_tmdb(tmp_path, Request())
    (tmp_path / "tmdb_5000_movies.csv").write_text("title,overview,genre\na,b,[]\n")
    with pytest.raises(DataError, match=r"expected a column 'genres', found .*; did you mean 'genre'\?"):
        load_tmdb(tmp_path, Request())
    write(tmp_path, [("Lost", "A plot.", "[]")])
    with pytest.raises(DataError, match=r"tmdb_5000_movies\.csv: expected movies with overview and genres, found none"):
        load_tmdb(tmp_path, Request())


def test_the_real_movies(real_data: Path) -> None:
    dataset = load_tmdb(real_data / "tmdb5000", Request())
    assert sum(len(examples) for examples in dataset.splits.values()) == 4771
    assert sum(sentence.endswith("has no genres") for sentence in dataset.skipped) == 28
    assert sum(sentence.endswith("has no overview") for sentence in dataset.skipped) == 4
    assert len(dataset.tasks) == 20
    labels = np.concatenate([examples.labels for examples in dataset.splits.values()]).sum(0)
    found = {task.name: int(count) for task, count in zip(dataset.tasks, labels, strict=True)}
    assert (found["TV Movie"], found["Foreign"], found["Drama"]) == (8, 34, 2297 - 1)  # one has no overview
    assert (dataset.splits["test"].labels.sum(0) > 0).all()
    assert dataset.warnings == ()

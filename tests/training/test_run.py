"""Scores and predictions from a run folder alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasktalk.core.errors import ConfigError, RunFolderError
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.training.run import UNSEEN, Run
from tasktalk.training.train import train
from tests.training.toy import CLASSES, NAMES, TAGGED, config, tagged, toy

TEXTS = ["a film that was good", "bad", "", "it was the page of a song that was bad", "good song", "never seen words"]
MODELS = ["ic-wide", "linear"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A network with a wide part, evaluated three texts at a time, and a linear model."""
    folders = {name: tmp_path_factory.mktemp("runs") / name for name in MODELS}
    wide = config("ic", wide="joint", training__evaluation_batch_size=3, training__epochs=3)
    train(toy(), wide, folders["ic-wide"])
    train(toy(), config("linear"), folders["linear"])
    return folders


@pytest.fixture(params=MODELS)
def run(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Run:
    return Run.load(folders[request.param])


def test_a_run_folder_is_all_that_is_needed(run: Run) -> None:
    assert [task.name for task in run.tasks] == list(NAMES)
    assert run.tokenizer == "whitespace"
    assert run.evaluate(toy()) == run.metrics["splits"]


def test_loading_and_asking_draws_no_random_numbers_that_matter(run: Run) -> None:
    first = run.predict(TEXTS)
    torch.manual_seed(77)
    assert Run.load(str(run.folder)).predict(TEXTS) == first == run.predict(TEXTS)


@pytest.mark.parametrize("task", NAMES)
def test_answers_come_in_the_order_of_the_texts(run: Run, task: str) -> None:
    together = run.answers(TEXTS, task)
    assert isinstance(together, np.ndarray) and together.shape == (6, 2)
    np.testing.assert_allclose(together.sum(axis=1), 1, rtol=1e-6)
    for text, found in zip(TEXTS, together, strict=True):
        alone = run.answers([text], task)
        assert isinstance(alone, np.ndarray)
        np.testing.assert_allclose(alone[0], found, rtol=1e-5)
    back = run.answers(reversed(TEXTS), task)
    assert isinstance(back, np.ndarray)
    np.testing.assert_allclose(back[::-1], together, rtol=1e-5)


def test_predictions_of_one_task_or_of_all(run: Run) -> None:
    everything = run.predict(iter(TEXTS))
    assert [answer["text"] for answer in everything] == TEXTS
    assert all(list(answer["predictions"]) == list(NAMES) for answer in everything)
    (one,) = run.predict(TEXTS[:1], "dvd")
    assert list(one["predictions"]) == ["dvd"]
    answer = one["predictions"]["dvd"]
    assert answer["label"] == max(CLASSES, key=answer["probabilities"].__getitem__)
    assert answer["probabilities"] == pytest.approx(everything[0]["predictions"]["dvd"]["probabilities"], rel=1e-5)
    assert run.predict(["good good"], "books")[0]["predictions"]["books"]["label"] == "positive"
    assert run.predict(["bad bad"], "books")[0]["predictions"]["books"]["label"] == "negative"


def test_nothing_asked_nothing_answered(run: Run) -> None:
    assert run.predict([]) == []
    assert run.answers([], "books").shape == (0, 2)


def test_an_unknown_task_is_refused_with_the_nearest(run: Run) -> None:
    for ask in (run.answers, run.predict):
        with pytest.raises(ConfigError, match="unknown task 'boks': did you mean 'books'?"):
            ask(TEXTS, "boks")


def test_who_listened_to_whom(folders: dict[str, Path]) -> None:
    heard = Run.load(folders["ic-wide"]).listen(TEXTS[:2])
    assert heard.tasks == NAMES
    assert heard.tokens == [TEXTS[0].split(), ["bad"]]
    assert heard.record["beta"].shape == (3, 2, 5, 5)
    with pytest.raises(ConfigError, match="a linear model or a forest passes no messages"):
        Run.load(folders["linear"]).listen(TEXTS)
    with pytest.raises(ConfigError, match="expected at least one text to listen to, found none"):
        Run.load(folders["ic-wide"]).listen([])
    with pytest.raises(ConfigError, match="expected at least one text to listen to, found none"):
        Run.load(folders["linear"]).listen([])


def test_other_tasks_or_classes_are_refused(run: Run) -> None:
    fewer = replace(toy(), tasks=toy().tasks[:2])
    with pytest.raises(ConfigError, match="the run has the tasks books, dvd, music; the data set has books, dvd"):
        run.evaluate(fewer)
    first = replace(toy().tasks[0], classes=("bad", "good"))
    with pytest.raises(ConfigError, match="or other classes"):
        run.evaluate(replace(toy(), tasks=(first, *toy().tasks[1:])))


def test_only_the_splits_that_are_asked_for_and_there(run: Run) -> None:
    assert list(run.evaluate(toy(), splits=("dev",))) == ["dev"]
    assert list(run.evaluate(toy(splits=("train", "test")))) == ["test", UNSEEN]
    assert list(run.evaluate(toy(splits=("train",)))) == []


def test_the_second_block_leaves_out_exactly_the_test_texts_that_stand_in_train(run: Run) -> None:
    train_texts = [["good", "film"], ["bad", "film"], ["good"], ["bad"], ["good", "page"], ["bad", "page"]]
    test_texts = [["good", "film"], ["bad", "film"], ["good", "page"], ["good"], ["bad", "song"]]
    signs = np.array([1.0, 0, 1, 0, 1, 0])
    data = Dataset(
        "other",
        toy().tasks,
        {
            "train": separate(train_texts, [0, 0, 1, 1, 2, 2], signs),
            # the first and the third stand in train, under the same task; the second under another
            "test": separate(test_texts, [0, 1, 2, 2, 0], np.array([1.0, 0, 1, 0, 0])),
        },
        "whitespace",
    )
    found = run.evaluate(data)
    assert {task: scores["n"] for task, scores in found["test"]["tasks"].items()} == {"books": 2, "dvd": 1, "music": 2}
    unseen = found[UNSEEN]["tasks"]
    assert {task: scores["n"] for task, scores in unseen.items()} == {"books": 1, "dvd": 1, "music": 1}
    p = run.answers(["good"], "music")[0]  # labelled negative
    assert unseen["music"]["loss"] == pytest.approx(-np.log(p[0]), rel=1e-5)
    assert unseen["music"]["error"] == (100.0 if p[1] > p[0] else 0.0)


def separate(texts: list[list[str]], owner: list[int], signs: np.ndarray) -> Examples:
    labels = np.full((len(texts), 3), np.nan)
    labels[np.arange(len(texts)), owner] = signs
    return Examples(texts, labels, np.array(owner))


@contextmanager
def without(path: Path) -> Iterator[None]:
    """Hide a file."""
    hidden = path.rename(path.with_suffix(".hidden"))
    yield
    hidden.rename(path)


def test_what_is_no_finished_run_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = folders["ic-wide"]
    with pytest.raises(RunFolderError, match="is not a run folder, config.yaml is missing"):
        Run.load(tmp_path)
    with without(folder / "metrics.json"), pytest.raises(RunFolderError, match="not finished; go on with --resume"):
        Run.load(folder)
    for name in ("tasks.json", "vocabulary.txt"):
        with without(folder / name), pytest.raises(RunFolderError, match=f"{name}: cannot be read"):
            Run.load(folder)
    with without(folder / "model.safetensors"), pytest.raises(RunFolderError, match="model.safetensors: cannot be re"):
        Run.load(folder).predict(TEXTS)


def test_weights_of_another_model_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    train(toy(), config("ic", hidden=5, training__epochs=1, wide="joint"), tmp_path / "run")
    other = (folders["ic-wide"] / "model.safetensors").read_bytes()
    (tmp_path / "run" / "model.safetensors").write_bytes(other)
    with pytest.raises(RunFolderError, match="holds the weights of another network"):
        Run.load(tmp_path / "run").predict(TEXTS)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on sentences with parts of speech, and others with spans in IOB2."""
    return train(tagged(), config("ic", training__epochs=1), tmp_path_factory.mktemp("runs") / "ic")


def test_a_tagger_is_all_in_its_folder(tagger: Run) -> None:
    again = Run.load(tagger.folder)
    assert [task.name for task in again.tasks] == list(TAGGED)
    assert again.evaluate(tagged()) == again.metrics["splits"] == tagger.evaluate(tagged())
    scores = again.metrics["splits"]["test"]["tasks"]
    assert "f1" not in scores["pos"] and {"f1", "precision", "recall", "types", "error"} <= set(scores["chunk"])


def test_tags_are_in_the_scheme_of_the_files(tagger: Run) -> None:
    sentences = [["the", "dog", "sees"], [], ["Never", "seen"]]
    for task, allowed in (("pos", {"DT", "NN", "VB"}), ("chunk", {"O", "B-NP", "I-NP", "B-VP", "I-VP"})):
        tags = tagger.tag(sentences, task)
        assert [len(row) for row in tags] == [3, 0, 2] and {tag for row in tags for tag in row} <= allowed
        rows = tagger.predict([" ".join(words) for words in sentences], task)
        assert [row["predictions"][task]["tags"] for row in rows] == tags
        both = tagger.predict([" ".join(words) for words in sentences])
        assert [row["predictions"][task]["tags"] for row in both] == tags
        assert [row["words"] for row in both] == sentences
    assert tagger.tag([], "pos") == []


def test_who_listened_to_whom_over_words(tagger: Run) -> None:
    heard = tagger.listen(["the dog sees", "dog"])
    assert heard.tasks == TAGGED and heard.tokens == [["the", "dog", "sees"], ["dog"]]
    assert heard.record["beta"].shape == (2, 2, 3, 3)


def test_only_taggers_tag(run: Run, tagger: Run) -> None:
    with pytest.raises(ConfigError, match="task 'books' is a binary task and does not tag words"):
        run.tag([["good"]], "books")
    with pytest.raises(ConfigError, match="unknown task 'chnk': .*'chunk'"):
        tagger.tag([["good"]], "chnk")

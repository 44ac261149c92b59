from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasktalk.analysis import hearing
from tasktalk.analysis.hearing import hear_each, kind_heard, spoken, unknown_words, with_words
from tasktalk.analysis.overview import LONGEST
from tasktalk.data.dataset import Examples, Sentences
from tasktalk.data.take import take
from tasktalk.training.run import Run
from tasktalk.training.train import train
from tests.training.toy import config, graph_config, molecules, tagged, toy

SETTINGS: dict[str, dict[str, Any]] = {
    "dc": {},
    "ic": {"bidirectional": True},
    "mitten": {},
    "mmoe": {"bidirectional": True, "experts": 4},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: train(toy(), config(name, hidden=4, training__epochs=1, **options), folder / name)
        for name, options in {**SETTINGS, "fs": {}}.items()
    }


@pytest.mark.parametrize("model", SETTINGS)
def test_each_sample_is_what_the_run_says_of_it_alone(
    runs: dict[str, Run], model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "_BATCH", 5)
    texts = spoken(toy().splits["test"])
    told: list[tuple[int, int]] = []
    heard = {sample.row: sample for sample in hear_each(runs[model], texts, lambda *done: told.append(done))}
    assert sorted(heard) == list(range(36)) and told[-1] == (36, 36) and len(told) == 8
    for row in (0, 17, 35):
        found, alone = heard[row], runs[model].hear(take(texts, np.array([row])))
        both = alone.record
        assert found.words == texts.tokens[row]
        n = len(found.words)
        for name, value in (("alpha", found.weights), ("weights", found.weights), ("beta", found.beta)):
            if name not in both:
                continue
            assert value is not None and value.shape[:2] == (3, n)
            expected = both[name][:, 0, :n].numpy()
            if model == "ic":
                expected = (expected + both["backward_beta"][:, 0, :n].numpy()) / 2
            if model == "mmoe":
                expected = np.concatenate((expected, both["backward_weights"][:, 0, :n].numpy()), axis=-1) / 2
            np.testing.assert_allclose(value, expected, atol=1e-6)
            np.testing.assert_allclose(value.sum(axis=-1), 1, atol=1e-5)
        assert (found.gate is None) == (model in {"mitten", "mmoe"})


def test_atoms_of_several_molecules_are_told_apart(tmp_path: Path) -> None:
    run = train(molecules(), graph_config(hidden=4, training__epochs=1), tmp_path / "run")
    examples = molecules().splits["test"]
    for sample in hear_each(run, examples):
        alone = run.hear(take(examples, np.array([sample.row])))
        assert sample.words == alone.tokens[0] and sample.weights is not None
        np.testing.assert_allclose(sample.weights, alone.record["weights"].numpy(), atol=1e-5)


def test_what_a_run_holds(runs: dict[str, Run]) -> None:
    test = toy().splits["test"]
    kinds = {name: kind_heard(run, test) for name, run in runs.items()}
    assert kinds == {"dc": "alpha", "ic": "beta", "mitten": "weights", "mmoe": "experts", "fs": None}
    assert kind_heard(runs["dc"], take(test, np.zeros(0, dtype=np.int64))) is None


def test_empty_texts_are_left_out_and_long_ones_cut() -> None:
    labels = np.ones((3, 1))
    texts = spoken(Examples([[], ["a"] * (LONGEST + 9), ["b"]], labels, np.array([0, 0, 0])))
    assert [len(words) for words in texts.tokens] == [LONGEST, 1]
    assert np.isnan(texts.labels).all() and texts.owner is not None and len(texts.owner) == 2


def test_words_that_a_vocabulary_lacks(runs: dict[str, Run], tmp_path: Path) -> None:
    assert unknown_words(runs["dc"], Examples([["Good", "good", "x"]], np.ones((1, 3)), None)) == {"Good", "x"}
    tagger = train(tagged(), config("ic", hidden=4, training__epochs=1, data__case="fold"), tmp_path / "run")
    words = Sentences([["Cat", "CAT", "x"]], [])
    assert unknown_words(tagger, Examples(words, np.ones((1, 2)), None)) == {"x"}


def test_other_words_for_a_tagger() -> None:
    test = tagged().splits["test"]
    changed = with_words(test, [3, 1], [["x"], ["y", "z"]])
    assert isinstance(changed.content, Sentences) and changed.tokens == [["x"], ["y", "z"]]
    assert test.owner is not None and changed.owner is not None
    assert changed.owner.tolist() == test.owner[[3, 1]].tolist()

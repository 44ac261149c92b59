import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasktalk.analysis.null import null_part, train_null
from tasktalk.analysis.overview import observe
from tasktalk.analysis.spread import shown_weights
from tasktalk.core.errors import ConfigError, RunFolderError
from tasktalk.training.run import Run
from tasktalk.training.run_folder import METRICS
from tasktalk.training.train import train
from tests.analysis.made import made_overview
from tests.analysis.overviews import alike, make
from tests.training.toy import Recorder, config, files, stop_at_epoch, toy, without_seconds

RANDOM = np.random.default_rng(0)
STRUCTURE, OTHER = RANDOM.random((2, 5, 5))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(toy(), config("dc", training__epochs=3), tmp_path_factory.mktemp("null") / "run")


def test_a_null_is_the_same_but_for_the_labels(trained: Run) -> None:
    before = files(trained.folder)
    null = train_null(trained, toy())
    assert null.folder == trained.folder / "null"
    assert files(trained.folder) == before
    assert (null.config, null.tasks) == (trained.config, trained.tasks)
    assert files(null.folder)["vocabulary.txt"] == before["vocabulary.txt"]
    assert files(null.folder)["model.safetensors"] != before["model.safetensors"]
    data = json.loads((null.folder / "environment.json").read_text())["data"]
    assert data == {"toy.tsv": "checksum of 0", "labels": "shuffled with seed 0"}
    told = Recorder()
    assert train_null(trained, toy(), reporter=told).folder == null.folder  # finished: nothing is trained again
    assert told.begun == []
    test = toy().splits["test"]
    part = null_part(observe(trained, test), observe(null, test))
    assert part.checks[0].passed in (True, False)


def test_a_killed_null_is_resumed_to_the_same_weights(trained: Run, tmp_path: Path) -> None:
    whole = train_null(trained, toy(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_null(trained, toy(), tmp_path / "killed", stop_at_epoch(2))
    assert not (tmp_path / "killed" / METRICS).exists()
    resumed = train_null(trained, toy(), tmp_path / "killed")
    assert without_seconds(resumed.folder) == without_seconds(whole.folder)


def test_what_is_no_null_of_the_run(trained: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this run read other data than what is given for its null"):
        train_null(trained, toy(seed=1))
    train(toy(), config("dc", training__epochs=1), tmp_path / "other")
    with pytest.raises(RunFolderError, match="is not the null of .*, its settings are others; remove it"):
        train_null(trained, toy(), tmp_path / "other")
    with pytest.raises(RunFolderError, match="is not the null of .*, its data is other; remove it"):
        train_null(trained, toy(), trained.folder)
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "mine.txt").touch()
    with pytest.raises(RunFolderError, match="exists already"):
        train_null(trained, toy(), tmp_path / "file")


def test_structure_that_the_null_lacks_passes() -> None:
    part = null_part(
        made_overview(STRUCTURE, samples=20, noise=0.05), made_overview(0.01 * OTHER, samples=20, noise=0.05)
    )
    (check,) = part.checks
    assert check.passed is True
    assert check.sentence.endswith("the picture passes.")
    (picture,) = part.pictures
    assert len(picture.rows) == 25
    assert "One null is one draw" in part.lead


@pytest.mark.parametrize(
    ("null", "sentence"),
    [
        (STRUCTURE, "labels without meaning give the same."),
        (0.5 * STRUCTURE, "labels without meaning rank the edges alike."),
        (2 * OTHER, "labels without meaning give weights that differ as much."),
    ],
    ids=["the same", "the same ranks", "more spread"],
)
def test_what_the_null_shows_as_well_does_not_pass(null: np.ndarray, sentence: str) -> None:
    (check,) = null_part(
        made_overview(STRUCTURE, samples=20, noise=0.05), made_overview(null, samples=20, noise=0.05)
    ).checks
    assert check.passed is False
    assert check.sentence.endswith(f"the picture does not pass: {sentence}")


def test_experts_of_two_models_are_not_matched() -> None:
    sources = tuple(f"expert {n}" for n in range(1, 6))
    real, null = (made_overview(scale * STRUCTURE, samples=20, noise=0.01, sources=sources) for scale in (1, 0.5))
    (check,) = null_part(real, null).checks
    assert check.passed is True
    assert "The rank correlation of the two means nothing here" in check.sentence


def test_too_few_edges_and_other_samples() -> None:
    two = made_overview(STRUCTURE[:2, :2])
    assert null_part(two, two).checks[0].passed is None
    with pytest.raises(ConfigError, match="to be observed on the same samples"):
        null_part(two, replace(two, samples=[*two.samples[1:], "another"]))


def test_a_few_samples_certify_nothing() -> None:
    """Of one sample every draw is that sample, so that any difference would look certain."""
    (check,) = null_part(made_overview(STRUCTURE, samples=1), made_overview(0.01 * OTHER, samples=1)).checks
    assert check.passed is None and check.sentence.startswith("1 sample is too few")


def test_a_likeness_is_that_of_the_heat_map() -> None:
    """What a pair sees of each other is its mean, in the null as in the picture of the general dependency."""
    own = np.arange(40) % 4
    real, null = (make(alike(40, 4, seed=n), "beta", owner=own) for n in (0, 1))
    (picture,) = null_part(real, null).pictures
    weights = shown_weights(real, real.mean())
    for number, row in enumerate(picture.rows):
        if number // 4 != number % 4:
            assert row[2] == pytest.approx(weights[number // 4, number % 4])

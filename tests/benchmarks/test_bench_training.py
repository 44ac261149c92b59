"""Training from end to end, timed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasktalk.benchmarks.bench_training import (
    PHASES,
    QUICK_SETTINGS,
    SETTINGS,
    WARMING,
    Laps,
    default_data,
    measure,
    tiny_data,
    training_table,
)
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset
from tasktalk.training.config import make_config


def test_steps_words_and_phases_are_those_of_the_training_alone() -> None:
    found = measure(tiny_data(), 3, threads=1, settings=QUICK_SETTINGS)
    assert found["steps"] == 3  # neither those that warm up nor the batches of the evaluation
    assert found["padding"] == 0
    assert tuple(found["seconds"]) == PHASES
    assert all(seconds > 0 for seconds in found["seconds"].values())
    rates = found["words_per_second"]
    assert rates["training"] == pytest.approx(3 * 2 * 6 / sum(found["seconds"].values()))
    assert rates["evaluation"] > 0


def test_no_more_steps_than_an_epoch_has() -> None:
    assert measure(tiny_data(), 1000, threads=1, settings=QUICK_SETTINGS)["steps"] == 25 - WARMING
    with pytest.raises(ConfigError, match="found 20"):
        measure(tiny_data(WARMING), 1, threads=1, settings=QUICK_SETTINGS)


def test_shares_are_of_the_whole() -> None:
    seconds = dict(zip(PHASES, (1, 0, 4, 0, 4, 1, 0), strict=True))
    rates = {"training": 1234.5, "evaluation": 5000.0}
    found = {"data": "d", "tasks": 2, "threads": 1, "steps": 5, "hidden": 3, "batch": 4, "padding": 0.05}
    caption, (head, *rows) = training_table({**found, "seconds": seconds, "words_per_second": rates})
    assert "5.0% padding" in caption
    assert head == ["phase", "ms per step", "share", "words/s"]
    assert ["recurrences", "800.00", "40.0%", ""] in rows
    assert rows[-2:] == [["training", "2000.00", "100.0%", "1,234"], ["evaluation", "", "", "5,000"]]


def test_laps_before_the_first_report_are_not_counted() -> None:
    ticks = iter(range(10))
    laps = Laps(lambda: float(next(ticks)))
    laps.lap("backward")
    laps.steps(20, 30, "books", 0.5, 40)
    laps.lap("backward")
    laps.lap("optimiser")
    laps.lap("backward")
    assert {phase: seconds for phase, seconds in laps.seconds.items() if seconds} == {"backward": 2, "optimiser": 1}


def test_only_texts(molecules: Dataset) -> None:
    with pytest.raises(ConfigError, match="found molecules"):
        measure(molecules, 1, threads=1)


def test_what_is_trained() -> None:
    config = make_config({}, SETTINGS)
    assert (config.model.name, config.data.max_words, config.training.batch_size) == ("ic", 150, 16)
    assert config.training.optimizer == "adamw"


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    monkeypatch.setattr("tasktalk.benchmarks.bench_training.load", lambda name: replace(tiny_data(), name=name))
    assert default_data().name == "molecules"
    assert not list(tmp_path.iterdir())


def test_the_real_data_is_taken_where_it_is_at_hand(real_data: Path) -> None:
    dataset = default_data()
    assert dataset.name == "fdu-mtl"
    assert np.bincount(dataset.splits["train"].owner).min() > 1000  # type: ignore[arg-type]

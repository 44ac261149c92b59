"""Which runs one ``tasktalk train`` makes, and with which settings."""

from pathlib import Path
from typing import Any

import pytest

from tasktalk.cli.jobs import default_folder, plan
from tasktalk.core.errors import ConfigError
from tasktalk.training.config import Config, make_config

OUT = Path("out")


def config(beside: list[str], **model: Any) -> Config:
    values = {"data": {"vectors": ["v.txt"], "max_words": 9}, "training": {"beside": beside, "epochs": 3}}
    return make_config({**values, "model": model})


def labels(beside: list[str], **model: Any) -> list[str]:
    return [job.label for job in plan(config(beside, **model), OUT)]


def test_linear_stands_for_two_models() -> None:
    jobs = plan(config(["linear"], name="ic"), OUT)
    assert [(job.label, job.folder) for job in jobs] == [
        ("ic", OUT),
        ("linear-per-task", OUT / "beside/linear-per-task"),
        ("linear-easy-adapt", OUT / "beside/linear-easy-adapt"),
    ]
    assert all(job.config.data.vectors == [] for job in jobs[1:])


def test_no_model_stands_beside_itself() -> None:
    assert labels(["linear"], name="linear") == ["linear-easy-adapt", "linear-per-task"]
    assert labels(["ic", "lstm", "lstm"], name="ic") == ["ic", "lstm"]
    assert labels(["ic"], name="ic", wide="fitted") == ["ic-wide", "ic"]
    assert labels([], name="dc") == ["dc"]


def test_models_are_compared_on_equal_terms() -> None:
    first = config(["lstm"], name="ic", hidden=7, pooling="mean", causal=True, wide="joint")
    job = plan(first, OUT)[1]
    model = job.config.model
    assert (model.name, model.hidden, model.pooling, model.wide) == ("lstm", 7, "mean", "off")
    assert job.config.data == first.data
    assert job.config.training == first.training.model_copy(update={"beside": []})


def test_what_is_usual_for_one_model_is_not_forced_on_another() -> None:
    assert plan(config(["fs"], name="mt-cnn"), OUT)[1].config.model.pooling == "last"


@pytest.mark.parametrize(
    ("beside", "model", "message"),
    [
        ("lsmt", {"name": "ic"}, "beside 'lsmt': unknown model 'lsmt': did you mean 'lstm'"),
        ("mt-cnn", {"name": "ic", "bidirectional": True}, "beside 'mt-cnn': model.bidirectional"),
    ],
)
def test_model_beside_that_is_impossible_is_refused(beside: str, model: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(config([beside], **model), OUT)


@pytest.mark.parametrize(
    ("sources", "folder"),
    [
        (["fdu-mtl"], "runs/fdu-mtl-ic"),
        (["shop/books.train.csv"], "runs/books-ic"),
        (["x=shop/books.csv"], "runs/books-ic"),
        (["shop"], "runs/shop-ic"),
        (["shop/books.csv", "shop/dvd.csv"], "runs/shop-ic"),
    ],
)
def test_default_folder_is_named_after_data_and_model(sources: list[str], folder: str) -> None:
    assert default_folder(make_config({"data": {"source": sources}})) == Path(folder)

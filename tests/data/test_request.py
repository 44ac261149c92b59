import dataclasses
import inspect

import pytest

from tasktalk.data.request import Request
from tasktalk.data.tables import load_tables
from tasktalk.training.config import DataConfig


def test_nothing_asked_is_what_every_loader_takes() -> None:
    request = Request()
    assert (request.tasks, request.tokenizer, request.label, request.labels) == (None, None, None, None)
    assert (request.smiles, request.edges, request.features) == ("", "", "")
    assert (request.split, request.dev, request.test, request.seed) == ("random", 0.1, 0.2, 0)


def test_requests_share_no_kinds() -> None:
    first, second = Request(), Request()
    assert first == second
    assert first.kinds is not second.kinds


def test_a_request_stays_as_it_is() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Request().smiles = "x"  # type: ignore[misc]


def test_defaults_agree_with_those_of_tables_and_settings() -> None:
    defaults = {name: p.default for name, p in inspect.signature(load_tables).parameters.items()}
    for name in ("text", "dev", "test", "seed"):
        assert getattr(Request(), name) == defaults[name]
    assert DataConfig().request() == Request()


def test_settings_reach_the_request() -> None:
    chosen = DataConfig(tasks=["a"], labels=["b"], kinds={"a": "regression"}, smiles="s", split="scaffold", dev=0.3)
    expected = Request(("a",), labels=("b",), kinds={"a": "regression"}, smiles="s", split="scaffold", dev=0.3)
    assert chosen.request() == expected

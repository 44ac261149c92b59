"""How a network is asked."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tasktalk.data.batches import Plan
from tasktalk.data.dataset import Dataset
from tasktalk.training.asking import ask, record_of
from tests.training.toy import config, make_fit, tagged, toy


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_learned_and_training_goes_on(training: bool) -> None:
    fit = make_fit(Path("nowhere"), toy(), config("fs"))
    fit.network.train(training)

    def read(receivers: tuple[int, ...]) -> list[str]:
        assert not fit.network.training and not torch.is_grad_enabled()
        return [f"{receivers} {k}" for k in receivers]

    assert ask(fit.network, fit.splits["dev"], (2, 0), read) == ["(2,) 2", "(0,) 0"]
    assert fit.network.training == training and torch.is_grad_enabled()


def test_shared_inputs_are_read_once() -> None:
    fit = make_fit(Path("nowhere"), toy(shared=True), config("fs"))
    seen: list[tuple[int, ...]] = []

    def read(receivers: tuple[int, ...]) -> list[int]:
        seen.append(receivers)
        return list(receivers)

    assert ask(fit.network, fit.splits["dev"], (2, 0), read) == [2, 0] and seen == [(2, 0)]
    assert ask(fit.network, fit.splits["dev"], (), read) == [] and seen == [(2, 0)]


@pytest.mark.parametrize("dataset", [toy(), tagged()], ids=["texts", "sentences"])
def test_a_record_is_of_one_batch_and_needs_no_gradient(dataset: Dataset) -> None:
    fit = make_fit(Path("nowhere"), dataset, config("ic", dropout=0.5))
    rows = np.flatnonzero(fit.splits["dev"].owner == 1)[:2]
    plan = Plan((1,), (rows,))
    one, other = (record_of(fit.network, fit.splits["dev"], plan, torch.device("cpu")) for _ in range(2))
    assert one and all(torch.equal(weights, other[name]) for name, weights in one.items())  # no dropout
    assert all(weights.shape[:2] == (1, 2) and not weights.requires_grad for weights in one.values())

"""What a process takes of a batch, and that what all learn from their parts is what one learns from the batch."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tasktalk.core.batch import TextBatch
from tasktalk.data.batches import Plan, plan_epoch
from tasktalk.data.sentence_batches import EncodedSentences
from tasktalk.training.checkpoint import load_tensors
from tasktalk.training.share import add_gradients, add_losses, divide, own_share
from tests.training.together import CASES, gradients, in_two
from tests.training.toy import config, make_fit, tagged, toy

pytestmark = pytest.mark.timeout(900)  # two processes on a machine that is busy


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gradients that two processes have found."""
    folder = tmp_path_factory.mktemp("gradients")
    in_two(folder, "all_gradients")
    return folder


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_of_two_processes_is_that_of_one(case: str, found: Path, tmp_path: Path) -> None:
    expected = gradients(tmp_path, case)
    assert len(expected) > 10
    for rank in range(2):
        others, _ = load_tensors(found / f"{case} {rank}")
        assert others.keys() == expected.keys()  # what has no gradient here has none there
        for name, gradient in expected.items():
            largest = max(1.0, gradient.abs().max().item())  # single precision
            assert (others[name] - gradient).abs().max() < 1e-6 * largest, name


def plans() -> Iterator[Plan]:
    rng = np.random.default_rng(0)
    for sizes in ((7,), (1,), (2,), (4, 3, 9), (1, 1), (1, 2, 1, 1)):
        rows = tuple(rng.permutation(100)[:size] for size in sizes)
        yield Plan(tuple(range(len(sizes))), rows)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_row_is_taken_once(count: int) -> None:
    for plan in plans():
        shares = [divide(plan, rank, count) for rank in range(count)]
        for group, rows in enumerate(plan.rows):
            taken = [row for share in shares if not share.idle for row in share.own.rows[group]]
            assert sorted(taken) == sorted(rows)
        parts = [share.part for share in shares]
        assert sum(parts) == pytest.approx(1)
        assert [part == 0 for part in parts] == [share.idle for share in shares]
        sizes = [sum(map(len, share.own.rows)) for share in shares]
        assert all(size >= 1 for size in sizes)  # something to read, even if it does not count
        assert max(sizes) - min(sizes) <= len(plan.rows)
        assert {share.own.receivers for share in shares} == {plan.receivers}


def test_a_process_without_rows_reads_nothing_that_counts(tmp_path: Path) -> None:
    examples = make_fit(tmp_path, tagged(), config("fs")).splits["train"]
    share = divide(Plan((1,), (np.array([40]),)), 1, 2)
    assert share.idle and share.part == 0
    batch = share.collate(examples)
    assert isinstance(batch, TextBatch) and batch.tags is not None
    assert not batch.tokens.any() and not batch.mask.any()
    assert batch.labels.isnan().all() and (batch.tags == -1).all()
    assert share.labels(examples).isnan().all()
    assert share.weigh(torch.ones(1), examples).tolist() == [0]


def test_a_loss_counts_as_much_as_its_labels(tmp_path: Path) -> None:
    examples = make_fit(tmp_path, toy(shared=True), config("fs")).splits["train"]
    plan = plan_epoch(examples, 30, 0, 0)[0]
    known = ~np.isnan(examples.labels)
    weighed = torch.zeros(3)
    for rank in range(3):
        share = divide(plan, rank, 3)
        sums = known[share.own.rows[0]].sum(axis=0)
        expected = sums / known[plan.rows[0]].sum(axis=0)
        assert share.weigh(torch.ones(3), examples).tolist() == pytest.approx(expected.tolist())
        weighed += share.weigh(torch.ones(3), examples)
    torch.testing.assert_close(weighed, torch.ones(3))


def test_a_loss_of_tags_counts_as_much_as_its_words(tmp_path: Path) -> None:
    examples = make_fit(tmp_path, tagged(), config("fs")).splits["train"]
    assert isinstance(examples, EncodedSentences) and examples.owner is not None
    rows = np.flatnonzero(examples.owner == 0)[:5]
    share = divide(Plan((0,), (rows,)), 0, 2)
    words = [len(examples.words[row]) for row in rows]
    assert share.weigh(torch.ones(1), examples).item() == pytest.approx(sum(words[::2]) / sum(words))


def test_alone_nothing_is_done() -> None:
    plan = Plan((0,), (np.arange(3),))
    share = own_share(plan)
    assert share.own is plan is share.plan and share.part == 1
    losses, parameter = torch.ones(2), torch.nn.Parameter(torch.ones(2))
    gradient = parameter.grad = torch.ones(2)
    assert add_losses(losses) is losses
    assert add_gradients([parameter], True) and not add_gradients([parameter])
    assert parameter.grad is gradient

"""The contract checks pass on a block that keeps the contract, and each fails on blocks that break it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput
from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.private import PrivateLSTM
from tasktalk.communication.transfer import TransferOutput
from tasktalk.testing import (
    assert_batch_equals_one_by_one,
    assert_block,
    assert_device,
    assert_float64,
    assert_gradient_reaches,
    assert_padding_changes_nothing,
    assert_record,
    assert_states,
    assert_tasks_permute,
    check_block,
    check_communication,
    check_transfer,
)

WORD_FEATURES, HIDDEN, TASKS = 4, 3, 3

Change = Callable[[BlockOutput, Tensor, Tensor, tuple[int, ...]], BlockOutput]


class Changed(nn.Module):
    """A sound block whose answer is changed afterwards."""

    def __init__(self, change: Change, tasks: int = TASKS) -> None:
        super().__init__()
        self.block = DirectCommunication(WORD_FEATURES, HIDDEN, tasks)
        self.features = HIDDEN
        self.change = change

    def forward(self, words: Tensor, mask: Tensor, receivers: tuple[int, ...]) -> BlockOutput:
        """The changed answer."""
        output = self.block(words, mask, receivers)
        return self.change(output, words, mask.expand(len(receivers), -1, -1), receivers)


def states(change: Callable[[Tensor, Tensor, Tensor, tuple[int, ...]], Tensor]) -> Change:
    """A change of the states alone."""
    return lambda output, words, mask, receivers: output._replace(
        states=change(output.states, words, mask.unsqueeze(-1), receivers)
    )


def record(name: str, change: Callable[[Tensor], Tensor]) -> Change:
    """A change of one entry of the record alone."""
    return lambda output, words, mask, receivers: output._replace(
        record={**output.record, name: change(output.record.get(name, output.states))}
    )


def numbers(receivers: tuple[int, ...]) -> Tensor:
    """The receivers' numbers, to be multiplied with states."""
    return torch.tensor(receivers, dtype=torch.float64).view(-1, 1, 1, 1)


def test_a_sound_block_passes() -> None:
    check_block(
        lambda tasks: Changed(lambda output, *_: output, tasks), WORD_FEATURES, trains_senders=True, shared_inputs=True
    )


def test_check_block_looks_at_every_property() -> None:
    def make(tasks: int) -> nn.Module:
        return Changed(states(lambda s, w, m, r: s - s.mean(dim=1, keepdim=True) * m), tasks)

    with pytest.raises(AssertionError, match="the rest of the batch changes"):
        check_block(make, WORD_FEATURES, trains_senders=True)


def test_check_communication_takes_a_class() -> None:
    check_communication(PrivateLSTM, trains_senders=False)
    check_communication(DirectCommunication, trains_senders=True)
    for sound in (PrivateLSTM, DirectCommunication):  # both are right where nothing is announced
        check_communication(sound)
    with pytest.raises(AssertionError, match=r"^assert_gradient_reaches: the loss of task 0 must not reach lstms"):
        check_communication(DirectCommunication, trains_senders=False)


class Broken(PrivateLSTM):
    """A block in which something of its own goes wrong."""

    def forward(self, words: Tensor, mask: Tensor, receivers: tuple[int, ...]) -> BlockOutput:
        """Never."""
        raise KeyError(receivers[0])


def test_what_goes_wrong_begins_with_the_name_of_the_check() -> None:
    with pytest.raises(AssertionError, match="^assert_block: KeyError: 0$"):
        check_communication(Broken)
    with pytest.raises(AssertionError, match="^assert_states: the state of a padded word must be zero$"):
        check_block(lambda tasks: Changed(states(lambda s, w, m, r: s + 1), tasks), WORD_FEATURES)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda output, *_: tuple(output), "must answer with a BlockOutput, found tuple"),
        (lambda output, *_: output._replace(record=[]), "the record must be a dict, found list"),
        (lambda output, *_: output._replace(penalty=output.states), "a penalty must be one finite number"),
        (lambda output, *_: output._replace(penalty=torch.tensor(torch.nan)), "one finite number, found nan"),
    ],
)
def test_answer(change: Change, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        assert_block(Changed(change), WORD_FEATURES, TASKS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (states(lambda s, w, m, r: s + 1), "padded word must be zero"),
        (states(lambda s, w, m, r: s / m), "infinite or not a number"),
        (states(lambda s, w, m, r: torch.cat((s, s), dim=-1)), r"must have shape \(3, 3, 5, 3\), found \(3, 3, 5, 6\)"),
    ],
)
def test_states(change: Change, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        assert_states(Changed(change), WORD_FEATURES, TASKS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (record("alpha", lambda a: a * 0.9), "'alpha': the weights of a word must sum to 1"),
        (record("alpha", lambda a: a + torch.tensor([0.0, 1.0, -1.0]) * (a > 0).any(-1, keepdim=True)), "negative"),
        (record("alpha", lambda a: a + 0.1), "'alpha' must be zero on padding"),
        (record("alpha", lambda a: a.transpose(1, 2)), r"must begin with \(receivers, batch, words\)"),
        (record("alpha", lambda a: a.unsqueeze(-1)), "must have 2, 3 or 4 dimensions"),
        (record("alpha", lambda a: a.clone().requires_grad_()), "must be detached"),
        (record("gate", lambda g: 3 * g), "'gate' must not be larger than 1"),
        (record("share", lambda _: torch.full((TASKS, TASKS), 0.5)), "'share': the weights of a word must sum to 1"),
        (record("share", lambda _: torch.ones(TASKS + 1, 1)), r"must begin with \(receivers\), found \(4, 1\)"),
        (record("attention", lambda _: torch.ones(TASKS, 3, 5, TASKS)), "'attention' must be zero on padding"),
    ],
)
def test_record(change: Change, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        assert_record(Changed(change), WORD_FEATURES, TASKS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            states(lambda s, w, m, r: m * (s + w.mean(dim=(2, 3), keepdim=True))),
            "what stands on padding changes the st",
        ),
        (states(lambda s, w, m, r: m * s.mean(dim=2, keepdim=True)), "more columns of padding change the states"),
        (record("gate", lambda g: g / g.shape[2]), "more columns of padding change record entry 'gate'"),
        (states(lambda s, w, m, r: s / m.sum(dim=2, keepdim=True)), "without words must not give infinite states"),
        (states(lambda s, w, m, r: s * (w * m).square().sum((2, 3), True).sqrt()), "must not give infinite gradients"),
        (states(lambda s, w, m, r: s * (1 + (w - w.detach()).sum((2, 3), True))), "a padded word must be zero"),
    ],
)
def test_padding(change: Change, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        assert_padding_changes_nothing(Changed(change), WORD_FEATURES, TASKS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (states(lambda s, w, m, r: s + s.mean(dim=1, keepdim=True) * m), "for task 2 and sentence 0, the states"),
        (states(lambda s, w, m, r: s * len(r)), "the rest of the batch changes, for task 2 and sentence 0, the states"),
        (record("gate", lambda g: g / g.shape[1]), "record entry 'gate'"),
        (states(lambda s, w, m, r: s * (2 if len(w) < len(r) else 1)), "as one group changes the states"),
    ],
)
def test_one_by_one(change: Change, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        assert_batch_equals_one_by_one(Changed(change), WORD_FEATURES, TASKS)


def test_one_by_one_spares_blocks_that_take_no_shared_inputs() -> None:
    block = Changed(states(lambda s, w, m, r: s * (2 if len(w) < len(r) else 1)))
    assert_batch_equals_one_by_one(block, WORD_FEATURES, TASKS, shared_inputs=False)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (states(lambda s, w, m, r: s * numbers(r)), "another order of the tasks changes the states"),
        (record("alpha", lambda a: a * torch.arange(a.shape[-1])), "order of the tasks changes record entry 'alpha'"),
    ],
)
def test_permutation(change: Change, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        assert_tasks_permute(lambda tasks: Changed(change, tasks), WORD_FEATURES, TASKS)


class Vectors(nn.Module):
    """A private LSTM and one parameter with a vector per task; ``favourite`` gives every task that of task 0 too."""

    def __init__(self, tasks: int, favourite: bool, learns_own: bool = True) -> None:
        super().__init__()
        self.block = PrivateLSTM(WORD_FEATURES, HIDDEN, tasks)
        self.features = HIDDEN
        self.vectors = nn.Parameter(torch.randn(HIDDEN, tasks))
        self.favourite = favourite
        self.learns_own = learns_own

    def forward(self, words: Tensor, mask: Tensor, receivers: tuple[int, ...]) -> BlockOutput:
        """States with the task's vector."""
        own = self.vectors[:, list(receivers)].t()[:, None, None, :]
        own = own if self.learns_own else own.detach()
        if self.favourite:
            own = own + self.vectors[:, 0]
        is_word = mask.expand(len(receivers), -1, -1).unsqueeze(-1)
        return BlockOutput((self.block(words, mask, receivers).states + own) * is_word, {})


def test_permutation_follows_axes_of_parameters() -> None:
    assert_tasks_permute(lambda tasks: Vectors(tasks, favourite=False), WORD_FEATURES, TASKS)
    with pytest.raises(AssertionError, match="another order of the tasks changes the states"):
        assert_tasks_permute(lambda tasks: Vectors(tasks, favourite=True), WORD_FEATURES, TASKS)


def test_gradient_that_is_cut_off() -> None:
    cut = states(lambda s, w, m, r: s.detach() + 0 * s)
    with pytest.raises(AssertionError, match=r"the loss of task 0 must reach block\.lstms\.cells\.0\.weight_x"):
        assert_gradient_reaches(lambda tasks: Changed(cut, tasks), WORD_FEATURES, TASKS, trains_senders=True)


def test_gradient_that_reaches_too_far() -> None:
    with pytest.raises(AssertionError, match=r"the loss of task 0 must not reach block\.lstms\.cells\.1\.weight_x"):
        assert_gradient_reaches(lambda tasks: Changed(lambda output, *_: output, tasks), WORD_FEATURES, TASKS)


def test_gradient_that_misses_the_senders() -> None:
    with pytest.raises(AssertionError, match=r"task 0 must reach some parameters of the tasks \[1, 2\]"):
        assert_gradient_reaches(
            lambda tasks: DirectCommunication(WORD_FEATURES, HIDDEN, tasks, train_senders=False),
            WORD_FEATURES,
            TASKS,
            trains_senders=True,
        )


def test_gradient_that_misses_a_column() -> None:
    def make(tasks: int) -> nn.Module:
        return Vectors(tasks, favourite=True, learns_own=False)

    with pytest.raises(AssertionError, match=r"no loss reaches vectors of task 1 \(axis 1\)"):
        assert_gradient_reaches(make, WORD_FEATURES, TASKS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (states(lambda s, w, m, r: s.float()), r"states of a block in torch\.float64 must be torch\.float64"),
        (record("gate", lambda g: g.double()), r"gate of a block in torch\.float32 must be torch\.float32"),
        (states(lambda s, w, m, r: s * (1 + (s.dtype == torch.float32))), "float32 and float64 must agree"),
    ],
)
def test_precision(change: Change, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        assert_float64(Changed(change), WORD_FEATURES, TASKS)


def test_tensor_that_would_stay_behind() -> None:
    block = PrivateLSTM(WORD_FEATURES, HIDDEN, TASKS)
    assert_device(block, WORD_FEATURES, TASKS)
    block.lstms.scale = torch.ones(1)
    with pytest.raises(AssertionError, match="lstms: scale must be a parameter or buffer"):
        assert_device(block, WORD_FEATURES, TASKS)


def test_answer_on_another_device() -> None:
    block = Changed(record("gate", lambda g: g.to("meta")))
    with pytest.raises(AssertionError, match="gate of a block on cpu must be there, found meta"):
        assert_device(block, WORD_FEATURES, TASKS)


class ChangedStitch(CrossStitch):
    """A sound transfer whose answer is changed afterwards."""

    def __init__(self, tasks: int, change: Callable[[TransferOutput], TransferOutput]) -> None:
        super().__init__(HIDDEN, tasks)
        self.change = change

    def forward(self, states: Tensor, inputs: Tensor, receivers: tuple[int, ...]) -> TransferOutput:
        """The changed answer."""
        return self.change(super().forward(states, inputs, receivers))


def test_a_sound_transfer_passes() -> None:
    check_transfer(lambda tasks: ChangedStitch(tasks, lambda output: output), WORD_FEATURES, trains_senders=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda out: out._replace(states=out.states - out.states.mean(dim=1, keepdim=True)), "what stands on padding"),
        (lambda out: out._replace(states=out.states.detach()), "does not require grad"),
        (
            lambda out: out._replace(record={"weights": out.record["stitch"].abs() + 1}),
            "'weights': the weights of a word must sum to 1",
        ),
        (lambda out: out._replace(record={"stitch": out.record["stitch"][:1]}), r"must begin with \(receivers\)"),
    ],
)
def test_a_transfer_that_breaks_the_contract(change: Callable[[TransferOutput], TransferOutput], sentence: str) -> None:
    with pytest.raises((AssertionError, RuntimeError), match=sentence):
        check_transfer(lambda tasks: ChangedStitch(tasks, change), WORD_FEATURES, trains_senders=True)

from collections.abc import Callable

import pytest
import torch

from tasktalk.communication.block import Block
from tasktalk.communication.compose import Bidirectional, Layers, bidirectional
from tasktalk.communication.convolution import TaskConvolution
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.communication.fully_shared import FullyShared
from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.communication.over_words import TransferOverWords
from tasktalk.communication.private import PrivateLSTM
from tasktalk.communication.separate import Separate
from tasktalk.communication.shared_private import SharedPrivate
from tasktalk.testing import check_block

WORD_FEATURES, HIDDEN, TASKS = 4, 3, 3

BLOCKS: dict[str, Callable[[int], Block]] = {
    "private": lambda tasks: PrivateLSTM(WORD_FEATURES, HIDDEN, tasks),
    "fully shared": lambda tasks: FullyShared(WORD_FEATURES, HIDDEN),
    "shared private": lambda tasks: SharedPrivate(WORD_FEATURES, HIDDEN, tasks),
    "direct": lambda tasks: DirectCommunication(WORD_FEATURES, HIDDEN, tasks),
    "indirect": lambda tasks: IndirectCommunication(WORD_FEATURES, HIDDEN, tasks),
    "indirect, causal": lambda tasks: IndirectCommunication(WORD_FEATURES, HIDDEN, tasks, causal=True),
    "separate": lambda tasks: TransferOverWords(WORD_FEATURES, HIDDEN, Separate(HIDDEN, tasks)),
    "experts": lambda tasks: TransferOverWords(
        WORD_FEATURES, HIDDEN, MixtureOfExperts(HIDDEN, WORD_FEATURES, tasks, experts=2)
    ),
}
LENGTHS = torch.tensor([4, 2])
MASK = (torch.arange(4) < LENGTHS[:, None]).unsqueeze(0)


@pytest.mark.parametrize("name", BLOCKS)
def test_contract_in_both_directions(name: str) -> None:
    make = BLOCKS[name]
    check_block(
        lambda tasks: Bidirectional(make(tasks), make(tasks)),
        WORD_FEATURES,
        shared_inputs=name != "shared private",
        trains_senders=name == "direct",
    )


def test_contract_of_layers() -> None:
    check_block(
        lambda tasks: Layers(
            [
                IndirectCommunication(WORD_FEATURES, HIDDEN, tasks),
                bidirectional(lambda: DirectCommunication(HIDDEN, HIDDEN, tasks), both=True),
                TaskConvolution(2 * HIDDEN, HIDDEN, tasks),
            ]
        ),
        WORD_FEATURES,
        trains_senders=True,
    )


@pytest.mark.parametrize("receivers", [(1,), (2, 0)])
def test_backwards_is_forwards_over_the_reversed_sentence(receivers: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    block = Bidirectional(BLOCKS["indirect"](TASKS), BLOCKS["indirect"](TASKS))
    words = torch.randn(1, 2, 4, WORD_FEATURES)
    states, record, _ = block(words, MASK, receivers)
    for b, length in enumerate(LENGTHS.tolist()):
        sentence = words[:, b : b + 1, :length].flip(2)
        alone = block.backwards(sentence, torch.ones(1, 1, length, dtype=torch.bool), receivers)
        torch.testing.assert_close(states[:, b, :length, HIDDEN:], alone.states[:, 0].flip(1))
        torch.testing.assert_close(record["backward_gate"][:, b, :length], alone.record["gate"][:, 0].flip(1))
        beta = alone.record["beta"][:, 0].flip(1, 2)
        torch.testing.assert_close(record["backward_beta"][:, b, :length, :length], beta)


def test_forward_states_and_record_come_first() -> None:
    torch.manual_seed(0)
    block = Bidirectional(BLOCKS["direct"](TASKS), BLOCKS["direct"](TASKS))
    words = torch.randn(1, 2, 4, WORD_FEATURES)
    states, record, penalty = block(words, MASK, (1, 2))
    ahead = block.forwards(words, MASK, (1, 2))
    assert block.features == 2 * HIDDEN
    assert torch.equal(states[..., :HIDDEN], ahead.states)
    assert set(record) == {"alpha", "gate", "backward_alpha", "backward_gate"}
    assert torch.equal(record["alpha"], ahead.record["alpha"])
    assert penalty is None


def test_penalties_are_added() -> None:
    torch.manual_seed(0)
    first, second = (SharedPrivate(WORD_FEATURES, HIDDEN, TASKS) for _ in range(2))
    words, mask = torch.randn(2, 2, 4, WORD_FEATURES), MASK.expand(2, -1, -1)
    alone = first(words, mask, (0, 1)).penalty
    assert torch.equal(Layers([first, PrivateLSTM(2 * HIDDEN, 2, TASKS)])(words, mask, (0, 1)).penalty, alone)
    both = Bidirectional(first, second)(words, mask, (0, 1)).penalty
    ends = torch.where(mask, mask.sum(-1, keepdim=True) - 1 - torch.arange(4), torch.arange(4))
    turned = words.gather(2, ends.unsqueeze(-1).expand_as(words))
    torch.testing.assert_close(both, alone + second(turned, mask, (0, 1)).penalty)


def test_layers_read_each_others_states() -> None:
    torch.manual_seed(0)
    first, second = BLOCKS["fully shared"](TASKS), IndirectCommunication(HIDDEN, 5, TASKS)
    block, words = Layers([first, second]), torch.randn(1, 2, 4, WORD_FEATURES)
    states, record, penalty = block(words, MASK, (0, 2))
    expected = second(first(words, MASK, (0, 2)).states, MASK.expand(2, -1, -1), (0, 2))
    assert block.features == 5
    assert torch.equal(states, expected.states)
    assert torch.equal(record["beta"], expected.record["beta"])
    assert penalty is None


def test_both_directions_on_demand() -> None:
    def make() -> Block:
        return FullyShared(WORD_FEATURES, HIDDEN)

    assert isinstance(bidirectional(make, both=False), FullyShared)
    both = bidirectional(make, both=True)
    assert isinstance(both, Bidirectional)
    assert both.forwards is not both.backwards

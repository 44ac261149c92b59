import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from tasktalk.communication.compose import Layers, bidirectional
from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.communication.cut import cut
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.communication.fully_shared import FullyShared
from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.communication.mitten import MutualAttention
from tasktalk.communication.over_words import TransferOverWords
from tasktalk.core.errors import ConfigError

FEATURES, TASKS = 4, 3

BLOCKS: dict[str, Callable[[], Any]] = {
    "dc": lambda: DirectCommunication(FEATURES, FEATURES, TASKS),
    "ic": lambda: IndirectCommunication(FEATURES, FEATURES, TASKS),
    "mitten": lambda: TransferOverWords(FEATURES, FEATURES, MutualAttention(FEATURES, TASKS)),
    "log-prior": lambda: TransferOverWords(
        FEATURES, FEATURES, MutualAttention(FEATURES, TASKS, dependency="log-prior")
    ),
    "cross-stitch": lambda: TransferOverWords(FEATURES, FEATURES, CrossStitch(FEATURES, TASKS)),
    "mmoe": lambda: TransferOverWords(FEATURES, FEATURES, MixtureOfExperts(FEATURES, FEATURES, TASKS, 2)),
    "both directions": lambda: bidirectional(lambda: DirectCommunication(FEATURES, FEATURES, TASKS), True),
    "layers": lambda: Layers([IndirectCommunication(FEATURES, FEATURES, TASKS) for _ in range(2)]),
}


def states(block: nn.Module, receivers: tuple[int, ...] = (0, 1, 2)) -> torch.Tensor:
    torch.manual_seed(1)
    words, mask = torch.randn(1, 2, 3, FEATURES), torch.tensor([[[True, True, True], [True, False, False]]])
    found: torch.Tensor = block(words, mask, receivers).states.detach()
    return found


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    block: nn.Module = BLOCKS[name]()
    for parameter in block.parameters():  # tasks start alike, and who says the same as others can be spared
        nn.init.uniform_(parameter, -1, 1)
    return block


@pytest.mark.parametrize("name", BLOCKS)
def test_only_the_receiver_notices_and_only_within_the_context(name: str) -> None:
    block = made(name)
    before = states(block)
    with cut(block, 1, 0):
        within = states(block)
    assert torch.equal(before, states(block))
    torch.testing.assert_close(before[[0, 2]], within[[0, 2]])
    assert not torch.allclose(before[1], within[1])


@pytest.mark.parametrize("name", BLOCKS)
def test_an_edge_that_nobody_uses_changes_no_bit(name: str) -> None:
    block = made(name)
    before = states(block, (0, 2))
    with cut(block, 1, 0):
        assert torch.equal(before, states(block, (0, 2)))


@pytest.mark.parametrize("name", BLOCKS)
def test_weight_files_know_nothing_of_cuts(name: str) -> None:
    block = made(name)
    names = list(block.state_dict())
    with cut(block, 1, 0):
        assert list(block.state_dict()) == names
        copied = copy.deepcopy(block)
    assert not any("cut" in name for name in [*names, *dict(block.named_buffers())])
    assert not torch.equal(states(block), states(copied))  # a copy keeps its own


def test_cuts_may_be_nested_and_an_error_ends_them() -> None:
    block = made("dc")
    before = states(block, (1,))
    with cut(block, 1, 0):
        once = states(block, (1,))
        with pytest.raises(RuntimeError, match="stop"), cut(block, 1, 2):
            raise RuntimeError("stop")
        assert torch.equal(once, states(block, (1,)))
    assert torch.equal(before, states(block, (1,)))


def test_two_tasks_of_dc_mtl_read_alone() -> None:
    torch.manual_seed(0)
    block = DirectCommunication(FEATURES, FEATURES, 2)
    with cut(block, 0, 1):
        within = states(block, (0, 1))
        alone = states(block, (0,))
    torch.testing.assert_close(within[0], alone[0])
    assert within.isfinite().all()
    torch.testing.assert_close(within[1], states(block, (1,))[0])


@pytest.mark.parametrize(("receiver", "source"), [(3, 0), (0, 3), (-1, 0), (0, -1)])
def test_an_edge_that_does_not_exist(receiver: int, source: int) -> None:
    with pytest.raises(ConfigError, match=f"a receiver below 3 and a source below 3, found {receiver} and {source}"):
        cut(made("dc"), receiver, source).__enter__()


def test_what_cannot_be_cut() -> None:
    with pytest.raises(ConfigError, match="nothing between its tasks that could be cut"):
        cut(FullyShared(FEATURES, FEATURES), 0, 0).__enter__()


@pytest.mark.parametrize("transfer", [MixtureOfExperts(FEATURES, FEATURES, 2, 1), MutualAttention(FEATURES, 1)])
def test_weights_that_sum_to_one_need_somebody(transfer: nn.Module) -> None:
    block = TransferOverWords(FEATURES, FEATURES, transfer)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the only source that a task hears cannot be cut"), cut(block, 0, 0):
        states(block, (0,))

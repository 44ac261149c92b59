"""The contract of a transfer: who fulfils it, and that networks ask for no more."""

import pytest
import torch
from torch import nn

from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.communication.mitten import MutualAttention
from tasktalk.communication.over_words import TransferOverWords
from tasktalk.communication.separate import Separate, Shared
from tasktalk.communication.transfer import Transfer, TransferOutput

TRANSFERS = (Separate(3, 2), Shared(3), CrossStitch(3, 2), MixtureOfExperts(3, 4, 2, 5), MutualAttention(3, 2))


@pytest.mark.parametrize("transfer", TRANSFERS, ids=lambda transfer: type(transfer).__name__)
def test_the_transfers_fulfil_it(transfer: Transfer) -> None:
    assert isinstance(transfer, Transfer)
    assert transfer.features == 3
    sources = transfer.sources((1,))
    assert set(sources) <= set(range(transfer.encoders))
    states, record = transfer(torch.randn(len(sources), 1, 6, 3), torch.randn(1, 6, 4), (1,))
    assert states.shape == (1, 6, 3)
    assert all(values.shape[0] == 1 and values.ndim in (2, 3) for values in record.values())


class Louder(nn.Module):
    """A transfer of somebody else's: nothing but the contract."""

    features, encoders = 3, 1

    def sources(self, receivers: tuple[int, ...]) -> tuple[int, ...]:
        return (0,)

    def forward(self, states: torch.Tensor, inputs: torch.Tensor, receivers: tuple[int, ...]) -> TransferOutput:
        return TransferOutput(2 * states[0].expand(len(receivers), -1, -1), {})


def test_whatever_fulfils_it_goes_between_words() -> None:
    louder = Louder()
    assert isinstance(louder, Transfer)
    block = TransferOverWords(4, 3, louder)
    words, mask = torch.randn(1, 2, 5, 4), torch.ones(1, 2, 5, dtype=torch.bool)
    plain = TransferOverWords(4, 3, Shared(3))
    plain.load_state_dict(block.state_dict())
    torch.testing.assert_close(block(words, mask, (0, 1)).states, 2 * plain(words, mask, (0, 1)).states)

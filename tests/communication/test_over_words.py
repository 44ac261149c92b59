import pytest
import torch

from tasktalk.communication.block import Block
from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.communication.mitten import MutualAttention
from tasktalk.communication.over_words import TransferOverWords
from tasktalk.communication.private import PrivateLSTM
from tasktalk.communication.separate import Separate, Shared
from tasktalk.testing import check_block

WORD_FEATURES, HIDDEN, TASKS = 4, 3, 3
MASK = torch.tensor([[[True, True, True, True], [True, True, False, False]]])


def test_contract() -> None:
    check_block(
        lambda tasks: TransferOverWords(WORD_FEATURES, HIDDEN, MutualAttention(HIDDEN, tasks)),
        WORD_FEATURES,
        trains_senders=True,
    )
    assert isinstance(TransferOverWords(WORD_FEATURES, HIDDEN, Shared(HIDDEN)), Block)


@pytest.mark.parametrize("groups", [1, 2])
def test_separate_encoders_are_private_lstms(groups: int) -> None:
    torch.manual_seed(0)
    block, private = (
        TransferOverWords(WORD_FEATURES, HIDDEN, Separate(HIDDEN, TASKS)),
        PrivateLSTM(WORD_FEATURES, HIDDEN, TASKS),
    )
    for parameter in private.parameters():
        torch.nn.init.normal_(parameter)
    block.lstms.load_state_dict(private.lstms.state_dict())
    words, mask = torch.randn(groups, 2, 4, WORD_FEATURES), MASK.expand(groups, -1, -1)
    torch.testing.assert_close(block(words, mask, (2, 0)).states, private(words, mask, (2, 0)).states)


def test_record_stands_at_its_words() -> None:
    torch.manual_seed(0)
    block = TransferOverWords(WORD_FEATURES, HIDDEN, MutualAttention(HIDDEN, TASKS))
    words = torch.randn(1, 2, 4, WORD_FEATURES)
    record = block(words, MASK, (2, 0)).record
    read = block.lstms(words, (0, 1, 2)).flatten(1, 2).unsqueeze(1)
    expected = block.transfer(read, words.flatten(1, 2), (2, 0)).record
    assert torch.equal(record["dependency_share"], expected["dependency_share"])
    for name in ("attention", "weights"):
        assert record[name].shape == (2, 2, 4, TASKS)
        torch.testing.assert_close(record[name], expected[name].unflatten(1, (2, 4)) * MASK.unsqueeze(-1))
        assert not record[name][:, 1, 2:].any()


def test_every_lstm_starts_from_a_draw_of_its_own() -> None:
    for transfer in (CrossStitch(HIDDEN, 2), MixtureOfExperts(HIDDEN, WORD_FEATURES, 3, 2)):
        first, second = TransferOverWords(WORD_FEATURES, HIDDEN, transfer).lstms.cells
        assert not torch.equal(first.get_parameter("weight_x"), second.get_parameter("weight_x"))

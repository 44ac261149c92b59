import torch
from torch import Tensor, nn

from tasktalk.communication.cells import LSTMParameters, LSTMs, SharedLSTM

WORD_FEATURES, HIDDEN = 3, 4


def torch_states(cell: nn.Module, words: Tensor) -> Tensor:
    """The states of torch.nn.LSTM with the same parameters, whose gates stand in the same order."""
    module = nn.LSTM(WORD_FEATURES, HIDDEN, batch_first=True)
    parameters = {
        "weight_ih_l0": cell.get_parameter("weight_x").t(),
        "weight_hh_l0": cell.get_parameter("weight_h").t(),
        "bias_ih_l0": cell.get_parameter("bias"),
        "bias_hh_l0": torch.zeros(4 * HIDDEN),
    }
    states: Tensor = torch.func.functional_call(module, parameters, (words,))[0]
    return states


def test_parameters_start_gate_by_gate() -> None:
    torch.manual_seed(0)
    parameters = LSTMParameters(WORD_FEATURES, HIDDEN)
    assert parameters.bias.tolist() == [0.0] * HIDDEN + [1.0] * HIDDEN + [0.0] * 2 * HIDDEN
    for gate in parameters.weight_h.chunk(4, dim=1):
        torch.testing.assert_close(gate @ gate.t(), torch.eye(HIDDEN))
    limit = (6 / (WORD_FEATURES + HIDDEN)) ** 0.5
    for gate in parameters.weight_x.chunk(4, dim=1):
        assert limit / 2 < gate.abs().max() <= limit


def test_every_lstm_is_that_of_torch() -> None:
    torch.manual_seed(0)
    lstms, words = LSTMs(WORD_FEATURES, HIDDEN, 3), torch.randn(2, 5, 6, WORD_FEATURES)
    states = lstms(words, (2, 0))
    for found, x, k in zip(states, words, (2, 0), strict=True):
        torch.testing.assert_close(found, torch_states(lstms.cells[k], x))


def test_one_group_is_read_by_every_chosen_lstm() -> None:
    torch.manual_seed(0)
    lstms, words = LSTMs(WORD_FEATURES, HIDDEN, 3), torch.randn(1, 5, 6, WORD_FEATURES)
    states = lstms(words, (1, 2))
    assert states.shape == (2, 5, 6, HIDDEN)
    torch.testing.assert_close(states[1:], lstms(words, (2,)))


def test_only_the_chosen_lstms_get_gradient() -> None:
    lstms = LSTMs(WORD_FEATURES, HIDDEN, 3)
    lstms(torch.ones(1, 2, 3, WORD_FEATURES), (1,)).sum().backward()
    assert [cell.weight_h.grad is None for cell in lstms.cells] == [True, False, True]


def test_the_shared_lstm_reads_every_group() -> None:
    torch.manual_seed(0)
    shared, words = SharedLSTM(WORD_FEATURES, HIDDEN), torch.randn(2, 3, 4, WORD_FEATURES)
    states = shared(words)
    for found, x in zip(states, words, strict=True):
        torch.testing.assert_close(found, torch_states(shared.lstm.cells[0], x))


def test_lstms_start_alike_unless_each_is_drawn() -> None:
    torch.manual_seed(0)
    for alike in (True, False):
        first, second = LSTMs(WORD_FEATURES, HIDDEN, 2, alike).cells
        for name in ("weight_x", "weight_h"):
            assert torch.equal(first.get_parameter(name), second.get_parameter(name)) == alike
        assert first.weight_x is not second.weight_x

import torch

from tasktalk.communication.cells import LSTMs
from tasktalk.communication.reader import MessageReader

WORD_FEATURES, HIDDEN, TASKS, SOURCES = 3, 4, 3, 5


def test_reads_shared_and_own_messages() -> None:
    torch.manual_seed(0)
    reader, lstms = MessageReader(WORD_FEATURES, HIDDEN), LSTMs(WORD_FEATURES, HIDDEN, TASKS)
    words, mask = torch.randn(2, 1, 6, WORD_FEATURES), torch.ones(2, 1, 1, SOURCES, dtype=torch.bool)
    messages = torch.randn(2, 1, 1, SOURCES, HIDDEN)
    shared = reader(words, messages, mask, lstms, (2, 0))
    own = reader(words, messages.expand(-1, -1, 6, -1, -1), mask, lstms, (2, 0))
    assert shared.states.shape == (2, 1, 6, HIDDEN)
    assert shared.weights.shape == (2, 1, 6, SOURCES)
    assert shared.gate.shape == (2, 1, 6)
    for a, b in zip(shared, own, strict=True):
        torch.testing.assert_close(a, b)


def test_one_source_gets_all_the_weight() -> None:
    torch.manual_seed(0)
    reader, lstms = MessageReader(WORD_FEATURES, HIDDEN), LSTMs(WORD_FEATURES, HIDDEN, TASKS)
    mask = torch.zeros(1, 1, 1, SOURCES, dtype=torch.bool)
    mask[..., 3] = True
    words, messages = torch.randn(1, 1, 6, WORD_FEATURES), torch.randn(1, 1, 1, SOURCES, HIDDEN)
    weights = reader(words, messages, mask, lstms, (1,)).weights
    assert weights.flatten(0, 2).tolist() == [[0, 0, 0, 1, 0]] * 6


def test_starts_within_glorots_limits() -> None:
    torch.manual_seed(0)
    reader = MessageReader(WORD_FEATURES, HIDDEN)
    assert reader.attend_word.shape == (WORD_FEATURES, HIDDEN)
    for name, parameter in reader.named_parameters():
        fan = sum(parameter.shape) if parameter.ndim == 2 else HIDDEN + 1
        assert 0 < parameter.abs().max() <= (6 / fan) ** 0.5, name

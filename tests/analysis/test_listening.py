import numpy as np
import pytest
import torch

from tasktalk.analysis.listening import mailbox_reading, senders
from tasktalk.core.batch import Listening
from tasktalk.core.errors import ConfigError


def test_a_mailbox_reading_is_the_mean_over_the_words_that_read() -> None:
    beta = torch.zeros(2, 1, 3, 3)
    beta[0, 0, :2, :2] = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    beta[1, 0, :2, :2] = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    gate = torch.tensor([[[0.2, 0.4, 0.0]], [[1.0, 0.5, 0.0]]])
    reading = mailbox_reading(Listening([["a", "b"]], ("x", "y"), {"beta": beta, "gate": gate}))
    np.testing.assert_allclose(reading.taken, [[0.75, 0.25], [0.0, 1.0]], atol=1e-7)
    np.testing.assert_allclose(reading.openness, [0.3, 0.75], atol=1e-7)
    assert reading.words == ["a", "b"]


def test_senders_are_averaged_over_all_words_and_not_over_padding() -> None:
    alpha = torch.zeros(2, 2, 2, 2)  # two tasks, a text of two words and one of one
    alpha[0, :, :, 1] = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    alpha[1, :, :, 0] = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    gate = torch.tensor([[[0.3, 0.3], [0.3, 0.0]], [[0.6, 0.0], [0.6, 0.0]]])
    found = senders(Listening([["a", "b"], ["c"]], ("x", "y"), {"alpha": alpha, "gate": gate}))
    np.testing.assert_allclose(found.taken, [[0.0, 1.0], [1.0, 0.0]], atol=1e-7)
    np.testing.assert_allclose(found.openness, [0.3, 0.4], atol=1e-7)


def test_a_record_of_another_model_is_refused() -> None:
    listening = Listening([["a"]], ("x",), {"gate": torch.zeros(1, 1, 1)})
    with pytest.raises(ConfigError, match="expected the record of a ic model, which has beta; this one has gate"):
        mailbox_reading(listening)
    with pytest.raises(ConfigError, match="which has alpha"):
        senders(listening)

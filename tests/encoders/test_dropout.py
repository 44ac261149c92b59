import numpy as np
import torch
from torch import nn

from tasktalk.core.batch import SparseRows
from tasktalk.core.graphs import normalised
from tasktalk.encoders.dropout import shared_mask
from tasktalk.encoders.graph import GraphEncoders
from tasktalk.encoders.summary import SummaryEncoders


def test_a_mask_drops_a_share_and_scales_the_rest() -> None:
    torch.manual_seed(0)
    mask = shared_mask(nn.Dropout(0.2), 500, torch.zeros(1, 8, dtype=torch.float64))
    assert mask is not None and mask.shape == (500, 8) and mask.dtype == torch.float64
    assert set(mask.unique().tolist()) == {0.0, 1.25}
    assert 0.15 < (mask == 0).double().mean() < 0.25


def test_nothing_is_dropped_where_nothing_should_be() -> None:
    assert shared_mask(nn.Dropout(0.0), 2, torch.zeros(1, 3)) is None
    assert shared_mask(nn.Dropout(0.5).eval(), 2, torch.zeros(1, 3)) is None
    everything = shared_mask(nn.Dropout(1.0), 2, torch.zeros(1, 3))
    assert everything is not None and not everything.any()


def test_encoders_that_are_alike_stay_alike_under_dropout() -> None:
    torch.manual_seed(0)
    edges = normalised(np.array([[0, 1], [1, 2]]), np.zeros(2, int), 1, 4)
    states, _ = GraphEncoders(3, 8, 3, 4, kinds=2, dropout=0.5)(torch.randn(4, 3), edges, (0, 1, 2, 3))
    assert (states == 0).any()
    torch.testing.assert_close(states, states[:1].expand_as(states))
    rows = SparseRows(torch.tensor([0, 2, 1]), torch.tensor([0, 2]), torch.tensor([1.0, 2.0, -1.0]))
    of_examples = SummaryEncoders(3, 8, 4, dropout=0.5)(rows, (0, 1, 2, 3))
    assert (of_examples == 0).any()
    torch.testing.assert_close(of_examples, of_examples[:1].expand_as(of_examples))

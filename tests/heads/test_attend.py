import pytest
import torch
from torch import Tensor

from tasktalk.heads.attend import attend

# Four graphs of 2, 0, 3 and 1 positions.
GRAPH_OF = torch.tensor([0, 0, 2, 2, 2, 3])
GRAPHS = 4


def inputs() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    states, query = torch.randn(3, 6, 5, dtype=torch.float64), torch.randn(3, GRAPHS, 5, dtype=torch.float64)
    return states.requires_grad_(), query.requires_grad_()


def naive_attention(states: Tensor, query: Tensor) -> Tensor:
    answers = []
    for h, queries in zip(states, query, strict=True):
        for graph, q in enumerate(queries):
            own = h[graph == GRAPH_OF]
            a = torch.softmax(torch.stack([h_p @ q for h_p in own]), dim=0) if len(own) else own.new_zeros(0)
            answers.append(sum((a_p * h_p for a_p, h_p in zip(a, own, strict=True)), torch.zeros_like(q)))
    return torch.stack(answers).view_as(query)


def test_attention_and_gradients_are_those_of_loops() -> None:
    states, query = inputs()
    found, expected = attend(states, query, GRAPH_OF), naive_attention(states, query)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    direction = torch.randn_like(expected)
    gradients = (torch.autograd.grad(y, (states, query), direction) for y in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
    assert torch.autograd.gradcheck(lambda h, q: attend(h, q, GRAPH_OF), (states, query))


def test_layouts_make_no_difference() -> None:
    states, query = inputs()
    expected = attend(states, query, GRAPH_OF)
    strided = states.transpose(0, 1).contiguous().transpose(0, 1)
    found = attend(strided, query[:, :1].expand(-1, GRAPHS, -1), GRAPH_OF)
    torch.testing.assert_close(found[:, 0], expected[:, 0], rtol=0, atol=1e-12)
    found.sum().backward()  # this gradient has no memory of its own
    assert states.grad is not None and states.grad.isfinite().all()


def test_large_scores_are_no_trouble() -> None:
    states, query = inputs()
    found = attend(1000 * states, 1000 * query, GRAPH_OF)
    torch.testing.assert_close(found, naive_attention(1000 * states, 1000 * query), rtol=0, atol=1e-9)
    assert all(g.isfinite().all() for g in torch.autograd.grad(found.sum(), (states, query)))


@pytest.mark.parametrize("graphs", [0, 2])
def test_no_position_at_all(graphs: int) -> None:
    states, query = torch.ones(3, 0, 5, requires_grad=True), torch.ones(3, graphs, 5, requires_grad=True)
    found = attend(states, query, GRAPH_OF[:0])
    assert torch.equal(found, torch.zeros(3, graphs, 5))
    found.sum().backward()
    assert query.grad is not None and not query.grad.any()


def test_mixed_precision_is_near() -> None:
    states, query = (tensor.detach().float() for tensor in inputs())
    expected = attend(states, query, GRAPH_OF)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(attend(states, query, GRAPH_OF), expected)
    near = attend(states.bfloat16(), query.bfloat16(), GRAPH_OF)
    torch.testing.assert_close(near, expected, rtol=0.05, atol=0.05)

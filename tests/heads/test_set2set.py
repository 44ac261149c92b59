import pytest
import torch
from torch import Tensor

from tasktalk.heads.set2set import set2set

# Four graphs of 2, 0, 3 and 1 positions.
GRAPH_OF = torch.tensor([0, 0, 2, 2, 2, 3])
GRAPHS, FEATURES, STEPS = 4, 5, 3


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    shapes = ((3, 6, FEATURES), (3, 2 * FEATURES, 4 * FEATURES), (3, 4 * FEATURES))
    states, weight, bias = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    return states, weight, bias


def naive(states: Tensor, weight: Tensor, bias: Tensor, steps: int = STEPS) -> Tensor:
    answers = []
    for h, own_weight, own_bias in zip(states, weight, bias, strict=True):
        for graph in range(GRAPHS):
            own = h[graph == GRAPH_OF]
            answer, cell = h.new_zeros(2 * FEATURES), h.new_zeros(FEATURES)
            for _ in range(steps):
                i, f, g, o = (answer @ own_weight + own_bias).chunk(4)
                cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
                q = torch.sigmoid(o) * torch.tanh(cell)
                a = torch.softmax(torch.stack([h_p @ q for h_p in own]), dim=0) if len(own) else own.new_zeros(0)
                found = sum((a_p * h_p for a_p, h_p in zip(a, own, strict=True)), torch.zeros_like(q))
                answer = torch.cat((q, found))
            answers.append(answer)
    return torch.stack(answers).view(len(states), GRAPHS, 2 * FEATURES)


@pytest.mark.parametrize("steps", [1, 2, STEPS])
def test_answers_and_gradients_are_those_of_loops(steps: int) -> None:
    arguments = inputs()
    states, weight, bias = arguments
    found, expected = set2set(states, GRAPH_OF, GRAPHS, weight, bias, steps), naive(*arguments, steps)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    direction = torch.randn_like(expected)
    gradients = (torch.autograd.grad(y, arguments, direction, materialize_grads=True) for y in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_the_gradient_is_that_of_differences() -> None:
    def function(states: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return set2set(states, GRAPH_OF, GRAPHS, weight, bias, STEPS)

    assert torch.autograd.gradcheck(function, inputs(), fast_mode=True)


def test_layouts_make_no_difference() -> None:
    states, weight, bias = inputs()
    expected = set2set(states, GRAPH_OF, GRAPHS, weight, bias, STEPS)
    strided = states.transpose(0, 1).contiguous().transpose(0, 1)
    found = set2set(strided, GRAPH_OF, GRAPHS, weight, bias, STEPS)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    (given,) = torch.autograd.grad(expected, states, torch.ones_like(expected))
    (gradient,) = torch.autograd.grad(found.sum(), states)  # what arrives has no memory of its own
    torch.testing.assert_close(gradient, given, rtol=0, atol=1e-12)


def test_large_scores_are_no_trouble() -> None:
    states, weight, bias = inputs()
    found = set2set(1000 * states, GRAPH_OF, GRAPHS, weight, bias, STEPS)
    torch.testing.assert_close(found, naive(1000 * states, weight, bias), rtol=0, atol=1e-9)
    gradients = torch.autograd.grad(found.sum(), (states, weight, bias))
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("graphs", [0, 2])
def test_no_position_at_all(graphs: int) -> None:
    states, weight, bias = (x.detach().requires_grad_() for x in inputs())
    found = set2set(states[:, :0], GRAPH_OF[:0], graphs, weight, bias, STEPS)
    assert found.shape == (3, graphs, 2 * FEATURES) and not found[:, :, FEATURES:].any()
    found.sum().backward()
    assert weight.grad is not None and weight.grad.isfinite().all()


def test_mixed_precision_is_near() -> None:
    states, weight, bias = (x.detach().float() for x in inputs())
    expected = set2set(states, GRAPH_OF, GRAPHS, weight, bias, STEPS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(set2set(states, GRAPH_OF, GRAPHS, weight, bias, STEPS), expected)
    near = set2set(states.bfloat16(), GRAPH_OF, GRAPHS, weight.bfloat16(), bias.bfloat16(), STEPS)
    assert near.dtype == torch.float32
    torch.testing.assert_close(near, expected, rtol=0.1, atol=0.1)


def test_gradients_of_gradients_are_refused() -> None:
    states, weight, bias = inputs()
    answer = set2set(states, GRAPH_OF, GRAPHS, weight, bias, STEPS)
    (gradient,) = torch.autograd.grad(answer.square().sum(), states, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()

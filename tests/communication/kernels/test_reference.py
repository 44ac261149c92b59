import torch

from tasktalk.communication.kernels.reference import lstm, lstm_dagger
from tests.communication.kernels.arguments import Arguments, draw


def test_gradients_of_gradients_exist() -> None:
    leaves = [draw(2, 2, 3, 8), draw(2, 8), draw(2, 2, 8)]
    assert torch.autograd.gradgradcheck(lstm, [x.requires_grad_() for x in leaves])
    arguments = Arguments(own_sources=False, own_mask=False)
    states, weights, gate = lstm_dagger(**arguments.floats, mask=arguments.mask)
    (gradient,) = torch.autograd.grad(states.square().sum(), arguments.floats["score"], create_graph=True)
    gradient.sum().backward()
    assert all(x.grad is not None and x.grad.isfinite().all() for x in arguments.floats.values())
    assert not weights.requires_grad and not gate.requires_grad

"""Set2Set as Vinyals et al. 2015 write it (Eq. 3-7), in naive loops."""

import torch
from torch import Tensor

from tasktalk.heads.readout import Set2Set

FEATURES, STEPS = 3, 4
GRAPH_OF = torch.tensor([0, 0, 1, 1, 1, 1, 2])


def lstm(x: Tensor, h: Tensor, c: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """One step; ``weight`` reads x, of which h is the first half."""
    assert torch.equal(x[: len(h)], h)
    z = x @ weight + bias
    i, f, g, o = z[:FEATURES], z[FEATURES : 2 * FEATURES], z[2 * FEATURES : 3 * FEATURES], z[3 * FEATURES :]
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def set2set(memories: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """q*_t of one set of memories m_i."""
    q_star = memories.new_zeros(2 * FEATURES)
    q, c = memories.new_zeros(FEATURES), memories.new_zeros(FEATURES)
    for _ in range(STEPS):
        q, c = lstm(q_star, q, c, weight, bias)  # Eq. 3
        e = [m_i @ q for m_i in memories]  # Eq. 4, f a dot product
        total = sum(torch.exp(e_j) for e_j in e)
        a = [torch.exp(e_i) / total for e_i in e]  # Eq. 5
        r = torch.stack([a_i * m_i for a_i, m_i in zip(a, memories, strict=True)]).sum(dim=0)  # Eq. 6
        q_star = torch.cat((q, r))  # Eq. 7
    return q_star


def test_set2set_is_the_papers() -> None:
    torch.manual_seed(0)
    module = Set2Set(FEATURES, tasks=3, steps=STEPS).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    states = torch.randn(2, len(GRAPH_OF), FEATURES, dtype=torch.float64, requires_grad=True)
    found = module(states, GRAPH_OF, 3, (2, 0))
    parameters = [[module.get_parameter(f"lstms.{k}.{name}") for name in ("weight", "bias")] for k in (2, 0)]
    expected = torch.stack(
        [
            torch.stack([set2set(own[graph == GRAPH_OF], *theirs) for graph in range(3)])
            for own, theirs in zip(states, parameters, strict=True)
        ]
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    direction = torch.randn_like(expected)
    arguments = [states, *parameters[0], *parameters[1]]
    gradients = (torch.autograd.grad(y, arguments, direction) for y in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)

"""What is frozen stays, whole parameters and parts of parameters, under any optimiser; the rest learns."""

import pytest
import torch
from torch import nn

from tasktalk.training.frozen import Frozen


class Toy(nn.Module):
    """A shared vector, and a matrix with a row and a column for each task."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.shared = nn.Parameter(torch.ones(3))
        self.pairs = nn.Parameter(torch.ones(tasks, tasks))
        self.constant = nn.Parameter(torch.ones(1), requires_grad=False)
        self.own = nn.ParameterList(nn.Parameter(torch.ones(2)) for _ in range(tasks))

    def loss(self) -> torch.Tensor:
        return (self.shared.sum() * self.pairs.sum()).square() + self.own[-1].sum().square()


@pytest.mark.parametrize("kind", ["adamw", "adadelta"])
@pytest.mark.parametrize("until", [None, 1])
def test_what_stays_and_what_learns(kind: str, until: int | None) -> None:
    network = Toy(3)
    frozen = Frozen(network, Toy(2).state_dict(), until)
    optimizer = (
        torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.5)
        if kind == "adamw"
        else torch.optim.Adadelta(network.parameters(), lr=1.0, weight_decay=0.5)
    )
    for epoch in range(2):
        frozen.begin(epoch)
        before = {name: values.clone() for name, values in network.state_dict().items()}
        for _ in range(2):
            network.loss().backward()
            frozen.before_step()
            assert network.pairs.grad is not None
            assert bool(network.pairs.grad[:2, :2].any()) == (epoch == until)
            optimizer.step()
            optimizer.zero_grad()
            frozen.after_step()
        after = network.state_dict()
        assert torch.equal(after["shared"], before["shared"]) == (epoch != until)
        assert torch.equal(after["pairs"][:2, :2], before["pairs"][:2, :2]) == (epoch != until)
        assert (after["pairs"][2] != before["pairs"][2]).all() and (after["pairs"][:, 2] != before["pairs"][:, 2]).all()
        assert not torch.equal(after["own.2"], before["own.2"])
        assert torch.equal(after["own.0"], torch.ones(2))
        assert not network.constant.requires_grad

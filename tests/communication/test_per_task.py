"""Which parts of a block belong to a task."""

import torch
from torch import nn

from tasktalk.communication.per_task import grown_axes, owner, per_task_lists, permute_state, select


class Parts(nn.Module):
    """A list of modules, a list of parameters and a column per task, and a part that all share."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.own = nn.ModuleList(nn.Linear(2, 2) for _ in range(tasks))
        self.vectors = nn.ParameterList(torch.randn(2) for _ in range(tasks))
        self.columns = nn.Parameter(torch.randn(2, tasks))
        self.shared = nn.ModuleList([nn.Linear(2, 2)])


def test_lists_that_grow_with_the_tasks_belong_to_them() -> None:
    lists = per_task_lists(Parts(3).state_dict(), Parts(4).state_dict())
    assert lists == {"own", "vectors"}
    found = [owner(name, lists) for name in ("own.2.weight", "vectors.1", "columns", "shared.0.weight")]
    assert found == [2, 1, None, None]


def test_axes_that_grow_with_the_tasks_are_permuted() -> None:
    small, larger = torch.arange(6.0).view(2, 3), torch.zeros(2, 4)
    assert grown_axes(small, larger) == [1] and grown_axes(small, small) == []
    assert select(small, [1], [2, 0, 1]).tolist() == [[2, 0, 1], [5, 3, 4]]


def test_a_renamed_task_takes_its_parts_along() -> None:
    parts = Parts(3).state_dict()
    renamed = permute_state(parts, Parts(4).state_dict(), [1, 2, 0])  # task 0 is now called 1
    assert renamed.keys() == parts.keys()
    assert torch.equal(renamed["own.1.weight"], parts["own.0.weight"])
    assert torch.equal(renamed["vectors.0"], parts["vectors.2"])
    assert torch.equal(renamed["columns"][:, 1], parts["columns"][:, 0])
    assert torch.equal(renamed["shared.0.weight"], parts["shared.0.weight"])

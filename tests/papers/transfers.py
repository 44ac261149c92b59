"""States and gradients for the oracles of the dependency paper, and the comparison with a transfer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tasktalk.communication.transfer import TransferOutput
from tests.papers.notation import Answer, leaves

POSITIONS = 4


class Case(NamedTuple):
    """What every encoder made of some positions, for some receivers, and the gradient that arrives."""

    states: Tensor  # (sources, groups, positions, features)
    inputs: Tensor  # (groups, positions, input features)
    receivers: tuple[int, ...]
    arriving: Tensor  # (receivers, positions, features)

    def group(self, place: int) -> int:
        """The group that the receiver at this place reads."""
        return place % len(self.inputs)


class Told(NamedTuple):
    """What the oracle says of one position of one receiver: a state, and the entries of the record."""

    state: Tensor
    record: dict[str, Tensor]


def make_case(sources: int, receivers: tuple[int, ...], groups: int, features: int, input_features: int = 2) -> Case:
    """Random states, inputs and arriving gradients."""
    torch.manual_seed(1)
    states = torch.randn(sources, groups, POSITIONS, features)
    inputs = torch.randn(groups, POSITIONS, input_features)
    return Case(states, inputs, receivers, torch.randn(len(receivers), POSITIONS, features))


def transfer_answer(transfer: nn.Module, case: Case) -> Answer:
    """What the transfer says."""
    given = {name: x.clone().requires_grad_() for name, x in (("states", case.states), ("inputs", case.inputs))}
    output: TransferOutput = transfer(given["states"], given["inputs"], case.receivers)
    (output.states * case.arriving).sum().backward()
    return Answer({"mixed": output.states.detach(), **output.record}, _gradients(given, transfer.named_parameters()))


def oracle_answer(
    transfer: nn.Module, case: Case, tell: Callable[[Mapping[str, Tensor], list[Tensor], Tensor, int], Told]
) -> Answer:
    """What the oracle says, with the parameters of the transfer.

    ``tell(parameters, E, x, j)`` is one position with the states E of all sources and the input x, for receiver j.
    """
    p = leaves(transfer)
    given = {name: x.clone().requires_grad_() for name, x in (("states", case.states), ("inputs", case.inputs))}
    mixed, record = torch.zeros(case.arriving.shape), dict[str, list[Tensor]]()
    loss = torch.zeros(())
    for place, j in enumerate(case.receivers):
        for n in range(POSITIONS):
            g = case.group(place)
            told = tell(p, [given["states"][i, g, n] for i in range(len(case.states))], given["inputs"][g, n], j)
            mixed[place, n] = told.state.detach()
            loss = loss + (told.state * case.arriving[place, n]).sum()
            for name, values in told.record.items():
                record.setdefault(name, []).append(values.detach())
    loss.backward()
    stacked = {name: torch.stack(rows).view(len(case.receivers), POSITIONS, -1) for name, rows in record.items()}
    return Answer({"mixed": mixed, **stacked}, _gradients(given, p.items()))


def for_all_positions(answer: Answer, *names: str) -> Answer:
    """The answer with these entries of the record once, not for each position."""
    once = {name: x[:, 0] if name in names else x for name, x in answer.outputs.items()}
    return Answer(once, answer.gradients)


def _gradients(given: Mapping[str, Tensor], parameters: object) -> dict[str, Tensor]:
    named = {**given, **dict(parameters)}  # type: ignore[call-overload]
    return {name: torch.zeros_like(x) if x.grad is None else x.grad for name, x in named.items()}

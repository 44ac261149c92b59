"""Random arguments of the recurrences, and answers with gradients."""

import torch
from torch import Tensor

from tasktalk.communication.kernels.recurrences import Dagger, lstm_dagger, stacked_lstm

CELLS = 3
RECEIVERS, BATCH, WORDS, SOURCES, HIDDEN, ATTENTION = 2, 2, 3, 4, 2, 3


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def with_gradients(states: Tensor, *leaves: Tensor) -> list[Tensor]:
    return [states, *torch.autograd.grad((states * draw(*states.shape)).sum(), leaves)]


def lstm_states(inputs: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
    """States of the LSTMs whose x_t W_x are the inputs: W_x is the identity."""
    identity = torch.eye(inputs.shape[-1], dtype=weight.dtype)
    return stacked_lstm(inputs, [identity] * len(weight), bias.unbind(), weight.unbind())


class Arguments:
    """Random arguments of ``lstm_dagger``; ``floats`` are those that have a gradient."""

    def __init__(self, own_sources: bool, own_mask: bool, words: int = WORDS) -> None:
        torch.manual_seed(0)
        rows = (RECEIVERS, BATCH)
        steps, mask_steps = words if own_sources else 1, words if own_mask else 1
        shapes = {
            "inputs": (*rows, words, 4 * HIDDEN),
            "bias": (RECEIVERS, 4 * HIDDEN),
            "queries": (*rows, words, ATTENTION),
            "keys": (*rows, steps, SOURCES, ATTENTION),
            "messages": (*rows, steps, SOURCES, HIDDEN),
            "weight": (RECEIVERS, HIDDEN, 4 * HIDDEN),
            "weight_query": (HIDDEN, ATTENTION),
            "weight_message": (HIDDEN, 2 * HIDDEN),
            "weight_cell": (HIDDEN, HIDDEN),
            "score": (ATTENTION,),
        }
        self.floats = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
        self.mask = torch.rand(*rows, mask_steps, SOURCES) < 0.6
        self.mask[..., 0] = True
        for x in self.floats.values():
            x.requires_grad_()

    def run(self) -> Dagger:
        return lstm_dagger(**self.floats, mask=self.mask)

    def answer(self) -> list[Tensor]:
        """States, weights, gate and all gradients."""
        dagger = self.run()
        arriving = torch.randn(dagger.states.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        return [*dagger, *torch.autograd.grad((dagger.states * arriving).sum(), list(self.floats.values()))]

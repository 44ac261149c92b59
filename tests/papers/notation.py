"""From a block's parameters to the notation of the message-passing paper, and the comparison of the two."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput
from tests.papers.oracle_message_passing import Sentence, Shared, Theta

TOLERANCE = 1e-9


class Case(NamedTuple):
    """Sentences for some receivers, and the gradient that arrives at their states."""

    words: Tensor  # (groups, batch, words, word features)
    lengths: tuple[tuple[int, ...], ...]  # (groups, batch)
    receivers: tuple[int, ...]
    arriving: Tensor  # (receivers, batch, words, hidden)

    @property
    def mask(self) -> Tensor:
        """True where there is a word."""
        return torch.arange(self.words.shape[2]) < torch.tensor(self.lengths)[..., None]


def make_case(receivers: tuple[int, ...], groups: int, word_features: int, hidden: int) -> Case:
    """Random sentences of different lengths, with random numbers where they are padded."""
    torch.manual_seed(1)
    lengths = ((5, 2, 1), (3, 5, 4), (1, 4, 5))[:groups]
    words = torch.randn(groups, 3, 5, word_features)
    return Case(words, lengths, receivers, torch.randn(len(receivers), 3, 5, hidden))


def randomised(block: nn.Module) -> nn.Module:
    """The block with parameters large enough that every equation matters."""
    torch.manual_seed(2)
    for parameter in block.parameters():
        nn.init.uniform_(parameter, -1, 1)
    return block


def leaves(block: nn.Module) -> dict[str, Tensor]:
    """Copies of a block's parameters that collect gradients of their own."""
    return {name: p.detach().clone().requires_grad_() for name, p in block.named_parameters()}


def theta(parameters: Mapping[str, Tensor], prefix: str) -> Theta:
    """One LSTM's theta; the gates stand side by side in the order input, forget, candidate, output."""
    W_x, W_h, b = (parameters[f"{prefix}.{name}"] for name in ("weight_x", "weight_h", "bias"))
    W = torch.cat((W_x, W_h)).t().chunk(4)
    return Theta(*W, *b.chunk(4))


def reader(parameters: Mapping[str, Tensor]) -> Shared:
    """theta^(s) of a block's reader."""
    part = {name.removeprefix("reader."): p for name, p in parameters.items() if name.startswith("reader.")}
    W = torch.cat((part["attend_word"], part["attend_state"], part["attend_message"])).t()
    return Shared(W, part["score"], part["fuse"].t(), part["gate_message"].t(), part["gate_cell"].t())


class Answer(NamedTuple):
    """Everything that is compared: states, record, gradients."""

    outputs: dict[str, Tensor]
    gradients: dict[str, Tensor]


def block_answer(block: nn.Module, case: Case) -> Answer:
    """What the block says."""
    words = case.words.clone().requires_grad_()
    output: BlockOutput = block(words, case.mask, case.receivers)
    (output.states * case.arriving).sum().backward()
    gradients = _gradients(words, dict(block.named_parameters()))
    return Answer({"states": output.states.detach(), **output.record}, gradients)


def oracle_answer(
    parameters: Mapping[str, Tensor], case: Case, read: Callable[[Tensor, int], Sentence], name: str
) -> Answer:
    """What the oracle says; ``read(x, k)`` is one sentence read by task k, ``name`` that of its weights."""
    words = case.words.clone().requires_grad_()
    sentences = [[read(x, k) for x in row] for k, row in zip(case.receivers, _unpadded(words, case), strict=True)]
    hidden, longest = case.arriving.shape[-1], case.words.shape[2]
    batch = len(sentences[0])
    sources = max(s.weights.shape[1] for row in sentences for s in row)
    states = torch.zeros(len(sentences), batch, longest, hidden)
    weights = torch.zeros(len(sentences), batch, longest, sources)
    gate = torch.zeros(len(sentences), batch, longest)
    loss = torch.zeros(())
    for r, row in enumerate(sentences):
        for b, sentence in enumerate(row):
            T, n = sentence.weights.shape
            states[r, b, :T], gate[r, b, :T] = sentence.h.detach(), sentence.gate
            weights[r, b, :T, :n] = sentence.weights
            loss = loss + (sentence.h * case.arriving[r, b, :T]).sum()
    loss.backward()
    return Answer({"states": states, name: weights, "gate": gate}, _gradients(words, parameters))


def _unpadded(words: Tensor, case: Case) -> list[list[Tensor]]:
    """The sentences of every receiver, each as long as it is."""
    groups = [[x[:T] for x, T in zip(group, T_s, strict=True)] for group, T_s in zip(words, case.lengths, strict=True)]
    return groups * len(case.receivers) if len(groups) == 1 else groups


def assert_same(found: Answer, expected: Answer) -> None:
    """Outputs and gradients are equal, entry by entry."""
    assert found.outputs.keys() == expected.outputs.keys()
    assert found.gradients.keys() == expected.gradients.keys()
    wrong = _differences(found.outputs, expected.outputs, "")
    wrong += _differences(found.gradients, expected.gradients, "the gradient of ")
    if wrong:
        raise AssertionError("block and oracle differ in " + ", ".join(wrong))


def _differences(found: dict[str, Tensor], expected: dict[str, Tensor], what: str) -> list[str]:
    assert all(found[name].shape == expected[name].shape for name in found)
    largest = {name: float((found[name] - expected[name]).abs().max()) for name in found}
    return [f"{what}{name} by {value:.1e}" for name, value in largest.items() if not value <= TOLERANCE]


def _gradients(words: Tensor, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    named = {"words": words, **parameters}
    return {name: torch.zeros_like(x) if x.grad is None else x.grad for name, x in named.items()}

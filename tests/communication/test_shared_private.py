import pytest
import torch
from torch import Tensor

from tasktalk.communication.shared_private import SharedPrivate
from tasktalk.core.errors import ConfigError
from tasktalk.testing import check_block

WORD_FEATURES, HIDDEN, TASKS = 4, 3, 3


def make_examples(receivers: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    return torch.randn(receivers, 2, 3, WORD_FEATURES), mask.expand(receivers, -1, -1)


def test_contract() -> None:
    check_block(lambda tasks: SharedPrivate(WORD_FEATURES, HIDDEN, tasks), WORD_FEATURES)


def test_a_state_is_private_then_shared() -> None:
    torch.manual_seed(0)
    block, (words, mask) = SharedPrivate(WORD_FEATURES, HIDDEN, TASKS), make_examples(2)
    private, shared = block(words, mask, (2, 0)).states.split(HIDDEN, dim=-1)
    torch.testing.assert_close(private, block.private(words, (2, 0)) * mask.unsqueeze(-1))
    torch.testing.assert_close(shared, block.shared(words) * mask.unsqueeze(-1))


def test_the_penalty_is_there_while_training_only() -> None:
    block, (words, mask) = SharedPrivate(WORD_FEATURES, HIDDEN, TASKS), make_examples(2)
    assert block.train()(words, mask, (2, 0)).penalty > 0
    assert block.eval()(words, mask, (2, 0)).penalty is None


def test_the_penalty_knows_the_tasks_by_name_only() -> None:
    block, renamed = (SharedPrivate(WORD_FEATURES, HIDDEN, TASKS) for _ in range(2))
    words, mask = make_examples(2)
    to = [1, 2, 0]
    state = {}
    for name, values in block.state_dict().items():
        if name.startswith("private.cells."):
            k, rest = name.removeprefix("private.cells.").split(".")
            state[f"private.cells.{to[int(k)]}.{rest}"] = values
        else:
            state[name] = values[[2, 0, 1]] if name.startswith("discriminator") else values
    renamed.load_state_dict(state)
    expected = block(words, mask, (0, 2)).penalty
    torch.testing.assert_close(renamed(words, mask, (1, 0)).penalty, expected)
    assert not torch.isclose(renamed(words, mask, (0, 2)).penalty, expected)


@pytest.mark.parametrize(("adversarial", "orthogonal"), [(0.0, 1.0), (1.0, 0.0)])
def test_weights_of_the_penalties(adversarial: float, orthogonal: float) -> None:
    block, (words, mask) = SharedPrivate(WORD_FEATURES, HIDDEN, TASKS, adversarial, orthogonal), make_examples(2)
    block(words, mask, (2, 0)).penalty.backward()
    for name, weight in (("discriminator.weight", adversarial), ("private.cells.2.weight_x", orthogonal)):
        gradient = block.get_parameter(name).grad
        assert gradient is not None
        assert bool(gradient.count_nonzero()) == bool(weight)


def test_one_task_cannot_be_told_apart() -> None:
    with pytest.raises(ConfigError, match="SP-MTL needs at least 2 tasks .*, found 1"):
        SharedPrivate(WORD_FEATURES, HIDDEN, 1)


def test_shared_inputs_are_refused_while_training() -> None:
    block, (words, mask) = SharedPrivate(WORD_FEATURES, HIDDEN, TASKS), make_examples(1)
    with pytest.raises(ConfigError, match="examples that belong to one task each.*try ic, dc or fs"):
        block(words, mask, (0, 1))

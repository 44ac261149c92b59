"""Properties that every way of sharing between tasks must have, as plain functions for blocks of your own too.

``check_communication`` runs them all for a class that ``tasktalk train --model my_module:MyBlock`` can use; an
AssertionError names the property and says in a sentence what is wrong::

    from tasktalk.testing import check_communication

    check_communication(MyBlock)

``check_block`` does the same for blocks that are made otherwise, ``check_transfer`` for transfers between tasks. Blocks
are copied, run in float64 on small random sentences and, except for the gradients, in evaluation mode. Per-task parts
are found by comparing a block for ``tasks`` tasks with one for a task more: modules and parameters in lists that grow,
and axes of parameters and of the record.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput
from tasktalk.communication.over_words import TransferOverWords
from tasktalk.communication.per_task import grown_axes, owner, per_task_lists, permute_state, select
from tasktalk.communication.transfer import Transfer

BlockFactory = Callable[[int], nn.Module]
"""Number of tasks to a block."""
MakeBlock = Callable[..., nn.Module]
"""``word_features``, ``hidden`` and ``tasks``, by these names, to a block."""

_TOLERANCE = 1e-9
_SINGLE_TOLERANCE = 1e-3  # between float32 and float64
_LENGTHS = (5, 3, 1)
_SCORES = {"attention", "dependency", "stitch"}


def check_communication(make: MakeBlock, *, trains_senders: bool | None = None) -> None:
    """Every property of this module, for a small block of a class; under a second.

    Args:
        make: a class of blocks, or a function that makes one.
        trains_senders: as in ``check_block``, which also says what is raised.
    """
    check_block(lambda tasks: make(word_features=4, hidden=8, tasks=tasks), 4, trains_senders=trains_senders)


def check_block(
    factory: BlockFactory,
    word_features: int,
    tasks: int = 3,
    *,
    shared_inputs: bool = True,
    trains_senders: bool | None = False,
) -> None:
    """Every property of this module.

    Args:
        factory: makes a block for some number of tasks.
        word_features: size of an embedded word that the block reads.
        tasks: how many tasks; at least 3, because who has only one other task to listen to has no choice to learn.
        shared_inputs: whether several receivers may read the same examples.
        trains_senders: whether a receiver's loss also reaches the parameters of the other tasks; None allows both.

    Raises:
        AssertionError: the block lacks a property, the name of which comes first, or fails where it is looked at.
    """
    block = _build(factory, tasks)
    sized, made = (block, word_features, tasks), (factory, word_features, tasks)
    _named(assert_block, *sized)
    _named(assert_states, *sized)
    _named(assert_record, *sized)
    _named(assert_padding_changes_nothing, *sized)
    _named(assert_batch_equals_one_by_one, *sized, shared_inputs=shared_inputs)
    _named(assert_tasks_permute, *made)
    _named(assert_gradient_reaches, *made, trains_senders=trains_senders)
    _named(assert_float64, *sized)
    _named(assert_device, *sized)


def check_transfer(
    factory: Callable[[int], Transfer], input_features: int, tasks: int = 3, *, trains_senders: bool = False
) -> None:
    """Every property of this module, for a transfer at each word of what LSTMs make of small sentences.

    Args:
        factory: makes a transfer for some number of tasks.
        input_features: size of what the encoders read.
        tasks: as in ``check_block``, which also says what is raised.
        trains_senders: as in ``check_block``, for the encoders of the other tasks.
    """

    def over_words(count: int) -> nn.Module:
        transfer = factory(count)
        return TransferOverWords(input_features, transfer.features, transfer)

    check_block(over_words, input_features, tasks, trains_senders=trains_senders)


def assert_block(block: nn.Module, word_features: int, tasks: int) -> None:
    """It answers with a ``BlockOutput``, and a penalty, if there is one, is a single finite number."""
    block = _double(block)
    output = block(*_sentences(block, word_features, tasks), tuple(range(tasks)))
    _require(isinstance(output, BlockOutput), f"must answer with a BlockOutput, found {type(output).__name__}")
    _require(isinstance(output.record, dict), f"the record must be a dict, found {type(output.record).__name__}")
    penalty = torch.zeros(()) if output.penalty is None else output.penalty
    _require(penalty.ndim == 0 and bool(penalty.isfinite()), f"a penalty must be one finite number, found {penalty}")


def assert_states(block: nn.Module, word_features: int, tasks: int) -> None:
    """States are (receivers, batch, words, ``block.features``), finite, and zero on padding."""
    block = _double(block)
    words, mask = _sentences(block, word_features, tasks)
    states = _run(block, words, mask, tuple(range(tasks))).states
    expected = (*mask.shape, block.features)
    _require(states.shape == expected, f"states must have shape {expected}, found {tuple(states.shape)}")
    _require(bool(states.isfinite().all()), "a state is infinite or not a number")
    _require(bool((states[~mask] == 0).all()), "the state of a padded word must be zero")


def assert_record(block: nn.Module, word_features: int, tasks: int) -> None:
    """What the record says can be read: detached, the receiver first, zero on padding.

    An entry of shape (receivers, batch, words) is a gate, between 0 and 1. One of shape (receivers, batch, words,
    sources), or (receivers, sources) where it is the same for all words, holds weights: none is negative, and those of
    a word sum to 1. Entries named ``attention``, ``dependency`` or ``stitch`` are scores, which may be any number.
    """
    block = _double(block)
    words, mask = _sentences(block, word_features, tasks)
    for name, values in block(words, mask, tuple(range(tasks))).record.items():
        entry, found = f"record entry {name!r}", f"found {tuple(values.shape)}"
        _require(not values.requires_grad, f"{entry} must be detached")
        _require(values.ndim in (2, 3, 4), f"{entry} must have 2, 3 or 4 dimensions, {found}")
        where, axes = (mask, "receivers, batch, words") if values.ndim > 2 else (mask.any(dim=(1, 2)), "receivers")
        _require(values.shape[: where.ndim] == where.shape, f"{entry} must begin with ({axes}), {found}")
        _require(bool((values[~where] == 0).all()), f"{entry} must be zero on padding")
        if name.removeprefix("backward_") in _SCORES:
            continue
        _require(bool((values >= 0).all()), f"{entry} must not be negative")
        if values.ndim == 3:
            _require(bool((values <= 1).all()), f"{entry} must not be larger than 1")
        else:
            total = values.sum(dim=-1)[where]
            _require_equal(total, torch.ones_like(total), f"{entry}: the weights of a word must sum to 1")


def assert_padding_changes_nothing(block: nn.Module, word_features: int, tasks: int) -> None:
    """Neither what stands on padding nor how much of it there is matters, and no gradient flows into it.

    An example without any word, as it fills up a batch, does no harm.
    """
    block = _double(block)
    receivers = tuple(range(tasks))
    words, mask = _sentences(block, word_features, tasks)
    expected = _run(block, words, mask, receivers)
    other = torch.where(mask.unsqueeze(-1), words, 100 * words.flip(0) + 1)
    _require_same(_run(block, other, mask, receivers), expected, "what stands on padding changes")
    longer = torch.cat((words, words[:, :, :2] + 1), dim=2)
    longer_mask = torch.cat((mask, torch.zeros_like(mask[:, :, :2])), dim=2)
    found = _part(_run(block, longer, longer_mask, receivers), expected)
    _require_same(found, expected, "two more columns of padding change")
    mask[:, -1] = False
    words.requires_grad_()
    states = block(words, mask, receivers).states
    _require(bool(states.isfinite().all()), "an example without words must not give infinite states or NaN")
    (gradient,) = torch.autograd.grad((states * _draw(states.shape, 1).to(states)).sum(), words)
    _require(bool(gradient.isfinite().all()), "an example without words must not give infinite gradients or NaN")
    _require(bool((gradient[~mask] == 0).all()), "the gradient of a padded word must be zero")


def assert_batch_equals_one_by_one(
    block: nn.Module, word_features: int, tasks: int, *, shared_inputs: bool = True
) -> None:
    """Every sentence of every receiver gets the states that it gets alone, whatever the order of the receivers."""
    block = _double(block)
    receivers = (tasks - 1, *range(tasks - 1))
    words, mask = _sentences(block, word_features, tasks)
    batch = _run(block, words, mask, receivers)
    for i, k in enumerate(receivers):
        for b, length in enumerate(_LENGTHS):
            alone = _run(block, words[i : i + 1, b : b + 1, :length], mask[i : i + 1, b : b + 1, :length], (k,))
            change = f"the rest of the batch changes, for task {k} and sentence {b},"
            _require_same(_part(batch, alone, i, b), alone, change)
    if shared_inputs:
        together = _run(block, words[:1], mask[:1], receivers)
        apart = _run(block, words[:1].expand_as(words), mask[:1].expand_as(mask), receivers)
        _require_same(together, apart, "reading the same sentences as one group changes")


def assert_tasks_permute(factory: BlockFactory, word_features: int, tasks: int) -> None:
    """Renaming the tasks renames the answers and nothing else."""
    block, renamed, larger = (_double(_build(factory, count)) for count in (tasks, tasks, tasks + 1))
    to = [(i + 1) % tasks for i in range(tasks)]  # task i is called to[i]; for 3 tasks and more not its own inverse
    renamed.load_state_dict(permute_state(block.state_dict(), larger.state_dict(), to))
    words, mask = _sentences(block, word_features, tasks)
    expected = _run(block, words, mask, tuple(range(tasks)))
    found = _run(renamed, words, mask, tuple(to))
    per_task = _run(larger, words, mask, tuple(range(tasks))).record
    back = {name: select(values, grown_axes(values, per_task[name]), to) for name, values in found.record.items()}
    _require_same(BlockOutput(found.states, back), expected, "another order of the tasks changes")


def assert_gradient_reaches(
    factory: BlockFactory, word_features: int, tasks: int, *, trains_senders: bool | None = False
) -> None:
    """The loss of one receiver reaches all its own and all shared parameters, and the other tasks' as announced.

    With ``trains_senders`` some parameters of every other task must get gradient, without it none may; None allows
    both. Where the tasks are rows or columns of one parameter, each of them must get gradient from the loss of some
    receiver.
    """
    larger = _build(factory, tasks + 1)
    ever: dict[str, Tensor] = {}
    for k in range(tasks):
        block = _double(_build(factory, tasks)).train()
        words, mask = _sentences(block, word_features, 1)
        states, _, penalty = block(words, mask, (k,))
        loss = (states * _draw(states.shape, 1).to(states)).sum()
        (loss if penalty is None else loss + penalty).backward()
        lists = per_task_lists(block.state_dict(), larger.state_dict())
        senders = set()
        for name, parameter in ((n, p) for n, p in block.named_parameters() if p.requires_grad):
            whose = owner(name, lists)
            reached = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.abs()
            ever[name] = ever.get(name, 0) + reached
            if whose in (None, k):
                _require(bool(reached.any()), f"the loss of task {k} must reach {name}")
            elif reached.any():
                _require(trains_senders is not False, f"the loss of task {k} must not reach {name}")
                senders.add(whose)
        missed = set(range(tasks)) - {k} - senders if trains_senders else set()
        _require(not missed, f"the loss of task {k} must reach some parameters of the tasks {sorted(missed)}")
    for name, reached in ever.items():
        for axis in grown_axes(reached, larger.get_parameter(name)):
            per_task = reached.movedim(axis, 0).reshape(reached.shape[axis], -1).any(dim=1)
            _require(bool(per_task.all()), f"no loss reaches {name} of task {per_task.int().argmin()} (axis {axis})")


def assert_float64(block: nn.Module, word_features: int, tasks: int) -> None:
    """States, record and gradients have the precision of the block, and float32 agrees with float64."""
    results = {}
    for dtype in (torch.float64, torch.float32):
        converted = copy.deepcopy(block).to(dtype).eval()
        words, mask = _sentences(converted, word_features, tasks)
        words = words.to(dtype).requires_grad_()
        states, record, _ = converted(words, mask, tuple(range(tasks)))
        for name, values in {"states": states, **record}.items():
            _require(values.dtype == dtype, f"{name} of a block in {dtype} must be {dtype}, found {values.dtype}")
        states.sum().backward()
        results[dtype] = states.detach().double()
    difference = float((results[torch.float32] - results[torch.float64]).abs().max())
    _require(difference < _SINGLE_TOLERANCE, f"float32 and float64 must agree; largest difference {difference:.1e}")


def assert_device(block: nn.Module, word_features: int, tasks: int) -> None:
    """The block moves to another device whole: no tensor is left behind, answers stay there and stay the same.

    CUDA is tried where there is one; a tensor that is neither parameter nor buffer is found everywhere.
    """
    for path, module in block.named_modules():
        left = [name for name, value in vars(module).items() if isinstance(value, Tensor)]
        named = f"{path or type(module).__name__}: {', '.join(left)}"
        _require(not left, f"{named} must be a parameter or buffer, else it does not move")
    block = _double(block).cpu()
    receivers = tuple(range(tasks))
    words, mask = _sentences(block, word_features, tasks)
    expected = _run(block, words, mask, receivers)
    for name in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        block.to(name)
        states, record, _ = _run(block, words.to(name), mask.to(name), receivers)
        for entry, values in {"states": states, **record}.items():
            _require(values.device.type == name, f"{entry} of a block on {name} must be there, found {values.device}")
        moved = BlockOutput(states.cpu(), {entry: values.cpu() for entry, values in record.items()})
        _require_same(moved, expected, f"moving to {name} changes")


def _named(check: Callable[..., None], *arguments: Any, **options: Any) -> None:
    """Run a check; whatever goes wrong in it begins with its name."""
    try:
        check(*arguments, **options)
    except Exception as error:
        said = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        raise AssertionError(f"{check.__name__}: {said}") from error


def _build(factory: BlockFactory, tasks: int) -> nn.Module:
    """A block whose tasks differ, also if the factory lets them start alike."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(tasks)
        block = factory(tasks)
        for parameter in block.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        return block


def _double(block: nn.Module) -> nn.Module:
    return copy.deepcopy(block).double().eval()


def _draw(shape: torch.Size | tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _sentences(
    block: nn.Module, word_features: int, groups: int
) -> tuple[Float[Tensor, "groups batch words word_features"], Bool[Tensor, "groups batch words"]]:
    """Random sentences of different lengths, with random numbers where they are padded."""
    device = next(block.parameters()).device
    words = _draw((groups, len(_LENGTHS), max(_LENGTHS), word_features), 0)
    mask = torch.arange(max(_LENGTHS)) < torch.tensor(_LENGTHS)[:, None]
    return words.to(device), mask.expand(groups, -1, -1).clone().to(device)


@torch.no_grad()
def _run(block: nn.Module, words: Tensor, mask: Tensor, receivers: tuple[int, ...]) -> BlockOutput:
    output: BlockOutput = block(words, mask, receivers)
    return output


def _part(output: BlockOutput, like: BlockOutput, receiver: int = 0, sentence: int = 0) -> BlockOutput:
    """From one receiver and sentence on, as much as another output has."""

    def cut(values: Tensor, example: Tensor) -> Tensor:
        start = (receiver, sentence, 0, 0) if values.ndim > 2 else (receiver, 0)
        return values[tuple(slice(at, at + size) for at, size in zip(start, example.shape, strict=False))]

    record = {name: cut(values, like.record[name]) for name, values in output.record.items()}
    return BlockOutput(cut(output.states, like.states), record)


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise AssertionError(sentence)


def _require_equal(found: Tensor, expected: Tensor, sentence: str) -> None:
    _require(found.shape == expected.shape, f"{sentence}: shape {tuple(found.shape)}, not {tuple(expected.shape)}")
    difference = float((found - expected).abs().max())
    _require(difference <= _TOLERANCE, f"{sentence}; largest difference {difference:.1e}")


def _require_same(found: BlockOutput, expected: BlockOutput, change: str) -> None:
    _require_equal(found.states, expected.states, f"{change} the states")
    _require(found.record.keys() == expected.record.keys(), f"{change} the names in the record")
    for name, values in expected.record.items():
        _require_equal(found.record[name], values, f"{change} record entry {name!r}")

"""A training step of DC-MTL and IC-MTL beside the same step in loops, and beside the least that has to be computed."""

import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tasktalk.benchmarks.bench_floor import MODELS, Model, Sizes, attention_pass, operations
from tasktalk.benchmarks.bench_loop import LoopDirect, LoopIndirect, LoopLSTM, MakeLSTM, TorchLSTM
from tasktalk.benchmarks.speed_clock import peak_rate, product_job, ratio, take_turns
from tasktalk.benchmarks.step import training_step
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.training.config import TrainingConfig
from tasktalk.training.optimizers import make_optimizers

_RECEIVER = 0
_TOLERANCE = 1e-4


def compare(sizes: Sizes, threads: int, rounds: int, cpu_time: bool = False, product: int = 2048) -> dict[str, Any]:
    """The rate of products, and a row for each model.

    Args:
        sizes: of the step.
        threads: threads that torch uses; the number that it had is set again afterwards.
        rounds: how often each is timed; the jobs take turns.
        cpu_time: see ``take_turns``.
        product: size of the matrices whose product measures the peak.

    Raises:
        AssertionError: a block and its loop do not give the same.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        jobs: dict[str, Callable[[], object]] = {}
        for model in MODELS:
            of_model = {"product": product_job(product)} | _jobs(model, sizes)
            jobs |= {f"{model} {name}": job for name, job in of_model.items()}
        seconds = take_turns(jobs, rounds, cpu_time, twice=True)
    finally:
        torch.set_num_threads(before)
    return {
        "threads": threads,
        "peak_gflops": max(peak_rate(seconds[f"{model} product"], product) for model in MODELS) / 1e9,
        "rows": [_row(model, sizes, seconds, product) for model in MODELS],
    }


def _row(model: Model, sizes: Sizes, seconds: dict[str, list[float]], product: int) -> dict[str, Any]:
    ours, loop, mixed, once = (seconds[f"{model} {name}"] for name in ("ours", "loop", "loop and LSTM", "attention"))
    # The clock of a processor changes within a run, so a step has the rate of the product right before it.
    rates = [peak_rate([second], product) for second in seconds[f"{model} product"]]
    products = [operations(model, sizes) / rate for rate in rates]
    floors = [a + b for a, b in zip(products, once, strict=True)]
    floor = {"products": statistics.median(products) * 1e3, "attention": statistics.median(once) * 1e3}
    return {
        "model": model,
        "product_gflops": statistics.median(rates) / 1e9,
        "milliseconds": {"ours": statistics.median(ours) * 1e3, "loop": statistics.median(loop) * 1e3},
        "floor_milliseconds": floor,
        "loop_to_ours": ratio(loop, ours),
        "loop_and_lstm_to_ours": ratio(mixed, ours),
        "ours_to_floor": ratio(ours, floors),
    }


def _jobs(model: Model, sizes: Sizes) -> dict[str, Callable[[], object]]:
    torch.manual_seed(0)
    words = torch.randn(sizes.batch, sizes.words, sizes.hidden).mul_(0.5).requires_grad_()
    mask = torch.ones(sizes.batch, sizes.words, dtype=torch.bool)
    block = make_block(model, sizes)
    loop, mixed = make_loop(block), make_loop(block, TorchLSTM)
    check_equal(block, loop, words, mask)
    check_equal(block, mixed, words, mask)
    return {
        "ours": step_of(lambda: block(words[None], mask[None], (_RECEIVER,)).states, block),
        "loop": step_of(lambda: loop(words, mask), loop),
        "loop and LSTM": step_of(lambda: mixed(words, mask), mixed),
        "attention": attention_pass(model, sizes),
    }


def make_block(model: Model, sizes: Sizes) -> IndirectCommunication | DirectCommunication:
    """What is measured."""
    if model == "ic":
        return IndirectCommunication(sizes.hidden, sizes.hidden, sizes.tasks)
    return DirectCommunication(sizes.hidden, sizes.hidden, sizes.tasks, train_senders=model == "dc")


def make_loop(block: IndirectCommunication | DirectCommunication, make_lstm: MakeLSTM = LoopLSTM) -> nn.Module:
    """The same in loops; other LSTMs than the reading one may be torch's."""
    if isinstance(block, IndirectCommunication):
        return LoopIndirect(block, _RECEIVER, make_lstm)
    return LoopDirect(block, _RECEIVER, make_lstm)


@torch.no_grad()
def check_equal(block: nn.Module, loop: nn.Module, words: Tensor, mask: Tensor) -> None:
    """Compare the states.

    Raises:
        AssertionError: they differ by more than 1e-4.
    """
    difference = float((block(words[None], mask[None], (_RECEIVER,)).states[0] - loop(words, mask)).abs().max())
    if not difference <= _TOLERANCE:
        raise AssertionError(f"a block and its loop differ by {difference:g}; at most {_TOLERANCE:g} was expected")


def step_of(states: Callable[[], Tensor], module: nn.Module) -> Callable[[], None]:
    """Forward, backward and optimiser; the gradient of the states is that of their squares."""
    return training_step(lambda: states().square().mean(), make_optimizers(module, TrainingConfig()))

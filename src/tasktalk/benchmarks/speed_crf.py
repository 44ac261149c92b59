"""How fast the CRF is beside pytorch-crf, as ratios that were taken in one run.

``python -m tasktalk.benchmarks.speed_crf --out docs/results/speed-crf`` writes ``speed-crf.md`` and ``speed-crf.json``.
"""

import importlib
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tasktalk.benchmarks.speed_clock import machine, ratio, take_turns
from tasktalk.benchmarks.speed_report import read_options, taken_on, write_report
from tasktalk.core.errors import ConfigError
from tasktalk.heads.crf import CRF

_TOLERANCE = 1e-4
_TEXT = """\
A CRF over {tags} tags on {sentences} sentences of {words} words: how many times longer pytorch-crf takes. The loss is
the negative log-likelihood with its gradients for emissions, transitions, starts and ends; Viterbi gives the best tags.
`full` means that all sentences are that long, `ragged` that lengths are drawn evenly from 1 to {words}. Both have the
same scores; their losses and gradients agree to 1e-4 and their best tags are equal. Median of {rounds} rounds in turns
(lowest to highest) of {repeats} calls each; milliseconds are those of one call.
"""


@dataclass(frozen=True)
class Sizes:
    """How large the batch is.

    Args:
        sentences: sentences of the batch.
        words: words of the longest.
        tags: number of tags.
        rounds: how often it is timed.
        repeats: calls that are timed together.
    """

    sentences: int = 32
    words: int = 50
    tags: int = 20
    rounds: int = 31
    repeats: int = 5


_QUICK = Sizes(3, 4, 3, 1, 1)


@dataclass(frozen=True)
class _Batch:
    emissions: Tensor
    mask: Tensor
    tags: Tensor


def compare(sizes: Sizes, threads: int, cpu_time: bool = False) -> list[dict[str, Any]]:
    """One row per kind of lengths and job: how many times longer pytorch-crf takes.

    Args:
        sizes: how large the batch is.
        threads: threads that torch uses; the number that it had is set again afterwards.
        cpu_time: see ``take_turns``.

    Raises:
        AssertionError: both do not give the same.
        ConfigError: pytorch-crf is not installed.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return [row for full in (True, False) for row in _rows(full, sizes, threads, cpu_time)]
    finally:
        torch.set_num_threads(before)


def _rows(full: bool, sizes: Sizes, threads: int, cpu_time: bool) -> list[dict[str, Any]]:
    batch = _make_batch(full, sizes)
    ours, theirs = make_pair(sizes.tags)
    check_equal(ours, theirs, batch.emissions, batch.mask, batch.tags)
    jobs = {
        "loss": (lambda: _our_loss(ours, batch), lambda: _their_loss(theirs, batch)),
        "Viterbi": (
            lambda: ours.decode(batch.emissions, batch.mask),
            lambda: theirs.decode(batch.emissions, batch.mask),  # type: ignore[operator]
        ),
    }
    rows = []
    for name, (our_job, their_job) in jobs.items():
        both = {"ours": _repeated(our_job, sizes.repeats), "pytorch-crf": _repeated(their_job, sizes.repeats)}
        seconds = take_turns(both, sizes.rounds, cpu_time)
        milliseconds = {who: statistics.median(taken) * 1e3 / sizes.repeats for who, taken in seconds.items()}
        faster = ratio(seconds["pytorch-crf"], seconds["ours"])
        lengths = "full" if full else "ragged"
        rows.append(
            {"job": name, "lengths": lengths, "threads": threads, "ratio": faster, "milliseconds": milliseconds}
        )
    return rows


def make_pair(tags: int) -> tuple[CRF, nn.Module]:
    """A CRF without constraints and one of pytorch-crf with the same scores.

    Raises:
        ConfigError: pytorch-crf is not installed.
    """
    try:
        library = importlib.import_module("torchcrf")
    except ModuleNotFoundError:
        raise ConfigError("the comparison needs pytorch-crf, which is not installed: pip install pytorch-crf") from None
    torch.manual_seed(0)
    ours, theirs = CRF([f"tag {i}" for i in range(tags)], constrained=False), library.CRF(tags, batch_first=True)
    with torch.no_grad():
        ours.transitions.copy_(theirs.transitions)
        ours.start.copy_(theirs.start_transitions)
        ours.end.copy_(theirs.end_transitions)
    return ours, theirs


def check_equal(ours: CRF, theirs: nn.Module, emissions: Tensor, mask: Tensor, tags: Tensor) -> None:
    """Compare losses, gradients and best tags.

    Raises:
        AssertionError: both do not give the same.
    """
    batch = _Batch(emissions, mask, tags)
    found, expected = _our_loss(ours, batch), _their_loss(theirs, batch)
    for x, y in zip(found, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=_TOLERANCE, atol=_TOLERANCE)
    best = [[tag for tag in path if tag >= 0] for path in ours.decode(emissions, mask).tolist()]
    if best != theirs.decode(emissions, mask):  # type: ignore[operator]
        raise AssertionError("the best tags differ from those of pytorch-crf")


def _make_batch(full: bool, sizes: Sizes) -> _Batch:
    torch.manual_seed(1)
    shape = (sizes.sentences, sizes.words)
    lengths = torch.full((sizes.sentences, 1), sizes.words)
    if not full:
        lengths[1:] = torch.randint(1, sizes.words + 1, (sizes.sentences - 1, 1))
    emissions = torch.randn(*shape, sizes.tags)
    return _Batch(emissions, torch.arange(sizes.words) < lengths, torch.randint(sizes.tags, shape))


def _our_loss(crf: CRF, batch: _Batch) -> list[Tensor]:
    emissions = batch.emissions.detach().requires_grad_()
    loss = crf.nll(emissions, batch.mask, batch.tags).sum()
    return [loss, *torch.autograd.grad(loss, [emissions, crf.transitions, crf.start, crf.end])]


def _their_loss(crf: nn.Module, batch: _Batch) -> list[Tensor]:
    emissions = batch.emissions.detach().requires_grad_()
    loss = -crf(emissions, batch.tags, batch.mask)
    names = ("transitions", "start_transitions", "end_transitions")
    return [loss, *torch.autograd.grad(loss, [emissions, *(crf.get_parameter(name) for name in names)])]


def _repeated(job: Callable[[], object], repeats: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(repeats):
            job()

    return run


def markdown(found: dict[str, Any]) -> str:
    """A table, and what it was taken on."""
    lines = [
        "| job | lengths | threads | ours, ms | pytorch-crf, ms | ratio |",
        "| --- | --- | --: | --: | --: | --: |",
    ]
    for row in found["rows"]:
        both = row["milliseconds"]
        spread = "{median:.1f} ({lowest:.1f} to {highest:.1f})".format(**row["ratio"])
        times = f"{both['ours']:.2f} | {both['pytorch-crf']:.2f}"
        lines.append(f"| {row['job']} | {row['lengths']} | {row['threads']} | {times} | {spread} |")
    return "\n".join([_TEXT.format(**found["sizes"]), *lines, "", taken_on(found)])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    given = read_options("speed_crf", __doc__, [1], arguments)
    sizes = _QUICK if given.quick else Sizes()
    rows = [row for number in given.threads for row in compare(sizes, number, given.cpu_time)]
    time = "CPU" if given.cpu_time else "wall clock"
    found = {"machine": machine(), "time": time, "sizes": asdict(sizes), "rows": rows}
    write_report(given.out, found, markdown(found))


if __name__ == "__main__":
    main()

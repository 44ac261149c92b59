"""A training step of MMoE and cross-stitch beside the same of LibMTL, with the same encoders, heads and optimiser.

LibMTL is no requirement of this package: ``pip install LibMTL==1.1.5 --no-deps`` puts it where it is found, and without
it the rows say so. It is used as it comes but for these shims:

- ``import LibMTL`` loads its ResNets, which import ``load_state_dict_from_url`` from ``torchvision.models.utils``.
  Newer torchvisions have no such module, and none is needed: a stand-in takes its place while LibMTL is imported.
- ``Cross_stitch`` knows ResNets only: it asks an encoder for ``conv1``, ``bn1``, ``relu``, ``maxpool`` and ``layer1``
  to ``layer4``. ``Encoder`` has linear layers and identities under these names.
- ``Trainer`` fixes the device to ``cuda:0``. It is left out, and with it that it reads every loss back to Python.

MMoE is the same in both. Cross-stitch is not: LibMTL has one weight per source that all receivers share, so that every
task gets the same mixture, before each of the last three layers; ``CrossStitch`` has a weight per receiver and source.
It stands here between the same layers, and starts with equal rows: then both give the same outputs, which is checked
before anything is timed. After a step the rows differ.
"""

import copy
import importlib
import statistics
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.benchmarks.speed_clock import ratio, take_turns
from tasktalk.benchmarks.step import training_step
from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.heads.classifier import Classifier
from tasktalk.training.config import TrainingConfig
from tasktalk.training.optimizers import make_optimizers

Model = Literal["mmoe", "cross-stitch"]
MODELS: tuple[Model, ...] = ("mmoe", "cross-stitch")
MISSING = "LibMTL is not installed: pip install LibMTL==1.1.5 --no-deps"
_LATER = ("layer2", "layer3", "layer4")  # what LibMTL mixes before
_TIMES = "LibMTL, times ours"
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class MLPSizes:
    """How large the step is.

    Args:
        tasks: number of tasks, all of them on the same examples.
        features: of an example.
        hidden: size of a state; an encoder has five layers.
        experts: experts of MMoE; cross-stitch has an encoder per task.
        classes: of each task.
        batches: numbers of examples in a step, each of which is timed.
    """

    tasks: int = 12
    features: int = 128
    hidden: int = 64
    experts: int = 8
    classes: int = 2
    batches: tuple[int, ...] = (64, 1024)


QUICK = MLPSizes(3, 4, 4, 2, 2, (2,))


class Encoder(nn.Module):
    """Five linear layers, each with a ReLU, under the names that LibMTL's cross-stitch asks for."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.conv1, self.relu = nn.Linear(features, hidden), nn.ReLU()
        self.bn1, self.maxpool = nn.Identity(), nn.Identity()
        for name in ("layer1", *_LATER):
            setattr(self, name, nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU()))

    def first(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch hidden"]:
        """States before the first mixture of cross-stitch."""
        states: Tensor = self.get_submodule("layer1")(self.relu(self.conv1(x)))
        return states

    def forward(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch hidden"]:
        """States of the examples."""
        states = self.first(x)
        for name in _LATER:
            states = self.get_submodule(name)(states)
        return states


class OurExperts(nn.Module):
    """MMoE with ``MixtureOfExperts``; the gates are drawn at random, so that a mix-up shows."""

    def __init__(self, sizes: MLPSizes) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(Encoder(sizes.features, sizes.hidden) for _ in range(sizes.experts))
        self.transfer = MixtureOfExperts(sizes.hidden, sizes.features, sizes.tasks, sizes.experts)
        nn.init.normal_(self.transfer.weight, std=sizes.features**-0.5)
        nn.init.normal_(self.transfer.bias)
        self.head = _make_head(sizes)
        self.receivers = tuple(range(sizes.tasks))

    def forward(self, x: Float[Tensor, "batch features"]) -> tuple[Float[Tensor, "batch classes"], ...]:
        """Logits of every task."""
        states = torch.stack([encoder(x) for encoder in self.encoders]).unsqueeze(1)
        logits: tuple[Tensor, ...] = self.head(
            self.transfer(states, x.unsqueeze(0), self.receivers).states, self.receivers
        )
        return logits


class OurCrossStitch(nn.Module):
    """Cross-stitch with a ``CrossStitch`` before each of the last three layers, whose rows start equal."""

    def __init__(self, sizes: MLPSizes) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(Encoder(sizes.features, sizes.hidden) for _ in range(sizes.tasks))
        self.transfers = nn.ModuleList(CrossStitch(sizes.hidden, sizes.tasks) for _ in _LATER)
        for transfer in self.transfers:
            alpha = transfer.get_parameter("alpha").data
            alpha.copy_((torch.rand(sizes.tasks) * 2 / sizes.tasks).expand_as(alpha))
        self.head = _make_head(sizes)
        self.receivers = tuple(range(sizes.tasks))

    def forward(self, x: Float[Tensor, "batch features"]) -> tuple[Float[Tensor, "batch classes"], ...]:
        """Logits of every task."""
        inputs = x.unsqueeze(0)
        states = torch.stack([encoder.first(x) for encoder in self.encoders])  # type: ignore[operator]
        for transfer, name in zip(self.transfers, _LATER, strict=True):
            mixed = transfer(states.unsqueeze(1), inputs, self.receivers).states
            layers = [encoder.get_submodule(name) for encoder in self.encoders]
            states = torch.stack([layer(own) for layer, own in zip(layers, mixed, strict=True)])
        logits: tuple[Tensor, ...] = self.head(states, self.receivers)
        return logits


def _make_head(sizes: MLPSizes) -> Classifier:
    return Classifier(sizes.hidden, [sizes.classes] * sizes.tasks)


def load_libmtl() -> types.ModuleType | None:
    """``LibMTL.architecture``, imported with the stand-in for torchvision; None where it is not installed."""
    with _stand_in():
        try:
            return importlib.import_module("LibMTL.architecture")
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("LibMTL"):
                raise
            return None


@contextmanager
def _stand_in() -> Iterator[None]:
    made = {name: types.ModuleType(name) for name in ("torchvision", "torchvision.models", "torchvision.models.utils")}
    made["torchvision.models.utils"].__dict__["load_state_dict_from_url"] = torch.hub.load_state_dict_from_url
    before = {name: sys.modules.pop(name) for name in made if name in sys.modules}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            del sys.modules[name]
        sys.modules.update(before)


def make_ours(model: Model, sizes: MLPSizes) -> OurExperts | OurCrossStitch:
    """A network with our transfer."""
    return OurExperts(sizes) if model == "mmoe" else OurCrossStitch(sizes)


@torch.no_grad()
def make_theirs(library: types.ModuleType, ours: OurExperts | OurCrossStitch, sizes: MLPSizes) -> nn.Module:
    """The same network of LibMTL, with copies of our weights."""
    names = [f"task {k}" for k in range(sizes.tasks)]
    encoders = iter(copy.deepcopy(ours.encoders))
    heads = nn.ModuleDict(dict(zip(names, copy.deepcopy(ours.head.layers), strict=True)))
    architecture = library.MMoE if isinstance(ours, OurExperts) else library.Cross_stitch
    given = {"img_size": [sizes.features], "num_experts": [sizes.experts]} if isinstance(ours, OurExperts) else {}
    theirs: nn.Module = architecture(
        names, lambda: next(encoders), heads, rep_grad=False, multi_input=False, device=torch.device("cpu"), **given
    )
    if isinstance(ours, OurExperts):
        for k, name in enumerate(names):
            gate = f"gate_specific.{name}.0"
            theirs.get_parameter(f"{gate}.weight").copy_(ours.transfer.weight[k].t())
            theirs.get_parameter(f"{gate}.bias").copy_(ours.transfer.bias[k])
    else:
        weights = theirs.get_parameter("encoder.cross_unit")  # its last row is never used
        for row, transfer in enumerate(ours.transfers):
            weights[row] = transfer.get_parameter("alpha")[0]
    return theirs


@torch.no_grad()
def largest_difference(ours: nn.Module, theirs: nn.Module, x: Float[Tensor, "batch features"]) -> float:
    """Of any logit.

    Raises:
        AssertionError: it is more than 1e-5.
    """
    pairs = zip(ours(x), theirs(x).values(), strict=True)
    difference = max(float((a - b).abs().max()) for a, b in pairs)
    if not difference <= _TOLERANCE:
        raise AssertionError(f"we and LibMTL differ by {difference:g}; at most {_TOLERANCE:g} was expected")
    return difference


def step_of(
    module: nn.Module, logits: Callable[[], Sequence[Tensor]], labels: Int[Tensor, "tasks batch"]
) -> Callable[[], None]:
    """Forward, the cross-entropy of all tasks, backward and optimiser."""

    def loss() -> Tensor:
        pairs = zip(logits(), labels, strict=True)
        return torch.stack([functional.cross_entropy(given, own) for given, own in pairs]).sum()

    return training_step(loss, make_optimizers(module, TrainingConfig()))


def compare(sizes: MLPSizes, threads: int, rounds: int, cpu_time: bool = False) -> dict[str, Any]:
    """A row for each model and batch: how many times longer LibMTL takes; or that it is not installed.

    Args:
        sizes: of the step.
        threads: threads that torch uses; the number that it had is set again afterwards.
        rounds: how often each is timed; the jobs take turns.
        cpu_time: see ``take_turns``.

    Raises:
        AssertionError: we and LibMTL do not give the same.
    """
    library, before = load_libmtl(), torch.get_num_threads()
    found: dict[str, Any] = {"libmtl": None, "threads": threads, "sizes": asdict(sizes)}
    if library is None:
        return found | {"rows": [{"model": model, "missing": MISSING} for model in MODELS]}
    cases = [(model, batch) for model in MODELS for batch in sizes.batches]
    torch.set_num_threads(threads)
    try:
        rows = [_row(library, *case, sizes, rounds, cpu_time) for case in cases]
    finally:
        torch.set_num_threads(before)
    return found | {"libmtl": version("LibMTL"), "rows": rows}


def _row(
    library: types.ModuleType, model: Model, batch: int, sizes: MLPSizes, rounds: int, cpu_time: bool
) -> dict[str, Any]:
    torch.manual_seed(0)
    x, labels = torch.randn(batch, sizes.features), torch.randint(sizes.classes, (sizes.tasks, batch))
    ours = make_ours(model, sizes)
    theirs = make_theirs(library, ours, sizes)
    difference = largest_difference(ours, theirs, x)
    jobs = {
        "ours": step_of(ours, lambda: ours(x), labels),
        "LibMTL": step_of(theirs, lambda: list(theirs(x).values()), labels),
    }
    seconds = take_turns(jobs, rounds, cpu_time)
    return {
        "model": model,
        "batch": batch,
        "difference": difference,
        "ratio": ratio(seconds["LibMTL"], seconds["ours"]),
        "milliseconds": {name: statistics.median(taken) * 1e3 for name, taken in seconds.items()},
    }


def table(found: Mapping[str, Any]) -> tuple[str, list[list[str]]]:
    """A caption, and a table whose first row is its head."""
    sizes = found["sizes"]
    caption = (
        f"A training step of MLPs with five layers of width {sizes['hidden']}, {sizes['tasks']} tasks, "
        f"{sizes['experts']} experts and {sizes['features']} features, {found['threads']} threads: how many times "
        f"longer {'LibMTL ' + found['libmtl'] if found['libmtl'] else 'LibMTL'} takes with the same encoders, heads "
        "and optimiser. Medians (lowest to highest)."
    )
    if not found["libmtl"]:
        return caption, [["model", _TIMES], *([row["model"], row["missing"]] for row in found["rows"])]
    return caption, [["model", "batch", "ms", _TIMES], *map(_cells, found["rows"])]


def _cells(row: Mapping[str, Any]) -> list[str]:
    found = row["ratio"]
    times = f"{found['median']:.2f} ({found['lowest']:.2f} to {found['highest']:.2f})"
    return [row["model"], str(row["batch"]), f"{row['milliseconds']['ours']:.1f}", times]

"""LibMTL beside our transfers: a stand-in with its two architectures, and the real one where it is installed."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tasktalk.benchmarks.bench_libmtl import (
    MISSING,
    MODELS,
    QUICK,
    Model,
    compare,
    largest_difference,
    load_libmtl,
    make_ours,
    make_theirs,
    step_of,
    table,
)

# What the benchmark asks of LibMTL, from its documentation: the same names, sums as loops.
STAND_IN = """
import torch
from torch import nn
from torchvision.models.utils import load_state_dict_from_url


class MMoE(nn.Module):
    def __init__(self, task_name, encoder_class, decoders, rep_grad, multi_input, device, img_size, num_experts):
        super().__init__()
        self.experts, self.decoders = nn.ModuleList(encoder_class() for _ in range(num_experts[0])), decoders
        gates = {task: nn.Sequential(nn.Linear(img_size[0], num_experts[0]), nn.Softmax(-1)) for task in task_name}
        self.gate_specific = nn.ModuleDict(gates)

    def forward(self, x):
        return {task: decoder(sum(expert(x) * self.gate_specific[task](x)[:, [e]]
                                  for e, expert in enumerate(self.experts)))
                for task, decoder in self.decoders.items()}


class Cross(nn.Module):
    def __init__(self, encoders, tasks):
        super().__init__()
        self.encoders, self.cross_unit = nn.ModuleList(encoders), nn.Parameter(torch.ones(4, tasks))

    def forward(self, x):
        states = [e.layer1(e.maxpool(e.relu(e.bn1(e.conv1(x))))) for e in self.encoders]
        for n, weights in enumerate(self.cross_unit[:3]):
            mixed = sum(w * state for w, state in zip(weights, states))
            states = [getattr(encoder, f"layer{n + 2}")(mixed) for encoder in self.encoders]
        return states


class Cross_stitch(nn.Module):
    def __init__(self, task_name, encoder_class, decoders, rep_grad, multi_input, device):
        super().__init__()
        self.decoders, self.encoder = decoders, Cross([encoder_class() for _ in task_name], len(task_name))

    def forward(self, x):
        return {task: decoder(state) for (task, decoder), state in zip(self.decoders.items(), self.encoder(x))}
"""
STAND_IN_FILES = {
    "LibMTL/__init__.py": "",
    "LibMTL/architecture.py": STAND_IN,
    "LibMTL-1.1.5.dist-info/METADATA": "Name: LibMTL\nVersion: 1.1.5\n",
}
REAL = importlib.util.find_spec("LibMTL") is not None


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.skipif(not REAL, reason=MISSING))])
def library(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """``LibMTL.architecture``, which is forgotten after the test."""
    if request.param == "stand-in":
        for name, text in STAND_IN_FILES.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
    found = load_libmtl()
    assert found is not None
    yield found
    for name in [name for name in sys.modules if name.partition(".")[0] == "LibMTL"]:
        del sys.modules[name]


def test_without_it_the_rows_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "LibMTL", None)
    found = compare(QUICK, threads=1, rounds=1)
    assert [row["model"] for row in found["rows"]] == list(MODELS)
    caption, rows = table(found)
    assert "longer LibMTL takes" in caption
    assert [row[-1] for row in rows[1:]] == [MISSING] * 2


def test_a_row_for_each_model_and_batch(library: ModuleType) -> None:
    threads = torch.get_num_threads()
    found = compare(QUICK, threads=1, rounds=2, cpu_time=True)
    assert torch.get_num_threads() == threads
    caption, rows = table(found)
    assert "LibMTL 1.1.5 takes" in caption and "3 tasks" in caption and "1 threads" in caption
    assert [row[:2] for row in rows[1:]] == [["mmoe", "2"], ["cross-stitch", "2"]]
    for row in found["rows"]:
        assert 0 < row["ratio"]["lowest"] <= row["ratio"]["median"] <= row["ratio"]["highest"]


def test_no_stand_in_is_left_behind(library: ModuleType) -> None:
    found = sys.modules.get("torchvision.models.utils")
    assert found is None or found.__spec__ is not None


@pytest.mark.parametrize("model", MODELS)
def test_gradients_are_equal_too(library: ModuleType, model: Model) -> None:
    torch.manual_seed(0)
    ours = make_ours(model, QUICK)
    theirs = make_theirs(library, ours, QUICK)
    x = torch.randn(5, QUICK.features)
    assert largest_difference(ours, theirs, x) <= 1e-5
    x.requires_grad_()
    found = [
        torch.autograd.grad(torch.stack([y.square().sum() for y in logits]).sum(), x)[0]
        for logits in (ours(x), theirs(x).values())
    ]
    torch.testing.assert_close(*found)
    assert float(found[0].abs().max()) > 0


@pytest.mark.parametrize("model", MODELS)
def test_what_differs_is_refused(library: ModuleType, model: Model) -> None:
    ours = make_ours(model, QUICK)
    theirs = make_theirs(library, ours, QUICK)
    with torch.no_grad():
        ours.head.layers[0].get_parameter("bias").add_(1)
    with pytest.raises(AssertionError, match="differ by 1"):
        largest_difference(ours, theirs, torch.randn(2, QUICK.features))


def test_a_step_learns() -> None:
    torch.manual_seed(0)
    ours, x, labels = make_ours("mmoe", QUICK), torch.randn(2, QUICK.features), torch.tensor([[0, 1]] * 3)

    def loss() -> float:
        pairs = zip(ours(x), labels, strict=True)
        return float(sum(torch.nn.functional.cross_entropy(a.detach(), b) for a, b in pairs))

    before, step = loss(), step_of(ours, lambda: ours(x), labels)
    for _ in range(20):
        step()
    assert loss() < before

"""Steps of training, timed."""

import torch

from tasktalk.benchmarks.bench_floor import MODELS, Sizes
from tasktalk.benchmarks.bench_recurrence import compare, make_block, step_of


def test_a_row_for_each_model() -> None:
    found = compare(Sizes(words=2, tasks=3, batch=2, hidden=4), 1, 2, cpu_time=True, product=32)
    assert [row["model"] for row in found["rows"]] == list(MODELS)
    assert found["peak_gflops"] > 0
    for row in found["rows"]:
        for name in ("loop_to_ours", "loop_and_lstm_to_ours", "ours_to_floor"):
            assert 0 < row[name]["lowest"] <= row[name]["median"] <= row[name]["highest"]


def test_a_step_learns() -> None:
    torch.manual_seed(0)
    block = make_block("ic", Sizes(words=3, tasks=2, batch=2, hidden=4))
    words, mask = torch.randn(1, 2, 3, 4), torch.ones(1, 2, 3, dtype=torch.bool)

    def loss() -> float:
        return float(block(words, mask, (0,)).states.detach().square().mean())

    before = loss()
    step = step_of(lambda: block(words, mask, (0,)).states, block)
    for _ in range(20):
        step()
    assert loss() < before

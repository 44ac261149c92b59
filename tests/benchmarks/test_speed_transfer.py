import json

import pytest
import torch

from tasktalk.benchmarks.speed_transfer import PARTS, QUICK, GraphSizes, main, make_graph, measure


def test_edges_are_as_many_as_wanted_and_each_is_there_once() -> None:
    for sizes in (QUICK, GraphSizes(positions=6, edges=15), GraphSizes()):
        gather = make_graph(sizes).adjacency.gather
        assert gather.values().numel() == 2 * sizes.edges + sizes.positions


def test_the_graph_is_undirected() -> None:
    dense = make_graph(QUICK).adjacency.gather.to_dense()
    assert torch.equal(dense, dense.t())


@pytest.mark.parametrize("part", PARTS)
def test_time_and_memory_are_told(part: str) -> None:
    found = measure(part, QUICK)
    assert found["part"] == part and found["threads"] == torch.get_num_threads()
    assert found["peak_memory_mb"] >= found["memory_before_mb"] > 0
    # With each product counted once there are six of seven, so the same time is 7/6 times as many of them.
    assert found["to_products_once"]["median"] == pytest.approx(found["to_products"]["median"] * 7 / 6)
    seven = 7 * 2 * 3**2 * 30 * 4**2 / (found["peak_gflops"] * 1e9)
    assert found["to_products"]["median"] == pytest.approx(found["seconds"] / seven)


def test_it_is_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    main(["block", "--quick"])
    assert json.loads(capsys.readouterr().out)["part"] == "block"

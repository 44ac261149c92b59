import numpy as np
import pytest

from tasktalk.analysis.circle import Edge, circle_figure, circle_plot, strongest_edges
from tasktalk.analysis.heatmap import short
from tests.analysis.overviews import EVIL

WEIGHTS = np.array([[0.9, 0.2, -0.7, 0.1], [0.0, np.nan, 0.0, 0.4], [0.3, 0.3, 0.5, 0.1], [np.nan] * 4])


def test_the_strongest_sources_of_each_listener() -> None:
    found = strongest_edges(WEIGHTS, 2, directed=True)
    assert found == [(2, 0, -0.7), (1, 0, 0.2), (3, 1, 0.4), (0, 2, 0.3), (1, 2, 0.3)]


def test_without_a_direction_a_pair_is_one_edge() -> None:
    likeness = np.array([[np.nan, 0.9, 0.5], [0.9, np.nan, 0.6], [0.5, 0.6, np.nan]])
    assert strongest_edges(likeness, 1, directed=False) == [(0, 1, 0.9), (1, 2, 0.6)]


@pytest.mark.parametrize("directed", [True, False])
def test_every_edge_and_task_is_drawn_and_escaped(directed: bool) -> None:
    edges = [Edge(0, 1, 0.5, 1.0, "solid", EVIL), Edge(1, 0, 0.1, 0.2, "dash", "b"), Edge(2, 1, -0.1, 0.2, "dot", "c")]
    names, order = ["x", EVIL, "z"], np.array([2, 0, 1])
    plot = circle_plot(names, order, edges, [f"{name}: 1" for name in names], directed)
    assert len(plot.data) == len(edges) + 2
    assert sorted(trace.line.dash for trace in plot.data[:3]) == ["dash", "dot", "solid"]
    widths = [trace.line.width for trace in plot.data[:3]]
    assert widths == sorted(widths)
    assert "<script" not in plot.to_json().replace("\\u003c", "<")
    figure = circle_figure(names, order, edges, directed)
    assert [text.get_text() for text in figure.axes[0].texts] == ["x", short(EVIL), "z"]


def test_places_follow_the_order() -> None:
    plot = circle_plot(["a", "b", "c"], np.array([2, 0, 1]), [], ["a", "b", "c"], True)
    angles = np.unwrap(np.arctan2(plot.data[-1].y, plot.data[-1].x)[[2, 0, 1]])
    np.testing.assert_allclose(np.diff(angles), -2 * np.pi / 3)

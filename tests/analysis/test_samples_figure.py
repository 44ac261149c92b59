from typing import cast

import numpy as np
from matplotlib.patches import Rectangle

from tasktalk.analysis.clusters import find_clusters
from tasktalk.analysis.samples_figure import map_figure, map_plot, matrices_figure, matrices_plot, members_figure
from tests.analysis.overviews import EVIL
from tests.analysis.test_clusters import clouds

FOUND = find_clusters(clouds())


def test_every_sample_is_a_point_of_its_cluster() -> None:
    said = [f"sample {k}" for k in range(60)]
    plot = map_plot(FOUND, said)
    assert [len(trace.x) for trace in plot.data] == [30, 20, 10]
    assert list(plot.data[1].hovertext) == said[30:50]
    assert len({trace.marker.symbol for trace in plot.data}) == len({trace.marker.color for trace in plot.data}) == 3
    assert "% of the variance" in plot.layout.xaxis.title.text
    axes = map_figure(FOUND).axes[0]
    assert [len(np.asarray(part.get_offsets())) for part in axes.collections] == [30, 20, 10]


def test_matrices_of_every_cluster() -> None:
    means = np.random.default_rng(0).uniform(size=(3, 2, 4))
    differences = means - means.mean(axis=0)
    means[0, 0, 0] = np.nan
    names = (["a", EVIL], ["w", "x", "y", "z"], ["one", "two", "three"])
    plot = matrices_plot(means, differences, *names, 3)
    buttons = plot.to_dict()["layout"]["updatemenus"][0]["buttons"]
    np.testing.assert_allclose(np.array(buttons[2]["args"][0]["z"][1]), differences[2])
    assert plot.data[0].z[0][0] is None
    assert "<script" not in plot.to_json().replace("\\u003c", "<")
    assert [axes.get_title() for axes in matrices_figure(means, differences, *names).axes[:3]] == names[2]


def test_shares_fill_their_bars() -> None:
    axes = members_figure(["a", "b"], np.array([[0.25, 0.75], [1.0, 0.0]])).axes[0]
    assert [cast(Rectangle, patch).get_width() for patch in axes.patches] == [0.25, 1.0, 0.75, 0.0]

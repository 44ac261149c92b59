from io import BytesIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tasktalk.analysis.grids import grid_figure, grid_interactive

LEFT, RIGHT = np.array([[np.nan, 0.2, 0.8], [0.5, np.nan, 0.5]]), np.array([[0.1, 0.3, 0.6], [0.4, 0.4, 0.2]])
NAMES = (["<b>one", "two"], ["<b>one", "two", "three"])


def test_matrices_share_a_scale() -> None:
    figure = grid_figure((LEFT, RIGHT), ("left", "right"), *NAMES)
    FigureCanvasAgg(figure)
    figure.savefig(BytesIO())
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert [image.get_clim() for image in images[:2]] == [(0.1, 0.8)] * 2
    assert figure.axes[0].get_title() == "left"


def test_the_page_gets_numbers_and_no_markup() -> None:
    figure = grid_interactive((LEFT, RIGHT), ("<i>left", "right"), *NAMES)
    told = figure.to_json()
    assert "<b>" not in told
    assert "<i>" not in told
    assert list(figure.data[0].z[0]) == [None, 0.2, 0.8]
    assert [(trace.zmin, trace.zmax) for trace in figure.data] == [(0.1, 0.8)] * 2


def test_nothing_to_show() -> None:
    empty = np.full((2, 2), np.nan)
    figure = grid_figure((empty,), ("empty",), ["a", "b"], ["a", "b"])
    FigureCanvasAgg(figure)
    figure.savefig(BytesIO())
    assert grid_interactive((empty,), ("empty",), ["a", "b"], ["a", "b"]).data[0].z[0][0] is None


def test_names_of_any_kind() -> None:
    """Names that are numbers stay where they are, none is a formula, and a long one leaves room for the matrix."""
    names = ["10", "2", "US$_$ " + 60 * "long "]
    figure = grid_figure((RIGHT[[0, 1, 1]],), ("one",), names, names)
    FigureCanvasAgg(figure)
    figure.savefig(BytesIO())
    label = figure.axes[0].get_xticklabels()[2].get_text()
    assert label.startswith("US$_$") and len(label) < 30
    shown = grid_interactive((RIGHT[[0, 1, 1]],), ("one",), names, names)
    assert (shown.data[0].x, shown.layout.xaxis.tickvals) == (None, (0, 1, 2))
    assert shown.layout.xaxis.ticktext[:2] == ("10", "2") and shown.layout.yaxis.ticktext[:2] == ("10", "2")
    assert shown.data[0].customdata[0][2][1] == names[2]
    assert shown.layout.xaxis.automargin and shown.layout.yaxis.automargin

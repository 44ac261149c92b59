import numpy as np

from tasktalk.analysis.deletion_figure import deletion_figure, deletion_plot

SIZE, RISE = np.array([0.1, 0.9, 0.5]), np.array([0.0, 2.0, -1.0])
KINDS = ["weakest", "strongest", "other"]


def test_every_edge_is_a_point_with_its_name() -> None:
    figure = deletion_figure(SIZE, RISE, KINDS, "openness")
    (axes,) = figure.axes
    assert axes.get_xlabel() == "openness"
    points = {part.get_label(): np.asarray(part.get_offsets()).tolist() for part in axes.collections}
    assert points == {"strongest": [[0.9, 2.0]], "weakest": [[0.1, 0.0]], "other": [[0.5, -1.0]]}
    plot = deletion_plot(SIZE, RISE, KINDS, ["a \u2190 b", '<b> \u2190 "c"', "d \u2190 e"], "openness")
    assert {trace.name: (trace.x, trace.y, trace.text) for trace in plot.data} == {
        "strongest": ((0.9,), (2.0,), ('&lt;b&gt; \u2190 "c"',)),
        "weakest": ((0.1,), (0.0,), ("a \u2190 b",)),
        "other": ((0.5,), (-1.0,), ("d \u2190 e",)),
    }
    assert (plot.layout.xaxis.exponentformat, plot.layout.yaxis.exponentformat) == ("none", "none")  # not 100µ


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_marks_can_be_seen_on_light_and_on_dark_pages() -> None:
    for trace in deletion_plot(SIZE, RISE, KINDS, ["", "", ""], "").data:
        light = _luminance(trace.marker.color)
        assert 1.05 / (light + 0.05) > 3 and (light + 0.05) / 0.06 > 3

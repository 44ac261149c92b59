import re
from xml.etree import ElementTree

import numpy as np

from tasktalk.analysis.arcs import WORDS, arcs_figure, arcs_svg, strongest_arcs


def beta(n: int) -> np.ndarray:
    raw = np.random.default_rng(0).random((n, n))
    return raw / raw.sum(axis=-1, keepdims=True)


def test_the_strongest_links_are_drawn_and_none_to_itself() -> None:
    given = beta(6)
    given[2, 2] = 9.0
    arcs = strongest_arcs("books", list("abcdef"), given)
    everything = sorted(((given[t, i], t, i) for t in range(6) for i in range(6) if t != i), reverse=True)
    assert [(t, i) for t, i, _ in arcs.links] == [(t, i) for _, t, i in everything[:15]]
    assert all(weight == given[t, i] for t, i, weight in arcs.links)


def test_long_texts_are_drawn_to_a_limit_and_one_word_without_arcs() -> None:
    arcs = strongest_arcs("books", ["w"] * 99, beta(99))
    assert len(arcs.words) == WORDS and max(max(t, i) for t, i, _ in arcs.links) < WORDS
    assert strongest_arcs("books", ["w"], np.ones((1, 1))).links == []
    assert "<path" not in arcs_svg(strongest_arcs("books", ["w"], np.ones((1, 1))))


def test_thicker_is_more_and_dashes_read_ahead() -> None:
    arcs = strongest_arcs("books", list("abcd"), beta(4))
    svg = ElementTree.fromstring(arcs_svg(arcs))  # noqa: S314  # our own
    paths = list(svg.iter("path"))[::-1]
    widths = [float(path.get("stroke-width", "")) for path in paths]
    assert len(paths) == len(arcs.links) and widths == sorted(widths, reverse=True) and widths[0] == 6
    assert [path.get("stroke-dasharray") is None for path in paths] == [i < t for t, i, _ in arcs.links]
    t, i, weight = arcs.links[0]
    assert paths[0].findtext("title") == f"“{arcs.words[t]}” reads “{arcs.words[i]}”: {weight:.3f}"


def test_script_in_a_word_is_text() -> None:
    svg = arcs_svg(strongest_arcs("books", ['<script>"', "a&b", "x"], beta(3)))
    assert "<script" not in svg
    assert not re.search(r"&(?!lt;|gt;|amp;|quot;|#x27;)", svg)
    ElementTree.fromstring(svg)  # noqa: S314


def test_the_figure_has_a_panel_for_each_of_the_first_texts() -> None:
    drawn = [strongest_arcs(f"task {k}", ["$a", "字", "c"], beta(3)) for k in range(5)]
    figure = arcs_figure(drawn)
    assert len(figure.axes) == 3
    assert [len(axes.patches) for axes in figure.axes] == [6, 6, 6]
    figure.savefig("/dev/null", format="png")

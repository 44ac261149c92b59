import re

import numpy as np

from tasktalk.analysis.fragments import (
    LEVELS,
    counted,
    drawable,
    levels,
    plotly_text,
    shade,
    shade_rules,
    sortable,
    switch,
)


def test_a_switch_shows_its_first_panel() -> None:
    html = switch("words-1", "Text:", [("<one>", "<p>1</p>"), ("two", "<p>2</p>")])
    assert '<select data-switch="words-1"' in html and "&lt;one&gt;" in html and "<one>" not in html
    assert re.findall(r'<section data-group="words-1" data-panel="(\d)"( hidden)?>', html) == [
        ("0", ""),
        ("1", " hidden"),
    ]


def test_one_panel_needs_no_switch() -> None:
    assert switch("x", "Text:", [("a & b", "<p>1</p>")]) == "<section><h4>a &amp; b</h4><p>1</p></section>"


def test_a_table_sorts_by_values_and_escapes_words() -> None:
    html = sortable(["word", "lift", "texts"], [['<b "', 1.23456, 7], ["x", float("nan"), 0]], caption="numbers")
    assert '<table class="sortable"><caption>numbers</caption>' in html
    assert '<td data-value="&lt;b &quot;">&lt;b &quot;</td><td data-value="1.23456"' in html
    assert ">1.23</td>" in html and '<td data-value="7"' in html and '<td data-value="">–</td>' in html


def test_numbers_of_a_table_have_a_format_and_may_be_missing() -> None:
    html = sortable(["name", "value"], [["<script>x</script>", 0.12345], ["b", None], ["c", 3]], ".2f")
    assert "<script" not in html
    assert '<td data-value="0.12345">0.12</td>' in html
    assert '<td data-value="">–</td>' in html
    assert '<table class="sortable"' in html
    assert "0.123<" in sortable(["value"], [[0.12345]], ".3g")
    assert ">0.1</td>" in (two := sortable(["a", "b"], [[0.12345, 0.12345]], [".1f", ".3f"])) and ">0.123</td>" in two


def test_only_long_cells_wrap() -> None:
    html = sortable(["text"], [["any word"], ["x" * 25]])
    assert '<td data-value="any word">any word</td>' in html and f'<td data-value="{"x" * 25}" class="long">' in html


def test_shades_grow_from_nothing() -> None:
    opacities = [shade(level)[3] for level in range(LEVELS)]
    assert opacities[0] == 0 and opacities == sorted(opacities) and opacities[-1] <= 0.75
    assert shade_rules(".q").count("{") == LEVELS


def test_levels_reach_from_low_to_high() -> None:
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    assert levels(values, 0.0, 1.0) == [0, 0, LEVELS // 2, LEVELS - 1, LEVELS - 1]
    assert levels(values, 0.5, 0.5) == [LEVELS // 2] * 5


def test_what_matplotlib_cannot_draw_is_replaced() -> None:
    assert drawable("a字b\n$x$") == "a\ufffdb\ufffd\\$x\\$"


def test_quotes_stay_quotes_in_plotly() -> None:
    """plotly would show ``&quot;`` as it stands."""
    assert plotly_text('a & b "c" isn\'t <b>') == 'a &amp; b "c" isn\'t &lt;b&gt;'


def test_one_is_not_many() -> None:
    assert [counted(n, "edge") for n in (0, 1, 2)] == ["0 edges", "1 edge", "2 edges"]

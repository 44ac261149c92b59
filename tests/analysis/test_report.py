"""The page holds what the parts say, escaped; in a browser it sorts, hovers and switches, and asks for nothing."""

import csv
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure

from tasktalk.analysis.folder import LIST
from tasktalk.analysis.picture import Check, Part, Picture
from tasktalk.analysis.report import drawn, page, save_pictures, told, write_report
from tasktalk.core.errors import RunFolderError
from tests.analysis.browser import chromium, opened

NASTY = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"


def bars(title: str = "") -> Figure:
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().bar(["a", "b"], [1.0, 2.0])
    figure.suptitle(title)
    return figure


def heat_map() -> go.Figure:
    cells = np.array([[0.1, 0.9], [0.6, 0.4]])
    figure = go.Figure(go.Heatmap(z=cells, x=["books", "dvd"], y=["books", "dvd"], colorscale="Cividis"))
    figure.update_layout(template="none", height=320, title={"text": escape(NASTY)})
    return figure


def switched() -> str:
    """Two selects, one for the sentence and, in the panel of each, one for the task."""
    panels = ""
    for sentence in ("first", "second"):
        tasks = "".join(
            f'<p data-group="task-{sentence}" data-panel="{task}">{task} reads {sentence}</p>'
            for task in ("books", "dvd")
        )
        options = '<option value="books">books</option><option value="dvd">dvd</option>'
        choice = f'<label>Task <select data-switch="task-{sentence}">{options}</select></label>'
        panels += f'<div data-group="sentence" data-panel="{sentence}">{choice}{tasks}</div>'
    options = f'<option value="first">{escape(NASTY)}</option><option value="second">second</option>'
    return f'<label>Sentence <select data-switch="sentence">{options}</select></label>{panels}'


def parts() -> list[Part]:
    rows = [["books", 0.9, None], ["dvd", float("nan"), NASTY], ["music", 0.1, "x"]]
    header = ["task", "weight", NASTY]
    wide = Picture("wide", "Static", NASTY, bars(), header, [["a", 1.0, "b"]])
    return [
        Part(
            "weights",
            NASTY,
            NASTY,
            [Picture("heat-map", "Heat map", "Who listens to whom.", bars("$5 and x_"), header, rows, heat_map())],
            [Check("spread", True, "Small: 0.01."), Check("deletion", False, NASTY), Check("seeds", None, "One run.")],
        ),
        Part("words", "Words", "Read.", [Picture("words", "Words", "Seen.", bars(), header, rows, switched()), wide]),
        Part("empty", "Empty", "Nothing could be shown.", []),
    ]


FACTS = [("Run", NASTY), ("Samples", "3")]


def test_everything_of_the_data_is_escaped() -> None:
    text = page(parts(), FACTS, NASTY)
    assert NASTY not in text
    assert "<img src=x" not in text
    assert text.count("alert(1)") == text.count("img src=x onerror=alert(1)")
    assert "default-src 'none'" in text


def test_a_page_without_interactive_figures_has_no_plotly() -> None:
    small = page(parts()[1:], FACTS, "Title")
    large = page(parts(), FACTS, "Title")
    assert len(small) < 150_000
    assert 1_000_000 < len(large.encode()) < 3_000_000
    assert 'id="plotly"' not in small and large.count('id="plotly"') == 1


def test_the_same_parts_make_the_same_page() -> None:
    assert page(parts(), FACTS, "Title") == page(parts(), FACTS, "Title")


def test_checks_are_counted() -> None:
    assert told(parts()) == "Of 3 checks 1 passed, 1 did not pass, 1 could not be made."
    assert told(parts()[1:]) == "No check was made."


def test_every_picture_is_saved_in_three_forms(tmp_path: Path) -> None:
    written = save_pictures(parts(), tmp_path / "a" / "explain")
    assert sorted(path.name for path in written) == [
        f"{name}.{form}" for name in ("heat-map", "wide", "words") for form in ("csv", "png", "svg")
    ]
    assert all(path.stat().st_size for path in written)
    assert sorted((tmp_path / "a" / "explain").iterdir()) == sorted([*written, tmp_path / "a" / "explain" / LIST])
    text = (tmp_path / "a" / "explain" / "words.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    assert rows[2] == ["dvd", "nan", NASTY]


def test_pictures_of_an_earlier_report_are_removed(tmp_path: Path) -> None:
    save_pictures(parts(), tmp_path)
    (tmp_path / "notes.csv").write_text("mine")
    written = save_pictures(parts()[:1], tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([*written, tmp_path / LIST, tmp_path / "notes.csv"])


def test_a_script_that_the_font_lacks_is_no_warning() -> None:
    assert drawn(bars("\u4f60\u597d"), "png").startswith(b"\x89PNG")


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_report(parts()[2:], FACTS, tmp_path / "missing" / "report.html")
    with pytest.raises(RunFolderError, match="file: cannot be written"):
        save_pictures(parts(), tmp_path / "file")


def test_at_most_300_rows_stand_in_the_page() -> None:
    many = Picture("many", "Many", "Many.", bars(), ["row"], [[f"row {number}"] for number in range(400)], "<p>x</p>")
    text = page([Part("part", "Part", "Lead.", [many])], FACTS, "Title")
    assert "row 299<" in text and "row 300<" not in text
    assert "the first 300 of 400 rows" in text


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(parts(), FACTS, path)
    assert path.stat().st_size < 6_000_000
    return path


def column(page: Any, index: int) -> list[str]:
    rows = page.locator("figure").first.locator("table tbody tr")
    return [rows.nth(row).locator("td").nth(index).inner_text() for row in range(rows.count())]


def wait_for_plot(page: Any) -> Any:
    plot = page.locator(".plot").first
    plot.scroll_into_view_if_needed()
    page.wait_for_selector(".plot[data-drawn]", timeout=60_000)
    return plot


def test_tables_sort_both_ways_and_keep_what_is_empty_last(browser: Any, report: Path) -> None:
    with opened(browser, report) as (page, _):
        page.locator("details summary").first.click()
        head = page.locator("figure").first.locator("th").nth(1)
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        assert column(page, 0) == ["music", "books", "dvd"]
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        assert column(page, 0) == ["books", "music", "dvd"]
        page.locator("figure").first.locator("th button").first.click()
        assert column(page, 0) == ["books", "dvd", "music"]
        assert head.get_attribute("aria-sort") is None


def test_hovering_over_a_cell_says_what_it_is(browser: Any, report: Path) -> None:
    with opened(browser, report) as (page, _):
        plot = wait_for_plot(page)
        place = plot.locator(".nsewdrag").bounding_box()
        page.mouse.move(place["x"] + place["width"] / 4, place["y"] + place["height"] / 4)
        page.wait_for_selector(".hoverlayer .hovertext", timeout=10_000)
        assert "books" in page.locator(".hoverlayer").text_content()


def test_sentence_and_task_are_switched(browser: Any, report: Path) -> None:
    with opened(browser, report) as (page, _):
        assert page.get_by_text("books reads first").is_visible()
        assert not page.get_by_text("books reads second").is_visible()
        page.locator("select[data-switch=sentence]").select_option("second")
        page.locator("select[data-switch=task-second]").select_option("dvd")
        assert page.get_by_text("dvd reads second").is_visible()
        assert page.locator("p[data-panel]:visible").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_and_the_button(scheme: str, browser: Any, report: Path) -> None:
    with opened(browser, report, color_scheme=scheme) as (page, _):
        plot = wait_for_plot(page)
        text = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
        back = "getComputedStyle(document.body).backgroundColor"
        before = page.evaluate(text), page.evaluate(back)
        page.locator("#theme").click()
        page.wait_for_function(f"{text} !== '{before[0]}'")
        after = page.evaluate(text), page.evaluate(back)
        light, dark = (before, after) if scheme == "light" else (after, before)
        assert (light[1], dark[1]) == ("rgb(255, 255, 255)", "rgb(22, 22, 26)")
        assert brightness(light[0]) < 60 and brightness(dark[0]) > 200
        assert plot.is_visible()


def brightness(colour: str) -> float:
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_on_a_phone_only_the_boxes_scroll(browser: Any, report: Path) -> None:
    with opened(browser, report, viewport={"width": 360, "height": 740}, has_touch=True) as (page, _):
        wait_for_plot(page)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator(".scroll").first.evaluate("box => box.scrollWidth > 0")


def test_everything_is_reached_by_keyboard(browser: Any, report: Path) -> None:
    with opened(browser, report) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
        assert {"BUTTON.", "A.", "SELECT.", "SUMMARY.", "DIV.scroll"} <= reached
        page.locator("details summary").first.focus()
        page.keyboard.press("Enter")
        page.locator("figure").first.locator("th button").nth(1).focus()
        page.keyboard.press("Enter")
        assert column(page, 0) == ["music", "books", "dvd"]


def test_nothing_of_the_data_is_run(browser: Any, report: Path) -> None:
    with opened(browser, report) as (page, noticed):
        wait_for_plot(page)
        page.wait_for_timeout(200)
        assert noticed.dialogs == []
        assert NASTY in page.locator("main").inner_text()
        assert page.locator("img[src=x]").count() == 0


def test_what_printing_needs_is_drawn_in_light_colours(browser: Any, report: Path) -> None:
    with opened(browser, report, color_scheme="dark") as (page, _):
        wait_for_plot(page)
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"

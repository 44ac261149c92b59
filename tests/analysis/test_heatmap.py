import numpy as np

from tasktalk.analysis.heatmap import Heat, branches, digits, heat_figure, heat_plot, limits, short
from tasktalk.analysis.tree import grow, profile_distances
from tests.analysis.overviews import EVIL


def heat(values: np.ndarray) -> Heat:
    rows, columns = values.shape
    names = [f"row {i} {EVIL}" for i in range(rows)]
    sources = [f"column {j}" for j in range(columns)]
    trees = (grow(profile_distances(values)), grow(profile_distances(values.T)))
    hover = [[[f"{i}", f"{j} {EVIL}"] for j in range(columns)] for i in range(rows)]
    backwards = (np.arange(rows)[::-1], np.arange(columns)[::-1])
    return Heat(values, names, sources, *trees, "share", hover, {"backwards": backwards})


VALUES = np.random.default_rng(0).uniform(size=(4, 3))


def test_the_scale_fits_the_data() -> None:
    assert limits(np.array([0.99, np.nan, 0.995])) == (0.99, 0.995)
    assert limits(np.array([-0.2, 0.5])) == (-0.5, 0.5)
    assert limits(np.array([0.3, 0.3])) == (-0.2, 0.8)
    assert limits(np.array([np.nan])) == (0.0, 1.0)
    assert digits(np.array([0.9951, 0.9953])) == 5
    assert digits(np.array([0.0, 0.9])) == 3


def test_the_picture_is_in_the_order_of_the_trees() -> None:
    shown = heat(VALUES)
    main = heat_figure(shown).axes[0]
    image = main.images[0].get_array()
    assert image is not None
    np.testing.assert_allclose(image, VALUES[shown.row_tree.order][:, shown.column_tree.order])
    assert main.get_yticklabels()[0].get_text() == short(shown.rows[shown.row_tree.order[0]])


def test_every_button_shows_the_same_numbers_in_its_order() -> None:
    shown = heat(VALUES)
    plot = heat_plot(shown).to_dict()
    first = np.array(plot["data"][0]["z"], dtype=float)
    np.testing.assert_allclose(first, VALUES[shown.row_tree.order][:, shown.column_tree.order])
    by_likeness, backwards = plot["layout"]["updatemenus"][0]["buttons"]
    assert (by_likeness["label"], backwards["label"]) == ("by likeness", "backwards")
    np.testing.assert_allclose(np.array(backwards["args"][0]["z"][0], dtype=float), VALUES[::-1, ::-1])
    assert backwards["args"][1]["xaxis.ticktext"] == ["column 2", "column 1", "column 0"]
    assert backwards["args"][0]["hovertext"][0][0][0].startswith("3<br>2 ")
    assert [by_likeness["args"][0]["visible"], backwards["args"][0]["visible"]] == [[True] * 3, [True, False, False]]


def test_nothing_from_data_is_html() -> None:
    assert "<script" not in heat_plot(heat(VALUES)).to_json().replace("\\u003c", "<")


def test_branches_end_at_leaves() -> None:
    places = [
        place
        for bracket, heights in branches(grow(profile_distances(VALUES)))
        for place, height in zip(bracket, heights, strict=True)
        if height == 0
    ]
    assert sorted(places) == [0, 1, 2, 3]
    assert branches(grow(np.zeros((1, 1)))) == []


def test_one_row_constant_values_and_blanks_are_drawn() -> None:
    for values in (VALUES[:1], np.full((3, 3), 0.5), np.where(np.eye(4, dtype=bool), np.nan, 0.2), VALUES - 0.5):
        assert heat_figure(heat(values)).axes
        assert heat_plot(heat(values)).to_json()


def test_long_names_are_cut() -> None:
    assert short("a" * 30) == "a" * 25 + "…"
    assert short("abc") == "abc"

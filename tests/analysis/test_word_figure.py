import numpy as np
from matplotlib.patches import Rectangle

from tasktalk.analysis.fragments import shade
from tasktalk.analysis.word_figure import Shown, words_figure


def shown(*words: str) -> Shown:
    listened = np.linspace(0, 1, len(words))
    return Shown(1, "books", list(words), listened, [[("music", 0.5), ("dvd", 0.25)]] * len(words))


def test_every_word_is_drawn_on_its_colour_and_the_strongest_have_notes() -> None:
    words = [f"word{n}" for n in range(20)]
    figure = words_figure([shown(*words)], 0.0, 1.0, "a gate")
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if text.startswith("word")] == words
    assert texts[:2] == ["darker: more of a gate", "books reads"]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert boxes[0].get_facecolor() == shade(0) and boxes[-1].get_facecolor() == shade(8)
    noted = [text.get_position()[0] for text in axes.texts if text.get_text() == "music 0.50"]
    strongest = {text.get_position()[0] for text in axes.texts if text.get_text() in words[-6:]}
    assert noted and set(noted) <= strongest


def test_words_do_not_overlap_and_stay_inside() -> None:
    figure = words_figure([shown(*("a" * (1 + 7 * n % 23) for n in range(60)), "b" * 300)], 0.0, 1.0, "a gate")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts if set(text.get_text()) <= {"a", "b"}]
    assert len(boxes) == 60
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_long_texts_say_what_is_left_out() -> None:
    figure = words_figure([shown(*"x" * 99), shown("$y"), shown("字"), shown("z")], 0.0, 1.0, "a gate")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "books reads (the first 60 of 99 words)" in texts
    assert "z" not in texts and "\ufffd" in texts
    figure.savefig("/dev/null", format="png")

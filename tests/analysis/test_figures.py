from pathlib import Path
from typing import cast

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.patches import Rectangle

from tasktalk.analysis.figures import reading_figure, save_figure, senders_figure
from tasktalk.analysis.listening import Reading, Senders
from tasktalk.core.errors import RunFolderError


def reading(words: int = 4) -> Reading:
    taken = np.full((2, words), 1 / words)
    taken[0] = np.eye(words)[1]
    return Reading([f"w{i}" for i in range(words)], ("books", "music"), taken, np.array([0.25, 0.75]))


def test_a_reading_shows_every_task_word_and_gate() -> None:
    figure = reading_figure(reading(), "title", ["40 labels", "2000 labels"])
    weights, gates = figure.axes
    assert [text.get_text() for text in weights.get_yticklabels()] == ["books (40 labels)", "music (2000 labels)"]
    assert [text.get_text() for text in weights.get_xticklabels()] == ["w0", "w1", "w2", "w3"]
    image = weights.images[0].get_array()
    assert image is not None
    np.testing.assert_array_equal(image, reading().taken)
    assert [text.get_text() for text in gates.texts] == ["0.25", "0.75"]
    assert [cast(Rectangle, patch).get_width() for patch in gates.patches] == [0.25, 0.75]


def test_senders_show_a_square() -> None:
    figure = senders_figure(Senders(("a", "b"), np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.5, 0.1])), "title")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["a", "b"]


def test_a_saved_figure_is_a_png_that_is_not_blank(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    save_figure(reading_figure(reading(30), "title"), path)
    pixels = imread(path)
    assert pixels.shape[0] > 200
    assert pixels.std() > 0.01
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]


def test_a_figure_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot be written"):
        save_figure(reading_figure(reading(), "title"), tmp_path / "file" / "figure.png")

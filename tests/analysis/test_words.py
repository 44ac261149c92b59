import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tasktalk.analysis import words
from tasktalk.analysis.picture import Part
from tasktalk.analysis.words import top_named, words_part
from tasktalk.data.dataset import Examples
from tasktalk.data.take import take
from tasktalk.training.run import Run
from tasktalk.training.train import train
from tests.training.toy import NAMES, config, graph_config, molecules, tagged, toy

MODELS = ("dc", "ic", "mitten", "mmoe")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    models = (*MODELS, "cross-stitch", "fs")
    runs = {name: train(toy(), config(name, hidden=4, training__epochs=1), folder / name) for name in models}
    both = config("mmoe", hidden=4, training__epochs=1, bidirectional=True)
    return {**runs, "mmoe in both directions": train(toy(), both, folder / "both")}


def given(*texts: list[str], owner: int | None = 0) -> Examples:
    owners = None if owner is None else np.full(len(texts), owner)
    return Examples(list(texts), np.full((len(texts), 3), np.nan), owners)


def page(part: Part | None) -> str:
    assert part is not None
    html = part.pictures[0].interactive
    assert isinstance(html, str)
    return html


@pytest.mark.parametrize("model", MODELS)
def test_every_word_stands_with_what_it_listened_to(runs: dict[str, Run], model: str) -> None:
    test, run = toy().splits["test"], runs[model]
    part = words_part(run, test, most=6)
    assert part is not None and len(part.checks) == 2
    (picture,) = part.pictures
    assert len(picture.figure.axes) == 1
    first = [row for row in picture.rows if row[0] == 1]
    text = [str(row[3]) for row in first]
    heard = run.hear(given(text))
    k = NAMES.index(str(first[0][1]))
    n = len(text)
    if model in {"dc", "ic"}:
        expected = heard.record["gate"][k, 0, :n]
    elif model == "mitten":
        expected = 1 - heard.record["weights"][k, 0, :n, k]
    else:
        expected = heard.record["weights"][k, 0, :n].max(dim=-1).values
    np.testing.assert_allclose([float(str(row[4])) for row in first], expected.numpy(), atol=1e-5)
    if model == "ic":
        beta = heard.record["beta"][k, 0, :n, :n].numpy()
        np.testing.assert_allclose([float(str(row[5])) for row in first], n * beta.mean(axis=0), atol=1e-5)
        assert first[0][6] == text[beta[0].argmax()] and picture.header[5] == "read"
    if model == "dc":
        alpha = heard.record["alpha"][k, 0, :n].numpy()
        assert [row[5] for row in first] == [NAMES[best] for best in alpha.argmax(axis=-1)]
        assert all(row[5] != NAMES[k] for row in first)


def test_experts_that_read_backwards_are_sources_of_their_own(runs: dict[str, Run]) -> None:
    part = words_part(runs["mmoe in both directions"], toy().splits["test"])
    assert part is not None
    assert any(str(row[5]).startswith("backward expert") for row in part.pictures[0].rows)


@pytest.mark.parametrize("model", ["cross-stitch", "fs"])
def test_models_without_words_that_listen_are_left_out(runs: dict[str, Run], model: str) -> None:
    assert words_part(runs[model], toy().splits["test"]) is None


def test_molecules_and_empty_texts_are_left_out(runs: dict[str, Run], tmp_path: Path) -> None:
    run = train(molecules(), graph_config(hidden=4, training__epochs=1), tmp_path / "run")
    assert words_part(run, molecules().splits["test"]) is None
    assert words_part(runs["dc"], given([], [])) is None
    assert words_part(runs["dc"], take(toy().splits["test"], np.zeros(0, dtype=np.int64))) is None


@pytest.mark.parametrize("model", ["dc", "ic"])
def test_one_word(runs: dict[str, Run], model: str) -> None:
    part = words_part(runs[model], given(["good"]))
    assert part is not None and len(part.pictures[0].rows) == 1
    assert part.checks[0].passed is None


def test_a_long_text_is_cut_and_an_empty_one_left_out(runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 200  # of the run's settings, which cut further than LONGEST
    monkeypatch.setattr(words, "_MOST_SPANS", 2 * longest)
    part = words_part(runs["dc"], given([], ["never", "seen"] * 5000, owner=None))
    assert part is not None
    assert f"of a longer text the first {longest} words are read" in part.lead
    assert [row[1] for row in part.pictures[0].rows] == [NAMES[k] for k in (0, 1) for _ in range(longest)]


def test_a_longer_text_that_is_not_shown_does_not_make_the_others_cut(runs: dict[str, Run]) -> None:
    part = words_part(runs["dc"], given(*(["good"] * n for n in range(2, 30))), most=3)
    assert part is not None and "3 texts are shown." in part.lead


def test_a_shared_text_is_read_by_every_task(runs: dict[str, Run]) -> None:
    html = page(words_part(runs["dc"], given(["good", "film"], ["bad", "song"], owner=None)))
    assert html.count("data-switch=") == 3  # of texts, and of the tasks of each
    assert html.count('data-group="words"') == 2 and html.count('data-group="words-2"') == 3
    assert len(re.findall(r'data-group="words-2" data-panel="\d" hidden', html)) == 2


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_script_in_a_text_is_shown_as_text(runs: dict[str, Run]) -> None:
    nasty = ["<script>alert(1)</script>", "</select><img", 'onerror="x"', "$a_b$", "字", "\x07"]
    part = words_part(runs["ic"], given(nasty, ["good", "film"]))
    parser = Elements()
    parser.feed(page(part))
    assert parser.open == []
    assert parser.seen <= {"style", "div", "label", "select", "option", "section", "h4", "p", "span", "small", "br"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page(part)
    assert part is not None
    part.pictures[0].figure.savefig("/dev/null", format="png")  # no warning of a missing letter, no formula


def test_unknown_words_are_marked(runs: dict[str, Run]) -> None:
    part = words_part(runs["dc"], given(["good", "unheard"]))
    assert re.findall(r'class="w q\d u" tabindex="0">(\w+)', page(part)) == ["unheard"]
    assert part is not None and "not in the vocabulary" in part.pictures[0].text
    part = words_part(runs["dc"], given(["good", "bad"]))
    assert part is not None and "not in the vocabulary" not in part.pictures[0].text


def test_words_of_a_tagger(tmp_path: Path) -> None:
    run = train(tagged(), config("ic", hidden=4, training__epochs=1), tmp_path / "run")
    part = words_part(run, tagged().splits["test"], most=4)
    assert part is not None and {row[1] for row in part.pictures[0].rows} == {"pos", "chunk"}


def test_the_strongest_sources() -> None:
    weights = np.array([[0.2, 0.5, 0.0, 0.3], [0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 0.0, 0.0]])
    found = top_named(weights, "abcd")
    assert [[name for name, _ in row] for row in found] == [["b", "d", "a"], ["a", "b", "c"], ["b"]]


def test_words_that_were_read_stand_in_quotes_and_names_of_tasks_do_not(runs: dict[str, Run]) -> None:
    told = {model: words_part(runs[model], toy().splits["test"], most=6) for model in ("ic", "dc")}
    assert told["ic"] is not None and "; it read “" in told["ic"].pictures[0].text
    assert told["dc"] is not None and re.search(
        rf"; it listened to ({'|'.join(NAMES)}) 0\.", told["dc"].pictures[0].text
    )

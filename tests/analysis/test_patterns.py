import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasktalk.analysis.mining import Candidates, Miner
from tasktalk.analysis.patterns import patterns_part
from tasktalk.analysis.picture import Part
from tasktalk.core.seeding import seed_everything
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.take import take
from tasktalk.training.run import Run
from tasktalk.training.train import train
from tests.training.toy import NAMES, config, graph_config, molecules, tagged, toy


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Of the training texts, only those of music hold “would have”."""
    given, rng = toy(), np.random.default_rng(3)

    def with_phrase(split: Examples, task: int | None) -> Examples:
        assert split.owner is not None
        texts = [
            ["would", "have", *words] if rng.random() < 0.7 and task in {None, owner} else words
            for words, owner in zip(split.tokens, split.owner.tolist(), strict=True)
        ]
        return replace(split, content=texts)

    train_, test = with_phrase(given.splits["train"], 2), with_phrase(given.splits["test"], None)
    return replace(given, splits={**given.splits, "train": train_, "test": test})


@pytest.fixture(scope="module")
def run(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    seed_everything(0)
    return train(data, config("ic", hidden=4, training__epochs=1), tmp_path_factory.mktemp("runs") / "ic")


@pytest.fixture(scope="module")
def part(run: Run, data: Dataset) -> Part:
    found = patterns_part(run, data.splits["test"], data.splits["train"])
    assert found is not None
    return found


def test_arcs_are_what_a_word_took(run: Run, data: Dataset, part: Part) -> None:
    arcs = part.pictures[0]
    first = [row for row in arcs.rows if row[0] == 1]
    test = data.splits["test"]
    longest = max(test.tokens, key=len)
    row = next(
        r
        for r, words in enumerate(test.tokens)
        if len(words) == len(longest) and words[int(str(first[0][2])) - 1] == first[0][3]
    )
    heard = run.hear(take(test, np.array([row])))
    k = NAMES.index(str(first[0][1]))
    for _, _, t, word, i, read, weight in first:
        assert (word, read) == (longest[int(str(t)) - 1], longest[int(str(i)) - 1]) or len(longest) < 10
        assert float(str(weight)) == pytest.approx(
            float(heard.record["beta"][k, 0, int(str(t)) - 1, int(str(i)) - 1]), abs=1e-5
        )


def test_the_table_is_what_is_counted_text_by_text(run: Run, data: Dataset, part: Part) -> None:
    test = data.splits["test"]
    assert test.owner is not None
    miner = Miner(Candidates(test.tokens, 4), 3)
    for row, (words, owner) in enumerate(zip(test.tokens, test.owner.tolist(), strict=True)):
        beta = run.hear(take(test, np.array([row]))).record["beta"][:, 0].numpy()
        miner.add(words, beta, range(owner, owner + 1), row % 12 % 2)
    mined = miner.result()
    lifts = dict(zip(mined.patterns, mined.lift().tolist(), strict=True))
    weaker = dict(zip(mined.patterns, np.minimum(mined.lift(half=0), mined.lift(half=1)).tolist(), strict=True))
    support = dict(zip(mined.patterns, mined.support.sum(axis=(0, 1)).tolist(), strict=True))
    rows = part.pictures[1].rows
    assert len(rows) > 10
    for reader, read, kind, near, texts, lift, weak, *_ in rows:
        key = next(
            p
            for p in lifts
            if (p.reader or "any word", " ".join(p.read), p.kind, p.range) == (reader, read, kind, near)
        )
        assert texts == support[key]
        assert lift == pytest.approx(lifts[key], rel=1e-4) and weak == pytest.approx(weaker[key], rel=1e-4)
    first = [row[1] for row in rows if row[2] == "word"]
    best = sorted((p for p in lifts if p.kind == "word" and np.isfinite(weaker[p])), key=lambda p: -weaker[p])
    assert first == [p.read[0] for p in best[:15]]


def test_what_is_borrowed_from_another_task(part: Part) -> None:
    rows = [row for row in part.pictures[1].rows if row[1] == "would have" or "would" in str(row[1]).split()]
    assert rows
    assert all(str(row[8]).startswith("music ") and "," not in str(row[8]) for row in rows)
    users = {user.split()[0] for row in rows for user in str(row[9]).split(", ") if user}
    assert users and users <= {"books", "dvd"}
    assert all(user.endswith(" 0.0%") for row in rows for user in str(row[9]).split(", ") if user)


def test_without_training_texts_nothing_is_said_of_them(run: Run, data: Dataset) -> None:
    part = patterns_part(run, data.splits["test"])
    assert part is not None and all(row[8:] == ["", ""] for row in part.pictures[1].rows)


def test_every_number_fits_a_csv(part: Part) -> None:
    for picture in part.pictures:
        file = io.StringIO()
        csv.writer(file).writerows([picture.header, *picture.rows])
        assert {len(row) for row in picture.rows} == {len(picture.header)}
    assert [check.passed for check in part.checks[:2]] == [False, False]  # after one epoch all is nearly uniform


def test_shared_texts_are_read_by_all_tasks(run: Run, data: Dataset) -> None:
    test = data.splits["test"]
    part = patterns_part(run, replace(test, owner=None), replace(data.splits["train"], owner=None), drawn=2)
    assert part is not None
    assert {row[1] for row in part.pictures[0].rows} == set(NAMES)
    counts = [row[4] for row in part.pictures[1].rows if row[2:4] == ["word", "any"] and row[1] == "good"]
    assert counts == [sum("good" in words for words in test.tokens)]
    assert str(part.pictures[0].interactive).count('data-switch="arcs-2"') == 1


@pytest.mark.parametrize("text", [["good"], ["!", "?"], ["<script>", "x", "$"] * 4000])
def test_one_strange_text(run: Run, text: list[str]) -> None:
    part = patterns_part(run, Examples([text], np.full((1, 3), np.nan), np.array([1])))
    assert part is not None and "<script" not in str(part.pictures[0].interactive)
    assert len(part.pictures) == 1 and "no patterns to count" in part.lead
    assert all(check.passed is None for check in part.checks[2:])


def test_patterns_of_a_tagger(tmp_path: Path) -> None:
    run = train(tagged(), config("ic", hidden=4, training__epochs=1, bidirectional=True), tmp_path / "run")
    part = patterns_part(run, tagged().splits["test"], tagged().splits["train"])
    assert part is not None and len(part.pictures) == 2
    assert {str(row[1]) for row in part.pictures[0].rows} == {"pos", "chunk"}


def test_other_models_are_left_out(tmp_path: Path) -> None:
    dc = train(toy(), config("dc", hidden=4, training__epochs=1), tmp_path / "dc")
    assert patterns_part(dc, toy().splits["test"]) is None
    mitten = train(molecules(), graph_config(hidden=4, training__epochs=1), tmp_path / "mitten")
    assert patterns_part(mitten, molecules().splits["test"]) is None
    assert patterns_part(dc, run_examples()) is None


def run_examples() -> Examples:
    return Examples([[]], np.full((1, 3), np.nan), None)


def test_few_words_and_few_texts_are_no_check(run: Run, data: Dataset) -> None:
    test = data.splits["test"]
    rows = np.array([next(row for row, words in enumerate(test.tokens) if 2 <= len(words) < 20)])
    one = patterns_part(run, take(test, rows))
    words = len(test.tokens[int(rows[0])])
    assert one is not None and [check.passed for check in one.checks] == [None] * 4
    assert {check.sentence for check in one.checks[:2]} == {f"{words} words are too few: at least 20 are needed."}
    assert {check.sentence[:22] for check in one.checks[2:]} == {"1 text is too few: at "}
    half = patterns_part(run, take(test, np.arange(19)))
    assert half is not None and [check.passed is None for check in half.checks] == [False, False, True, True]
    assert half.checks[2].sentence.startswith("19 texts are too few: ")


def test_any_word_is_no_quotation(part: Part) -> None:
    first = part.pictures[1].rows[0]
    assert first[0] == "any word" and f"The first is any word reading “{first[1]}”" in part.pictures[1].text

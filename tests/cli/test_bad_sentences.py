"""Column files that cannot be used are one sentence with file and line; odd ones that can be used are."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Cli, contents, sentences, write_conll
from tests.cli.test_bad_input import assert_refused, run_program

TINY = (*SMALL, "--epochs", "1", "--beside", "none", "--quiet")
LINES = "\n\n".join("\n".join(lines) for lines in sentences(12, seed=0)) + "\n"


@pytest.mark.parametrize(
    ("column", "content", "facts"),
    [
        (1, "the DT\ndog\n", ["a.conll, line 2: ", "a tag in column 1", "1 column"]),
        (-1, "the DT\ndog X NN\n", ["a.conll, line 2: ", "expected 2 columns as in line 1, found 3"]),
        (2, "the DT\n", ["a.conll, line 1: ", "a tag in column 2"]),
        (0, "the DT\n", ["a.conll, line 1: ", "both in column 0"]),
        (
            1,
            "a B-X\nb I-X\nc O\n\nd O\ne I-X\nf O\n\ng B-X\n",
            ["a.conll, line 6: ", "IOB2", "'I-X'", "continues nothing"],
        ),
        (1, "a B-X\nb E-X\nc O\nd S-X\n\ne B-X\nf O\n", ["a.conll, line 7: ", "BIOES", "'O'"]),
        (1, "a S-X\nb O\nc S-X\nd O\ne I-X\n", ["a.conll, line 5: ", "BIOES", "'I-X'"]),
        (1, "", ["a.conll: ", "empty file"]),
        (1, "\n \n\n", ["a.conll: ", "expected sentences, a word per line, found none"]),
        (1, "-DOCSTART- O\n\n", ["a.conll: ", "found none"]),
        (1, b"the DT\nna\xefve JJ\n", ["a.conll, line 2: ", "UTF-8", "byte 0xef as byte 3"]),
    ],
)
def test_files_that_cannot_be_used(
    column: int, content: str | bytes, facts: list[str], cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "a.conll"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = contents(tmp_path)
    done = cli("train", "--task", f"t={path}:column={column}", "--out", tmp_path / "run", *TINY)
    assert_refused(done, *facts)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("source", "facts"),
    [
        ("t=none.conll:column=1", ["none.conll: ", "no such file"]),
        ("t=none:column=1", ["no corpus or file 'none'"]),
        ("conll200:limit=3", ["no corpus or file 'conll200'", "conll2000"]),
        ("t=a.conll:colum=1", ["no key 'colum'", "column"]),
        ("t=a.conll:column=1:lim=1", ["no key 'lim'", "limit"]),
        ("t=a.conll:column=x", ["a.conll: ", "the number of a column", "'x'"]),
        ("t=a.conll:column=1:limit=0", ["a limit of 1 or more"]),
        ("t=a.conll:column=1:column=2", ["'column' stands twice"]),
    ],
)
def test_sources_that_cannot_be_used(
    source: str, facts: list[str], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.conll").write_text(LINES)
    assert_refused(cli("train", "--task" if "=a" in source or "t=" in source else "--data", source, *TINY), *facts)


def test_two_corpora_of_one_name(cli: Cli, tmp_path: Path) -> None:
    path = write_conll(tmp_path / "a.conll", sentences(12, seed=0))
    done = cli("train", "--task", f"a={path}:column=1", "--task", f"a={path}:column=2", *TINY)
    assert_refused(done, "2 corpora named 'a'")


def test_sentences_and_texts_do_not_mix(cli: Cli, shop: Path, tmp_path: Path) -> None:
    path = write_conll(tmp_path / "a.conll", sentences(12, seed=0))
    assert_refused(cli("train", path, shop / "books.csv", *TINY), "a.conll", "books.csv", "load them apart")


def test_models_that_cannot_tag(cli: Cli, tmp_path: Path) -> None:
    path = write_conll(tmp_path / "a.conll", sentences(12, seed=0))
    settings = ("--set", "training.tracker=none", "--beside", "none", "--out", tmp_path / "run")
    done = cli("train", path, "--model", "linear", *settings)
    assert_refused(done, "a linear model does no tagging, and task 'a' is of that kind")
    done = cli("train", path, "--model", "forest", *settings)
    assert_refused(done, "model 'forest' gives a whole text a label, and cannot tag its words")
    assert not (tmp_path / "run").exists()


def test_affinities_of_sentences_are_refused(cli: Cli, tmp_path: Path) -> None:
    path = write_conll(tmp_path / "a.conll", sentences(12, seed=0))
    done = cli("affinity", f"pos={path}:column=1", f"chunk={path}:column=2")
    assert_refused(done, "affinities are measured on texts, molecules and nodes, not on sentences")


def test_line_ends_and_byte_order_marks_are_not_part_of_words(cli: Cli, tmp_path: Path) -> None:
    content = LINES.encode()
    kinds = {"plain": content, "windows": content.replace(b"\n", b"\r\n"), "mark": b"\xef\xbb\xbf" + content}
    for name, one in kinds.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.conll").write_bytes(one)
        done = cli("train", tmp_path / name / "a.conll", *TINY, "--model", "fs", "--out", tmp_path / name / "run")
        assert done.code == 0, done.err
    runs = [tmp_path / name / "run" for name in kinds]
    for file in ("vocabulary.txt", "alphabet.json", "tasks.json", "model.safetensors"):
        assert len({(run / file).read_bytes() for run in runs}) == 1, file


def test_a_tag_that_training_lacks_is_told_and_counts_as_wrong(cli: Cli, tmp_path: Path) -> None:
    write_conll(tmp_path / "train.conll", sentences(12, seed=0))
    (tmp_path / "dev.conll").write_text("the DT B-NP\nold JJ I-NP\n")
    (tmp_path / "test.conll").write_text("Oh UH O\noh UH O\nto IN B-PP\n")
    parts = f"dev={tmp_path / 'dev.conll'}:test={tmp_path / 'test.conll'}"
    tasks = [
        f"{name}={tmp_path / 'train.conll'}:column={number}:{parts}" for name, number in (("pos", 1), ("chunk", 2))
    ]
    done = cli("train", "--task", tasks[0], "--task", tasks[1], *TINY, "--model", "fs", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert "warning: task 'pos': the tag 'JJ' is not in training; 1 word of dev (dev.conll) has it\n" in done.err
    assert "warning: task 'pos': the tag 'UH' is not in training; 2 words of test (test.conll) have it\n" in done.err
    assert "warning: task 'chunk': the tag 'B-PP' is not in training; 1 word of test (test.conll) has it\n" in done.err
    scores = json.loads((tmp_path / "run/metrics.json").read_text())["splits"]["test"]["tasks"]
    assert scores["pos"]["accuracy"] == 0 and scores["chunk"]["types"]["PP"]["support"] == 1


def test_a_tag_that_the_run_does_not_have_is_refused_when_it_is_evaluated(
    cli: Cli, of_sentences: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new.conll"
    path.write_text("the DT B-NP\nold JJ I-NP\n")
    done = cli("evaluate", of_sentences / "run", "--data", f"pos={path}:column=1")
    assert_refused(done, "task 'pos': the run was trained without the label 'JJ'", "'old'")
    done = cli("evaluate", of_sentences / "run", "--data", f"chnk={path}:column=2")
    assert_refused(done, "the run has no task 'chnk'", "chunk")
    done = cli("evaluate", of_sentences / "run", "--data", f"chunk={path}:column=2", "--json", "-")
    assert done.code == 0 and json.loads(done.out)["splits"]["train"]["tasks"]["chunk"]["n"] == 1


@pytest.mark.parametrize(
    ("name", "column", "content", "facts"),
    [
        ("pos", 1, "the DT\ndog NN\n\nold NNS\n", ["a.conll, line 4: ", "'NNS'", "'old'", "did you mean 'NN'"]),
        (
            "chunk",
            1,
            "the B-NP\n\non B-PP\nit I-PP\n",
            ["a.conll, line 3: ", "'B-PP'", "'on'", "did you mean 'B-VP' or 'B-NP'"],
        ),
        ("chunk", 1, "the I-NP\n\non I-PP\nit O\n", ["a.conll, line 3: ", "'I-PP'", "did you mean 'I-VP' or 'I-NP'"]),
        ("chunk", 1, "a B-NP\nb E-NP\nc S-PP\nd O\n", ["a.conll, line 3: ", "'S-PP'", "'S-NP'"]),
    ],
)
def test_a_new_tag_is_told_as_the_file_has_it(
    name: str, column: int, content: str, facts: list[str], of_sentences: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.conll").write_text(content)
    source = f"{name}={tmp_path / 'a.conll'}:column={column}"
    done = run_program("evaluate", of_sentences / "run", "--data", source)
    assert_refused(done, f"task {name!r}: the run was trained without the label", *facts)


def test_a_new_tag_of_conllu_has_its_line(of_sentences: Path, tmp_path: Path) -> None:
    path, rest = tmp_path / "a.conllu", "\t_\t0\troot\t_\t_\n"
    path.write_text(f"# x\n1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n1\tdo\tdo\tV\tVB{rest}2\tn't\tnot\tR\tRB{rest}\n")
    done = run_program("evaluate", of_sentences / "run", "--data", f"pos={path}")
    assert_refused(done, f"{path}, line 4: task 'pos': the run was trained without the label 'RB', which \"n't\" has")


def test_a_sentence_of_five_thousand_words_is_learned_and_tagged(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("the DT\ndog NN\n" * 2500 + "\na DT\n\ndog NN\n")
    no_parts = ("--set", "data.dev=0", "--set", "data.test=0")
    done = cli("train", path, "--model", "ic", *TINY, *no_parts, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    tagged = cli("predict", tmp_path / "run", path, "--format", "conll")
    assert tagged.code == 0 and [len(line.split()) for line in tagged.out.splitlines()[:5000]] == [3] * 5000

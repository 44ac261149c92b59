"""``tasktalk data``."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from tasktalk.data.catalogue import CATALOGUE, Entry, RemoteFile
from tasktalk.data.fdu import load_fdu
from tests.cli.conftest import ASSAYS, BROKEN, Cli, assays, reviews, write_csv, write_graph
from tests.data.server import Site, serve

TRAIN = "".join(f"{row % 2}\t{'bad' if row % 2 else 'good'} text {row}\n" for row in range(210)).encode()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    """A catalogue of one small data set on a server of this machine, and an empty cache."""
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(Site({"a.task.train": TRAIN, "a.task.unlabel": b"text\n"})) as site:
        files = tuple(
            RemoteFile(f"tiny/{name}", f"{site.url}/{name}", sha256(content).hexdigest(), "unlabel" not in name)
            for name, content in site.files.items()
        )
        entry = Entry("tiny", "two hundred texts", "free", "Nobody 2024", files, lambda folder, _: load_fdu(folder))
        monkeypatch.setitem(CATALOGUE, "tiny", entry)
        yield site


def test_list_tells_what_is_here(site: Site, cli: Cli, tmp_path: Path) -> None:
    row = next(line for line in cli("data", "list").out.splitlines() if line.startswith("tiny"))
    assert row.split()[:2] == ["tiny", "no"] and "free" in row
    (tmp_path / "cache/tiny").mkdir(parents=True)
    (tmp_path / "cache/tiny/a.task.train").write_bytes(TRAIN)
    listed = cli("data", "list").out
    assert re.search("^tiny +yes ", listed, re.MULTILINE) and str(tmp_path / "cache") in listed
    (tmp_path / "cache/tiny/a.task.train").write_bytes(b"something else")
    assert re.search("^tiny +damaged ", cli("data", "list").out, re.MULTILINE)
    assert site.asked == []


def test_fetch_prints_the_folder_and_what_to_cite(site: Site, cli: Cli, tmp_path: Path) -> None:
    done = cli("data", "fetch", "tiny", "--quiet")
    assert (done.code, done.out) == (0, f"{tmp_path / 'cache/tiny'}\n")
    assert "free" in done.err and "Nobody 2024" in done.err
    assert site.asked == ["a.task.train"]
    cli("data", "fetch", "tiny", "--all")
    assert site.asked == ["a.task.train", "a.task.unlabel"]


def test_check_fetches_what_is_missing(site: Site, cli: Cli) -> None:
    assert "200" in cli("data", "check", "tiny").out
    assert site.asked == ["a.task.train"]


def test_check_counts_what_the_issue_asks_for(cli: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "books.train.csv", [("good day", "pos"), ("bad bad day", "neg"), ("", "neg")])
    write_csv(tmp_path / "books.dev.csv", [("bad bad day", "neg"), ("new words", "pos")])
    np.savez(tmp_path / "v.npz", words="good\nbad\nday", vectors=np.ones((3, 2), dtype=np.float32))
    arguments = ("data", "check", tmp_path / "books.train.csv")
    done = cli(*arguments)
    assert done.code == 0
    assert done.err == "warning: 1 of 2 dev texts also stand in train: books 1\n"
    assert done.out.splitlines()[:4] == [
        "task   split  texts  classes  words  empty  OOV %  twice",
        "books  train      3      2/1  2/2/3      1      -      -",
        "books  dev        2      1/1  2/2/3      0   40.0      1",
        "classes of all tasks: neg, pos",
    ]
    train, dev = json.loads(cli(*arguments, "--vectors", tmp_path / "v.npz", "--json", "-").out)["parts"]
    assert (train["classes"], train["empty"], train["unknown_to_vectors"]) == ({"neg": 2, "pos": 1}, 1, 0.0)
    assert (dev["unknown_to_vectors"], dev["unknown_to_train"], dev["also_in_train"]) == (0.4, 0.4, 1)
    assert "OOV: words without a vector" in cli(*arguments, "--vectors", tmp_path / "v.npz").out


def test_check_of_tasks_with_many_or_different_classes(cli: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [(f"text {row}", "abcdefg"[row % 7]) for row in range(70)])
    write_csv(tmp_path / "b.csv", reviews(20, seed=0))
    out = cli("data", "check", tmp_path / "a.csv", tmp_path / "b.csv").out
    assert "7 of 7 to 7" in out
    assert "classes of a: a, b, c, d, e, f, g\nclasses of b: neg, pos\n" in out


def test_check_of_one_table_with_a_column_per_task(cli: Cli, tmp_path: Path) -> None:
    rows = [(f"text {row}", "yes" if row % 2 else "no", "" if row % 3 else str(row % 2)) for row in range(40)]
    path = tmp_path / "films.tsv"
    path.write_text("\n".join("\t".join(row) for row in [("plot", "drama", "foreign"), *rows]) + "\n")
    out = cli("data", "check", path, "--text", "plot", "--labels", "drama,foreign").out
    tasks = {line.split()[0] for line in out.splitlines()[1:] if "train" in line.split()[1:2]}
    assert tasks == {"drama", "foreign"}
    assert "drama" not in cli("data", "check", path, "--text", "plot", "--task", "foreign").out


def test_check_of_molecules_has_a_row_for_each_task(cli: Cli, tmp_path: Path) -> None:
    rows = [("", "C1CCCCC1C(=O)O", "1", "none", "3.5"), *assays(39, seed=0), ("x", BROKEN, "1", "none", "1.5")]
    path = write_csv(tmp_path / "assays.csv", rows, ASSAYS)
    arguments = ("data", "check", path, "--smiles", "smiles", "--labels", "oxygen,ring,size")
    done = cli(*arguments)
    assert done.code == 0
    assert "warning: 1 of 41 molecules were left out" in done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["labels", "of", "train", "+", "%", "dev", "+", "%", "test", "+", "%"]
    oxygen, ring, size = (line.split() for line in lines[1:4])
    assert (oxygen[0], ring[::2], size[::2]) == ("oxygen", ["ring", "-", "-", "-"], ["size", "-", "-", "-"])
    assert sum(map(int, ring[1::2])) == sum(map(int, size[1::2])) == 40 > sum(map(int, oxygen[1::2]))
    assert {"classes of oxygen: 0, 1", "classes of ring: benzene, none, propane"} <= set(lines)
    assert any(line.startswith("values of size in train: mean ") for line in lines)
    assert any(
        line.startswith("40 labelled molecules: train ") and line.endswith("; 1 more cannot be read") for line in lines
    )
    assert lines[-1].startswith("atoms: median ")
    assert "too few scaffolds" in cli(*arguments, "--split", "scaffold").err  # three rings
    found = json.loads(cli(*arguments, "--json", "-").out)
    assert (found["inputs"], found["skipped"], sum(found["examples"].values())) == ("molecules", 1, 40)
    assert found["graphs"]["atoms"]["greatest"] >= 9
    assert {part["task"] for part in found["parts"] if part["mean"] is not None} == {"size"}


def test_check_of_a_graph_counts_nodes_and_edges(cli: Cli, tmp_path: Path) -> None:
    people, friends = write_graph(tmp_path)
    edges = len(friends.read_text().splitlines()) - 1
    with people.open("a") as file:
        file.write("hermit,left,\n")
    out = cli("data", "check", people, "--edges", friends, "--kind", "group=multiclass").out
    assert f"graph: 41 nodes, {edges} edges, 0 features of each node" in out
    alone = 41 - len(set(re.findall(r"p\d+", friends.read_text())))
    assert alone and f"; nodes without any: {alone}\n" in out
    assert "41 labelled nodes: train " in out
    assert "classes of group: 0, 1, 2" in out


def test_build_is_a_command_of_data(cli: Cli) -> None:
    assert "tasktalk data build dblp" in cli("data", "build", "--help").out
    assert cli("data", "build", "dblp").code == 2


def test_sentences_are_counted_by_words_tags_and_spans(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("a DT B-NP\ndog NN I-NP\nbarks VB B-VP\n\nDogs NN B-NP\n")
    (tmp_path / "v.txt").write_text("dogs 0.1 0.2\na 0.1 0.2\n")
    tasks = [f"{name}={path}:column={n}:dev={path}:test={path}" for name, n in (("pos", 1), ("chunk", 2))]
    given = ("--task", tasks[0], "--task", tasks[1], "--vectors", tmp_path / "v.txt")
    done = cli("data", "check", *given)
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["task", "split", "sentences", "words", "tags", "length", "OOV", "%", "twice"]
    assert ["pos", "test", "2", "4", "1/2/1", "2/1/3", "50.0", "2"] in lines
    assert "tags of pos: DT, NN, VB" in done.out and "tags of chunk: NP, VP" in done.out
    assert "words without a vector" in done.out and "sentences that also stand in train" in done.out
    report = json.loads(cli("data", "check", *given, "--json", "-").out)
    assert report["inputs"] == "sentences" and report["tokenizer"] == "whitespace"
    assert {part["classes"]["NP"] for part in report["parts"] if part["task"] == "chunk"} == {2}

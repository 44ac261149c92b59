"""The co-author graph of DBLP."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.data.dataset import Nodes
from tasktalk.data.dblp import CONFERENCES, Built, Settings, build_dblp, read_conferences
from tasktalk.data.node_tables import load_nodes
from tasktalk.data.request import Request

PAPERS: list[tuple[str, str, Sequence[str], str, int | None]] = [
    ("inproceedings", "conf/nips/1", ["Ada", "Wei Wang 0001", "Zo&euml;"], "Deep graphs for the deep", 2014),
    ("inproceedings", "conf/kdd/2", ["Ada", "Wei Wang 0002"], "Mining graphs", 2019),
    ("article", "journals/x/3", ["Wei Wang 0001", "Ada", "Outsider"], "Deep space", 2016),
    ("article", "journals/x/4", ["Wei Wang 0002", "Ada"], "Mining", 2015),
    ("article", "journals/x/5", ["Zo&euml;", "Ada"], "Deep", 2013),
    ("inproceedings", "conf/kdd/6", ["Hermit"], "A 3D graphs", 2018),
    ("inproceedings", "conf/kdd/7", ["Ada", "Zo&euml;"], "Timeless", None),
    ("inproceedings", "conf/cvpr/8", ["Zo&euml;", "Ada"], "Too late", 2020),
    ("article", "journals/corr/9", ["Ada", "Zo&euml;"], "Deep graphs", 2015),
]
TWO = Settings(conferences=("conf/nips", "conf/kdd"))


def dump(folder: Path, papers: Sequence[tuple[str, str, Sequence[str], str, int | None]] = PAPERS) -> Path:
    records = []
    for kind, key, authors, title, year in papers:
        fields = "".join(f"<author>{name}</author>" for name in authors) + "<editor>Ed Itor</editor>"
        dated = f"<year>{year}</year>" if year else ""
        preprint = ' publtype="informal"' if "/corr/" in key else ""
        records.append(f'<{kind} key="{key}"{preprint}>\n{fields}<title>{title}.</title>{dated}\n</{kind}>\n')
    path = folder / "dblp.xml"
    path.write_text(f'<!DOCTYPE dblp SYSTEM "dblp.dtd">\n<dblp>\n{"".join(records)}</dblp>\n', encoding="utf-8")
    return path


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_tables(tmp_path: Path) -> None:
    out = tmp_path / "new" / "dblp"
    built = build_dblp(dump(tmp_path), out, TWO)
    assert built == Built(3, 2, {"conf/nips": 2, "conf/kdd": 2}, unlinked=2, undated=1)
    assert rows(out / "edges.csv") == [
        ["author", "coauthor"],
        ["Ada", "Wei Wang 0001"],
        ["Ada", "Wei Wang 0002"],
    ]
    assert rows(out / "labels.csv") == [
        ["node", "nips", "kdd"],
        ["Ada", "yes", "yes"],
        ["Wei Wang 0001", "yes", "no"],
        ["Wei Wang 0002", "no", "yes"],
    ]
    assert rows(out / "features.csv") == [
        ["node", "title:graphs", "title:deep", "title:mining"],
        ["Ada", "2", "3", "2"],
        ["Wei Wang 0001", "1", "3", "0"],
        ["Wei Wang 0002", "1", "0", "2"],
    ]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["dblp"]
    assert out.stat().st_mode == (tmp_path / "new").stat().st_mode


def test_settings_decide(tmp_path: Path) -> None:
    xml = dump(tmp_path)
    wider = Settings(2013, 2020, joint=3, conferences=("conf/nips", "conf/cvpr"), words=1)
    assert build_dblp(xml, tmp_path / "wider", wider).members == {"conf/nips": 2, "conf/cvpr": 2}
    assert rows(tmp_path / "wider" / "edges.csv")[1:] == [["Ada", "Zoë"]]
    assert rows(tmp_path / "wider" / "features.csv") == [["node", "title:deep"], ["Ada", "4"], ["Zoë", "3"]]
    once = Settings(joint=1, conferences=("conf/nips", "conf/kdd"))
    assert build_dblp(xml, tmp_path / "once", once).links == 4


def many() -> list[tuple[str, str, Sequence[str], str, int | None]]:
    """Pairs of authors, each at one of two conferences, twice."""
    return [
        ("inproceedings", f"conf/{('nips', 'kdd')[n % 2]}/{n}{again}", [f"Left {n}", f'Right, "{n}"'], "Graphs", 2015)
        for n in range(20)
        for again in "ab"
    ]


def test_what_is_written_is_what_load_nodes_reads(tmp_path: Path) -> None:
    out = tmp_path / "dblp"
    build_dblp(dump(tmp_path, many()), out, TWO)
    request = Request(edges=str(out / "edges.csv"), features=str(out / "features.csv"))
    dataset = load_nodes(out / "labels.csv", request)
    assert [(task.name, task.classes) for task in dataset.tasks] == [("nips", ("no", "yes")), ("kdd", ("no", "yes"))]
    content = dataset.splits["train"].content
    assert isinstance(content, Nodes)
    assert len(content.graph.names) == 40
    assert 'Right, "7"' in content.graph.names
    assert content.graph.edges.shape == (2, 20)
    np.testing.assert_array_equal(content.graph.features, np.full((40, 1), 2))
    assert dataset.warnings == ()


def test_progress_goes_over_both_passes(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = dump(tmp_path)
    build_dblp(path, tmp_path / "out", TWO, lambda done, total: seen.append((done, total)))
    size = path.stat().st_size
    assert seen == [(size, 2 * size), (2 * size, 2 * size)]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    path = dump(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match=r"no paper of 'conf/nip' from 2014 to 2019: did you mean 'conf/nips'"):
        build_dblp(path, tmp_path / "out", Settings(conferences=("conf/kdd", "conf/nip")))
    with pytest.raises(DataError, match="no paper of 'conf/kdd' from 1900 to 1901: nor of any other"):
        build_dblp(path, tmp_path / "out", Settings(1900, 1901, conferences=("conf/kdd",)))
    with pytest.raises(DataError, match="expected authors of 'conf/kdd' with 9 joint papers, found none"):
        build_dblp(path, tmp_path / "out", Settings(joint=9, conferences=("conf/kdd",)))
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DataError, match=r"is the file cut off\?"):
        build_dblp(path, tmp_path / "out", TWO)
    assert sorted(tmp_path.iterdir()) == before


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    path = dump(tmp_path)
    (tmp_path / "there").mkdir()
    with pytest.raises(RunFolderError, match="there exists already: name another folder, or move it away"):
        build_dblp(path, tmp_path / "there", TWO)
    with pytest.raises(RunFolderError, match=r"dblp\.xml/out: cannot be written"):
        build_dblp(path, path / "out", TWO)


def test_conferences_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "conferences.txt"
    path.write_text("# vision\nconf/cvpr\n\n conf/eccv  # every second year\njournals/pvldb\n")
    assert read_conferences(path) == ("conf/cvpr", "conf/eccv", "journals/pvldb")
    path.write_text("conf/cvpr\nICCV\n")
    with pytest.raises(DataError, match=r"conferences\.txt, line 2: expected a key .* such as 'conf/nips', found 'ICC"):
        read_conferences(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_conferences(tmp_path / "none.txt")


WRONG = {
    "years": (Settings, {"since": 2020}, "expected years in order, found since 2020 and until 2019"),
    "joint": (Settings, {"joint": 0}, "expected at least 1 joint paper and word, found 0 and 500"),
    "none": (Settings, {"conferences": ()}, "expected conferences, found none"),
    "no key": (Settings, {"conferences": ("NeurIPS",)}, "expected a key of DBLP such as 'conf/nips', found 'NeurIPS'"),
    "twice": (
        Settings,
        {"conferences": ("conf/vldb", "journals/vldb")},
        "expected every conference once, found 'vldb' twice",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_make_no_sense(name: str) -> None:
    make, settings, sentence = WRONG[name]
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        make(**settings)  # type: ignore[arg-type]


def test_eighteen_conferences() -> None:
    assert len(CONFERENCES) == 18
    assert Settings().conferences == CONFERENCES

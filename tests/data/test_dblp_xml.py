"""Papers out of the dump of DBLP."""

import gzip
import re
from pathlib import Path

import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.dblp_xml import Paper, read_papers

HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE dblp SYSTEM "dblp-2023-06-28.dtd">\n<dblp>\n'
DUMP = (
    HEAD
    + """<inproceedings mdate="2020-01-01" key="conf/nips/MullerW17">
<author orcid="0000-0001-2345-6789">J&uuml;rgen M\xfcller</author>
<author>Wei Wang
 0001</author>
<editor>Ed Itor</editor>
<title>Learning <i>O</i>(<sup>2</sup>) &amp; more: a<sub>i</sub> caf&eacute;.</title>
<year>2017</year>
<booktitle>NIPS</booktitle>
</inproceedings>
<article key="journals/jmlr/N"><author>Ann Nobody</author><title>Alone.</title><journal>&Auml;</journal></article>
<article publtype="informal" key="journals/corr/abs-1"><author>A</author><title>B</title><year>2018</year></article>
<article publtype="informal withdrawn" key="x/y/z"><author>A</author><title>B</title><year>2018</year></article>
<proceedings key="conf/nips/2017"><editor>Ed Itor</editor><title>All</title><year>2017</year></proceedings>
<www key="homepages/w/WeiWang-1"><author>Wei Wang 0001</author><title>Home Page</title></www>
<phdthesis key="phd/dnb/X"><author>X</author><title>T</title><year>2015</year></phdthesis>
<incollection key="books/sp/C"><author>C</author><author>C</author><title>D</title><year>MMXV</year></incollection>
</dblp>
"""
)
PAPERS = [
    Paper("conf/nips", ("Jürgen Müller", "Wei Wang 0001"), "Learning O(2) & more: ai café.", 2017),
    Paper("journals/jmlr", ("Ann Nobody",), "Alone.", None),
    Paper("books/sp", ("C",), "D", None),
]


def write(folder: Path, text: str = DUMP, packed: bool = True) -> Path:
    content = text.encode("latin-1")
    path = folder / ("dblp.xml.gz" if packed else "dblp.xml")
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_papers(tmp_path: Path, packed: bool) -> None:
    assert list(read_papers(write(tmp_path, packed=packed))) == PAPERS


def test_records_over_chunks_and_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasktalk.data.dblp_xml._CHUNK", 7)
    seen: list[tuple[int, int]] = []
    path = write(tmp_path, packed=False)
    assert list(read_papers(path, lambda done, total: seen.append((done, total)))) == PAPERS
    size = path.stat().st_size
    assert [done for done, _ in seen] == [*range(7, size, 7), size]
    assert {total for _, total in seen} == {size}
    seen.clear()
    list(read_papers(write(tmp_path), lambda done, total: seen.append((done, total))))
    packed = (tmp_path / "dblp.xml.gz").stat().st_size
    assert seen[-1] == (packed, packed)


WRONG = {
    "another root": ("<html><p/></html>", "dblp.xml, line 1: expected the dump of DBLP (<dblp>), found <html>"),
    "no XML": ("node,label\n1,2\n", "dblp.xml, line 1: expected XML of DBLP, found: syntax error"),
    "empty": ("", "dblp.xml, line 1: expected XML of DBLP, found: no element found (is the file cut off?)"),
    "cut off": (DUMP.rpartition("<incoll")[0], "expected XML of DBLP, found: no element found (is the file cut off?)"),
    "mismatch": (DUMP.replace("</title>", "</titel>"), "dblp.xml, line 9: expected XML of DBLP, found: mismatched tag"),
    "entity": (DUMP.replace("&uuml;", "&ueuml;"), "dblp.xml, line 5: expected an entity of HTML, found '&ueuml;'"),
    "billion laughs": (
        DUMP.replace('.dtd">', '.dtd" [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;">]>'),
        "dblp.xml, line 2: expected no entity declarations, found one of 'a'",
    ),
    "external": (
        DUMP.replace('.dtd">', '.dtd" [<!ENTITY passwords SYSTEM "file:///etc/passwd">]>'),
        "dblp.xml, line 2: expected no entity declarations, found one of 'passwords'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_sentence_for_what_is_wrong(tmp_path: Path, name: str) -> None:
    text, sentence = WRONG[name]
    with pytest.raises(DataError, match=re.escape(sentence)):
        list(read_papers(write(tmp_path, text, packed=False)))


def test_the_dtd_beside_it_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "dblp-2023-06-28.dtd").write_text('<!ENTITY uuml "WRONG">')
    assert next(read_papers(write(tmp_path))).authors[0] == "Jürgen Müller"


def test_broken_archives(tmp_path: Path) -> None:
    path = write(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"dblp\.xml\.gz: expected a whole file, found one that is cut off"):
        list(read_papers(path))
    path.write_bytes(content[:100] + b"\xff\xff\xff\xff" + content[104:])
    with pytest.raises(DataError, match=r"dblp\.xml\.gz: expected a gzip file, found a damaged one"):
        list(read_papers(path))
    path.write_bytes(content[:2] + b"abc" + content[5:])
    with pytest.raises(DataError, match="expected a gzip file, found a damaged one"):
        list(read_papers(path))
    with pytest.raises(DataError, match=r"none: cannot be read \(No such file"):
        list(read_papers(tmp_path / "none"))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_papers(tmp_path))

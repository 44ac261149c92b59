"""Papers out of the public XML dump of DBLP, one after the other, however large the dump is."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.entities import html5
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from tasktalk.core.errors import DataError

Progress = Callable[[int, int], None]
"""Is told how many bytes of the file were read, and how many there are."""

_CHUNK = 1 << 20
_PAPERS = {"article", "inproceedings", "incollection"}
_FIELDS = {"author", "title", "year"}
_ROOT, _RECORD, _FIELD = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Paper:
    """One publication.

    Args:
        venue: the first two parts of its key: ``conf/nips``, ``journals/jmlr``.
        authors: names as they stand there, homonym numbers included (``Wei Wang 0001``); editors are no authors.
        title: the title, without markup.
        year: the year of publication; None where there is none.
    """

    venue: str
    authors: tuple[str, ...]
    title: str
    year: int | None


def read_papers(path: Path, progress: Progress | None = None) -> Iterator[Paper]:
    """The papers of a dump: articles and contributions to proceedings and collections.

    Left out are preprints and the like (``publtype`` informal or withdrawn), which would count a paper twice, and
    everything that is no paper: proceedings, theses, home pages. The entities of the dump (``&uuml;``) are those of
    HTML, so that its ``dblp.dtd`` is not needed: nothing beside the file is ever read.

    Args:
        path: ``dblp.xml.gz``, or the same unpacked.
        progress: called after every megabyte.

    Raises:
        DataError: the file cannot be read, is cut off, is no dump of DBLP, or declares entities of its own.
    """
    reader = _Reader(path)
    for chunk in _chunks(path, progress):
        yield from reader.feed(chunk)
    yield from reader.feed(b"", last=True)


def _chunks(path: Path, progress: Progress | None) -> Iterator[bytes]:
    """The XML, megabyte by megabyte."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            source: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=file) if packed else file
            while chunk := source.read(_CHUNK):
                yield chunk
                if progress is not None:
                    progress(file.tell(), path.stat().st_size)
    except EOFError as error:
        raise DataError("expected a whole file, found one that is cut off: fetch it again", path) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"expected a gzip file, found a damaged one ({error}): fetch it again", path) from error
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", path) from error


class _Reader:
    """Collects papers while expat reports what it sees.

    Args:
        path: the file, for the messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.depth = 0
        self.papers: list[Paper] = []
        self.record: dict[str, list[str]] | None = None
        self.venue = ""
        self.text: list[str] | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.SkippedEntityHandler = self._entity
        self.parser.EntityDeclHandler = self._refuse_entity

    def feed(self, chunk: bytes, last: bool = False) -> list[Paper]:
        """The papers that end in this part of the file."""
        self.papers = []
        try:
            self.parser.Parse(chunk, last)
        except expat.ExpatError as error:
            found = expat.errors.messages[error.code]
            cut = " (is the file cut off?)" if last else ""
            raise DataError(f"expected XML of DBLP, found: {found}{cut}", self.path, error.lineno) from error
        return self.papers

    def _fail(self, message: str) -> DataError:
        return DataError(message, self.path, self.parser.CurrentLineNumber)

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self.depth == _ROOT and tag != "dblp":
            raise self._fail(f"expected the dump of DBLP (<dblp>), found <{tag}>")
        if self.depth == _RECORD:
            twice = {"informal", "withdrawn"} & set(attributes.get("publtype", "").split())
            self.record = {field: [] for field in _FIELDS} if tag in _PAPERS and not twice else None
            self.venue = "/".join(attributes.get("key", "").split("/")[:2])
        elif self.depth == _FIELD and self.record is not None and tag in _FIELDS:
            self.text = []

    def _end(self, tag: str) -> None:
        if self.depth == _FIELD and self.record is not None and self.text is not None:
            self.record[tag].append(" ".join("".join(self.text).split()))
            self.text = None
        elif self.depth == _RECORD and self.record is not None:
            year = next((int(found) for found in self.record["year"] if found.isdecimal()), None)
            authors = tuple(dict.fromkeys(name for name in self.record["author"] if name))
            self.papers.append(Paper(self.venue, authors, " ".join(self.record["title"]), year))
        self.depth -= 1

    def _characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def _entity(self, name: str, _: object) -> None:
        """An entity that the file does not define itself."""
        if self.text is not None:
            if name + ";" not in html5:
                raise self._fail(f"expected an entity of HTML, found '&{name};'")
            self.text.append(html5[name + ";"])

    def _refuse_entity(self, name: str, *_: object) -> None:
        """The dump declares none; one could name another file, or grow without end."""
        raise self._fail(f"expected no entity declarations, found one of {name!r}")

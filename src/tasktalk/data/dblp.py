"""The co-author graph of the dependency paper (Section 5.1), built anew from the public dump of DBLP.

The paper's own graph was never released, and it names neither its 18 conferences nor how titles become features. What
is chosen here is said in ``build_dblp``.
"""

import csv
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from jaxtyping import Int

from tasktalk.core.errors import ConfigError, DataError, RunFolderError, nearest
from tasktalk.data.dblp_xml import Paper, Progress, read_papers
from tasktalk.data.lines import read_lines

CONFERENCES = (
    "conf/nips", "conf/icml", "conf/iclr", "conf/aaai", "conf/ijcai", "conf/kdd", "conf/icdm", "conf/wsdm", "conf/www",
    "conf/sigir", "conf/cikm", "conf/sigmod", "conf/icde", "conf/edbt", "conf/acl", "conf/emnlp", "conf/cvpr",
    "conf/iccv",
)  # fmt: skip
"""Keys of 18 conferences on machine learning, artificial intelligence, data mining, the web, retrieval, data bases,
language and vision. The paper does not say which it took."""

EDGES, LABELS, FEATURES = "edges.csv", "labels.csv", "features.csv"
_KEY = re.compile(r"(?:conf|journals|series|books)/[\w-]+")
_WORD = re.compile(r"[^\W\d_]{2,}(?:-[^\W\d_]+)*")
_STOP_WORDS = {
    "about", "after", "all", "an", "and", "are", "as", "at", "based", "be", "between", "beyond", "but", "by", "can",
    "do", "does", "for", "from", "has", "have", "how", "in", "into", "is", "it", "its", "many", "more", "most", "new",
    "not", "of", "on", "one", "or", "our", "over", "that", "the", "their", "them", "this", "to", "toward", "towards",
    "two", "under", "up", "using", "via", "vs", "we", "what", "when", "where", "which", "while", "who", "why", "with",
    "within", "without", "you", "your",
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What is built.

    Args:
        since: first year that counts.
        until: last year that counts.
        joint: so many joint papers make a link.
        conferences: keys of the conferences that are the labels.
        words: the most frequent words of titles are the features.

    Raises:
        ConfigError: years in the wrong order, less than one joint paper or word, or a key that is none or stands twice.
    """

    since: int = 2014
    until: int = 2019
    joint: int = 2
    conferences: tuple[str, ...] = CONFERENCES
    words: int = 500

    def __post_init__(self) -> None:
        if self.since > self.until:
            raise ConfigError(f"expected years in order, found since {self.since} and until {self.until}")
        if min(self.joint, self.words) < 1:
            raise ConfigError(f"expected at least 1 joint paper and word, found {self.joint} and {self.words}")
        if not self.conferences:
            raise ConfigError("expected conferences, found none")
        for key in self.conferences:
            if not _KEY.fullmatch(key):
                raise ConfigError(f"expected a key of DBLP such as 'conf/nips', found {key!r}")
        for name, count in Counter(map(short, self.conferences)).items():
            if count > 1:
                raise ConfigError(f"expected every conference once, found {name!r} twice")


@dataclass(frozen=True)
class Built:
    """What was written.

    Args:
        authors: number of nodes.
        links: number of edges.
        members: number of authors of each conference.
        unlinked: authors of these conferences that were left out because nobody is linked to them.
        undated: papers without a year, which were left out.
    """

    authors: int
    links: int
    members: Mapping[str, int]
    unlinked: int
    undated: int


@dataclass
class _Graph:
    """What the second pass counts: title words of every author, and joint papers of every two."""

    titles: Int[np.ndarray, "authors words"]
    joint: Counter[tuple[int, int]]


def short(key: str) -> str:
    """``conf/nips`` is the task ``nips``."""
    return key.partition("/")[2]


def read_conferences(path: Path) -> tuple[str, ...]:
    """Keys of conferences from a file, one a line; what follows ``#`` is a comment.

    Raises:
        DataError: the file cannot be read, or a line is no key.
    """
    keys = []
    for line, content in enumerate(read_lines(path).lines, start=1):
        key = content.partition("#")[0].strip()
        if key and not _KEY.fullmatch(key):
            raise DataError(f"expected a key of DBLP such as 'conf/nips', found {key!r}", path, line)
        keys += [key] if key else []
    return tuple(keys)


def build_dblp(xml: Path, out: Path, settings: Settings | None = None, progress: Progress | None = None) -> Built:
    """Write ``labels.csv``, ``edges.csv`` and ``features.csv``, which ``data.node_tables`` reads.

    Nodes are the authors with a paper at one of the conferences in these years. Two are linked if they wrote at least
    two papers together in these years, wherever these appeared; authors without any link are left out. A label says
    ``yes`` if the author published at that conference in these years. A feature counts a word in the titles of an
    author's papers of these years, wherever they appeared; the words are the most frequent ones of the conferences'
    titles, without stop words. Preprints are no papers here (``data.dblp_xml``). A name is a person: two names of one
    person are two authors, and homonyms that DBLP tells apart by a number stay apart.

    The dump is read twice; only authors of these conferences, their links and their words are kept in memory.

    Args:
        xml: ``dblp.xml.gz``, or the same unpacked.
        out: the new folder; it is there whole or not at all.
        settings: what is built; None takes the paper's numbers.
        progress: is told how much of both passes is done.

    Raises:
        DataError: a dump that cannot be read, a conference without papers or linked authors, or no links.
        RunFolderError: the folder is there already, or cannot be written.
    """
    wanted = settings or Settings()
    with _whole_folder(out) as folder:
        members, words, undated = _first_pass(read_papers(xml, _half(progress, 0)), wanted, xml)
        names = sorted(members)
        graph = _second_pass(read_papers(xml, _half(progress, 1)), wanted, names, words)
        links = sorted(pair for pair, count in graph.joint.items() if count >= wanted.joint)
        linked = sorted({author for pair in links for author in pair})
        counts = {key: sum(key in members[names[author]] for author in linked) for key in wanted.conferences}
        for key, count in counts.items():
            if count == 0:
                raise DataError(f"expected authors of {key!r} with {wanted.joint} joint papers, found none", xml)
        _write(folder / EDGES, ("author", "coauthor"), ((names[a], names[b]) for a, b in links))
        _write(folder / LABELS, ("node", *map(short, wanted.conferences)), _labels(names, linked, members, wanted))
        features = ((names[author], *graph.titles[author].tolist()) for author in linked)
        _write(folder / FEATURES, ("node", *(f"title:{word}" for word in words)), features)
    return Built(len(linked), len(links), counts, len(names) - len(linked), undated)


def _half(progress: Progress | None, number: int) -> Progress | None:
    """Progress of one of the two passes as part of both."""
    if progress is None:
        return None
    return lambda done, total: progress(done + number * total, 2 * total)


def _first_pass(papers: Iterable[Paper], wanted: Settings, xml: Path) -> tuple[dict[str, set[str]], list[str], int]:
    """The conferences of every author, the most frequent words of their titles, and how many papers have no year."""
    members: dict[str, set[str]] = {}
    words: Counter[str] = Counter()
    venues: set[str] = set()
    undated = 0
    for paper in papers:
        undated += paper.year is None
        if paper.year is None or not wanted.since <= paper.year <= wanted.until:
            continue
        venues.add(paper.venue)
        if paper.venue in wanted.conferences:
            words.update(_words(paper.title))
            for author in paper.authors:
                members.setdefault(author, set()).add(paper.venue)
    for key in wanted.conferences:
        if key not in venues:
            hint = nearest(key, venues) if venues else "nor of any other"
            raise DataError(f"no paper of {key!r} from {wanted.since} to {wanted.until}: {hint}", xml)
    frequent = sorted(words, key=lambda word: (-words[word], word))
    return members, frequent[: wanted.words], undated


def _second_pass(papers: Iterable[Paper], wanted: Settings, names: Sequence[str], words: Sequence[str]) -> _Graph:
    index = {name: number for number, name in enumerate(names)}
    column = {word: number for number, word in enumerate(words)}
    graph = _Graph(np.zeros((len(names), len(words)), dtype=np.int32), Counter())
    for paper in papers:
        if paper.year is None or not wanted.since <= paper.year <= wanted.until:
            continue
        authors = sorted(index[name] for name in paper.authors if name in index)
        graph.joint.update(combinations(authors, 2))
        if authors:
            found = np.array([column[word] for word in _words(paper.title) if word in column], dtype=np.int64)
            graph.titles[authors] += np.bincount(found, minlength=len(words))
    return graph


def _words(title: str) -> list[str]:
    return [word for word in _WORD.findall(title.lower()) if word not in _STOP_WORDS]


def _labels(
    names: Sequence[str], linked: Sequence[int], members: Mapping[str, set[str]], wanted: Settings
) -> Iterator[tuple[str, ...]]:
    for author in linked:
        published = members[names[author]]
        yield names[author], *("yes" if key in published else "no" for key in wanted.conferences)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that gets its name when the block ends without an error."""
    if out.exists():
        raise RunFolderError(f"{out} exists already: name another folder, or move it away")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f"{out.name}.", suffix=".part", dir=out.parent))
        try:
            inner = temporary / "whole"  # a temporary folder itself is for its owner only, and would stay so
            inner.mkdir()
            yield inner
            inner.replace(out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise RunFolderError(f"{out}: cannot be written ({error.strerror or error})") from error

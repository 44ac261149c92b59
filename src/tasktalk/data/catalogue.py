"""The public data sets that tasktalk knows by name. Nothing of them is shipped; ``data.cache`` fetches them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from tasktalk.core.errors import ConfigError, nearest
from tasktalk.data.dataset import Dataset
from tasktalk.data.fdu import load_fdu
from tasktalk.data.mat_graphs import load_blogcatalog
from tasktalk.data.moleculenet import load_sider, load_tox21
from tasktalk.data.request import Request
from tasktalk.data.tagging import load_tagging
from tasktalk.data.tmdb import load_tmdb

Loader = Callable[[Path, Request], Dataset]
"""Loads from the folder of an entry what is asked for."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set.

    Args:
        path: where it lies in the cache, relative to the cache folder, with ``/``.
        url: where it is fetched from.
        sha256: checksum of its content.
        needed: whether training needs it; other files are fetched only on request.
        member: name of the file inside the zip archive at ``url``; empty where the file itself lies there.
    """

    path: str
    url: str
    sha256: str
    needed: bool = True
    member: str = ""


@dataclass(frozen=True)
class Entry:
    """One data set.

    Args:
        name: its name.
        summary: what it is, in one line.
        licence: the licence as the source states it.
        citation: the paper to cite.
        files: its files.
        loader: loads the data set from its folder in the cache, which is the first part of the files' paths.
    """

    name: str
    summary: str
    licence: str
    citation: str
    files: tuple[RemoteFile, ...]
    loader: Loader

    @property
    def folder(self) -> str:
        """Name of its folder in the cache."""
        return self.files[0].path.partition("/")[0]


def find(name: str) -> Entry:
    """The entry of that name.

    Raises:
        ConfigError: there is none; the message names the nearest.
    """
    if name not in CATALOGUE:
        raise ConfigError(f"unknown data set {name!r}: {nearest(name, CATALOGUE)}")
    return CATALOGUE[name]


def _remote_files(folder: str, base_url: str) -> tuple[RemoteFile, ...]:
    """The files that ``<folder>.sha256`` lists, beside this file, in the format of ``sha256sum``."""
    listed = (files("tasktalk.data") / f"{folder}.sha256").read_text(encoding="utf-8")
    pairs = (line.split() for line in listed.splitlines())
    return tuple(
        RemoteFile(f"{folder}/{name}", f"{base_url}/{name}", sha256, needed=not name.endswith(".unlabel"))
        for sha256, name in pairs
    )


def _fdu_mtl(folder: Path, request: Request) -> Dataset:
    return load_fdu(folder, request.tasks, request.tokenizer or "whitespace")


def _tagged(folder: Path, request: Request) -> Dataset:
    """A corpus of tagged sentences by itself; its folder has its name (``data.corpora.KNOWN``)."""
    return load_tagging([folder.name], request, lambda _: folder)


_RAW = "https://raw.githubusercontent.com"
_NLTK = f"{_RAW}/nltk/nltk_data/5db857e6f7df11eabb5e5665836db9ec8df07e28/packages/corpora"
_DEEPCHEM = f"{_RAW}/deepchem/deepchem/fbe3b911a94a6eb8c84c1a9e7ac67a472c49ea80"

_ENTRIES = (
    Entry(
        name="fdu-mtl",
        summary="sentiment of reviews of 16 kinds (14 product domains of Amazon, IMDb, MR), separate inputs",
        licence="not stated by the source: fetched for your own use, never shipped",
        citation="Liu, Qiu and Huang: Adversarial Multi-task Learning for Text Classification, ACL 2017, P17-1001",
        files=_remote_files(
            "fdu-mtl",
            "https://raw.githubusercontent.com/ccsasuke/man/b57b4c14340db1ca7bffb5d9737b7c2601dc8df2/data/fdu-mtl",
        ),
        loader=_fdu_mtl,
    ),
    Entry(
        name="tox21",
        summary="toxicity of 8,006 molecules in 12 assays, shared inputs, a sixth of the labels missing",
        licence="MIT repository; assay data of the US government",
        citation="Wu et al.: MoleculeNet: a benchmark for molecular machine learning, Chemical Science 2018",
        files=(
            RemoteFile(
                "tox21/tox21.csv.gz",
                f"{_DEEPCHEM}/datasets/tox21.csv.gz",
                "48b34e4e59a2bae6f95734cd206c1869ab355f50a5e50bb7371a21f861d5e297",
            ),
        ),
        loader=load_tox21,
    ),
    Entry(
        name="sider",
        summary="side effects of 1,427 drugs in 27 classes, shared inputs",
        licence="MIT repository; SIDER itself is CC BY-NC-SA: fetched for your own use, never shipped",
        citation="Kuhn et al.: A side effect resource to capture phenotypic effects of drugs, 2010",
        files=(
            RemoteFile(
                "sider/sider.csv.gz",
                f"{_DEEPCHEM}/examples/sider/sider.csv.gz",
                "4cc7ccb20dded475853c583596e227116c222c6ca7dbb40159bdbe9ee3f099b9",
            ),
        ),
        loader=load_sider,
    ),
    Entry(
        name="blogcatalog",
        summary="interests of 10,312 bloggers in 39 categories and who follows whom, nodes of one graph",
        licence="not stated by the source: fetched for your own use, never shipped",
        citation="Tang and Liu: Relational learning via latent social dimensions, KDD 2009",
        files=(
            RemoteFile(
                "blogcatalog/blogcatalog.mat",
                f"{_RAW}/phanein/deepwalk/6e6dff245e4692e9bea47e9017c1034e51afbf29/example_graphs/blogcatalog.mat",
                "d4f4fb89ce1ccd4b7e2a183386c000773cc9362cc61f1be5b246a6d9c259da8f",
            ),
        ),
        loader=load_blogcatalog,
    ),
    Entry(
        name="tmdb",
        summary="genres (20) of 4,800 films by their plots, shared inputs",
        licence="not stated by the source, TMDb's terms apply: fetched for your own use, never shipped",
        citation="The Movie Database, https://www.themoviedb.org",
        files=(
            RemoteFile(
                "tmdb5000/tmdb_5000_movies.csv",
                f"{_RAW}/kashishdatta/MovieRecommender/eebec08ff9b0f3d8213c6bb7e4952af5bd42c4be/tmdb_5000_movies.csv.zip",
                "1e0584a8dd374120e4ed4f2b81f0d2bd0eb95a554708e4a350d00ed5c46d2825",
                member="tmdb_5000_movies.csv",
            ),
        ),
        loader=load_tmdb,
    ),
    Entry(
        name="conll2000",
        summary="chunks (11 types) and parts of speech of 10,948 sentences of the Wall Street Journal",
        licence="not stated by the source: fetched for your own use, never shipped",
        citation="Tjong Kim Sang and Buchholz: Introduction to the CoNLL-2000 shared task: chunking, 2000, W00-0726",
        files=(
            RemoteFile(
                "conll2000/train.txt",
                f"{_NLTK}/conll2000.zip",
                "82033cd7a72b209923a98007793e8f9de3abc1c8b79d646c50648eb949b87cea",
                member="conll2000/train.txt",
            ),
            RemoteFile(
                "conll2000/test.txt",
                f"{_NLTK}/conll2000.zip",
                "73b7b1e565fa75a1e22fe52ecdf41b6624d6f59dacb591d44252bf4d692b1628",
                member="conll2000/test.txt",
            ),
        ),
        loader=_tagged,
    ),
    Entry(
        name="ud-ewt",
        summary="parts of speech (49 XPOS or 17 UPOS tags) of 16,622 sentences from the web",
        licence="CC BY-SA 4.0",
        citation="Silveira et al.: A gold standard dependency corpus for English, LREC 2014",
        files=_remote_files(
            "ud-ewt", f"{_RAW}/UniversalDependencies/UD_English-EWT/15d613d8447b3478787d4c278730a1e48a945efb"
        ),
        loader=_tagged,
    ),
    Entry(
        name="wnut17",
        summary="new and rare named entities (6 types) in 5,690 sentences of social media",
        licence="CC BY 4.0",
        citation="Derczynski et al.: Results of the WNUT2017 shared task on novel and emerging entities, W17-4418",
        files=_remote_files("wnut17", f"{_RAW}/leondz/emerging_entities_17/e52a2d2a71ac1a051ca2d532eef28653c5c02603"),
        loader=_tagged,
    ),
    Entry(
        name="wikiann-en",
        summary="named entities (3 types) in 40,000 fragments of Wikipedia, tagged by its links",
        licence="ODC-BY upstream, not stated by the source",
        citation="Pan et al.: Cross-lingual name tagging and linking for 282 languages, ACL 2017, P17-1178",
        files=_remote_files(
            "wikiann-en", f"{_RAW}/davidsbatista/NER-datasets/db7ff3ca4ba1df39907f8bdc036a556fed5ecde7/WikiANN/en"
        ),
        loader=_tagged,
    ),
    Entry(
        name="treebank-sample",
        summary="parts of speech (45 tags) of 3,914 sentences, the free 5 % of the Penn Treebank",
        licence="non-commercial use only: fetched for your own use, never shipped",
        citation="Marcus et al.: Building a large annotated corpus of English: the Penn Treebank, 1993, J93-2004",
        files=(
            RemoteFile(
                "treebank-sample/treebank.zip",
                f"{_NLTK}/treebank.zip",
                "9da92d76c3666cfb6cddeaed0f7e86b344cce0f0928a286d439e555f19c37399",
            ),
        ),
        loader=_tagged,
    ),
)

CATALOGUE: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""Entries by name."""

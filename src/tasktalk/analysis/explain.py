"""All parts of the report of a run, in one list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tasktalk.analysis.deletion import TITLE as DELETION
from tasktalk.analysis.deletion import deletion_part
from tasktalk.analysis.dependency import dependency_part
from tasktalk.analysis.fragments import counted
from tasktalk.analysis.molecules import molecules_part
from tasktalk.analysis.null import TITLE as NULL
from tasktalk.analysis.null import null_part
from tasktalk.analysis.overview import LONGEST, Overview, choose, kind_of, observe, shortened
from tasktalk.analysis.patterns import patterns_part
from tasktalk.analysis.picture import Check, Part
from tasktalk.analysis.report import save_pictures, told, write_report
from tasktalk.analysis.samples import samples_part
from tasktalk.analysis.seeds import seeds_check, seeds_picture
from tasktalk.analysis.words import words_part
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Examples, Sentences, noun
from tasktalk.data.take import take
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.run import Run

Advance = Callable[[str, int, int], None]
"""Is told what is done at present, and how much of how much is done."""
_SEEDS = "Do other seeds give the same picture?"


@dataclass(frozen=True)
class _Heard:
    """What a run, others with its settings, and one with shuffled labels said about the same samples."""

    run: Overview
    others: Sequence[Overview]
    null: Overview | None


def _silent(what: str, done: int, total: int) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Report:
    """What a run's tasks said.

    Args:
        parts: what the page shows.
        facts: names and values that stand above it.
        samples: how many were looked at.
    """

    parts: tuple[Part, ...]
    facts: tuple[tuple[str, str], ...]
    samples: int

    def write(self, path: Path | str) -> None:
        """Write the page, one HTML file.

        Raises:
            RunFolderError: it cannot be written.
        """
        write_report(self.parts, self.facts, Path(path))

    def save_pictures(self, folder: Path | str) -> list[Path]:
        """Write every picture as PNG, SVG and CSV, and remove those that only an earlier report wrote there.

        Raises:
            RunFolderError: the folder cannot be written.
        """
        return save_pictures(self.parts, Path(folder))

    @property
    def verdict(self) -> str:
        """How many checks passed, in a sentence."""
        return told(self.parts)

    def summary(self) -> dict[str, Any]:
        """Facts, pictures and checks, without the pictures themselves."""
        parts = [
            {
                "name": part.name,
                "title": part.title,
                "pictures": [picture.name for picture in part.pictures],
                "checks": [{"name": c.name, "passed": c.passed, "sentence": c.sentence} for c in part.checks],
            }
            for part in self.parts
        ]
        return {"facts": dict(self.facts), "samples": self.samples, "parts": parts}


def explain(
    run: Run | Path | str,
    examples: Examples,
    *,
    samples: int = 400,
    clusters: int | None = None,
    seed: int = 0,
    also: Sequence[Run | Path | str] = (),
    null: Run | Path | str | None = None,
    training: Examples | None = None,
    facts: Sequence[tuple[str, str]] = (),
    advance: Advance = _silent,
) -> Report:
    """Show what the tasks of a run said while they read examples.

    Args:
        run: a run of a model that has weights between tasks, or its folder.
        examples: a split of the run's data, or ``run.examples(texts)``. What needs labels is left out without them.
        samples: of more examples so many are drawn, of each task as many as of the others.
        clusters: of samples; None chooses by silhouette.
        seed: of everything that is drawn.
        also: runs with the same settings and other seeds.
        null: the same model, trained on shuffled labels.
        training: the training split of the run's data; without it nothing is said of what a task borrows from others.
        facts: more names and values to stand above the report.
        advance: is told how the work goes.

    Raises:
        ConfigError: a model without weights between tasks, no examples, another run with other tasks, or one with other
            settings or the same seed, of which nothing can be learned about seeds.
        RunFolderError: a folder that is no run folder.
    """
    run, others, shuffled = _run(run), [_run(other) for other in also], None if null is None else _run(null)
    for other in [*others, *([] if shuffled is None else [shuffled])]:
        _refuse_other_tasks(run, other)
    _refuse_same_seed([run, *others])
    refuse_silent(run, examples)
    chosen = shortened(take(examples, choose(examples, samples, seed)))

    def listen(who: Run) -> Overview:
        return observe(who, chosen, samples, seed, partial(advance, f"{who.folder.name}: reading"))

    heard = _Heard(listen(run), [listen(other) for other in others], None if shuffled is None else listen(shuffled))
    makers = _makers(run, chosen, training, heard, clusters, seed, advance)
    parts = []
    for number, (name, make) in enumerate(makers):
        advance(name, number, len(makers))
        parts.append(make())
    known = (*_facts(run, examples, chosen, seed), *facts)
    return Report(tuple(part for part in parts if part is not None), known, len(chosen))


def _makers(
    run: Run, chosen: Examples, training: Examples | None, heard: _Heard, clusters: int | None, seed: int, tell: Advance
) -> list[tuple[str, Callable[[], Part | None]]]:
    """What makes each part, in the order of the page; None where a model lacks what a part shows."""
    overview = heard.run
    return [
        ("dependency", lambda: dependency_part(overview)),
        ("samples", lambda: samples_part(overview, clusters, seed)),
        ("words", lambda: words_part(run, chosen)),
        ("patterns", lambda: patterns_part(run, chosen, training, advance=partial(tell, "patterns"))),
        ("molecules", lambda: molecules_part(run, chosen)),
        ("deletion", lambda: _deletion(run, chosen, overview, seed, partial(tell, "cutting edges"))),
        ("seeds", lambda: _seeds([overview, *heard.others])),
        ("null", lambda: _null(overview, heard.null, seed)),
    ]


def _deletion(run: Run, chosen: Examples, overview: Overview, seed: int, advance: Callable[[int, int], None]) -> Part:
    if np.isnan(chosen.labels).all():
        reason = "These samples have no labels, so nobody can say whether cutting an edge makes the answers worse."
        return Part("deletion", DELETION, reason, (), (Check("deletion", None, reason),))
    return deletion_part(run, chosen, overview, seed=seed, advance=advance)


def _seeds(overviews: Sequence[Overview]) -> Part:
    if len(overviews) < 2:
        reason = "There is one run only: train others that differ in the seed and name them with --also."
        return Part("seeds", _SEEDS, reason, (), (seeds_check(overviews),))
    lead = "The same model with the same settings, trained with other seeds. What differs between seeds is no finding."
    return Part("seeds", _SEEDS, lead, (seeds_picture(overviews),), (seeds_check(overviews),))


def _null(overview: Overview, null: Overview | None, seed: int) -> Part:
    if null is None:
        reason = "It takes a second training, on shuffled labels: tasktalk explain RUN --null does it."
        return Part("null", NULL, reason, (), (Check("shuffled labels", None, reason),))
    return null_part(overview, null, seed)


def refuse_silent(run: Run, examples: Examples) -> None:
    """Refuse a model without weights between tasks before the long work begins.

    Raises:
        ConfigError: it has none, or there are no examples.
    """
    if not len(examples):
        raise ConfigError("expected at least one sample to listen to, found none")
    kind_of(run.hear(shortened(take(examples, np.arange(1)))))


def of_task(run: Run, examples: Examples, name: str) -> Examples:
    """The examples of one task: those that it owns, or that have a label of it.

    Raises:
        ConfigError: an unknown task, or one without examples.
    """
    task = run.index(name)
    labelled = ~np.isnan(examples.labels[:, task])
    rows = np.flatnonzero(labelled if examples.owner is None else examples.owner == task)
    if not len(rows):
        raise ConfigError(f"task {name!r} has no examples here: choose another --split or task")
    return take(examples, rows)


def _run(run: Run | Path | str) -> Run:
    return run if isinstance(run, Run) else Run.load(run)


def _refuse_other_tasks(run: Run, other: Run) -> None:
    names, found = ([task.name for task in one.tasks] for one in (run, other))
    if names != found:
        raise ConfigError(f"{other.folder}: expected a run with the tasks {', '.join(names)}, found {', '.join(found)}")


def _refuse_same_seed(runs: Sequence[Run]) -> None:
    """A run that is named twice would agree with itself."""
    seen: dict[int, Run] = {}
    for run in runs:
        seed = run.config.training.seed
        if run.config.model != runs[0].config.model:
            raise ConfigError(f"{run.folder}: expected a run with the model settings of {runs[0].folder}, found others")
        if seed in seen:
            raise ConfigError(
                f"{run.folder}: expected a run with another seed than {seen[seed].folder}, found {seed} too"
            )
        seen[seed] = run


def _facts(run: Run, examples: Examples, chosen: Examples, seed: int) -> list[tuple[str, str]]:
    what = noun(chosen.content).removesuffix("s")
    drawn = "" if len(chosen) == len(examples) else f" of {len(examples)}, drawn with seed {seed}"
    found = [
        ("Run", run.folder.name),
        ("Model", run.config.model.name),
        ("Tasks", str(len(run.tasks))),
        ("Samples", f"{counted(len(chosen), what)}{drawn}"),
    ]
    longest = min(LONGEST, run.encoder.max_words) if isinstance(run.encoder, TextEncoder) else LONGEST
    if isinstance(examples.content, list | Sentences) and max(map(len, examples.tokens)) > longest:
        found.append(("Long texts", f"of each only the first {longest} words are looked at"))
    return found

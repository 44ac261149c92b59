"""``tasktalk tune``: a search for good settings, judged by development scores."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktalk.cli.options import (
    ConfigFile,
    Edges,
    Epochs,
    Features,
    Flags,
    Kinds,
    Label,
    Labels,
    Mask,
    Model,
    MoreSources,
    Node,
    OnlyTasks,
    Seed,
    Set,
    Smiles,
    Sources,
    SplitKind,
    Text,
    Tokenizer,
    Vectors,
    data_section,
    example,
    layers,
)
from tasktalk.cli.show import told_how_to_go_on, told_that_nothing_was_written

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from tasktalk.data.dataset import Dataset
    from tasktalk.training.config import Config
    from tasktalk.training.progress import Bars
    from tasktalk.training.selection import Score
    from tasktalk.training.tune import Search

EPILOG = example(
    "tasktalk tune fdu-mtl --model ic --search model.hidden=50,100,200",
    "tasktalk tune shop --search training.learning_rate=1e-4..1e-2:log --search model.hidden=16..256 --trials 30",
    "tasktalk tune fdu-mtl --grid paper --storage mysql://user@host/studies",
    "tasktalk train --config runs/fdu-mtl-ic-tune/best.yaml",
)
_SEARCH, _STUDY = "Search", "Study"
_TRIALS = 30
_SHOWN, _LONGEST = 3, 12
"""So many trials stand in the table, and values are cut after so many letters."""

_Search = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SECTION.KEY=VALUES",
        help="Values with commas between them, or a range LOW..HIGH, which may end in :log or :int (repeat for more).",
        rich_help_panel=_SEARCH,
    ),
]
_Grid = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="paper: hidden size and l2, and for taggings the weights of the tasks, as the message-passing paper.",
        show_default="paper, without --search",
        rich_help_panel=_SEARCH,
    ),
]
_Sampler = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What chooses: tpe, gp, random, qmc, or grid, which tries everything.",
        show_default="tpe; for --grid grid",
        rich_help_panel=_SEARCH,
    ),
]
_Pruner = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What stops trials that promise nothing: median, hyperband or none.",
        show_default="median; for a grid none",
        rich_help_panel=_SEARCH,
    ),
]
_Trials = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Trials of the whole study, those of earlier and of other processes included.",
        show_default=f"{_TRIALS}; of a grid all",
        rich_help_panel=_SEARCH,
    ),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where to write; a study that is there goes on.",
        show_default="runs/DATA-MODEL-tune",
        rich_help_panel=_STUDY,
    ),
]
_Storage = Annotated[
    str,
    typer.Option(
        metavar="FILE|URL",
        help="A journal, or a database as SQLAlchemy names it. Whoever runs the same command on it shares the study.",
        show_default="study.journal in --out",
        rich_help_panel=_STUDY,
    ),
]
_Study = Annotated[str, typer.Option(metavar="NAME", help="Name of the study in the storage.", rich_help_panel=_STUDY)]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show the result only, no progress.")]


@told_that_nothing_was_written()
def command(
    sources: Sources = None,
    data: MoreSources = None,
    text: Text = "",
    label: Label = "",
    labels: Labels = None,
    task: OnlyTasks = None,
    kind: Kinds = None,
    mask: Mask = "",
    tokenizer: Tokenizer = "",
    vectors: Vectors = None,
    smiles: Smiles = "",
    split: SplitKind = "",
    edges: Edges = "",
    features: Features = "",
    node: Node = "",
    model: Model = "",
    epochs: Epochs = None,
    seed: Seed = None,
    config: ConfigFile = None,
    settings: Set = None,
    search: _Search = None,
    grid: _Grid = "",
    sampler: _Sampler = "",
    pruner: _Pruner = "",
    trials: _Trials = None,
    out: _Out = None,
    storage: _Storage = "",
    study: _Study = "tasktalk",
    quiet: _Quiet = False,
) -> None:
    """Search for good settings, judged by development scores; test examples are never looked at.

    Stopped, it goes on with the same command; several processes or machines may share a study.
    """
    section = data_section(
        [*(sources or ()), *(data or ())],
        text=text, label=label, labels=labels, tasks=task, kinds=kind, mask=mask, tokenizer=tokenizer, vectors=vectors,
        smiles=smiles, split=split, edges=edges, features=features, node=node,
    )  # fmt: skip
    flags: Flags = {"data": section, "model": {"name": model or None}, "training": {"epochs": epochs, "seed": seed}}
    asked = {"grid": grid, "sampler": sampler, "pruner": pruner}
    _tune(layers(config, flags), settings or [], search or [], asked, trials, out, storage, study, quiet)


def _tune(
    values: Flags,
    settings: list[str],
    searched: list[str],
    asked: dict[str, str],
    trials: int | None,
    out: Path | None,
    storage: str,
    study: str,
    quiet: bool,
) -> None:
    from tasktalk.cli.jobs import complete, default_folder, outline
    from tasktalk.cli.options import load_data
    from tasktalk.training.progress import Bars, Silent
    from tasktalk.training.study import Place, require_optuna
    from tasktalk.training.tune import TRIALS, Bench, Tuning

    require_optuna()
    first = outline(values, settings)
    _check_names(asked, searched)
    folder = out
    again = shlex.join(["tasktalk", *sys.argv[1:]])
    with told_how_to_go_on(again, lambda: folder is not None and (folder / TRIALS).exists(), "no trial had begun"):
        dataset = load_data(first.data, progress=not quiet)
        config = complete(values, settings, dataset)
        plan = _plan(config, dataset, searched, asked, trials)
        folder = out or default_folder(config).with_name(f"{default_folder(config).name}-tune")
        _make_folder(folder)
        bench, place = Bench(dataset, config.data), Place(storage or str(folder / "study.journal"), folder)
        with nullcontext() if quiet else Bars(lines=False) as bars:
            tuning = Tuning(plan, bench, place, folder, bars or Silent(), _teller(bars))
            done = tuning.run(study)
        _show(done, plan, tuning.criterion, folder)


def _check_names(asked: dict[str, str], searched: list[str]) -> None:
    """Refuse what does not exist before data is loaded."""
    from tasktalk.core.errors import ConfigError, nearest
    from tasktalk.training.samplers import make_pruner, make_sampler
    from tasktalk.training.study import quiet_optuna

    if asked["grid"] not in ("", "paper"):
        raise ConfigError(f"unknown --grid {asked['grid']!r}: {nearest(asked['grid'], ['paper'])}")
    if asked["grid"] and searched:
        raise ConfigError("--grid names what to try, and so does --search: choose one of them")
    with quiet_optuna():
        make_sampler(asked["sampler"] or "tpe", 0)
        make_pruner(asked["pruner"] or "none", 1)


def _plan(
    config: "Config", dataset: "Dataset", searched: list[str], asked: dict[str, str], trials: int | None
) -> "Search":
    from tasktalk.training.search_space import paper_grid, parse_search, points
    from tasktalk.training.tune import Search, shuffled

    space = parse_search(searched, config) if searched else paper_grid(config, dataset.tasks)
    sampler = asked["sampler"] or ("tpe" if searched else "grid")
    grid = shuffled(points(space), config.training.seed) if sampler == "grid" else None
    pruner = asked["pruner"] or ("median" if grid is None else "none")
    return Search(config, space, trials or (_TRIALS if grid is None else len(grid)), sampler, pruner, grid)


def _make_folder(folder: Path) -> None:
    from tasktalk.training.run_folder import attempt, refuse_run
    from tasktalk.training.tune import TRIALS

    refuse_run(folder)
    attempt(folder, lambda: (folder / TRIALS).mkdir(parents=True, exist_ok=True))


def _teller(bars: "Bars | None") -> Callable[[str], None]:
    """Prints lines above the bar."""

    def tell(line: str) -> None:
        if bars is not None:
            bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

    return tell


def _show(study: "Study", plan: "Search", criterion: "Score", folder: Path) -> None:
    """The best trials side by side, what mattered, and what to type next."""
    from tasktalk.cli.show import say, shorten, table
    from tasktalk.core.errors import TrainingError
    from tasktalk.training.run_folder import read_json
    from tasktalk.training.tune_files import BEST, SUMMARY, TABLE, ranked, state_of

    trials = study.get_trials(deepcopy=False)
    best = ranked(trials, criterion)[:_SHOWN]
    if not best:
        reasons = [trial.user_attrs.get("error", "pruned") for trial in trials if state_of(trial) != "lost"]
        raise TrainingError(f"none of {len(reasons)} trials was trained to the end, the last: {reasons[-1]}")
    found = read_json(folder / SUMMARY)["importances"]
    shares = found["settings"] or {}
    header = ["", *(f"trial {trial.number}" for trial in best), "importance"]
    rows = [[f"dev {criterion}", *(_cell(trial.value) for trial in best), ""]]
    for dimension in plan.space:
        share = f"{shares[dimension.key]:.2f}" if dimension.key in shares else "-"
        rows.append([dimension.key, *(_cell(trial.params[dimension.key]) for trial in best), share])
    table(header, shorten(header, rows), left=1)
    for sentence in _legend(trials, found):
        say(sentence)
    say(f"Every trial: {shlex.quote(str(folder / TABLE))}")
    say(f"Try next:    tasktalk train --config {shlex.quote(str(folder / BEST))}")


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _legend(trials: "Sequence[FrozenTrial]", importances: Mapping[str, Any]) -> list[str]:
    from tasktalk.training.tune_files import FEW, FEWEST, state_of

    states = [state_of(trial) for trial in trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    sentences = [f"{len(trials)} trial{'s' * (len(trials) != 1)}: {counts}."]
    behind = importances["trials"]
    if behind < FEWEST:
        return [*sentences, f"Importance: too few trials were trained to the end ({behind}, of at least {FEWEST})."]
    if importances["settings"] is None:
        return [*sentences, "Importance: all trials have the same score."]
    rough = "; rough, more trials make it clearer" if behind < FEW else ""
    return [*sentences, f"Importance: share of the differences between {behind} trials (fANOVA){rough}."]

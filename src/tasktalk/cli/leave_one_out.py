"""What ``tasktalk transfer --leave-one-out`` and ``--labels`` do: many run folders, a table and a learning curve."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from tasktalk.benchmarks.leave_one_out import Experiment
    from tasktalk.benchmarks.leave_one_out_table import Table
    from tasktalk.data.dataset import Dataset

_FIXED = {
    "data.source": "the data is that of --data",
    "data.tasks": "every task is left out, or those of --target",
    "data.mask": "labels are counted by --labels",
    "model.name": "the model is that of --model",
    "training.seed": "the seeds are those of --seeds and --first-seed",
    "training.beside": "what stands beside a transfer is fixed",
}
_EPOCHS = 20


@dataclass(frozen=True)
class Wanted:
    """What was asked for: the options of the same names."""

    data: str
    targets: Sequence[str]
    seeds: range
    labels: Sequence[str]
    target_epochs: int | None
    out: Path | None
    quiet: bool


def leave_each_out(wanted: Wanted, values: dict[str, dict[str, Any]], settings: Sequence[str]) -> None:
    """Leave out every target in turn.

    Args:
        wanted: what was asked for.
        values: settings by section and key.
        settings: ``section.key=value``, stronger than these.

    Raises:
        TasktalkError: settings, data or folders that do not fit, or a run that could not be trained.
    """
    from tasktalk.benchmarks.leave_one_out import Experiment, alone_models, choose_targets, refuse_unshared
    from tasktalk.cli.jobs import default_folder
    from tasktalk.cli.options import load_data
    from tasktalk.cli.show import warn
    from tasktalk.models.options import title
    from tasktalk.training.config import make_config

    _refuse_fixed(settings)
    labels = parse_labels(wanted.labels)
    given = {section: {k: v for k, v in part.items() if v is not None} for section, part in values.items()}
    config = make_config(given, settings)
    dataset = load_data(config.data, progress=not wanted.quiet)
    counts = choose_targets(dataset, wanted.targets, labels)
    refuse_unshared(config, dataset)
    models, remarks = alone_models(config.model, dataset)
    for sentence in remarks:
        warn(sentence)
    labels = tuple(number for number in labels if number < max(counts.values()))  # with all the table has them
    folder = default_folder(config)
    out = wanted.out or folder.with_name(
        f"{folder.name.removesuffix(title(config.model))}{title(config.model)}-leave-one-out"
    )
    names = tuple(task.name for task in dataset.tasks)
    epochs = wanted.target_epochs or _EPOCHS
    _do(Experiment(config, epochs, names, counts, tuple(wanted.seeds), labels, models), dataset, out, wanted)


def curve_of_run(
    wanted: Wanted, run: Path, name: str, values: dict[str, dict[str, Any]], settings: Sequence[str]
) -> None:
    """The learning curve of a new task of a finished run.

    Args:
        wanted: what was asked for.
        run: its folder.
        name: what the new task is called.
        values: settings by section and key.
        settings: ``section.key=value``, stronger than these.

    Raises:
        TasktalkError: as ``leave_one_out``, or a run that nothing can be added to.
    """
    from tasktalk.benchmarks.leave_one_out import Experiment, alone_models, choose_targets
    from tasktalk.cli.options import load_data
    from tasktalk.cli.show import warn
    from tasktalk.training.run import Run
    from tasktalk.training.transfer import check_run, transfer_config

    _refuse_fixed(settings)
    labels = parse_labels(wanted.labels)
    before = Run.load(run)
    check_run(before, name)
    config = transfer_config(before, wanted.data, name, values, settings)
    dataset = load_data(config.data, progress=not wanted.quiet)
    counts = choose_targets(dataset, (), labels)
    labels = tuple(number for number in labels if number < counts[name])  # with all the table has them
    # Alone, the task has word vectors like those that the run began with.
    data = config.data.model_copy(update={"vectors": before.config.data.vectors})
    models, remarks = alone_models(before.config.model, dataset)
    for sentence in remarks:
        warn(sentence)
    experiment = Experiment(
        config.model_copy(update={"data": data}), config.training.epochs, (name,), counts, tuple(wanted.seeds), labels,
        models, run.resolve(),
    )  # fmt: skip
    _do(experiment, dataset, wanted.out or Path(f"{run}-{name}-labels"), wanted)


def parse_labels(given: Sequence[str]) -> tuple[int, ...]:
    """Numbers of labels, ascending.

    Args:
        given: numbers, with commas between them.

    Raises:
        ConfigError: something that is no number, or fewer labels than a task can be learned from.
    """
    from tasktalk.core.errors import ConfigError

    words = [word.strip() for part in given for word in part.split(",") if word.strip()]
    for word in words:
        if not word.isdecimal() or int(word) < 2:
            told = "expected numbers of training labels, 2 or more each (one class teaches nothing)"
            raise ConfigError(f"--labels: {told}, for example --labels 10,50,100, found {word!r}")
    return tuple(sorted({int(word) for word in words}))


def _refuse_fixed(settings: Sequence[str]) -> None:
    from tasktalk.core.errors import ConfigError

    for key in (setting.partition("=")[0] for setting in settings):
        if key in _FIXED:
            raise ConfigError(f"--set {key} cannot be set here: {_FIXED[key]}")


def _do(experiment: "Experiment", dataset: "Dataset", out: Path, wanted: Wanted) -> None:
    """Check everything, train what is not trained yet, and write the files after each run."""
    from tasktalk.benchmarks.leave_one_out import check_pieces, pieces, work
    from tasktalk.training.run_folder import refuse_run

    refuse_run(out)
    found = pieces(experiment)
    check_pieces(found, out, dataset.sources)

    def tell(line: str) -> None:
        if not wanted.quiet:
            typer.echo(line, err=True)

    for _ in work(found, out, not wanted.quiet, tell):
        _write(_table(experiment, dataset, out), out)
    table = _table(experiment, dataset, out)
    _write(table, out)
    _show(table, out, wanted.quiet)


def _table(experiment: "Experiment", dataset: "Dataset", out: Path) -> "Table":
    from tasktalk.benchmarks.compare_table import choose_metric
    from tasktalk.benchmarks.leave_one_out import pieces
    from tasktalk.benchmarks.leave_one_out_table import Table, paper_columns, scores_of_pieces
    from tasktalk.cli.compare import typed

    metric = choose_metric("", dataset.tasks, separate=True)
    rows = scores_of_pieces(pieces(experiment), out, metric)
    paper = {} if experiment.run else paper_columns(dataset.name, experiment.config.model.name, list(experiment.counts))
    return Table(typed(), dataset.name, dataset.sources, metric, experiment, rows, paper)


def _write(table: "Table", out: Path) -> None:
    from tasktalk.benchmarks.learning_curve import write_curve
    from tasktalk.benchmarks.leave_one_out_table import write_table

    write_table(table, out)
    if table.experiment.labels:
        write_curve(table, out)


def _show(table: "Table", out: Path, quiet: bool) -> None:
    from tasktalk.benchmarks.leave_one_out_table import legend, shown
    from tasktalk.cli.show import say, shorten
    from tasktalk.cli.show import table as print_table

    methods = table.experiment.methods
    header = ["task", *methods]
    rows = [[name, *(shown(table.cell(name, method), table.metric) for method in methods)] for name in table.targets]
    print_table(header, shorten(header, rows), left=1)
    for sentence in (*legend(table), *_gaps(table)):
        say(sentence)
    _show_paper(table)
    _show_curve(table)
    if not quiet:
        say(f"\nRun folders, leave-one-out.md, .json, .csv: {shlex.quote(str(out))}")


def _gaps(table: "Table") -> list[str]:
    """The transfer minus the other methods, for the mean or for the only target."""
    from tasktalk.benchmarks.compare_files import number

    found = []
    for method in table.experiment.methods[1:]:
        gap = table.difference(table.targets[-1], method)
        if gap is not None and gap.half_width is not None:
            half = number(gap.half_width, table.metric)
            found.append(f"transfer minus {method}: {number(gap.mean, table.metric, '+')} ± {half}")
    return [*found, "Differences are paired by seed, ± half their 95 % intervals."] if found else []


def _show_paper(table: "Table") -> None:
    from tasktalk.cli.show import say, shorten
    from tasktalk.cli.show import table as print_table

    if table.paper:
        say("\nThe message-passing paper:")
        columns = list(next(iter(table.paper.values())))
        rows = [[name, *(f"{scores[column]:.1f}" for column in columns)] for name, scores in table.paper.items()]
        print_table(["task", *columns], shorten(["task", *columns], rows), left=1)


def _show_curve(table: "Table") -> None:
    from tasktalk.benchmarks.learning_curve import curve_cells
    from tasktalk.benchmarks.leave_one_out_table import MEAN
    from tasktalk.cli.show import say
    from tasktalk.cli.show import table as print_table

    if table.experiment.labels:
        target = table.targets[-1]
        say(f"\nTest {table.metric} by training labels, {'mean of the tasks' if target == MEAN else target}:")
        print_table(*curve_cells(table), left=1)
        say("Drawn in learning-curve.png and .svg; the points: learning-curve.csv, .json.")

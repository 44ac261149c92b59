"""What users read is true: commands and Python are run, output is compared, links, recipes and tables are checked."""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import tasktalk
from tasktalk.analysis.null import FOLDER as NULL
from tasktalk.benchmarks.papers import FDU_MTL_TASKS
from tasktalk.cli.app import app
from tasktalk.cli.explain import FOLDER
from tasktalk.cli.jobs import plan
from tasktalk.core.inputs import SentenceInputs, TextInputs
from tasktalk.core.task import Task
from tasktalk.data.tokenize import TOKENIZERS
from tasktalk.models.build import build_network
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import ForestOptions, LinearOptions
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.training.config import Config, make_config, model_names, read_config
from tasktalk.training.lock import LOCK
from tasktalk.training.loop import snapshot
from tasktalk.training.metrics import METRICS
from tasktalk.training.run_folder import ALPHABET, CHECKPOINT, GRAPH, MOLECULES, NODES, SKIPPED, TRANSFER

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
RECIPES = sorted((ROOT / "examples" / "recipes").glob("*.yaml"))
NOT_RUN = "<!-- takes minutes: not run by the tests -->"

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
_LISTED = re.compile(r"^- .*`(tasktalk .*)`$", re.MULTILINE)
_NUMBER = re.compile(r"\d+\.\d+(e-\d+)?")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Fence:
    """A fenced block.

    Args:
        language: the word after the fence.
        content: what stands in it.
        run: whether the tests run it.
    """

    language: str
    content: str
    run: bool


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def fences(path: Path) -> list[Fence]:
    text = read(path)
    found = []
    for match in _FENCE.finditer(text):
        indent = len(match[1])
        content = "".join(line[indent:] + "\n" for line in match[3].splitlines())
        run = not text[: match.start()].rstrip().endswith(NOT_RUN)
        found.append(Fence(match[2], content, run))
    return found


def pages_with(language: str) -> list[Path]:
    return [path for path in PAGES if any(fence.language == language and fence.run for fence in fences(path))]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples, where ``tasktalk`` is the command of this source tree."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    command = tmp_path / "bin" / "tasktalk"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tasktalk "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    return tmp_path


def without_numbers(output: str) -> list[list[str]]:
    """The words of each line; digits after a point differ between machines, and so do the best of a row."""
    return [_NUMBER.sub("#", line.replace(" *", "")).split() for line in output.strip().splitlines()]


@pytest.mark.parametrize("path", pages_with("bash"), ids=name)
def test_commands_run_and_print_what_the_page_shows(path: Path, workplace: Path) -> None:
    output = ""
    for fence in fences(path):
        if fence.language == "bash" and fence.run:
            script = ["bash", "-euo", "pipefail", "-c", fence.content]
            done = subprocess.run(script, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            assert done.returncode == 0, fence.content + done.stdout + done.stderr
            output = done.stdout
        elif fence.language in ("text", "json") and output:
            assert without_numbers(output)[-len(without_numbers(fence.content)) :] == without_numbers(fence.content)
            output = ""


@pytest.mark.parametrize("path", pages_with("python"), ids=name)
def test_python_runs(path: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = workplace / "page.py"
    script.write_text("\n".join(fence.content for fence in fences(path) if fence.language == "python"), "utf-8")
    runpy.run_path(str(script))
    assert capsys.readouterr().err == ""


def test_the_example_in_python_is_the_one_of_the_readme() -> None:
    shown = [fence.content for fence in fences(ROOT / "README.md") if fence.language == "python"]
    assert shown == [read(ROOT / "examples" / "python_api.py")]


def test_the_block_of_the_page_is_the_example_and_passes_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [fence.content for fence in fences(ROOT / "docs" / "own-block.md") if fence.language == "python"]
    folder = ROOT / "examples" / "own_block"
    assert shown[0] == read(folder / "gated_mean.py") and shown[0].count("\n") < 60
    monkeypatch.syspath_prepend(folder)
    runpy.run_path(str(folder / "test_gated_mean.py"))["test_contract"]()


def commands(script: str) -> Iterator[list[str]]:
    """The words of each command of a shell script, without comments and redirections, each side of a pipe by itself."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if word in {"|", "||", "&&", ";"}:
                yield words
                words = []
            elif word in {"<", ">", ">>"}:
                next(lexer)
            else:
                words.append(word)
        if words:
            yield words


def assert_known(words: list[str]) -> None:
    """Options and settings of a command of ours exist, and so does a target of make."""
    program, *arguments = words
    if program == "make":
        assert f"\n{arguments[0]}: " in read(ROOT / "Makefile")
    elif program == "tasktalk":
        command: Any = get_command(app)
        while hasattr(command, "commands"):
            command, arguments = command.commands[arguments[0]], arguments[1:]
        options = command.make_context("tasktalk", arguments).params
        if command.name == "train":
            assert plan(configuration(options), Path("runs"), tasktalk.load(ROOT / "examples" / "reviews"))


def configuration(options: dict[str, Any]) -> Config:
    file = options["config"]
    values = read_config(ROOT / file) if file else {}
    if options["model"]:
        values["model"] = {**values.get("model", {}), "name": options["model"]}
    beside = [model for model in options["beside"] or () if model != "none"]
    values["training"] = {**values.get("training", {}), "beside": beside}
    return make_config(values, options["settings"])


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_commands_that_are_not_run_are_known(path: Path) -> None:
    scripts = [fence.content for fence in fences(path) if fence.language == "bash" and not fence.run]
    for script in [*scripts, *_LISTED.findall(read(path))]:
        for words in commands(script):
            assert_known(words)


def anchors(path: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in _LINK.findall(read(path)):
        if not re.match(r"https?:|mailto:", target):
            place, _, anchor = target.partition("#")
            found = (path.parent / place).resolve() if place else path
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), target


def table_rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables, headers and rules left out."""
    rows = [line for above, line in pairwise(text.splitlines()) if above.startswith("|") and line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in rows]
    return [row for row in cells if not set("".join(row)) <= set("-:| ")]


def section(path: Path, heading: str) -> str:
    """The text under a heading, up to the next heading of any level."""
    _, _, rest = read(path).partition(f"# {heading}\n")
    assert rest, f"{name(path)} has no section {heading}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(path: Path, heading: str) -> set[str]:
    return {row[0].strip("`/") for row in table_rows(section(path, heading))}


def flat_keys(value: Any, placeholders: dict[str, str], prefix: str = "") -> Iterator[str]:
    """The keys of nested JSON, joined by points; names that differ from run to run are placeholders."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from flat_keys(part, placeholders, f"{prefix}.{placeholders.get(key, key)}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from flat_keys(value[0], placeholders, f"{prefix}[]")
    else:
        yield prefix


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tasktalk.Run:
    """A run with everything that a run folder may hold."""
    folder = tmp_path_factory.mktemp("run-folder")
    vectors = folder / "vectors.txt"
    vectors.write_text("lovely 0.5 -1.0\n", encoding="utf-8")
    settings = {
        "data.vectors": [str(vectors)],
        "model.hidden": 8,
        "model.wide": "fitted",
        "training.epochs": 3,
        "training.selection": "per-task",
    }
    return tasktalk.train(ROOT / "examples" / "reviews", out=folder / "run", settings=settings, progress=False)


RUN_FOLDER = ROOT / "docs" / "run-folder.md"


def test_every_file_of_a_run_folder_is_documented(run: tasktalk.Run) -> None:
    reviews = tasktalk.load(ROOT / "examples" / "reviews")
    beside = plan(make_config({"training": {"beside": ["fs"]}}), run.folder, reviews)[1].folder
    elsewhen = {CHECKPOINT, snapshot(run.folder, 0).name, beside.parent.name}
    elsewhen |= {FOLDER, NULL, LOCK}
    elsewhen |= {SKIPPED, ALPHABET, MOLECULES, GRAPH, NODES, TRANSFER, "model-task-4.safetensors"}
    found = {path.name for path in run.folder.iterdir()} | elsewhen | {"model-epoch-1.safetensors"}
    assert {re.sub(r"\d+", "N", file) for file in found} == first_cells(RUN_FOLDER, "Files")


@pytest.mark.parametrize("file", ["metrics.json", "tasks.json", "environment.json"])
def test_every_key_is_documented(run: tasktalk.Run, file: str) -> None:
    content = json.loads(read(run.folder / file))
    placeholders = {task.name: "<task>" for task in run.tasks} | dict.fromkeys(content.get("splits", ()), "<split>")
    for part, placeholder in (("versions", "<package>"), ("data", "<file>"), ("vectors", "<file>")):
        placeholders |= dict.fromkeys(content.get(part, ()), placeholder)
    found = set(flat_keys(content, placeholders)) - {"splits.<split>.defined"}
    if file == "metrics.json":  # whatever the kinds of the tasks
        found |= {
            f"splits.<split>.{part}.{metric}" for part in ("mean", "defined", "tasks.<task>") for metric in METRICS
        }
    assert found == {key.replace("<metric>", m) for key in first_cells(RUN_FOLDER, f"`{file}`") for m in METRICS}


def test_every_column_of_the_history_is_documented(run: tasktalk.Run) -> None:
    columns = read(run.folder / "history.csv").partition("\n")[0].split(",")
    tasks = "|".join(task.name for task in run.tasks)
    assert {re.sub(f"({tasks})$", "<task>", column) for column in columns} == first_cells(RUN_FOLDER, "`history.csv`")


def test_every_model_is_documented() -> None:
    parts = ("For texts", "For texts, molecules and nodes", "Simple models")
    documented = [model for part in parts for model in first_cells(ROOT / "docs" / "models.md", part)]
    assert sorted(documented) == sorted(model_names())
    listed = " ".join(row[0] for row in table_rows(section(ROOT / "README.md", "Models")))
    assert set(re.findall(r"[\w-]+", listed)) == set(model_names())


def test_every_tokeniser_is_documented() -> None:
    assert first_cells(ROOT / "docs" / "data.md", "From text to words") == set(TOKENIZERS)


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_recipes_build_their_networks(path: Path) -> None:
    config = make_config(read_config(path))
    assert not isinstance(config.model, LinearOptions | ForestOptions)
    if config.data.source == ["fdu-mtl"]:
        tasks = [Task(task, "binary", ("negative", "positive")) for task in FDU_MTL_TASKS]
        network = build_network(config.model, tasks, TextInputs(20, 10))
        assert isinstance(network, TextNetwork)
        assert (network.wide is not None) == (config.model.wide != "off")
    else:
        tasks = [Task(task, "tagging", ("O", "B-x", "E-x", "I-x", "S-x")) for task in config.data.source]
        network = build_network(config.model, tasks, SentenceInputs(20, 10))
        assert isinstance(network, TaggingNetwork)
    assert network.block.features == config.model.hidden * (1 + config.model.bidirectional)


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_recipes_begin_with_their_command(path: Path) -> None:
    lines = [line.removeprefix("#").strip() for line in read(path).splitlines() if line.startswith("#")]
    found = [line for line in lines if line.startswith("tasktalk ")]
    assert len(found) == 1
    assert f"--config {name(path)} " in found[0]
    for words in commands(found[0]):
        assert_known(words)


@pytest.mark.parametrize("model", ["dc", "ic"])
def test_the_recipes_of_the_paper_are_the_documented_ones(model: str) -> None:
    paper = make_config(read_config(ROOT / "examples" / "recipes" / f"message-passing-paper-{model}.yaml"))
    ours = make_config({"model": {"name": model}})
    for setting, *cells in table_rows(section(ROOT / "docs" / "departures.md", "The paper's recipe and ours")):
        part, _, key = setting.strip("`").partition(".")
        values = [str(getattr(getattr(config, part), key)) for config in (paper, ours)]
        assert [re.findall(r"[\w.-]*\w", cell)[0] for cell in cells] == values


def test_results_of_the_readme_are_the_measured_ones() -> None:
    """Rows are titles of ``docs/results/fdu-mtl.json``; the columns are its errors in percent, the deviation of the
    first over the seeds, and its minutes.
    """
    _, _, rest = read(ROOT / "README.md").partition("<!-- results -->")
    measured = {column["title"]: column for column in json.loads(read(ROOT / "docs" / "results" / "fdu-mtl.json"))}
    rows = table_rows(rest.partition("<!-- end of results -->")[0])
    assert rows
    for title, *cells in rows:
        column = measured[title]
        seconds = column["seconds"]
        values = (column["mean"], column["std"], column["unseen_error"], None if seconds is None else seconds / 60)
        assert cells == ["" if value is None else f"{value:.1f}" for value in values], title

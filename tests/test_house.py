"""The rules of the house that no linter knows: rooms, sizes, what is never imported, what is declared."""

import ast
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

import tasktalk

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "tasktalk"
TESTS = ROOT / "tests"
MODULES = sorted(SRC.rglob("*.py"))
SHIPPED = [*MODULES, *sorted((ROOT / "examples").rglob("*.py"))]
PYTHON = [*SHIPPED, *sorted(TESTS.rglob("*.py"))]
# Tests that mirror no module: of the house, of README and docs, of whole flows, and against the papers' equations.
FREE_TESTS = {f"test_{name}.py" for name in ("house", "docs", "bad_graphs", "bad_input", "bad_sentences", "story")}
FREE_ROOMS = {"papers"}

LONGEST_FILE = 350
LONGEST_FUNCTION = 50
MOST_FUNCTIONS = 25

PICKLES = {"cPickle", "cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
EVALUATORS = {"eval", "exec", "compile", "__import__"}
# They read or write pickles: of torch, and of accelerate for optimizer and generator states.
PICKLING_METHODS = {"torch.load", "torch.save", "accelerator.save_state", "accelerator.load_state"}
HEAVY = {"accelerate", "matplotlib", "optuna", "pooch", "rdkit", "scipy", "sklearn", "tensorboard", "torch"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, at the top or inside functions."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length of every function, docstring included."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for line in done.stdout.split("\0") if line and (path := ROOT / line).is_file()]


def test_every_module_has_its_test_file() -> None:
    modules = [path for path in MODULES if not path.name.startswith("_")]
    expected = {TESTS / path.relative_to(SRC).with_name(f"test_{path.name}") for path in modules}
    assert sorted(name(path) for path in expected if not path.exists()) == []


def test_every_test_file_has_its_module() -> None:
    tests = [path for path in TESTS.rglob("test_*.py") if path.name not in FREE_TESTS]
    tests = [path for path in tests if path.relative_to(TESTS).parts[0] not in FREE_ROOMS]
    tests = [path for path in tests if path != TESTS / "test_init.py"]
    modules = {path: SRC / path.relative_to(TESTS).with_name(path.name.removeprefix("test_")) for path in tests}
    assert sorted(name(path) for path, module in modules.items() if not module.exists()) == []


def test_rooms_hold_code_in_named_modules_only() -> None:
    rooms = [path for path in SRC.rglob("__init__.py") if path.parent != SRC]
    assert [name(path) for path in rooms if path.read_text(encoding="utf-8").strip()] == []


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").split("\n")) <= LONGEST_FILE
    assert [(function, lines) for function, lines in functions(path) if lines > LONGEST_FUNCTION] == []


def test_nine_functions_in_ten_fit_on_a_screen() -> None:
    lengths = sorted(lines for path in MODULES for _, lines in functions(path))
    assert lengths[len(lengths) * 9 // 10] <= MOST_FUNCTIONS


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    assert {module.partition(".")[0] for module in imported(path)} & PICKLES == set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call):
            assert not (isinstance(node.func, ast.Name) and node.func.id in EVALUATORS), node.lineno
            assert ast.unparse(node.func).removeprefix("self.") not in PICKLING_METHODS, node.lineno
            allowed = [keyword for keyword in node.keywords if keyword.arg == "allow_pickle"]
            assert all(ast.unparse(keyword.value) == "False" for keyword in allowed), node.lineno


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_annotations_are_never_postponed(path: Path) -> None:
    assert "__future__" not in set(imported(path))


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != SRC / "cli"], ids=name)
def test_only_the_command_line_imports_the_lazy_package(path: Path) -> None:
    assert "tasktalk" not in set(imported(path))


def test_no_path_of_a_machine_is_committed() -> None:
    machine = re.compile(rb"(?<![\w.~$}-])/(?:work|root|home|Users|mnt|opt)/\w")
    found = [name(path) for path in tracked_files() if machine.search(path.read_bytes())]
    assert found == []


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["molecules"], *extras["tune"]]
    declared = {re.split(r"[<>=\[]", requirement)[0].lower() for requirement in requirements}
    roots = {module.partition(".")[0] for path in MODULES for module in imported(path)}
    libraries = roots - set(sys.stdlib_module_names) - {"tasktalk"}
    providers = packages_distributions()
    missing = {root for root in libraries if not {found.lower() for found in providers.get(root, [])} & declared}
    assert missing == set()


def test_every_declared_library_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["molecules"], *extras["tune"], *extras["dev"]]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    pinned = {pin.partition("==")[0].lower() for pin in pins}
    assert {re.split(r"[<>=\[]", requirement)[0].lower() for requirement in requirements} <= pinned


def test_one_version_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert citation["version"] == tasktalk.__version__
    assert f"## [{tasktalk.__version__}]" in changes


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from tasktalk.cli.main import main\n"
        "sys.argv = ['tasktalk', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print('heavy:', *sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    assert done.stdout.splitlines()[-1] == "heavy:"


@pytest.mark.slow
def test_help_answers_at_once() -> None:
    """Within 0.3 s, at best of five, since other programs may be busy."""
    program = "import sys; from tasktalk.cli.main import main; sys.argv = ['tasktalk', '--help']; main()"
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3

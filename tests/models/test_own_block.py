"""Blocks by their import path: what is found, and a sentence for everything that is not a block."""

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest

from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.core.errors import ConfigError
from tasktalk.models.own_block import describe, import_block, make_block, refuse_options, source_checksum

BLOCKS = """from torch import nn

from tasktalk.communication.private import PrivateLSTM
from tasktalk.core.errors import ConfigError

LIMIT = 3


class Mine(PrivateLSTM):
    pass


class Narrow(PrivateLSTM):
    def __init__(self, word_features, hidden):
        super().__init__(word_features, hidden, 1)


class Fails(PrivateLSTM):
    def __init__(self, word_features, hidden, tasks):
        raise ValueError("hidden must be\\n a multiple of 7")


def refuses(word_features, hidden, tasks):
    raise ConfigError("needs 5 tasks")


def wide(word_features, hidden, tasks):
    return Mine(word_features, 2 * hidden, tasks)


class Heads(PrivateLSTM):
    def __init__(self, word_features, hidden, tasks, heads, *, share=0.5):
        super().__init__(word_features, hidden, tasks)
        self.heads, self.share = heads, share


def anything(word_features, hidden, tasks, **options):
    return Heads(word_features, hidden, tasks, **options)


def linear(word_features, hidden, tasks):
    return nn.Linear(word_features, hidden)


def text(word_features, hidden, tasks):
    return "no block"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the current folder, which is nowhere on Python's path; each test has one of its own."""
    name = f"own_blocks_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(BLOCKS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return name


def test_a_module_of_the_package_has_an_import_path_too() -> None:
    assert import_block("tasktalk.communication.indirect:IndirectCommunication") is IndirectCommunication


def test_a_module_in_the_current_folder_is_found_and_the_path_left_as_it_was(module: str) -> None:
    before = list(sys.path)
    assert (make_block(f"{module}:Mine", 4, 3, 2).features, make_block(f"{module}:wide", 4, 3, 2).features) == (3, 6)
    assert sys.path == before


def test_installed_modules_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "colorsys.py").write_text("raise RuntimeError", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    assert callable(import_block("colorsys:rgb_to_hls"))


def test_a_module_in_a_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "block.py").write_text(BLOCKS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert make_block("own_package.block:Mine", 4, 3, 2).features == 3


@pytest.mark.parametrize("path", ["", "module", "module:", ":Name", "a/b.py:Name", "module:Outer.Inner", "a..b:Name"])
def test_what_is_no_import_path(path: str) -> None:
    with pytest.raises(ConfigError, match="the import path of a block, for example my_module:MyBlock, found '"):
        import_block(path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Mien", "the module .* has no 'Mien': did you mean 'Mine'"),
        ("LIMIT", "expected a class of blocks, found 3$"),
        ("Narrow", r"Narrow\(word_features=4, hidden=3, tasks=2\) failed: TypeError: .*'tasks'"),
        ("Fails", r"failed: own_blocks_.*\.py, line 20: ValueError: hidden must be a multiple of 7"),
        ("refuses", "^needs 5 tasks$"),
        ("linear", "expected a torch.nn.Module with an integer attribute features, .* found a Linear"),
        ("text", "expected a torch.nn.Module with an integer attribute features, .* found 'no block'"),
    ],
)
def test_what_is_no_block(module: str, name: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        make_block(f"{module}:{name}", 4, 3, 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "has no 'Mine': it defines no class and no function"),
        ("import no_such_library", r"the import failed: .*\.py, line 1: ModuleNotFoundError: .*'no_such_library'"),
        ("\n1 / 0", r"the import failed: .*\.py, line 2: ZeroDivisionError: division by zero"),
        ("def Mine(:", r"the import failed: SyntaxError: .*\.py, line 1"),
    ],
)
def test_a_module_that_fails(content: str, sentence: str, module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence) as caught:
        import_block(f"{module}:Mine")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no_such_module", "own.block", "tasktalk.no_such_module"])
def test_a_module_that_is_not_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"model.path {name}:Mine: no module .* in the current folder .*PYTHONPATH"):
        import_block(f"{name}:Mine")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert describe(ValueError("two\nlines")) == "ValueError: two lines"


def test_settings_of_its_own(module: str) -> None:
    block = make_block(f"{module}:Heads", 4, 3, 2, {"heads": 4, "share": 0.1})
    assert (block.heads, block.share) == (4, 0.1)  # type: ignore[attr-defined]
    assert make_block(f"{module}:anything", 4, 3, 2, {"heads": 4}).heads == 4  # type: ignore[attr-defined]
    refuse_options(f"{module}:Mine", {})


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("Heads", {"heads": 4, "shar": 1}, "^model.options.shar: own_.*:Heads takes no 'shar': did you mean 'share'?"),
        ("Mine", {"heads": 4}, "takes no 'heads': it takes word_features, hidden, tasks only$"),
        ("Heads", {"heads": 4, "tasks": 3}, "^model.options.tasks: is given by the network already; leave it out$"),
        ("Heads", {"share": 1}, "^model.path own_.*:Heads: needs a value for model.options.heads$"),
        (
            "anything",
            {"heads": 4, "x": "y"},
            r"anything\(word_features=4, .*, heads=4, x='y'\) failed: .*, line 38: TypeError: .*'x'",
        ),
    ],
)
def test_settings_that_a_block_does_not_have(module: str, name: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        make_block(f"{module}:{name}", 4, 3, 2, options)
    assert "\n" not in str(caught.value)


def test_checksum_of_the_source(module: str, tmp_path: Path) -> None:
    digest = hashlib.sha256((tmp_path / f"{module}.py").read_bytes()).hexdigest()
    assert source_checksum(f"{module}:Mine") == source_checksum(f"{module}:wide") == {f"{module}.py": digest}
    assert list(source_checksum(f"{module}:PrivateLSTM")) == ["private.py"]  # where it is written
    assert source_checksum("math:sqrt") == {}
    refuse_options("math:sqrt", {})

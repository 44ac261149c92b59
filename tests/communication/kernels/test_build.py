import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tasktalk.communication.kernels.build import CACHE_VARIABLE, library

LEARN = """
import torch
from tasktalk.communication.kernels import build
from tasktalk.communication.kernels.choice import choose
from tasktalk.communication.kernels.recurrences import stacked_lstm
torch.manual_seed(0)
compiled = []
original = build._compile
build._compile = lambda *arguments: (compiled.append(1), original(*arguments))
weight = torch.randn(1, 4, 16)
given = [torch.randn(16, 16)], [weight[0, 0]], [weight[0]]
total = sum(float(stacked_lstm(torch.randn(1, 2, words, 16), *given).sum()) for words in range(1, 60))
print(choose(weight), len(compiled), f"{total:.3f}")
"""


def learn(**variables: str) -> tuple[list[str], str]:
    """What a program says that meets sentences of 59 lengths, and what it logs."""
    around = {**os.environ, **variables}
    done = subprocess.run([sys.executable, "-c", LEARN], env=around, capture_output=True, text=True, check=True)
    return done.stdout.split(), done.stderr


@pytest.fixture(scope="module")
def expected() -> str:
    return learn(TASKTALK_KERNEL="reference")[0][2]


def test_code_is_compiled_once_for_all_lengths_and_kept(tmp_path: Path, expected: str) -> None:
    cache = {CACHE_VARIABLE: str(tmp_path / "kernels")}
    assert learn(**cache) == (["compiled", "1", expected], "")
    (kept,) = (tmp_path / "kernels").iterdir()
    assert learn(**cache) == (["compiled", "0", expected], "")
    kept.write_bytes(b"damaged")
    assert learn(**cache) == (["compiled", "1", expected], "")
    assert list((tmp_path / "kernels").iterdir()) == [kept]


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path, expected: str) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    assert learn(**{CACHE_VARIABLE: str(tmp_path / "file")}) == (["compiled", "1", expected], "")


@pytest.mark.parametrize("compiler", ["/nowhere/cc", "false"])
def test_without_a_compiler_one_line_says_so(tmp_path: Path, expected: str, compiler: str) -> None:
    (kernel, *_, total), logged = learn(CC=compiler, **{CACHE_VARIABLE: str(tmp_path)})
    assert (kernel, total) == ("fused", expected)
    assert logged.count("\n") == 1 and "could not be compiled and run in PyTorch, which is slower" in logged


def test_what_the_compiler_says_is_told(tmp_path: Path) -> None:
    compiler = tmp_path / "broken"
    compiler.write_text(
        '#!/bin/sh\n[ "$1" = --version ] || { printf "no such thing\\nand more\\n" >&2; exit 3; }\n', encoding="utf-8"
    )
    compiler.chmod(0o755)
    logged = learn(CC=str(compiler), **{CACHE_VARIABLE: str(tmp_path / "kernels")})[1]
    assert logged.endswith(f"which is slower: {compiler}: no such thing\n")


def test_a_compiler_that_knows_less_is_asked_for_less(tmp_path: Path, expected: str) -> None:
    compiler = tmp_path / "plain"
    compiler.write_text(
        '#!/bin/sh\ncase "$*" in *-fopenmp\\ *|*native*) exit 1;; esac\nexec cc "$@"\n', encoding="utf-8"
    )
    compiler.chmod(0o755)
    assert learn(CC=str(compiler), **{CACHE_VARIABLE: str(tmp_path)}) == (["compiled", "1", expected], "")


def test_without_any_compiler_one_line_says_so(tmp_path: Path, expected: str) -> None:
    (kernel, *_, total), logged = learn(PATH=str(tmp_path), CC="", **{CACHE_VARIABLE: str(tmp_path)})
    assert (kernel, total) == ("fused", expected)
    assert logged == "No C compiler was found: the recurrences run in PyTorch, which is slower.\n"


def test_other_precisions_have_no_library(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert library(torch.bfloat16) is None
        assert library(torch.float64) is not library(torch.float32) is not None
    assert caplog.text == ""

"""What is kept between runs: hits, misses, damage, folders that may not be written."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasktalk.data import remember as module
from tasktalk.data.remember import Arrays, content_of, pack, remember, unpack

WORDS = ["a", "", "näïve", "\0", "line\nfeed", "\ud800", "😀"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    monkeypatch.setattr(module, "_here", {})
    return tmp_path / module.FOLDER


class Counting:
    """Doubles some numbers, and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, numbers: list[float], what: str = "twice, version 1") -> list[float]:
        given = np.array(numbers)
        found = remember(what, [given], lambda: self.compute(given))
        assert found["empty"].shape == (0,) and found["whole"].dtype == np.int32
        twice: list[float] = found["twice"].tolist()
        return twice

    def compute(self, given: np.ndarray) -> Arrays:
        self.calls += 1
        return {"twice": (2 * given)[::-1][::-1], "empty": np.zeros(0), "whole": np.array([1], dtype=np.int32)}


def test_the_same_content_is_computed_once(cache: Path) -> None:
    twice = Counting()
    assert twice([1, 2.5]) == twice([1, 2.5]) == [2, 5]
    assert twice.calls == 1
    assert [len(file.name) for file in cache.iterdir()] == [64]


def test_other_content_and_other_versions_are_entries_of_their_own(cache: Path) -> None:
    twice = Counting()
    assert twice([1, 2]) == [2, 4]
    assert twice([1, 3]) == [2, 6]
    assert twice([1, 3], "twice, version 2") == [2, 6]
    assert twice.calls == len(list(cache.iterdir())) == 3


@pytest.mark.parametrize("on_disk", [True, False])
def test_the_caller_may_change_what_it_gets(on_disk: bool, cache: Path) -> None:
    if not on_disk:
        cache.write_text("a file in place of the folder")
    for _ in range(3):
        found = remember("numbers", [b"x"], lambda: {"numbers": np.arange(3)})
        assert found["numbers"].tolist() == [0, 1, 2]
        found["numbers"] += 1


def damage(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(change(file.read_bytes()))


@pytest.mark.parametrize(
    "harm",
    [
        damage(lambda content: b""),
        damage(lambda content: content[:-1]),
        damage(lambda content: content[:40] + b"?" + content[41:]),
        damage(lambda content: content + b"\0"),
        Path.unlink,
    ],
)
def test_a_damaged_file_is_computed_again(cache: Path, harm: Callable[[Path], object]) -> None:
    twice = Counting()
    twice([4])
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    harm(file)
    assert twice([4]) == [8]
    assert twice.calls == 2
    assert file.read_bytes() == whole


def test_a_protected_folder_is_left_alone(cache: Path) -> None:
    twice = Counting()
    cache.parent.chmod(0o555)
    try:
        assert twice([1]) == twice([1]) == [2]
    finally:
        cache.parent.chmod(0o755)
    assert not cache.exists()
    assert twice.calls == 1  # kept for this process


def test_where_no_folder_can_be_little_is_kept_in_memory(cache: Path) -> None:
    cache.write_text("a file in place of the folder")
    twice = Counting()
    for number in range(20):
        assert twice([number]) == [2 * number]
    assert twice([19]) == [38] and twice.calls == 20
    assert twice([0]) == [0] and twice.calls == 21
    assert cache.read_text() == "a file in place of the folder"


def test_the_oldest_are_forgotten(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = Counting()
    for number in range(3):
        twice([number])
        for file in cache.iterdir():
            os.utime(file, (file.stat().st_mtime - 10,) * 2)
    size = next(cache.iterdir()).stat().st_size
    monkeypatch.setattr(module, "_MOST_BYTES", 2 * size)
    twice([3])
    assert len(list(cache.iterdir())) == 2
    assert twice([2]) == [4] and twice.calls == 4
    assert twice([0]) == [0] and twice.calls == 5


def test_strings_come_back() -> None:
    assert unpack(pack(WORDS)) == WORDS
    assert unpack(pack([])) == []


def test_texts_that_differ_have_other_content() -> None:
    texts: list[list[list[str]]] = [
        [["a", "b"], ["c"]], [["a"], ["b", "c"]], [["ab"], ["c"]], [["a", "bc"], []], [["a", "b", "c"]],
        [["a", "b\0c"]],
    ]  # fmt: skip
    keys = {module._key("texts", content_of(text)) for text in texts}
    assert len(keys) == len(texts)
    assert module._key("x", [b"ab", b"c"]) != module._key("x", [b"a", b"bc"])

import importlib
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tasktalk.benchmarks.speed_crf import Sizes, check_equal, compare, main, make_pair, markdown
from tasktalk.core.errors import ConfigError


def batch() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    mask = torch.arange(5) < torch.tensor([5, 2, 1])[:, None]
    return torch.randn(3, 5, 4), mask, torch.randint(4, (3, 5))


def test_a_table_and_json(tmp_path: Path) -> None:
    main(["--quick", "--threads", "1", "--out", str(tmp_path / "speed-crf")])
    found = json.loads((tmp_path / "speed-crf.json").read_text())
    text = (tmp_path / "speed-crf.md").read_text()
    assert text == markdown(found)
    assert text.startswith("A CRF over 3 tags on 3 sentences of 4 words")
    lines = text.splitlines()
    for job in ("loss", "Viterbi"):
        for lengths in ("full", "ragged"):
            assert sum(line.startswith(f"| {job} | {lengths} | 1 |") for line in lines) == 1


def test_numbers_stand_where_they_belong() -> None:
    ratio = {"median": 3.14, "lowest": 2.0, "highest": 4.0}
    row = {"job": "loss", "lengths": "full", "threads": 1, "milliseconds": {"ours": 1.5, "pytorch-crf": 4.71}}
    sizes = {"tags": 1, "sentences": 1, "words": 1, "rounds": 1, "repeats": 1}
    text = markdown({"machine": {"cores": 2}, "time": "CPU", "sizes": sizes, "rows": [{**row, "ratio": ratio}]})
    assert "| loss | full | 1 | 1.50 | 4.71 | 3.1 (2.0 to 4.0) |" in text
    assert text.endswith("Taken on: time: CPU; cores: 2.\n")


@pytest.mark.parametrize("name", ["transitions", "start", "end"])
def test_a_difference_is_noticed(name: str) -> None:
    ours, theirs = make_pair(4)
    check_equal(ours, theirs, *batch())
    with torch.no_grad():
        ours.get_parameter(name)[0] += 0.1
    with pytest.raises(AssertionError):
        check_equal(ours, theirs, *batch())


def test_other_best_tags_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = make_pair(4)
    monkeypatch.setattr(theirs, "decode", lambda emissions, mask: [[0] * int(n) for n in mask.sum(dim=1)])
    with pytest.raises(AssertionError, match="best tags differ"):
        check_equal(ours, theirs, *batch())


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match="pip install pytorch-crf"):
        make_pair(4)


def test_threads_are_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()

    def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("tasktalk.benchmarks.speed_crf.make_pair", fails)
    with pytest.raises(RuntimeError):
        compare(Sizes(2, 2, 2, 1, 1), before + 1)
    assert torch.get_num_threads() == before

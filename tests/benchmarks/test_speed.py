import json
from pathlib import Path

import pytest

from tasktalk.benchmarks import speed
from tasktalk.benchmarks.speed import main, markdown, transfer

RATIO = {"median": 2.04, "lowest": 1.96, "highest": 3.0}


def test_the_transfer_has_a_process_of_its_own() -> None:
    found = transfer("block", quick=True, threads=1, cpu_time=True)
    assert found["part"] == "block" and found["threads"] == 1


def test_a_table_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(part: str, quick: bool, threads: int, cpu_time: bool) -> dict[str, object]:
        assert quick and not cpu_time
        numbers = {"to_products": RATIO, "to_products_once": RATIO}
        return {"part": part, "threads": threads, "peak_memory_mb": 1234.4, **numbers}

    monkeypatch.setattr(speed, "transfer", told)
    main(["--quick", "--threads", "1", "--out", str(tmp_path / "speed")])
    found = json.loads((tmp_path / "speed.json").read_text())
    text = (tmp_path / "speed.md").read_text()
    assert text == markdown(found)
    lines = text.splitlines()
    assert sum(line.startswith(("| single |", "| cross-stitch |", "| mmoe |", "| mitten |")) for line in lines) == 8
    assert "| step | 1 | 1234 | 2.0 (2.0 to 3.0) | 2.0 (2.0 to 3.0) |" in lines
    assert text.startswith("A training step (forward, losses, backward, AdamW) of 3 tasks on 4 molecules")
    assert found["machine"]["processor"] in text


def test_dropout_and_none_stand_in_one_line() -> None:
    row = {"model": "mitten", "bonds": "one", "threads": 2, "ratio": RATIO}
    sizes = {"tasks": 1, "molecules": 1, "atoms": 1, "layers": 1, "hidden": 1, "rounds": 1, "positions": 1, "edges": 1}
    found = {"machine": {}, "time": "CPU", "step_sizes": sizes, "graph_sizes": sizes, "transfer": []}
    text = markdown({**found, "steps": [row, {**row, "ratio": {**RATIO, "median": 4.0}}]})
    assert "| mitten | one | 2 | 2.0 (2.0 to 3.0) | 4.0 (2.0 to 3.0) |" in text

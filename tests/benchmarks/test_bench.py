"""Everything that ``tasktalk bench`` measures."""

import sys
from pathlib import Path

import pytest

from tasktalk.benchmarks import speed
from tasktalk.benchmarks.bench import PARTS, points_of, run, tables
from tasktalk.benchmarks.bench_libmtl import MISSING
from tasktalk.benchmarks.speed_transfer import QUICK, measure


def test_tables_of_every_part() -> None:
    found = run([part for part in PARTS if part != "transfers"], threads=1, rounds=1, quick=True)
    captions = tables(found)
    assert [len(rows) for _, rows in captions] == [4, 4, 3, 10]
    assert "GFLOP/s" in captions[0][0]
    assert {row[0] for row in captions[1][1][1:]} == {"tasktalk --help", "import tasktalk", "tasktalk predict"}
    assert len(points_of(found)) == 4


def test_transfers_are_compared_with_loops_with_products_and_with_libmtl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "transfer", lambda part, *_: measure(part, QUICK))  # without a process for each
    monkeypatch.setitem(sys.modules, "LibMTL", None)
    made = tables(run(["transfers"], threads=1, rounds=1, quick=True, cpu_time=True))
    assert [(rows[0][0], len(rows)) for _, rows in made] == [("model", 9), ("part", 3), ("model", 3)]
    assert made[2][1][1] == ["mmoe", MISSING]


def test_only_what_was_asked_for() -> None:
    found = run(["training"], threads=1, rounds=1, quick=True, cpu_time=True)
    assert [rows[0][0] for _, rows in tables(found)] == ["phase"]
    assert found["training"]["data"] == "tiny"


def test_the_data_that_was_asked_for(tmp_path: Path) -> None:
    rows = [f"a {word} plot number {n},{word}" for n in range(80) for word in ("good", "bad")]
    (tmp_path / "films.csv").write_text("\n".join(["text,label", *rows]))
    found = run(["training"], threads=1, rounds=1, quick=True, data=str(tmp_path / "films.csv"))
    assert found["training"]["tasks"] == 1
    assert found["training"]["steps"] == 3

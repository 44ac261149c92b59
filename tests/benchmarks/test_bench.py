"""Everything that ``tasktalk bench`` measures."""

from pathlib import Path

from tasktalk.benchmarks.bench import PARTS, points_of, run, tables


def test_tables_of_every_part() -> None:
    found = run(PARTS, threads=1, rounds=1, quick=True)
    captions = tables(found)
    assert [len(rows) for _, rows in captions] == [4, 4, 3, 10]
    assert "GFLOP/s" in captions[0][0]
    assert {row[0] for row in captions[1][1][1:]} == {"tasktalk --help", "import tasktalk", "tasktalk predict"}
    assert len(points_of(found)) == 4


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

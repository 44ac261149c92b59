"""Everything that ``tasktalk bench`` measures."""

from tasktalk.benchmarks.bench import PARTS, points_of, run, tables


def test_tables_of_every_part() -> None:
    found = run(PARTS, threads=1, rounds=1, quick=True)
    captions = tables(found)
    assert [len(rows) for _, rows in captions] == [4, 3, 3]
    assert "GFLOP/s" in captions[0][0]
    assert {row[0] for row in captions[1][1][1:]} == {"tasktalk --help", "import tasktalk"}
    assert len(points_of(found)) == 4


def test_only_what_was_asked_for() -> None:
    assert tables(run(["start"], threads=1, rounds=1, quick=True))[0][1][0] == ["command", "seconds"]

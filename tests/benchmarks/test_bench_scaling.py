"""How cost grows."""

from pathlib import Path

import pytest
from PIL import Image

from tasktalk.benchmarks.bench_floor import Sizes
from tasktalk.benchmarks.bench_scaling import Point, draw, exponents, sweep, to_csv

POINTS = [
    Point(model, of, value, 2.0 * value**power, 3.0 * value)
    for model, power in (("ic", 2), ("dc", 1))
    for of in ("words", "tasks")
    for value in (1, 4, 16, 64)
]


def test_exponents_are_those_of_powers() -> None:
    for row in exponents(POINTS):
        assert row["time"] == pytest.approx({"ic": 2, "dc": 1}[row["model"]])
        assert row["memory"] == pytest.approx(1)


def test_files(tmp_path: Path) -> None:
    lines = to_csv(POINTS).splitlines()
    assert lines[0] == "model,of,value,milliseconds,megabytes"
    assert len(lines) == 1 + len(POINTS)
    draw(POINTS, tmp_path / "scaling.png")
    with Image.open(tmp_path / "scaling.png") as image:
        assert image.width > 400


def test_points_are_measured_in_processes_of_their_own() -> None:
    points = sweep(Sizes(words=2, tasks=2, batch=2, hidden=4), {"words": (2,)}, threads=1)
    assert [(point.model, point.of, point.value) for point in points] == [("ic", "words", 2), ("dc", "words", 2)]
    assert all(point.milliseconds > 0 and point.megabytes > 0 for point in points)


def test_memory_of_a_step_is_seen() -> None:
    sizes = Sizes(words=400, tasks=2, batch=64, hidden=32)
    point, _ = sweep(sizes, {"words": (400,)}, threads=1)  # in a process whose peak nothing else has raised
    assert point.model == "ic" and point.megabytes > 50

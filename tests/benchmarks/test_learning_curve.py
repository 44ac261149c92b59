"""Points of a learning curve, its files and its picture."""

import csv
import json
from pathlib import Path

import pytest
from matplotlib.axes import Axes

from tasktalk.benchmarks.learning_curve import curve, curve_cells, draw, methods_of, write_curve
from tasktalk.benchmarks.leave_one_out_table import Table
from tests.benchmarks.test_leave_one_out_table import row, rows, table


def with_few() -> Table:
    """The table with 5 and 20 labels, of which one run is not finished."""
    few = [
        row(target, method, seed, 40.0 - labels + seed, labels)
        for labels in (5, 20)
        for target in ("books", "MR")
        for method in ("transfer", "ic alone")
        for seed in (0, 1)
    ]
    return table([*rows(), *few[:-1]], labels=(5, 20))


def test_points_stand_in_the_order_of_their_labels_and_end_with_all() -> None:
    points = curve(with_few())
    books = [(p.labels, p.all_labels, p.cell.mean) for p in points if (p.target, p.method) == ("books", "transfer")]
    assert books == [(5, False, 35.5), (20, False, 20.5), (40, True, 11.0)]
    mean = [(p.labels, p.cell.seeds) for p in points if (p.target, p.method) == ("mean", "ic alone")]
    assert mean == [(5, 2), (20, 1), (50.0, 2)]
    assert {p.method for p in points} == {"transfer", "ic alone", "lstm alone"}
    assert methods_of(with_few()) == ["transfer", "ic alone", "lstm alone"]


def test_as_many_labels_as_there_are_are_all() -> None:
    few = [row("MR", "transfer", 0, 30.0, 40)]  # books has 40
    its = table([*rows(), *few], labels=(40,))
    points = {(p.target, p.labels): (p.all_labels, p.cell.mean) for p in curve(its) if p.method == "transfer"}
    assert points == {
        ("books", 40): (True, 11.0), ("MR", 40): (False, 30.0), ("MR", 60): (True, 21.0),
        ("mean", 40): (False, 20.0), ("mean", 50): (True, 16.0),
    }  # fmt: skip


def test_the_table_for_people_is_of_the_mean() -> None:
    header, cells = curve_cells(with_few())
    assert header == ["labels", "transfer", "ic alone", "lstm alone"]
    assert cells == [
        ["5", "35.50 ± 0.71", "35.50 ± 0.71", "-"],
        ["20", "20.50 ± 0.71", "20.00", "-"],
        ["all", "16.00 ± 1.41", "20.50 ± 0.00", "24.00"],
    ]


def test_files_hold_every_point_and_stay_the_same(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_curve(with_few(), tmp_path / folder)
    names = [f"learning-curve.{kind}" for kind in ("csv", "json", "png", "svg")]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == names
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)
    found = json.loads((tmp_path / "one/learning-curve.json").read_text())
    assert (found["metric"], found["seeds"]) == ("error", [0, 1])
    first = {"target": "books", "method": "transfer", "labels": 5, "all_labels": False}
    assert found["points"][0] == first | {"seeds": 2, "mean": 35.5, "std": pytest.approx(0.5**0.5)}
    lines = list(csv.DictReader((tmp_path / "one/learning-curve.csv").read_text().splitlines()))
    assert len(lines) == len(found["points"]) == len(curve(with_few()))
    assert lines[-1]["std"] == "" and lines[-1]["method"] == "lstm alone"


def test_nothing_is_drawn_before_there_is_a_point(tmp_path: Path) -> None:
    empty = table([row("dvd", "transfer", 0, 1.0)], labels=(5,))
    write_curve(empty, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["learning-curve.csv", "learning-curve.json"]


def drawn(panel: Axes) -> dict[str, list[float]]:
    """Upright values of each curve by its label."""
    return {str(box.get_label()): list(box.lines[0].get_ydata()) for box in panel.containers}  # type: ignore[attr-defined]


def test_a_panel_for_the_mean_and_for_each_task_with_error_bars() -> None:
    its = with_few()
    figure = draw(curve(its), methods_of(its), "test error in %")
    shown = [panel for panel in figure.axes if panel.get_visible()]
    assert [panel.get_title() for panel in shown] == ["mean of the tasks", "books", "MR"]
    assert drawn(shown[1]) == {
        "transfer": [35.5, 20.5, 11.0], "ic alone": [35.5, 20.5, 15.5], "lstm alone": [18.0],
    }  # fmt: skip
    assert all(box.has_yerr for box in shown[1].containers)  # type: ignore[attr-defined]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["transfer", "ic alone", "lstm alone"]
    assert shown[1].get_xscale() == "log"
    five = draw([p for p in curve(its) if p.target == "books"], methods_of(its), "x")
    assert len(five.axes) == 1

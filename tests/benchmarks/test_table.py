import json
from pathlib import Path

import pytest

from tasktalk.benchmarks.table import main
from tasktalk.training.config import make_config

CONFIG = {
    "data": {"source": ["my reviews.csv"], "vectors": ["some/folder/a.npz"]},
    "model": {"name": "ic", "pooling": "max", "embedding_features": 50},
    "training": {"epochs": 3},
}


def run_folder(path: Path, errors: dict[str, float]) -> Path:
    path.mkdir(parents=True)
    mean = {"error": sum(errors.values()) / len(errors)}
    test = {"mean": mean, "tasks": {task: {"error": error} for task, error in errors.items()}}
    splits = {"dev": {"mean": {"error": 11.04}, "tasks": {}}, "test": test, "test_not_in_train": {"mean": mean}}
    (path / "metrics.json").write_text(json.dumps({"splits": splits, "seconds": 12.3, "peak_memory_mb": 456.7}))
    (path / "config.yaml").write_text(make_config(CONFIG).to_yaml())
    around = {"machine": {"threads": 2}}
    (path / "environment.json").write_text(json.dumps(around))
    return path


def test_a_table_names_tasks_means_and_commands(tmp_path: Path) -> None:
    first = run_folder(tmp_path / "ic", {"books": 10.0, "music": 20.0})
    second = run_folder(tmp_path / "dc", {"books": 12.0, "music": 14.0})
    main([str(first), f"DC, wide={second}", "--out", str(tmp_path / "table")])
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "| task | ic | DC, wide |"
    assert "| books | **10.0** | 12.0 |" in lines
    assert "| music | 20.0 | **14.0** |" in lines
    assert "| **mean** | 15.0 | **13.0** |" in lines
    assert "| mean on development data | 11.0 | 11.0 |" in lines
    command = (
        "tasktalk train 'my reviews.csv' --model ic --vectors a.npz --set model.pooling=max --set training.epochs=3"
    )
    assert f"- ic: `{command}`" in lines
    assert not [line for line in lines if line.startswith("| standard deviation")]
    columns = json.loads((tmp_path / "table.json").read_text())
    assert [column["mean"] for column in columns] == [15.0, 13.0]


def test_runs_of_several_seeds_are_a_column_of_means(tmp_path: Path) -> None:
    for seed, errors in enumerate(({"books": 10.0, "music": 20.0}, {"books": 14.0, "music": 18.0})):
        run_folder(tmp_path / "ic" / f"seed-{seed}", errors)
    alone = run_folder(tmp_path / "dc", {"books": 13.0, "music": 18.5})
    main([f"IC={tmp_path / 'ic'}", f"DC={alone}", "--out", str(tmp_path / "table")])
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert "| books | **12.0** | 13.0 |" in lines
    assert "| music | 19.0 | **18.5** |" in lines
    assert "| **mean** | **15.5** | 15.8 |" in lines
    assert "| standard deviation over the seeds | 0.71 |  |" in lines
    assert "| seeds | 2 | 1 |" in lines
    (tmp_path / "ic" / "seed-1" / "metrics.json").unlink()
    with pytest.raises(SystemExit):
        main([f"IC={tmp_path / 'ic'}", "--out", str(tmp_path / "table")])


def test_the_papers_columns_stand_beside_ours(tmp_path: Path) -> None:
    main([str(run_folder(tmp_path / "ic", dict.fromkeys(_tasks(), 9.0))), "--paper", "--out", str(tmp_path / "t")])
    lines = (tmp_path / "t.md").read_text().splitlines()
    assert lines[0].endswith("| dc, paper | ic, paper |")
    assert lines[2] == "| books | **9.0** | 19.2 | 15.5 | 17.5 | 16.0 | 13.3 | 13.8 |"


def test_what_is_not_a_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([str(tmp_path), "--out", str(tmp_path / "t")])
    assert exit_.value.code == 2
    assert "metrics.json: cannot be read" in capsys.readouterr().err


def _tasks() -> tuple[str, ...]:
    from tasktalk.benchmarks.papers import FDU_MTL_TASKS

    return FDU_MTL_TASKS

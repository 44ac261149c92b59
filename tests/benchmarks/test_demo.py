from pathlib import Path
from statistics import mean

import pytest

from tasktalk.benchmarks.demo import PICTURE, demo_config, run_demo
from tasktalk.core.errors import RunFolderError
from tasktalk.training.run import Run

pytest.importorskip("rdkit", reason="RDKit is not installed: no molecules")

QUICK = ("training.epochs=1", "model.hidden=4")


def test_the_demo_compares_and_draws(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    result = run_demo(out, seed=1, progress=False, settings=QUICK)
    assert [row.labels for row in result.rows] == [2000, 2000] + [40] * 8
    assert list(result.runs) == ["lstm", "ic", "single", "mitten"]
    for name, folder in result.runs.items():
        tasks = Run.load(folder).metrics["splits"]["test"]["tasks"]
        assert {row.task: row.errors[name] for row in result.rows} == {k: s["error"] for k, s in tasks.items()}
        assert all(scores["n"] == 1000 for scores in tasks.values())
        assert result.scarce(name) == pytest.approx(mean(row.errors[name] for row in result.rows[2:]))
    assert (out / PICTURE).stat().st_size > 10_000
    with pytest.raises(RunFolderError, match="exists already"):
        run_demo(out, progress=False, settings=QUICK)


@pytest.mark.parametrize(("alone", "together"), [("lstm", "ic"), ("single", "mitten")])
def test_both_models_of_a_family_have_the_same_settings(alone: str, together: str) -> None:
    single, shared = (demo_config(name, seed=0) for name in (alone, together))
    assert (single.training, single.data) == (shared.training, shared.data)
    keys = (set(type(single.model).model_fields) & set(type(shared.model).model_fields)) - {"name", "embeddings"}
    assert {key: getattr(single.model, key) for key in keys} == {key: getattr(shared.model, key) for key in keys}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("alone", "together"), [("lstm", "ic"), ("single", "mitten")])
def test_sharing_pays_where_labels_are_scarce(tmp_path: Path, alone: str, together: str) -> None:
    """Mean over seeds that nobody looked at while the tasks and settings were chosen."""
    results = [run_demo(tmp_path / str(seed), seed=seed, progress=False) for seed in (3, 4, 5)]
    assert mean(result.scarce(together) for result in results) < mean(result.scarce(alone) for result in results)

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
    for name, folder in result.runs.items():
        tasks = Run.load(folder).metrics["splits"]["test"]["tasks"]
        shown = {row.task: row.single if name == "lstm" else row.shared for row in result.rows}
        assert shown == {task: scores["error"] for task, scores in tasks.items()}
        assert all(scores["n"] == 1000 for scores in tasks.values())
    scarce = result.rows[2:]
    assert result.scarce() == pytest.approx((mean(r.single for r in scarce), mean(r.shared for r in scarce)))
    assert (out / PICTURE).stat().st_size > 10_000
    with pytest.raises(RunFolderError, match="exists already"):
        run_demo(out, progress=False, settings=QUICK)


def test_both_models_have_the_same_settings() -> None:
    single, shared = (demo_config(name, seed=0) for name in ("lstm", "ic"))
    assert (single.training, single.data) == (shared.training, shared.data)
    assert single.model.model_dump(exclude={"name", "embeddings"}) == shared.model.model_dump(
        exclude={"name", "embeddings", "causal"}
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_sharing_pays_where_labels_are_scarce(tmp_path: Path) -> None:
    """Mean over seeds that nobody looked at while the tasks and settings were chosen."""
    results = [run_demo(tmp_path / str(seed), seed=seed, progress=False).scarce() for seed in (3, 4, 5)]
    assert mean(shared for _, shared in results) < mean(single for single, _ in results)

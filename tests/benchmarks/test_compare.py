import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasktalk.benchmarks.compare import Row, check_rows, plan_rows, run_rows
from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.data.dataset import Dataset
from tasktalk.data.load import load
from tests.cli.conftest import contents

SMALL = ("model.hidden=8", "training.epochs=1", "training.tracker=none", "training.batch_size=64")


def plan(models: Sequence[str], *settings: str, variants: Sequence[str] = (), **values: dict[str, Any]) -> list[Row]:
    return plan_rows(models, variants, values, settings)[0]


def test_plain_settings_hold_for_all_networks_and_titled_ones_for_one() -> None:
    rows = plan(["single", "mitten"], "model.hidden=8", "mitten:model.eta=2", "training.epochs=3")
    assert [row.title for row in rows] == ["single", "mitten"]
    assert [row.config.model.hidden for row in rows] == [8, 8]
    assert rows[1].config.model.eta == 2
    assert [row.config.training.epochs for row in rows] == [3, 3]


def test_variants_have_settings_of_their_own_between_commas_or_with_the_title_again() -> None:
    variants = [
        "a=mitten:model.dependency=log-prior,model.eta=2",
        "b=mitten:model.eta=3",
        "a=mitten:training.weight_decay=0.5",
    ]
    rows = {row.title: row.config for row in plan(["mitten"], variants=variants)}
    assert list(rows) == ["mitten", "a", "b"]
    assert (rows["a"].model.dependency, rows["a"].model.eta) == ("log-prior", 2)
    assert (rows["a"].training.weight_decay, rows["mitten"].training.weight_decay) == (0.5, 0.0)
    assert (rows["b"].model.dependency, rows["b"].model.eta) == ("scale", 3)


def test_a_setting_by_title_is_stronger_and_the_file_is_weaker() -> None:
    values: dict[str, Any] = {
        "model": {"name": "ic", "hidden": 5, "layers": 2},
        "training": {"beside": ["linear"], "seed": 9},
    }
    rows = plan(["single", "shared"], "model.hidden=8", "shared:model.hidden=9", **values)
    assert [row.config.model.hidden for row in rows] == [8, 9]
    assert [row.config.model.layers for row in rows] == [2, 2]
    assert [row.config.training.beside for row in rows] == [[], []]
    assert rows[0].with_seed(3).training.seed == 3


def test_settings_of_networks_do_not_hold_for_simple_models_and_that_is_said_once() -> None:
    rows, remarks = plan_rows(["single", "linear", "forest"], (), {}, ("model.hidden=8", "forest:model.trees=7"))
    assert remarks == ["the settings model.* are of networks and do not hold for linear and forest"]
    assert rows[2].config.model.trees == 7
    assert plan_rows(["single", "forest"], (), {}, ("forest:model.trees=7",))[1] == []


@pytest.mark.parametrize(
    ("models", "variants", "settings", "sentence"),
    [
        (["mittn"], [], [], "unknown model 'mittn': did you mean 'mitten'"),
        (["single", "single"], [], [], "'single' is compared twice"),
        ([], [], [], "nothing to compare: name models"),
        (["single", "mitten"], [], ["model.eta=2"], "single: unknown setting 'model.eta': .* --set TITLE:model.key"),
        (["single"], [], ["mitten:model.eta=2"], "setting of 'mitten', which is not compared: choose from single"),
        (["single"], [], ["training.seed=2"], "training.seed cannot be set in a comparison: .* --seeds"),
        (["single"], [], ["single:training.seed=2"], "training.seed cannot be set"),
        (["single"], [], ["model.name=ic"], "model.name cannot be set"),
        (["single"], [], ["single:data.mask=all:10"], "cannot be set for one model: all are compared on the same data"),
        (["single"], [], ["model.hidden=x"], "single: model.hidden: "),
        (["single"], ["x"], [], "a variant: expected TITLE=MODEL:section.key=value"),
        (["single"], ["x=mittn"], [], "unknown model 'mittn'"),
        (["single"], ["a/b=single"], [], "a title is letters"),
        (["single"], ["best=single"], [], "a title is letters"),
        (["single"], ["single=mitten"], [], "'single' is compared twice"),
        ([], ["a=single", "a=mitten"], [], "'a' is compared twice"),
        ([], ["a=mitten:data.mask=all:10"], [], "cannot be set for one model"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    models: list[str], variants: list[str], settings: list[str], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        plan_rows(models, variants, {}, settings)


def test_runs_are_kept_resumed_and_added(molecules: Dataset, tmp_path: Path) -> None:
    out, told = tmp_path / "out", list[str]()
    rows = plan(["single", "linear"], *SMALL)
    check_rows(molecules, rows, (0, 1), out)
    first, failures = run_rows(molecules, rows, (0, 1), out, progress=False, tell=told.append)
    assert failures == []
    assert [line.partition(" (")[0] for line in told[::2]] == [
        "single, seed 0", "linear, seed 0", "single, seed 1", "linear, seed 1",
    ]  # fmt: skip
    assert first["single"][1]["folder"] == "single/seed-1"
    assert first["single"][0]["splits"] != first["single"][1]["splits"]
    before = contents(out)
    (out / "single/seed-0/metrics.json").unlink()  # as if it had been killed before its scores were written
    shutil.rmtree(out / "linear/seed-1")
    told.clear()
    rows = plan(["single", "linear", "shared"], *SMALL)
    check_rows(molecules, rows, (0, 1), out)
    again, _ = run_rows(molecules, rows, (0, 1), out, progress=False, tell=told.append)
    assert [line.partition(" in ")[0] for line in told if "..." not in line] == [
        "single, seed 0 (1 of 6) resumed and trained", "linear, seed 0 (2 of 6) was trained before,",
        "shared, seed 0 (3 of 6) trained", "single, seed 1 (4 of 6) was trained before,",
        "linear, seed 1 (5 of 6) trained", "shared, seed 1 (6 of 6) trained",
    ]  # fmt: skip
    for title in ("single", "linear"):
        assert {seed: run["splits"] for seed, run in again[title].items()} == {
            seed: run["splits"] for seed, run in first[title].items()
        }
    after = contents(out)
    kept = [name for name in before if name.startswith(("linear/seed-0/", "single/seed-1/"))]
    assert kept and all(after[name] == before[name] for name in kept)


def test_every_seed_has_its_own_mask_and_the_same_test_molecules(molecules: Dataset, tmp_path: Path) -> None:
    rows = plan(["linear"], "data.mask=partial:50")
    run_rows(molecules, rows, (0, 1, 2), tmp_path, progress=False)
    masks = [yaml.safe_load((tmp_path / f"linear/seed-{n}/mask.json").read_text()) for n in (0, 1, 2)]
    assert [mask["seed"] for mask in masks] == [0, 1, 2]
    assert len({str(mask["masked"]) for mask in masks}) > 1


def test_a_run_with_other_settings_or_data_is_refused(molecules: Dataset, tmp_path: Path) -> None:
    run_rows(molecules, plan(["linear"]), (0,), tmp_path, progress=False)
    check_rows(molecules, plan(["linear"]), (0, 1), tmp_path)
    with pytest.raises(
        RunFolderError, match=r"seed-0: this run has other settings \(training.epochs=10 instead of 3\)"
    ):
        check_rows(molecules, plan(["linear"], "training.epochs=3"), (0,), tmp_path)
    with pytest.raises(RunFolderError, match="settings .model.name='linear' instead of 'single'.; choose another"):
        check_rows(molecules, plan([], variants=["linear=single"]), (0,), tmp_path)
    table = tmp_path / "m.csv"
    table.write_text(table.read_text() + "CCCCCCCC,0,0,0\n")
    with pytest.raises(RunFolderError, match="seed-0: this run read other data"):
        check_rows(load(table, smiles="smiles"), plan(["linear"]), (0,), tmp_path)


def test_what_is_no_run_folder_is_refused(molecules: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "linear" / "seed-0"
    folder.mkdir(parents=True)
    (folder / "training.lock").touch()  # all that a run leaves that was killed as it began
    check_rows(molecules, plan(["linear"]), (0,), tmp_path)
    (folder / "notes.txt").touch()
    with pytest.raises(RunFolderError, match="seed-0: is not a run folder"):
        check_rows(molecules, plan(["linear"]), (0,), tmp_path)
    (folder / "config.yaml").write_text("model: {name: lineer}")
    with pytest.raises(RunFolderError, match="its settings cannot be read .unknown model 'lineer'"):
        check_rows(molecules, plan(["linear"]), (0,), tmp_path)


def test_what_cannot_be_trained_is_refused_before_anything_is(molecules: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dc: .*molecules"):
        check_rows(molecules, plan(["single", "dc"]), (0,), tmp_path)
    with pytest.raises(DataError, match="leaves none"):
        check_rows(molecules, plan(["single"], "data.mask=all:0.1"), (0,), tmp_path)
    splits = {name: part for name, part in molecules.splits.items() if name != "test"}
    with pytest.raises(DataError, match="expected test examples"):
        check_rows(Dataset(**{**vars(molecules), "splits": splits}), plan(["single"]), (0,), tmp_path)


def test_one_that_fails_leaves_the_others(molecules: Dataset, tmp_path: Path) -> None:
    rows = plan(["single", "shared"], *SMALL, "training.epochs=2", "single:training.learning_rate=1e37")
    results, failures = run_rows(molecules, rows, (4,), tmp_path, progress=False)
    assert list(results["shared"]) == [4] and results["single"] == {}
    assert [(failure.title, failure.seed) for failure in failures] == [("single", 4)]
    assert "is nan" in failures[0].reason

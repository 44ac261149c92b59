"""Tox21 and SIDER: what is known of the real files."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset, Molecules
from tasktalk.data.moleculenet import TOX21_TASKS, load_sider, load_tox21
from tasktalk.data.request import Request
from tasktalk.data.scaffold import scaffold

pytest.importorskip("rdkit", reason="RDKit is not installed")


@pytest.fixture(scope="module")
def tox21(real_data: Path) -> Dataset:
    return load_tox21(real_data / "tox21", Request())


@pytest.fixture(scope="module")
def sider(real_data: Path) -> Dataset:
    return load_sider(real_data / "sider", Request(split="scaffold", test=0.1))


def molecules(dataset: Dataset, split: str) -> Molecules:
    content = dataset.splits[split].content
    assert isinstance(content, Molecules)
    return content


def known(dataset: Dataset) -> int:
    return sum(int((~np.isnan(examples.labels)).sum()) for examples in dataset.splits.values())


def test_tox21_as_it_is(tox21: Dataset) -> None:
    assert tox21.name == "tox21" and list(tox21.sources) == ["tox21.csv.gz"]
    assert tuple(task.name for task in tox21.tasks) == TOX21_TASKS
    assert all(task.kind == "binary" and task.classes == ("0", "1") for task in tox21.tasks)
    assert {split: len(examples) for split, examples in tox21.splits.items()} == {
        "train": 5604, "dev": 801, "test": 1601,
    }  # fmt: skip
    assert all(examples.owner is None for examples in tox21.splits.values())
    assert len(tox21.skipped) == 8
    assert tox21.skipped[0].startswith("tox21.csv.gz, line 1332: RDKit cannot read 'NC(=O)")
    (warning,) = tox21.warnings
    assert warning.startswith("8 of 8014 molecules were left out")


def test_every_label_of_tox21_is_there(tox21: Dataset, real_data: Path) -> None:
    rows = gzip.decompress((real_data / "tox21" / "tox21.csv.gz").read_bytes()).decode().split("\n")[1:-1]
    labels = {number + 2: sum(map(bool, row.split(",")[:12])) for number, row in enumerate(rows)}
    skipped = {int(sentence.partition("line ")[2].partition(":")[0]) for sentence in tox21.skipped}
    assert sum(labels.values()) == 79_573
    assert known(tox21) == 79_573 - sum(labels[line] for line in skipped) == 79_491


def test_no_molecule_of_tox21_stands_in_two_splits(tox21: Dataset) -> None:
    canonical = {split: set(molecules(tox21, split).canonical) for split in tox21.splits}
    assert len(set().union(*canonical.values())) == sum(map(len, canonical.values())) == 7823
    assert sum(len(examples) for examples in tox21.splits.values()) == 8006


def test_classes_have_about_the_same_share_in_every_split(tox21: Dataset) -> None:
    share = {split: np.nanmean(examples.labels, axis=0) for split, examples in tox21.splits.items()}
    np.testing.assert_allclose(share["test"], share["train"], atol=0.02)


def test_a_task_that_tox21_does_not_have(real_data: Path) -> None:
    with pytest.raises(ConfigError, match="no task 'SR-p35': did you mean 'SR-p53'"):
        load_tox21(real_data / "tox21", Request(tasks=("SR-p35",)))


def test_sider_as_it_is(sider: Dataset) -> None:
    assert sider.name == "sider" and len(sider.tasks) == 27
    assert sider.tasks[2].name == "Product issues"
    assert sider.skipped == sider.warnings == ()
    assert known(sider) == 1427 * 27
    labels = np.concatenate([examples.labels for examples in sider.splits.values()])
    share = labels.mean(0)
    assert round(float(share[2]), 3) == 0.015 and int((share > 0.9).sum()) == 4
    sizes = np.array([len(graph.atoms) for split in sider.splits for graph in molecules(sider, split).graphs])
    assert sizes.max() == 492 and (sizes == 1).sum() == 25 and len(sizes) == 1427


def test_no_scaffold_of_sider_stands_in_two_splits(sider: Dataset) -> None:
    found = {split: {scaffold(smiles) for smiles in molecules(sider, split).canonical} for split in sider.splits}
    assert not found["train"] & found["test"] and not found["train"] & found["dev"] and not found["dev"] & found["test"]
    assert abs(len(sider.splits["train"]) - 0.8 * 1427) < 2

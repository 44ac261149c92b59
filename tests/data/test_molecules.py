"""The demo's molecules: their labels, their split, and what happens without RDKit."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import DataError, TasktalkError
from tasktalk.data.dataset import Dataset, Examples, Molecules
from tasktalk.data.molecules import (
    DEV_MOLECULES,
    MOLECULE_GRAPHS,
    MOLECULES,
    PROPERTIES,
    TEST_MOLECULES,
    demo_molecule_graphs,
    demo_molecules,
    properties_of,
)

rdkit = pytest.importorskip("rdkit", reason="RDKit is not installed")

PARACETAMOL = "CC(=O)Nc1ccc(O)cc1"
DDT = "Clc1ccc(cc1)C(c1ccc(Cl)cc1)C(Cl)(Cl)Cl"
GLUCOSE = "OCC1OC(O)C(O)C(O)C1O"
HEXANE = "CCCCCC"


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return demo_molecules(seed=1)


@pytest.fixture(scope="module")
def graphs() -> Dataset:
    return demo_molecule_graphs(seed=1)


def labels_by_molecule(examples: Examples) -> dict[tuple[str, int], float]:
    """Every known label by SMILES and task."""
    content = examples.content
    smiles = content.smiles if isinstance(content, Molecules) else ["".join(words) for words in examples.tokens]
    return {
        (smiles[row], int(task)): examples.labels[row, task] for row, task in np.argwhere(~np.isnan(examples.labels))
    }


def canonical(tokens: list[str]) -> str:
    return str(rdkit.Chem.CanonSmiles("".join(tokens)))


@pytest.fixture(scope="module", autouse=True)
def chemistry() -> Iterator[None]:
    import rdkit.Chem

    with rdkit.rdBase.BlockLogs():
        yield


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        (PARACETAMOL, {"aromatic", "donors", "soluble"}),
        (DDT, {"lipophilic", "aromatic", "rings", "halogen", "brain", "skin"}),
        (GLUCOSE, {"polar", "donors", "soluble"}),
        (HEXANE, {"lipophilic", "soluble", "brain", "skin"}),
    ],
    ids=["paracetamol", "DDT", "glucose", "hexane"],
)
def test_known_molecules_have_the_properties_that_chemists_expect(smiles: str, expected: set[str]) -> None:
    found = properties_of(smiles)
    assert found is not None
    assert list(found) == list(PROPERTIES)
    assert {name for name, has in found.items() if has} == expected


@pytest.mark.parametrize("smiles", ["C1CC", "c1cccc1", ""], ids=["open ring", "not aromatic", "empty"])
def test_what_is_no_molecule_has_no_properties(smiles: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert properties_of(smiles) is None
    assert capfd.readouterr().err == ""


def test_two_tasks_have_many_labels_and_eight_a_few_dozen(dataset: Dataset) -> None:
    assert [task.name for task in dataset.tasks] == list(PROPERTIES)
    known = {split: (~np.isnan(examples.labels)).sum(0).tolist() for split, examples in dataset.splits.items()}
    assert known == {"train": [2000, 2000] + [40] * 8, "dev": [300, 300] + [40] * 8, "test": [TEST_MOLECULES] * 10}


def test_every_example_has_the_label_of_its_owner_and_no_other(dataset: Dataset) -> None:
    for examples in dataset.splits.values():
        known = ~np.isnan(examples.labels)
        assert (known.sum(1) == 1).all()
        assert (known.argmax(1) == examples.owner).all()
        assert len(examples) == len(examples.labels)


def test_labels_belong_to_their_molecules(dataset: Dataset) -> None:
    train = dataset.splits["train"]
    assert train.owner is not None
    for row in range(0, len(train), 397):
        found = properties_of("".join(train.tokens[row]))
        assert found is not None
        task = train.owner[row]
        assert train.labels[row, task] == list(found.values())[task]


def test_no_molecule_stands_in_two_splits(dataset: Dataset) -> None:
    molecules = {split: {canonical(text) for text in examples.tokens} for split, examples in dataset.splits.items()}
    assert len(molecules["test"]) == TEST_MOLECULES
    assert len(molecules["dev"]) <= DEV_MOLECULES
    assert not molecules["train"] & molecules["test"]
    assert not molecules["train"] & molecules["dev"]
    assert not molecules["dev"] & molecules["test"]


def test_no_class_is_rare(dataset: Dataset) -> None:
    share = np.nanmean(dataset.splits["test"].labels, axis=0)
    assert ((share > 0.15) & (share < 0.7)).all()


def test_the_seed_alone_decides(dataset: Dataset) -> None:
    again, other = demo_molecules(seed=1), demo_molecules(seed=2)
    for split, examples in dataset.splits.items():
        assert again.splits[split].tokens == examples.tokens
        np.testing.assert_array_equal(again.splits[split].labels, examples.labels)
        assert other.splits[split].tokens != examples.tokens
    assert again.sources == other.sources == dataset.sources


def test_graphs_are_the_same_molecules_with_the_same_labels(dataset: Dataset, graphs: Dataset) -> None:
    assert graphs.tasks == dataset.tasks and graphs.sources == dataset.sources
    assert graphs.name == "molecule-graphs" and graphs.tokenizer == ""
    for split, examples in dataset.splits.items():
        assert labels_by_molecule(graphs.splits[split]) == labels_by_molecule(examples)


def test_every_molecule_is_one_example_with_a_label(graphs: Dataset) -> None:
    for examples in graphs.splits.values():
        assert examples.owner is None
        assert len(set(examples.keys())) == len(examples)
        assert not np.isnan(examples.labels).all(1).any()
    test = graphs.splits["test"]
    assert len(test) == TEST_MOLECULES and not np.isnan(test.labels).any()


def test_graphs_belong_to_their_molecules(graphs: Dataset) -> None:
    content = graphs.splits["dev"].content
    assert isinstance(content, Molecules)
    for smiles, known, graph in zip(content.smiles, content.canonical, content.graphs, strict=True):
        molecule = rdkit.Chem.MolFromSmiles(smiles)
        assert rdkit.Chem.MolToSmiles(molecule) == known
        assert len(graph.atoms) == molecule.GetNumAtoms() and len(graph.kinds) == molecule.GetNumBonds()


def test_the_seed_decides_about_graphs_too(graphs: Dataset) -> None:
    again, other = demo_molecule_graphs(seed=1), demo_molecule_graphs(seed=2)
    for split, examples in graphs.splits.items():
        np.testing.assert_array_equal(again.splits[split].labels, examples.labels)
        assert again.splits[split].keys() == examples.keys() != other.splits[split].keys()


def test_names_of_both_forms() -> None:
    found = MOLECULE_GRAPHS.fullmatch("molecule-graphs:3")
    assert found is not None and found["seed"] == "3"
    assert MOLECULE_GRAPHS.fullmatch("molecule-graphs") and MOLECULES.fullmatch("molecules:12")
    assert MOLECULE_GRAPHS.fullmatch("molecules") is None and MOLECULES.fullmatch("molecule-graphs") is None


def test_without_rdkit_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(TasktalkError, match=r'pip install "tasktalk\[molecules\]"'):
        demo_molecules(seed=0)
    with pytest.raises(TasktalkError, match="molecules need RDKit"):
        properties_of("C")


def test_rdkit_without_its_data_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from rdkit import RDConfig

    monkeypatch.setattr(RDConfig, "RDDataDir", str(tmp_path))
    with pytest.raises(DataError, match=r"first_5K\.smi: cannot be read"):
        demo_molecules(seed=0)

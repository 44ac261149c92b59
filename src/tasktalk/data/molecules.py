"""The demo's data set: the molecules that ship with RDKit, and ten properties that RDKit computes from them.

Two properties are known for thousands of molecules and eight for a few dozen. They are about the same chemistry, so
a model that has learned what makes a molecule polar or greasy needs few examples to tell what dissolves in water.
The labels are computed, not measured: this shows how sharing works, and says nothing about real assays.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from tasktalk.core.seeding import generator
from tasktalk.core.task import Task
from tasktalk.data.atoms import molecule_graph, parse, require_rdkit
from tasktalk.data.dataset import Dataset, Examples, MoleculeGraph, Molecules
from tasktalk.data.lines import read_lines
from tasktalk.data.tokenize import tokenizer

MOLECULES = re.compile(r"molecules(:(?P<seed>\d{1,9}))?")
"""How this data set is named where others are named by a path."""
MOLECULE_GRAPHS = re.compile(r"molecule-graphs(:(?P<seed>\d{1,9}))?")
"""The same with graphs in place of strings."""
TOKENIZER = "smiles"
TEST_MOLECULES = 1000
DEV_MOLECULES = 500


@dataclass(frozen=True)
class Property:
    """One property, which is one task.

    Args:
        meaning: when a molecule has it, to be read after "the molecule has".
        train: number of labelled training molecules.
        dev: number of labelled development molecules.
    """

    meaning: str
    train: int = 40
    dev: int = 40


PROPERTIES: dict[str, Property] = {
    "polar": Property("a topological polar surface above 60 square angstroms", train=2000, dev=300),
    "lipophilic": Property("a Crippen logP above 2", train=2000, dev=300),
    "aromatic": Property("an aromatic ring"),
    "rings": Property("two or more rings"),
    "halogen": Property("a halogen atom"),
    "donors": Property("two or more hydrogen-bond donors"),
    "flexible": Property("four or more rotatable bonds"),
    "soluble": Property("a solubility in water above 1 mmol/l, by ESOL"),
    "brain": Property("a higher concentration in the brain than in the blood, by Clark's equation"),
    "skin": Property("a permeability of the skin above 0.003 cm/h, by Potts and Guy's equation"),
}
"""The properties by task name, in the order of the tasks; the defaults are the scarce ones."""


def demo_molecules(seed: int) -> Dataset:
    """Ten binary tasks over the molecules of RDKit's ``NCI/first_5K.smi``, as separate inputs.

    Molecules are divided into training, development and test first, and each task then draws its own from each part;
    all tasks are tested on the same molecules. Strings that RDKit rejects are left out, and a molecule that is
    written twice (the same canonical SMILES) counts once.

    Args:
        seed: of the division and of the draws.

    Raises:
        TasktalkError: RDKit is not installed.
        DataError: RDKit is installed without its data files.
    """
    smiles, labels, sources = _molecules()
    return Dataset(
        name="molecules",
        tasks=_tasks(),
        splits={split: _texts(smiles, labels, rows) for split, rows in _draw(seed, len(smiles)).items()},
        tokenizer=TOKENIZER,
        sources=sources,
    )


def demo_molecule_graphs(seed: int) -> Dataset:
    """The molecules, labels and splits of ``demo_molecules`` as graphs, and as shared inputs.

    Every molecule is one example, with the labels of the tasks that drew it; those that no task drew are left out.

    Args:
        seed: as in ``demo_molecules``.

    Raises:
        TasktalkError: RDKit is not installed.
        DataError: RDKit is installed without its data files.
    """
    smiles, labels, sources = _molecules()
    return Dataset(
        name="molecule-graphs",
        tasks=_tasks(),
        splits={split: _graphs(smiles, labels, rows) for split, rows in _draw(seed, len(smiles)).items()},
        tokenizer="",
        sources=sources,
    )


def properties_of(smiles: str) -> dict[str, bool] | None:
    """Which of ``PROPERTIES`` a molecule has; None where the SMILES string is not one of a molecule.

    Raises:
        TasktalkError: RDKit is not installed.
    """
    molecule = parse(smiles)
    return None if molecule is None else _measure(molecule)


def _tasks() -> tuple[Task, ...]:
    return tuple(Task(name, "binary", ("no", "yes")) for name in PROPERTIES)


def _draw(seed: int, molecules: int) -> dict[str, list[list[int]]]:
    """Which molecules each task has, by split."""
    draw = generator(seed, molecules)
    order = draw.permutation(molecules)
    parts = np.split(order, [TEST_MOLECULES, TEST_MOLECULES + DEV_MOLECULES])
    test, dev, train = (part.tolist() for part in parts)
    return {
        "train": [draw.permutation(train)[: property_.train].tolist() for property_ in PROPERTIES.values()],
        "dev": [draw.permutation(dev)[: property_.dev].tolist() for property_ in PROPERTIES.values()],
        "test": [test] * len(PROPERTIES),
    }


def _texts(
    smiles: Sequence[str], labels: Bool[np.ndarray, "molecules tasks"], drawn: Sequence[Sequence[int]]
) -> Examples:
    """One example for each task and each molecule that was drawn for it."""
    tokenize = tokenizer(TOKENIZER)
    owner = np.repeat(np.arange(len(drawn)), [len(rows) for rows in drawn])
    matrix = np.full((len(owner), len(drawn)), np.nan)
    matrix[np.arange(len(owner)), owner] = labels[np.concatenate(drawn), owner]
    return Examples([tokenize(smiles[row]) for rows in drawn for row in rows], matrix, owner)


def _graphs(
    smiles: Sequence[str], labels: Bool[np.ndarray, "molecules tasks"], drawn: Sequence[Sequence[int]]
) -> Examples:
    """One example for each molecule that was drawn."""
    matrix = np.full(labels.shape, np.nan)
    for task, rows in enumerate(drawn):
        matrix[rows, task] = labels[rows, task]
    known = np.flatnonzero(~np.isnan(matrix).all(axis=1))
    strings = [smiles[row] for row in known.tolist()]
    found = [_graph(string) for string in strings]
    content = Molecules(strings, [canonical for canonical, _ in found], [graph for _, graph in found])
    return Examples(content, matrix[known], None)


@lru_cache(maxsize=8192)  # the same molecules for every seed
def _graph(smiles: str) -> tuple[str, MoleculeGraph]:
    from rdkit.Chem import MolToSmiles

    molecule = parse(smiles)
    return MolToSmiles(molecule), molecule_graph(molecule)


def _molecules() -> tuple[list[str], Bool[np.ndarray, "molecules tasks"], dict[str, str]]:
    """SMILES strings in the order of the file, their labels, and the checksum by file name."""
    path = _shipped_file()
    smiles, labels, sha256 = _distinct_molecules(path)
    return smiles, labels, {path.name: sha256}


@lru_cache(maxsize=1)  # seconds of chemistry, the same for every seed
def _distinct_molecules(path: Path) -> tuple[list[str], Bool[np.ndarray, "molecules tasks"], str]:
    """SMILES strings in the order of the file, their labels, and the checksum of the file."""
    from rdkit.Chem import MolToSmiles

    file = read_lines(path)
    found: dict[str, tuple[str, list[bool]]] = {}
    for line in file.lines:
        smiles = line.split("\t")[0]
        molecule = parse(smiles)
        if molecule is None:
            continue
        canonical = MolToSmiles(molecule)
        if canonical not in found:
            found[canonical] = smiles, list(_measure(molecule).values())
    return [smiles for smiles, _ in found.values()], np.array([labels for _, labels in found.values()]), file.sha256


def _measure(molecule: Any) -> dict[str, bool]:
    from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors

    logp = Crippen.MolLogP(molecule)
    weight = Descriptors.MolWt(molecule)
    polar_surface = rdMolDescriptors.CalcTPSA(molecule)
    rotatable = rdMolDescriptors.CalcNumRotatableBonds(molecule)
    atoms = list(molecule.GetAtoms())
    aromatic_share = sum(atom.GetIsAromatic() for atom in atoms) / len(atoms)
    # Delaney 2004, doi:10.1021/ci034243x: logarithm of mol/l.
    solubility = 0.16 - 0.63 * logp - 0.0062 * weight + 0.066 * rotatable - 0.74 * aromatic_share
    # Clark 1999, doi:10.1021/js980402t: logarithm of the ratio of concentrations.
    brain = 0.139 + 0.152 * logp - 0.0148 * polar_surface
    # Potts and Guy 1992, doi:10.1023/A:1015810312465: logarithm of cm/h.
    skin = -2.72 + 0.71 * logp - 0.0061 * weight
    return {
        "polar": polar_surface > 60,
        "lipophilic": logp > 2,
        "aromatic": rdMolDescriptors.CalcNumAromaticRings(molecule) > 0,
        "rings": rdMolDescriptors.CalcNumRings(molecule) >= 2,
        "halogen": any(atom.GetSymbol() in {"F", "Cl", "Br", "I"} for atom in atoms),
        "donors": rdMolDescriptors.CalcNumHBD(molecule) >= 2,
        "flexible": rotatable >= 4,
        "soluble": 10**solubility > 0.001,
        "brain": 10**brain > 1,
        "skin": 10**skin > 0.003,
    }


def _shipped_file() -> Path:
    require_rdkit()
    from rdkit import RDConfig

    return Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"

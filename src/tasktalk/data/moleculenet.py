"""Data sets of MoleculeNet (Wu et al. 2018, doi:10.1039/C7SC02664A): tables of molecules with 0 and 1 for each task."""

from dataclasses import replace
from pathlib import Path

from tasktalk.data.dataset import Dataset
from tasktalk.data.request import Request
from tasktalk.data.smiles import load_smiles

_SMILES = "smiles"
TOX21_TASKS = (
    "NR-AR", "NR-AR-LBD", "NR-AhR", "NR-Aromatase", "NR-ER", "NR-ER-LBD", "NR-PPAR-gamma",
    "SR-ARE", "SR-ATAD5", "SR-HSE", "SR-MMP", "SR-p53",
)  # fmt: skip
"""The assays of Tox21: of nuclear receptors (NR) and of responses to stress (SR)."""


def load_tox21(folder: Path, request: Request) -> Dataset:
    """Load Tox21: 12 assays of toxicity, each measured for a part of about 8000 molecules.

    Args:
        folder: the folder with ``tox21.csv.gz``.
        request: tasks and split; the columns are known.

    Raises:
        ConfigError: an unknown task.
        DataError: something wrong in the file.
        TasktalkError: RDKit is not installed.
    """
    known = replace(request, smiles=_SMILES, labels=TOX21_TASKS)  # the column mol_id is no task
    return load_smiles(folder / "tox21.csv.gz", known, "tox21")


def load_sider(folder: Path, request: Request) -> Dataset:
    """Load SIDER: which of 27 classes of side effects 1427 drugs have.

    Args:
        folder: the folder with ``sider.csv.gz``.
        request: tasks and split; the columns are known.

    Raises:
        ConfigError: an unknown task.
        DataError: something wrong in the file.
        TasktalkError: RDKit is not installed.
    """
    return load_smiles(folder / "sider.csv.gz", replace(request, smiles=_SMILES, labels=None), "sider")

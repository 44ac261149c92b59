"""A split of molecules by scaffold: what is tested has ring systems that training never saw.

The scaffold of a molecule is what Bemis and Murcko (1996, doi:10.1021/jm9602928) call its framework: its rings and the
chains between them. All molecules without a ring have one scaffold, the empty one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tasktalk.core.errors import ConfigError
from tasktalk.data.assemble import Row
from tasktalk.data.atoms import parse


def split_by_scaffold(rows: Sequence[Row], dev: float, test: float) -> dict[str, list[Row]]:
    """Split rows, whose texts are SMILES, so that molecules with the same scaffold stay together.

    As in MoleculeNet (Wu et al. 2018, doi:10.1039/C7SC02664A) and its implementation in DeepChem, scaffolds are dealt
    from the most frequent to the rarest: to training while there is room in its share, else to development, else to
    testing. So nothing is drawn, and the rare scaffolds are tested on. Two things differ: a scaffold too frequent for
    any share goes where most room is left (there: to testing), and one with a class that training would lack goes to
    training. The order of the rows is kept within a split.

    Args:
        rows: all rows.
        dev: share of the rows for development, 0 for none.
        test: share of the rows for testing, 0 for none. Shares are met only as far as whole scaffolds allow.

    Raises:
        ConfigError: the shares are negative or leave nothing to train on.
    """
    if dev < 0 or test < 0 or dev + test >= 1:
        raise ConfigError(f"shares of dev and test: expected at least 0 and a sum below 1, found {dev} and {test}")
    groups: dict[str, list[Row]] = defaultdict(list)
    scaffolds = {smiles: scaffold(smiles) for smiles in {row.text for row in rows}}
    for row in rows:
        groups[scaffolds[row.text]].append(row)
    ordered = dict(sorted(groups.items(), key=_frequent_first))
    side = _deal(ordered, len(rows), dev, test)
    _keep_classes_in_training(ordered, side)
    splits: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    for row in rows:
        splits[side[scaffolds[row.text]]].append(row)
    return splits


def scaffold(smiles: str) -> str:
    """Canonical SMILES of a molecule's scaffold, without chirality; empty where there is no ring or no molecule."""
    molecule = parse(smiles)
    if molecule is None:
        return ""
    from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

    return str(MurckoScaffoldSmiles(mol=molecule, includeChirality=False))


def _frequent_first(group: tuple[str, Sequence[Row]]) -> tuple[int, str]:
    name, rows = group
    return -len(rows), name


def _deal(groups: Mapping[str, Sequence[Row]], total: int, dev: float, test: float) -> dict[str, str]:
    """The split of each scaffold: the first of train, dev and test that has room for it."""
    room = {"train": (1 - dev - test) * total, "dev": dev * total, "test": test * total}
    open_splits = [split for split, share in room.items() if share]
    side = {}
    for name, rows in groups.items():
        fitting = [split for split in open_splits if len(rows) <= room[split]]
        side[name] = fitting[0] if fitting else max(open_splits, key=room.__getitem__)
        room[side[name]] -= len(rows)
    return side


def _keep_classes_in_training(groups: Mapping[str, Sequence[Row]], side: dict[str, str]) -> None:
    covered = {label for name, rows in groups.items() if side[name] == "train" for row in rows
               for label in row.labels.items()}  # fmt: skip
    for name, rows in groups.items():
        labels = {label for row in rows for label in row.labels.items()}
        if not labels <= covered:
            side[name] = "train"
            covered |= labels

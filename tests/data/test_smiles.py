"""Tables of molecules."""

import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.data.atoms import molecule_graph, parse
from tasktalk.data.dataset import Dataset, Examples, Molecules
from tasktalk.data.request import Request
from tasktalk.data.scaffold import scaffold
from tasktalk.data.smiles import load_smiles

MolToSmiles = pytest.importorskip("rdkit.Chem", reason="RDKit is not installed").MolToSmiles

SMILES = Request(smiles="smiles")
RINGS = ["c1ccccc1", "C1CC1", "", "c1ccncc1", "C1CCCCC1"]


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


def chain(number: int) -> str:
    """Different molecules of a few scaffolds."""
    return "C" * (number + 1) + RINGS[number % len(RINGS)]


def table(rows: int = 40) -> str:
    """Columns: of two classes (some missing), of three, of measured values; a name, and a number of each molecule."""
    lines = ["id,smiles,toxic,colour,logp,cas"]
    for i in range(rows):
        toxic = "" if i % 5 == 4 else str(i % 2)
        lines.append(f"mol{i},{chain(i)},{toxic},{['red', 'green', 'blue'][i % 3]},{i * 0.37:.2f},{1000 + i}")
    return "\n".join(lines) + "\n"


def content(examples: Examples) -> Molecules:
    assert isinstance(examples.content, Molecules)
    return examples.content


def joined(dataset: Dataset) -> dict[str, list[float]]:
    """Labels by molecule, of all splits."""
    return {
        smiles: labels
        for examples in dataset.splits.values()
        for smiles, labels in zip(content(examples).smiles, examples.labels.tolist(), strict=True)
    }


def test_kinds_are_inferred_and_names_are_left_out(tmp_path: Path) -> None:
    dataset = load_smiles(write(tmp_path, "mine.csv", table()), SMILES)
    assert dataset.name == "mine" and dataset.tokenizer == ""
    assert [(task.name, task.kind) for task in dataset.tasks] == [
        ("toxic", "binary"), ("colour", "multiclass"), ("logp", "regression"),
    ]  # fmt: skip
    assert [warning.split(" was ")[0] for warning in dataset.warnings] == ["column 'id'", "column 'cas'"]
    assert "name the label columns if it is one" in dataset.warnings[0]
    assert dataset.skipped == ()


def test_labels_belong_to_their_molecules(tmp_path: Path) -> None:
    dataset = load_smiles(write(tmp_path, "mine.csv", table()), SMILES)
    found = joined(dataset)
    classes = dataset.tasks[1].classes
    assert len(found) == 40
    for i in range(40):
        toxic, colour, logp = found[chain(i)]
        assert np.isnan(toxic) if i % 5 == 4 else toxic == i % 2
        assert classes[int(colour)] == ["red", "green", "blue"][i % 3]
        assert logp == pytest.approx(i * 0.37, abs=0.01)
    for examples in dataset.splits.values():
        assert examples.owner is None
        for smiles, canonical, graph in zip(*vars(content(examples)).values(), strict=True):
            again = molecule_graph(parse(smiles))
            np.testing.assert_array_equal(graph.atoms, again.atoms)
            np.testing.assert_array_equal(graph.bonds, again.bonds)
            assert scaffold(canonical) == scaffold(smiles)


def test_measured_values_are_dealt_to_every_split(tmp_path: Path) -> None:
    """Each value stands once: a split that kept every value in training would be none."""
    for split in ("random", "scaffold"):
        request = Request(smiles="smiles", labels=("logp",), split=split, dev=0.2)
        dataset = load_smiles(write(tmp_path, "mine.csv", table(80)), request)
        assert {name: len(examples) > 4 for name, examples in dataset.splits.items()} == {
            "train": True, "dev": True, "test": True,
        }  # fmt: skip
    many = "\n".join(["smiles,dose", *(f"{chain(i)},{i}" for i in range(120))])
    request = Request(smiles="smiles", labels=("dose",), kinds={"dose": "regression"})
    assert len(load_smiles(write(tmp_path, "many.csv", many), request).splits["test"]) == 24


def test_named_columns_and_given_kinds(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.csv", table())
    request = Request(smiles="smiles", labels=("cas", "toxic"), kinds={"cas": "regression"})
    dataset = load_smiles(path, request, name="other")
    assert [(task.name, task.kind) for task in dataset.tasks] == [("cas", "regression"), ("toxic", "binary")]
    assert dataset.warnings == () and dataset.name == "other"
    dataset = load_smiles(path, Request(smiles="smiles", tasks=("logp", "toxic")))
    assert [task.name for task in dataset.tasks] == ["toxic", "logp"]
    with pytest.raises(ConfigError, match="no task 'toxid': did you mean 'toxic'"):
        load_smiles(path, Request(smiles="smiles", tasks=("toxid",)))


@pytest.mark.parametrize("name", ["mine.csv.gz", "mine.tsv", "mine.jsonl", "mine.jsonl.gz"])
def test_other_formats_give_the_same(tmp_path: Path, name: str) -> None:
    rows = [line.split(",") for line in table().splitlines()]
    if "tsv" in name:
        text = "\n".join("\t".join(row) for row in rows)
    elif "jsonl" in name:
        objects = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        text = "\n".join(str({key: value for key, value in row.items() if value}).replace("'", '"') for row in objects)
    else:
        text = table()
    path = write(tmp_path, name, text)
    found = load_smiles(path, SMILES)
    expected = load_smiles(write(tmp_path, "plain.csv", table()), SMILES)
    assert found.name == "mine"
    assert found.tasks == expected.tasks
    assert found.sources == {name: hashlib.sha256(path.read_bytes()).hexdigest()}
    for split, examples in expected.splits.items():
        assert content(found.splits[split]).smiles == content(examples).smiles
        np.testing.assert_array_equal(found.splits[split].labels, examples.labels)


def test_a_molecule_written_in_several_ways_stays_in_one_split(tmp_path: Path) -> None:
    molecule = parse("CCOC(N)CF")
    ways = [MolToSmiles(molecule, rootedAtAtom=atom) for atom in range(molecule.GetNumAtoms())]
    lines = ["smiles,a", *(f"{smiles},{i % 2}" for i, smiles in enumerate([*ways, *map(chain, range(10, 40))]))]
    for seed in range(3):
        dataset = load_smiles(write(tmp_path, "mine.csv", "\n".join(lines)), Request(smiles="smiles", seed=seed))
        counts = [content(examples).canonical.count(MolToSmiles(molecule)) for examples in dataset.splits.values()]
        assert sorted(counts) == [0, 0, len(ways)] and len(set(ways)) > 5
        assert {smiles for examples in dataset.splits.values() for smiles in content(examples).smiles} >= set(ways)


def test_seed_and_scaffold_decide_the_split(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.csv", table())
    tests = {
        tuple(content(load_smiles(path, request).splits["test"]).smiles)
        for request in (SMILES, Request(smiles="smiles"), Request(smiles="smiles", seed=1))
    }
    assert len(tests) == 2
    dataset = load_smiles(path, Request(smiles="smiles", split="scaffold", tasks=("toxic",)))
    found = [{scaffold(smiles) for smiles in content(examples).smiles} for examples in dataset.splits.values()]
    assert sum(map(len, found)) == len(set().union(*found)) == len(RINGS)


def test_a_part_that_gets_no_molecule_is_told(tmp_path: Path) -> None:
    lines = ["smiles,a", *(f"{'C' * (i + 1)}c1ccccc1,{i % 2}" for i in range(20))]
    dataset = load_smiles(write(tmp_path, "mine.csv", "\n".join(lines)), Request(smiles="smiles", split="scaffold"))
    assert {split: len(examples) for split, examples in dataset.splits.items()} == {"train": 20}
    expected = "no molecules for dev: expected 10% of them, but too few scaffolds or molecules can be dealt"
    assert dataset.warnings[0] == expected and dataset.warnings[1].startswith("no molecules for test: expected 20%")


def test_molecules_that_rdkit_rejects_are_listed(tmp_path: Path) -> None:
    lines = table().splitlines()
    lines[3] = lines[3].replace(chain(2), "C1CC")
    lines[6:6] = ["", "broken," + "c1cccc1" * 20 + ",1,red,0.5,7", "none,,1,red,0.5,8"]
    dataset = load_smiles(write(tmp_path, "mine.csv", "\n".join(lines)), SMILES)
    assert dataset.skipped[0] == "mine.csv, line 4: RDKit cannot read 'C1CC'"
    assert (
        dataset.skipped[1].startswith("mine.csv, line 8: RDKit cannot read 'c1cccc1c1")
        and len(dataset.skipped[1]) < 110
    )
    assert dataset.skipped[2] == "mine.csv, line 9: RDKit cannot read ''"
    expected = "3 of 42 molecules were left out, since RDKit cannot read them, the first in mine.csv, line 4: RDKit"
    assert dataset.warnings[-1].startswith(expected)
    assert sum(len(examples) for examples in dataset.splits.values()) == 39


def test_a_null_in_json_is_skipped_too(tmp_path: Path) -> None:
    lines = [f'{{"smiles": "{chain(i)}", "a": {i % 2}}}' for i in range(20)]
    dataset = load_smiles(write(tmp_path, "a.jsonl", "\n".join(['{"smiles": null, "a": 1}', *lines])), SMILES)
    assert dataset.skipped == ("a.jsonl, line 1: RDKit cannot read ''",)


def refused(path: Path, message: str, request: Request = SMILES) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        load_smiles(path, request)


def test_wrong_files_get_one_sentence(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "Smiles,a\nC,1\nCC,0\n")
    refused(path, "a.csv: expected a column 'smiles', found 'Smiles', 'a'; did you mean 'Smiles'?")
    refused(path, "expected a column 'b', found 'Smiles', 'a'", Request(smiles="Smiles", labels=("b",)))
    broken = write(tmp_path, "b.csv", "smiles,a\nC1CC,1\nx,0\n")
    refused(broken, "b.csv, line 2: expected molecules in column 'smiles', found 2 rows that RDKit cannot read, such")
    alone = write(tmp_path, "c.csv", "smiles,id\nC,a\nCC,b\n")
    refused(alone, "c.csv: expected label columns beside 'smiles', found 'id'")
    refused(write(tmp_path, "d.csv", "smiles\nC\nCC\n"), "d.csv: expected label columns beside 'smiles', found none")
    one = write(tmp_path, "e.csv", "smiles,a\nC,1\nCC,1\n")
    refused(one, "e.csv: task 'a': expected at least two classes in training, found only '1'")

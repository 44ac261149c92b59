"""Wrong tables of molecules and graphs: one sentence and exit code 2, by the real program, and nothing is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ASSAYS, BROKEN, GRAPH_SMALL, Cli, assays, contents, program, write_csv, write_graph
from tests.cli.test_bad_input import assert_refused, run_program


def molecules(folder: Path, *arguments: object, rows: list[tuple[str, ...]] | None = None) -> list[object]:
    path = write_csv(folder / "a.csv", assays(40, seed=0) if rows is None else rows, ASSAYS)
    named = () if "--smiles" in arguments else ("--smiles", "smiles")
    return [path, "--labels", "oxygen,ring,size", *named, *arguments, *GRAPH_SMALL]


def column_of_anything(folder: Path) -> list[object]:
    rows = [(*row[:2], f"remark {number} on {row[2]}", *row[3:]) for number, row in enumerate(assays(300, seed=0))]
    return molecules(folder, rows=rows)


def column_of_one_class(folder: Path) -> list[object]:
    return molecules(folder, rows=[(name, smiles, "0", *rest) for name, smiles, _, *rest in assays(40, seed=0)])


def broken_molecules_only(folder: Path) -> list[object]:
    return molecules(folder, rows=[(name, BROKEN, *rest) for name, _, *rest in assays(20, seed=0)])


def edge_to_nobody(folder: Path) -> list[object]:
    people, friends = write_graph(folder)
    with friends.open("a") as file:
        file.write("p1,p999\n")
    return [people, "--edges", friends, *GRAPH_SMALL]


def graph_without_edges(folder: Path) -> list[object]:
    people, friends = write_graph(folder)
    write_csv(friends, [("p1", "p1")], "one,other")
    return [people, "--edges", friends, *GRAPH_SMALL]


def one_of(*arguments: object) -> Callable[[Path], list[object]]:
    return lambda folder: molecules(folder, *arguments)


@pytest.mark.parametrize(
    ("make", "facts"),
    [
        (one_of("--smiles", "simles"), ["a.csv: ", "a column 'simles'", "did you mean 'smiles'"]),
        (column_of_anything, ["a.csv: ", "task 'oxygen'", "expected classes, found 300 different values"]),
        (column_of_one_class, ["a.csv: ", "task 'oxygen'", "at least two classes", "only '0'"]),
        (broken_molecules_only, ["a.csv, line 2: ", "20 rows that RDKit cannot read", f"such as '{BROKEN}'"]),
        (edge_to_nobody, ["friends.csv, line ", "'p999', which is in no table of nodes", "did you mean 'p9'"]),
        (graph_without_edges, ["friends.csv: ", "edges between nodes, found only 1 from a node to itself"]),
        (one_of("--mask", "all:1"), ["task 'oxygen'", "'all:1' leaves none of its", "training labels"]),
        (one_of("--mask", "most"), ["expected sufficient, all:PERCENT", "found 'most'"]),
        (one_of("--kind", "size=ordinal"), ["data.kinds.size: ", "'regression'", "found 'ordinal'"]),
        (one_of("--kind", "sizes=regression"), ["no task 'sizes'", "did you mean 'size'"]),
        (one_of("--kind", "regression"), ["--kind TASK=KIND", "found 'regression'"]),
        (one_of("--split", "scafold"), ["data.split: ", "'scaffold'", "found 'scafold'"]),
        (one_of("--model", "ic"), ["model 'ic' reads texts, not molecules", "mitten"]),
        (one_of("--set", "model.bidirectional=true"), ["model.bidirectional is for texts", "these are molecules"]),
    ],
)  # fmt: skip
def test_molecules_and_nodes_that_cannot_be_used(
    make: Callable[[Path], list[object]], facts: list[str], tmp_path: Path
) -> None:
    arguments = make(tmp_path)
    before = contents(tmp_path)
    assert_refused(run_program("train", *arguments, "--out", tmp_path / "run", "-q"), *facts)
    assert contents(tmp_path) == before and not (tmp_path / "run").exists()


def test_molecules_of_one_and_of_500_atoms_are_no_mistake(tmp_path: Path) -> None:
    rows = [("", "C", "0", "none", "1.5"), ("", "C" * 500, "0", "none", "750.0"), *assays(40, seed=0)]
    out = tmp_path / "run"
    arguments = molecules(tmp_path, "--beside", "none", "--set", "model.molecules=ecfp", rows=rows)
    done = run_program("train", *arguments, "--out", out, "-q")
    assert (done.code, done.err) == (0, "")
    answered = program("predict", out, input=f"C\n{'C' * 500}\n")
    assert answered.returncode == 0 and answered.stdout.count('"value"') == 2


def test_runs_and_inputs_that_do_not_fit(cli: Cli, of_molecules: Path, of_nodes: Path, tmp_path: Path) -> None:
    run = shutil.copytree(of_molecules / "run", tmp_path / "run")
    path = write_csv(tmp_path / "new.csv", [(BROKEN, "1"), ("C(", "2")], "smiles,note")
    out = tmp_path / "out.csv"
    facts = [f"{path}, line 2: ", "expected SMILES that RDKit can read, found none in 2 rows", f"'{BROKEN}'"]
    for more in ([], ["-o", out]):
        assert_refused(cli("predict", run, path, *more), *facts)
    assert_refused(
        cli("predict", of_nodes / "run", stdin=b"x\n"), "standard input, line 1: ", "nodes of the run's graph"
    )
    assert_refused(cli("predict", run, path, "--smiles", "notes"), "a column 'notes'", "did you mean 'note'")
    taken = write_csv(tmp_path / "taken.csv", [("C", "1", "1")], "smiles,size,size_predicted")
    assert_refused(cli("predict", run, taken, "-o", out), "'size'", "a column 'size_predicted'", "there already")
    assert not out.exists()
    described = run / "molecules.json"
    described.write_text(described.read_text().replace("aromatic", "smelly"))
    assert_refused(cli("predict", run, path), f"{run}: ", "other features of molecules")

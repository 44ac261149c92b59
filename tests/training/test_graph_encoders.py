"""Molecules and nodes as a run reads them, from its folder too."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, RunFolderError
from tasktalk.core.inputs import GraphInputs
from tasktalk.data.atoms import ATOM_FEATURES
from tasktalk.data.batches import Plan
from tasktalk.data.dataset import Examples, NodeGraph, Nodes
from tasktalk.data.descriptors import descriptor_names, descriptors
from tasktalk.data.fingerprints import ecfp
from tasktalk.data.node_batches import NodeFeatures
from tasktalk.models.settings import MoleculeView
from tasktalk.models.transfer_options import Bonds
from tasktalk.training.graph_encoders import FINGERPRINT, MoleculeEncoder, NodeEncoder
from tests.training.toy import molecules, nodes

VIEWS: tuple[MoleculeView, ...] = get_args(MoleculeView)
TEXTS = Examples([["a"]], np.zeros((1, 1)), None)


def split(name: str = "train") -> Examples:
    return molecules().splits[name]


def dense(encoder: MoleculeEncoder, name: str) -> np.ndarray:
    features = encoder(split(name)).features
    assert features is not None
    return np.asarray(features.toarray())


@pytest.mark.parametrize("bonds", get_args(Bonds))
@pytest.mark.parametrize("sees", VIEWS)
def test_inputs_are_those_of_the_batches(bonds: Bonds, sees: MoleculeView) -> None:
    encoder = MoleculeEncoder.fit(split(), bonds, sees)
    encoded = encoder(split("test"))
    batch = encoded.collate(Plan((0, 1, 2), (np.arange(3),)))
    columns = 0 if encoded.features is None else encoded.features.shape[1]
    expected = GraphInputs("molecules", batch.features.shape[1], batch.adjacency.kinds, summary=columns)
    assert encoder.inputs == expected
    assert (encoded.features is None) == (sees == "atoms")
    assert (batch.wide is None) == (sees == "atoms")


def test_fingerprints_and_descriptors_stand_side_by_side() -> None:
    both, bits, numbers = (
        dense(MoleculeEncoder.fit(split(), "one", v), "test") for v in ("both", "ecfp", "descriptors")
    )
    np.testing.assert_array_equal(both, np.concatenate((bits, numbers), axis=1))
    counts = ecfp(split("test").content.smiles, FINGERPRINT).toarray()
    np.testing.assert_allclose(bits, np.log(1 + counts), rtol=1e-6)
    assert counts.max() > 1
    assert numbers.shape[1] == len(descriptor_names())


def test_descriptors_count_in_deviations_of_the_training_molecules() -> None:
    encoder = MoleculeEncoder.fit(split(), "one", "descriptors")
    known = descriptors(split().content.smiles)
    varied = known.std(axis=0) > 1e-6
    assert 20 < varied.sum() < known.shape[1]
    train = dense(encoder, "train")
    inside = varied & (np.abs(train).max(axis=0) < 5)
    np.testing.assert_allclose(train[:, inside].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(train[:, inside].std(axis=0), 1, rtol=1e-4)
    np.testing.assert_allclose(train[:, ~varied], 0, atol=1e-4)
    other = descriptors(split("test").content.smiles)
    expected = (other - known.mean(axis=0))[:, varied] / known.std(axis=0)[varied]
    np.testing.assert_allclose(dense(encoder, "test")[:, varied], np.clip(expected, -5, 5), rtol=1e-3, atol=1e-3)


def test_a_strange_molecule_has_no_enormous_descriptors() -> None:
    encoder = MoleculeEncoder.fit(split(), "one", "descriptors")
    content = split().content
    strange = replace(content, smiles=["C(F)(F)" * 30 + "S(=O)(=O)O"] * len(content))  # type: ignore[type-var]
    features = encoder(replace(split(), content=strange)).features
    assert features is not None
    assert (np.abs(features.toarray()).max(), np.isfinite(features.data).all()) == (5.0, True)


@pytest.mark.parametrize("sees", VIEWS)
def test_molecules_are_read_alike_from_the_folder(sees: MoleculeView, tmp_path: Path) -> None:
    encoder = MoleculeEncoder.fit(split(), "kinds", sees)
    encoder.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["molecules.json"]
    again = MoleculeEncoder.load(tmp_path)
    assert (again.bonds, again.sees, again.inputs) == ("kinds", sees, encoder.inputs)
    assert again(split("test")).checksum() == encoder(split("test")).checksum()
    if sees != "atoms":
        np.testing.assert_array_equal(dense(again, "test"), dense(encoder, "test"))


def test_other_descriptions_of_molecules_are_refused(tmp_path: Path) -> None:
    MoleculeEncoder.fit(split(), "kinds", "descriptors").save(tmp_path)
    path = tmp_path / "molecules.json"
    facts = json.loads(path.read_text())
    assert facts["atom_features"] == list(ATOM_FEATURES)
    for key in ("atom_features", "bond_kinds", "descriptors"):
        path.write_text(json.dumps({**facts, key: facts[key][1:]}))
        with pytest.raises(RunFolderError, match="a version of tasktalk or RDKit that has other features of molecules"):
            MoleculeEncoder.load(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "no JSON", "a list", "bonds", "sees", "mean", "std", "atom_features"])
def test_damaged_descriptions_of_molecules_are_refused(damage: str, tmp_path: Path) -> None:
    MoleculeEncoder.fit(split(), "kinds", "ecfp").save(tmp_path)
    path = tmp_path / "molecules.json"
    facts: dict[str, Any] = json.loads(path.read_text())
    if damage == "missing":
        path.unlink()
    elif damage == "no JSON":
        path.write_text("{")
    elif damage == "a list":
        path.write_text("[]")
    else:
        path.write_text(json.dumps({key: value for key, value in facts.items() if key != damage}))
    with pytest.raises(RunFolderError, match=r"molecules.json: (cannot be read|is not JSON|does not say how)"):
        MoleculeEncoder.load(tmp_path)


def test_other_examples_than_molecules_are_refused() -> None:
    encoder = MoleculeEncoder.fit(split(), "kinds", "atoms")
    for examples, found in ((TEXTS, "texts"), (nodes().splits["dev"], "nodes")):
        with pytest.raises(ConfigError, match=f"this run reads molecules, found {found}"):
            encoder(examples)
        with pytest.raises(ConfigError, match=f"this run reads molecules, found {found}"):
            MoleculeEncoder.fit(examples, "kinds", "descriptors")


# Nodes.


@pytest.mark.parametrize(
    ("features", "vectors", "known", "learned"),
    [
        (False, "learned", 0, 60),
        (True, "learned", 8, 0),
        (False, "spectral", 128, 0),
        (True, "spectral", 136, 0),
        (False, "both", 128, 60),
        (True, "both", 136, 60),
    ],
)
def test_nodes_are_read_alike_from_the_folder(
    features: bool, vectors: NodeFeatures, known: int, learned: int, tmp_path: Path
) -> None:
    data = nodes(features)
    encoder = NodeEncoder.fit(data.splits["train"], vectors)
    assert encoder.inputs == GraphInputs("nodes", known, 1, learned=learned)
    encoder.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.safetensors", "nodes.txt"]
    again = NodeEncoder.load(tmp_path)
    assert again.inputs == encoder.inputs
    assert again.graph.names == encoder.graph.names
    for name in ("edges", "features"):
        np.testing.assert_array_equal(getattr(again.graph, name), getattr(encoder.graph, name))
    for part in data.splits.values():
        assert again(part).checksum() == encoder(part).checksum()
    again.save(tmp_path / "..")
    assert (tmp_path / "../graph.safetensors").read_bytes() == (tmp_path / "graph.safetensors").read_bytes()


def test_no_label_is_looked_at() -> None:
    train = nodes().splits["train"]
    encoder = NodeEncoder.fit(train, "both")
    other = NodeEncoder.fit(replace(train, labels=train.labels * np.nan), "both")
    assert encoder(train).checksum() == other(train).checksum()


def test_nodes_of_another_graph_are_refused() -> None:
    train = nodes().splits["train"]
    assert isinstance(train.content, Nodes)
    encoder = NodeEncoder.fit(train, "learned")
    graph = train.content.graph
    same = NodeGraph(list(graph.names), graph.edges, graph.features)
    assert len(encoder(replace(train, content=Nodes(same, train.content.rows)))) == len(train)
    other = NodeGraph([*graph.names[:-1], "somebody"], graph.edges, graph.features)
    for examples in (replace(train, content=Nodes(other, train.content.rows)), TEXTS, split()):
        with pytest.raises(ConfigError, match="answers for the nodes of the graph that it was trained on, and no othe"):
            encoder(examples)
    for examples, found in ((TEXTS, "texts"), (split(), "molecules")):
        with pytest.raises(ConfigError, match=f"expected nodes, found {found}"):
            NodeEncoder.fit(examples, "learned")


def test_damaged_graphs_are_refused(tmp_path: Path) -> None:
    NodeEncoder.fit(nodes().splits["train"], "both").save(tmp_path)
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    names, tensors = whole["nodes.txt"], whole["graph.safetensors"]
    damages: dict[str, list[bytes | None]] = {
        "nodes.txt": [None, b"", b"\xff" + names, names[:40], names + b"one more\n"],
        "graph.safetensors": [None, b"", tensors[:-7], tensors[:3], tensors.replace(b'"edges"', b'"edgse"')],
    }
    for name, damaged in damages.items():
        for content in damaged:
            if content is None:
                (tmp_path / name).unlink()
            else:
                (tmp_path / name).write_bytes(content)
            with pytest.raises(RunFolderError, match="the graph of the run cannot be read"):
                NodeEncoder.load(tmp_path)
        (tmp_path / name).write_bytes(whole[name])
    NodeEncoder.load(tmp_path)

"""What is planted: who shares what, and which labels there are."""

from typing import Any

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset, Nodes
from tasktalk.data.planted import planted

GROUP = np.repeat(range(3), 3)
SAME = (GROUP[:, None] == GROUP) & ~np.eye(9, dtype=bool)
OTHER = GROUP[:, None] != GROUP


def inputs(dataset: Dataset, split: str) -> np.ndarray:
    content = dataset.splits[split].content
    assert isinstance(content, Nodes)
    return content.graph.features[content.rows]


def directions(dataset: Dataset) -> np.ndarray:
    """Of each task the direction in which its answer rises on average, of length 1."""
    x, y = inputs(dataset, "test"), dataset.splits["test"].labels
    found = x.T @ (y - y.mean(axis=0))
    return found / np.linalg.norm(found, axis=0)


def test_every_training_example_carries_one_label() -> None:
    dataset = planted(labels=7, dev=11, test=13)
    assert [task.name for task in dataset.tasks] == ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"]
    known = ~np.isnan(dataset.splits["train"].labels)
    assert (known.sum(axis=1) == 1).all() and (known.sum(axis=0) == 7).all()
    for split, size in (("dev", 11), ("test", 13)):
        assert dataset.splits[split].labels.shape == (size, 9)
        assert set(np.unique(dataset.splits[split].labels)) == {0.0, 1.0}
    assert all(examples.owner is None for examples in dataset.splits.values())


def test_splits_are_different_nodes_of_one_graph_without_edges() -> None:
    dataset = planted(labels=2, dev=3, test=4)
    contents = [examples.content for examples in dataset.splits.values()]
    assert all(isinstance(content, Nodes) for content in contents)
    graphs = {id(content.graph): content.graph for content in contents if isinstance(content, Nodes)}
    (graph,) = graphs.values()
    assert graph.edges.shape == (2, 0)
    assert len(set(graph.names)) == len(graph.features) == 18 + 3 + 4
    rows = np.concatenate([content.rows for content in contents if isinstance(content, Nodes)])
    assert rows.tolist() == list(range(25))


def test_the_seed_decides() -> None:
    first, again, other = planted(seed=3), planted(seed=3), planted(seed=4)
    for split in ("train", "dev", "test"):
        np.testing.assert_array_equal(first.splits[split].labels, again.splits[split].labels)
        np.testing.assert_array_equal(inputs(first, split), inputs(again, split))
    assert not np.array_equal(inputs(first, "test"), inputs(other, "test"))


def test_groups_look_at_orthogonal_planes() -> None:
    found = directions(planted(labels=1, test=100_000, noise=0.0))
    for group in range(3):
        _, two, three = np.linalg.svd(found[:, group == GROUP])[1]
        assert two > 0.2, "the members of a group are different tasks"
        assert three < 0.05, "and lie in a plane"
    assert np.abs(found.T @ found)[OTHER].max() < 0.05


def test_a_group_may_look_at_one_direction() -> None:
    found = directions(planted(directions=1, agreement=0.0, labels=1, test=100_000, noise=0.0))
    alike = np.abs(found.T @ found)
    assert alike[SAME].min() > 0.95
    assert alike[OTHER].max() < 0.05


def test_tasks_that_agree_are_one_task() -> None:
    labels = planted(labels=1, noise=0.0, agreement=1.0).splits["test"].labels
    np.testing.assert_array_equal(labels[:, 0], labels[:, 1])
    assert not np.array_equal(labels[:, 0], labels[:, 3])


def test_half_of_the_answers_are_yes_and_a_share_is_flipped() -> None:
    clean, noisy = (planted(labels=1, test=20_000, noise=noise).splits["test"].labels for noise in (0.0, 0.1))
    np.testing.assert_allclose(clean.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose((clean != noisy).mean(axis=0), 0.1, atol=0.01)


@pytest.mark.parametrize("wrong", [{"groups": 27, "directions": 0}, {"directions": 7}, {"agreement": 1.5}])
def test_impossible_groups(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="planted groups: expected 1 to 26 of them"):
        planted(**wrong)

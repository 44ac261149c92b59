"""The weights of every sample, against loops over words, atoms and samples, and on trained models of every kind."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasktalk.analysis import overview
from tasktalk.analysis.overview import (
    LONGEST,
    Overview,
    choose,
    general_weights,
    kind_of,
    observe,
    sample_openness,
    sample_weights,
    shortened,
    source_names,
)
from tasktalk.core.batch import Listening
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset, Examples, Molecules, Nodes, Sentences
from tasktalk.data.take import take
from tasktalk.training.config import Config
from tasktalk.training.run import Run
from tasktalk.training.train import train
from tests.analysis.made import made_overview
from tests.training.toy import OF_MOLECULES, config, graph_config, molecules, nodes, tagged, toy

LENGTHS = (3, 1, 0, 4)
"""Words of each sample; a model reads the empty one as one unknown word."""
NAMES = ("x", "y", "z")


def rows(*shape: int, seed: int = 0) -> torch.Tensor:
    """Random weights whose last axis sums to 1."""
    return torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1])).float()


def heard(lengths: Sequence[int] = LENGTHS, **record: torch.Tensor) -> Listening:
    return Listening([["word"] * length for length in lengths], NAMES, record)


def words_of(entry: torch.Tensor, sample: int) -> list[int]:
    return list(range(max(1, LENGTHS[sample])))


@pytest.mark.parametrize("name", ["alpha", "weights"])
def test_weights_of_words_are_means_and_padding_does_not_count(name: str) -> None:
    """The record is not 0 on padding here, which no model does: it must not be read."""
    entry, back = rows(3, 4, 5, 3), rows(3, 4, 5, 3, seed=1)
    shares = {"dependency": torch.zeros(3, 3)} if name == "weights" else {}
    found = sample_weights(heard(LENGTHS, **{name: entry, f"backward_{name}": back}, **shares))
    assert found.shape == (4, 3, 3)
    for sample in range(4):
        for task in range(3):
            for source in range(3):
                places = [(task, sample, word, source) for word in words_of(entry, sample)]
                values = [float(entry[place] + back[place]) / 2 for place in places]
                assert found[sample, task, source] == pytest.approx(sum(values) / len(values), abs=1e-6)


def test_weights_of_atoms_stand_one_molecule_behind_the_other() -> None:
    lengths = (2, 5, 1)
    entry = rows(3, 8, 3)
    found = sample_weights(heard(lengths, weights=entry, dependency=torch.zeros(3, 3)))
    start = 0
    for sample, length in enumerate(lengths):
        for task in range(3):
            for source in range(3):
                values = [float(entry[task, start + atom, source]) for atom in range(length)]
                assert found[sample, task, source] == pytest.approx(sum(values) / length, abs=1e-6)
        start += length


def test_how_alike_two_tasks_read_is_between_0_and_1() -> None:
    beta, back = torch.zeros(3, 4, 5, 5), torch.zeros(3, 4, 5, 5)
    for sample, length in enumerate(LENGTHS):
        size = max(1, length)
        beta[:, sample, :size, :size] = rows(3, size, size, seed=sample)
        back[:, sample, :size, :size] = rows(3, size, size, seed=sample + 9)
    found = sample_weights(heard(beta=beta, backward_beta=back))
    for sample in range(4):
        for a in range(3):
            for b in range(3):
                total = 0.0
                for entry in (beta, back):
                    for t in words_of(entry, sample):
                        for i in words_of(entry, sample):
                            total += float(entry[a, sample, t, i] * entry[b, sample, t, i]) ** 0.5
                expected = total / 2 / len(words_of(beta, sample))
                assert found[sample, a, b] == pytest.approx(expected, abs=1e-6)
        np.testing.assert_allclose(np.diagonal(found[sample]), 1, atol=1e-6)
    assert ((found >= 0) & (found <= 1 + 1e-6)).all()


def test_tasks_that_read_different_words_are_not_alike() -> None:
    beta = torch.zeros(3, 1, 2, 2)
    beta[0, 0, :, 0] = beta[1, 0, :, 1] = beta[2, 0, :, 0] = 1
    found = sample_weights(heard([2], beta=beta))[0]
    np.testing.assert_allclose(found, [[1, 0, 1], [0, 1, 0], [1, 0, 1]])


def test_experts_of_both_directions_stay_apart_and_share_one() -> None:
    entry, back = rows(3, 4, 5, 2), rows(3, 4, 5, 2, seed=1)
    listening = heard(weights=entry, backward_weights=back)
    assert kind_of(listening) == "experts"
    assert source_names(listening) == ("expert 1", "expert 2", "backward expert 1", "backward expert 2")
    found = sample_weights(listening)
    np.testing.assert_allclose(found.sum(axis=2), 1, atol=1e-6)
    np.testing.assert_allclose(found[0, 1, :2], entry[1, 0, :3].mean(dim=0) / 2, atol=1e-6)
    np.testing.assert_allclose(found[0, 1, 2:], back[1, 0, :3].mean(dim=0) / 2, atol=1e-6)
    assert source_names(heard(weights=entry)) == ("expert 1", "expert 2")


def test_stitches_are_the_same_for_every_sample_and_may_be_negative() -> None:
    stitch, back = torch.randn(3, 3), torch.randn(3, 3)
    listening = heard(stitch=stitch, backward_stitch=back)
    expected = (stitch + back) / 2
    for weights in sample_weights(listening):
        np.testing.assert_allclose(weights, expected)
    general = general_weights(listening)
    assert general is not None
    np.testing.assert_allclose(general, expected)


def test_the_general_dependency_is_the_mean_of_both_directions() -> None:
    share, back = rows(3, 3), rows(3, 3, seed=1)
    found = general_weights(heard(dependency_share=share, backward_dependency_share=back))
    assert found is not None
    np.testing.assert_allclose(found, (share + back) / 2)
    assert general_weights(heard(alpha=rows(3, 4, 5, 3))) is None


def test_openness_is_the_mean_of_the_gate_over_words() -> None:
    gate, back = torch.rand(3, 4, 5), torch.rand(3, 4, 5)
    found = sample_openness(heard(gate=gate, backward_gate=back))
    assert found is not None
    for sample in range(4):
        for task in range(3):
            values = [float(gate[task, sample, w] + back[task, sample, w]) / 2 for w in words_of(gate, sample)]
            assert found[sample, task] == pytest.approx(sum(values) / len(values), abs=1e-6)
    assert sample_openness(heard(alpha=rows(3, 4, 5, 3))) is None


def test_a_record_without_weights_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="no weights between tasks .* dc, ic, mitten, cross-stitch or mmoe"):
        kind_of(heard(gate=torch.zeros(3, 4, 5)))


def owned(counts: Sequence[int], shared: bool = False) -> Examples:
    owner = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return Examples([["w"]] * len(owner), np.zeros((len(owner), len(counts))), None if shared else owner)


def test_of_every_task_as_many_samples_are_drawn_as_of_the_others() -> None:
    examples = owned([50, 3, 40, 20])
    assert examples.owner is not None
    found = choose(examples, 33, seed=0)
    assert np.bincount(examples.owner[found]).tolist() == [10, 3, 10, 10]
    assert (np.diff(found) > 0).all()
    np.testing.assert_array_equal(found, choose(examples, 33, seed=0))
    assert found.tolist() != choose(examples, 33, seed=1).tolist()


def test_few_samples_are_all_kept_and_fewer_than_tasks_are_of_different_tasks() -> None:
    assert choose(owned([2, 3]), 5, seed=0).tolist() == [0, 1, 2, 3, 4]
    assert len(choose(owned([]), 5, seed=0)) == 0
    examples = owned([5, 5, 5])
    assert examples.owner is not None
    assert len(set(examples.owner[choose(examples, 2, seed=0)])) == 2
    assert len(choose(owned([9, 9], shared=True), 7, seed=0)) == 7


def by_hand(owner: list[int] | None) -> Overview:
    weights = np.arange(24.0).reshape(4, 3, 2)
    own = None if owner is None else np.array(owner)
    return Overview(NAMES, ("expert 1", "expert 2"), "share", list("abcd"), own, np.full((4, 3), np.nan), weights)


def test_a_task_is_averaged_over_its_own_samples_and_has_no_mean_without_any() -> None:
    found = by_hand([0, 2, 0, 0])
    assert found.own(0).tolist() == [0, 2, 3]
    np.testing.assert_allclose(found.mean()[0], found.weights[[0, 2, 3], 0].mean(axis=0))
    assert np.isnan(found.mean()[1]).all()
    np.testing.assert_allclose(found.mean()[2], found.weights[1, 2])
    assert not found.between_tasks


def test_shared_samples_are_those_of_every_task() -> None:
    found = by_hand(None)
    np.testing.assert_allclose(found.mean(), found.weights.mean(axis=0))


CASES: dict[str, tuple[Callable[[], Dataset], Config]] = {
    "dc": (toy, config("dc", hidden=4, training__epochs=1)),
    "ic": (toy, config("ic", hidden=4, bidirectional=True, training__epochs=1)),
    "ic-shared": (lambda: toy(shared=True), config("ic", hidden=4, training__epochs=1)),
    "ic-tags": (tagged, config("ic", hidden=4, training__epochs=1)),
    "mitten": (toy, config("mitten", hidden=4, training__epochs=1)),
    "cross-stitch": (toy, config("cross-stitch", hidden=4, training__epochs=1)),
    "mmoe": (toy, config("mmoe", hidden=4, training__epochs=1, bidirectional=True)),
    "molecules": (molecules, graph_config(hidden=4, training__epochs=1, molecules="descriptors")),
    "nodes": (nodes, graph_config(hidden=4, training__epochs=1, **OF_MOLECULES)),
}


@pytest.fixture(scope="module", params=CASES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Dataset]:
    make, settings = CASES[request.param]
    dataset = make()
    return train(dataset, settings, tmp_path_factory.mktemp("runs") / request.param), dataset


def given(examples: Examples) -> list[str]:
    """The samples as a person would type them."""
    content = examples.content
    match content:
        case Molecules():
            return content.smiles
        case Nodes():
            return [content.graph.names[row] for row in content.rows]
        case Sentences():
            return [" ".join(words) for words in content.words]
        case _:
            return [" ".join(words) for words in content]


def test_samples_of_a_trained_model_are_as_one_by_one(trained: tuple[Run, Dataset]) -> None:
    run, dataset = trained
    test = dataset.splits["test"]
    told: list[tuple[int, int]] = []
    found = observe(run, test, advance=lambda done, total: told.append((done, total)))
    assert found.samples == given(test)
    assert told[-1] == (len(test), len(test))
    assert (found.owner is None) == (test.owner is None)
    np.testing.assert_array_equal(found.labels, test.labels)
    for number in (0, len(test) // 2, len(test) - 1):
        alone = run.hear(take(test, np.array([number])))
        np.testing.assert_allclose(found.weights[number], sample_weights(alone)[0], atol=1e-5)
        if found.openness is not None:
            gates = sample_openness(alone)
            assert gates is not None
            np.testing.assert_allclose(found.openness[number], gates[0], atol=1e-5)
    assert found.between_tasks == ("expert 1" not in found.sources)
    assert found.directed == (run.config.model.name != "ic")


def test_weights_of_a_trained_model_are_what_their_meaning_says(trained: tuple[Run, Dataset]) -> None:
    run, dataset = trained
    found = observe(run, dataset.splits["test"])
    assert found.weights.shape == (len(found.samples), len(found.tasks), len(found.sources))
    assert np.isfinite(found.weights).all()
    if found.meaning.startswith("share"):
        np.testing.assert_allclose(found.weights.sum(axis=2), 1, atol=1e-5)
    elif not found.directed:
        np.testing.assert_allclose(found.weights, found.weights.swapaxes(1, 2), atol=1e-6)
    if run.config.model.name == "dc":
        assert not np.diagonal(found.weights, axis1=1, axis2=2).any()
    assert (found.general is None) == (run.config.model.name not in ("mitten", "cross-stitch"))


@pytest.fixture(scope="module")
def dc(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(toy(), CASES["dc"][1], tmp_path_factory.mktemp("runs") / "dc")


def test_an_empty_text_is_one_unknown_word_and_not_zero(dc: Run) -> None:
    examples = replace(dc.examples(["", "good film"]), owner=np.array([0, 1]))
    found = observe(dc, examples)
    np.testing.assert_allclose(found.weights.sum(axis=2), 1, atol=1e-5)
    assert found.samples == ["", "good film"]


def test_long_texts_are_cut(dc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "LONGEST", 3)
    monkeypatch.setattr(overview, "_PAIRS", 20)
    long, short = dc.examples(["good film of the song", "bad page"]), dc.examples(["good film of", "bad page"])
    found = observe(dc, long)
    assert found.samples == ["good film of", "bad page"]
    np.testing.assert_allclose(found.weights, observe(dc, short).weights, atol=1e-6)


def test_order_and_number_of_batches_change_nothing(dc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    test = toy().splits["test"]
    expected = observe(dc, test)
    monkeypatch.setattr(overview, "_BATCH", 3)
    found = observe(dc, test)
    assert found.samples == expected.samples
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-6)


def test_of_many_samples_some_are_drawn(dc: Run) -> None:
    test = toy().splits["test"]
    found = observe(dc, test, most=6)
    assert found.owner is not None
    assert np.bincount(found.owner).tolist() == [2, 2, 2]
    kept = choose(test, 6, seed=0)
    assert found.samples == [given(test)[row] for row in kept]
    np.testing.assert_allclose(found.weights, observe(dc, test).weights[kept], atol=1e-6)


def test_classes_are_named_where_labels_are_classes(dc: Run, trained: tuple[Run, Dataset]) -> None:
    assert observe(dc, toy().splits["test"]).classes == (("negative", "positive"),) * 3
    run, dataset = trained
    for task, classes in zip(run.tasks, observe(run, dataset.splits["test"], most=2).classes, strict=True):
        assert classes == (task.classes if task.kind in ("binary", "multiclass") else ())


def test_what_has_no_messages_or_no_samples_is_one_sentence(dc: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected at least one sample"):
        observe(dc, dc.examples([]))
    linear = train(toy(), config("linear"), tmp_path / "linear")
    with pytest.raises(ConfigError, match="passes no messages"):
        observe(linear, toy().splits["test"])
    shared = train(toy(), config("fs", training__epochs=1), tmp_path / "fs")
    with pytest.raises(ConfigError, match="no weights between tasks"):
        observe(shared, toy().splits["test"])


def test_only_the_beginnings_of_long_texts_are_read() -> None:
    labels, long = np.full((1, 1), np.nan), ["word"] * (LONGEST + 1)
    assert len(shortened(Examples([long], labels, None)).tokens[0]) == LONGEST
    assert len(shortened(Examples(Sentences([long], []), labels, None)).tokens[0]) == LONGEST
    tagged = Examples(Sentences([long], [np.zeros(len(long), dtype=np.int64)]), np.zeros((1, 1)), None)
    assert shortened(tagged) is tagged


def test_edges_leave_out_what_a_task_gives_itself_and_count_a_likeness_once() -> None:
    tasks = made_overview(np.arange(9.0).reshape(3, 3))
    np.testing.assert_array_equal(tasks.heard(), [[np.nan, 1, 2], [3, np.nan, 5], [6, 7, np.nan]])
    np.testing.assert_array_equal(tasks.edges(), ~np.eye(3, dtype=bool))
    experts = made_overview(np.ones((3, 2)), sources=("expert 1", "expert 2"))
    assert experts.edges().all() and not np.isnan(experts.heard()).any()
    meaning = "how alike two tasks read the mailbox of a text, from 0 to 1 (Bhattacharyya coefficient of their beta)"
    likeness = made_overview(np.ones((3, 3)), meaning=meaning)
    np.testing.assert_array_equal(likeness.edges(), np.tri(3, k=-1, dtype=bool))


def test_a_likeness_is_not_made_of_rounding() -> None:
    """Tasks that read the same are the same, whatever single precision makes of it."""
    beta = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0)).softmax(dim=-1).repeat(4, 1, 1, 1)
    found = sample_weights(Listening([["word"] * 40] * 3, tuple("abcd"), {"beta": beta}))
    assert np.abs(found - 1).max() < 1e-7

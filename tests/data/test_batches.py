"""Epochs as plans, plans as padded tensors."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse
from torch.nn import functional

from tasktalk.core.errors import ConfigError
from tasktalk.data.batches import (
    Encoded,
    Plan,
    Schedule,
    collate,
    encode,
    plan_epoch,
    plan_evaluation,
    rows_of,
    sparse_features,
)
from tasktalk.data.dataset import Examples
from tasktalk.data.vocabulary import UNKNOWN, Vocabulary

SIZES = st.lists(st.integers(0, 30), min_size=1, max_size=4).filter(any)


def separate(sizes: list[int], seed: int = 0, features: int = 0) -> Encoded:
    """Examples that belong to one task each, in mixed order; label and first word tell the row."""
    rng = np.random.default_rng(seed)
    owner = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    labels = np.full((len(owner), len(sizes)), np.nan)
    labels[np.arange(len(owner)), owner] = np.arange(len(owner))
    words = [np.append(row + 2, rng.integers(1, 9, size=rng.integers(7))) for row in range(len(owner))]
    table = csr_matrix(random_sparse(len(owner), features, 0.4, random_state=rng)) if features else None
    return Encoded(words, labels, owner, table)


def shared(count: int, tasks: int = 3, features: int = 0) -> Encoded:
    """The same examples for all tasks; some labels are missing."""
    examples = separate([count], features=features)
    labels = np.tile(np.arange(float(count))[:, None], tasks)
    labels[::2, 1:] = np.nan
    return Encoded(examples.words, labels, None, examples.features)


def same(one: list[Plan], other: list[Plan]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(
        a.receivers == b.receivers and all(np.array_equal(x, y) for x, y in zip(a.rows, b.rows, strict=True))
        for a, b in pairs
    )


@given(SIZES, st.integers(1, 9), st.integers(0, 2**32 - 1), st.integers(0, 99), st.sampled_from(["alternate", "joint"]))
@settings(max_examples=40, deadline=None)
def test_an_epoch_is_a_pure_function(sizes: list[int], batch: int, seed: int, epoch: int, schedule: Schedule) -> None:
    examples = separate(sizes)
    first = plan_epoch(examples, batch, seed, epoch, 0.5, schedule)
    np.random.default_rng().random()
    torch.rand(3)
    again = plan_epoch(separate(sizes), batch, seed, epoch, 0.5, schedule)
    assert len(first) == len(again) and same(first, again)


def test_seed_and_epoch_change_the_plan() -> None:
    examples = separate([40, 40])
    first = plan_epoch(examples, 4, seed=0, epoch=0)
    assert not same(first, plan_epoch(examples, 4, seed=1, epoch=0))
    assert not same(first, plan_epoch(examples, 4, seed=0, epoch=1))


@pytest.mark.parametrize(
    ("power", "expected"),
    # 91 batches of 4; sizes 4 : 36 : 324, whose roots are 2 : 6 : 18
    [(0.0, [31, 30, 30]), (0.5, [7, 21, 63]), (1.0, [1, 9, 81]), (1e4, [0, 0, 91])],
)
def test_every_task_gets_exactly_its_share(power: float, expected: list[int]) -> None:
    examples = separate([4, 36, 324])
    for epoch in range(3):
        plans = plan_epoch(examples, 4, 0, epoch, power)
        assert np.bincount([task for plan in plans for task in plan.receivers], minlength=3).tolist() == expected


@given(SIZES, st.integers(1, 9), st.floats(0, 2))
@settings(max_examples=40, deadline=None)
def test_batches_are_of_one_task_and_about_as_many_as_there_are_examples(
    sizes: list[int], batch: int, power: float
) -> None:
    examples = separate(sizes)
    plans = plan_epoch(examples, batch, 0, 0, power)
    assert len(plans) == -(-sum(sizes) // batch)
    for plan in plans:
        (task,), (rows,) = plan.receivers, plan.rows
        assert 1 <= len(rows) <= batch
        assert np.isin(rows, rows_of(examples, task)).all()
    share = np.array([size**power if size else 0 for size in sizes])
    counts = np.bincount([plan.receivers[0] for plan in plans], minlength=len(sizes))
    assert np.abs(counts - len(plans) * share / share.sum()).max() < 1


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_equal_sizes_mean_every_example_once(tasks: int, batches: int, batch: int, epoch: int) -> None:
    examples = separate([batches * batch] * tasks)
    schedules: list[Schedule] = ["alternate", "joint"]
    for schedule in schedules:
        plans = plan_epoch(examples, batch, 0, epoch, schedule=schedule)
        seen = np.concatenate([rows for plan in plans for rows in plan.rows])
        assert sorted(seen.tolist()) == list(range(len(examples)))


def test_tasks_take_turns_at_random() -> None:
    examples = separate([200, 200])
    orders = [[plan.receivers[0] for plan in plan_epoch(examples, 2, 0, epoch)] for epoch in range(2)]
    assert orders[0] != orders[1]
    for order in orders:
        changes = sum(one != other for one, other in pairwise(order))
        assert 80 < changes < 120  # of 199, half of them if nothing decides but chance


def test_small_tasks_repeat_only_after_all_were_seen() -> None:
    examples = separate([6, 60])
    rows = [plan.rows[0] for plan in plan_epoch(examples, 3, 0, 0) if plan.receivers == (0,)]
    assert len(rows) == 11
    for i in range(0, 10, 2):
        assert len(set(np.concatenate(rows[i : i + 2]).tolist())) == 6


def test_joint_batches_have_all_tasks_that_have_examples() -> None:
    plans = plan_epoch(separate([5, 0, 40]), 4, 0, 0, schedule="joint")
    assert {plan.receivers for plan in plans} == {(0, 2)}
    assert len(plans) == 6  # 12 batches of 4, two at a time


@pytest.mark.parametrize("schedule", ["alternate", "joint"])
def test_shared_inputs_go_to_all_tasks_once(schedule: Schedule) -> None:
    plans = plan_epoch(shared(23), 5, 0, 0, 1.0, schedule)
    assert {plan.receivers for plan in plans} == {(0, 1, 2)}
    assert sorted(np.concatenate([plan.rows[0] for plan in plans]).tolist()) == list(range(23))


def test_sentences_of_like_length_come_together() -> None:
    examples = separate([256])
    spread = [
        np.ptp([len(examples.words[r]) for r in plan.rows[0]]) for plan in plan_epoch(examples, 16, seed=0, epoch=0)
    ]
    assert max(spread) <= 1


@given(SIZES, st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_evaluation_covers_each_example_once_by_length(sizes: list[int], batch: int) -> None:
    examples = separate(sizes)
    for task, size in enumerate(sizes):
        plans = plan_evaluation(examples, (task,), batch)
        rows = [r for plan in plans for r in plan.rows[0]]
        assert sorted(rows) == rows_of(examples, task).tolist() and len(rows) == size
        assert all(plan.receivers == (task,) and len(plan.rows[0]) <= batch for plan in plans)
        lengths = [len(examples.words[r]) for r in rows]
        assert lengths == sorted(lengths)


def test_evaluation_of_shared_inputs_asks_every_task_about_all_examples() -> None:
    assert sum(len(plan.rows[0]) for plan in plan_evaluation(shared(7), (2,), batch_size=3)) == 7


def test_collate_pads_words_at_the_end_and_fills_groups_with_nothing() -> None:
    words = [np.array([5]), np.array([6, 1, 7]), np.array([8, 9])]
    labels = np.array([[1, np.nan], [np.nan, 0], [np.nan, 1]])
    batch = collate(Encoded(words, labels, np.array([0, 1, 1])), Plan((0, 1), (np.array([0]), np.array([2, 1]))))
    assert batch.receivers == (0, 1)
    assert batch.tokens.tolist() == [[[5, 0, 0], [0, 0, 0]], [[8, 9, 0], [6, 1, 7]]]
    assert torch.equal(batch.mask, batch.tokens != 0)
    assert batch.labels.nan_to_num(-1).tolist() == [[1, -1], [1, 0]]
    assert batch.labels.dtype == torch.float32
    assert batch.wide is None


def test_collate_shared_inputs_once_with_the_labels_of_every_receiver() -> None:
    examples = shared(4)
    batch = collate(examples, Plan((2, 0), (np.array([3, 2]),)))
    assert batch.tokens.shape[:2] == (1, 2)
    assert batch.tokens[0, :, 0].tolist() == [5, 4]
    assert batch.labels.nan_to_num(-1).tolist() == [[3, -1], [3, 2]]


@pytest.mark.parametrize("groups", [1, 3])
def test_sparse_rows_equal_a_dense_product(groups: int) -> None:
    examples = separate([9, 9, 9], features=20) if groups == 3 else shared(27, features=20)
    assert examples.features is not None
    rows = tuple(rows_of(examples, g)[: 4 - g] if groups == 3 else np.array([3, 20, 0, 7]) for g in range(groups))
    batch = collate(examples, Plan((0, 1, 2), rows))
    assert batch.wide is not None
    weights = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    found = functional.embedding_bag(
        batch.wide.indices, weights, batch.wide.offsets, mode="sum", per_sample_weights=batch.wide.values
    ).view(groups, 4, 2)
    dense = torch.from_numpy(examples.features.toarray()).float()
    for g in range(groups):
        torch.testing.assert_close(found[g, : len(rows[g])], dense[rows[g]] @ weights)
        assert not found[g, len(rows[g]) :].any()  # the rows that fill up


def test_rows_without_any_feature() -> None:
    examples = Encoded([np.array([2]), np.array([3])], np.zeros((2, 1)), None, csr_matrix((2, 5), dtype=np.float32))
    batch = collate(examples, Plan((0,), (np.array([1, 0]),)))
    assert batch.wide is not None
    assert (batch.wide.indices.tolist(), batch.wide.offsets.tolist()) == ([], [0, 0])


def test_encode_cuts_long_texts_and_keeps_empty_ones_as_an_unknown_word() -> None:
    examples = Examples([["a", "b", "a"], [], ["never"]], np.zeros((3, 1)), None)
    encoded = encode(examples, Vocabulary(("a", "b")), max_words=2)
    assert [words.tolist() for words in encoded.words] == [[2, 3], [UNKNOWN], [UNKNOWN]]
    assert collate(encoded, Plan((0,), (np.array([1]),))).mask.tolist() == [[[True]]]


def test_features_that_are_missing_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs sparse features"):
        sparse_features(separate([2]))


def test_the_checksum_sees_words_lengths_labels_and_owners() -> None:
    words = [np.array([2, 3]), np.array([4])]
    labels, owner = np.array([[0, np.nan], [np.nan, 1]]), np.array([0, 1])
    one = Encoded(words, labels, owner)
    others = [
        Encoded([np.array([2]), np.array([3, 4])], labels, owner),
        Encoded([np.array([2, 5]), np.array([4])], labels, owner),
        Encoded(words, np.array([[1, np.nan], [np.nan, 1]]), owner),
        Encoded(words, labels, owner[::-1].copy()),
        Encoded(words, labels, None),
    ]
    assert one.checksum() == Encoded([w.copy() for w in words], labels.copy(), owner.copy()).checksum()
    assert len({one.checksum(), *(other.checksum() for other in others)}) == 6


def long(lengths: list[int], owner: list[int] | None = None) -> Encoded:
    tasks = 1 if owner is None else max(owner) + 1
    labels = np.zeros((len(lengths), tasks))
    return Encoded([np.ones(n, dtype=np.int64) for n in lengths], labels, None if owner is None else np.array(owner))


def pairs(examples: Encoded, plan: Plan) -> int:
    longest = max(len(examples.words[row]) for rows in plan.rows for row in rows)
    return sum(len(rows) for rows in plan.rows) * longest**2


def test_long_texts_make_smaller_batches() -> None:
    examples = long([5000] * 5 + [9000] * 2 + [10] * 60)
    plans = plan_evaluation(examples, (0,), 64)
    assert sorted(np.concatenate([plan.rows[0] for plan in plans]).tolist()) == list(range(67))
    assert all(pairs(examples, plan) <= 64e6 or len(plan.rows[0]) == 1 for plan in plans)
    assert [len(plan.rows[0]) for plan in plans] == [60, 2, 2, 1, 1, 1]
    trained = plan_epoch(examples, 64, seed=0, epoch=0)
    assert all(pairs(examples, plan) <= 64e6 or len(plan.rows[0]) == 1 for plan in trained)


def test_texts_of_the_usual_length_make_the_usual_batches() -> None:
    examples = long([200] * 130)
    assert [len(plan.rows[0]) for plan in plan_evaluation(examples, (0,), 64)] == [64, 64, 2]
    assert sorted(len(plan.rows[0]) for plan in plan_epoch(examples, 64, seed=0, epoch=0)) == [2, 64, 64]


def test_a_long_text_of_one_task_makes_smaller_batches_of_all() -> None:
    examples = long([5000, *[20] * 40], [0] + [1] * 40)
    plans = plan_epoch(examples, 64, seed=0, epoch=0, schedule="joint")
    assert plans[0].receivers == (0, 1) and {plan.receivers for plan in plans[1:]} == {(1,)}
    assert all(pairs(examples, plan) <= 64e6 for plan in plans)
    others = np.concatenate([plan.rows[-1] for plan in plans])
    assert sorted(others.tolist()) == list(range(1, 41))  # none is left out

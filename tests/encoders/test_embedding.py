from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tasktalk.encoders.embedding import Embedding, PartlySharedEmbedding, PrivateEmbedding, WordEmbedding

WORDS, FEATURES = 7, 3
TOKENS = torch.tensor([[[3, 1, 0], [3, 6, 2]]])


def gradient(embedding: WordEmbedding) -> Tensor:
    found = embedding.table.weight.grad
    assert found is not None
    return found


def test_vectors_of_the_words() -> None:
    torch.manual_seed(0)
    embedding = WordEmbedding(WORDS, FEATURES)
    vectors = embedding(TOKENS, (4,))
    assert vectors.shape == (1, 2, 3, FEATURES)
    assert torch.equal(vectors[0, 1, 1], embedding.table.weight[6])
    assert torch.equal(embedding(TOKENS, (0,)), vectors)


def test_padding_is_zero_and_the_rest_within_a_tenth() -> None:
    torch.manual_seed(0)
    weight = WordEmbedding(200, FEATURES).table.weight
    assert (weight[0] == 0).all()
    assert 0.09 < weight.abs().max() <= 0.1
    assert (weight[1:].abs().amax(dim=1) > 0).all()


@pytest.mark.parametrize("sparse", [True, False])
def test_only_the_words_of_the_batch_get_gradient_and_padding_never(sparse: bool) -> None:
    embedding = WordEmbedding(WORDS, FEATURES, sparse=sparse)
    embedding(TOKENS, (0,)).sum().backward()
    assert gradient(embedding).is_sparse == sparse
    count = gradient(embedding).to_dense()[:, 0]
    assert count.tolist() == [0, 1, 1, 2, 0, 0, 1]


def test_frozen_vectors() -> None:
    assert not WordEmbedding(WORDS, FEATURES, trainable=False)(TOKENS, (0,)).requires_grad


def test_pretrained_vectors_where_there_are_some() -> None:
    torch.manual_seed(0)
    embedding = WordEmbedding(WORDS, FEATURES)
    before = embedding.table.weight.detach().clone()
    vectors = torch.arange(WORDS * FEATURES, dtype=torch.float64).view(WORDS, FEATURES) + 1
    found = torch.tensor([True, False, True, False, True, False, False])
    embedding.set_vectors(vectors, found)
    weight = embedding.table.weight
    assert torch.equal(weight[[2, 4]], vectors[[2, 4]].float())
    assert torch.equal(weight[~found], before[~found])
    assert (weight[0] == 0).all(), "padding stays zero whatever the file says"
    assert weight.requires_grad


def test_every_task_has_a_table_of_its_own() -> None:
    torch.manual_seed(0)
    embedding = PrivateEmbedding(WORDS, FEATURES, tasks=4)
    vectors = embedding(TOKENS, (3, 1))
    assert embedding.features == FEATURES
    assert vectors.shape == (2, 2, 3, FEATURES)
    for found, k in zip(vectors, (3, 1), strict=True):
        assert torch.equal(found, embedding.get_parameter(f"tables.{k}.table.weight")[TOKENS[0]])
    assert (vectors[:, 0, 2] == 0).all()
    vectors.sum().backward()
    tables = [embedding.get_parameter(f"tables.{k}.table.weight") for k in range(4)]
    assert [weight.grad is None for weight in tables] == [True, False, True, False]
    assert all(weight.grad is None or weight.grad.is_sparse for weight in tables)


def make_partly_shared() -> PartlySharedEmbedding:
    torch.manual_seed(0)
    return PartlySharedEmbedding(WordEmbedding(WORDS, FEATURES), PrivateEmbedding(WORDS, 2, tasks=4))


EMBEDDINGS: dict[str, Callable[[], Embedding]] = {
    "shared": lambda: WordEmbedding(WORDS, FEATURES),
    "private": lambda: PrivateEmbedding(WORDS, FEATURES, tasks=4),
    "partly shared": make_partly_shared,
}


def test_partly_shared_vectors_are_shared_then_own() -> None:
    embedding = make_partly_shared()
    vectors = embedding(TOKENS, (3, 1))
    assert embedding.features == FEATURES + 2
    assert torch.equal(vectors[..., :FEATURES], embedding.shared(TOKENS.expand(2, -1, -1), (3, 1)))
    assert torch.equal(vectors[..., FEATURES:], embedding.own(TOKENS, (3, 1)))
    vectors.sum().backward()
    assert gradient(embedding.shared).to_dense()[3, 0] == 4


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_every_receiver_reads_its_own_words(name: str) -> None:
    torch.manual_seed(0)
    embedding = EMBEDDINGS[name]()
    assert isinstance(embedding, Embedding)
    tokens = torch.cat((TOKENS, TOKENS.flip(2)))
    vectors = embedding(tokens, (3, 1))
    assert vectors.shape == (2, 2, 3, embedding.features)
    for i, k in enumerate((3, 1)):
        assert torch.equal(vectors[i : i + 1], embedding(tokens[i : i + 1], (k,)))


def test_pretrained_vectors_go_into_every_private_table() -> None:
    embedding = PrivateEmbedding(WORDS, FEATURES, tasks=2)
    embedding.set_vectors(torch.ones(WORDS, FEATURES), torch.ones(WORDS, dtype=torch.bool))
    assert all((embedding.get_parameter(f"tables.{k}.table.weight")[1:] == 1).all() for k in range(2))


def test_pretrained_vectors_go_into_the_shared_table_of_two() -> None:
    embedding = make_partly_shared()
    embedding.set_vectors(torch.ones(WORDS, FEATURES), torch.ones(WORDS, dtype=torch.bool))
    assert (embedding.shared.table.weight[1:] == 1).all()
    assert all(embedding.own.get_parameter(f"tables.{k}.table.weight").abs().max() <= 0.1 for k in range(4))

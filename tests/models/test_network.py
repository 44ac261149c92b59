from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tasktalk.communication.block import Block
from tasktalk.communication.compose import bidirectional
from tasktalk.communication.convolution import TaskConvolution
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.fully_shared import FullyShared
from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.communication.mitten import MutualAttention
from tasktalk.communication.over_words import TransferOverWords
from tasktalk.communication.private import PrivateLSTM
from tasktalk.communication.shared_private import SharedPrivate
from tasktalk.core.batch import SparseRows, TextBatch
from tasktalk.encoders.embedding import Embedding, PartlySharedEmbedding, PrivateEmbedding, WordEmbedding
from tasktalk.heads.classifier import Classifier, classification_loss
from tasktalk.heads.pooling import Pooling, pooling
from tasktalk.heads.wide import WideLogits
from tasktalk.models.network import TextNetwork, initialise_uniform

VOCABULARY, WORD_FEATURES, HIDDEN, TASKS, OUTPUTS = 12, 6, 8, 3, (2, 3, 2)

BLOCKS: dict[str, Callable[[], Block]] = {
    "private": lambda: PrivateLSTM(WORD_FEATURES, HIDDEN, TASKS),
    "fully shared": lambda: FullyShared(WORD_FEATURES, HIDDEN),
    "shared private": lambda: SharedPrivate(WORD_FEATURES, HIDDEN, TASKS),
    "direct": lambda: DirectCommunication(WORD_FEATURES, HIDDEN, TASKS),
    "indirect": lambda: IndirectCommunication(WORD_FEATURES, HIDDEN, TASKS),
    "mutual attention": lambda: TransferOverWords(WORD_FEATURES, HIDDEN, MutualAttention(HIDDEN, TASKS)),
}


def make_network(
    block: Block,
    embedding: Embedding | None = None,
    kind: Pooling = "last",
    dropout: float = 0.0,
    wide: WideLogits | None = None,
) -> TextNetwork:
    words = WordEmbedding(VOCABULARY, WORD_FEATURES, sparse=False) if embedding is None else embedding
    head = Classifier(block.features, OUTPUTS)
    return TextNetwork(words, block, pooling(kind, block.features, TASKS), head, dropout, wide)


def make_batch(receivers: tuple[int, ...], groups: int, wide: SparseRows | None = None) -> TextBatch:
    """Six sentences of one to five words a group; the label says how often the word 1 stands in a sentence."""
    draw = torch.Generator().manual_seed(0)
    lengths = torch.tensor([5, 4, 3, 1, 5, 2])
    tokens = torch.randint(1, 4, (groups, 6, 5), generator=draw) * (torch.arange(5) < lengths[:, None])
    count = (tokens == 1).sum(dim=-1).expand(len(receivers), -1)
    labels = torch.stack([row % OUTPUTS[k] for k, row in zip(receivers, count, strict=True)]).float()
    labels[:, 3] = float("nan")
    return TextBatch(receivers, tokens, tokens != 0, labels, wide)


def make_wide(trainable: bool) -> WideLogits:
    wide = WideLogits(4, OUTPUTS, (0, 1, 0), trainable)
    with torch.no_grad():
        for i, parameter in enumerate(wide.parameters()):
            parameter.fill_(i + 1)
    return wide


def make_rows(rows: int) -> SparseRows:
    return SparseRows(torch.arange(rows) % 4, torch.arange(rows), torch.ones(rows))


def loss_of(network: TextNetwork, batch: TextBatch) -> Tensor:
    output = network(batch)
    losses = [classification_loss(x, y) for x, y in zip(output.logits, batch.labels, strict=True)]
    total = torch.stack(losses).sum()
    return total if output.penalty is None else total + output.penalty


def error_of(network: TextNetwork, batch: TextBatch) -> float:
    """Share of the labels that the network gets wrong."""
    network.eval()
    wrong, known = 0, 0
    for logits, labels in zip(network(batch).logits, batch.labels, strict=True):
        exists = ~labels.isnan()
        wrong += int((logits.argmax(dim=-1)[exists] != labels[exists]).sum())
        known += int(exists.sum())
    return wrong / known


@pytest.mark.parametrize("name", BLOCKS)
def test_every_model_learns_a_toy_set_by_heart(name: str) -> None:
    torch.manual_seed(0)
    network, batch = make_network(BLOCKS[name]()), make_batch((2, 0, 1), 3)
    assert error_of(network, batch) > 0.2
    optimizer = torch.optim.Adam(network.train().parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        loss_of(network, batch).backward()
        optimizer.step()
    assert error_of(network, batch) == 0


@pytest.mark.parametrize("kind", ["last", "mean", "max", "attention", "dot"])
def test_the_network_is_its_parts_in_a_row(kind: Pooling) -> None:
    torch.manual_seed(0)
    network, batch = make_network(BLOCKS["indirect"](), kind=kind, dropout=0.5).eval(), make_batch((2, 1), 1)
    output = network(batch)
    states, record, _ = network.block(network.embedding(batch.tokens, (2, 1)), batch.mask, (2, 1))
    pooled = network.pooling(states, batch.mask.expand(2, -1, -1), (2, 1))
    for found, expected in zip(output.logits, network.head(pooled, (2, 1)), strict=True):
        torch.testing.assert_close(found, expected)
    assert [x.shape for x in output.logits] == [(6, 2), (6, 3)]
    assert torch.equal(output.record["beta"], record["beta"])
    assert output.penalty is None


def test_the_penalty_is_handed_on_while_training() -> None:
    network, batch = make_network(BLOCKS["shared private"]()), make_batch((2, 0), 2)
    assert network.train()(batch).penalty > 0
    assert network.eval()(batch).penalty is None


@pytest.mark.parametrize(("receivers", "groups"), [((2, 0, 1), 1), ((1, 2), 2)])
def test_partly_shared_tables_serve_shared_and_separate_inputs(receivers: tuple[int, ...], groups: int) -> None:
    torch.manual_seed(0)
    shared = WordEmbedding(VOCABULARY, 4, sparse=False)
    embedding = PartlySharedEmbedding(shared, PrivateEmbedding(VOCABULARY, 2, TASKS, sparse=False))
    for block in (TaskConvolution(embedding.features, HIDDEN, TASKS), IndirectCommunication(6, HIDDEN, TASKS)):
        network, batch = make_network(block, embedding).eval(), make_batch(receivers, groups)
        together = network(batch).logits
        for i, k in enumerate(receivers):
            g = i if groups > 1 else 0
            one = TextBatch((k,), batch.tokens[g : g + 1], batch.mask[g : g + 1], batch.labels[i : i + 1])
            torch.testing.assert_close(network(one).logits[0], together[i])


def test_dropout_only_while_training() -> None:
    torch.manual_seed(0)
    network, batch = make_network(BLOCKS["fully shared"](), dropout=0.5), make_batch((0,), 1)
    assert not torch.equal(network.train()(batch).logits[0], network(batch).logits[0])
    assert torch.equal(network.eval()(batch).logits[0], network(batch).logits[0])


@pytest.mark.parametrize(("trainable", "while_training"), [(True, True), (False, False)])
def test_wide_logits_are_added(trainable: bool, while_training: bool) -> None:
    torch.manual_seed(0)
    network = make_network(BLOCKS["indirect"](), wide=make_wide(trainable))
    with_wide, without = make_batch((2, 0), 2, make_rows(12)), make_batch((2, 0), 2)
    assert with_wide.wide is not None and network.wide is not None
    linear = network.wide(with_wide.wide, (2, 6), (2, 0))
    for mode, added in ((True, while_training), (False, True)):
        network.train(mode)
        deep, both = network(without).logits, network(with_wide).logits
        for a, b, extra in zip(deep, both, linear, strict=True):
            torch.testing.assert_close(b, a + extra if added else a)


def test_trained_wide_weights_learn_with_the_network() -> None:
    network = make_network(BLOCKS["private"](), wide=make_wide(trainable=True)).train()
    loss_of(network, make_batch((2, 0), 2, make_rows(12))).backward()
    assert network.wide is not None
    assert [parameter.grad is None for parameter in network.wide.own] == [False, True, False]


def test_uniform_initialisation_leaves_the_words_alone() -> None:
    torch.manual_seed(0)
    network = make_network(BLOCKS["direct"]())
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    initialise_uniform(network, limit=0.05)
    for name, parameter in network.named_parameters():
        if name.startswith("embedding."):
            assert torch.equal(parameter, before[name])
        else:
            assert not torch.equal(parameter, before[name]), name
            assert 0 < parameter.abs().max() <= 0.05, name


@pytest.mark.parametrize("name", ["shared private", "direct", "indirect", "mutual attention"])
def test_mixed_precision(name: str) -> None:
    torch.manual_seed(0)
    network, batch = make_network(bidirectional(BLOCKS[name], both=True)).train(), make_batch((2, 0), 2)
    exact = loss_of(network, batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = loss_of(network, batch)
    loss.backward()
    torch.testing.assert_close(loss.float(), exact, rtol=0.02, atol=0.02)
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())

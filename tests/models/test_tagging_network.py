"""Networks that tag words: the properties that each of them must have, whatever the block and the output layer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from jaxtyping import Int
from torch import Tensor, nn

from tasktalk.core.batch import Spelling, TextBatch
from tasktalk.core.inputs import SentenceInputs
from tasktalk.core.task import Task
from tasktalk.models.build import build_network
from tasktalk.models.options import (
    BiLSTMOptions,
    DirectOptions,
    FullySharedOptions,
    IndirectOptions,
    LSTMOptions,
    MTCNNOptions,
    NetworkOptions,
    SharedPrivateOptions,
    StackedOptions,
)
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.models.transfer_options import (
    CrossStitchOptions,
    MittenOptions,
    MMoEOptions,
    SharedOptions,
    SingleOptions,
)

MODELS = {
    kind.model_fields["name"].default: kind
    for kind in (
        LSTMOptions, BiLSTMOptions, StackedOptions, MTCNNOptions, FullySharedOptions, SharedPrivateOptions,
        DirectOptions, IndirectOptions, SingleOptions, SharedOptions, CrossStitchOptions, MMoEOptions, MittenOptions,
    )
}  # fmt: skip
PRIVATE = [name for name, kind in MODELS.items() if kind.private_spelling]
OUTPUTS = ("crf", "softmax")
PRECISION = {"crf": 1e-9, "softmax": 1e-6}
"""A softmax counts its losses in float32, as ``heads.classifier`` does."""
TASKS = (
    Task("pos", "tagging", ("A", "B", "C")),
    Task("ner", "tagging", ("O", "B-x", "E-x", "I-x", "S-x"), scheme="iob2"),
    Task("xpos", "tagging", ("A", "B", "C")),
)
ALL = tuple(range(len(TASKS)))
WORDS, LETTERS, LENGTHS, UNKNOWN = 9, 7, (4, 1, 3), 1

every_model = pytest.mark.parametrize("name", MODELS)
every_output = pytest.mark.parametrize("output", OUTPUTS)


def make(name: str, **settings: Any) -> TaggingNetwork:
    """A small network in float64 that draws nothing while it trains."""
    torch.manual_seed(0)
    small: dict[str, Any] = {"hidden": 4, "embedding_features": 3, "dropout": 0.0, "word_dropout": 0.0}
    options: NetworkOptions = MODELS[name](**(small | settings))
    network = build_network(options, TASKS, SentenceInputs(WORDS, LETTERS), sparse=False)
    assert isinstance(network, TaggingNetwork)
    for part in network.tagger.crfs:  # they start at zero, where a wrong one would not be seen
        for parameter in part.parameters():
            nn.init.normal_(parameter)
    return network.double()


def spell(tokens: Int[Tensor, "groups batch words"]) -> Spelling:
    """Every word has a spelling of its own; that of padding has no letters."""
    draw = torch.Generator().manual_seed(1)
    letters = torch.randint(1, LETTERS, (WORDS, 3), generator=draw)
    capitals = torch.randint(1, 4, (WORDS,), generator=draw)
    letters[0], capitals[0] = 0, 0
    return Spelling(letters, capitals, tokens)


def make_batch(receivers: tuple[int, ...] = ALL, groups: int = len(TASKS)) -> TextBatch:
    """Three sentences in each group, with legal tags for every receiver."""
    draw = torch.Generator().manual_seed(2)
    mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).expand(groups, -1, -1)
    tokens = torch.randint(UNKNOWN, WORDS, mask.shape, generator=draw) * mask
    tags = torch.randint(3, (len(receivers), *mask.shape[1:]), generator=draw)
    tags[torch.tensor([TASKS[k].name == "ner" for k in receivers])] = 4  # single words
    tags = tags.masked_fill(~mask[0], -1)
    labels = torch.zeros(len(receivers), len(LENGTHS))
    return TextBatch(receivers, tokens, mask, labels, None, spell(tokens), tags)


def wider(batch: TextBatch, by: int = 2) -> TextBatch:
    """The same with columns of padding."""
    assert batch.tags is not None
    pad = nn.functional.pad
    tokens = pad(batch.tokens, (0, by))
    return replace(
        batch,
        tokens=tokens,
        mask=pad(batch.mask, (0, by)),
        spelling=spell(tokens),
        tags=pad(batch.tags, (0, by), value=-1),
    )


def one(batch: TextBatch, i: int, row: int) -> TextBatch:
    """A sentence of one receiver by itself."""
    assert batch.tags is not None
    group = i if len(batch.tokens) > 1 else 0
    length = int(batch.mask[group, row].sum())
    tokens, tags = (x[g : g + 1, row : row + 1, :length] for x, g in ((batch.tokens, group), (batch.tags, i)))
    return TextBatch((batch.receivers[i],), tokens, tokens != 0, batch.labels[i : i + 1, :1], None, spell(tokens), tags)


@every_output
@every_model
def test_padding_changes_nothing(name: str, output: str) -> None:
    network, batch = make(name, output=output).eval(), make_batch()
    found, expected = network(wider(batch)), network(batch)
    torch.testing.assert_close(found.losses, expected.losses, rtol=0, atol=PRECISION[output])
    for k, mask in enumerate(batch.mask):
        other, usual = found.logits[k][:, : mask.shape[1]], expected.logits[k]
        torch.testing.assert_close(other[mask], usual[mask], rtol=0, atol=1e-9)


@every_output
@every_model
def test_a_batch_equals_one_by_one(name: str, output: str) -> None:
    network, batch = make(name, output=output).eval(), make_batch((2, 0, 1))
    found = network(batch)
    for i in range(3):
        nll = 0.0
        for row, length in enumerate(LENGTHS):
            alone = network(one(batch, i, row))
            torch.testing.assert_close(found.logits[i][row, :length], alone.logits[0][0], rtol=0, atol=1e-9)
            nll += float(alone.losses.detach()) * length  # the loss is for each word
        assert float(found.losses[i].detach()) == pytest.approx(nll / sum(LENGTHS), abs=PRECISION[output])


@every_model
def test_all_tasks_may_read_the_same_sentences(name: str) -> None:
    network, together = make(name).eval(), make_batch(groups=1)
    apart = replace(
        together,
        tokens=together.tokens.expand(3, -1, -1),
        mask=together.mask.expand(3, -1, -1),
        spelling=spell(together.tokens.expand(3, -1, -1)),
    )
    for found, expected in zip(network(together).logits, network(apart).logits, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@every_output
@every_model
def test_the_gradient_of_a_task_reaches_its_own_layers_and_no_others(name: str, output: str) -> None:
    network, k = make(name, output=output), 1
    result = network(make_batch((k,), groups=1))
    (result.losses.sum() + (0 if result.penalty is None else result.penalty)).backward()
    own, others = list[tuple[str, bool]](), list[tuple[str, bool]]()
    for key, parameter in network.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.any())
        owner = owner_of(key, len(network.spelling))
        if owner is None and not key.startswith("block."):  # blocks have this test in their room
            assert reached, key
        elif owner is not None:
            (own if owner == k else others).append((key, reached))
    assert own and all(reached for _, reached in own), own
    assert others and not any(reached for _, reached in others), others


def owner_of(key: str, spellings: int) -> int | None:
    """The task that a parameter outside the block belongs to."""
    prefixes = ["tagger.layers.", "tagger.crfs.", "embedding.tables.", "embedding.own.tables."]
    prefixes += ["spelling."] if spellings > 1 else []
    return next((int(key.removeprefix(p).split(".")[0]) for p in prefixes if key.startswith(p)), None)


@pytest.mark.parametrize("embeddings", ["private", "frozen"])
@pytest.mark.parametrize("name", PRIVATE)
def test_where_nothing_is_shared_a_step_of_one_task_leaves_the_others_to_the_bit(name: str, embeddings: str) -> None:
    network = make(name, embeddings=embeddings)
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=0.1)

    def step(task: int) -> None:
        optimizer.zero_grad()
        network(make_batch((task,), groups=1)).losses.sum().backward()
        optimizer.step()

    batches = [make_batch((task,), groups=1) for task in ALL]
    step(1)
    step(2)  # so that the optimiser has moments of the others, too
    before = [network(batch).logits[0] for batch in batches]
    step(0)
    after = [network(batch).logits[0] for batch in batches]
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1]) and torch.equal(before[2], after[2])


@pytest.mark.parametrize("name", [name for name in MODELS if name not in PRIVATE])
def test_where_letters_are_shared_a_step_of_one_task_moves_the_others(name: str) -> None:
    network = make(name)
    assert len(network.spelling) == 1
    other = make_batch((1,), groups=1)
    before = network(other).logits[0]
    network(make_batch((0,), groups=1)).losses.sum().backward()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.1 * parameter.grad)
    assert not torch.equal(before, network(other).logits[0])


class Listener(nn.Module):
    """An embedding that remembers what it was asked for."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.heard: list[Tensor] = []

    def forward(self, tokens: Tensor, receivers: tuple[int, ...]) -> Tensor:
        self.heard.append(tokens)
        return self.inner(tokens, receivers)


def test_words_look_unknown_while_training_only() -> None:
    network = make("fs", word_dropout=0.4)
    listener = network.embedding = Listener(network.embedding)  # type: ignore[arg-type, assignment]
    tokens = torch.full((1, 40, 50), 5)
    tokens[:, :, 45:] = 0
    batch = TextBatch((0,), tokens, tokens != 0, torch.zeros(1, 40), None, spell(tokens))
    network.train()(batch)
    network.eval()(batch)
    trained, evaluated = listener.heard
    assert torch.equal(evaluated, tokens)
    assert torch.equal(trained[~batch.mask], tokens[~batch.mask])
    assert set(trained[batch.mask].tolist()) == {5, UNKNOWN}
    assert float((trained[batch.mask] == UNKNOWN).double().mean()) == pytest.approx(0.4, abs=0.05)


def test_features_are_dropped_while_training_only() -> None:
    network, batch = make("ic", dropout=0.5), make_batch()
    first, second = (network.train()(batch).logits[0] for _ in range(2))
    assert not torch.equal(first, second)
    first, second = (network.eval()(batch).logits[0] for _ in range(2))
    assert torch.equal(first, second)


@every_output
@every_model
def test_single_precision_says_the_same(name: str, output: str) -> None:
    network, batch = make(name, output=output).eval(), make_batch()
    double, single = network(batch), network.float()(batch)
    assert all(x.dtype == torch.float64 for x in double.logits)
    assert double.losses.dtype == (torch.float64 if output == "crf" else torch.float32)
    assert all(x.dtype == torch.float32 for x in (*single.logits, single.losses))
    torch.testing.assert_close(single.losses.double(), double.losses.double(), rtol=0, atol=1e-4)
    for found, expected, mask in zip(single.logits, double.logits, batch.mask, strict=True):
        torch.testing.assert_close(found[mask].double(), expected[mask], rtol=0, atol=1e-4)


FORWARD: dict[str, dict[str, Any]] = {name: {} for name in MODELS if name not in ("bilstm", "mt-cnn")}
FORWARD["ic"] = {"causal": True}


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", FORWARD)
def test_a_word_knows_what_follows_it_only_in_both_directions(name: str, bidirectional: bool) -> None:
    network = make(name, bidirectional=bidirectional, **FORWARD[name]).eval()
    batch = make_batch((1,), groups=1)
    other = batch.tokens.clone()
    other[0, 0, 3] = other[0, 0, 3] % (WORDS - 1) + 1
    changed = replace(batch, tokens=other, spelling=spell(other))
    found, expected = network(changed).logits[0][0], network(batch).logits[0][0]
    assert not torch.equal(found[3], expected[3])
    assert torch.equal(found[0], expected[0]) is not bidirectional


@pytest.mark.parametrize(
    ("settings", "change", "matters"),
    [
        ({}, lambda s: replace(s, letters=s.letters.flip(0)), True),
        ({"characters": "cnn"}, lambda s: replace(s, letters=s.letters.flip(0)), True),
        ({"characters": "none"}, lambda s: replace(s, letters=s.letters.flip(0)), False),
        ({}, lambda s: replace(s, capitals=s.capitals.flip(0)), True),
        ({"capitals": False}, lambda s: replace(s, capitals=s.capitals.flip(0)), False),
        ({"characters": "none", "capitals": False}, lambda s: None, False),
    ],
)
@pytest.mark.parametrize("name", ["ic", "lstm"])
def test_spelling_is_read_if_it_is_wanted(
    name: str, settings: dict[str, Any], change: Callable[[Spelling], Spelling | None], matters: bool
) -> None:
    network, batch = make(name, **settings).eval(), make_batch()
    assert batch.spelling is not None
    found = network(replace(batch, spelling=change(batch.spelling)))
    assert torch.equal(found.logits[1], network(batch).logits[1]) is not matters


def test_without_tags_there_are_no_losses() -> None:
    assert make("ic")(replace(make_batch(), tags=None)).losses is None


def test_a_task_without_tags_has_a_loss_of_zero_that_moves_nothing() -> None:
    network, batch = make("ic"), make_batch()
    assert batch.tags is not None
    batch.tags[1] = -1
    losses = network(batch).losses
    assert losses[1] == 0 and losses[0] > 0
    losses[1].backward()
    assert not any(p.grad is not None and p.grad.any() for p in network.parameters())


@pytest.mark.parametrize("name", ["lstm", "ic", "mitten", "mt-cnn"])
def test_a_sentence_without_words_does_no_harm(name: str) -> None:
    network, batch = make(name), make_batch()
    assert batch.tags is not None
    batch = replace(batch, mask=batch.mask.clone(), tags=batch.tags.clone())
    assert batch.tags is not None
    batch.mask[1, 2], batch.tokens[1, 2], batch.tags[1, 2] = False, 0, -1
    network(replace(batch, spelling=spell(batch.tokens))).losses.sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in network.parameters())


def test_tasks_with_private_letters_start_alike() -> None:
    network = make("lstm")
    first, second = (network.spelling[k].state_dict() for k in (0, 1))
    assert len(network.spelling) == len(TASKS) and all(torch.equal(first[key], second[key]) for key in first)


@every_output
def test_tags_that_hang_on_their_neighbours_are_learned(output: str) -> None:
    """A word of one kind has the tag of the word before it, which a softmax learns from the states."""
    torch.manual_seed(0)
    tokens = torch.randint(2, 5, (1, 40, 6))
    tags = torch.empty_like(tokens)
    for place in range(6):
        word, before = tokens[:, :, place] - 2, tags[:, :, place - 1] if place else torch.zeros(1, 40, dtype=torch.long)
        tags[:, :, place] = torch.where(word == 2, before, word)
    batch = TextBatch((0,), tokens, tokens != 0, torch.zeros(1, 40), None, spell(tokens), tags)
    network = make("fs", output=output, hidden=12, embedding_features=8)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.03)
    for _ in range(60):
        optimizer.zero_grad()
        network(batch).losses.sum().backward()
        optimizer.step()
    answer = network.tagger.decode(network.eval()(batch).logits[0], batch.mask[0], 0)
    assert float((answer == tags[0]).double().mean()) > 0.97

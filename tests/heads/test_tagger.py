import itertools

import pytest
import torch
from torch import Tensor

from tasktalk.heads.crf import CRF
from tasktalk.heads.tagger import Output, Tagger

SPANS = ("O", "B-a", "E-a", "I-a", "S-a")
CLASSES = (SPANS, ("DET", "NOUN", "VERB"), ("O", "B-x", "E-x", "I-x", "S-x"))
FEATURES, WORDS = 4, 6
LENGTHS = (6, 1, 3)
MASK = torch.arange(WORDS) < torch.tensor(LENGTHS)[:, None]
OUTPUTS = pytest.mark.parametrize("output", ["crf", "softmax"])


def tagger(output: Output = "crf", constraints: bool = True) -> Tagger:
    torch.manual_seed(0)
    made = Tagger(FEATURES, CLASSES, output, constraints)
    for parameter in made.crfs.parameters():
        torch.nn.init.normal_(parameter)
    return made


def gold(classes: int) -> Tensor:
    torch.manual_seed(1)
    return torch.randint(classes, MASK.shape).masked_fill(~MASK, -1)


def test_a_score_for_every_tag_of_the_receivers() -> None:
    states = torch.randn(2, 3, WORDS, FEATURES)
    found = tagger()(states, (2, 1))
    assert [x.shape for x in found] == [(3, WORDS, 5), (3, WORDS, 3)]
    torch.testing.assert_close(found[1], states[1] @ tagger().get_parameter("layers.1.weight").t())


@OUTPUTS
def test_tasks_with_as_many_tags_start_alike_and_stay_apart(output: Output) -> None:
    made = Tagger(FEATURES, CLASSES, output)
    first, last = (made.get_parameter(f"layers.{task}.weight") for task in (0, 2))
    assert torch.equal(first, last) and first is not last
    made.loss(made(torch.randn(1, 3, WORDS, FEATURES), (0,))[0], gold(5), 0).backward()
    names = {name for name, parameter in made.named_parameters() if parameter.grad is not None}
    assert names == {name for name, _ in made.named_parameters() if name.split(".")[1] == "0"}


@OUTPUTS
def test_the_loss_is_that_of_a_word(output: Output) -> None:
    made = tagger(output, constraints=False)
    (emissions,) = made(torch.randn(1, 3, WORDS, FEATURES), (1,))
    tags = gold(3)
    each = made.nll(emissions, MASK, tags, 1)
    assert each.shape == (3,)
    torch.testing.assert_close(made.loss(emissions, tags, 1), each.sum() / sum(LENGTHS))
    if output == "softmax":
        torch.testing.assert_close(
            made.loss(emissions, tags, 1), torch.nn.functional.cross_entropy(emissions[MASK], tags[MASK])
        )


@OUTPUTS
@pytest.mark.parametrize("constraints", [False, True])
def test_sentences_without_tags_count_nothing(output: Output, constraints: bool) -> None:
    made = tagger(output, constraints)
    emissions = torch.randn(3, WORDS, 5, requires_grad=True)
    tags = gold(5)
    tags[1] = -1
    loss = made.loss(emissions, tags, 0)
    torch.testing.assert_close(loss, made.loss(emissions[[0, 2]], tags[[0, 2]], 0))
    (gradient,) = torch.autograd.grad(loss, emissions)
    assert not gradient[1].any() and not gradient[~MASK].any() and gradient[0].any()


@OUTPUTS
def test_without_any_tag_the_loss_is_zero_and_attached(output: Output) -> None:
    made = tagger(output)
    (emissions,) = made(torch.randn(1, 3, WORDS, FEATURES), (0,))
    loss = made.loss(emissions, torch.full((3, WORDS), -1), 0)
    loss.backward()
    assert loss == 0
    assert all(p.grad is None or not p.grad.any() for p in made.parameters())
    assert made.layers[0].weight.grad is not None


@OUTPUTS
@pytest.mark.parametrize("constraints", [False, True])
def test_decoded_tags(output: Output, constraints: bool) -> None:
    made, emissions = tagger(output, constraints), 3 * torch.randn(3, WORDS, 5, requires_grad=True)
    found = made.decode(emissions, MASK, 0)
    assert found.shape == (3, WORDS) and (found[~MASK] == -1).all() and (found[MASK] >= 0).all()
    if output == "softmax" and not constraints:
        assert torch.equal(found[MASK], emissions.argmax(dim=2)[MASK])
    if output == "crf":
        crf = made.crfs[0]
        assert isinstance(crf, CRF) and torch.equal(found, crf.decode(emissions, MASK))


@OUTPUTS
def test_constraints_are_never_broken(output: Output) -> None:
    made = tagger(output)
    legal = {"O": "OBS", "B": "IE", "I": "IE", "E": "OBS", "S": "OBS"}
    for seed in range(20):
        torch.manual_seed(seed)
        for path in made.decode(5 * torch.randn(3, WORDS, 5), MASK, 2).tolist():
            names = [CLASSES[2][tag][0] for tag in path if tag >= 0]
            assert names[0] in "OBS" and names[-1] in "OES"
            assert all(b in legal[a] for a, b in itertools.pairwise(names))


def test_a_legal_path_of_a_softmax_is_the_most_probable() -> None:
    made = tagger("softmax")
    emissions = torch.full((1, 3, 5), -9.0)
    # Word by word the best tags are B-a, O, E-a.
    emissions[0, 0, 1], emissions[0, 1, 0], emissions[0, 1, 3], emissions[0, 2, 2] = 5, 1, 0.5, 5
    assert made.decode(emissions, torch.ones(1, 3, dtype=torch.bool), 0).tolist() == [[1, 3, 2]]


@OUTPUTS
def test_marginals(output: Output) -> None:
    made, emissions = tagger(output), torch.randn(3, WORDS, 5, requires_grad=True)
    found = made.marginals(emissions, MASK, 0)
    assert found.shape == (3, WORDS, 5) and not found.requires_grad
    torch.testing.assert_close(found.sum(dim=2), MASK.float())
    if output == "softmax":
        torch.testing.assert_close(found[MASK], emissions.softmax(dim=2)[MASK].detach())


@OUTPUTS
def test_mixed_precision(output: Output) -> None:
    made, states = tagger(output), torch.randn(1, 3, WORDS, FEATURES)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (near,) = made(states, (0,))
        loss = made.loss(near, gold(5), 0)
        loss.backward()
        assert made.decode(near, MASK, 0).shape == MASK.shape and made.marginals(near, MASK, 0).dtype == torch.float32
    assert near.dtype == torch.bfloat16 and loss.dtype == torch.float32
    torch.testing.assert_close(loss, made.loss(made(states, (0,))[0], gold(5), 0), rtol=0.02, atol=0.02)

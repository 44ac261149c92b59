"""Characters and capitals to vectors: against loops over single characters, and what padding must not do."""

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from tasktalk.core.batch import Spelling
from tasktalk.core.errors import ConfigError
from tasktalk.encoders.spelling import Characters, LetterCNN, LetterLSTM, SpellingEncoder

LETTERS = 9
WORDS = [[], [3, 4, 5, 2], [6], [2, 8], [1, 7, 7, 7, 7, 2], [4, 1]]
KINDS = [(characters, capitals) for characters in get_args(Characters) for capitals in (True, False)]
KINDS.remove(("none", False))


def pad(words: list[list[int]], width: int) -> Tensor:
    return torch.tensor([word + [0] * (width - len(word)) for word in words])


def make_spelling(width: int = 6) -> Spelling:
    of_word = torch.tensor([[[1, 2, 3, 1], [4, 5, 0, 0]], [[3, 0, 0, 0], [0, 0, 0, 0]]])
    return Spelling(pad(WORDS, width), torch.tensor([0, 1, 7, 2, 1, 3]), of_word)


def make_encoder(characters: Characters, capitals: bool) -> SpellingEncoder:
    torch.manual_seed(0)
    return SpellingEncoder(LETTERS, characters, capitals, letter_features=4, hidden=3, filters=5).double()


def gradients(module: nn.Module, values: Tensor) -> dict[str, Tensor]:
    """Gradients of a loss in which every value counts differently."""
    module.zero_grad()
    weights = torch.randn(values.shape, generator=torch.Generator().manual_seed(1), dtype=values.dtype)
    (values * weights).sum().backward()
    found = {name: parameter.grad for name, parameter in module.named_parameters()}
    return {name: grad.clone() for name, grad in found.items() if grad is not None}


def assert_same(module: nn.Module, found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(gradients(module, found), gradients(module, expected), rtol=0, atol=1e-9)


def lstm_by_loops(module: LetterLSTM, words: list[list[int]]) -> Tensor:
    rows = []
    for word in words:
        states = []
        for suffix in ("", "_reverse"):
            w_x, w_h, b_x, b_h = (
                module.lstm.get_parameter(f"{name}_l0{suffix}")
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            h = c = w_h.new_zeros(w_h.shape[1])
            for letter in word[::-1] if suffix else word:
                i, f, g, o = (w_x @ module.table.weight[letter] + b_x + w_h @ h + b_h).chunk(4)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
            states.append(h)
        rows.append(torch.cat(states))
    return torch.stack(rows)


def cnn_by_loops(module: LetterCNN, words: list[list[int]]) -> Tensor:
    weight, bias, width = module.convolution.weight, module.convolution.bias, module.width
    assert bias is not None
    rows = []
    for word in words:
        if not word:
            rows.append(torch.zeros_like(bias))
            continue
        values = []
        for first in range(1 - width, len(word)):
            total = bias
            for k in range(width):
                if 0 <= first + k < len(word):
                    total = total + weight[:, :, k] @ module.table.weight[word[first + k]]
            values.append(total.tanh())
        rows.append(torch.stack(values).amax(dim=0))
    return torch.stack(rows)


def test_lstm_equals_a_loop_over_characters() -> None:
    torch.manual_seed(0)
    module = LetterLSTM(LETTERS, letter_features=4, hidden=3).double()
    nn.init.normal_(module.table.weight.data[1])
    assert_same(module, module(pad(WORDS, 6)), lstm_by_loops(module, WORDS))


@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_cnn_equals_a_loop_over_positions(width: int) -> None:
    torch.manual_seed(0)
    module = LetterCNN(LETTERS, letter_features=4, filters=5, width=width).double()
    nn.init.normal_(module.table.weight.data[1])
    assert_same(module, module(pad(WORDS, 6)), cnn_by_loops(module, WORDS))


@pytest.mark.parametrize(("characters", "capitals"), KINDS)
def test_shape_and_padding(characters: Characters, capitals: bool) -> None:
    encoder = make_encoder(characters, capitals)
    assert encoder.features == {"none": 0, "lstm": 6, "cnn": 5}[characters] + 5 * capitals
    spelling = make_spelling()
    vectors = encoder(spelling)
    assert vectors.shape == (2, 2, 4, encoder.features)
    assert ((vectors != 0).any(dim=-1) == (spelling.of_word != 0)).all()


@pytest.mark.parametrize(("characters", "capitals"), KINDS)
def test_more_padding_changes_nothing(characters: Characters, capitals: bool) -> None:
    encoder = make_encoder(characters, capitals)
    assert_same(encoder, encoder(make_spelling(width=11)), encoder(make_spelling()))


@pytest.mark.parametrize(("characters", "capitals"), KINDS)
def test_every_word_by_itself_gets_the_same_vector(characters: Characters, capitals: bool) -> None:
    encoder = make_encoder(characters, capitals)
    spelling = make_spelling()
    vectors = encoder(spelling)
    for place in spelling.of_word.nonzero().tolist():
        row = int(spelling.of_word[tuple(place)])
        rows = [0, row]
        alone = Spelling(pad([[], WORDS[row]], len(WORDS[row])), spelling.capitals[rows], torch.tensor([[[1]]]))
        torch.testing.assert_close(encoder(alone)[0, 0, 0], vectors[tuple(place)], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("characters", "capitals"), KINDS)
def test_a_spelling_in_two_places_has_one_vector(characters: Characters, capitals: bool) -> None:
    vectors = make_encoder(characters, capitals)(make_spelling())
    assert torch.equal(vectors[0, 0, 0], vectors[0, 0, 3])
    assert torch.equal(vectors[0, 0, 2], vectors[1, 0, 0])
    assert not torch.equal(vectors[0, 0, 0], vectors[0, 0, 2])


@pytest.mark.parametrize(("characters", "capitals"), KINDS)
def test_gradient_reaches_every_parameter_and_padding_never(characters: Characters, capitals: bool) -> None:
    encoder = make_encoder(characters, capitals)
    found = gradients(encoder, encoder(make_spelling()))
    assert found.keys() == dict(encoder.named_parameters()).keys()
    assert all(grad.isfinite().all() and grad.any() for grad in found.values())
    if encoder.characters is not None:
        assert found["characters.table.weight"].any(dim=1).tolist() == [False, *[True] * (LETTERS - 1)]
    if capitals:
        assert found["capitals.weight"].any(dim=1).tolist() == [i in (1, 2, 3, 7) for i in range(8)]


@pytest.mark.parametrize(("characters", "capitals"), KINDS)
def test_nothing_but_padding(characters: Characters, capitals: bool) -> None:
    encoder = make_encoder(characters, capitals)
    spelling = Spelling(
        torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64), torch.zeros(1, 2, 3).long()
    )
    vectors = encoder(spelling)
    assert (vectors == 0).all()
    assert not any(grad.any() for grad in gradients(encoder, vectors).values())


@pytest.mark.parametrize(("characters", "capitals"), KINDS)
def test_float32_agrees_with_float64(characters: Characters, capitals: bool) -> None:
    encoder = make_encoder(characters, capitals)
    vectors = encoder(make_spelling())
    assert vectors.dtype == torch.float64
    single = encoder.float()(make_spelling())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), vectors, rtol=0, atol=1e-5)


def test_unknown_characters_say_nothing_and_the_others_are_drawn_as_ma_and_hovy_do() -> None:
    torch.manual_seed(0)
    table = LetterCNN(200, letter_features=12, filters=3, width=3).table.weight
    assert (table[:2] == 0).all()
    assert 0.49 < table.abs().max() <= 0.5
    assert (table[2:].abs().amax(dim=1) > 0).all()


def test_defaults_are_the_papers_sizes() -> None:
    assert SpellingEncoder(LETTERS).features == 50 + 5
    assert SpellingEncoder(LETTERS, "cnn").features == 30 + 5


def test_neither_characters_nor_capitals_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected characters 'lstm' or 'cnn', or capitals, found neither"):
        SpellingEncoder(LETTERS, "none", capitals=False)

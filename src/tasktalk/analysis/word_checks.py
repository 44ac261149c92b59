"""How far to trust what is shown of words: half a sentence instead of the whole, and what is the same for all words."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from tasktalk.analysis.chance import too_few
from tasktalk.analysis.hearing import Heard, hear_each, with_words
from tasktalk.analysis.picture import Check
from tasktalk.data.dataset import Examples
from tasktalk.training.run import Run

_AGREE, _HABIT, _MOVED = 2 / 3, 5 / 6, 0.1
_SPREAD = 0.05


def word_checks(run: Run, texts: Examples, heard: Sequence[Heard], kind: str) -> list[Check]:
    """Checks of the words of some texts.

    Args:
        run: a finished run.
        texts: the texts, none of them empty.
        heard: them as every task read them, in their order.
        kind: what the record holds, as ``overview.kind_of`` names it.
    """
    if problem := too_few(sum(len(sample.words) for sample in heard), what="word"):
        return [Check("words differ from each other", None, problem)]
    halves = _without_first_half(run, texts, heard)
    if kind == "beta":
        return [_gate_check(texts, heard, halves), _spread_check(texts, heard)]
    own = kind in {"alpha", "weights"}
    sources = next(sample.weights.shape[-1] for sample in heard if sample.weights is not None)
    free = sources - own
    if free < 2:
        return [Check("other words of the sentence", None, "There is one source only, so no word can choose.")]
    most = 3 if free > 4 else 1
    return [_half_check(texts, heard, halves, own, most), _habit_check(texts, heard, own, most)]


def _without_first_half(run: Run, texts: Examples, heard: Sequence[Heard]) -> dict[int, Heard]:
    """The second halves of the texts of two words and more, read without their first halves, by row."""
    rows = [sample.row for sample in heard if len(sample.words) > 1]
    if not rows:
        return {}
    words = [sample.words[len(sample.words) // 2 :] for sample in heard if len(sample.words) > 1]
    examples = with_words(texts, rows, words)
    return {rows[half.row]: half for half in hear_each(run, examples)}


def _readers(texts: Examples, sample: Heard, tasks: int) -> list[int]:
    return list(range(tasks)) if texts.owner is None else [int(texts.owner[sample.row])]


def strongest(
    weights: Float[np.ndarray, "words sources"], most: int, left_out: int | None
) -> Bool[np.ndarray, "words sources"]:
    """Which sources are among the strongest of each word; of ties the first."""
    given = weights.copy()
    if left_out is not None:
        given[:, left_out] = -np.inf
    chosen = np.zeros(weights.shape, dtype=bool)
    np.put_along_axis(chosen, np.argsort(-given, axis=-1, kind="stable")[:, :most], True, axis=-1)
    return chosen


def _half_check(texts: Examples, heard: Sequence[Heard], halves: dict[int, Heard], own: bool, most: int) -> Check:
    name = "the same words without the first half of their text"
    shares, free = [], 0
    for sample in heard:
        half = halves.get(sample.row)
        if half is None or half.weights is None or sample.weights is None:
            continue
        free = sample.weights.shape[-1] - own
        for k in _readers(texts, sample, len(sample.weights)):
            left_out = k if own else None
            whole = strongest(sample.weights[k, -len(half.words) :], most, left_out)
            shares.append((whole & strongest(half.weights[k], most, left_out)).sum(axis=-1) / most)
    if not shares:
        return Check(name, None, "No text has two words, so none could be cut in half.")
    share = float(np.concatenate(shares).mean())
    sentence = (
        f"Read without the first half of its text, a word kept {share:.0%} of its {_count(most)}; by chance it "
        f"would keep {most / free:.0%}. "
    )
    if share >= _AGREE:
        return Check(name, True, sentence + "What stands under a word does not hang on words far before it.")
    return Check(name, False, sentence + "That is less than two in three: do not read much into a single word.")


def _habit_check(texts: Examples, heard: Sequence[Heard], own: bool, most: int) -> Check:
    name = "words differ from each other"
    by_task: dict[int, list[np.ndarray]] = {}
    for sample in heard:
        if sample.weights is not None:
            for k in _readers(texts, sample, len(sample.weights)):
                by_task.setdefault(k, []).append(sample.weights[k])
    shares, apart = [], []
    for k, parts in by_task.items():
        words, left_out = np.concatenate(parts), k if own else None
        mean = words.mean(axis=0, keepdims=True)
        shares.append((strongest(words, most, left_out) & strongest(mean, most, left_out)).sum(axis=-1) / most)
        apart.append(np.abs(words - mean).sum(axis=-1) / 2)
    share, moved = (float(np.concatenate(parts).mean()) for parts in (shares, apart))
    theirs = "strongest sources" if most == 1 else _count(most)
    sentence = (
        f"{share:.0%} of the words' {theirs} are those that their task listens to most over all its words, and "
        f"{moved:.0%} of a word's weights would have to move to be those of the task's mean word. "
    )
    if share < _HABIT and moved >= _MOVED:
        return Check(name, True, sentence + "The rest depends on the word.")
    return Check(name, False, sentence + "The picture tells more about the tasks than about the words.")


def _count(most: int) -> str:
    return "strongest source" if most == 1 else f"{most} strongest sources"


def _gate_check(texts: Examples, heard: Sequence[Heard], halves: dict[int, Heard]) -> Check:
    from scipy.stats import spearmanr

    name = "the same words without the first half of their text"
    found = []
    for sample in heard:
        half = halves.get(sample.row)
        if half is None or half.gate is None or sample.gate is None or len(half.words) < 3:
            continue
        for k in _readers(texts, sample, len(sample.gate)):
            whole = sample.gate[k, -len(half.words) :]
            if whole.std() > 0 and half.gate[k].std() > 0:
                found.append(float(spearmanr(whole, half.gate[k]).statistic))
    if not found:
        return Check(name, None, "No text is long enough to be cut in half.")
    mean = float(np.mean(found))
    sentence = (
        f"Read without the first half of its text, the words keep the order of their gates with a rank correlation of "
        f"{mean:.2f} (1: the same order; 0: any). "
    )
    if mean >= 0.5:
        return Check(name, True, sentence + "The colour belongs to the word more than to its place.")
    return Check(name, False, sentence + "The colour hangs on what stands before: do not read much into one word.")


def _spread_check(texts: Examples, heard: Sequence[Heard]) -> Check:
    gates = [s.gate[k] for s in heard if s.gate is not None for k in _readers(texts, s, len(s.gate))]
    low, high = (float(np.quantile(np.concatenate(gates), q)) for q in (0.05, 0.95))
    sentence = f"Nine words in ten have a gate between {low:.2f} and {high:.2f}. "
    if high - low >= _SPREAD:
        return Check("words differ from each other", True, sentence + "The colours show a difference.")
    return Check("words differ from each other", False, sentence + "The colours exaggerate next to no difference.")

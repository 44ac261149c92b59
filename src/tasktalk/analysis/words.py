"""Which tasks each word of a sentence listened to (message-passing paper, Fig. 3)."""

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tasktalk.analysis.fragments import levels, shade_rules, switch
from tasktalk.analysis.hearing import Heard, hear_each, kind_heard, spoken, unknown_words
from tasktalk.analysis.overview import choose, source_names
from tasktalk.analysis.picture import Part, Picture
from tasktalk.analysis.word_checks import word_checks
from tasktalk.analysis.word_figure import Shown, words_figure
from tasktalk.data.dataset import Examples, Molecules, Nodes
from tasktalk.data.take import take
from tasktalk.training.run import Run

_MOST_SPANS = 9000
"""Words of all panels together: each is an element of the page with a note of its own."""
_NOTED = 8
_STYLE = (
    "<style>.tt-words p{line-height:2.1;position:relative;overflow-wrap:anywhere}"
    ".tt-words .w{border-radius:3px;padding:1px 3px;cursor:help}"
    ".tt-words .c{display:inline-block;vertical-align:top;line-height:1.25;margin:2px 0;text-align:center}"
    ".tt-words .c small{display:block;font-size:.68em;line-height:1.3;opacity:.9;margin-top:5px}"
    ".tt-words .u{font-style:italic;text-decoration:underline dotted}"
    ".tt-words .t{display:none;position:absolute;left:0;right:0;margin-top:1.6em;z-index:9;line-height:1.5;"
    "background:#222;color:#fff;border:1px solid #999;border-radius:4px;padding:4px 8px;font-size:.85em;"
    "text-align:left}"
    ".tt-words .w:hover .t,.tt-words .w:focus .t{display:block}" + shade_rules(".tt-words .q") + "</style>"
)
_MEANING = {
    "alpha": "the mean of the fusion gate at the word: how far the messages of the other tasks got in (Eq. 10)",
    "beta": "the mean of the fusion gate at the word: how far what was read from the mailbox got in (Eq. 10)",
    "weights": "1 - the weight of the task's own states at the word",
    "strongest": "the weight of the strongest source at the word",
}


def words_part(run: Run, examples: Examples, most: int = 12) -> Part | None:
    """Some texts word by word: how much each listened, and to which tasks.

    With separate inputs each text is read by the task that it belongs to, with shared inputs by all.

    Args:
        run: a finished run.
        examples: a split of its data, or texts of a person.
        most: how many texts; fewer where they are long and read by many tasks.

    Returns:
        None for molecules, nodes, texts without a word, and models whose weights are the same for all words or that
        pass no messages.
    """
    kind = None if isinstance(examples.content, Molecules | Nodes) else kind_heard(run, examples)
    if kind is None or kind == "stitch":
        return None
    chosen = take(examples, choose(examples, most, seed=0))
    texts = spoken(chosen)
    if not len(texts):
        return None
    heard = sorted(hear_each(run, texts), key=lambda sample: sample.row)
    sources = source_names(run.hear(take(texts, np.arange(1))))
    meaning, values = _listened(kind, heard)
    shown = _shown(run, texts, heard, values, sources, kind != "experts")
    unknown = unknown_words(run, texts)
    checks = word_checks(run, texts, heard, kind)
    return Part(
        "words",
        "Words",
        _lead(kind, chosen, heard, shown),
        [_picture(shown, kind, _MEANING[meaning], unknown)],
        checks,
    )


def _listened(kind: str, heard: Sequence[Heard]) -> tuple[str, list[np.ndarray]]:
    """How much each word listened, (tasks, words) for each sample, and the name of that in ``_MEANING``."""
    gates = [sample.gate for sample in heard if sample.gate is not None]
    if kind in {"alpha", "beta"}:
        return kind, gates
    weights = [sample.weights for sample in heard if sample.weights is not None]
    own = [np.einsum("knk->kn", w) for w in weights] if kind == "weights" else []
    if any(w.any() for w in own):
        return kind, [1 - w for w in own]
    return "strongest", [w.max(axis=-1) for w in weights]


def _shown(
    run: Run,
    texts: Examples,
    heard: Sequence[Heard],
    values: Sequence[np.ndarray],
    sources: tuple[str, ...],
    between_tasks: bool,
) -> list[Shown]:
    """The texts and the tasks that read them, as many as the page can hold."""
    room = _MOST_SPANS
    shown: list[Shown] = []
    for sample, listened in zip(heard, values, strict=True):
        readers = range(len(run.tasks)) if texts.owner is None else [int(texts.owner[sample.row])]
        fitting = list(readers)[: room // len(sample.words)]
        if len(fitting) < len(readers) and shown:
            break
        room -= len(fitting) * len(sample.words)
        for k in fitting:
            weights = None if sample.weights is None else sample.weights[k].copy()
            if weights is not None and between_tasks:
                weights[:, k] = 0  # its own states are no message
            shown.append(_of_task(sample, k, run.tasks[k].name, listened[k], weights, sources))
    return shown


def _of_task(
    sample: Heard,
    task: int,
    name: str,
    listened: Float[np.ndarray, " words"],
    weights: Float[np.ndarray, "words sources"] | None,
    sources: tuple[str, ...],
) -> Shown:
    if weights is not None:
        return Shown(sample.row + 1, name, sample.words, listened, top_named(weights, sources))
    assert sample.beta is not None  # noqa: S101  # a record of texts that differs by word has one of the two
    beta = sample.beta[task]
    read = len(beta) * beta.mean(axis=0)
    return Shown(sample.row + 1, name, sample.words, listened, top_named(beta, sample.words), read)


def top_named(
    weights: Float[np.ndarray, "words sources"], names: Sequence[str], most: int = 3
) -> list[list[tuple[str, float]]]:
    """For each word its strongest sources and their weights, without those of weight 0; of ties the first."""
    order = np.argsort(-weights, axis=-1, kind="stable")[:, :most]
    return [
        [(names[source], float(row[source])) for source in best if row[source] > 0]
        for row, best in zip(weights, order, strict=True)
    ]


def _lead(kind: str, examples: Examples, heard: Sequence[Heard], shown: Sequence[Shown]) -> str:
    what = {
        "alpha": "the tasks (at most three) whose messages weighed most",
        "beta": "the three words of the mailbox that it read most, and how often it was read itself",
        "weights": "the other tasks (at most three) whose states weighed most",
        "experts": "the experts (at most three) that weighed most",
    }[kind]
    count = len({text.sample for text in shown})
    longest = max(len(sample.words) for sample in heard)
    cut = any(len(words) > longest for words in examples.tokens)
    return (
        f"Each word is coloured by how much it listened. Point at a word, tap it or move to it with the tab key to see "
        f"{what}; under the words that listened most it stands in small print. {count} "
        f"{'text is' if count == 1 else 'texts are'} shown"
        + (f"; of a longer text the first {longest} words are read." if cut else ".")
        + " A weight says what a word took, not that the answer would change without it."
    )


def _picture(shown: Sequence[Shown], kind: str, meaning: str, unknown: set[str]) -> Picture:
    everything = np.concatenate([text.listened for text in shown])
    low, high = (float(np.quantile(everything, q)) for q in (0.02, 0.98))
    first = max(shown, key=lambda one: float(one.listened.max()))
    strongest = int(first.listened.argmax())
    quote = "“{}”" if kind == "beta" else "{}"  # words of the text, or names of tasks
    named = ", ".join(f"{quote.format(name)} {weight:.2f}" for name, weight in first.named[strongest]) or "nothing"
    text = (
        f"Colour: {meaning}; from {low:.2f} (pale) to {high:.2f} (dark). The word that listened most is "
        f"“{first.words[strongest]}” in text {first.sample}, read by {first.task} ({first.listened[strongest]:.2f}); "
        f"it {'read' if kind == 'beta' else 'listened to'} {named}."
        + (" Words in italics with a dotted line are not in the vocabulary." if unknown else "")
    )
    header = ["text", "task", "position", "word", "listened"]
    header += ["read"] if kind == "beta" else []
    header += [f"{what} {number}" for number in (1, 2, 3) for what in ("source", "weight")]
    rows = [row for one in shown for row in _rows(one)]
    figure: Figure = words_figure(shown, low, high, meaning)
    return Picture(
        "words", "Each word and whom it listened to", text, figure, header, rows, _html(shown, low, high, unknown)
    )


def _rows(shown: Shown) -> list[list[object]]:
    rows: list[list[object]] = []
    for place, (word, named) in enumerate(zip(shown.words, shown.named, strict=True)):
        read = [] if shown.read is None else [float(shown.read[place])]
        listed = [item for pair in named for item in pair] + [""] * (6 - 2 * len(named))
        rows.append([shown.sample, shown.task, place + 1, word, float(shown.listened[place]), *read, *listed])
    return rows


def _html(shown: Sequence[Shown], low: float, high: float, unknown: set[str]) -> str:
    """A choice of texts and, in each text that several tasks read, of tasks."""
    by_sample: dict[int, list[Shown]] = {}
    for one in shown:
        by_sample.setdefault(one.sample, []).append(one)
    panels = []
    for number, (sample, tasks) in enumerate(by_sample.items(), start=1):
        start = " ".join(tasks[0].words[:7]) + (" …" if len(tasks[0].words) > 7 else "")
        of = f"{tasks[0].task}: " if len(tasks) == 1 else ""
        inner = [(f"read by {one.task}", _text(one, low, high, unknown)) for one in tasks]
        panels.append((f"{number}. {of}{start}", switch(f"words-{sample}", "Task that reads:", inner)))
    return f'{_STYLE}<div class="tt-words">{switch("words", "Text:", panels)}</div>'


def _text(shown: Shown, low: float, high: float, unknown: set[str]) -> str:
    shades = levels(shown.listened, low, high)
    most = min(_NOTED, -(-len(shown.words) // 4))
    noted = set(np.argsort(-shown.listened, kind="stable")[:most].tolist())
    words = " ".join(
        _word(shown, place, f"w q{shades[place]}" + (" u" if word in unknown else ""), place in noted)
        for place, word in enumerate(shown.words)
    )
    return f"<p>{words}</p>"


def _word(shown: Shown, place: int, css: str, noted: bool) -> str:
    named = [f"{escape(name)} {weight:.2f}" for name, weight in shown.named[place]]
    read = "" if shown.read is None else f"; was read {shown.read[place]:.2f} times as often as the mean word"
    note = f"{shown.listened[place]:.2f}: {', '.join(named) or 'nothing'}{read}"
    word = escape(shown.words[place])
    span = f'<span class="{css}" tabindex="0">{word}<span class="t">{note}</span></span>'
    return f'<span class="c">{span}<small>{"<br>".join(named)}</small></span>' if noted else span

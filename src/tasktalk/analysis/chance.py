"""What chance would do: bootstrap samples, intervals, rank correlations and permutations."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.seeding import generator

DRAWS = 1000
FEWEST, FEWEST_EACH = 20, 5
"""Samples, words or atoms behind a check, and of samples those of each task, on average."""
_LEVEL = 95
_PURPOSE = 1_667_785_070  # keeps these draws apart from those that use the same seed for something else


def resampled(
    samples: int, owner: Int[np.ndarray, " samples"] | None, draws: int = DRAWS, seed: int = 0
) -> Float[np.ndarray, "draws samples"]:
    """How often each sample is drawn, with replacement; with separate inputs, each task draws from its own.

    Args:
        samples: how many there are.
        owner: the task that each belongs to, or None.
        draws: how often all are drawn.
        seed: of the draws.
    """
    draw = generator(seed, _PURPOSE)
    counts = np.zeros((draws, samples))
    whose = np.zeros(samples, dtype=np.int64) if owner is None else owner
    for task in np.unique(whose):
        rows = np.flatnonzero(whose == task)
        counts[:, rows] = draw.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=draws)
    return counts


def interval(values: Float[np.ndarray, " draws"]) -> tuple[float, float]:
    """The middle 95 % of draws; NaN where nothing could be computed."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.percentile(known, [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2])
    return float(low), float(high)


def too_few(different: int, each: Sequence[int] = (), what: str = "sample") -> str:
    """Why a check of so few samples, words or atoms would tell nothing; empty if it does.

    Samples drawn anew from a few are nearly the same few, and those from one are that one: everything looks certain.

    Args:
        different: how many there are, each counted once.
        each: of every task, how many it is asked about; empty where tasks are not compared.
        what: one of them, in words.
    """
    if different >= FEWEST and sum(each) >= FEWEST_EACH * len(each):
        return ""
    found = f"{different} {what}{' is' if different == 1 else 's are'} too few: at least {FEWEST} are needed"
    return f"{found}, and on average {FEWEST_EACH} of each task." if each else f"{found}."


def rank_correlation(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"]) -> float:
    """Spearman's, ties sharing their mean rank; NaN where one of them does not differ, or of fewer than three."""
    from scipy.stats import rankdata

    if len(a) < 3:
        return np.nan
    ranks = [rankdata(x) - (len(x) + 1) / 2 for x in (a, b)]
    scale = np.sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1]))
    return float(ranks[0] @ ranks[1] / scale) if scale > 0 else np.nan


def chance_of(
    reached: float, statistic: Callable[[np.random.Generator], float], draws: int = DRAWS, seed: int = 0
) -> float:
    """Share of draws, the one that was found among them, whose statistic is as large as what was found.

    Args:
        reached: what was found.
        statistic: the same of something permuted with a generator.
        draws: how many permutations.
        seed: of these.
    """
    return share_of(as_large(reached, statistic, draws, seed), draws)


def as_large(
    reached: float, statistic: Callable[[np.random.Generator], float], draws: int = DRAWS, seed: int = 0
) -> int:
    """In how many draws the statistic is as large as what was found; arguments as in ``chance_of``."""
    draw = generator(seed, _PURPOSE, 1)
    return sum(statistic(draw) >= reached - 1e-12 for _ in range(draws))


def share_of(reaching: int, draws: int) -> float:
    """The p-value: what was found counts as one of the draws, so that it is never 0."""
    return (1 + reaching) / (1 + draws)


def permuted_within(
    values: Float[np.ndarray, " n"], groups: Int[np.ndarray, " n"], draw: np.random.Generator
) -> Float[np.ndarray, " n"]:
    """Values in random order, each within its group."""
    order = np.lexsort((draw.random(len(values)), groups))
    back = np.argsort(groups, kind="stable")
    found = np.empty_like(values)
    found[back] = values[order]
    return found

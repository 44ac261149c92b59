"""A seeded split of rows into train, dev and test."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasktalk.core.errors import ConfigError
from tasktalk.core.seeding import generator
from tasktalk.core.task import Kind
from tasktalk.data.assemble import Row, are_measured

_PURPOSE = 1_500_450_271  # keeps these draws apart from those that use the same seed for something else

Label = tuple[str, str]
"""Task and label."""


def split_rows(
    rows: Sequence[Row], dev: float, test: float, seed: int, kinds: Mapping[str, Kind] | None = None
) -> dict[str, list[Row]]:
    """Split rows so that each class has about the same share in every split.

    Rows with the same text stay together, and every class of every task keeps a row in training. The order of the
    rows is kept within a split.

    Args:
        rows: all rows.
        dev: share of the rows for development, 0 for none.
        test: share of the rows for testing, 0 for none.
        seed: the same seed gives the same split.
        kinds: kind by task name, where it is not to be inferred. The values of a regression are no classes.

    Raises:
        ConfigError: the shares are negative or leave nothing to train on.
    """
    if dev < 0 or test < 0 or dev + test >= 1:
        raise ConfigError(f"shares of dev and test: expected at least 0 and a sum below 1, found {dev} and {test}")
    shares = {"train": 1 - dev - test, "dev": dev, "test": test}
    groups = _groups(without_regressions(rows, kinds or {}))
    side = _deal(_shuffled_by_class(groups, seed), shares)
    _keep_classes_in_training(groups, side)
    splits: dict[str, list[Row]] = {split: [] for split in shares}
    for row in rows:
        splits[side[row.text]].append(row)
    return splits


def without_regressions(rows: Sequence[Row], kinds: Mapping[str, Kind]) -> list[Row]:
    """The rows without values that are no classes: a split would keep a row with each value in training."""
    values: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for task, value in row.labels.items():
            values[task].append(value)
    measured = {
        task
        for task, found in values.items()
        if (kinds[task] == "regression" if task in kinds else are_measured(found))
    }
    return [replace(row, labels={t: value for t, value in row.labels.items() if t not in measured}) for row in rows]


def _groups(rows: Sequence[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.text].append(row)
    return groups


def _labels(group: Sequence[Row]) -> set[Label]:
    return {label for row in group for label in row.labels.items()}


def _shuffled_by_class(groups: Mapping[str, Sequence[Row]], seed: int) -> list[Sequence[Row]]:
    """All groups in random order, sorted by the rarest label of each (iterative stratification also begins there)."""
    counts = Counter(label for group in groups.values() for label in _labels(group))

    def rarest(group: Sequence[Row]) -> tuple[int, Label]:
        return min(((counts[label], label) for label in _labels(group)), default=(0, ("", "")))

    shuffled = list(groups.values())
    generator(seed, _PURPOSE).shuffle(shuffled)
    return sorted(shuffled, key=rarest)


def _deal(groups: Sequence[Sequence[Row]], shares: Mapping[str, float]) -> dict[str, str]:
    """Give each group to the split that is furthest behind its share; returns the split of each text."""
    behind = dict.fromkeys(shares, 0.0)
    side = {}
    for group in groups:
        for split, share in shares.items():
            behind[split] += share * len(group)
        chosen = max(behind, key=behind.__getitem__)
        behind[chosen] -= len(group)
        side[group[0].text] = chosen
    return side


def _keep_classes_in_training(groups: Mapping[str, Sequence[Row]], side: dict[str, str]) -> None:
    covered = {label for text, group in groups.items() if side[text] == "train" for label in _labels(group)}
    for text, group in groups.items():
        if not _labels(group) <= covered:
            side[text] = "train"
            covered |= _labels(group)

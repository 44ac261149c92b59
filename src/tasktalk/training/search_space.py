"""What a search tries: for each of some settings a list of values, or a range."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.training.config import Config, make_config, parse_value

if TYPE_CHECKING:
    from optuna import Trial

Value = str | int | float | bool | None
"""What a setting can be in a search."""
Point = dict[str, Value]
"""A value of every setting that is searched."""

_RANGE = re.compile(r"(?P<low>[^,:]+?)\.\.(?P<high>[^,:]+)(?P<flags>(:\w*)*)")
_JUDGES = ("source", "tasks", "label", "labels", "kinds", "smiles", "node", "split", "dev", "test")
_COMPARED = {f"data.{key}" for key in _JUDGES} | {"training.criterion"}
"""Settings on which it depends by what trials are judged: their scores could not be compared."""

_HIDDEN, _L2, _LAMBDA = (100, 200, 300), (0.0, 5e-5, 1e-5), (1.0, 0.8, 0.5)
"""The message-passing paper, "Hyperparameters"."""


@dataclass(frozen=True)
class Values:
    """A list of values.

    Args:
        key: ``section.key`` of the setting; of a setting that holds one value for each name ``section.key.name``.
        values: what is tried.
    """

    key: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values."""
        return self.values

    def suggest(self, trial: "Trial") -> Value:
        """What a trial of optuna takes."""
        return trial.suggest_categorical(self.key, self.values)


@dataclass(frozen=True)
class Range:
    """Everything from ``low`` to ``high``, both included.

    Args:
        key: as for ``Values``.
        low: the lowest value.
        high: the highest value.
        log: draw the logarithm evenly, not the value.
        whole: whole numbers only.
    """

    key: str
    low: int | float
    high: int | float
    log: bool
    whole: bool

    def __str__(self) -> str:
        return f"{self.low}..{self.high}" + ":log" * self.log + ":int" * self.whole

    @property
    def ends(self) -> tuple[Value, ...]:
        """The lowest and the highest value."""
        return self.low, self.high

    def suggest(self, trial: "Trial") -> Value:
        """What a trial of optuna takes."""
        if self.whole:
            return trial.suggest_int(self.key, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, log=self.log)


Space = Sequence[Values | Range]


def assign(config: Config, point: Mapping[str, object]) -> Config:
    """A configuration with other values of some settings.

    Args:
        config: the others; what is not set in it becomes the default of the model, which may be one of the values.
        point: values by ``section.key`` or ``section.key.name``.

    Raises:
        ConfigError: a key that does not exist, or a value that is not allowed.
    """
    merged: dict[str, Any] = config.model_dump(exclude_unset=True)
    for key, value in point.items():
        section, setting, name = _parts(key)
        part = merged.setdefault(section, {})
        items = getattr(getattr(config, section, None), setting, None)
        if name and isinstance(items, dict):
            part[setting] = {**items, **part.get(setting, {}), name: value}
        else:
            part[f"{setting}.{name}" if name else setting] = value
    return make_config(merged)


def parse_search(texts: Sequence[str], config: Config) -> Space:
    """Read what ``--search`` was given.

    Args:
        texts: each ``section.key=a,b,c`` or ``section.key=low..high``, the latter followed by ``:log`` or ``:int``.
        config: the settings of the trials. Every value is tried in it, so that what is wrong is told at once.

    Raises:
        ConfigError: what cannot be read, a setting that does not exist or occurs twice, or a value that is not allowed.
    """
    parts = [_key_and_text(text) for text in texts]
    keys = [key for key, _ in parts]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"--search {key} is given twice; write all its values into one")
        if key in _COMPARED:
            raise ConfigError(f"{key} cannot be searched: trials that are judged differently cannot be compared")
    # Other settings may exist for some models only, so the models come first, and each of them has to have all others.
    models = [dimension for key, text in parts if key == "model.name" for dimension in [_dimension(key, text, config)]]
    bases = [assign(config, {"model.name": name}) for model in models for name in model.ends] or [config]
    space = {model.key: model for model in models}
    for key, text in parts:
        for base in bases:
            space.setdefault(key, _dimension(key, text, base) if key != "model.name" else space[key])
    return [space[key] for key in keys]


def paper_grid(config: Config, tasks: Sequence[Task]) -> Space:
    """The grid of the message-passing paper, as far as a model and its tasks have its settings.

    Hidden size and l2 regularisation for all; for taggings also the weight lambda_k of each task (Eq. 14), which the
    paper keeps equal for classifications. It does not say which combinations of weights it tried: these are all.

    Args:
        config: names the model.
        tasks: the tasks.

    Raises:
        ConfigError: the model has none of these settings.
    """
    fields = type(config.model).model_fields
    if "hidden" not in fields:
        raise ConfigError(f"the paper's grid has no setting of {config.model.name}; name what to try with --search")
    grid = [Values("model.hidden", _HIDDEN), Values("training.weight_decay", _L2)]
    if len(tasks) > 1 and all(task.kind == "tagging" for task in tasks):
        grid += [Values(f"training.weights.{task.name}", _LAMBDA) for task in tasks]
    return grid


def points(space: Space) -> list[Point]:
    """Every point of a grid.

    Raises:
        ConfigError: a range, whose values nobody can count.
    """
    lists = []
    for dimension in space:
        if isinstance(dimension, Range):
            raise ConfigError(
                f"a grid needs values, and {dimension.key} has the range {dimension}: list values, or choose another "
                "--sampler"
            )
        lists.append(dimension.values)
    return [dict(zip([d.key for d in space], values, strict=True)) for values in itertools.product(*lists)]


def _key_and_text(text: str) -> tuple[str, str]:
    key, equals, values = text.partition("=")
    if not equals or "." not in key or not values.strip():
        example = "model.hidden=50,100 or training.learning_rate=1e-4..1e-2:log"
        raise ConfigError(f"expected --search SECTION.KEY=VALUES, for example {example}, found {text!r}")
    return key.strip(), values.strip()


def _dimension(key: str, text: str, config: Config) -> Values | Range:
    found = _RANGE.fullmatch(text)
    if found:
        return _range(key, found, config)
    given: list[Any] = [parse_value(part.strip()) for part in text.split(",")]
    configs = [assign(config, {key: value}) for value in given]
    # Typed as the setting is; but a block of one's own is named by its path.
    values = tuple(given if key == "model.name" else [value_at(config, key) for config in configs])
    if not all(isinstance(value, Value) for value in values):
        raise ConfigError(f"{key} cannot be searched: its values are no single numbers or words")
    if len(set(values)) < len(values) or len(values) < 2:
        raise ConfigError(f"--search {key}: expected two values or more, each once, found {text}")
    return Values(key, values)


def _range(key: str, found: re.Match[str], config: Config) -> Range:
    """A range whose ends are allowed; of whole numbers where the setting is one."""
    flags = set(found["flags"].split(":")) - {""}
    if not flags <= {"log", "int"}:
        raise ConfigError(f"--search {key}: expected :log or :int after the range, found {found['flags']}")
    try:
        low, high = float(found["low"]), float(found["high"])
    except ValueError:
        raise ConfigError(f"--search {key}: expected numbers, LOW..HIGH, found {found[0]}") from None
    ends = [value_at(assign(config, {key: end}), key) for end in (low, high)]
    whole = "int" in flags or all(type(end) is int for end in ends)
    if any(isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end) for end in ends):
        raise ConfigError(f"--search {key}: its values are no numbers, list them: {key}=A,B,C")
    if not low < high or (whole and not (low.is_integer() and high.is_integer())):
        kind = "whole numbers" if whole else "numbers"
        raise ConfigError(f"--search {key}: expected two {kind}, the lower one first, found {found[0]}")
    if "log" in flags and low <= 0:
        raise ConfigError(f"--search {key}: a logarithm needs numbers above 0, found {found[0]}")
    return Range(key, int(low) if whole else low, int(high) if whole else high, "log" in flags, whole)


def value_at(config: Config, key: str) -> Any:
    """The value of a setting."""
    section, setting, name = _parts(key)
    value = getattr(getattr(config, section), setting)
    return value[name] if name else value


def _parts(key: str) -> tuple[str, str, str]:
    section, _, rest = key.partition(".")
    setting, _, name = rest.partition(".")
    return section, setting, name

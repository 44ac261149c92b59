"""optuna's samplers and pruners by name. To be imported once ``study.require_optuna`` has found optuna."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from tasktalk.core.errors import ConfigError, nearest

GRID = "grid"
_SEEDS = 1_000_003
"""Trials of a seed before they meet those of the next."""


class PerTrial(BaseSampler):
    """What a trial gets depends on the seed and on its number, whichever process asks for it, and when.

    Workers with one seed would else try the same, and so would a study that goes on.

    Args:
        make: a sampler for a seed.
        seed: of the study.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self.make, self.seed = make, seed
        self.inner = make(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin anew for this trial."""
        self.inner = self.make((self.seed * _SEEDS + trial.number) % 2**32)
        self.inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the sampler."""
        return self.inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler."""
        return self.inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler."""
        return self.inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """As the sampler."""
        self.inner.after_trial(study, trial, state, values)


def make_sampler(name: str, seed: int) -> BaseSampler:
    """A sampler of optuna.

    Args:
        name: ``tpe``, ``gp``, ``random``, ``qmc``, or ``grid``, whose points are planned one by one.
        seed: of what it draws.

    Raises:
        ConfigError: there is none of that name.
    """
    if name == "qmc":  # a sequence that all workers share
        return QMCSampler(seed=seed, scramble=True)
    makers: Mapping[str, Callable[[int], BaseSampler]] = {
        "tpe": lambda seed: TPESampler(seed=seed),
        "gp": lambda seed: GPSampler(seed=seed),
        "random": lambda seed: RandomSampler(seed=seed),
        GRID: lambda seed: RandomSampler(seed=seed),
    }
    if name not in makers:
        raise ConfigError(f"unknown --sampler {name!r}: {nearest(name, [*makers, 'qmc'])}")
    return PerTrial(makers[name], seed)


def make_pruner(name: str, epochs: int) -> BasePruner:
    """A pruner of optuna.

    Args:
        name: ``median``, which stops a trial whose best score so far is worse than the median of others after as many
            epochs, from the sixth trial and the second epoch on; ``hyperband``; or ``none``.
        epochs: the most epochs of a trial.

    Raises:
        ConfigError: there is none of that name.
    """
    makers: Mapping[str, Callable[[], BasePruner]] = {
        "median": lambda: MedianPruner(n_startup_trials=5, n_warmup_steps=2),
        "hyperband": lambda: HyperbandPruner(min_resource=1, max_resource=epochs),
        "none": NopPruner,
    }
    if name not in makers:
        raise ConfigError(f"unknown --pruner {name!r}: {nearest(name, makers)}")
    return makers[name]()

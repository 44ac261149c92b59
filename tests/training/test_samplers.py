"""What is tried depends on the seed and the number of a trial, not on who asks and when."""

import optuna
import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.training.samplers import make_pruner, make_sampler
from tasktalk.training.study import quiet_optuna


def draws(name: str, seed: int, parts: tuple[int, ...]) -> list[dict[str, float]]:
    """What trials get in a study whose workers come and go after so many trials."""
    storage = optuna.storages.InMemoryStorage()
    with quiet_optuna():
        for count in parts:
            study = optuna.create_study(
                storage=storage, study_name="x", sampler=make_sampler(name, seed), load_if_exists=True
            )
            study.optimize(
                lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_categorical("y", (1, 2, 3)), n_trials=count
            )
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", pytest.param("gp", marks=pytest.mark.slow)])
def test_a_study_that_goes_on_draws_what_it_would_have_drawn(name: str) -> None:
    whole = draws(name, 0, (12,))
    assert draws(name, 0, (5, 1, 6)) == whole
    assert len({trial["x"] for trial in whole}) == 12
    assert draws(name, 1, (3,)) != whole[:3]


def test_unknown_names() -> None:
    with pytest.raises(ConfigError, match="unknown --sampler 'tpo': did you mean 'tpe'?"):
        make_sampler("tpo", 0)
    with pytest.raises(ConfigError, match="unknown --pruner 'medium': did you mean 'median'?"):
        make_pruner("medium", 1)


@pytest.mark.parametrize("name", ["median", "hyperband", "none"])
def test_pruners(name: str) -> None:
    study = optuna.create_study(pruner=make_pruner(name, 9), study_name="x")

    def objective(trial: optuna.Trial) -> float:
        for epoch in range(1, 10):
            trial.report(trial.number, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return trial.number

    with quiet_optuna():
        study.optimize(objective, n_trials=12)
    pruned = [trial for trial in study.trials if trial.state is optuna.trial.TrialState.PRUNED]
    assert bool(pruned) == (name != "none")
    if name == "median":
        assert [trial.number for trial in pruned] == list(range(5, 12)) and len(pruned[0].intermediate_values) == 2

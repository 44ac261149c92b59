"""What a study leaves: the best settings, a table of trials, and what mattered."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasktalk.core.files import write_text
from tasktalk.training.config import Config
from tasktalk.training.run_folder import write_json
from tasktalk.training.search_space import Space, assign
from tasktalk.training.selection import HIGHER_IS_BETTER, Score
from tasktalk.training.study import ERROR, tally

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

BEST, TABLE, SUMMARY = "best.yaml", "trials.csv", "tune.json"
FEWEST, FEW = 8, 30
"""Importances are not computed from fewer finished trials, and are rough with fewer."""


def state_of(trial: "FrozenTrial") -> str:
    """How a trial ended, as it is written; ``lost`` is one whose worker was stopped."""
    name = trial.state.name.lower()
    if name == "fail":
        return "failed" if ERROR in trial.user_attrs else "lost"
    return {"complete": "finished"}.get(name, name)


def seconds_of(trial: "FrozenTrial") -> float:
    """How long a trial took; 0 where it is not over."""
    return 0.0 if trial.duration is None else trial.duration.total_seconds()


def ranked(trials: "Sequence[FrozenTrial]", criterion: Score) -> "list[FrozenTrial]":
    """Those that were trained to the end, the best first, and the earlier of two that are equal."""
    sign = -1 if criterion in HIGHER_IS_BETTER else 1
    finished = [(sign * trial.value, trial) for trial in trials if _is_finished(trial) and trial.value is not None]
    return [trial for _, trial in sorted(finished, key=lambda pair: (pair[0], pair[1].number))]


def best_trial(trials: "Sequence[FrozenTrial]", criterion: Score) -> "FrozenTrial | None":
    """The best of those that were trained to the end, if there is any."""
    return next(iter(ranked(trials, criterion)), None)


def write_best(out: Path, config: Config, best: "FrozenTrial", criterion: Score) -> None:
    """Write the best settings, to be used with ``tasktalk train --config``."""
    comment = f"# Trial {best.number} of tasktalk tune: {criterion} {best.value:.6g} on development data.\n"
    write_text(out / BEST, comment + assign(config, best.params).to_yaml())


def write_results(out: Path, study: "Study", space: Space, facts: Mapping[str, Any]) -> None:
    """Write the table of trials, and the summary with the importances.

    Args:
        out: the folder.
        study: a study that is finished.
        space: what was tried.
        facts: how it was searched.
    """
    trials = study.get_trials(deepcopy=False)
    _write_table(out / TABLE, trials, space)
    best = best_trial(trials, facts["criterion"])
    states = [state_of(trial) for trial in trials]
    summary = {
        "study": study.study_name,
        **facts,
        "space": {dimension.key: str(dimension) for dimension in space},
        "states": {state: states.count(state) for state in sorted(set(states))},
        "best": None if best is None else {"trial": best.number, "value": best.value, "settings": best.params},
        "importances": importances(study),
    }
    write_json(out / SUMMARY, summary)


def importances(study: "Study") -> dict[str, Any]:
    """How much of the differences between trials each setting explains.

    Functional ANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014) by optuna: a random forest predicts scores from
    settings, and its variance is split among them.

    Returns:
        ``trials``: from how many trained to the end. ``settings``: shares by setting, which sum to 1; None for too few
        trials, or if all have the same score.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    finished = [trial for trial in tally(study).done if _is_finished(trial)]
    found: dict[str, float] | None = None
    if len(finished) >= FEWEST and len({trial.value for trial in finished}) > 1:
        shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
        found = {key: float(share) for key, share in shares.items()}
    return {"method": "fanova", "trials": len(finished), "settings": found}


def _is_finished(trial: "FrozenTrial") -> bool:
    return trial.state.name == "COMPLETE"


def _write_table(path: Path, trials: "Sequence[FrozenTrial]", space: Space) -> None:
    keys = [dimension.key for dimension in space]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", "value", "epochs", "seconds", *keys, "error"])
    for trial in trials:
        facts = [trial.number, state_of(trial), trial.value, len(trial.intermediate_values), f"{seconds_of(trial):.3f}"]
        writer.writerow([*facts, *(trial.params.get(key) for key in keys), trial.user_attrs.get(ERROR)])
    write_text(path, text.getvalue())

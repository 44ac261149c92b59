"""The null picture: weights of a model that was trained in the same way with labels that mean nothing."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from tasktalk.analysis.chance import interval, rank_correlation, resampled
from tasktalk.analysis.grids import grid_figure, grid_interactive
from tasktalk.analysis.overview import Overview, too_few_samples
from tasktalk.analysis.picture import Check, Part, Picture
from tasktalk.analysis.tree import mirrored
from tasktalk.core.errors import ConfigError, RunFolderError
from tasktalk.data.dataset import Dataset
from tasktalk.data.shuffle import shuffle_labels
from tasktalk.training.config import make_config, read_config
from tasktalk.training.progress import Reporter
from tasktalk.training.run import Run
from tasktalk.training.run_folder import CONFIG, ENVIRONMENT, METRICS, TRANSFER, read_json
from tasktalk.training.train import resume, train

FOLDER = "null"
"""Name of the folder of the null inside that of the run."""
ALIKE = 0.5
"""Above this rank correlation the null shows the same picture."""
TITLE = "Would labels without meaning give the same picture?"
_NAME = "weights with shuffled labels"


def train_null(run: Run, dataset: Dataset, folder: Path | None = None, reporter: Reporter | None = None) -> Run:
    """Train the same model on the same examples with the labels of each task dealt out at random.

    Settings, seed and test labels stay; training and development labels are shuffled. A null that is finished is read,
    one that was killed is resumed.

    Args:
        run: the finished run.
        dataset: what it was trained on.
        folder: where the null goes; None for ``null`` in the folder of the run.
        reporter: shows progress; None shows nothing.

    Raises:
        ConfigError: other data than the run's, or a run to which tasks were added later.
        RunFolderError: something else is in the folder, or it cannot be written.
        TrainingError: a loss is not a number.
    """
    if (run.folder / TRANSFER).exists():
        raise ConfigError(f"{run.folder}: tasks were added to this run later, which cannot be done again for a null")
    if read_json(run.folder / ENVIRONMENT)["data"] != dict(dataset.sources):
        raise ConfigError(f"{run.folder}: this run read other data than what is given for its null")
    folder = run.folder / FOLDER if folder is None else folder
    shuffled = shuffle_labels(dataset, run.config.training.seed)
    if not (folder / CONFIG).is_file():
        return train(shuffled, run.config, folder, reporter=reporter)
    if make_config(read_config(folder / CONFIG)) != run.config:
        raise RunFolderError(f"{folder}: is not the null of {run.folder}, its settings are others; remove it")
    if not (folder / METRICS).is_file():
        return resume(shuffled, folder, reporter)
    if read_json(folder / ENVIRONMENT)["data"] != dict(shuffled.sources):
        raise RunFolderError(f"{folder}: is not the null of {run.folder}, its data is other; remove it")
    return Run.load(folder)


def null_part(overview: Overview, null: Overview, seed: int = 0) -> Part:
    """The weights of a run beside those of its null, on the same samples.

    The check passes if the weights of the run differ more from each other than those of the null (standard deviation
    over the edges, 95 % interval of the difference above 0) and the null does not rank the edges alike (Spearman's
    correlation below ``ALIKE``).

    Args:
        overview: of the run.
        null: of the null.
        seed: of the bootstrap.

    Raises:
        ConfigError: they are of other tasks, sources or samples.
    """
    if (overview.tasks, overview.sources, overview.samples) != (null.tasks, null.sources, null.samples):
        raise ConfigError("expected a run and its null to be observed on the same samples")
    real, chance = overview.heard(), null.heard()
    titles = ("with the right labels", "with shuffled labels")
    lead = (
        "The same model, trained in the same way on labels that were dealt out at random within each task. Structure "
        "that its weights share with those of the run comes from the inputs or from the start, not from what the tasks "
        "have in common. One null is one draw: it says nothing of how much nulls differ from each other."
    )
    there = overview.edges()
    spread = [float(matrix[there].std()) if there.any() else np.nan for matrix in (real, chance)]
    text = (
        f"Two heat maps on one scale. Standard deviation over the edges: {spread[0]:.4f} with the right labels, "
        f"{spread[1]:.4f} with shuffled ones."
    )
    rows = [
        (task, source, float(real[k, i]), float(chance[k, i]))
        for k, task in enumerate(overview.tasks)
        for i, source in enumerate(overview.sources)
    ]
    names = (overview.tasks, overview.sources)
    picture = Picture(
        "null",
        "Weights, and what they would be with shuffled labels",
        text,
        grid_figure((real, chance), titles, *names),
        ("receiver", "source", "weight", "weight with shuffled labels"),
        rows,
        grid_interactive((real, chance), titles, *names),
    )
    return Part("null", TITLE, lead, (picture,), (_check(overview, null, seed),))


def _check(overview: Overview, null: Overview, seed: int) -> Check:
    there = overview.edges()
    if there.sum() < 3:
        return Check(_NAME, None, "There are fewer than three edges to compare.")
    if problem := too_few_samples(overview):
        return Check(_NAME, None, problem)
    real, chance = overview.heard()[there], null.heard()[there]
    alike = rank_correlation(real, chance)
    counts = resampled(len(overview.samples), overview.owner, seed=seed)
    differences = np.array([_spread(overview, c, there) - _spread(null, c, there) for c in counts])
    low, high = interval(differences)
    matched = overview.between_tasks and not np.isnan(alike)  # expert 1 of the null is not that of the run
    more, other = bool(low > 0), not matched or alike < ALIKE
    verdict = {
        (True, True): "the picture passes",
        (False, True): "the picture does not pass: labels without meaning give weights that differ as much",
        (True, False): "the picture does not pass: labels without meaning rank the edges alike",
        (False, False): "the picture does not pass: labels without meaning give the same",
    }[more, other]
    correlation = f"is {alike:+.2f} (it passes below {ALIKE})" if matched else "means nothing here"
    sentence = (
        f"Between the edges, weights have a standard deviation of {real.std():.4f} (range {np.ptp(real):.3f}), with "
        f"shuffled labels {chance.std():.4f} (range {np.ptp(chance):.3f}); difference {low:+.4f} to {high:+.4f} (95 % "
        f"interval over samples). The rank correlation of the two {correlation}: {verdict}."
    )
    return Check(_NAME, more and other, sentence)


def _spread(
    overview: Overview, counts: Float[np.ndarray, " samples"], there: Bool[np.ndarray, "tasks sources"]
) -> float:
    """Standard deviation over the edges of the mean over a bootstrap sample."""
    matrix = np.full(there.shape, np.nan)
    for k in range(len(overview.tasks)):
        own = overview.own(k)
        total = counts[own].sum()
        if total:
            matrix[k] = counts[own] @ overview.weights[own, k] / total
    shown = matrix if overview.directed else mirrored(matrix)
    return float(np.nanstd(shown[there]))

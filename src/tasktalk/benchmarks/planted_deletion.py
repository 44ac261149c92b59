"""Whether the pictures of a report, and the test that cuts edges, find the groups that were planted.

``python -m tasktalk.benchmarks.planted_deletion --out docs/results/planted-deletion`` writes ``planted-deletion.md``
and ``planted-deletion.json``.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from tasktalk.analysis.chance import chance_of, rank_correlation
from tasktalk.analysis.cutting import cut_edges, edges_of
from tasktalk.analysis.deletion import agreement, examples_of
from tasktalk.analysis.overview import observe
from tasktalk.benchmarks.planted import GROUPS, ROWS, SETTINGS, off_diagonal
from tasktalk.core.files import write_text
from tasktalk.data.planted import planted
from tasktalk.training.config import make_config
from tasktalk.training.run_folder import write_json
from tasktalk.training.train import train

TITLES = ("L2T-MITTEN, as published", "... log-prior, affinity")
"""Rows of the benchmark ``planted`` that are looked at."""

_OTHERS = ~np.eye(len(GROUPS), dtype=bool)
_COLUMNS = (
    "model",
    "test AUROC",
    "ARI of the weights",
    "ARI of the harm",
    "weight ~ membership",
    "harm ~ membership",
    "weight ~ harm",
    "harm inside > across",
)
_Matrix = Float[np.ndarray, "targets sources"]


@dataclass(frozen=True)
class Found:
    """What one training shows.

    Args:
        auroc: mean test AUROC.
        weights: mean effective weights.
        harm: how much the loss of a target rose when a source was cut, NaN on the diagonal.
    """

    auroc: float
    weights: _Matrix
    harm: _Matrix


@dataclass(frozen=True)
class Result:
    """One row of the table; a number of each seed, and p-values over all seeds.

    Args:
        row: its title.
        auroc: mean test AUROC.
        groups: adjusted Rand index of the dendrogram of the weights, cut at three groups, against those planted.
        groups_of_harm: the same of the harm.
        weights: rank correlation of weight and membership over the edges between different tasks.
        harm: rank correlation of harm and membership.
        agree: rank correlation of weight and harm, each counted from the mean of its target.
        inside: share of pairs of an edge inside a group and one across in which the first does more harm.
        p_weights: chance of such a mean ``weights`` for groups drawn at random.
        p_harm: the same of ``harm``.
    """

    row: str
    auroc: list[float]
    groups: list[float]
    groups_of_harm: list[float]
    weights: list[float]
    harm: list[float]
    agree: list[float]
    inside: list[float]
    p_weights: float
    p_harm: float


def measure(row: str, labels: int, seed: int, more: Sequence[str] = ()) -> Found:
    """Train what a row says on tasks planted with a seed, look at the test examples, and cut every edge.

    Args:
        row: key of ``planted.ROWS``, of a model with weights between tasks.
        labels: training labels of each task.
        seed: of the data and the training.
        more: further settings.
    """
    dataset = planted(labels=labels, seed=seed)
    config = make_config({"training": {"seed": seed}}, [*SETTINGS, *ROWS[row], *more])
    with tempfile.TemporaryDirectory() as folder:
        run = train(dataset, config, Path(folder) / "run")
        test = dataset.splits["test"]
        overview = observe(run, test, most=len(test))
        harms = cut_edges(run, examples_of(test, overview), edges_of(overview), most=_OTHERS.size)
        auroc = run.metrics["splits"]["test"]["mean"]["auroc"]
    harm = np.full(_OTHERS.shape, np.nan)
    for cut in harms:
        harm[cut.receiver, cut.source] = cut.loss.mean()
    return Found(auroc, overview.mean().astype(np.float64), harm)


def dendrogram_groups(weights: _Matrix, count: int = 3) -> Int[np.ndarray, " tasks"]:
    """Groups of tasks by average linkage, where large weights in either direction are small distances.

    Args:
        weights: the diagonal is not read.
        count: cut the dendrogram at so many groups.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    near = (weights + weights.T) / 2
    far = near[_others(weights)].max() - near
    np.fill_diagonal(far, 0)
    found: np.ndarray = fcluster(linkage(squareform(far, checks=False), "average"), count, "maxclust")
    return found


def _others(weights: _Matrix) -> Bool[np.ndarray, "targets sources"]:
    return ~np.eye(len(weights), dtype=bool)


def rand_index(weights: _Matrix) -> float:
    """Adjusted Rand index of the groups in a dendrogram against those planted: 1 if they are the same, 0 by chance."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(GROUPS, dendrogram_groups(weights)))


def membership(matrix: _Matrix, groups: Int[np.ndarray, " tasks"] = GROUPS) -> float:
    """Rank correlation of a matrix and whether two tasks are of a group, over different tasks; 0.75 at most."""
    same = (groups[:, None] == groups)[_OTHERS]
    return rank_correlation(matrix[_OTHERS], same.astype(np.float64))


def inside_first(harm: _Matrix) -> float:
    """Share of pairs of an edge inside a group and one across in which the first has more; 0.5 by chance."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score((GROUPS[:, None] == GROUPS)[_OTHERS], harm[_OTHERS]))


def summarise(row: str, found: Sequence[Found]) -> Result:
    """One line of the table from the trainings of all seeds."""
    weights = [off_diagonal(f.weights) for f in found]
    harms = [f.harm for f in found]
    targets = np.nonzero(_OTHERS)[0]
    return Result(
        row,
        [f.auroc for f in found],
        [rand_index(matrix) for matrix in weights],
        [rand_index(matrix) for matrix in harms],
        [membership(matrix) for matrix in weights],
        [membership(matrix) for matrix in harms],
        [agreement(w[_OTHERS], h[_OTHERS], targets) for w, h in zip(weights, harms, strict=True)],
        [inside_first(matrix) for matrix in harms],
        _chance(weights),
        _chance(harms),
    )


def _chance(matrices: Sequence[_Matrix]) -> float:
    """Chance that groups drawn at random, anew for each seed, agree as well as those planted."""
    reached = float(np.mean([membership(matrix) for matrix in matrices]))
    return chance_of(reached, lambda d: float(np.mean([membership(m, d.permutation(GROUPS)) for m in matrices])))


def markdown(results: Sequence[Result], labels: int) -> str:
    """The table: means over the seeds, the smallest and the largest in brackets."""
    lines = [
        f"Nine tasks planted in three groups (`tasktalk.data.planted`), {labels} training labels each; all 72 edges",
        "between different tasks are cut one by one, and the change of the receiver's test loss is the harm. Rank",
        "correlations (Spearman) are over these edges; those with membership in a group reach 0.75 at most, because",
        "membership is yes or no. ARI is the adjusted Rand index of a dendrogram (average linkage) cut at three groups",
        "against those planted: 1 for the same groups, 0 by chance. Mean over the seeds of data and training; in",
        "brackets the smallest and the largest; p by permutation of the groups.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "| --- |" + " --: |" * (len(_COLUMNS) - 1),
    ]
    for result in results:
        cells = [
            f"{np.mean(result.auroc):.3f}",
            *map(_told, (result.groups, result.groups_of_harm)),
            f"{_told(result.weights)}, p = {result.p_weights:.3f}",
            f"{_told(result.harm)}, p = {result.p_harm:.3f}",
            *map(_told, (result.agree, result.inside)),
        ]
        lines.append(f"| {result.row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _told(values: Sequence[float]) -> str:
    return f"{np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m tasktalk.benchmarks.planted_deletion", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="file to write, without .md or .json")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0")
    parser.add_argument("--labels", type=int, default=100, help="training labels of each task")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="a setting of all rows")
    given = parser.parse_args(arguments)
    results = [
        summarise(row, [measure(row, given.labels, seed, given.settings) for seed in range(given.seeds)])
        for row in TITLES
    ]
    write_text(given.out.with_suffix(".md"), markdown(results, given.labels))
    write_json(given.out.with_suffix(".json"), [asdict(result) for result in results])


if __name__ == "__main__":
    main()

"""In which samples tasks talk alike: a map of samples, clusters, and the weights of each (Fig. 4b and 4c)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from tasktalk.analysis.chance import too_few
from tasktalk.analysis.clusters import (
    Clusters,
    far_apart,
    features,
    find_clusters,
    null_silhouettes,
    one_cloud,
    permuted,
)
from tasktalk.analysis.fragments import counted, plotly_text, sortable
from tasktalk.analysis.heatmap import digits, short
from tasktalk.analysis.overview import Overview
from tasktalk.analysis.picture import Check, Part, Picture
from tasktalk.analysis.samples_figure import (
    COLOURS,
    map_figure,
    map_plot,
    matrices_figure,
    matrices_plot,
    members_figure,
)
from tasktalk.analysis.spread import fixed_diagonal, varies
from tasktalk.analysis.tree import mirrored
from tasktalk.core.errors import ConfigError

_TITLE = "How the tasks talk in each sample"
_TEXT = 120
_WIDTH = 60


def samples_part(overview: Overview, clusters: int | None = None, seed: int = 0) -> Part:
    """A map of the samples by their weights, clusters of them, and what each cluster differs in.

    Args:
        overview: weights of every sample.
        clusters: how many; None takes from 2 to 8 the number with the best silhouette.
        seed: of k-means and of the checks.

    Raises:
        ConfigError: fewer than 2 clusters.
    """
    if clusters is not None and clusters < 2:
        raise ConfigError(f"expected 2 clusters or more, found {clusters}")
    why = _nothing_to_show(overview, clusters)
    if why:
        return Part("samples", _TITLE, why, ())
    apart = far_apart(features(overview))
    left_out = _apart(overview, apart)
    overview = _without(overview, apart)
    rows = features(overview)
    found = find_clusters(rows, clusters, seed)
    chosen = "as asked" if clusters is not None else "their number chosen by silhouette"
    lead = (
        f"All weights of a sample are one point: {overview.meaning}. {len(overview.samples)} samples in {found.count} "
        f"clusters by k-means, of {_sizes(found)} ({chosen}; silhouette {found.silhouette:.2f}). "
        f"{_owners(overview, found)}{left_out}"
    )
    members = _members(overview, found)
    pictures = [_map(overview, found), _matrices(overview, found), *([members] if members else [])]
    return Part("samples", _TITLE, lead, pictures, _checks(rows, found, clusters, seed))


def _nothing_to_show(overview: Overview, clusters: int | None) -> str:
    if overview.between_tasks and len(overview.tasks) < 2:
        return "This run has one task: there is nobody that it could listen to."
    there = f"{'is' if len(overview.samples) == 1 else 'are'} {counted(len(overview.samples), 'sample')}"
    if len(overview.samples) < 3:
        return f"There {there}, too few to look for clusters among them."
    if not varies(overview):
        same = "The weights are the same for every sample"
        return f"{same}, so the picture of the general dependency holds for each of them, and there are no clusters."
    if clusters is not None and clusters >= len(overview.samples):
        return f"There {there}, too few for {clusters} clusters."
    return ""


def _apart(overview: Overview, samples: Int[np.ndarray, " some"]) -> str:
    """What is said of samples that are left out."""
    if not len(samples):
        return ""
    named = "; ".join(f"{short(overview.samples[k], 60)!r}" for k in samples[:3])
    number = "1 sample lies" if len(samples) == 1 else f"{len(samples)} samples lie"
    return f" {number} far from all others, left out here: {named}{' and more' if len(samples) > 3 else ''}."


def _without(overview: Overview, samples: Int[np.ndarray, " some"]) -> Overview:
    kept = np.setdiff1d(np.arange(len(overview.samples)), samples)
    return replace(
        overview,
        samples=[overview.samples[k] for k in kept],
        owner=None if overview.owner is None else overview.owner[kept],
        labels=overview.labels[kept],
        weights=overview.weights[kept],
        openness=None if overview.openness is None else overview.openness[kept],
    )


def _sizes(found: Clusters) -> str:
    sizes = [str(size) for size in np.bincount(found.of)]
    return " and ".join((", ".join(sizes[:-1]), sizes[-1])) if len(sizes) > 1 else sizes[0]


def _owners(overview: Overview, found: Clusters) -> str:
    """Whether clusters are tasks."""
    if overview.owner is None:
        return ""
    from sklearn.metrics import adjusted_mutual_info_score

    score = max(0.0, float(adjusted_mutual_info_score(overview.owner, found.of)))  # below 0: less than chance gives
    return f"Clusters and the tasks that samples belong to share information of {score:.2f} (0: none, 1: the same)."


def _map(overview: Overview, found: Clusters) -> Picture:
    share = found.explained.sum()
    rest = f" {1 - share:.0%} of the variance is not to be seen: points that lie together may differ there."
    again = f", again the first after {len(COLOURS)}" if found.count > len(COLOURS) else ""
    text = (
        f"Principal components of the weights: the two directions in which samples differ most, {share:.0%} of the "
        f"variance.{rest if share < 0.995 else ''} A form and a colour for each cluster{again}; hovering shows the "
        "sample."
    )
    header = ["sample", "first direction", "second direction", "cluster", "task"]
    rows = [
        (short(text, _TEXT), *map(float, found.points[k]), int(found.of[k]) + 1, _owner(overview, k))
        for k, text in enumerate(overview.samples)
    ]
    said = [_said(overview, found, k) for k in range(len(overview.samples))]
    title = "Samples by who listened to whom" if overview.directed else "Samples by how alike the tasks read"
    return Picture("samples-map", title, text, map_figure(found), header, rows, map_plot(found, said))


def _owner(overview: Overview, sample: int) -> str:
    return "" if overview.owner is None else overview.tasks[int(overview.owner[sample])]


def _said(overview: Overview, found: Clusters, sample: int) -> str:
    """What is said of a sample, in the HTML that plotly reads."""
    from textwrap import wrap

    lines = wrap(short(overview.samples[sample], _TEXT), _WIDTH) or ["(empty)"]
    owner = _owner(overview, sample)
    lines.append(f"cluster {found.of[sample] + 1}" + (f", a sample of {owner}" if owner else ""))
    return "<br>".join(plotly_text(line) for line in lines)


def cluster_means(overview: Overview, found: Clusters) -> Float[np.ndarray, "clusters tasks sources"]:
    """Mean weights of every cluster over all its samples, whosever they are; NaN where nothing is shown."""
    return np.stack([_mean(overview, np.flatnonzero(found.of == cluster)) for cluster in range(found.count)])


def _mean(overview: Overview, samples: Int[np.ndarray, " some"]) -> Float[np.ndarray, "tasks sources"]:
    mean = overview.weights[samples].mean(axis=0, dtype=np.float64)
    mean = mean if overview.directed else mirrored(mean)
    return np.where(np.eye(len(mean), dtype=bool), np.nan, mean) if fixed_diagonal(overview) else mean


def _matrices(overview: Overview, found: Clusters) -> Picture:
    means = cluster_means(overview, found)
    differences = means - _mean(overview, np.arange(len(overview.samples)))
    sizes = np.bincount(found.of, minlength=found.count)
    titles = [f"cluster {k + 1} ({size})" for k, size in enumerate(sizes)]
    decimals = digits(differences)
    told = "; ".join(_largest(overview, differences[k], titles[k], decimals) for k in range(found.count))
    rows_listen = " (rows listen to columns)" if overview.directed else ""
    text = (
        f"Mean weights of each cluster, and their difference from the mean over all samples{rows_listen}. The largest "
        f"differences: {told}."
    )
    rows = [
        (k + 1, int(sizes[k]), task, source, float(means[k, i, j]), float(differences[k, i, j]))
        for k in range(found.count)
        for i, task in enumerate(overview.tasks)
        for j, source in enumerate(overview.sources)
        if np.isfinite(means[k, i, j])
    ]
    header = ["cluster", "samples", "task", "source", "mean weight", "difference"]
    names = (overview.tasks, overview.sources, titles)
    return Picture(
        "samples-clusters",
        "What each cluster differs in",
        text,
        matrices_figure(means, differences, *names),
        header,
        rows,
        matrices_plot(means, differences, *names, decimals),
    )


def _largest(overview: Overview, difference: Float[np.ndarray, "tasks sources"], title: str, decimals: int) -> str:
    i, j = np.unravel_index(np.nanargmax(np.abs(difference)), difference.shape)
    verb = "to" if overview.directed else "and"
    return f"{title} {overview.tasks[i]} {verb} {overview.sources[j]} {difference[i, j]:+.{decimals}f}"


def _members(overview: Overview, found: Clusters) -> Picture | None:
    """Whose samples, and samples with which labels, are in each cluster; None where nobody knows either."""
    kinds = member_kinds(overview)
    if not kinds:
        return None
    sets = [(name, np.bincount(found.of[its], minlength=found.count)) for name, its in kinds]
    header = ["samples of", "number", *(f"cluster {k + 1}" for k in range(found.count))]
    rows = [(name, int(own.sum()), *map(int, own)) for name, own in sets]
    names = [name for name, _ in sets]
    shares = np.stack([own / own.sum() for _, own in sets])
    text = (
        "How many samples of each task, and with each label, are in each cluster. Alike rows mean that clusters have "
        "nothing to do with tasks or labels."
    )
    figure = members_figure(names, shares)
    html = sortable(header, rows)
    return Picture("samples-members", "Whose samples are in which cluster", text, figure, header, rows, html)


def member_kinds(overview: Overview) -> list[tuple[str, Int[np.ndarray, " some"]]]:
    """Kinds of samples with their rows: of each task, and with each class; of tasks with the same classes together."""
    kinds: list[tuple[str, Int[np.ndarray, " some"]]] = []
    if overview.owner is not None:
        kinds += [(name, overview.own(k)) for k, name in enumerate(overview.tasks)]
    together = overview.owner is not None and len(set(overview.classes)) == 1
    tasks: Sequence[int] = range(len(overview.classes))
    if together:
        label = np.nanmax(np.where(np.isnan(overview.labels), -1, overview.labels), axis=1)
        kinds += [(f"all: {name}", np.flatnonzero(label == c)) for c, name in enumerate(overview.classes[0])]
    else:
        kinds += [
            (f"{overview.tasks[k]}: {name}", np.flatnonzero(overview.labels[:, k] == c))
            for k in tasks
            for c, name in enumerate(overview.classes[k])
        ]
    return [(name, its) for name, its in kinds if len(its)]


def _checks(
    rows: Float[np.ndarray, "samples features"], found: Clusters, clusters: int | None, seed: int
) -> list[Check]:
    nulls = (
        ("clusters against permuted weights", "each weight dealt out anew to the samples", permuted),
        ("clusters against one cloud", "one normal cloud with the same means and covariances", one_cloud),
    )
    checks = []
    for name, what, draw in nulls:
        if draw is permuted and rows.shape[1] < 2:
            checks.append(Check(name, None, "There is one weight for each sample, so nothing could go together."))
            continue
        if problem := too_few(len(rows)):
            checks.append(Check(name, None, problem))
            continue
        null = null_silhouettes(rows, draw, clusters, seed)
        passed = bool(found.silhouette > null.max())
        told = f"The silhouette is {found.silhouette:.2f}; in {len(null)} draws of {what} it reaches {null.max():.2f}"
        more = "" if passed else ": such clusters are to be expected where there are none"
        checks.append(Check(name, passed, f"{told}{more}."))
    return checks

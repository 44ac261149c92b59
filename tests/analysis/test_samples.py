"""The part on samples: clusters that were planted, and inputs that have none."""

import io
from typing import Any

import numpy as np
import pytest

from tasktalk.analysis.overview import Overview
from tasktalk.analysis.samples import member_kinds, samples_part
from tasktalk.core.errors import ConfigError
from tests.analysis.overviews import EVIL, alike, in_groups, make


def two_ways(**more: Any) -> Overview:
    """Samples of two kinds: in every third the tasks listen to the next group."""
    weights = in_groups(60, noise=0.5)
    weights[::3] = np.roll(weights[::3], 3, axis=2)
    return make(weights, **more)


def test_planted_clusters_are_shown_and_pass() -> None:
    part = samples_part(two_ways())
    assert [picture.name for picture in part.pictures] == ["samples-map", "samples-clusters", "samples-members"]
    assert "60 samples in 2 clusters by k-means, of 40 and 20" in part.lead
    assert [check.passed for check in part.checks] == [True, True]
    clusters = [row[3] for row in part.pictures[0].rows]
    assert clusters == [2, 1, 1] * 20
    for picture in part.pictures:
        picture.figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
        assert all(len(row) == len(picture.header) for row in picture.rows)


def test_the_numbers_of_a_cluster_are_means() -> None:
    overview = two_ways()
    for cluster, size, task, source, mean, difference in samples_part(overview).pictures[1].rows:
        its = np.arange(60) % 3 == 0 if cluster == 2 else np.arange(60) % 3 > 0
        k, j = overview.tasks.index(str(task)), overview.sources.index(str(source))
        assert size == its.sum()
        assert mean == pytest.approx(overview.weights[its, k, j].mean())
        assert difference == pytest.approx(mean - overview.weights[:, k, j].mean())


def test_clusters_where_there_are_none_do_not_pass() -> None:
    noise = np.random.default_rng(0).normal(size=(60, 3, 4))
    part = samples_part(make(noise, "experts"))
    assert [check.passed for check in part.checks] == [False, False]
    assert "to be expected where there are none" in part.checks[0].sentence


def test_a_few_samples_certify_nothing() -> None:
    parts = [samples_part(make(two_ways().weights[:samples])) for samples in (19, 20)]
    assert [[check.passed for check in part.checks] for part in parts] == [[None, None], [True, True]]
    assert {check.sentence for check in parts[0].checks} == {"19 samples are too few: at least 20 are needed."}


def test_the_number_of_clusters_can_be_chosen() -> None:
    assert "in 4 clusters" in samples_part(two_ways(), clusters=4).lead
    with pytest.raises(ConfigError, match="expected 2 clusters or more, found 1"):
        samples_part(two_ways(), clusters=1)


@pytest.mark.parametrize(
    ("overview", "clusters", "why"),
    [
        (make(np.repeat(in_groups(1), 9, axis=0), "stitch"), None, "the same for every sample"),
        (make(in_groups(2)), None, "There are 2 samples, too few"),
        (make(in_groups(1)), None, "There is 1 sample, too few"),
        (make(in_groups(5)), 5, "too few for 5 clusters"),
        (make(np.ones((9, 1, 1))), None, "one task"),
    ],
)
def test_where_nothing_can_be_shown_it_is_said(overview: Overview, clusters: int | None, why: str) -> None:
    part = samples_part(overview, clusters)
    assert (part.pictures, part.checks) == ((), ())
    assert why in part.lead


def test_a_sample_far_from_all_is_left_out_and_named() -> None:
    overview = two_ways()
    overview.weights[5] *= 50
    part = samples_part(overview)
    assert "59 samples in 2 clusters" in part.lead
    assert "1 sample lies far from all others, left out here: 'sample 5" in part.lead


def test_texts_are_cut_and_never_html() -> None:
    overview = two_ways()
    overview.samples[:4] = [EVIL, "long " * 2000, "", 'they said "no" & left']
    part = samples_part(overview)
    shown = part.pictures[0].interactive
    assert shown is not None and not isinstance(shown, str)
    assert "<script" not in shown.to_json().replace("\\u003c", "<")
    assert max(len(str(row[0])) for row in part.pictures[0].rows) == 120
    hover = [text for trace in shown.data for text in trace.hovertext]
    assert any(text.startswith("(empty)<br>cluster") for text in hover)
    assert any(text.startswith('they said "no" &amp; left<br>cluster') for text in hover)


def test_members_are_of_tasks_and_labels() -> None:
    kinds = dict(member_kinds(two_ways()))
    assert list(kinds) == [*(f"task{k}" for k in range(9)), "all: no", "all: yes"]
    assert kinds["all: yes"].tolist() == [k for k in range(60) if k // 9 % 2 == 1]
    shared = dict(member_kinds(two_ways(shared=True)))
    assert shared["task1: yes"].tolist() == [10, 28, 46]
    assert member_kinds(two_ways(shared=True, classes=())) == []
    assert len(samples_part(two_ways(shared=True, classes=())).pictures) == 2


def test_of_a_likeness_and_of_experts() -> None:
    alike_part = samples_part(make(alike(), "beta"))
    assert len(alike_part.pictures) == 3
    assert "listen" not in "".join(picture.title + picture.text for picture in alike_part.pictures)
    assert "(rows listen to columns)" in samples_part(two_ways()).pictures[1].text
    assert len(samples_part(make(in_groups(30)[:, :, :4], "experts")).pictures) == 3


def test_one_weight_cannot_be_permuted() -> None:
    """Two tasks that read alike have one likeness: dealt out anew to the samples it is the same set of numbers."""
    part = samples_part(make(alike(tasks=2), "beta"))
    assert part.checks[0].passed is None
    assert "one weight for each sample" in part.checks[0].sentence

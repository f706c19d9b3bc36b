"""The dendrogram against scipy, constraints against brute force, and the minimum duration."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster import hierarchy

from diarspk.clustering import AgglomerativeClusterer, ClusteringInput, SpeakerBounds
from diarspk.clustering.clustering_input import validate
from diarspk.clustering.dendrogram import agglomerate
from diarspk.clustering.partition import enforce_bounds, scatter, separate
from diarspk.clustering.weighted_points import number_by_appearance
from diarspk.errors import ArgumentError

every_linkage = pytest.mark.parametrize("linkage", ["average", "centroid", "ward"])


def points_of(embeddings, **options):
    return validate(ClusteringInput(embeddings, **options))[0]


def scipy_linkage(embeddings, linkage):
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    metric = "cosine" if linkage == "average" else "euclidean"
    return hierarchy.linkage(unit, linkage, metric=metric)


@every_linkage
@settings(max_examples=30, deadline=None)
@given(count=st.integers(2, 40), dim=st.integers(2, 8), seed=st.integers(0, 2**32 - 1))
def test_merges_and_cuts_as_scipy_does(linkage, count, dim, seed):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(count, dim))
    expected = scipy_linkage(embeddings, linkage)
    dendrogram = agglomerate(points_of(embeddings), linkage)
    assert np.allclose(dendrogram.heights, expected[:, 2], atol=1e-7)
    threshold = rng.uniform(0.0, expected[:, 2].max())
    labels = hierarchy.fcluster(expected, threshold, criterion="distance")
    ours = AgglomerativeClusterer(threshold, linkage)(embeddings)
    assert np.array_equal(ours, number_by_appearance(labels))


@every_linkage
@settings(max_examples=20, deadline=None)
@given(speakers=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_a_cut_at_a_count_is_that_of_scipy_and_an_exact_count_no_worse(linkage, speakers, seed):
    embeddings = np.random.default_rng(seed).normal(size=(30, 4))
    points = points_of(embeddings)
    dendrogram = agglomerate(points, linkage)
    expected = dendrogram.cut(speakers)
    if linkage != "centroid":  # whose heights may fall, so that scipy's cut is another
        labels = hierarchy.fcluster(
            scipy_linkage(embeddings, linkage), speakers, criterion="maxclust"
        )
        assert np.array_equal(expected, number_by_appearance(labels))
    ours = AgglomerativeClusterer(linkage=linkage)(embeddings, num_speakers=speakers)
    assert ours.max() + 1 == speakers
    assert scatter(points, ours) <= scatter(points, expected) + 1e-9


@every_linkage
@settings(max_examples=20, deadline=None)
@given(count=st.integers(3, 30), seed=st.integers(0, 2**32 - 1), paired=st.booleans())
def test_windows_and_points_of_equal_weight_make_one_dendrogram(linkage, count, seed, paired):
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(count)[: count // 2 * 2].reshape(-1, 2) if paired else None
    windows = points_of(rng.normal(size=(count, 5)), cannot_link=pairs)
    points = replace(windows, weights=np.full(count, 2.0))
    one, other = agglomerate(windows, linkage), agglomerate(points, linkage)
    assert np.array_equal(one.pairs, other.pairs)
    scale = np.sqrt(2.0) if linkage == "ward" else 1.0  # each point stands for two windows
    np.testing.assert_allclose(scale * one.heights, other.heights, atol=1e-7)


@every_linkage
@pytest.mark.parametrize("count", [2, 3, 7, 40])
def test_equal_windows_merge_at_no_distance(linkage, count):
    points = points_of(np.tile([[0.3, -0.4, 0.1], [0.3, -0.4, 0.1], [-1.0, 0.0, 0.2]], (count, 1)))
    dendrogram = agglomerate(points, linkage)
    assert np.array_equal(dendrogram.cut(2), [0, 0, 1] * count)
    np.testing.assert_allclose(dendrogram.heights[:-1], 0.0, atol=1e-6)


@every_linkage
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_windows_does_not_matter(linkage, seed):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(25, 5))
    clusterer = AgglomerativeClusterer(0.8, linkage)
    order = rng.permutation(25)
    assert np.array_equal(
        number_by_appearance(clusterer(embeddings)[order]), clusterer(embeddings[order])
    )


@every_linkage
def test_rows_that_stand_for_many_windows_go_on_from_their_own_tree(linkage):
    points = points_of(np.random.default_rng(3).normal(size=(30, 5)))
    dendrogram = agglomerate(points, linkage)
    rest = agglomerate(points.merged(dendrogram.cut(12)), linkage)
    assert np.allclose(rest.heights, dendrogram.heights[-11:])
    assert np.array_equal(rest.cut(4)[dendrogram.cut(12)], dendrogram.cut(4))


@every_linkage
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_constrained_merges_match_a_search_over_all_pairs(linkage, seed):
    rng = np.random.default_rng(seed)
    pairs = np.array([[0, 1], [1, 2], [0, 2], [3, 4], [5, 9]])
    points = points_of(rng.normal(size=(10, 4)), cannot_link=pairs)
    dendrogram = agglomerate(points, linkage)
    clusters = [[row] for row in range(10)]
    while allowed := [
        (_distance(points.means, a, b, linkage), a, b)
        for a in clusters
        for b in clusters
        if a < b and not any((x in a and y in b) or (y in a and x in b) for x, y in pairs)
    ]:
        _, a, b = min(allowed)
        clusters = [c for c in clusters if c not in (a, b)] + [a + b]
        labels = dendrogram.cut(len(clusters))
        assert sorted(map(sorted, clusters)) == sorted(
            np.flatnonzero(labels == label).tolist() for label in range(len(clusters))
        )
    assert np.isinf(dendrogram.heights[10 - len(clusters) :]).all()
    assert np.isfinite(dendrogram.heights[: 10 - len(clusters)]).all()


def _distance(means, a, b, linkage):
    if linkage == "average":
        return np.mean(1.0 - means[a] @ means[b].T)
    apart = np.linalg.norm(means[a].mean(axis=0) - means[b].mean(axis=0))
    return apart * (np.sqrt(2 * len(a) * len(b) / (len(a) + len(b))) if linkage == "ward" else 1)


def around(direction, count, seed):
    noise = np.random.default_rng(seed).normal(scale=0.05, size=(count, 3))
    return np.asarray(direction) + noise


def two_speakers_and_a_cough():
    return np.concatenate(
        [around([1, 0, 0], 6, 0), around([0, 1, 0], 6, 1), around([0.2, 0.3, -1], 1, 2)]
    )


def test_a_speaker_has_the_minimum_duration():
    embeddings, durations = two_speakers_and_a_cough(), np.full(13, 0.5)
    assert AgglomerativeClusterer(0.5)(embeddings).max() == 2
    clusterer = AgglomerativeClusterer(0.5, min_duration=2.0)
    expected = [0] * 6 + [1] * 7  # the cough lies nearer to the second
    assert clusterer(embeddings, durations=durations).tolist() == expected
    assert clusterer(embeddings, durations=durations, num_speakers=2).tolist() == expected
    assert clusterer(embeddings, durations=durations, max_speakers=1).max() == 0


def test_the_count_comes_before_the_minimum_duration():
    embeddings, durations = two_speakers_and_a_cough(), np.full(13, 0.5)
    clusterer = AgglomerativeClusterer(0.5, min_duration=2.0)
    three = clusterer(embeddings, durations=durations, min_speakers=3)
    assert three.tolist() == [0] * 6 + [1] * 6 + [2]
    assert clusterer(embeddings, durations=durations, num_speakers=9).max() == 8
    brief = AgglomerativeClusterer(0.5, min_duration=60.0)
    assert brief(embeddings, durations=durations).max() == 0


def test_a_minimum_duration_needs_durations():
    with pytest.raises(ArgumentError, match="`durations` must be given"):
        AgglomerativeClusterer(min_duration=1.0)(np.eye(3))


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"threshold": -0.1}, "`threshold` must be a finite number from 0, got -0.1"),
        ({"threshold": np.nan}, "`threshold` must be a finite number"),
        ({"linkage": "single"}, "`linkage` must be one of average, centroid, ward"),
        ({"min_duration": -1.0}, "`min_duration` must be a finite number from 0"),
        ({"exact_up_to": 1}, "`exact_up_to` must be a whole number from 2"),
    ],
)
def test_bad_settings_are_named(setting, text):
    with pytest.raises(ArgumentError, match=text):
        AgglomerativeClusterer(**setting)


def test_too_few_speakers_are_split_where_they_scatter_most():
    points = points_of(two_speakers_and_a_cough(), bounds=SpeakerBounds(3))
    labels = enforce_bounds(points, np.array([1] * 6 + [0] * 7))
    assert labels.tolist() == [0] * 6 + [1] * 6 + [2]


def test_too_many_speakers_are_merged_where_they_are_closest():
    points = points_of(two_speakers_and_a_cough(), bounds=SpeakerBounds(3))
    labels = enforce_bounds(points, np.array([4, 4, 4, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0]))
    assert labels.tolist() == [0] * 6 + [1] * 6 + [2]


def test_of_a_cannot_link_pair_the_looser_window_moves():
    points = points_of([[1, 0], [1, 0.1], [0.8, 0.6], [0, 1]], cannot_link=[[0, 2]])
    assert separate(points, np.array([0, 0, 0, 1])).tolist() == [0, 0, 1, 1]


def test_a_pair_without_another_speaker_to_go_to_stays():
    triangle = [[0, 1], [1, 2], [0, 2]]
    labels = AgglomerativeClusterer()(np.eye(3), cannot_link=triangle, max_speakers=2)
    assert labels.max() == 1

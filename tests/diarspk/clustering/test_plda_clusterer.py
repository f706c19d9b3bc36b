"""Evidence against its definition, and the laws of counting: one law at every length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from diarspk.clustering import ClusteringInput, PldaClustererSettings
from diarspk.clustering.clustering_input import validate
from diarspk.clustering.common_part import common_part, reduce_common_part
from diarspk.clustering.ratio_merging import join_neighbours, merge_by_ratio
from diarspk.clustering.repeated_audio import count_copies
from diarspk.clustering.session_model import Groups, SessionModel, pool
from diarspk.clustering.speaker_decoding import decode
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError
from tests.diarspk.clustering.made_sessions import (
    cluster,
    clusterer,
    count,
    embed,
    voices,
    windows,
)

seeds = st.integers(0, 2**32 - 1)
# Voices are drawn, and now and then two are as alike as one is to itself: the draws are fixed.
few = settings(max_examples=6, deadline=None, derandomize=True)


def some_groups(seed, size, dimension=5):
    generator = np.random.default_rng(seed)
    means = generator.normal(size=(size, dimension)) * 2
    return Groups(means, generator.uniform(0.2, 30, size))


MODEL = SessionModel(np.array([6.0, 3.0, 1.0, 0.5, 0.1]), 0.1, 1.2)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_the_ratio_is_that_of_the_densities(seed):
    one, other = (some_groups(seed + offset, 1) for offset in (0, 1))
    expected = 0.0
    for axis, between in enumerate(MODEL.between):
        looks = MODEL.drift + MODEL.noise / np.array([one.counts[0], other.counts[0]])
        pair = np.array([one.means[0, axis], other.means[0, axis]])
        same = multivariate_normal(np.zeros(2), np.diag(looks) + between)
        different = multivariate_normal(np.zeros(2), np.diag(looks + between))
        expected += same.logpdf(pair) - different.logpdf(pair)
    assert MODEL.log_ratios(one, other)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert MODEL.log_ratios(other, one)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, factor=st.floats(10, 1e6))
def test_however_long_two_people_talk_the_ratio_is_bounded(seed, factor):
    groups = some_groups(seed, 2)
    long = Groups(groups.means, np.full(2, 1e3))
    longer = Groups(groups.means, np.full(2, 1e3 * factor))
    one, other = (
        MODEL.log_ratios(x.subset(np.array([0])), x.subset(np.array([1])))[0]
        for x in (long, longer)
    )
    assert abs(one - other) <= 0.1 * (abs(one) + 2)


def plain_merges(groups, model):
    """Merge the best pair of all, found anew each time."""
    alive = {row: (groups.means[row], groups.counts[row]) for row in range(len(groups))}
    merges = []
    while len(alive) > 1:
        ratios = {
            (low, high): model.log_ratios(
                *(Groups(alive[x][0][None], alive[x][1][None]) for x in (low, high))
            )[0]
            for low in alive
            for high in alive
            if low < high
        }
        low, high = max(ratios, key=ratios.get)
        (one, size), (other, more) = alive[low], alive.pop(high)
        alive[low] = ((size * one + more * other) / (size + more), size + more)
        merges.append((low, high, ratios[low, high]))
    return merges


@settings(max_examples=10, deadline=None)
@given(seed=seeds, size=st.integers(2, 12))
def test_merges_are_those_of_a_plain_search(seed, size):
    groups = some_groups(seed, size)
    path = merge_by_ratio(groups, MODEL, -np.inf)
    expected = plain_merges(groups, MODEL)
    assert path.pairs.tolist() == [[low, high] for low, high, _ in expected]
    np.testing.assert_allclose(path.ratios, [ratio for *_, ratio in expected], rtol=1e-9)
    assert path.cut(0).tolist() == list(range(size))
    assert not path.end.any()


def test_a_forbidden_pair_never_merges():
    groups = Groups(np.zeros((4, 5)), np.ones(4))
    path = merge_by_ratio(groups, MODEL, -np.inf, cannot_link=np.array([[0, 3]]))
    assert path.end[0] != path.end[3]
    assert len(path.pairs) == 2


def test_neighbours_join_into_segments_of_bounded_length():
    generator = np.random.default_rng(1)
    rows, truth = windows(voices(4, generator), 2, generator)
    found = Groups(rows, np.full(len(rows), 0.32))
    labels = join_neighbours(found, clusterer().model, 0.0, 4.0)
    assert (np.diff(labels) >= 0).all() and labels[0] == 0
    assert np.bincount(labels, found.counts).max() <= 4.0
    mixed = [len(np.unique(truth[labels == segment])) > 1 for segment in range(labels.max() + 1)]
    assert np.mean(mixed) < 0.1


def test_copies_are_counted_wherever_they_are():
    generator = np.random.default_rng(2)
    rows, _ = windows(voices(2, generator), 3, generator)
    options = {"noise": 1.0, "share": 0.35, "overlap": 3.125}
    assert count_copies(rows, **options).max() < 1.6
    thrice = np.concatenate([rows, rows, rows])
    np.testing.assert_allclose(np.median(count_copies(thrice, **options)), 3.0)


def test_decoding_prefers_nobody_who_talks_much():
    generator = np.random.default_rng(3)
    speakers = voices(2, generator)
    rows, truth = windows(speakers, 4, generator)
    counts = np.full(len(rows), 0.32)
    sizes = Groups(pool(rows, counts, truth).means, np.array([100.0, 2.0]))
    posterior = decode(Groups(rows, counts), sizes, clusterer().model, 0.9)
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0)
    assert (posterior.argmax(axis=1) == truth).mean() > 0.95


@few
@given(seed=seeds, people=st.integers(2, 6))
def test_people_are_counted(seed, people):
    generator = np.random.default_rng(seed)
    rows, truth = windows(voices(people, generator), 3, generator)
    labels = cluster(rows)
    assert labels.max() + 1 == people
    assert np.mean(labels == labels[np.unique(truth, return_index=True)[1]][truth]) > 0.95


@few
@given(seed=seeds, people=st.integers(2, 4), times=st.integers(2, 12))
def test_a_recording_that_is_repeated_has_as_many_people(seed, people, times):
    generator = np.random.default_rng(seed)
    rows, _ = windows(voices(people, generator), 2, generator)
    assert count(np.tile(rows, (times, 1))) == count(rows)


@few
@given(seed=seeds, one=st.integers(2, 5), other=st.integers(2, 5))
def test_counts_of_recordings_with_nobody_in_common_add_up(seed, one, other):
    generator = np.random.default_rng(seed)
    parts = [windows(voices(people, generator), 3, generator)[0] for people in (one, other)]
    assert count(np.concatenate(parts)) == sum(map(count, parts)) == one + other


@few
@given(seed=seeds, people=st.integers(2, 4))
def test_more_of_the_same_people_are_the_same_people(seed, people):
    generator = np.random.default_rng(seed)
    speakers = voices(people, generator)
    short, long = (windows(speakers, turns, generator)[0] for turns in (2, 20))
    assert count(short) == count(long) == people


@few
@given(seed=seeds, people=st.integers(2, 5))
def test_a_part_has_no_more_people_than_the_whole(seed, people):
    generator = np.random.default_rng(seed)
    rows, _ = windows(voices(people, generator), 3, generator)
    whole, half = count(rows), len(rows) // 2
    assert count(rows[:half]) <= whole
    assert count(rows[half:]) <= whole


def test_sixty_people_are_no_special_case():
    generator = np.random.default_rng(4)
    rows, _ = windows(voices(60, generator), 2, generator)
    assert count(rows) == 60


def test_who_says_three_seconds_is_somebody():
    generator = np.random.default_rng(5)
    speakers = voices(3, generator)
    main, _ = windows(speakers[:2], 6, generator)
    brief, _ = windows(speakers[2:], 1, generator, lengths=(6, 7))
    rows = np.concatenate([main, brief, main[:10]])
    labels = cluster(rows)
    assert labels.max() + 1 == 3
    assert len(np.unique(labels[len(main) : len(main) + 6])) == 1


@few
@given(seed=seeds, people=st.integers(2, 4), extra=st.integers(1, 3))
def test_further_speakers_are_not_bought_by_cutting_a_main_one(seed, people, extra):
    generator = np.random.default_rng(seed)
    rows, truth = windows(voices(people, generator), 4, generator)
    labels = cluster(rows, num_speakers=people + extra)
    assert labels.max() + 1 == people + extra
    kept = sum(np.bincount(labels[truth == person]).max() for person in range(people))
    assert kept > 0.6 * len(rows)


def test_fewer_speakers_are_the_most_similar_merged():
    generator = np.random.default_rng(6)
    speakers = voices(3, generator)
    speakers[2] = 0.6 * speakers[1] + 0.4 * speakers[2]
    rows, truth = windows(speakers, 4, generator)
    labels = cluster(rows, num_speakers=2)
    assert len(np.unique(labels[truth > 0])) == 1
    assert len(np.unique(labels)) == 2


def test_voices_of_one_microphone_are_told_apart_where_people_talk_to_each_other():
    """What all windows have in common would make one voice of them."""
    generator = np.random.default_rng(7)
    rows, truth = windows(voices(3, generator), 4, generator)
    common = embed(2.0 * voices(1, generator))
    vectors = normalize_rows(embed(rows) + 1.2 * common)
    alone = clusterer().cluster(ClusteringInput(vectors)).labels
    found = clusterer().cluster(ClusteringInput(vectors, dialogue=0.6)).labels
    assert alone.max() < found.max() == 2
    assert np.mean(found == found[np.unique(truth, return_index=True)[1]][truth]) > 0.95


def test_one_who_talks_nine_tenths_of_the_time_is_no_microphone():
    """Nothing is subtracted where the speakers found explain what the windows have in common."""
    generator = np.random.default_rng(11)
    voice = voices(1, generator)
    # Opposite: the common part is 0.64 of that of one, the sum of the squared shares 0.82.
    rows, truth = windows(np.concatenate([voice] * 9 + [-voice]), 3, generator)
    vectors = embed(rows)
    alone = clusterer().cluster(ClusteringInput(vectors)).labels
    found = clusterer().cluster(ClusteringInput(vectors, dialogue=0.36)).labels
    np.testing.assert_array_equal(found, alone)
    assert found.max() == 1
    points, _ = validate(ClusteringInput(vectors, dialogue=0.36))
    assert clusterer().without_microphone(points, (truth == 9).astype(np.int64)) is points
    halves = np.arange(len(truth)) % 2
    assert clusterer().without_microphone(points, halves) is not points


def test_a_microphone_is_taken_off_to_what_two_in_dialogue_have_in_common():
    generator = np.random.default_rng(9)
    vectors = embed(windows(voices(1, generator), 20, generator)[0])
    one = np.zeros(len(vectors), np.int64)
    for dialogue in (0.3, 0.6, 1.0):
        points, _ = validate(ClusteringInput(vectors, dialogue=dialogue))
        reduced = clusterer().without_microphone(points, one)
        expected = 0.6 * (1 - dialogue / 2)
        assert common_part(reduced, clusterer().plda) == pytest.approx(expected, rel=0.02)
    for dialogue in (None, 0.2):
        points, _ = validate(ClusteringInput(vectors, dialogue=dialogue))
        assert clusterer().without_microphone(points, one) is points


@pytest.mark.parametrize("people", [1, 2, 4])
def test_the_common_part_is_that_of_the_definition(people):
    generator = np.random.default_rng(people)
    plda = clusterer().plda
    rows, _ = windows(voices(people, generator), 8, generator)
    inputs, _ = validate(ClusteringInput(embed(rows)))
    found = common_part(inputs, plda)
    expected = np.mean(plda.project(embed(rows)).mean(axis=0) ** 2) / np.mean(plda.between)
    assert found == pytest.approx(expected)
    limit = 0.6 * found
    reduced = reduce_common_part(inputs, plda, limit)
    assert common_part(reduced, plda) == pytest.approx(limit, rel=0.02)
    assert reduce_common_part(inputs, plda, 1.01 * found) is inputs


@pytest.mark.parametrize(
    ("name", "value"),
    [("drift", 0.0), ("noise", -1.0), ("loop_probability", 1.0), ("overlap", 0.5)],
)
def test_impossible_settings_are_named(name, value):
    with pytest.raises(ArgumentError, match=f"`{name}` must be"):
        PldaClustererSettings(**{name: value})


def test_impossible_variances_are_named():
    with pytest.raises(ArgumentError, match="`drift` must be above 0"):
        SessionModel(np.ones(2), 0.0)

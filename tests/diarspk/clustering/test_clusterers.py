"""What holds for every clusterer: bounds, numbering, determinism, bad input, long sessions."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.clustering import (
    ICASSP2018,
    TURN_TO_DIARIZE,
    AgglomerativeClusterer,
    Clustering,
    ClusteringInput,
    EigengapClusterer,
    MultiStageClusterer,
    PldaClusterer,
    PldaClustererSettings,
    SingleSpeakerTest,
    SpeakerBounds,
    SpectralClusterer,
    VBxClusterer,
    VBxSettings,
    assign,
    centroids,
    partition,
)
from diarspk.clustering.clustering_input import validate
from diarspk.clustering.partition import enforce_bounds
from diarspk.clustering.plda import Plda
from diarspk.clustering.weighted_points import number_by_appearance
from diarspk.errors import ArgumentError


class OfAnyDimension:
    """A clusterer in whose PLDA all directions are alike, so that it takes any embeddings."""

    def __init__(self, kind, settings):
        self.kind, self.settings = kind, settings

    def of(self, dim):
        zero, same = np.zeros(dim), np.full(dim, 9.0)
        return self.kind(Plda(zero, zero, 3.0 * np.eye(dim), same), self.settings)

    def __call__(self, embeddings, **options):
        return self.of(np.shape(embeddings)[1])(embeddings, **options)

    def cluster(self, inputs):
        return self.of(np.shape(inputs.embeddings)[1]).cluster(inputs)

    def cost(self, points, labels):
        return self.of(points.means.shape[1]).cost(points, labels)


CLUSTERERS = {
    "average": AgglomerativeClusterer(0.5),
    "centroid": AgglomerativeClusterer(0.7, "centroid"),
    "ward": AgglomerativeClusterer(2.0, "ward"),
    "average-condensed": AgglomerativeClusterer(0.5, exact_up_to=30),
    "turn-to-diarize": SpectralClusterer(TURN_TO_DIARIZE),
    "icassp2018": SpectralClusterer(ICASSP2018),
    "spectral-condensed": SpectralClusterer(exact_up_to=30),
    "eigengap": EigengapClusterer(),
    "eigengap-condensed": EigengapClusterer(exact_up_to=30),
    "multi-stage": MultiStageClusterer(exact_up_to=60),
    "multi-stage-eigengap": MultiStageClusterer(EigengapClusterer(), min_windows=8),
    "vbx-gmm": OfAnyDimension(VBxClusterer, VBxSettings(0.07, 0.8, iterations=20)),
    "vbx-hmm": OfAnyDimension(VBxClusterer, VBxSettings(0.2, 6.0, 0.35)),
    "plda": OfAnyDimension(PldaClusterer, PldaClustererSettings(overlap=1.0)),
}

every_clusterer = pytest.mark.parametrize("clusterer", CLUSTERERS.values(), ids=CLUSTERERS)


def conversation(speakers: int, seed: int = 0, windows: int = 120, noise: float = 0.35):
    """Unit directions scattered around one direction a speaker, who talk in turns of twelve."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(24, speakers)))[0].T
    truth = np.arange(windows) // 12 % speakers
    scatter = rng.normal(size=(windows, 24)) / np.sqrt(24)
    return directions[truth] + noise * scatter, truth


def assert_numbered(labels, count):
    assert labels.shape == (count,)
    assert labels.dtype == np.int64
    assert np.array_equal(labels, number_by_appearance(labels))


@every_clusterer
@pytest.mark.parametrize("speakers", [1, 2, 3, 5])
def test_counts_and_names_the_speakers(clusterer, speakers):
    embeddings, truth = conversation(speakers)
    assert np.array_equal(clusterer(embeddings), truth)


@every_clusterer
def test_sessions_of_no_one_and_two_windows(clusterer):
    two = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert_numbered(clusterer(np.zeros((0, 4)), num_speakers=3), 0)
    assert clusterer([[1.0, 2.0]], num_speakers=3).tolist() == [0]
    assert clusterer(two, num_speakers=1).tolist() == [0, 0]
    assert clusterer(two, num_speakers=5).tolist() == [0, 1]
    assert clusterer(two, max_speakers=1).tolist() == [0, 0]
    assert clusterer([two[0], two[0]]).tolist() == [0, 0]


@every_clusterer
@pytest.mark.parametrize("windows", [3, 9, 40])
def test_identical_windows_are_one_speaker_unless_more_are_asked_for(clusterer, windows):
    embeddings = np.tile([0.3, -0.4, 0.1], (windows, 1))
    assert clusterer(embeddings).max() == 0
    labels = clusterer(embeddings, num_speakers=3)
    assert_numbered(labels, windows)
    assert labels.max() == 2


@st.composite
def tasks(draw):
    """Random windows, many of them alike, with bounds and disjoint cannot-link pairs."""
    count = draw(st.integers(1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    distinct = rng.normal(size=(draw(st.integers(1, count)), draw(st.integers(1, 5))))
    embeddings = distinct[rng.integers(len(distinct), size=count)]
    fewest = draw(st.none() | st.integers(1, 16))
    most = draw(st.none() | st.integers(fewest or 1, 20))
    pairs = rng.permutation(count)[: 2 * draw(st.integers(0, count // 2))].reshape(-1, 2)
    return embeddings, fewest, most, pairs


@every_clusterer
@settings(max_examples=25, deadline=None)
@given(task=tasks())
def test_bounds_and_cannot_link_pairs_hold(clusterer, task):
    embeddings, fewest, most, pairs = task
    count = len(embeddings)
    labels = clusterer(embeddings, min_speakers=fewest, max_speakers=most, cannot_link=pairs)
    assert_numbered(labels, count)
    speakers = labels.max() + 1
    assert min(fewest or 1, count) <= speakers <= min(most or count, count)
    if most != 1:
        assert (labels[pairs[:, 0]] != labels[pairs[:, 1]]).all()


@every_clusterer
@settings(max_examples=10, deadline=None)
@given(task=tasks(), exact=st.integers(1, 20))
def test_an_exact_count_holds(clusterer, task, exact):
    embeddings, _, _, pairs = task
    labels = clusterer(embeddings, num_speakers=exact, cannot_link=pairs)
    assert labels.max() + 1 == min(exact, len(embeddings))


@every_clusterer
@settings(max_examples=10, deadline=None)
@given(task=tasks(), links=st.integers(0, 6))
def test_must_link_pairs_hold(clusterer, task, links):
    embeddings, fewest, most, pairs = task
    # Of the rows that no cannot-link pair holds, some are tied.
    free = np.setdiff1d(np.arange(len(embeddings)), pairs)
    tied = np.stack([free[:-1], free[1:]], axis=1)[:links] if len(free) > 1 else np.zeros((0, 2))
    tied = tied.astype(int)
    labels = clusterer(
        embeddings, min_speakers=fewest, max_speakers=most, cannot_link=pairs, must_link=tied
    )
    assert_numbered(labels, len(embeddings))
    assert (labels[tied[:, 0]] == labels[tied[:, 1]]).all()
    rows = len(embeddings) - len(tied)
    assert min(fewest or 1, rows) <= labels.max() + 1 <= min(most or rows, rows)
    if most != 1:
        assert (labels[pairs[:, 0]] != labels[pairs[:, 1]]).all()


@every_clusterer
def test_a_must_link_pair_overrules_similarity(clusterer):
    embeddings, truth = conversation(3)
    labels = clusterer(embeddings, must_link=[[0, 12]])
    assert labels[0] == labels[12]
    assert np.array_equal(labels[truth == 2], np.full(sum(truth == 2), labels[24]))


@pytest.mark.parametrize(
    "clusterer", [value for name, value in CLUSTERERS.items() if name != "plda"]
)
@settings(max_examples=10, deadline=None)
@given(task=tasks(), exact=st.integers(1, 8))
def test_an_exact_count_is_no_worse_than_the_automatic_one_merged_or_split(clusterer, task, exact):
    embeddings = task[0]
    points, _ = validate(ClusteringInput(embeddings, bounds=SpeakerBounds(exact)))
    cost = clusterer.cost(points, clusterer(embeddings, num_speakers=exact))
    automatic = clusterer(embeddings)
    mended = number_by_appearance(enforce_bounds(points, automatic))
    tolerance = 1e-9 * max(abs(cost), 1.0)
    assert cost <= clusterer.cost(points, mended) + tolerance
    if points.min_speakers == automatic.max():  # one less: every merge of two is compared
        for one in range(points.min_speakers + 1):
            for other in range(one):
                merged = number_by_appearance(np.where(automatic == one, other, automatic))
                assert cost <= clusterer.cost(points, merged) + tolerance


@every_clusterer
@settings(max_examples=10, deadline=None)
@given(task=tasks())
def test_count_scores_are_shares_of_allowed_counts(clusterer, task):
    embeddings, fewest, most, pairs = task
    bounds = SpeakerBounds(minimum=fewest, maximum=most)
    found = clusterer.cluster(ClusteringInput(embeddings, bounds=bounds, cannot_link=pairs))
    assert sum(found.count_scores.values()) == pytest.approx(1.0)
    assert all(score > 0 for score in found.count_scores.values())
    count = len(embeddings)
    allowed = range(min(fewest or 1, count), min(most or count, count) + 1)
    assert set(found.count_scores) <= set(allowed)


@every_clusterer
def test_clear_sessions_have_clear_count_scores(clusterer):
    embeddings, _ = conversation(3, noise=0.3)
    scores = clusterer.cluster(ClusteringInput(embeddings)).count_scores
    assert max(scores, key=scores.get) == 3


def test_a_single_speaker_test_stops_at_one_speaker():
    one, _ = conversation(1, noise=0.9)
    three, _ = conversation(3)
    strict = AgglomerativeClusterer(0.1)
    tested = AgglomerativeClusterer(0.1, single_speaker_test=SingleSpeakerTest(0.5))
    assert strict(one).max() > 0
    assert tested(one).max() == 0
    assert tested(one, num_speakers=3).max() == 2
    assert tested(one, cannot_link=[[0, 1]]).max() > 0
    assert np.array_equal(tested(three), strict(three))
    with pytest.raises(ArgumentError, match="`similarity` must be a finite number from -1 up to 1"):
        SingleSpeakerTest(1.5)
    with pytest.raises(ArgumentError, match="`share` must be a finite number above 0 up to 1"):
        SingleSpeakerTest(share=0.0)


@every_clusterer
def test_only_directions_count(clusterer):
    embeddings, _ = conversation(3, noise=1.2)
    scales = np.random.default_rng(1).uniform(1e-3, 1e3, size=(len(embeddings), 1))
    assert np.array_equal(clusterer(embeddings), clusterer(scales * embeddings))


@every_clusterer
def test_the_same_input_gives_the_same_labels(clusterer):
    embeddings, _ = conversation(4, noise=1.2)
    before = embeddings.copy()
    state = np.random.get_state()
    np.random.seed(1)
    first = clusterer(embeddings)
    np.random.seed(2)
    second = clusterer(embeddings)
    np.random.set_state(state)
    assert np.array_equal(first, second)
    assert np.array_equal(embeddings, before)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"embeddings": [1.0, 2.0]}, "`embeddings` must be of shape"),
        ({"embeddings": [[1.0, np.nan], [1.0, 2.0]]}, "infinity in row 0"),
        ({"embeddings": [[1.0, 0.0], [0.0, 0.0]]}, "zero vector in row 1"),
        ({"num_speakers": 0}, "`num_speakers` must be a whole number from 1, got 0"),
        ({"num_speakers": True}, "`num_speakers` must be a whole number"),
        ({"max_speakers": 2.0}, "`max_speakers` must be a whole number"),
        ({"min_speakers": 3, "max_speakers": 2}, "`min_speakers` must be at most"),
        ({"num_speakers": 1, "min_speakers": 2}, "`num_speakers` must lie within"),
        ({"num_speakers": 3, "max_speakers": 2}, "`num_speakers` must lie within"),
        ({"durations": [1.0]}, "`durations` must be of shape"),
        ({"durations": [1.0, np.nan]}, "got nan in row 1"),
        ({"durations": [-1.0, 1.0]}, "got -1.0 in row 0"),
        ({"cannot_link": [[0.0, 1.0]]}, "`cannot_link` must be integers"),
        ({"cannot_link": [0, 1]}, "`cannot_link` must be integers of shape"),
        ({"cannot_link": [[0, 2]]}, "`cannot_link` must hold rows within 0..1"),
        ({"cannot_link": [[1, 1]]}, "a row with itself"),
        ({"must_link": [[0, 2]]}, "`must_link` must hold rows within 0..1"),
        ({"must_link": [[0, 1]], "cannot_link": [[1, 0]]}, "rows 1 and 0 as one"),
    ],
)
def test_bad_arguments_are_named(arguments, text):
    with pytest.raises(ArgumentError, match=text):
        AgglomerativeClusterer()(**{"embeddings": [[1.0, 0.0], [0.0, 1.0]], **arguments})


def test_extreme_scales_do_not_overflow():
    vectors = validate(ClusteringInput([[1e300, 1e300], [1e-300, -1e-300]]))[0].means
    assert np.allclose(np.abs(vectors), np.sqrt(0.5))


@pytest.mark.parametrize(
    ("count", "bounds", "expected"),
    [
        (10, {}, (1, 10)),
        (10, {"exact": 3}, (3, 3)),
        (10, {"exact": 3, "minimum": 2, "maximum": 3}, (3, 3)),
        (10, {"minimum": 12}, (10, 10)),
        (10, {"minimum": np.int64(2), "maximum": 4}, (2, 4)),
        (0, {"exact": 3}, (0, 0)),
    ],
)
def test_speaker_bounds_are_clipped_to_the_points(count, bounds, expected):
    assert SpeakerBounds(**bounds).within(count) == expected


bound = st.none() | st.integers(1, 9)


@given(exact=bound, minimum=bound, maximum=bound, extra=st.integers(0, 3))
def test_speaker_bounds_shift_and_contain_what_they_need(exact, minimum, maximum, extra):
    try:
        bounds = SpeakerBounds(exact, minimum, maximum)
    except ArgumentError:
        assert (minimum or 1) > (maximum or 9) or not (minimum or 1) <= exact <= (maximum or 9)
        return
    assert bounds.limit is None or bounds.needed <= bounds.limit
    more = bounds.plus(extra)
    if minimum or exact:
        assert more.needed == bounds.needed + extra
    assert more.limit == (None if bounds.limit is None else bounds.limit + extra)
    assert bounds.within(100) == (bounds.needed, bounds.limit or 100)


def test_a_cannot_link_pair_proves_two_speakers():
    embeddings = np.ones((8, 3))
    for clusterer in CLUSTERERS.values():
        labels = clusterer(embeddings, cannot_link=[[1, 6]])
        assert labels[1] != labels[6]
        assert clusterer(embeddings, cannot_link=[[1, 6]], max_speakers=1).max() == 0


@pytest.mark.parametrize("limit", [2, 7, 20, 33, 100])
def test_condensing_in_blocks_keeps_every_window(monkeypatch, limit):
    monkeypatch.setattr(partition, "BLOCK_POINTS", 20)
    embeddings, _ = conversation(3, windows=101)
    points, _ = validate(
        ClusteringInput(embeddings, durations=np.arange(101.0), cannot_link=[[0, 6], [3, 100]])
    )
    condensed, membership = partition.condense(points, limit)
    assert condensed.count == limit
    assert np.array_equal(np.unique(membership), np.arange(limit))
    assert np.array_equal(condensed.weights, np.bincount(membership))
    assert condensed.durations.sum() == pytest.approx(points.durations.sum())
    total = (condensed.means * condensed.weights[:, None]).sum(axis=0)
    assert np.allclose(total, points.means.sum(axis=0))
    assert np.array_equal(condensed.cannot_link, membership[points.cannot_link])


def test_long_sessions_are_clustered_right_without_quadratic_memory(monkeypatch):
    monkeypatch.setattr(partition, "BLOCK_POINTS", 200)
    embeddings, truth = conversation(4, windows=3000)
    clusterer = AgglomerativeClusterer(0.5, exact_up_to=100)
    tracemalloc.start()
    labels = clusterer(embeddings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(labels, truth)
    assert peak < 3000 * 3000  # bytes: an eighth of one matrix of distances


def test_centroids_are_directions_and_assign_finds_them():
    embeddings, truth = conversation(3)
    scales = np.random.default_rng(2).uniform(0.1, 10.0, size=(len(embeddings), 1))
    directions = centroids(scales * embeddings, truth)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    for speaker, direction in enumerate(directions):
        mean = unit[truth == speaker].mean(axis=0)
        assert np.allclose(direction, mean / np.linalg.norm(mean))
    assert np.array_equal(assign(embeddings, 5.0 * directions), truth)


@pytest.mark.parametrize(
    ("labels", "text"),
    [([0], "of shape"), ([0, 2], "without a gap"), ([0, 0], "zero vector in row 0")],
)
def test_centroids_refuse_labels_that_do_not_fit(labels, text):
    with pytest.raises(ArgumentError, match=text):
        centroids([[1.0, 0.0], [-1.0, 0.0]], labels)


def test_assign_needs_a_centroid_of_the_same_dimension():
    for vectors in (np.zeros((0, 2)), np.ones((1, 3))):
        with pytest.raises(ArgumentError, match="`centroids` must be of shape"):
            assign([[1.0, 0.0]], vectors)


def test_initial_labels_follow_their_points():
    vectors = np.random.default_rng(0).normal(size=(5, 3))
    initial = [[4, 4, 0, 1, 1], np.arange(5)]
    points, _ = validate(ClusteringInput(vectors, initial_labels=initial))
    subset = points.subset(np.array([3, 0]))
    assert [one.tolist() for one in subset.initial_labels] == [[1, 4], [3, 0]]
    merged = points.merged(np.array([0, 0, 1, 2, 1]))
    assert [one.tolist() for one in merged.initial_labels] == [[4, 0, 1], [0, 2, 3]]


@pytest.mark.parametrize("faulty", [[0, 1], [[0, 1, 2]], [0.5, 1.0, 2.0]])
def test_initial_labels_must_fit_the_windows(faulty):
    with pytest.raises(ArgumentError, match=r"`initial_labels` must be integers of shape \(3,\)"):
        validate(ClusteringInput(np.eye(3), initial_labels=[faulty]))


def test_values_print_what_a_person_wants_to_know_and_no_arrays():
    inputs = ClusteringInput(np.eye(3), bounds=SpeakerBounds(maximum=2))
    points, _ = validate(inputs)
    found = Clustering(np.array([0, 0, 1]), {2: 0.75, 3: 0.25})
    assert repr(inputs) == (
        "ClusteringInput((3, 3) embeddings, SpeakerBounds(exact=None, minimum=None, maximum=2))"
    )
    assert repr(points) == "WeightedPoints(3 points of 3 windows, 1 to 2 speakers)"
    assert repr(found) == "Clustering(3 windows, 2 speakers, count_scores={2: 0.75, 3: 0.25})"

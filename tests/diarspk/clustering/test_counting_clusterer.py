"""The clusterer that counts: its choice, what it says of the number, and a number that is told."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.clustering import AgglomerativeClusterer, ClusteringInput, SpeakerBounds
from diarspk.clustering.clustering_input import validate
from diarspk.clustering.count_model import (
    UNWEIGHED,
    CountModel,
    CountSigns,
    poisson_binomial,
    read_count_model,
    write_count_model,
)
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.clustering.session_model import Groups
from diarspk.clustering.speaker_changes import Change, PartPartition, find_cuts, find_joins
from diarspk.clustering.told_count import choose_change, find_cut_speakers
from diarspk.errors import ArgumentError, ModelError
from tests.diarspk.clustering.made_sessions import clusterer, counting, embed, voices, windows

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=5, deadline=None, derandomize=True)
TOGETHER = AgglomerativeClusterer(1.9)


def session(people, turns=3, seed=0, lengths=(8, 20)):
    """Embeddings and true speakers of a made session."""
    generator = np.random.default_rng(seed)
    rows, truth = windows(voices(people, generator), turns, generator, lengths)
    return embed(rows), truth


def agree(labels, truth):
    """Share of the windows that the best one-to-one matching of few speakers has right."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((truth.max() + 1, labels.max() + 1))
    np.add.at(table, (truth, labels), 1)
    return table[linear_sum_assignment(-table)].sum() / len(truth)


def some_parts(seed, size, speakers):
    """Parts of random speakers, in the space of the model."""
    generator = np.random.default_rng(seed)
    dimension = len(clusterer().plda.between)
    labels = np.concatenate([np.arange(speakers), generator.integers(speakers, size=size)])
    means = voices(speakers, generator)[labels] + generator.normal(size=(len(labels), dimension))
    parts = Groups(means, generator.uniform(0.5, 4, len(labels)))
    return PartPartition(parts, labels, np.arange(len(labels)))


@pytest.mark.parametrize(("limit", "shorter"), [(1000, True), (0, False)])
def test_few_windows_are_for_one_clusterer_and_more_for_the_other(limit, shorter):
    embeddings, _ = session(2)
    everyone = replace(counting(), short=TOGETHER, max_short=limit)
    found = everyone.cluster(ClusteringInput(embeddings)).labels
    assert bool(found.max() == 0) is shorter


def test_a_negative_number_of_windows_is_refused():
    with pytest.raises(ArgumentError, match="max_short"):
        CountingClusterer(TOGETHER, clusterer(), max_short=-1)


@few
@given(seed=seeds, people=st.integers(1, 5))
def test_the_posterior_is_one_and_knows_what_it_sees(seed, people):
    found = counting().cluster(ClusteringInput(session(people, seed=seed)[0], dialogue=0.4))
    assert sum(found.count_posterior.values()) == pytest.approx(1.0)
    assert all(count > 0 and 0 < value <= 1 for count, value in found.count_posterior.items())
    assert found.count_scores == pytest.approx(found.count_posterior)
    assert abs(max(found.count_posterior, key=found.count_posterior.get) - people) <= 1


def test_what_is_told_changes_the_scores_and_not_the_posterior():
    embeddings, _ = session(3)
    free = counting().cluster(ClusteringInput(embeddings))
    told = counting().cluster(ClusteringInput(embeddings, bounds=SpeakerBounds(minimum=3)))
    assert told.count_posterior == free.count_posterior
    assert min(told.count_scores) >= 3
    assert sum(told.count_scores.values()) == pytest.approx(1.0)
    one = counting().cluster(ClusteringInput(embeddings, bounds=SpeakerBounds(exact=1)))
    assert list(one.count_scores) == [1] and not one.labels.any()


@few
@given(seed=seeds, people=st.integers(2, 5))
def test_a_number_that_is_found_already_changes_nothing(seed, people):
    embeddings, _ = session(people, seed=seed)
    free = counting().cluster(ClusteringInput(embeddings)).labels
    count = int(free.max()) + 1
    for bounds in (
        SpeakerBounds(exact=count),
        SpeakerBounds(minimum=count),
        SpeakerBounds(maximum=count),
    ):
        told = counting().cluster(ClusteringInput(embeddings, bounds=bounds)).labels
        assert told.tolist() == free.tolist()


@few
@given(seed=seeds, people=st.integers(2, 4), extra=st.integers(1, 3))
def test_further_speakers_cost_little(seed, people, extra):
    embeddings, truth = session(people, turns=5, seed=seed)
    free = counting().cluster(ClusteringInput(embeddings)).labels
    told = (
        counting()
        .cluster(ClusteringInput(embeddings, bounds=SpeakerBounds(exact=people + extra)))
        .labels
    )
    assert told.max() + 1 == people + extra
    assert agree(told, truth) >= agree(free, truth) - 0.05 * extra


def test_who_was_cut_off_whom_is_known():
    assert find_cut_speakers(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 2])) == {0: 1}
    assert find_cut_speakers(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 1])) == {}
    embeddings, _ = session(2)
    for count, cuts in ((1, 0), (2, 0), (3, 1), (4, 2)):
        bounds = SpeakerBounds(exact=count)
        found = counting().cluster(ClusteringInput(embeddings, bounds=bounds))
        assert len(found.cut_from) == cuts
        sizes = np.bincount(found.labels)
        assert all(sizes[cut] <= sizes[whole] for cut, whole in found.cut_from.items())


def test_a_dialogue_of_half_a_minute_is_for_the_one_clusterer_and_other_speech_for_the_other():
    """One cuts everything apart, and nothing is cut apart by the other."""
    embeddings, _ = session(2)
    everyone = replace(counting(), short=AgglomerativeClusterer(0.01), max_short=1000)
    for dialogue, shorter in ((None, True), (0.5, True), (0.1, False)):
        found = everyone.cluster(ClusteringInput(embeddings, dialogue=dialogue)).labels
        assert bool(found.max() > 1) is shorter


def test_one_voice_in_a_dialogue_of_half_a_minute_is_not_believed():
    embeddings, _ = session(2)
    everyone = replace(counting(), short=TOGETHER, max_short=1000)
    assert everyone.cluster(ClusteringInput(embeddings, dialogue=0.5)).labels.max() == 1


def test_fewer_speakers_cost_those_who_say_little():
    generator = np.random.default_rng(3)
    speakers = voices(4, generator)
    main, truth = windows(speakers[:3], 5, generator)
    brief, _ = windows(speakers[3:], 1, generator, lengths=(4, 5))
    embeddings = embed(np.concatenate([main, brief]))
    told = counting().cluster(ClusteringInput(embeddings, bounds=SpeakerBounds(exact=3))).labels
    assert agree(told[: len(truth)], truth) > 0.97


def test_more_speakers_than_windows_are_as_many_as_there_are():
    embeddings, _ = session(2, turns=1, lengths=(3, 4))
    told = counting().cluster(ClusteringInput(embeddings, bounds=SpeakerBounds(minimum=50))).labels
    assert told.tolist() == list(range(len(embeddings)))


def test_pairs_of_windows_are_respected():
    embeddings, truth = session(2)
    rows = np.flatnonzero(truth == 0)[[0, -1]]
    apart = counting().cluster(ClusteringInput(embeddings, cannot_link=rows[None])).labels
    assert apart[rows[0]] != apart[rows[1]]
    other = np.array([[int(np.flatnonzero(truth == 0)[0]), int(np.flatnonzero(truth == 1)[0])]])
    one = counting().cluster(ClusteringInput(embeddings, must_link=other)).labels
    assert one[other[0, 0]] == one[other[0, 1]]


@pytest.mark.parametrize("size", [0, 1])
def test_next_to_nothing_is_nobody_or_one(size):
    embeddings, _ = session(1)
    found = counting().cluster(ClusteringInput(embeddings[:size]))
    assert found.labels.tolist() == [0] * size
    assert found.count_posterior == ({1: 1.0} if size else {})


@settings(max_examples=20, deadline=None)
@given(seed=seeds, size=st.integers(2, 8))
def test_cuts_are_those_of_the_definition(seed, size):
    """Each against the rest of its speaker, pooled anew; they do not overlap."""
    partition = some_parts(seed, size, 2)
    cuts = find_cuts(partition, clusterer().model)
    for cut in cuts:
        owners = np.unique(partition.labels[cut.parts])
        assert len(owners) == 1
        rows = np.flatnonzero(partition.labels == owners[0])
        side = np.isin(rows, cut.parts).astype(np.int64)
        both = partition.parts.subset(rows).merged(side)
        one, other = both.subset(np.array([1])), both.subset(np.array([0]))
        assert cut.ratio == pytest.approx(clusterer().model.log_ratios(one, other)[0])
        assert cut.size == pytest.approx(min(both.counts))
        assert set(rows) > set(cut.parts)
        assert partition.changed(cut).speakers == partition.speakers + 1
    for one, other in combinations(cuts, 2):
        assert not set(one.parts) & set(other.parts)


def test_joins_make_one_speaker_of_all():
    partition = some_parts(1, 12, 4)
    joins = find_joins(partition, clusterer().model)
    assert len(joins) == 3
    assert partition.changed(joins[0]).speakers == 3


@settings(max_examples=30, deadline=None)
@given(chances=st.lists(st.floats(0, 1), max_size=8))
def test_the_number_of_true_events_is_summed_over_all_outcomes(chances):
    expected = np.zeros(len(chances) + 1)
    for outcome in range(2 ** len(chances)):
        true = [bool(outcome >> index & 1) for index in range(len(chances))]
        parts = [p if event else 1 - p for p, event in zip(chances, true, strict=True)]
        expected[sum(true)] += np.prod(parts)
    np.testing.assert_allclose(poisson_binomial(np.array(chances)), expected, atol=1e-12)


def test_the_posterior_by_hand():
    """One cut of even odds, and one join of odds 1 to 3: 1/8, 1/2 and 3/8."""
    model = CountModel((0.0,) * 5, (-np.log(3.0), *(0.0,) * 5))
    change = Change(-3.0, 2.0, np.array([0]), 1)
    signs = CountSigns(2, 50.0, [change], [change])
    assert model.posterior(signs) == pytest.approx({1: 1 / 8, 2: 1 / 2, 3: 3 / 8})


def test_the_least_harm_is_chosen():
    small, large = (Change(1.0, size, np.array([0]), 1) for size in (1.0, 30.0))
    assert choose_change([large, small], np.log([1.0, 1.1])) is small  # nothing is clear
    assert choose_change([large, small], np.log([9.0, 1.0])) is large
    assert choose_change([large, small], np.log([1.0, 9.0])) is small


def test_a_model_of_counts_is_read_as_it_was_written(tmp_path):
    model = CountModel((0.5, -0.25, 0.0, 1.0, 2.0), (0.5, -0.25, 0.0, 1.0, 2.0, -3.0))
    path = tmp_path / "counts" / "print.json"
    write_count_model(path, model, {"encoder": "print"})
    assert read_count_model(path) == model
    for text in ("{", "[]", '{"further": [1], "fewer": "x"}', '{"further": [1], "fewer": [2]}'):
        path.write_text(text)
        with pytest.raises(ModelError, match=r"print\.json"):
            read_count_model(path)


def test_the_rule_of_thumb_has_all_weights():
    assert (len(UNWEIGHED.further), len(UNWEIGHED.fewer)) == (5, 6)


def test_a_recording_that_is_repeated_says_the_same_of_the_number():
    embeddings, _ = session(3, turns=2)
    once, often = (
        counting().count(validate(ClusteringInput(np.tile(embeddings, (times, 1))))[0])
        for times in (1, 6)
    )
    assert once.signs.speakers == often.signs.speakers == 3
    ratios = [[join.ratio for join in one.signs.joins] for one in (once, often)]
    np.testing.assert_allclose(*ratios, rtol=0.1)

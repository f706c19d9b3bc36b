from dataclasses import replace

import numpy as np
import pytest

from diarspk.clustering import AgglomerativeClusterer, SpeakerBounds
from diarspk.clustering.adaptation import Adaptation
from diarspk.diarization.config import LinkingConfig
from diarspk.diarization.constraints import Constraints
from diarspk.diarization.linking import Linking
from diarspk.diarization.local_linking import link_local_speakers
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.diarization.subsegment_linking import link_by_subsegments
from diarspk.diarization.subsegments import Subsegments
from diarspk.embeddings.reduction import Prefix

CLUSTERER = AgglomerativeClusterer(threshold=0.5)


def local_speakers(names, seconds=None, noise=0.02):
    """Local speakers of windows from their true names, ``(windows, speakers)``, -1 for nobody."""
    names = np.array(names)
    voices = np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))[0]
    jitter = np.random.default_rng(1).standard_normal((*names.shape, 16)) * noise
    embeddings = (voices[names] + jitter) * (names >= 0)[..., None]
    if seconds is None:
        seconds = np.full(names.shape, 4.0)
    return LocalSpeakers(
        activity=np.zeros((len(names), 5, names.shape[1]), np.float32),
        first=np.arange(len(names)),
        embeddings=embeddings.astype(np.float32),
        seconds=np.where(names >= 0, seconds, 0.0),
        frames=len(names) + 4,
        hop=0.04,
        start=0.0,
    )


def test_names_are_recovered_up_to_numbering():
    names = [[0, 1, -1], [1, 0, -1], [2, -1, 0], [-1, 2, 1]]
    labels = link_local_speakers(local_speakers(names), CLUSTERER, reliable_s=1.0).labels
    assert labels.tolist() == names


def test_nobody_talks():
    labels = link_local_speakers(local_speakers([[-1, -1]]), CLUSTERER, reliable_s=1.0).labels
    assert labels.tolist() == [[-1, -1]]


def test_a_short_local_speaker_joins_the_nearest():
    names = np.array([[0, -1], [1, -1], [0, 1]])
    seconds = np.array([[4, 0], [4, 0], [0.5, 4]])
    labels = link_local_speakers(local_speakers(names, seconds), CLUSTERER, reliable_s=1.0).labels
    assert labels.tolist() == names.tolist()


def test_two_short_ones_of_a_window_do_not_become_one():
    local = local_speakers([[0, -1], [1, -1], [0, 0]], np.array([[4, 0], [4, 0], [0.5, 0.5]]))
    labels = link_local_speakers(local, CLUSTERER, reliable_s=1.0).labels
    assert sorted(labels[2].tolist()) == [0, 1]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_an_exact_number_is_honoured(count):
    local = local_speakers([[0, -1], [1, -1], [2, -1], [0, -1]])
    labels = link_local_speakers(
        local, CLUSTERER, Constraints(bounds=SpeakerBounds(exact=count)), reliable_s=1.0
    ).labels
    assert len(set(labels[labels >= 0])) == count


def test_all_are_clustered_where_none_is_reliable():
    local = local_speakers([[0, -1], [1, -1]], np.full((2, 2), 0.3))
    labels = link_local_speakers(local, CLUSTERER, reliable_s=1.0).labels
    assert labels.tolist() == [[0, -1], [1, -1]]


def with_subsegments(local, names):
    """Subsegments, one a frame, of the speakers ``names (n,)``, with a little noise."""
    voices = np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))[0]
    jitter = np.random.default_rng(2).standard_normal((len(names), 16)) * 0.05
    embeddings = voices[np.array(names)] + jitter
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    seconds = np.full(len(names), 1.5)
    short = Subsegments(np.arange(len(names)), embeddings.astype(np.float32), seconds)
    return replace(local, subsegments=short)


def test_local_speakers_are_named_by_clusters_of_subsegments():
    names = [[0, 1, -1], [1, 0, -1], [2, -1, 0], [-1, 2, 1]]
    local = with_subsegments(local_speakers(names), [0, 0, 0, 1, 1, 1, 2, 2, 2])
    linking = link_by_subsegments(local, CLUSTERER)
    assert linking.labels.tolist() == names
    assert linking.count_scores[3] == max(linking.count_scores.values())


def test_of_two_who_sound_alike_the_one_who_talks_more_has_the_say():
    local = local_speakers([[0, 0], [1, -1]], np.array([[0.5, 5.0], [5.0, 0.0]]))
    embeddings = local.embeddings.copy()
    embeddings[0, 0] += 0.1 * local.embeddings[1, 0]
    local = with_subsegments(replace(local, embeddings=embeddings), [0, 0, 0, 1, 1])
    labels = link_by_subsegments(local, CLUSTERER).labels
    assert labels[0, 0] == labels[1, 0] != labels[0, 1]


@pytest.mark.parametrize("exact", [1, 2, 3])
def test_bounds_hold_for_subsegments(exact):
    names = [[0, 1, -1], [1, 0, -1], [2, -1, 0], [-1, 2, 1]]
    local = with_subsegments(local_speakers(names), [0, 0, 0, 1, 1, 1, 2, 2, 2])
    labels = link_by_subsegments(
        local, CLUSTERER, Constraints(bounds=SpeakerBounds(exact=exact))
    ).labels
    assert len(np.unique(labels[labels >= 0])) == exact


def test_too_few_subsegments_are_left_to_the_local_speakers():
    local = local_speakers([[0, 1]])
    assert link_by_subsegments(local, CLUSTERER) is None
    few = with_subsegments(local, [0, 1])
    assert link_by_subsegments(few, CLUSTERER, Constraints(bounds=SpeakerBounds(exact=3))) is None


def test_a_known_speaker_whom_no_cluster_is_like_gets_what_is_surely_theirs():
    names = [[0, 1, -1], [1, 0, -1], [2, -1, 0], [-1, 2, 1]]
    # The subsegments know two of the three, so all of the third go to one of these.
    local = with_subsegments(local_speakers(names), [0, 0, 0, 1, 1, 1])
    third = Constraints({"nora": local.embeddings[2, 0]})
    assert link_by_subsegments(local, CLUSTERER).labels.max() == 1
    found = link_by_subsegments(local, CLUSTERER, third)
    assert found.labels.tolist() == names
    most = replace(third, bounds=SpeakerBounds(maximum=2))
    assert link_by_subsegments(local, CLUSTERER, most).labels.max() == 1
    first = Constraints({"nora": local.embeddings[0, 0]})  # who is a cluster already
    again = link_by_subsegments(local, CLUSTERER, first)
    assert again.labels.max() == 1


def test_subsegments_are_adapted_to_the_session_where_that_is_asked_for():
    names = [[0, 1, -1], [1, 0, -1], [2, -1, 0], [-1, 2, 1]]
    local = with_subsegments(local_speakers(names), [0, 0, 0, 1, 1, 1, 2, 2, 2])
    seen = []

    class Remembering(AgglomerativeClusterer):
        def cluster(self, inputs):
            seen.append(inputs.embeddings.shape[1])
            return super().cluster(inputs)

    config = LinkingConfig(adaptation=Adaptation(reduction=Prefix(4)))
    linking = link_by_subsegments(local, Remembering(0.5), config=config)
    assert seen == [4] and linking.labels.max() <= 2


@pytest.mark.parametrize(("repeats", "given"), [(20, 0), (40, 1)])
def test_local_speakers_give_initial_labels_where_there_are_enough_of_them(repeats, given):
    names = [[0, 1, -1], [1, 0, -1], [2, -1, 0], [-1, 2, 1]]
    spoken = [0, 1, 2] * repeats
    local = with_subsegments(local_speakers(names), spoken)
    seen = []

    class Remembering(AgglomerativeClusterer):
        def cluster(self, inputs):
            seen.extend(inputs.initial_labels)
            return super().cluster(inputs)

    link_by_subsegments(local, Remembering(0.5))
    assert [one.tolist() for one in seen] == [spoken] * given


def test_who_was_cut_off_is_joined_again_and_renumbered():
    linking = Linking(np.array([[4, 1], [6, -1]]), names={1: "ann"}, cut_from={6: 4})
    compact = linking.without_gaps()
    assert compact.labels.tolist() == [[1, 0], [2, -1]]
    assert compact.cut_from == {2: 1}
    whole = linking.without_cuts()
    assert whole.labels.tolist() == [[1, 0], [1, -1]]
    assert not whole.cut_from and whole.names == {0: "ann"}
    gone = Linking(np.array([[4, 1]]), cut_from={6: 4}).without_gaps()
    assert not gone.cut_from


def test_renumbering_closes_gaps_and_keeps_names():
    linking = Linking(np.array([[4, 1], [-1, 4]]), {2: 1.0}, {1: "ann", 4: "bob", 2: "nobody"})
    compact = linking.without_gaps()
    np.testing.assert_array_equal(compact.labels, [[1, 0], [-1, 1]])
    assert compact.names == {0: "ann", 1: "bob"}
    assert compact.count_scores == {2: 1.0}

"""Results from first passes made by hand: names, bounds, spurious speakers, operations, files."""

from dataclasses import replace

import numpy as np
import pytest
from pyannote.core import Segment

from diarspk.clustering import (
    AgglomerativeClusterer,
    EigengapClusterer,
    SpeakerBounds,
    VBxClusterer,
)
from diarspk.clustering.adaptation import (
    KWON2021,
    Adaptation,
    NonSpeechCluster,
)
from diarspk.clustering.plda import Plda
from diarspk.diarization import postprocessing
from diarspk.diarization.cache import FirstPassCache
from diarspk.diarization.confidence import Calibration
from diarspk.diarization.config import DiarizerConfig, LinkingConfig
from diarspk.diarization.constraints import Constraints
from diarspk.diarization.local_speakers import FirstPass, LocalSpeakers
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.diarization.reconstruction import ReconstructionConfig
from diarspk.diarization.result import Diarization
from diarspk.diarization.spurious_speakers import SpuriousSpeakerPolicy
from diarspk.embeddings import PrincipalComponents
from diarspk.errors import ArgumentError, ModelError, SpeechWarning

CONFIG = DiarizerConfig(
    clusterer=AgglomerativeClusterer(0.5),
    reliable_s=1.0,
    reconstruction=ReconstructionConfig(overlap_threshold=0.5, max_gap_s=0.4),
)
HOP = 0.1
LENGTH = 50  # frames of a window: 5 s


def orthogonal_voices(count=16):
    return np.linalg.qr(np.random.default_rng(0).standard_normal((count, count)))[0]


def make_first_pass(names, noise=0.02, dim=16):
    """One window after the other; the people of a row talk for an equal part of it each."""
    names = np.array(names)
    windows, speakers = names.shape
    jitter = np.random.default_rng(1).standard_normal((windows, speakers, dim)) * noise
    embeddings = (orthogonal_voices(dim)[names] + jitter) * (names >= 0)[..., None]
    embeddings /= np.maximum(np.linalg.norm(embeddings, axis=-1, keepdims=True), 1e-9)
    activity = np.zeros((windows, LENGTH, speakers), np.float32)
    for window, row in enumerate(names):
        parts = np.array_split(np.arange(LENGTH), max((row >= 0).sum(), 1))
        for part, speaker in zip(parts, np.flatnonzero(row >= 0), strict=False):
            activity[window, part, speaker] = 0.9
    local = LocalSpeakers(
        activity=activity,
        first=np.arange(windows) * LENGTH,
        embeddings=embeddings.astype(np.float32),
        seconds=(activity > 0.5).sum(1) * HOP,
        frames=windows * LENGTH,
        hop=HOP,
        start=0.0,
    )
    return FirstPass("meeting", windows * LENGTH * HOP, "print", local)


@pytest.fixture
def first():
    return make_first_pass([[0, 1], [1, -1], [2, 0], [0, -1], [2, 1], [0, 1]])


@pytest.fixture
def result(first):
    return postprocess(first, CONFIG)


def postprocess(first, config=CONFIG, **constraints):
    constraints = Constraints(**constraints)
    return Diarization.from_first_pass(first, Postprocessing(config), constraints)


def turns(result):
    return {
        (round(segment.start, 3), round(segment.end, 3), label)
        for segment, _, label in result.annotation.itertracks(yield_label=True)
    }


def assert_consistent(result):
    labels = set(result.annotation.labels())
    assert set(result.speakers) == labels == set(result.linking.names.values())
    assert set(result.exclusive.labels()) <= labels
    assert set(result.confidence) == set(result.annotation.itertracks())
    assert all(0 <= value <= 1 for value in result.confidence.values())
    assert sum(result.count_scores.values()) == pytest.approx(1.0)


def test_a_result_by_hand(result):
    assert_consistent(result)
    assert turns(result) == {
        (0.0, 2.5, "SPEAKER_00"),
        (2.5, 10.0, "SPEAKER_01"),
        (10.0, 12.5, "SPEAKER_02"),
        (12.5, 20.0, "SPEAKER_00"),
        (20.0, 22.5, "SPEAKER_02"),
        (22.5, 25.0, "SPEAKER_01"),
        (25.0, 27.5, "SPEAKER_00"),
        (27.5, 30.0, "SPEAKER_01"),
    }
    assert max(result.count_scores, key=result.count_scores.get) == 3


def test_clustering_again_equals_clustering_so_at_first(first, result):
    for count in (1, 2, 3, 4, 5):
        expected = postprocess(first, CONFIG, bounds=SpeakerBounds(exact=count))
        again = result.recluster(num_speakers=count)
        assert again.annotation == expected.annotation
        assert len(again.speakers) == count
        assert_consistent(again)
    assert len(result.recluster(max_speakers=2).speakers) == 2
    assert len(result.recluster(threshold=3.0).speakers) >= 2  # two share a window
    assert len(result.recluster(threshold=0.0).speakers) > 3
    assert result.recluster().annotation == result.annotation


def test_what_cannot_be_clustered_again(result):
    with pytest.raises(ArgumentError, match="`min_speakers` must be at most"):
        result.recluster(min_speakers=3, max_speakers=2)
    with pytest.raises(ArgumentError, match="`threshold` must be left out"):
        result.recluster(threshold=0.4, config=replace(CONFIG, clusterer=EigengapClusterer()))
    bare = replace(result, first_pass=None)
    for operation in (
        bare.recluster,
        lambda: bare.merge(["SPEAKER_00", "SPEAKER_01"]),
        lambda: bare.split("SPEAKER_00"),
    ):
        with pytest.raises(ArgumentError, match="must come from a Diarizer"):
            operation()


def test_rename(result):
    before = turns(result)
    renamed = result.rename({"SPEAKER_00": "SPEAKER_01", "SPEAKER_01": "anna"})
    assert_consistent(renamed)
    swap = {"SPEAKER_00": "SPEAKER_01", "SPEAKER_01": "anna"}
    assert turns(renamed) == {(start, end, swap.get(who, who)) for start, end, who in before}
    assert turns(result) == before
    back = renamed.rename({"anna": "SPEAKER_01", "SPEAKER_01": "SPEAKER_00"})
    assert turns(back) == before
    with pytest.raises(ArgumentError, match="merge them instead"):
        result.rename({"SPEAKER_00": "SPEAKER_01"})
    with pytest.raises(ArgumentError, match="among SPEAKER_00, SPEAKER_01, SPEAKER_02, got 'bob'"):
        result.rename({"bob": "anna"})
    doubtful = replace(result, warnings=("SPEAKER_01 talks for less than 3 s",))
    assert doubtful.rename(swap).warnings == ("anna talks for less than 3 s",)


def test_merge(result):
    before = turns(result)
    merged = result.merge(["SPEAKER_01", "SPEAKER_02"], "both")
    assert_consistent(merged)
    assert set(merged.speakers) == {"SPEAKER_00", "both"}
    assert (2.5, 12.5, "both") in turns(merged)
    talked = sum(result.annotation.chart()[i][1] for i in range(3))
    assert sum(seconds for _, seconds in merged.annotation.chart()) == pytest.approx(talked)
    assert turns(result) == before
    assert merged.rename({"both": "b"}).merge(["b", "SPEAKER_00"]).annotation.labels() == ["b"]
    for speakers, name, text in [
        (["SPEAKER_00"], None, "must be two or more"),
        (["SPEAKER_00", "bob"], None, "got 'bob'"),
        (["SPEAKER_00", "SPEAKER_01"], "SPEAKER_02", "that of another speaker"),
    ]:
        with pytest.raises(ArgumentError, match=text):
            result.merge(speakers, name)


def test_a_merged_speaker_leaves_no_column_that_takes_speech(first, monkeypatch):
    """Resegmentation and TS-VAD gave a few frames to the label that nobody had any more."""
    columns = []
    original = postprocessing.speaker_activity
    monkeypatch.setattr(
        postprocessing,
        "speaker_activity",
        lambda local, labels, count: columns.append(count) or original(local, labels, count),
    )
    postprocess(first).merge(["SPEAKER_00", "SPEAKER_01"])
    assert columns == [3, 2]


def test_split_undoes_merge_up_to_names(result):
    merged = result.merge(["SPEAKER_01", "SPEAKER_02"])
    again = merged.split("SPEAKER_01")
    assert_consistent(again)
    names = {"SPEAKER_00": "SPEAKER_00", "SPEAKER_01": "SPEAKER_01", "SPEAKER_02": "SPEAKER_02"}
    assert turns(again.rename(names)) == turns(result)
    with pytest.raises(ArgumentError, match="`count` must be a whole number from 2, got 1"):
        result.split("SPEAKER_00", 1)
    with pytest.raises(ArgumentError, match="`count` must be at most 2, the windows"):
        result.split("SPEAKER_02", 3)


def test_known_speakers_name_those_who_are_like_them(first):
    people = {"nora": 3.0 * orthogonal_voices()[2], "absent": orthogonal_voices()[9]}
    result = postprocess(first, CONFIG, known_speakers=people)
    assert_consistent(result)
    assert set(result.speakers) == {"SPEAKER_00", "SPEAKER_01", "nora"}
    assert (10.0, 12.5, "nora") in turns(result)
    assert result.recluster().annotation.labels() == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]
    assert "nora" in result.recluster(known_speakers=people).speakers


def test_known_speakers_keep_apart_who_would_be_merged():
    first = make_first_pass([[0, -1], [1, -1], [2, -1], [0, -1]])
    everyone = postprocess(first, replace(CONFIG, clusterer=AgglomerativeClusterer(3.0)))
    assert len(everyone.speakers) == 1
    people = {name: orthogonal_voices()[i] for i, name in enumerate(["a", "b", "c"])}
    assert set(everyone.recluster(known_speakers=people).speakers) == {"a", "b", "c"}


def test_known_speakers_are_checked(first):
    for vector, text in [
        (np.ones(3), r"of shape \(16,\), as this encoder"),
        (np.zeros(16), "zero vector"),
        (np.full(16, np.nan), "must be finite"),
    ]:
        with pytest.raises(ArgumentError, match=text):
            postprocess(first, CONFIG, known_speakers={"a": vector})


@pytest.mark.parametrize("people", [[np.ones(16)], {" ": np.ones(16)}, {3: np.ones(16)}], ids=repr)
def test_known_speakers_are_vectors_by_names_that_are_not_blank(first, people):
    with pytest.raises(ArgumentError, match="known_speakers"):
        postprocess(first, CONFIG, known_speakers=people)


@pytest.mark.parametrize("name", ["", " \n", 3])
def test_a_speaker_gets_no_blank_name(result, name):
    one, other, *_ = result.speakers
    with pytest.raises(ArgumentError, match="not blank"):
        result.rename({one: name})
    with pytest.raises(ArgumentError, match="not blank"):
        result.merge([one, other], name=name)


def test_a_single_name_is_no_list_of_speakers_to_merge(result):
    with pytest.raises(ArgumentError, match="must be a list of names"):
        result.merge(next(iter(result.speakers)))


def test_a_name_like_a_number_is_not_given_twice(first):
    people = {"SPEAKER_00": orthogonal_voices()[2]}
    result = postprocess(first, CONFIG, known_speakers=people)
    assert_consistent(result)
    assert len(result.speakers) == 3
    assert (10.0, 12.5, "SPEAKER_00") in turns(result)


def test_spans_of_the_same_and_of_different_speakers(result):
    alone = postprocess(make_first_pass([[0, -1], [1, -1], [2, -1], [0, -1]]), CONFIG)
    # The two tied ones together are halfway from the fourth window, which is the first speaker's.
    one = alone.recluster(threshold=0.6, same_speaker=[((0.0, 2.0), (10.2, 12.0))])
    assert_consistent(one)
    assert turns(one) == {(0.0, 5.0, "SPEAKER_00"), (5.0, 10.0, "SPEAKER_01"),
                          (10.0, 20.0, "SPEAKER_00")}  # fmt: skip
    apart = result.recluster(different_speakers=[((5.5, 9.5), (28.0, 29.5))])
    labels = apart.linking.labels
    assert labels[1, 0] != labels[5, 1]
    assert len(apart.speakers) == 4


def test_the_caller_is_right_about_one_window(result):
    one = result.recluster(same_speaker=[((0.0, 2.0), (3.0, 4.5))])
    labels = one.linking.labels
    assert labels[0, 0] == labels[0, 1]


def test_spans_that_cannot_be(result):
    for arguments, text in [
        ({"same_speaker": [((3.0, 2.0), (4.0, 5.0))]}, "with 0 <= start < end"),
        ({"same_speaker": [(1.0, 2.0)]}, "must be a list of pairs of spans"),
        ({"same_speaker": ((1.0, 2.0), (3.0, 4.0))}, "must be a list of pairs of spans"),
        ({"different_speakers": ["ab"]}, "must be a list of pairs of spans"),
        ({"same_speaker": [((0.0, 1.0), (900.0, 901.0))]}, "nobody talks for long enough"),
        ({"different_speakers": [((0.0, 1.0), (1.0, 2.0))]}, "must not contradict"),
        (
            {
                "same_speaker": [((0.0, 1.0), (3.0, 4.0))],
                "different_speakers": [((0.0, 1.0), (3.0, 4.0))],
            },
            "must not contradict",
        ),
    ]:
        with pytest.raises(ArgumentError, match=text):
            result.recluster(**arguments)


def with_a_spurious_speaker():
    """Two people for eight minutes, and a third for 2.5 s."""
    return make_first_pass([[0, -1], [1, -1]] * 48 + [[0, 2]])


def test_spurious_speakers_are_reported_and_stay_by_default():
    with pytest.warns(SpeechWarning, match="SPEAKER_02 talks for less than 3 s"):
        result = postprocess(with_a_spurious_speaker(), CONFIG)
    assert result.spurious_speakers == result.uncertain_speakers == ("SPEAKER_02",)
    assert "SPEAKER_02" in result.speakers
    assert postprocess(make_first_pass([[0, 1], [0, -1]]), CONFIG).spurious_speakers == ()


def test_spurious_speakers_are_absorbed_where_asked():
    absorbing = replace(CONFIG, spurious_speakers=SpuriousSpeakerPolicy(absorb=True))
    result = postprocess(with_a_spurious_speaker(), absorbing)
    assert_consistent(result)
    assert set(result.speakers) == {"SPEAKER_00", "SPEAKER_01"}
    assert result.spurious_speakers == ()
    # Its speech is still somebody's: of the two, the one who is not in its window.
    assert (482.5, 485.0, "SPEAKER_01") in turns(result)
    assert (
        len(
            postprocess(
                with_a_spurious_speaker(), absorbing, bounds=SpeakerBounds(exact=3)
            ).speakers
        )
        == 3
    )
    known = {"brief": orthogonal_voices()[2]}
    named = postprocess(with_a_spurious_speaker(), absorbing, known_speakers=known)
    assert "brief" in named.speakers
    assert named.spurious_speakers == ()


def test_policies_for_spurious_speakers_are_checked():
    with pytest.raises(ArgumentError, match="`max_duration_s`"):
        SpuriousSpeakerPolicy(max_duration_s=-1.0)
    with pytest.raises(ArgumentError, match="`max_share`"):
        SpuriousSpeakerPolicy(max_share=2.0)


@pytest.mark.parametrize("adaptation", [KWON2021, Adaptation(PrincipalComponents(8))])
def test_adapted_embeddings_have_the_same_speakers(adaptation):
    first = make_first_pass([[0, 1], [1, -1], [2, 0], [0, -1], [2, 1], [0, 1]] * 4, noise=0.1)
    config = replace(CONFIG, linking=LinkingConfig(adaptation=adaptation))
    assert turns(postprocess(first, config)) == turns(postprocess(first, CONFIG))


def test_speech_that_clusters_with_non_speech_is_dropped(first):
    noisy = make_first_pass([[0, 1], [5, -1], [1, 0], [5, -1]])
    hum = np.tile(orthogonal_voices()[5], (4, 1)).astype(np.float32)
    config = replace(CONFIG, linking=LinkingConfig(non_speech=NonSpeechCluster()))
    result = postprocess(replace(noisy, non_speech=hum), config)
    assert_consistent(result)
    assert len(result.speakers) == 2
    assert not result.annotation.crop(Segment(5.0, 10.0))
    assert len(postprocess(replace(noisy, non_speech=hum), CONFIG).speakers) == 3
    exact = postprocess(replace(noisy, non_speech=hum), config, bounds=SpeakerBounds(exact=2))
    assert turns(exact) == turns(result)
    # Nobody else speaks: then the hum is a speaker after all.
    alone = make_first_pass([[5, -1], [5, -1]])
    assert len(postprocess(replace(alone, non_speech=hum), config).speakers) == 1


def test_confidence_follows_activity_or_margin(first):
    plain = postprocess(first, CONFIG)
    assert all(value == pytest.approx(0.9, abs=1e-6) for value in plain.confidence.values())
    surer = postprocess(first, replace(CONFIG, calibration=Calibration(0.0, 2.0, 0.0)))
    expected = 1 / (1 + np.exp(-2.0))  # orthogonal speakers: a margin near 1
    assert all(value == pytest.approx(expected, abs=0.01) for value in surer.confidence.values())


def test_a_plda_of_another_encoder_is_refused(first):
    zero = np.zeros(16)
    own = Plda(zero, zero, np.eye(16), np.ones(16), fingerprint="print")
    assert postprocess(first, replace(CONFIG, clusterer=VBxClusterer(own))).speakers
    other = replace(CONFIG, clusterer=VBxClusterer(replace(own, fingerprint="other")))
    with pytest.raises(ModelError, match="PLDA is of the encoder other"):
        postprocess(first, other)


def test_silence_has_no_speaker_and_no_spurious_one():
    with pytest.warns(SpeechWarning, match="no speech was found"):
        result = postprocess(make_first_pass([[-1, -1]]), CONFIG)
    assert not result.annotation
    assert result.spurious_speakers == ()
    assert result.count_scores == {}
    with pytest.warns(SpeechWarning, match="no speech was found"):
        assert result.recluster(num_speakers=3).speakers == {}
    with pytest.raises(ArgumentError, match="nobody speaks"):
        result.merge(["SPEAKER_00", "SPEAKER_01"])


def test_the_cache_gives_back_what_it_was_given(first, tmp_path):
    cache = FirstPassCache(tmp_path / "new" / "folder")
    assert cache.read("key", "meeting") is None
    stored = replace(first, non_speech=np.ones((2, 16), np.float32))
    cache.write("key", stored)
    again = cache.read("key", "other name")
    assert again.uri == "other name"
    assert isinstance(again.local.hop, float)
    assert isinstance(again.local.frames, int)
    np.testing.assert_array_equal(again.non_speech, stored.non_speech)
    one, other = postprocess(stored, CONFIG), postprocess(replace(again, uri="meeting"), CONFIG)
    assert isinstance(other, Diarization)
    assert other.annotation == one.annotation
    assert other.confidence == one.confidence
    assert [file.name for file in cache.folder.iterdir()] == ["key.npz"]


def test_a_damaged_or_other_cache_file_counts_as_missing(first, tmp_path):
    cache = FirstPassCache(tmp_path)
    cache.write("key", first)
    whole = (tmp_path / "key.npz").read_bytes()
    for damaged in (b"", b"nonsense", whole[: len(whole) // 2]):
        (tmp_path / "key.npz").write_bytes(damaged)
        assert cache.read("key", "meeting") is None
    np.savez(tmp_path / "key.npz", something=np.ones(3))
    assert cache.read("key", "meeting") is None
    cache.write("key", first)
    assert cache.read("key", "meeting") is not None

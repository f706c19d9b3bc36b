"""People of several recordings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment

from diarspk import load_encoder
from diarspk.audio import SAMPLE_RATE
from diarspk.diarization import link_recordings
from diarspk.diarization.linking_criterion import (
    LinkingCriterion,
    choose_criterion,
    default_criterion,
)
from diarspk.diarization.people import LinkedRecordings, link_speakers
from diarspk.diarization.recorded_speakers import (
    MIN_CLEAN_S,
    RecordedSpeaker,
    compare_speakers,
    embed_speakers,
)
from diarspk.errors import ArgumentError, AudioError, FormatError, ModelError
from diarspk.verification.calibration import ScoreCalibration
from tests.tiny_model import tone, write_tiny_model

CRITERION = LinkingCriterion(0.6, 0.1)


def speaker(recording: str, label: str, *vectors: Sequence[float]) -> RecordedSpeaker:
    rows = np.array(vectors or np.zeros((0, 2)), np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return RecordedSpeaker(recording, label, rows, 5.0 * len(vectors) or 0.7)


def people(linked: LinkedRecordings) -> set[frozenset[tuple[str, str]]]:
    names = {one.person for one in linked.appearances}
    return {
        frozenset((one.recording, one.speaker) for one in linked.appearances if one.person == name)
        for name in names
    }


def test_speakers_are_compared_by_all_their_vectors() -> None:
    changing = speaker("a", "x", (1, 0), (0, 1))
    steady = speaker("b", "y", (1, 0))
    assert compare_speakers([changing, steady]) == pytest.approx(np.array([[0.5, 0.5], [0.5, 1]]))


vectors = st.lists(st.tuples(*[st.floats(-1, 1)] * 3), max_size=3)


@settings(deadline=None)
@given(st.lists(vectors.filter(len), min_size=1, max_size=4))
def test_the_comparison_is_the_mean_over_pairs(
    drawn: list[list[tuple[float, float, float]]],
) -> None:
    speakers = [speaker("a", f"S{number}", *own) for number, own in enumerate(drawn)]
    expected = [
        [np.mean([[x @ y for y in b.vectors] for x in a.vectors]) for b in speakers]
        for a in speakers
    ]
    assert compare_speakers(speakers) == pytest.approx(np.array(expected), abs=1e-5)


def test_people_are_numbered_by_first_appearance_and_say_why() -> None:
    linked = link_speakers(
        [
            speaker("b", "S0", (1, 0, 0)),
            speaker("b", "S1", (0, 1, 0)),
            speaker("a", "S0", (0.1, 1, 0)),
            speaker("a", "S1", (0, 0, 1)),
        ],
        CRITERION,
    )
    assert [(one.recording, one.speaker, one.person) for one in linked.appearances] == [
        ("a", "S0", "PERSON_00"),
        ("a", "S1", "PERSON_01"),
        ("b", "S0", "PERSON_02"),
        ("b", "S1", "PERSON_00"),
    ]
    first, alone, *_, last = linked.appearances
    assert first.score == last.score == pytest.approx(1 / np.sqrt(1.01))
    assert first.margin == last.margin == pytest.approx(0.9 / np.sqrt(1.01))
    assert (alone.score, alone.margin) == (None, None)
    assert linked.doubts == ()


def test_doubts_are_told() -> None:
    linked = link_speakers(
        [
            speaker("a", "S0", (1, 0)),
            speaker("b", "S0", (1, 0.1)),
            speaker("b", "S1", (1, -0.1)),
            speaker("b", "S2"),
        ],
        CRITERION,
    )
    assert len(people(linked)) == 4
    short, first, second = linked.doubts
    assert "b: S2 talks alone for 0.7 s only" in short
    assert first.startswith("a: S0 and b: S0 may be one person") and "left apart" in first
    assert "b: S1" in second


recordings = st.lists(st.lists(vectors, min_size=1, max_size=4), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60)
@given(recordings, st.randoms(use_true_random=False), st.floats(-0.5, 1), st.floats(0, 0.5))
def test_the_order_of_the_recordings_changes_nothing(
    drawn: list[list[list[tuple[float, float, float]]]],
    random: object,
    threshold: float,
    margin: float,
) -> None:
    in_order = [
        [speaker(f"r{number}", f"S{index}", *own) for index, own in enumerate(recording)]
        for number, recording in enumerate(drawn)
    ]
    shuffled = list(in_order)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    criterion = LinkingCriterion(threshold, margin)
    linked = link_speakers([*chain(*in_order)], criterion)
    assert linked.appearances == link_speakers([*chain(*shuffled)], criterion).appearances
    for part in people(linked):
        assert len({recording for recording, _ in part}) == len(part)


def test_a_speaker_of_a_recording_comes_once() -> None:
    with pytest.raises(ArgumentError, match="once, got 'S0' of 'a' 2 times"):
        link_speakers([speaker("a", "S0", (1, 0)), speaker("a", "S0", (0, 1))], CRITERION)


def test_nobody_is_no_fault() -> None:
    assert link_speakers([], CRITERION).appearances == ()


def conversation(*names: str) -> tuple[Annotation, np.ndarray]:
    annotation, parts = Annotation(uri="+".join(names)), []
    for number, name in enumerate(names):
        parts.append(tone(name, 12.0, seed=number)[2 * SAMPLE_RATE :])
        annotation[Segment(10.0 * number, 10.0 * (number + 1))] = f"SPEAKER_{number:02d}"
    return annotation, np.concatenate(parts)


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))


def test_recordings_are_linked_by_their_audio(card: Path) -> None:
    encoder = load_encoder(card)
    found = {name: conversation(*name.split("-")) for name in ("ann-ben", "eve-ann", "ben-eve")}
    linked = link_recordings(
        {name: annotation for name, (annotation, _) in found.items()},
        {name: samples for name, (_, samples) in found.items()},
        encoder=encoder,
        threshold=0.8,
        margin=0.1,
    )
    assert linked.names("ann-ben") == {"SPEAKER_00": "PERSON_00", "SPEAKER_01": "PERSON_01"}
    assert linked.names("ben-eve") == {"SPEAKER_00": "PERSON_01", "SPEAKER_01": "PERSON_02"}
    assert linked.names("eve-ann") == {"SPEAKER_00": "PERSON_02", "SPEAKER_01": "PERSON_00"}
    renamed = linked.rename(found["eve-ann"][0], "eve-ann")
    assert renamed.label_timeline("PERSON_02").extent() == Segment(0, 10)
    with pytest.raises(ArgumentError, match="none for 'ann-ben'"):
        link_recordings({"ann-ben": found["ann-ben"][0]}, {}, encoder=encoder, threshold=0.8)


def test_a_speaker_has_several_vectors_of_clean_speech(card: Path) -> None:
    encoder = load_encoder(card)
    annotation, samples = conversation("ann", "ben")
    annotation[Segment(10.0, 11.5)] = "SPEAKER_02"
    first, second, short = embed_speakers(annotation, samples, encoder)
    assert first.vectors.shape == second.vectors.shape == (2, encoder.dimension)
    assert (round(first.seconds, 2), round(second.seconds, 2)) == (9.9, 8.4)
    assert len(short.vectors) == 0 and short.seconds < MIN_CLEAN_S
    (only,) = embed_speakers(annotation, samples, encoder, speakers=["SPEAKER_01"])
    assert np.array_equal(only.vectors, second.vectors)


def test_audio_of_another_recording_is_refused(card: Path) -> None:
    annotation = Annotation(uri="late")
    annotation[Segment(100, 110)] = "SPEAKER_00"
    with pytest.raises(AudioError, match="ends before the first turn of late"):
        embed_speakers(annotation, tone("ann"), load_encoder(card))


def test_a_criterion_is_calibrated_and_kept(tmp_path: Path) -> None:
    calibration = ScoreCalibration(20.0, -10.0, {}, "abc")
    criterion = LinkingCriterion(3.0, 1.0, calibration)
    criterion.write(tmp_path / "abc.json")
    read = LinkingCriterion.read(tmp_path / "abc.json")
    assert read == criterion
    assert read.scores(np.array([0.5, 0.75])).tolist() == [0.0, 5.0]
    (tmp_path / "abc.json").write_text("{}")
    with pytest.raises(FormatError, match="not a linking criterion"):
        LinkingCriterion.read(tmp_path / "abc.json")


def test_an_encoder_without_a_criterion_needs_a_threshold() -> None:
    with pytest.raises(ModelError, match="give a threshold"):
        choose_criterion("unknown")
    assert choose_criterion("unknown", 0.7) == LinkingCriterion(0.7, 0.0)
    with pytest.raises(ArgumentError, match="`margin`"):
        choose_criterion("unknown", 0.7, -1.0)


def test_the_embedded_encoder_has_a_criterion() -> None:
    fingerprint = load_encoder().fingerprint
    criterion = default_criterion(fingerprint)
    assert criterion is not None and criterion.calibration is not None
    assert criterion.calibration.fingerprint == fingerprint
    assert choose_criterion(fingerprint, margin=9.0).threshold == criterion.threshold

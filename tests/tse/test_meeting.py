"""Tracks of all speakers of a recording: enrolment, gates, confidence, files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

import diarspk
import tse
from diarspk.audio import open_audio
from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.errors import ArgumentError, AudioError, DiarspkWarning, SpeechWarning
from diarspk.verification.calibration import ScoreCalibration
from tests.tiny_model import tone, write_tiny_model
from tse import track_writing
from tse.cue_sources import EnrolmentCue, MultiLevelCue
from tse.enrolment import EnrolmentConfig, purity
from tse.extractor import Extractor
from tse.gating import Gate
from tse.meeting_enrolment import enroll_speakers
from tse.models import BandSplitConfig, build_network
from tse.models.conditioning import ConditioningConfig
from tse.track_confidence import (
    LOG_SECONDS,
    RIVAL,
    ConfidenceMeter,
    load_confidence_calibration,
)
from tse.voice_files import write_enrolled

RATE = 16000
SIZES = {"channels": 4, "hidden": 4, "bottleneck": 4, "mask_hidden": 4, "blocks": 1}
CALIBRATION = ScoreCalibration(8.0, -2.0, {RIVAL: -8.0, LOG_SECONDS: 0.0})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> diarspk.SpeakerEncoder:
    return diarspk.load_encoder(write_tiny_model(tmp_path_factory.mktemp("meeting")))


@pytest.fixture(scope="module")
def extractor(encoder: diarspk.SpeakerEncoder) -> Extractor:
    torch.manual_seed(0)
    config = BandSplitConfig(**SIZES, conditioning=ConditioningConfig(encoder.dimension))
    source = MultiLevelCue(encoder, frames=False)
    return Extractor(build_network(config).eval(), source, "tiny", space=encoder.fingerprint)


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(track_writing, "load_confidence_calibration", lambda space: CALIBRATION)
    yield


def recording() -> NDArray[np.float32]:
    """Ann to 5 s, Eve from 4 to 9 s, then nobody: 40 s."""
    generator = np.random.default_rng(5)
    whole = 0.001 * generator.normal(size=40 * RATE)
    whole[: 5 * RATE] += tone("ann", 6.0)[RATE:]
    whole[4 * RATE : 9 * RATE] += tone("eve", 6.0)[RATE:]
    return whole.astype(np.float32)


def turns() -> Annotation:
    annotation = Annotation(uri="meeting")
    annotation[Segment(0, 5), 0] = "ann"
    annotation[Segment(4, 9), 1] = "eve"
    return annotation


def write(extractor: Extractor, folder: Path, **options: object) -> list[tse.SpeakerTrack]:
    return tse.extract_speakers(
        recording(),
        folder,
        turns(),
        RATE,
        extractor=extractor,
        **options,  # type: ignore[arg-type]
    )


def write_nothing(extractor: Extractor, folder: Path) -> list[tse.SpeakerTrack]:
    return tse.extract_speakers(recording(), folder, Annotation(), RATE, extractor=extractor)


def read(folder: Path, name: str) -> NDArray[np.float32]:
    samples, rate = soundfile.read(folder / f"{name}.wav", dtype="float32")
    assert rate == RATE
    return samples


def test_a_track_is_the_ungated_one_in_turns_and_silent_elsewhere(
    extractor: Extractor, tmp_path: Path
) -> None:
    write(extractor, tmp_path / "gated")
    write(extractor, tmp_path / "open", config=tse.TrackConfig(gated=False))
    for name, span in (("ann", Segment(0, 5)), ("eve", Segment(4, 9))):
        gated, whole = (read(tmp_path / folder, name) for folder in ("gated", "open"))
        weights = Gate(Timeline([span])).weights(0, len(whole))
        np.testing.assert_allclose(gated, whole * weights, atol=2 / 32768)
        assert len(gated) == 40 * RATE and not gated[12 * RATE :].any()
        assert whole[12 * RATE :].any()


def test_a_mask_leaves_the_rest_in_as_low_as_asked(extractor: Extractor, tmp_path: Path) -> None:
    write(extractor, tmp_path, config=tse.TrackConfig(mask_db=20.0))
    muted = slice(12 * RATE, None)
    np.testing.assert_allclose(
        read(tmp_path, "ann")[muted], 0.1 * recording()[muted], atol=1 / 32768
    )
    with pytest.raises(ArgumentError, match="mask_db"):
        tse.TrackConfig(mask_db=-3.0)


@pytest.mark.filterwarnings("ignore::diarspk.errors.SpeechWarning")
@pytest.mark.usefixtures("calibrated")
def test_the_list_has_what_is_returned(extractor: Extractor, tmp_path: Path) -> None:
    tracks = write(extractor, tmp_path)
    document = json.loads((tmp_path / "tracks.json").read_text())
    assert document["duration"] == 40.0 and document["gated"] and document["mask_db"] is None
    assert [one["speaker"] for one in document["tracks"]] == ["ann", "eve"]
    for track, listed in zip(tracks, document["tracks"], strict=True):
        assert listed["file"] == track.file.name and track.file.is_file()
        assert track.confidence is not None and len(track.confidence) == 40
        known = [one for one in listed["confidence"] if one is not None]
        assert known == np.round(track.confidence[np.isfinite(track.confidence)], 3).tolist()
        assert all(listed["confidence"][second] is None for second in range(10, 40))
        assert listed["activity"] == np.round(track.activity, 3).tolist()
        stretches = track.enrolment.stretches
        assert [one["weight"] for one in listed["enrolment"]] == [
            round(stretch.quality.weight, 3) for stretch in stretches
        ]
    ann = tracks[0]
    assert ann.activity[:5].tolist() == [1.0] * 5 and ann.activity[5:].tolist() == [0.0] * 35
    assert 0 <= ann.mean_confidence <= 1


def test_without_a_calibration_there_is_no_confidence(extractor: Extractor, tmp_path: Path) -> None:
    (track, _) = write(extractor, tmp_path)
    assert track.confidence is None and math.isnan(track.mean_confidence)
    assert track.doubtful_stretches == [] and track.scores is not None
    assert json.loads((tmp_path / "tracks.json").read_text())["tracks"][0]["confidence"] is None


@pytest.mark.usefixtures("calibrated")
def test_a_track_of_somebody_else_is_told(
    extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubtful = replace(CALIBRATION, offset=-50.0)
    monkeypatch.setattr(track_writing, "load_confidence_calibration", lambda space: doubtful)
    with pytest.warns(SpeechWarning, match="ann.wav: is probably not the voice of ann"):
        tracks = write(extractor, tmp_path, speakers=["ann"])
    assert tracks[0].doubtful_stretches[0][0] == 0.0


def test_a_speaker_has_the_same_track_with_and_without_the_others(
    extractor: Extractor, tmp_path: Path
) -> None:
    write(extractor, tmp_path / "all")
    write(extractor, tmp_path / "one", speakers=["eve"])
    np.testing.assert_array_equal(read(tmp_path / "all", "eve"), read(tmp_path / "one", "eve"))
    with pytest.warns(DiarspkWarning, match="removed ann.wav"):
        write(extractor, tmp_path / "all", speakers=["eve"])
    with pytest.raises(ArgumentError, match=r"one of the diarization's \(ann, eve\), got bob"):
        write(extractor, tmp_path, speakers=["bob"])
    with pytest.raises(ArgumentError, match="must be a Diarization or an Annotation, got str"):
        tse.extract_speakers(recording(), tmp_path, "a.rttm", RATE, extractor=extractor)  # type: ignore[arg-type]


def test_who_cannot_be_enrolled_has_no_track(extractor: Extractor, tmp_path: Path) -> None:
    samples, annotation = recording(), turns()
    samples[30 * RATE :] = 0
    annotation[Segment(32, 36), 2] = "silent"
    with pytest.warns(SpeechWarning, match="silent: is silent"):
        tracks = tse.extract_speakers(samples, tmp_path, annotation, RATE, extractor=extractor)
    assert [track.speaker for track in tracks] == ["ann", "eve"]
    with (
        pytest.warns(SpeechWarning, match="silent: is silent"),
        pytest.raises(AudioError, match="silent cannot be enrolled"),
    ):
        tse.extract_speakers(
            samples, tmp_path, annotation, RATE, speakers=["silent"], extractor=extractor
        )


def test_a_recording_is_not_written_over(extractor: Extractor, tmp_path: Path) -> None:
    file = tmp_path / "ann.wav"
    soundfile.write(file, recording(), RATE)
    before = file.read_bytes()
    with pytest.raises(ArgumentError, match=r"must not be the recording itself, got .*ann\.wav"):
        tse.extract_speakers(file, tmp_path, turns(), extractor=extractor)
    with pytest.raises(ArgumentError, match="must not be the recording itself"):
        write_enrolled(extractor, open_audio(file), extractor.cue(tone("ann"), RATE), file)
    assert [file.read_bytes()] == [before] and len(list(tmp_path.iterdir())) == 1


def test_labels_may_be_numbers(extractor: Extractor, tmp_path: Path) -> None:
    numbered = turns().rename_labels({"ann": 0, "eve": 1})
    (track,) = tse.extract_speakers(
        recording(), tmp_path, numbered, RATE, speakers=["1"], extractor=extractor
    )
    assert (track.speaker, track.file.name) == ("1", "1.wav")


def test_nobody_talks_in_an_empty_diarization(extractor: Extractor, tmp_path: Path) -> None:
    write(extractor, tmp_path)
    with pytest.warns(DiarspkWarning, match="removed ann.wav, eve.wav"):
        assert write_nothing(extractor, tmp_path) == []
    assert json.loads((tmp_path / "tracks.json").read_text())["tracks"] == []


def test_a_stretch_of_somebody_else_does_not_enroll(extractor: Extractor) -> None:
    samples = np.concatenate([tone("ann", 12.0)[2 * RATE :], tone("eve", 6.0)[RATE:]])
    annotation = Annotation()
    annotation[Segment(0, 10), 0] = "ann"
    annotation[Segment(10, 12), 1] = "ann"  # is Eve
    annotation[Segment(12.1, 15), 2] = "eve"
    enrolled = enroll_speakers(extractor, open_audio(samples, RATE), annotation)
    ann = enrolled["ann"]
    assert all(stretch.end <= 10 for stretch in ann.stretches)
    assert ann.vector is not None and ann.vector @ extractor.encoder.embed(tone("ann"), RATE) > 0.9
    weights = [stretch.quality.weight for stretch in ann.stretches]
    assert weights == sorted(weights, reverse=True)


def test_an_extractor_without_an_encoder_enrolls_by_turns(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = BandSplitConfig(**SIZES, conditioning=ConditioningConfig(0))
    plain = Extractor(build_network(config).eval(), EnrolmentCue())
    (track, _) = write(plain, tmp_path)
    assert track.scores is None and track.confidence is None
    assert track.enrolment.vector is None


def test_probabilities_of_others_make_a_stretch_less_pure() -> None:
    frames = np.zeros((100, 2), np.float32)
    frames[:, 0], frames[50:, 1] = 0.9, 0.5
    activity = SpeakerActivity(("ann", "eve"), frames, 0.04)
    assert purity(Segment(0, 2), "ann", activity) == pytest.approx(1.0)
    assert purity(Segment(2, 4), "ann", activity) == pytest.approx(0.5)
    assert purity(Segment(2, 4), "ann", None) == 1.0
    with pytest.raises(ArgumentError, match="max_turn_s"):
        EnrolmentConfig(max_turn_s=0.0)


def meter_of(encoder: diarspk.SpeakerEncoder, gate: Gate | None = None) -> ConfidenceMeter:
    ann, eve = (encoder.embed(tone(name), RATE) for name in ("ann", "eve"))
    return ConfidenceMeter(encoder, ann, eve[None], gate)


def test_confidence_tells_the_seconds_of_somebody_else(encoder: diarspk.SpeakerEncoder) -> None:
    track = np.concatenate(
        [tone("ann", 12.0)[2 * RATE :], tone("eve", 12.0)[2 * RATE :], np.zeros(5 * RATE)]
    ).astype(np.float32)
    meter = meter_of(encoder)
    meter.push(track)
    whole = meter.finish()
    assert len(whole.own) == 25 and np.isnan(whole.own[21:]).all()
    assert (whole.own > whole.rival)[:9].all() and (whole.own < whole.rival)[11:20].all()
    probabilities = whole.probabilities(CALIBRATION)
    assert np.nanmin(probabilities[:9]) > np.nanmax(probabilities[11:20])
    parts = meter_of(encoder)
    for part in np.array_split(track, 13):
        parts.push(part)
    np.testing.assert_array_equal(parts.finish().own, whole.own)


def test_only_what_passes_a_gate_is_judged(encoder: diarspk.SpeakerEncoder) -> None:
    meter = meter_of(encoder, Gate(Timeline([Segment(2.5, 3.25), Segment(8.95, 9.0)])))
    meter.push(tone("ann", 12.0))
    scores = meter.finish()
    assert np.flatnonzero(np.isfinite(scores.own)).tolist() == [2, 3]
    np.testing.assert_allclose(np.exp(scores.log_seconds[[2, 3]]), 0.75)


def test_the_embedded_encoder_has_a_calibration() -> None:
    calibration = load_confidence_calibration(tse.load_extractor().space)
    assert calibration is not None and calibration.scale > 0
    assert calibration.fingerprint == diarspk.load_encoder().fingerprint
    assert load_confidence_calibration("another") is None


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 40)), min_size=1, max_size=5))
def test_activity_of_turns_is_their_share_of_each_second(spans: list[tuple[int, int]]) -> None:
    annotation = Annotation()
    for number, (start, length) in enumerate(spans):
        annotation[Segment(start / 10, (start + length) / 10), number] = "ann"
    found = track_writing._second_activity(annotation, "ann", None, 14)
    turns = annotation.label_timeline("ann").support()
    shares = [turns.crop(Segment(second, second + 1)).duration() for second in range(14)]
    np.testing.assert_allclose(found, shares, atol=1e-9)
    frames = np.repeat(np.array(shares, np.float32), 25)[:, None]  # 0.04 s each
    activity = SpeakerActivity(("ann",), frames, 0.04)
    by_frames = track_writing._second_activity(annotation, "ann", activity, 14)
    np.testing.assert_allclose(by_frames, shares, atol=1e-5)

"""Measures of tracks out of meetings, on meetings whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from eval.extraction import meeting_measures
from eval.extraction.confidence import JudgedTrack, fit, rate_confidence, right_seconds
from eval.extraction.meeting_cases import MeetingCase, match_speakers
from eval.extraction.meeting_measures import (
    TrackMeasures,
    TrackSound,
    find_targets,
    measure_track,
)
from eval.extraction.meetings import summarise
from tse.track_confidence import TrackScores

pytest.importorskip("torchmetrics")
RATE = 16000


class Pitch:
    """An encoder that finds which of two tones is the loudest."""

    dimension = 2

    def embed(self, audio: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        power = np.abs(np.fft.rfft(audio, n=sample_rate))[[300, 700]]
        return (power / max(float(np.linalg.norm(power)), 1e-9)).astype(np.float32)


def case() -> MeetingCase:
    """Ann (300 Hz) to 6 s, Eve (700 Hz) from 4 to 10 s."""
    time = np.arange(10 * RATE) / RATE
    ann = (0.1 * np.sin(2 * np.pi * 300 * time) * (time < 6)).astype(np.float32)
    eve = (0.1 * np.sin(2 * np.pi * 700 * time) * (time >= 4)).astype(np.float32)
    reference = Annotation()
    reference[Segment(0, 6), 0] = "ann"
    reference[Segment(4, 10), 1] = "eve"
    whole = Timeline([Segment(0, 10)])
    return MeetingCase("one", ann + eve, reference, whole, {"ann": ann, "eve": eve})


def sound(track: NDArray[np.float32]) -> TrackSound:
    return TrackSound(track, np.abs(track) > 0, meeting_measures._embed(track, Pitch()))  # type: ignore[arg-type]


def test_a_perfect_track_is_the_voice_and_its_time() -> None:
    made = case()
    ann, eve = find_targets(made, Pitch())  # type: ignore[arg-type]
    assert (ann.name, eve.name) == ("ann", "eve")
    assert list(ann.overlap) == list(eve.overlap) == [Segment(4, 6)]
    for target in (ann, eve):
        perfect = measure_track(made, target, "s", sound(made.voices[target.name]), Pitch())  # type: ignore[arg-type]
        assert perfect.whole == pytest.approx(1, abs=1e-3)
        assert perfect.right_s == pytest.approx(6, abs=0.1)
        assert (perfect.extra_s, perfect.missed_s) == pytest.approx((0, 0), abs=0.1)
        assert perfect.ratio_db > 50
        nothing = measure_track(
            made,
            target,
            "s",
            sound(np.zeros(10 * RATE, np.float32)),
            Pitch(),  # type: ignore[arg-type]
        )
        assert (nothing.whole, nothing.overlap, nothing.right_s) == (0, 0, 0)
        assert nothing.ratio_db == meeting_measures.FLOOR_DB
        mixture = measure_track(made, target, "s", sound(made.mixture), Pitch())  # type: ignore[arg-type]
        assert mixture.overlap == pytest.approx(math.sqrt(0.5), abs=0.02)
        assert mixture.ratio_db == pytest.approx(0, abs=0.1)
        assert mixture.extra_s == pytest.approx(4, abs=0.1)


def test_speakers_are_matched_by_time_together() -> None:
    hypothesis = Annotation()
    hypothesis[Segment(0, 4.5), 0] = "S0"
    hypothesis[Segment(3, 10), 1] = "S1"
    hypothesis[Segment(12, 13), 2] = "S2"
    assert match_speakers(case().reference, hypothesis) == {"ann": "S0", "eve": "S1"}
    assert match_speakers(case().reference, Annotation()) == {}


def test_a_second_is_right_if_the_voice_in_it_is() -> None:
    made = case()
    swapped = np.concatenate([made.voices["ann"][: 5 * RATE], made.voices["eve"][5 * RATE :]])
    right = right_seconds(swapped, made, "ann")
    assert right[:4].tolist() == [1] * 4 and right[6:].tolist() == [0] * 4
    silent = right_seconds(np.zeros(10 * RATE, np.float32), made, "ann")
    assert np.isnan(silent).all()


def judged(seed: int, speaker: str) -> JudgedTrack:
    """Cosines whose true log odds are 10 times their difference."""
    generator = np.random.default_rng(seed)
    own, rival = generator.uniform(-0.3, 0.7, 2000), generator.uniform(-0.3, 0.7, 2000)
    right = generator.random(2000) < 1 / (1 + np.exp(-10 * (own - rival)))
    own[:10] = math.nan
    scores = TrackScores(own, rival, generator.normal(size=2000))
    labels = np.where(np.isnan(own), math.nan, right)
    return JudgedTrack(speaker, scores, labels)


def test_the_calibration_finds_the_odds_that_were_laid() -> None:
    tracks = [judged(seed, f"speaker-{seed}") for seed in range(6)]
    calibration = fit(tracks, "space")
    assert calibration.fingerprint == "space"
    assert calibration.scale == pytest.approx(10, abs=1)
    rival, seconds = calibration.quality.values()
    assert (rival, seconds, calibration.offset) == pytest.approx((-10, 0, 0), abs=1)
    figures = rate_confidence(tracks)
    assert figures["seconds"] == 6 * 1990 and figures["calibration error %"] < 2
    assert figures["right at 0.5 and more %"] > 80 > 30 > figures["right below 0.5 %"]


def test_summaries_pool_seconds_and_compare_with_the_mixture() -> None:
    rows = [
        TrackMeasures("m", "a", "mixture", 0.5, 0.4, 6.0, 4.0, 0.0, 1.0),
        TrackMeasures("m", "a", "tracks", 0.7, math.nan, 3.0, 0.0, 1.0, 5.0),
        TrackMeasures("m", "b", "mixture", 0.5, 0.4, 6.0, 4.0, 0.0, 2.0),
        TrackMeasures("m", "b", "tracks", 0.5, 0.6, 5.0, 2.0, 1.0, 1.5),
    ]
    mixture, tracks = summarise(rows)
    assert (mixture.system, mixture.targets, mixture.precision) == ("mixture", 2, 0.6)
    assert (tracks.whole, tracks.overlap) == (pytest.approx(0.6), 0.6)
    assert (tracks.precision, tracks.recall, tracks.f1) == pytest.approx((0.8, 0.8, 0.8))
    assert (tracks.ratio_db, tracks.worse) == (3.25, 0.5)
    assert tracks.row()[:2] == ["tracks", "2"]

"""Judging when an enrolled voice talks: labels from the parts of a mixture, and calibration."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tse
from diarspk import Diarizer
from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.verification.calibration import probability
from eval.extraction.detection import (
    Judged,
    calibration_error,
    cross_fit,
    describe,
    fit,
    format_rows,
    posteriors,
    presence_error,
)
from eval.extraction.detection_trials import Compared, active_frames, compare, label_voices
from eval.extraction.live_detection import describe_both, judge_live, judge_recording
from eval.extraction.mixtures import Trial
from tse.detection import VoiceScorer
from tse.mixing import Mixture

FRAME = round(0.04 * SAMPLE_RATE)


def test_a_voice_talks_where_it_is_loud_and_in_short_pauses() -> None:
    voice = np.zeros(40 * FRAME, np.float32)
    for first, last, level in [(5, 10, 0.5), (14, 16, 0.1), (30, 33, 0.5), (36, 40, 0.001)]:
        voice[first * FRAME : last * FRAME] = level
    talks = active_frames(voice, 42)
    assert np.flatnonzero(talks).tolist() == [*range(5, 16), *range(30, 33)]
    assert not active_frames(np.zeros(100, np.float32), 5).any()


def local_of(activity: list[list[list[float]]], first: list[int], frames: int) -> LocalSpeakers:
    talks = np.array(activity, np.float32)
    seconds = (talks > 0.5).sum(1) * 0.04
    embeddings = np.ones((*seconds.shape, 2), np.float32)
    return LocalSpeakers(talks, np.array(first), embeddings, seconds, frames, 0.04, 0.02)


def test_a_local_speaker_is_whoever_talks_in_its_frames() -> None:
    local = local_of([[[1, 0, 1, 0]] * 5 + [[0, 1, 1, 0]] * 5], [0], 10)
    target = np.arange(10) < 5
    labels = label_voices(local, target, [~target])
    assert labels[0, :2].tolist() == [1, 0]
    assert math.isnan(labels[0, 2]) and math.isnan(labels[0, 3])  # both, and nobody
    absent = label_voices(local, np.zeros(10, bool), [np.ones(10, bool)])
    assert absent[0, :3].tolist() == [0, 0, 0]


def test_the_calibration_error_is_that_of_a_hand_worked_case() -> None:
    probabilities = np.array([0.05, 0.05, 0.95, 0.95])
    outcomes = np.array([False, True, True, True])
    assert calibration_error(probabilities, outcomes) == pytest.approx((0.45 * 2 + 0.05 * 2) / 4)


def compared_of(speaker: str, present: bool, generator: np.random.Generator) -> Compared:
    """A window in which one person talks for 20 frames of 50, with a score of its own."""
    activity = np.zeros((1, 50, 1), np.float32)
    activity[0, 10:30] = 0.98
    local = local_of(activity.tolist(), [0], 50)
    talks = np.zeros(25, bool)
    talks[5:15] = present
    score = np.array([[generator.normal(3.0 if present else 0.0)]])
    quality = {"different channels": np.array([[float(generator.integers(2))]])}
    labels = np.array([[float(present)]])
    return Compared(
        "present" if present else "absent", speaker, local, score, quality, labels, talks
    )


def test_halves_of_the_speakers_are_judged_under_what_was_fitted_to_the_others() -> None:
    generator = np.random.default_rng(0)
    compared = [
        compared_of(f"person {number % 10}", number // 10 % 2 == 0, generator)
        for number in range(200)
    ]
    judged = list(cross_fit(compared))
    assert {id(one.compared) for one in judged} == {id(one) for one in compared}
    first = judged[0]  # of the half that is judged first
    assert isinstance(first, Judged) and first.compared.speaker == "person 0"
    fitted = fit([one for one in compared if int(one.speaker[-1]) % 2 == 1])
    np.testing.assert_allclose(first.frames, posteriors(first.compared, fitted.voice))
    # Two Gaussians 3 deviations apart have an EER of 6.7 %.
    assert 2 < presence_error(judged) < 12
    row = describe("present", [one for one in judged if one.compared.is_present])
    assert row["talks %"] == pytest.approx(40)
    assert row["EER of frames %"] < 15 and row["calibration error %"] < 10
    absent = describe("absent", [one for one in judged if not one.compared.is_present])
    assert math.isnan(absent["EER of frames %"]) and math.isnan(absent["misses %"])


def test_a_session_is_judged_beside_the_recording() -> None:
    call, _ = soundfile.read(sample_call(), dtype="float32")
    mixture = call[18 * SAMPLE_RATE : 21 * SAMPLE_RATE - 100]
    target = np.where(np.arange(len(mixture)) < SAMPLE_RATE, mixture, 0).astype(np.float32)
    made = Mixture(mixture, target, (mixture - target,), np.zeros_like(mixture), present=True)
    enrolment = call[22 * SAMPLE_RATE : 26 * SAMPLE_RATE]
    trial = Trial(made, "a", enrolment, enrolment)
    diarizer = Diarizer()
    scorer = VoiceScorer.load(diarizer.encoder.fingerprint)
    compared = compare(trial, "clean-1", diarizer, scorer.cohort)
    ways = {
        "recording": [judge_recording(compared, scorer)],
        "live": [judge_live(trial, compared, diarizer, scorer)],
    }
    whole = tse.detect(mixture, enrolment, SAMPLE_RATE, diarizer=diarizer)
    np.testing.assert_allclose(ways["recording"][0].frames, whole.probabilities, atol=1e-6)
    assert probability(ways["recording"][0].ratio) == pytest.approx(whole.presence, abs=1e-6)
    assert ways["live"][0].frames.shape == whole.probabilities.shape
    rows = describe_both(ways, ["clean-1"])
    assert [row["judged as"] for row in rows] == ["recording", "live"]
    assert "clean-1" in format_rows(rows)


def sample_call() -> Path:
    """Find half a minute of telephone speech."""
    specification = importlib.util.find_spec("pyannote.audio")
    assert specification and specification.origin
    return Path(specification.origin).parent / "sample" / "sample.wav"

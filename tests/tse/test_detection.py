"""When an enrolled voice talks, and whether it is there at all."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pyannote.core import Annotation
from typer.testing import CliRunner

import tse
from diarspk import Diarizer, load_encoder
from diarspk.cli import app
from diarspk.cues.speaker_cue import extract_cue
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.errors import ArgumentError, AudioError, FormatError, ModelError
from diarspk.formats import read_rttm
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.cohort import Cohort
from diarspk.verification.score_normalization import adaptive_norm, cohort_statistics
from tests.tiny_model import write_tiny_model
from tse.cohort_scores import TOP_COHORT
from tse.cues import Cue
from tse.detection import STEP_S, Detection, frame_posteriors, likeliest_odds
from tse.detection_calibration import (
    DIFFERENT_CHANNELS,
    LOG_SECONDS,
    DetectionCalibration,
    score_voices,
)

RATE = 16000
Samples = NDArray[np.float32]


def local_speakers(
    activity: list[list[list[float]]], first: list[int], frames: int
) -> LocalSpeakers:
    """Local speakers with the activity ``(windows, frames, speakers)``; each has a direction."""
    talks = np.array(activity, np.float32)
    seconds = (talks > 0.5).sum(1) * 0.04
    embeddings = np.zeros((*seconds.shape, 4), np.float32)
    for window, speaker in np.argwhere(seconds > 0):
        embeddings[window, speaker, (window + speaker) % 4] = 1.0
    return LocalSpeakers(talks, np.array(first), embeddings, seconds, frames, 0.04, 0.02)


def test_a_frame_has_the_voice_unless_all_are_silent_or_somebody_else() -> None:
    one_window = [[[1, 0], [1, 1], [0, 1], [0, 0]]]
    local = local_speakers(one_window, [0], 4)
    frames = frame_posteriors(local, np.array([[0.5, 0.8]]))
    by_hand = [0.5, 1 - 0.5 * 0.2, 0.8, 0.0]  # of 40 ms each
    np.testing.assert_allclose(frames, [np.mean(by_hand[:2]), np.mean(by_hand[2:])])


def test_overlapping_windows_are_averaged_and_the_last_frame_may_be_half() -> None:
    local = local_speakers([[[1], [1]], [[1], [1]]], [0, 1], 3)
    frames = frame_posteriors(local, np.array([[1.0], [0.5]]))
    np.testing.assert_allclose(frames, [(1.0 + 0.75) / 2, 0.5])


def test_who_does_not_talk_is_not_the_voice() -> None:
    local = local_speakers([[[0.2], [0.2]]], [0], 2)
    assert frame_posteriors(local, np.array([[1.0]])).tolist() == [0.0]


@given(
    arrays(np.float32, (2, 6, 2), elements=st.floats(0, 1, width=32)),
    arrays(np.float64, (2, 2), elements=st.floats(0, 1)),
)
def test_likelier_voices_never_make_a_frame_less_likely(
    activity: NDArray[np.float32], enrolled: NDArray[np.float64]
) -> None:
    local = local_speakers(activity.tolist(), [0, 3], 9)
    frames = frame_posteriors(local, enrolled)
    assert (frames >= 0).all() and (frames <= 1 + 1e-12).all()
    more = frame_posteriors(local, (enrolled + 1) / 2)
    assert (more >= frames - 1e-12).all()
    assert likeliest_odds(more) >= likeliest_odds(frames) - 1e-9


def test_scores_are_those_of_single_trials() -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(TOP_COHORT, 4)).astype(np.float32)
    cohort = Cohort(rows, rows + np.float32([3, 0, 0, 0]))
    local = local_speakers([[[1, 1], [1, 1]], [[1, 0], [1, 0]]], [0, 2], 4)
    vector = np.array([0, 0.6, 0.8, 0], np.float32)
    scores, quality = score_voices(local, vector, cohort)
    for window, speaker in np.argwhere(local.talking):
        row = local.embeddings[window, speaker]
        sides = [
            cohort_statistics(one[None], cohort.vectors, top=TOP_COHORT) for one in (vector, row)
        ]
        (alone,) = adaptive_norm([row @ vector], *sides)
        assert scores[window, speaker] == pytest.approx(alone)
        differs = cohort.is_telephone(row) != cohort.is_telephone(vector)
        assert quality[DIFFERENT_CHANNELS][window, speaker] == differs
        assert quality[LOG_SECONDS][window, speaker] == np.log(0.08)
    assert scores[1, 1] == 0.0  # silent


def test_turns_close_short_gaps_and_leave_out_short_talk() -> None:
    probabilities = np.zeros(40, np.float32)
    probabilities[2:5] = probabilities[9:12] = 0.9  # a gap of 0.32 s
    probabilities[20] = 0.9  # 0.08 s
    probabilities[30:33] = 0.4
    detection = Detection(probabilities, 0.9)
    assert np.allclose(detection.turns(), [(0.16, 0.96)])
    assert np.allclose(detection.turns(max_gap_s=0.1), [(0.16, 0.4), (0.72, 0.96)])
    assert np.allclose(detection.turns(0.3)[-1], (2.4, 2.64))
    assert np.allclose(detection.turns(min_duration_s=0)[-1], (1.6, 1.68))
    assert detection.seconds == pytest.approx(STEP_S * (7 * 0.9 + 3 * 0.4))
    assert detection.is_present and not Detection(probabilities, 0.4).is_present


def test_no_frame_has_no_odds() -> None:
    assert likeliest_odds(np.zeros(0)) == -np.inf
    assert Detection(np.zeros(0, np.float32), 0.0).turns() == []


@pytest.fixture(scope="module")
def call() -> Samples:
    """Half a minute of telephone speech of two people, A and B."""
    specification = importlib.util.find_spec("pyannote.audio")
    assert specification and specification.origin
    waveform, _ = soundfile.read(
        Path(specification.origin).parent / "sample" / "sample.wav", dtype="float32"
    )
    return waveform


@pytest.fixture(scope="module")
def diarizer() -> Diarizer:
    return Diarizer()


def cut(call: Samples, start: float, end: float) -> Samples:
    return call[round(start * RATE) : round(end * RATE)]


def in_noise(voice: Samples, before_s: float, after_s: float) -> Samples:
    """Lay a voice between stretches in which nobody talks."""
    generator = np.random.default_rng(0)
    parts = [np.zeros(round(before_s * RATE)), voice, np.zeros(round(after_s * RATE))]
    silent = np.concatenate(parts).astype(np.float32)
    return silent + generator.normal(0, 1e-4, len(silent)).astype(np.float32)


def test_a_real_voice_is_found_where_it_talks(call: Samples, diarizer: Diarizer) -> None:
    mixture = in_noise(cut(call, 14.6, 17.9), 4.0, 4.7)
    detection = tse.detect(mixture, cut(call, 21.8, 27.8), RATE, diarizer=diarizer)
    assert len(detection.probabilities) == 12 / STEP_S
    assert detection.is_present
    ((start, end),) = detection.turns()
    assert start == pytest.approx(4.0, abs=0.4) and end == pytest.approx(7.3, abs=0.4)


def test_nobody_is_in_noise(call: Samples, diarizer: Diarizer) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 5 * RATE).astype(np.float32)
    detection = tse.detect(noise, cut(call, 11.1, 14.4), RATE, diarizer=diarizer)
    assert not detection.is_present
    assert detection.turns() == []
    assert np.isfinite(detection.presence)


def test_a_cue_may_be_of_any_kind(call: Samples, diarizer: Diarizer, tmp_path: Path) -> None:
    mixture, enrolment = cut(call, 22, 24), cut(call, 25, 26.5)
    soundfile.write(tmp_path / "a.wav", enrolment, RATE, subtype="FLOAT")
    vector = diarizer.encoder.embed(enrolment, RATE)
    cues = [
        enrolment,
        tmp_path / "a.wav",
        [tmp_path / "a.wav", enrolment],
        vector,
        torch.from_numpy(vector),
        Cue(torch.from_numpy(vector)[None]),
        extract_cue(enrolment, diarizer.encoder, RATE),
    ]
    found = [tse.detect(mixture, cue, RATE, diarizer=diarizer) for cue in cues]
    for one in found[1:]:
        np.testing.assert_allclose(one.probabilities, found[0].probabilities, atol=2e-3)


def test_what_is_no_cue_is_refused(call: Samples, diarizer: Diarizer, tmp_path: Path) -> None:
    mixture = cut(call, 18, 20)
    with pytest.raises(AudioError, match="silent"):
        tse.detect(mixture, np.zeros(RATE, np.float32), RATE, diarizer=diarizer)
    with pytest.raises(AudioError, match=r"0\.2 s"):
        tse.detect(mixture, np.ones(100, np.float32), RATE, diarizer=diarizer)
    soundfile.write(tmp_path / "nobody.wav", np.zeros(RATE), RATE)
    with pytest.raises(AudioError, match=r"nobody\.wav: an enrolment must not be silent"):
        tse.detect(mixture, [tmp_path / "nobody.wav"], diarizer=diarizer)
    with pytest.raises(ArgumentError, match="one recording at least"):
        tse.detect(mixture, [], RATE, diarizer=diarizer)
    with pytest.raises(ArgumentError, match="must hold an embedding"):
        tse.detect(mixture, Cue(torch.ones(1, 7)), RATE, diarizer=diarizer)
    tiny = load_encoder(write_tiny_model(tmp_path))
    with pytest.raises(ModelError, match="extract the cue anew"):
        tse.detect(mixture, extract_cue(cut(call, 22, 23), tiny, RATE), RATE, diarizer=diarizer)
    with pytest.raises(ModelError, match="no detection was calibrated"):
        tse.detect(mixture, mixture, RATE, diarizer=Diarizer.load(tmp_path / "tiny.json"))


def test_a_calibration_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    calibration = DetectionCalibration(
        ScoreCalibration(1.5, -2.0, {DIFFERENT_CHANNELS: 1.0}, "f"), ScoreCalibration(1.0, 0.0, {})
    )
    calibration.write(path)
    assert DetectionCalibration.read(path) == calibration
    for damaged in ("", "[]", "{}", '{"voice": {}, "presence": {}}', '{"voice": 1, "presence": 2}'):
        path.write_text(damaged)
        with pytest.raises(FormatError, match="fit it again"):
            DetectionCalibration.read(path)


def test_the_command_prints_turns_of_the_enrolled_speaker(call: Samples, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "call.wav", in_noise(cut(call, 14.6, 17.9), 4.0, 4.7), RATE)
    soundfile.write(tmp_path / "alice.wav", cut(call, 21.8, 27.8), RATE)
    soundfile.write(tmp_path / "tone.wav", np.sin(np.arange(2 * RATE) / 5) / 4, RATE)
    words = ["detect", str(tmp_path / "call.wav"), "--enroll", str(tmp_path / "alice.wav")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.stderr
    (found,) = read_rttm_text(result.stdout, tmp_path).values()
    assert found.labels() == ["alice"] and found.uri == "call"
    assert "alice: talks in" in result.stderr

    record = json.loads(CliRunner().invoke(app, [*words, "--json", "--name", "Bob"]).stdout)
    assert record["speaker"] == "Bob" and record["is_present"]
    assert len(record["probabilities"]) == 150 and record["step_s"] == STEP_S
    assert len(record["turns"]) == len(list(found.itertracks()))

    words[1] = str(tmp_path / "tone.wav")
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "alice: probably not in" in result.stderr


def read_rttm_text(text: str, folder: Path) -> dict[str, Annotation]:
    (folder / "out.rttm").write_text(text)
    return read_rttm(folder / "out.rttm")

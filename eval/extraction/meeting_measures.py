"""Measures of a track out of a meeting: similarity of the voice, timing, and SI-SDR in overlap.

As the REAL-TSE challenge (IEEE SLT 2026) judges real conversations: speaker similarity to the
enrolment beside that of the untouched mixture, and precision, recall and F1 of when the track
talks. The enrolment of the judge is where the reference has the speaker talk alone.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Timeline

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import DiarspkWarning
from diarspk.features.speech_quality import frame_levels, speech_frames
from diarspk.intervals import find_runs
from diarspk.segmentation.silero import CHUNK_SAMPLES, SileroNetwork
from eval.extraction.meeting_cases import MeetingCase
from eval.simulate.voices import speech_probability
from tse.enrolment import EnrolmentConfig, collect, single_speaker_turns
from tse.metrics import si_sdr

__all__ = ["Target", "TrackMeasures", "TrackSound", "find_targets", "measure_track"]

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]

MIN_ENROLMENT_S = 1.5
"""Seconds that a target talks alone from which it can be judged."""

MIN_PART_S = 1.0
"""Seconds of a part of a track from which it is judged."""

MAX_GAP_S = 0.3
"""Pauses of a track that count as talk, as those in turns of a reference."""

FLOOR_DB = -20.0
"""Lowest SI-SDR: what a silent track has in a stretch in which its speaker talks."""


@dataclass(frozen=True, eq=False)
class Target:
    """A speaker of a meeting, by its reference.

    Attributes
    ----------
    name : str
    vector : ndarray, ``(dim,)``
        Embedding of the judge, where the speaker talks alone.
    turns, overlap : pyannote.core.Timeline
        When the speaker talks, and when somebody else does, too.
    """

    name: str
    vector: Samples
    turns: Timeline
    overlap: Timeline


@dataclass(frozen=True)
class TrackMeasures:
    """Measures of a track; NaN where a part is too short.

    Attributes
    ----------
    meeting, target, system : str
    whole, overlap : float
        Cosine to the enrolment: of all speech in the track, and of the target's turns in which
        others talk, too (which the enrolment has nothing of).
    right_s, extra_s, missed_s : float
        Seconds in which track and target talk, the track alone, and the target alone.
    ratio_db : float
        SI-SDR in overlap, at least :data:`FLOOR_DB`; NaN where the parts are unknown.
    """

    meeting: str
    target: str
    system: str
    whole: float
    overlap: float
    right_s: float
    extra_s: float
    missed_s: float
    ratio_db: float


@dataclass(frozen=True, eq=False)
class TrackSound:
    """What does not depend on the target: a track, when it talks, and its embedding.

    Attributes
    ----------
    track : ndarray, ``(time,)``
    active : ndarray of bool, ``(time,)``
    vector : ndarray, ``(dim,)``, optional
        Zero for silence, None if there is too little of it.
    """

    track: Samples
    active: Mask
    vector: Samples | None

    @classmethod
    def of(cls, track: Samples, judge: SpeakerEncoder, detector: SileroNetwork) -> TrackSound:
        """Find out when a track talks, by a detector that knows no diarization, and embed it."""
        return cls(track, _active(track, detector), _embed(track, judge))


def find_targets(case: MeetingCase, judge: SpeakerEncoder) -> list[Target]:
    """Speakers of a meeting who talk alone for long enough to be judged."""
    found = []
    reference = case.reference.crop(case.scored)
    config = EnrolmentConfig(candidates_s=EnrolmentConfig.max_total_s)
    for name in map(str, reference.labels()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DiarspkWarning)
            alone = single_speaker_turns(reference, name, config)
        own = reference.label_timeline(name).support()
        others = reference.subset([name], invert=True).get_timeline().support()
        inside = Timeline(alone).support().extrude(others) if others else Timeline(alone)
        if inside.duration() < MIN_ENROLMENT_S:
            continue
        clips = collect([case.mixture], {name: list(inside)})[name]
        vector = judge.embed(np.concatenate(clips), SAMPLE_RATE)
        found.append(Target(name, vector, own, own.crop(others)))
    return found


def measure_track(
    case: MeetingCase,
    target: Target,
    system: str,
    sound: TrackSound,
    judge: SpeakerEncoder,
) -> TrackMeasures:
    """Measure a track as long as the mixture, by what was found out of it before."""
    track, active, whole = sound.track, sound.active, sound.vector
    talks, scored = _mask(target.turns, len(track)), _mask(case.scored, len(track))
    right, extra, missed = (
        float((part & scored).sum() / SAMPLE_RATE)
        for part in (talks & active, ~talks & active, talks & ~active)
    )
    overlap = _mask(target.overlap, len(track))
    ratio = math.nan
    if target.name in case.voices and overlap.sum() >= MIN_PART_S * SAMPLE_RATE:
        voice = case.voices[target.name]
        found = si_sdr(track[overlap], voice[overlap]) if track[overlap].any() else FLOOR_DB
        ratio = max(found, FLOOR_DB)
    return TrackMeasures(
        case.name,
        target.name,
        system,
        _cosine(whole, target),
        _cosine(_embed(track[overlap], judge), target),
        right,
        extra,
        missed,
        ratio,
    )


def _embed(part: Samples, judge: SpeakerEncoder) -> Samples | None:
    """Embedding of the speech in a part: zero for silence, None if it is too short."""
    if len(part) < MIN_PART_S * SAMPLE_RATE:
        return None
    frames = speech_frames(frame_levels(part))
    kept = np.repeat(frames, SAMPLE_RATE // 100)[: len(part)]
    speech = np.ascontiguousarray(part[: len(kept)][kept])
    if len(speech) < SAMPLE_RATE // 5 or not speech.any():
        return np.zeros(judge.dimension, np.float32)
    return judge.embed(speech, SAMPLE_RATE)


def _cosine(vector: Samples | None, target: Target) -> float:
    return math.nan if vector is None else float(vector @ target.vector)


def _active(track: Samples, detector: SileroNetwork) -> Mask:
    """Find the samples in which a track talks; short pauses count as talk."""
    if not track.any():
        return np.zeros(len(track), np.bool_)
    talks = speech_probability(detector, track) >= 0.5
    for first, last in find_runs(~talks).tolist():
        if first > 0 and last < len(talks) and (last - first) * CHUNK_SAMPLES <= MAX_GAP_S * 16000:
            talks[first:last] = True
    return np.asarray(np.repeat(talks, CHUNK_SAMPLES)[: len(track)])


def _mask(turns: Timeline, samples: int) -> Mask:
    found = np.zeros(samples, np.bool_)
    for turn in turns:
        found[max(round(turn.start * SAMPLE_RATE), 0) : max(round(turn.end * SAMPLE_RATE), 0)] = (
            True
        )
    return found

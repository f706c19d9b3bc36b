"""Writing of the tracks of a diarized recording, block by block."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.errors import ArgumentError, AudioError, SpeechWarning
from tse.extraction import extract_mixed
from tse.extractor import Extractor
from tse.gating import Gate, keep_rest, make_gate
from tse.meeting_enrolment import BLOCK_S, EnrolledSpeaker, enroll_speakers
from tse.sound_file import keep_recording, sound_file
from tse.speaker_track import DOUBTFUL, SpeakerTrack
from tse.track_confidence import ConfidenceMeter, load_confidence_calibration
from tse.track_config import TrackConfig

__all__ = ["write_tracks"]

Figures = NDArray[np.float64]

Progress = Callable[[str, float], None]
"""Callable(stage, fraction done in [0, 1])."""


def write_tracks(
    extractor: Extractor,
    stream: AudioStream,
    annotation: Annotation,
    files: Mapping[str, Path],
    config: TrackConfig | None = None,
    *,
    activity: SpeakerActivity | None = None,
    progress: Progress | None = None,
) -> tuple[list[SpeakerTrack], float]:
    """Write the voices of speakers of a diarization, each enrolled by its own best stretches.

    The recording is read twice, block by block, in memory that does not grow with its length.
    Speakers are extracted only from blocks in which their gate opens.

    Parameters
    ----------
    extractor
    stream
        The recording.
    annotation
        Turns of all its speakers.
    files
        A file for each speaker that is wanted, all different.
    config
        Default: :class:`TrackConfig`.
    activity
        Probabilities that the turns were made of, if they are known.
    progress
        Callable(stage, fraction done).

    Returns
    -------
    tracks : list of SpeakerTrack
        Of those who could be enrolled.
    seconds : float
        Duration of the recording.

    Warns
    -----
    SpeechWarning
        Of speakers who cannot be enrolled, and of tracks that are probably somebody else's.

    Raises
    ------
    ArgumentError
        If the diarization has no such speaker, or a file is the recording itself.
    AudioError
        If the turns of a speaker lie outside the recording, or nobody can be enrolled.
    """
    config = config or TrackConfig()
    known = [str(label) for label in annotation.labels()]
    for name in files:
        if name not in known:
            raise ArgumentError(
                f"`speaker` must be one of the diarization's ({', '.join(known) or 'none'}), got "
                f"{name}"
            )
    keep_recording(stream, files.values())
    enrolled = enroll_speakers(extractor, stream, annotation, activity)
    wanted = [name for name in files if name in enrolled]
    if not wanted:
        raise AudioError(
            f"{stream.source.label}: {', '.join(files)} cannot be enrolled by this recording; give "
            "an enrolment of another one"
        )
    gates = [make_gate(annotation, name, activity) for name in wanted] if config.gated else None
    meters = _make_meters(extractor, enrolled, wanted, gates)
    cues = [enrolled[name].cue for name in wanted]
    position = 0
    with ExitStack() as stack:
        sounds = [stack.enter_context(sound_file(files[name])) for name in wanted]

        def talks(start: int, length: int) -> Sequence[bool]:
            assert gates is not None
            return [not gate.is_shut(start, length) for gate in gates]

        blocks = stream.blocks(BLOCK_S)
        for voices, mixture in extract_mixed(extractor, blocks, cues, talks if gates else None):
            for row, voice in enumerate(voices):
                if meters:
                    meters[row].push(voice)
                shown = voice * gates[row].weights(position, len(voice)) if gates else voice
                sounds[row].write(keep_rest(shown, mixture, config.mask_db).clip(-1, 1))
            position += voices.shape[1]
            if progress is not None and stream.expected_duration:
                progress("extracting", min(position / SAMPLE_RATE / stream.expected_duration, 1.0))
    seconds = position / SAMPLE_RATE
    scores = [meter.finish() for meter in meters]
    calibration = load_confidence_calibration(extractor.space) if scores else None
    tracks = [
        SpeakerTrack(
            name,
            files[name],
            enrolled[name],
            scores[row] if scores else None,
            scores[row].probabilities(calibration) if calibration else None,
            _second_activity(annotation, name, activity, math.ceil(seconds)),
        )
        for row, name in enumerate(wanted)
    ]
    _warn_of_doubt(tracks)
    return tracks, seconds


def _make_meters(
    extractor: Extractor,
    enrolled: Mapping[str, EnrolledSpeaker],
    wanted: Sequence[str],
    gates: Sequence[Gate] | None,
) -> list[ConfidenceMeter]:
    """Meters of the tracks; none where the extractor has no embeddings to judge them by."""
    encoder = extractor.encoder
    vectors = {name: one.vector for name, one in enrolled.items() if one.vector is not None}
    if encoder is None or len(vectors) < len(enrolled):
        return []
    meters = []
    for row, name in enumerate(wanted):
        rivals = [vector for other, vector in vectors.items() if other != name]
        stacked = np.stack(rivals) if rivals else np.zeros((0, encoder.dimension), np.float32)
        gate = None if gates is None else gates[row]
        meters.append(ConfidenceMeter(encoder, vectors[name], stacked, gate))
    return meters


def _second_activity(
    annotation: Annotation, speaker: str, activity: SpeakerActivity | None, seconds: int
) -> Figures:
    """Mean probability that a speaker talks, ``(seconds,)``."""
    if activity is None:
        turns = annotation.label_timeline(speaker).support()
        times = np.array([0.0, *(time for turn in turns for time in (turn.start, turn.end))])
        talk = np.cumsum([0.0, *(step for turn in turns for step in (0.0, turn.duration))])
    else:
        frames = activity.of(speaker).astype(np.float64)
        times = np.arange(len(frames) + 1) * activity.hop
        talk = np.concatenate([[0.0], np.cumsum(frames)]) * activity.hop
    # Expected seconds of talk up to each second; their differences are the means.
    return np.diff(np.interp(np.arange(seconds + 1), times, talk))


def _warn_of_doubt(tracks: Sequence[SpeakerTrack]) -> None:
    for track in tracks:
        if track.mean_confidence < DOUBTFUL:
            warnings.warn(
                f"{track.file}: is probably not the voice of {track.speaker} most of the time "
                f"(mean confidence {track.mean_confidence:.2f}); check the diarization, or enroll "
                "by a recording of that person",
                SpeechWarning,
                stacklevel=3,
            )

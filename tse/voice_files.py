"""Voices of a recording, written to sound files block by block."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, AudioStream, load_audio
from diarspk.errors import SpeechWarning
from tse.cues import Cue, Reference
from tse.enrolment import collect, gate, single_speaker_turns
from tse.extraction import extract_mixed
from tse.extractor import Extractor
from tse.presence import PresenceMeter, warn_of_absence
from tse.sound_file import sound_file

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["enroll", "write_enrolled", "write_speakers"]

Samples: TypeAlias = NDArray[np.float32]

Progress: TypeAlias = Callable[[str, float], None]
"""Callable(stage, fraction done in [0, 1])."""

BLOCK_S = 15.0
"""Seconds that are read and written at a time."""


def enroll(extractor: Extractor, enrolments: Sequence[AudioStream]) -> Cue:
    """Make the cue of a speaker who talks alone in some recordings.

    Warns
    -----
    SpeechWarning
        Of what makes an enrolment less reliable.

    Raises
    ------
    AudioError
        If one cannot be read, is silent or shorter than 0.2 s.
    """
    from diarspk.features.speech_quality import check_speech

    references = []
    for enrolment in enrolments:
        waveform = load_audio(enrolment)
        for message in check_speech(waveform):
            warnings.warn(f"{enrolment.source.label}: {message}", SpeechWarning, stacklevel=2)
        references.append(Reference(waveform))
    return extractor.source(references)


def write_enrolled(
    extractor: Extractor,
    stream: AudioStream,
    cue: Cue,
    output: Path,
    *,
    progress: Progress | None = None,
) -> float:
    """Write the voice of an enrolled speaker to ``output``.

    Returns
    -------
    float
        Seconds of the recording.

    Warns
    -----
    SpeechWarning
        If the voice that was extracted is hardly like the enrolment; see :mod:`tse.presence`.
    """
    meter = PresenceMeter.for_cue(extractor.encoder, cue)
    duration = _write(extractor, stream, [cue], [output], progress, meter=meter)
    warn_of_absence(meter, str(output))
    return duration


def write_speakers(
    extractor: Extractor,
    stream: AudioStream,
    annotation: Annotation,
    speakers: Sequence[str],
    outputs: Sequence[Path],
    *,
    gated: bool = False,
    progress: Progress | None = None,
) -> float:
    """Write the voices of speakers of a diarization, each enrolled by its own turns.

    Parameters
    ----------
    speakers
        Labels of the diarization.
    outputs
        A file for each, all different.
    gated
        Mute each voice outside the turns of its speaker.

    Returns
    -------
    float
        Seconds of the recording.

    Raises
    ------
    ArgumentError
        If the diarization has no such speaker.
    AudioError
        If the turns of a speaker lie outside the recording.
    """
    turns = {name: single_speaker_turns(annotation, name) for name in speakers}
    enrolments = collect(stream.blocks(BLOCK_S), turns)
    cues = [extractor.source([Reference(enrolments[name], name)]) for name in speakers]
    timelines = [annotation.label_timeline(name).support() for name in speakers] if gated else None

    def mute(voices: Samples, position: int) -> Samples:
        if timelines is None:
            return voices
        rows = [gate(row, position, line) for row, line in zip(voices, timelines, strict=True)]
        return np.stack(rows)

    return _write(extractor, stream, cues, outputs, progress, mute)


def _write(
    extractor: Extractor,
    stream: AudioStream,
    cues: Sequence[Cue],
    files: Sequence[Path],
    progress: Progress | None,
    postprocess: Callable[[Samples, int], Samples] | None = None,
    meter: PresenceMeter | None = None,
) -> float:
    """Extract block by block into all files at once; they appear whole or not at all."""
    position = 0
    with ExitStack() as stack:
        sounds = [stack.enter_context(sound_file(file)) for file in files]
        for voices, mixture in extract_mixed(extractor, stream.blocks(BLOCK_S), cues):
            rows = voices if postprocess is None else postprocess(voices, position)
            for sound, voice in zip(sounds, rows, strict=True):
                sound.write(voice.clip(-1, 1))
            position += voices.shape[1]
            if meter is not None:
                meter.push(voices[0], mixture)
            if progress is not None and stream.expected_duration:
                done = position / SAMPLE_RATE / stream.expected_duration
                progress("extracting", min(done, 1.0))
    return position / SAMPLE_RATE

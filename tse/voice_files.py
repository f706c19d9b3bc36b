"""Voice of an enrolled speaker, written to a sound file block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from diarspk.audio import SAMPLE_RATE, AudioStream
from tse.cues import Cue
from tse.extraction import extract_mixed
from tse.extractor import Extractor
from tse.gating import keep_rest
from tse.presence_meter import PresenceMeter, warn_of_absence
from tse.sound_file import keep_recording, sound_file

__all__ = ["write_enrolled"]

Progress: TypeAlias = Callable[[str, float], None]
"""Callable(stage, fraction done in [0, 1])."""

BLOCK_S = 15.0
"""Seconds that are read and written at a time."""


def write_enrolled(
    extractor: Extractor,
    stream: AudioStream,
    cue: Cue,
    output: Path,
    *,
    mask_db: float | None = None,
    enrolments: Sequence[Path] = (),
    progress: Progress | None = None,
) -> float:
    """Write the voice of an enrolled speaker to ``output``, which appears whole or not at all.

    Parameters
    ----------
    mask_db
        Attenuation in decibels of all that is not the speaker; see :func:`tse.gating.keep_rest`.
        Default: as much as the extractor can.
    enrolments
        Files that are not to be written over, besides the recording.

    Returns
    -------
    float
        Seconds of the recording.

    Warns
    -----
    SpeechWarning
        If the voice that was extracted is hardly like the enrolment; see :mod:`tse.presence`.

    Raises
    ------
    ArgumentError
        If `output` is the recording itself, or one of `enrolments`.
    """
    keep_recording(stream, [output], enrolments)
    meter = PresenceMeter.for_cue(extractor.encoder, cue)
    position = 0
    with sound_file(output) as sound:
        for (voice,), mixture in extract_mixed(extractor, stream.blocks(BLOCK_S), [cue]):
            sound.write(keep_rest(voice, mixture, mask_db).clip(-1, 1))
            position += len(voice)
            if meter is not None:
                meter.push(voice, mixture)
            if progress is not None and stream.expected_duration:
                done = position / SAMPLE_RATE / stream.expected_duration
                progress("extracting", min(done, 1.0))
    warn_of_absence(meter, str(output))
    return position / SAMPLE_RATE

"""Audio files that libsndfile reads: WAV, FLAC, MP3, OGG/Vorbis, Opus, AIFF, CAF, ..."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile

from diarspk.audio.source import AudioFile, Samples, warn_if_shorter

__all__ = ["SoundfileSource", "open_soundfile"]

CHUNK_SAMPLES = 4096
"""Maximum loss at the end of a damaged file: libsndfile returns a chunk whole or not at all."""

CHUNKS = 16
"""Chunks that are joined to one array."""

WRONG_LENGTH = re.compile(r": (\d+) \(should be (\d+)\)")
"""libsndfile's log of a header (WAV, AIFF, AU, W64) whose length in bytes is not the file's."""

STREAMED_LENGTH = 0x7FFF0000
"""Lengths from here on stand for a length that a streaming writer did not know."""


class _ForwardSoundFile(soundfile.SoundFile):  # type: ignore[misc]
    """Sound file that is read sequentially.

    Where it can, soundfile seeks to the current position after every read; in MP3 that loses the
    bit reservoir, and frames that need it come out silent.
    """

    def seekable(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class SoundfileSource:
    """File that libsndfile can decode; it is opened anew at every reading."""

    file: AudioFile
    label: str
    sample_rate: int
    channels: int
    duration: float
    promised: float  # seconds by the header; beyond `duration` where the file is truncated

    def chunks(self) -> Iterator[Samples]:
        """Consecutive ``(channels, time)``; a file damaged midway ends there, with a warning."""
        decoded = 0
        with _open(self.file) as sound:
            whole = True
            while whole:
                samples, whole = _read_chunks(sound)
                decoded += len(samples)
                if len(samples):
                    yield samples.T
        warn_if_shorter(self.label, decoded / self.sample_rate, self.promised)


def open_soundfile(file: AudioFile, label: str) -> SoundfileSource:
    """Read the header of ``file``.

    Raises
    ------
    soundfile.LibsndfileError
        If libsndfile does not know the format.
    """
    with _open(file) as sound:
        duration = sound.frames / sound.samplerate
        lengths = WRONG_LENGTH.search(sound.extra_info)
        written, actual = (int(length) for length in lengths.groups()) if lengths else (1, 1)
        truncated = actual < written < STREAMED_LENGTH
        promised = duration * written / max(actual, 1) if truncated else duration
        return SoundfileSource(file, label, sound.samplerate, sound.channels, duration, promised)


def _read_chunks(sound: soundfile.SoundFile) -> tuple[Samples, bool]:
    """Read the next ``(time, channels)``; False at the end of the file, or at a fault."""
    samples = np.empty((CHUNKS * CHUNK_SAMPLES, sound.channels), np.float32)
    for filled in range(0, len(samples), CHUNK_SAMPLES):
        try:
            chunk = sound.read(out=samples[filled : filled + CHUNK_SAMPLES])
        except soundfile.LibsndfileError:
            return samples[:filled], False
        if len(chunk) < CHUNK_SAMPLES:
            return samples[: filled + len(chunk)], False
    return samples, True


def _open(file: AudioFile) -> soundfile.SoundFile:
    if not isinstance(file, str):
        file.seek(0)
    return _ForwardSoundFile(file)

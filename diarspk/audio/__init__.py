"""Audio of any kind as 16 kHz mono float32, whole or in blocks of bounded memory.

Uncompressed files (WAV, AIFF, AU, CAF, W64, ...) are read by libsndfile; compressed files, films
and other containers (MP3, M4A, MP4, WebM, WMA, AMR, ...) by FFmpeg's libraries, which the package
`av` brings along. Arrays and tensors pass the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.audio.loading import load_audio, open_audio
    from diarspk.audio.raw import RawFormat
    from diarspk.audio.stream import SAMPLE_RATE, Audio, AudioStream

__all__ = ["SAMPLE_RATE", "Audio", "AudioStream", "RawFormat", "load_audio", "open_audio"]

_HOMES = {
    "SAMPLE_RATE": "diarspk.audio.stream",
    "Audio": "diarspk.audio.stream",
    "AudioStream": "diarspk.audio.stream",
    "RawFormat": "diarspk.audio.raw",
    "load_audio": "diarspk.audio.loading",
    "open_audio": "diarspk.audio.loading",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

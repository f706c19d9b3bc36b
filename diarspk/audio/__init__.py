"""Audio of any kind as 16 kHz mono float32, whole or in blocks of bounded memory.

Files are read by libsndfile (WAV, FLAC, MP3, OGG/Opus, ...); what it cannot read (M4A, MP4, ...)
is decoded by an ``ffmpeg`` program where one is on PATH. Arrays and tensors pass the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.audio.loading import load_audio, open_audio
    from diarspk.audio.source import Audio
    from diarspk.audio.stream import SAMPLE_RATE, AudioStream

__all__ = ["SAMPLE_RATE", "Audio", "AudioStream", "load_audio", "open_audio"]

_HOMES = {
    "SAMPLE_RATE": "diarspk.audio.stream",
    "Audio": "diarspk.audio.source",
    "AudioStream": "diarspk.audio.stream",
    "load_audio": "diarspk.audio.loading",
    "open_audio": "diarspk.audio.loading",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

"""Audio of any kind as 16 kHz mono float32, whole or in blocks of bounded memory.

Files are read by libsndfile (WAV, FLAC, MP3, OGG/Opus, ...); what it cannot read (M4A, MP4, ...)
is decoded by an ``ffmpeg`` program where one is on PATH. Arrays and tensors pass the same way.
"""

from diarspk.audio.loading import load_audio, open_audio
from diarspk.audio.source import Audio
from diarspk.audio.stream import SAMPLE_RATE, AudioStream

__all__ = ["SAMPLE_RATE", "Audio", "AudioStream", "load_audio", "open_audio"]

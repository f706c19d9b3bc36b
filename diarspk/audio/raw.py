"""Samples without a header: what the caller must tell of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from diarspk.arguments import check_count
from diarspk.errors import ArgumentError

__all__ = ["RawFormat", "file_start"]

ENCODINGS = {  # names of ffmpeg's formats: libsndfile's subtype and byte order
    "s16le": ("PCM_16", "LITTLE"),
    "s16be": ("PCM_16", "BIG"),
    "s24le": ("PCM_24", "LITTLE"),
    "s24be": ("PCM_24", "BIG"),
    "s32le": ("PCM_32", "LITTLE"),
    "s32be": ("PCM_32", "BIG"),
    "s8": ("PCM_S8", "FILE"),
    "u8": ("PCM_U8", "FILE"),
    "f32le": ("FLOAT", "LITTLE"),
    "f32be": ("FLOAT", "BIG"),
    "f64le": ("DOUBLE", "LITTLE"),
    "f64be": ("DOUBLE", "BIG"),
    "mulaw": ("ULAW", "FILE"),
    "alaw": ("ALAW", "FILE"),
}

MIN_RATE, MAX_RATE = 4000, 384_000
MAX_CHANNELS = 1024  # libsndfile's

FILE_START = re.compile(
    rb"(RIFF|RIFX|RF64|BW64)....WAVE|FORM....AIF|fLaC[\x00\x80]\x00\x00\x22|OggS\x00|"
    rb"caff\x00\x01|ID3[\x02-\x04]\x00|....ftyp|\x1aE\xdf\xa3",
    re.DOTALL,
)
"""First bytes of WAV, AIFF, FLAC, Ogg, CAF, MP3, MP4 and Matroska, by chance those of samples once
in four billion sessions."""


@dataclass(frozen=True)
class RawFormat:
    """Encoding of raw samples, which have no header to say it.

    Parameters
    ----------
    encoding : str
        As ffmpeg names it: ``s16le`` (16 bits, little-endian), ``s16be``, ``s24le``, ``s32le``,
        ``f32le``, ``f64le`` (floats), each also ``be``; ``s8``, ``u8``, ``mulaw``, ``alaw``.
    sample_rate : int
        In Hz, from 4000 to 384000.
    channels : int
        Number of channels, interleaved.

    Raises
    ------
    ArgumentError
        For another encoding, rate or number of channels.

    Examples
    --------
    >>> from diarspk.audio import RawFormat
    >>> RawFormat.parse("s16le:8000")
    RawFormat(encoding='s16le', sample_rate=8000, channels=1)
    """

    encoding: str
    sample_rate: int
    channels: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.encoding, str) or self.encoding not in ENCODINGS:
            raise ArgumentError(
                f"`encoding` must be one of {', '.join(ENCODINGS)}, got {self.encoding!r}"
            )
        check_count(self.sample_rate, "sample_rate")
        check_count(self.channels, "channels")
        if not MIN_RATE <= self.sample_rate <= MAX_RATE:
            raise ArgumentError(
                f"`sample_rate` must be from {MIN_RATE} to {MAX_RATE} Hz, got {self.sample_rate}"
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise ArgumentError(f"`channels` must be from 1 to {MAX_CHANNELS}, got {self.channels}")

    @classmethod
    def parse(cls, text: str) -> RawFormat:
        """Read ``ENCODING:RATE`` or ``ENCODING:RATE:CHANNELS``.

        Raises
        ------
        ArgumentError
            For another text.
        """
        encoding, *numbers = text.split(":") if isinstance(text, str) else [""]
        if len(numbers) not in (1, 2) or not all(part.isdecimal() for part in numbers):
            raise ArgumentError(
                "a raw format must be ENCODING:RATE or ENCODING:RATE:CHANNELS, such as "
                f"s16le:16000, got {text!r}"
            )
        return cls(encoding, *map(int, numbers))

    def __str__(self) -> str:
        return f"{self.encoding}:{self.sample_rate}:{self.channels}"

    def soundfile_options(self) -> dict[str, str | int]:
        """Arguments of ``soundfile.SoundFile``."""
        subtype, endian = ENCODINGS[self.encoding]
        return {
            "samplerate": self.sample_rate,
            "channels": self.channels,
            "format": "RAW",
            "subtype": subtype,
            "endian": endian,
        }


def file_start(data: bytes) -> str:
    """Name what bytes begin with that are those of a file, such as ``RIFFWAVE``; else nothing."""
    start = FILE_START.match(data)
    if start is None:
        return ""
    return "".join(chr(byte) for byte in start[0][:12] if byte < 128 and chr(byte).isalnum())

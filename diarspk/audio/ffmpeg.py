"""Audio files that need the ffmpeg program: M4A, MP4, WMA, AMR, ...

ffmpeg writes Sun AU to a pipe: a 24-byte header with rate and channel count, then samples.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from diarspk.audio.source import AudioFile, Samples, warn_if_shorter
from diarspk.errors import AudioError

__all__ = ["FfmpegSource", "open_ffmpeg"]

CHUNK_SAMPLES = 1 << 16
AU_HEADER = struct.Struct(">4s5I")  # magic, offset of the samples, bytes, encoding, rate, channels
FLOAT_BYTES = 4
# Local files only: a playlist posing as audio must not make ffmpeg fetch what it names.
INPUT_OPTIONS = ("-hide_banner", "-nostats", "-nostdin", "-protocol_whitelist", "file")
OUTPUT_OPTIONS = ("-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1")


@dataclass(frozen=True, eq=False)
class FfmpegSource:
    """File with an audio track that ffmpeg decodes, anew at every reading."""

    file: AudioFile
    label: str
    sample_rate: int
    channels: int
    duration: float | None

    def chunks(self) -> Iterator[Samples]:
        """Consecutive ``(channels, time)``; a file damaged midway ends there, with a warning."""
        decoded = 0
        frame_bytes = FLOAT_BYTES * self.channels
        with _decoding(self.file) as decoding:
            while data := decoding.samples.read(CHUNK_SAMPLES * frame_bytes):
                whole = len(data) // frame_bytes * frame_bytes
                chunk = np.frombuffer(data[:whole], ">f4").reshape(-1, self.channels)
                decoded += len(chunk)
                yield chunk.T.astype(np.float32)
        warn_if_shorter(self.label, decoded / self.sample_rate, self.duration)


def open_ffmpeg(file: AudioFile, label: str, fault: str) -> FfmpegSource:
    """Read sample rate, channels and, where the container has it, duration of the first track.

    Parameters
    ----------
    file : str or file object
    label : str
        Name of the file in messages.
    fault : str
        Why libsndfile cannot read it.

    Raises
    ------
    AudioError
        If there is no ffmpeg program, or it finds no audio either.
    """
    if shutil.which("ffmpeg") is None:
        raise AudioError(
            f"{label}: not audio that libsndfile can read ({fault}); check the file, or install "
            "ffmpeg and put it on PATH to read M4A, MP4 and most other formats"
        )
    with _decoding(file) as decoding:
        if decoding.sample_rate and decoding.channels:
            return FfmpegSource(
                file, label, decoding.sample_rate, decoding.channels, decoding.duration()
            )
        decoding.process.wait()
        raise AudioError(
            f"{label}: no audio that libsndfile or ffmpeg can read "
            f"({fault}; {decoding.last_message()}); check the file"
        )


@dataclass(frozen=True, eq=False)
class _Decoding:
    """Running ffmpeg process; rate and channels are zero where it found no audio."""

    process: subprocess.Popen[bytes]
    samples: IO[bytes]
    messages: IO[bytes]
    sample_rate: int
    channels: int

    def duration(self) -> float | None:
        found = re.search(r"Duration: (\d+):(\d+):([\d.]+)", self._text())
        if not found:
            return None
        hours, minutes, seconds = found.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)

    def last_message(self) -> str:
        return (self._text().strip().splitlines() or ["ffmpeg gave no reason"])[-1]

    def _text(self) -> str:
        self.messages.seek(0)
        return self.messages.read().decode(errors="replace")


@contextmanager
def _decoding(file: AudioFile) -> Iterator[_Decoding]:
    with _on_disk(file) as path, tempfile.TemporaryFile() as messages:
        command = ["ffmpeg", *INPUT_OPTIONS, "-i", f"file:{path}", *OUTPUT_OPTIONS]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages
        ) as process:
            assert process.stdout is not None
            try:
                sample_rate, channels = _read_header(process.stdout)
                yield _Decoding(process, process.stdout, messages, sample_rate, channels)
            finally:
                process.kill()


def _read_header(samples: IO[bytes]) -> tuple[int, int]:
    header = samples.read(AU_HEADER.size)
    if len(header) < AU_HEADER.size:
        return 0, 0
    _, offset, _, _, sample_rate, channels = AU_HEADER.unpack(header)
    samples.read(offset - AU_HEADER.size)
    return sample_rate, channels


@contextmanager
def _on_disk(file: AudioFile) -> Iterator[Path]:
    """Path of ``file``; a file object is copied, since ffmpeg seeks in containers."""
    if isinstance(file, str):
        yield Path(file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audio"
        file.seek(0)
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        yield path

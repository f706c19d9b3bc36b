"""Where a live session's samples come from: a file, a pipe, or a microphone."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diarspk.audio.raw import file_start
from diarspk.audio.stream import find_faulty
from diarspk.errors import ArgumentError, AudioError

if TYPE_CHECKING:
    from diarspk.audio import AudioStream

__all__ = ["FileSource", "LiveSource", "Microphone", "PipeSource", "SampleFormat", "Speed"]

PIECE_S = 0.1
"""Seconds of a piece that is read."""

MAX_QUEUED_PIECES = 3000
"""Pieces of a microphone that wait, five minutes: then this computer is too slow."""


class Speed(str, Enum):
    """How fast a file is read."""

    REAL = "real"
    FULL = "full"


class SampleFormat(str, Enum):
    """Encoding of the samples of a pipe, as ffmpeg names it."""

    S16LE = "s16le"
    S16BE = "s16be"
    S32LE = "s32le"
    S32BE = "s32be"
    F32LE = "f32le"
    F32BE = "f32be"
    U8 = "u8"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a sample."""
        return np.dtype(DTYPES[self.value])


DTYPES = {
    "s16le": "<i2",
    "s16be": ">i2",
    "s32le": "<i4",
    "s32be": ">i4",
    "f32le": "<f4",
    "f32be": ">f4",
    "u8": "u1",
}


class LiveSource(Protocol):
    """Samples of a session as they come.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    """

    sample_rate: int

    @property
    def name(self) -> str:
        """Name of the recording."""
        ...

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Consecutive samples ``(time,)`` or ``(channels, time)``, until there are no more."""
        ...


@dataclass
class FileSource:
    """A recording, read at the speed at which it was made, or as fast as it can be."""

    stream: AudioStream
    speed: Speed
    sample_rate: int = 16000

    @property
    def name(self) -> str:
        """Name of the file without folder and suffix."""
        return self.stream.name

    def pieces(self) -> Iterator[NDArray[Any]]:
        """See :class:`LiveSource`."""
        begun, seconds = time.monotonic(), 0.0
        for block in self.stream.blocks(PIECE_S):
            seconds += len(block) / self.sample_rate
            if self.speed is Speed.REAL:
                time.sleep(max(begun + seconds - time.monotonic(), 0.0))
            yield block


@dataclass
class PipeSource:
    """Samples without a header on stdin, given out as soon as they are there."""

    format: SampleFormat
    sample_rate: int
    channels: int

    @property
    def name(self) -> str:
        """See :class:`LiveSource`."""
        return "stdin"

    def pieces(self) -> Iterator[NDArray[Any]]:
        """See :class:`LiveSource`."""
        width = self.format.dtype.itemsize * self.channels
        size = max(round(PIECE_S * self.sample_rate), 1) * width
        rest = b""
        stdin: Any = sys.stdin.buffer
        seconds = 0.0
        while data := stdin.read1(size):
            if not seconds:
                _refuse_file(data)
            data = rest + data
            whole = len(data) - len(data) % width
            rest = data[whole:]
            if whole:
                samples = np.frombuffer(data[:whole], self.format.dtype)
                samples = samples.astype(samples.dtype.newbyteorder("="))
                piece = samples.reshape(-1, self.channels).T
                self._check_amplitude(piece, seconds)
                yield piece
                seconds += piece.shape[1] / self.sample_rate
        if rest:
            raise AudioError(
                f"stdin: ends within a sample ({len(rest)} of {width} bytes); check --format "
                f"{self.format.value} and --channels {self.channels}"
            )

    def _check_amplitude(self, piece: NDArray[Any], seconds: float) -> None:
        """Refuse floats that are no sound, most often samples of another format."""
        if (faulty := find_faulty(piece)) is not None:
            raise AudioError(
                "stdin: a sample is NaN or infinite, or far beyond full scale, at "
                f"{seconds + faulty / self.sample_rate:.3f} s; check --format "
                f"{self.format.value}, or replace such samples"
            )


def _refuse_file(data: bytes) -> None:
    if kind := file_start(data):
        raise AudioError(
            f"stdin: begins as a file does ({kind}), and samples without a header are wanted; give "
            "the file by its name, or decode it: ffmpeg -i FILE -f s16le -ar 16000 -ac 1 -"
        )


@dataclass
class Microphone:
    """The microphone of this computer, by sounddevice (extra ``live``)."""

    device: str | None = None
    sample_rate: int = 16000

    @property
    def name(self) -> str:
        """See :class:`LiveSource`."""
        return "microphone"

    def pieces(self) -> Iterator[NDArray[Any]]:
        """See :class:`LiveSource`.

        Raises
        ------
        ArgumentError
            If sounddevice is not installed, or there is no such device.
        AudioError
            If more samples wait than there is room for.
        """
        try:
            import sounddevice
        except (ImportError, OSError) as error:  # an OSError where PortAudio is missing
            raise ArgumentError(
                f"a microphone needs sounddevice and PortAudio ({error}); "
                "pip install 'diarspk[live]', or give a file or - for a pipe"
            ) from error
        waiting: queue.Queue[NDArray[Any]] = queue.Queue(MAX_QUEUED_PIECES)
        lost = False

        def take(samples: NDArray[Any], frames: int, clock: object, status: object) -> None:
            nonlocal lost
            try:
                waiting.put_nowait(samples[:, 0].copy())
            except queue.Full:
                lost = True

        device = int(self.device) if self.device and self.device.isdecimal() else self.device
        try:
            stream = sounddevice.InputStream(
                samplerate=self.sample_rate,
                blocksize=round(PIECE_S * self.sample_rate),
                device=device,
                channels=1,
                dtype="float32",
                callback=take,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise ArgumentError(
                f"the microphone cannot be opened ({error}); `python -m sounddevice` lists what "
                "there is"
            ) from error
        with stream:
            while not lost:
                yield waiting.get()
        raise AudioError("microphone: five minutes of sound wait; this computer is too slow for it")

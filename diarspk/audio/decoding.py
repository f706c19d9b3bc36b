"""Frames of a sound track, decoded by FFmpeg's libraries, as arrays of one rate and layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer

from diarspk.audio.arrays import to_float
from diarspk.audio.conform import Conformer
from diarspk.audio.source import Samples

__all__ = ["DECODING_ERRORS", "Decoding", "Piece"]

TAGS = (b"ID3", b"TAG", b"APETAG", b"LYRICS", b"Xing", b"Info", b"VBRI")
"""Marks of what holds no sound among MP3 frames; it stands where files were joined, too."""

# What PyAV raises for bytes that mean nothing; MemoryError answers a size that no file can have.
DECODING_ERRORS = (av.FFmpegError, ValueError, LookupError, MemoryError, OverflowError)


KINDS = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
"""numpy's names of FFmpeg's formats of samples."""


class Piece(NamedTuple):
    """Decoded sound: ``(channels, time)``, and its time stamp in seconds where it has one."""

    samples: Samples
    time: float | None


@dataclass
class Decoding:
    """One reading of a sound track.

    Attributes
    ----------
    container : av.container.InputContainer
    track : int
        Zero-based, among the sound tracks.
    sample_rate, channels : int, optional
        Of what is returned. Default: those of the first frame. Other frames are converted: joined
        files and live recordings change either.
    damaged : int
        Packets that could not be decoded.
    interrupted : bool
        Whether the container could not be read up to its end.
    reached : float
        Latest end of any packet of the container, in seconds of its clock.
    read : int
        Position in the file after the last packet that tells its place.
    """

    container: InputContainer
    track: int
    sample_rate: int = 0
    channels: int = 0
    damaged: int = field(default=0, init=False)
    interrupted: bool = field(default=False, init=False)
    reached: float = field(default=0.0, init=False)
    read: int = field(default=0, init=False)

    def spans(self) -> Iterator[Piece]:
        """Read from the start without decoding: arrays of no channels, with the time of each."""
        chosen = self.container.streams.audio[self.track]
        for packet in self._packets():
            if packet.stream.index == chosen.index and packet.size:
                seconds = float((packet.duration or 0) * packet.time_base)
                time = None if packet.pts is None else float(packet.pts * packet.time_base)
                yield Piece(np.empty((0, round(seconds * self.sample_rate)), np.float32), time)

    def pieces(self) -> Iterator[Piece]:
        """Decode from the start."""
        conformer: Conformer | None = None
        for frame in self._frames():
            samples = _samples(frame)
            self.sample_rate = self.sample_rate or frame.sample_rate
            self.channels = self.channels or len(samples)
            conformer = conformer or Conformer(self.sample_rate, self.channels)
            time = None if frame.pts is None else float(frame.pts * frame.time_base)
            *rest, last = conformer.push(samples, frame.sample_rate)
            for left in rest:
                yield Piece(left, None)
            yield Piece(last, time)
        if conformer is not None:
            for left in conformer.finish():
                yield Piece(left, None)

    def _frames(self) -> Iterator[Any]:
        chosen = self.container.streams.audio[self.track]
        for packet in self._packets():
            if packet.stream.index == chosen.index:
                yield from self._decode(packet)
        if self.interrupted:
            yield from self._drain(chosen.codec_context)

    def _packets(self) -> Iterator[Any]:
        packets: Iterator[Any] = self.container.demux()
        while True:
            try:
                packet = next(packets, None)
            except DECODING_ERRORS:
                self.interrupted = True
                packet = None
            if packet is None:
                return
            self._follow(packet)
            yield packet

    def _follow(self, packet: Any) -> None:
        if packet.pos is not None:
            self.read = max(self.read, packet.pos + packet.size)
        if packet.pts is not None and packet.time_base is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self.reached = max(self.reached, end)

    def _decode(self, packet: Any) -> list[Any]:
        try:
            return [frame for frame in packet.decode() if frame.samples and frame.sample_rate > 0]
        except DECODING_ERRORS:
            data = bytes(packet)
            if data.strip(b"\0") and not any(tag in data[:64] for tag in TAGS):
                self.damaged += 1
            return []

    def _drain(self, context: Any) -> list[Any]:
        try:
            return [frame for frame in context.decode(None) if frame.samples]
        except DECODING_ERRORS:
            return []


def _samples(frame: Any) -> Samples:
    """Floats ``(channels, time)`` of a frame of any format."""
    channels = frame.layout.nb_channels
    kind = np.dtype(KINDS[frame.format.packed.name])
    if not frame.format.is_planar:
        packed = np.frombuffer(frame.planes[0], kind, frame.samples * channels)
        return to_float(packed.reshape(-1, channels).T)
    # PyAV lists planes up to a null pointer, beyond those that there are if there are eight or
    # more channels; to_ndarray reads them all, and crashes.
    planes = [np.frombuffer(plane, kind, frame.samples) for plane in frame.planes[:channels]]
    return to_float(np.stack(planes))

"""Tiny recordings and films, written by FFmpeg's encoders through PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.floating[Any]]

FRAME_SAMPLES = 960
FRAMES_PER_SECOND = 10  # of pictures
OPTIONS = {"opus": {"strict": "-2"}, "wavpack": {"compression_level": "0"}}


def click(seconds: float, at: float, rate: int) -> Sound:
    """A soft tone with a short loud pulse, by which a delay is found."""
    time = np.arange(round(seconds * rate)) / rate
    sound = 0.05 * np.sin(2 * np.pi * 440 * time)
    sound[round(at * rate) : round((at + 0.02) * rate)] = 0.8
    return sound.astype(np.float32)


def place_of_click(samples: Sound, rate: int) -> float:
    """Seconds to the first sample of the pulse."""
    return int(np.argmax(np.abs(samples) > 0.4)) / rate


def write_media(
    path: Path,
    codec: str,
    rate: int,
    tracks: Sequence[Sequence[tuple[float, Sound]]],
    *,
    film_s: float = 0.0,
    titles: Sequence[str] = (),
    container: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write sound tracks, each of mono pieces with the second at which they start, and pictures."""
    with av.open(str(path), "w", format=container, options=options or {}) as file:
        pictures = _add_pictures(file) if film_s else None
        streams: list[Any] = []
        for index in range(len(tracks)):
            stream: Any = file.add_stream(codec, rate=rate, layout="mono")
            stream.codec_context.options = OPTIONS.get(codec, {})
            stream.bit_rate = 12200 if "amr" in codec else 64000
            if index < len(titles):
                stream.metadata["title"] = titles[index]
            streams.append(stream)
        packets = [
            packet
            for stream, pieces in zip(streams, tracks, strict=True)
            for packet in _encode_sound(stream, pieces, rate)
        ]
        if pictures is not None:
            packets += _encode_pictures(pictures, film_s)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            file.mux(packet)
    return path


def write_sound(path: Path, codec: str, rate: int, sound: Sound, **options: Any) -> Path:
    """Write one sound track that starts at 0."""
    return write_media(path, codec, rate, [[(0.0, sound)]], **options)


def _encode_sound(stream: Any, pieces: Sequence[tuple[float, Sound]], rate: int) -> list[Any]:
    resampler = av.AudioResampler(stream.codec_context.format.name, "mono", rate)
    length = stream.codec_context.frame_size or FRAME_SAMPLES
    packets = []
    for start, sound in pieces:
        for place in range(0, len(sound), length):
            part = np.ascontiguousarray(sound[None, place : place + length], np.float32)
            frame = av.AudioFrame.from_ndarray(part, "fltp", "mono")
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = round(start * rate) + place
            for converted in resampler.resample(frame):
                packets += stream.encode(converted)
    return [*packets, *stream.encode(None)]


def _add_pictures(file: Any) -> Any:
    pictures = file.add_stream("mpeg4", rate=FRAMES_PER_SECOND)
    pictures.width, pictures.height, pictures.pix_fmt = 32, 32, "yuv420p"
    return pictures


def _encode_pictures(pictures: Any, seconds: float) -> list[Any]:
    packets = []
    for index in range(round(seconds * FRAMES_PER_SECOND)):
        frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), index, np.uint8), "rgb24")
        frame.pts, frame.time_base = index, Fraction(1, FRAMES_PER_SECOND)
        packets += pictures.encode(frame)
    return [*packets, *pictures.encode(None)]

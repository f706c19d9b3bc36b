"""Audio as a browser plays it: the file itself where it can, otherwise WAV, or Opus to send."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from diarspk.audio.libsndfile import SoundfileSource
from diarspk.audio.source import Samples
from diarspk.audio.stream import SAMPLE_RATE, AudioStream

__all__ = ["MEDIA_TYPES", "encode_opus", "find_playable", "write_wav"]

PLAYABLE = {
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
}
"""Formats and codings that every current browser plays, and seeks in to the sample.

MP3 and M4A are not among them: browsers estimate positions in the one, and start the other later
or earlier than decoders do, so that turns would be beside what is played.
"""

MEDIA_TYPES = {".wav": "audio/wav", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg"}
"""Media types by suffix, in lower case."""

OPUS_BITS_PER_S = 24_000
"""Wideband speech of one channel; 11 MB an hour."""

OPUS_COMPLEXITY = "5"
"""Of 10: an hour takes two thirds of the time, and sounds the same at this rate."""


def find_playable(stream: AudioStream) -> Path | None:
    """Find the file of a recording, if browsers play it and nothing about it was chosen or mended.

    Otherwise what is played would be another channel, or on another clock, than the turns.
    """
    source = stream.source
    if not isinstance(source, SoundfileSource) or source.raw is not None:
        return None
    file = source.file
    if file.path is None or (file.start, file.end) != (0, None) or stream.channel is not None:
        return None
    path = Path(file.path)
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError:
        return None
    plain = (info.format, info.subtype) in PLAYABLE and path.suffix.lower() in MEDIA_TYPES
    whole = source.duration == source.promised == info.frames / info.samplerate
    return path if plain and whole and info.channels <= 2 else None


def write_wav(blocks: Iterable[Samples], path: Path) -> Iterator[Samples]:
    """Write ``(time,)`` blocks at 16 kHz to a WAV file of 16 bits, and pass them on.

    Raises
    ------
    OSError
        If the disk is full.
    """
    try:
        with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, "PCM_16", format="WAV") as sound:
            for block in blocks:
                sound.write(block)
                yield block
    except soundfile.LibsndfileError as error:
        raise OSError(f"{os.fspath(path)}: cannot be written ({error.error_string})") from None


def encode_opus(
    stream: AudioStream, target: BinaryIO, *, progress: Callable[[float], None] | None = None
) -> None:
    """Encode a recording as Ogg Opus of one channel; the same recording gives the same bytes.

    Parameters
    ----------
    stream : AudioStream
    target : binary file object
    progress : callable, optional
        Called with the seconds that are done.

    Raises
    ------
    AudioError
        If the recording cannot be read.
    """
    import av

    # bitexact: without it, the serial number of the stream is drawn at random.
    with av.open(target, "w", format="ogg", container_options={"fflags": "+bitexact"}) as container:
        options = {"application": "voip", "compression_level": OPUS_COMPLEXITY}
        track = container.add_stream("libopus", rate=SAMPLE_RATE, options=options)
        track.bit_rate = OPUS_BITS_PER_S
        track.layout = "mono"
        position = 0
        for block in stream.blocks(10.0):
            scaled = np.rint(np.clip(block, -1.0, 1.0) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(scaled[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, position
            container.mux(track.encode(frame))
            position += len(block)
            if progress is not None:
                progress(position / SAMPLE_RATE)
        container.mux(track.encode(None))

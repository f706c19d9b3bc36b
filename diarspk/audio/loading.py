"""Opening and loading of audio; everything that a header tells is checked before decoding."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from pathlib import Path

import numpy as np
import soundfile

from diarspk.audio.arrays import is_tensor, open_array
from diarspk.audio.boxes import mp4_starts
from diarspk.audio.chunk_sizes import form_starts
from diarspk.audio.files import AudioFile, open_file
from diarspk.audio.joined import AMR, JoinedSource, amr_starts, ogg_starts, split_file
from diarspk.audio.libsndfile import open_soundfile
from diarspk.audio.mp3 import after_id3, mp3_starts
from diarspk.audio.raw import MAX_RATE, MIN_RATE, RawFormat
from diarspk.audio.source import AudioSource, Samples
from diarspk.audio.stream import Audio, AudioStream
from diarspk.errors import ArgumentError, AudioError

__all__ = ["load_audio", "open_audio"]

OGG = b"OggS"
WAVE = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff")
OTHERS = (b"FORM", b".snd", b"dns.", b"caff", b"NIST_1A", b"Creative Voi", b"2BIT", b"PVF1")
LIBSNDFILE = (*WAVE, *OTHERS, OGG)
"""First bytes of what libsndfile reads first: WAV, W64, AIFF and SVX, AU, CAF, NIST SPHERE, ..."""

MPEG = (b"ID3", b"\xff")
"""First bytes that make libsndfile call libmpg123, which writes to stderr."""

ATOM = slice(4, 8)
MOV_ATOMS = (b"ftyp", b"mdat", b"free", b"wide", b"skip")


def load_audio(
    audio: Audio,
    sample_rate: int | None = None,
    *,
    channel: int | None = None,
    track: int | None = None,
    raw: RawFormat | None = None,
) -> Samples:
    """Load a whole recording as 16 kHz mono; see :func:`open_audio` for parameters and errors.

    Returns
    -------
    (time,) float32
        In [-1, 1], but for float input beyond it and the ripple of resampling.

    Raises
    ------
    AudioError
        Also on a value that is not finite, or if nothing can be decoded.
    """
    stream = open_audio(audio, sample_rate, channel=channel, track=track, raw=raw)
    return np.concatenate(list(stream.blocks()))


def open_audio(
    audio: Audio,
    sample_rate: int | None = None,
    *,
    channel: int | None = None,
    track: int | None = None,
    raw: RawFormat | None = None,
) -> AudioStream:
    """Open ``audio`` for reading in blocks; no more than its beginning is decoded yet.

    Parameters
    ----------
    audio : path, binary file object, numpy array, torch tensor or AudioStream
        Arrays and tensors are ``(time,)`` or ``(channels, time)``; integers count as full scale,
        floats stay as they are. A pipe is copied to a temporary file. A stream is returned as it
        is, so that whatever takes audio takes what was opened with a track or a raw format.
    sample_rate : int, optional
        In Hz, from 4000 to 384000; required with arrays. With files it is a check only.
    channel : int, optional
        Zero-based channel. Default: the mean of all channels; where they cancel out, those in
        opposite phase are turned over.
    track : int, optional
        Zero-based sound track of a container. Default: the one that the file marks as the default,
        or the first, with a warning if there are several.
    raw : RawFormat, optional
        Encoding of samples without a header.

    Returns
    -------
    AudioStream

    Raises
    ------
    ArgumentError
        If the sample rate is missing, out of range or not the file's; if there is no such
        channel or track; if ``audio`` is of another type or shape.
    AudioError
        If the file is missing, empty, an address in a network, or nothing that libsndfile or
        FFmpeg can read.

    Warns
    -----
    AudioWarning
        If one of several tracks was chosen; while reading, if less can be decoded than the file
        promises, or its header is wrong.
    """
    if sample_rate is not None and not _is_rate(sample_rate):
        raise ArgumentError(
            f"`sample_rate` must be a whole number from {MIN_RATE} to {MAX_RATE} Hz, "
            f"got {sample_rate!r}"
        )
    if isinstance(audio, AudioStream):
        return _reopened(audio, sample_rate, channel, track, raw)
    source = _open_source(audio, sample_rate, track, raw)
    _check_channel(source, channel)
    return AudioStream(Path(source.label).stem, source, channel)


def _reopened(
    stream: AudioStream,
    sample_rate: int | None,
    channel: int | None,
    track: int | None,
    raw: RawFormat | None,
) -> AudioStream:
    if track is not None or raw is not None:
        raise ArgumentError("`track` and `raw` must be given where a stream is opened first")
    _check_rate(stream.source, sample_rate)
    if channel is None or channel == stream.channel:
        return stream
    if stream.channel is not None:
        raise ArgumentError(
            f"`channel` must be {stream.channel}, with which the stream was opened, got {channel}"
        )
    _check_channel(stream.source, channel)
    return replace(stream, channel=channel)


def _is_rate(rate: object) -> bool:
    return isinstance(rate, Integral) and MIN_RATE <= int(rate) <= MAX_RATE


def _check_rate(source: AudioSource, sample_rate: int | None) -> None:
    if sample_rate not in (None, source.sample_rate):
        raise ArgumentError(
            f"`sample_rate` must be that of {source.label}, {source.sample_rate}, "
            f"got {sample_rate}; leave it out with files"
        )


def _check_channel(source: AudioSource, channel: object) -> None:
    if channel is None:
        return
    if not isinstance(channel, Integral) or channel not in range(source.channels):
        raise ArgumentError(
            f"`channel` must be from 0 to {source.channels - 1} for {source.label}, got {channel!r}"
        )


def _open_source(
    audio: Audio, sample_rate: int | None, track: int | None, raw: RawFormat | None
) -> AudioSource:
    if isinstance(audio, np.ndarray) or is_tensor(audio):
        if sample_rate is None:
            raise ArgumentError("`sample_rate` must be given with an array, got None")
        if track is not None or raw is not None:
            raise ArgumentError("`track` and `raw` must be left out with an array")
        return open_array(audio, int(sample_rate))
    file = open_file(audio)
    source = _open_encoded(file, track) if raw is None else open_soundfile(file, raw)
    if not _is_rate(source.sample_rate):
        raise AudioError(
            f"{source.label}: its sample rate of {source.sample_rate} Hz is not from {MIN_RATE} "
            f"to {MAX_RATE} Hz; resample it, or repair its header"
        )
    _check_rate(source, sample_rate)
    return source


def _open_encoded(file: AudioFile, track: int | None) -> AudioSource:
    """Open the parts of a file, which is one unless it was joined."""
    file = _past_tag(file)
    with file.open() as view:
        head = view.read(12) or b""
        if head.startswith(OGG):
            starts = ogg_starts(view)
        elif head.startswith(MPEG):
            starts = mp3_starts(view)
        elif head.startswith(AMR):
            starts = amr_starts(view)
        elif head[ATOM] in MOV_ATOMS:
            starts = mp4_starts(view)
        else:
            starts = form_starts(view)
    if len(starts) == 1:
        return _open_part(file, head, track)
    parts = [_open_part(part, head, track) for part in split_file(file, starts)]
    return JoinedSource(file, parts)


def _past_tag(file: AudioFile) -> AudioFile:
    """Leave out a tag ID3 before WAV, AIFF or Ogg, which has no place there."""
    with file.open() as view:
        start = after_id3(view)
        view.seek(start)
        head = view.read(12) or b""
    return replace(file, start=start) if start and head.startswith(LIBSNDFILE) else file


def _open_part(file: AudioFile, head: bytes, track: int | None) -> AudioSource:
    """Let libsndfile read what it reads well, and FFmpeg the rest, or what the other cannot."""
    from diarspk.audio.container import NotAudioError, open_container  # loads all of FFmpeg

    first = head.startswith(LIBSNDFILE)
    fault = ""
    if first:
        try:
            return _single_track(open_soundfile(file), track)
        except soundfile.LibsndfileError as error:
            fault = error.error_string.rstrip(".")
    try:
        return open_container(file, track)
    except NotAudioError as error:
        fault = fault or str(error)
    if not first and not head.startswith(MPEG):
        try:
            return _single_track(open_soundfile(file), track)
        except soundfile.LibsndfileError:
            pass
    if head[ATOM] in MOV_ATOMS:
        raise AudioError(
            f"{file.label}: cut short or damaged, its index (the moov atom) is not found or not "
            "whole; copy or export it again"
        )
    raise AudioError(
        f"{file.label}: not audio, or damaged beyond reading ({fault}); check the file, or give "
        "the format of samples without a header"
    )


def _single_track(source: AudioSource, track: int | None) -> AudioSource:
    if track not in (None, 0):
        raise ArgumentError(
            f"`track` must be 0 for {source.label}, which has one sound track, got {track}"
        )
    return source

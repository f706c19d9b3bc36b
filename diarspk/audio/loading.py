"""Opening and loading of audio; everything that a header tells is checked before decoding."""

from __future__ import annotations

import io
import os
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from diarspk.audio.arrays import is_tensor, open_array
from diarspk.audio.ffmpeg import open_ffmpeg
from diarspk.audio.libsndfile import open_soundfile
from diarspk.audio.source import Audio, AudioFile, AudioSource, Samples
from diarspk.audio.stream import AudioStream
from diarspk.errors import ArgumentError, AudioError

__all__ = ["load_audio", "open_audio"]

MIN_RATE, MAX_RATE = 4000, 384_000
"""Sample rates in Hz beyond these are taken for a wrong unit or a corrupt header."""


def load_audio(
    audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
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
    return np.concatenate(list(open_audio(audio, sample_rate, channel=channel).blocks()))


def open_audio(
    audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
) -> AudioStream:
    """Open ``audio`` for reading in blocks; only its header is read yet.

    Parameters
    ----------
    audio : path, binary file object, numpy array or torch tensor
        Arrays and tensors are ``(time,)`` or ``(channels, time)``; integers count as full scale,
        floats stay as they are.
    sample_rate : int, optional
        In Hz, from 4000 to 384000; required with arrays. With files it is a check only.
    channel : int, optional
        Zero-based channel. Default: the mean of all channels.

    Returns
    -------
    AudioStream

    Raises
    ------
    ArgumentError
        If the sample rate is missing, out of range or not the file's; if there is no such
        channel; if ``audio`` is of another type or shape.
    AudioError
        If the file is missing, empty, or nothing that libsndfile or ffmpeg can read.
    """
    if sample_rate is not None and not _is_rate(sample_rate):
        raise ArgumentError(
            f"`sample_rate` must be a whole number from {MIN_RATE} to {MAX_RATE} Hz, "
            f"got {sample_rate!r}"
        )
    source = _open_source(audio, sample_rate)
    if channel is not None and channel not in range(source.channels):
        raise ArgumentError(
            f"`channel` must be from 0 to {source.channels - 1} for {source.label}, got {channel}"
        )
    return AudioStream(Path(source.label).stem, source, channel)


def _is_rate(rate: object) -> bool:
    return isinstance(rate, Integral) and MIN_RATE <= int(rate) <= MAX_RATE


def _open_source(audio: Audio, sample_rate: int | None) -> AudioSource:
    if isinstance(audio, np.ndarray) or is_tensor(audio):
        if sample_rate is None:
            raise ArgumentError("`sample_rate` must be given with an array, got None")
        return open_array(audio, int(sample_rate))
    source = _open_file(*_checked_file(audio))
    if not _is_rate(source.sample_rate):
        raise AudioError(
            f"{source.label}: its sample rate of {source.sample_rate} Hz is not from {MIN_RATE} "
            f"to {MAX_RATE} Hz; resample it, or repair its header"
        )
    if sample_rate not in (None, source.sample_rate):
        raise ArgumentError(
            f"`sample_rate` must be that of {source.label}, {source.sample_rate}, "
            f"got {sample_rate}; leave it out with files"
        )
    return source


def _checked_file(audio: Any) -> tuple[AudioFile, str]:
    """Return a path that opens or a file object that seeks, and its name in messages."""
    if isinstance(audio, str | os.PathLike):
        label = os.fsdecode(audio)
        try:
            with open(label, "rb"):
                return label, label
        except FileNotFoundError:
            raise AudioError(f"{label}: no such file; check the path") from None
        except OSError as error:
            raise AudioError(f"{label}: cannot be opened ({error.strerror}); check it") from None
    if isinstance(audio, io.TextIOBase) or not hasattr(audio, "read"):
        raise ArgumentError(
            "`audio` must be a path, a file object opened in binary mode, an array or a tensor, "
            f"got {type(audio).__name__}"
        )
    name = getattr(audio, "name", None)  # a file descriptor's number where there is no path
    file = audio if audio.seekable() else io.BytesIO(audio.read())
    return file, name if isinstance(name, str) else "audio"


def _open_file(file: AudioFile, label: str) -> AudioSource:
    if _is_empty(file):
        raise AudioError(f"{label}: the file is empty; check the recording")
    try:
        return open_soundfile(file, label)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: headerless, by its suffix
        fault = getattr(error, "error_string", str(error)).rstrip(".")
    return open_ffmpeg(file, label, fault)


def _is_empty(file: AudioFile) -> bool:
    if isinstance(file, str):
        return os.path.isfile(file) and os.path.getsize(file) == 0
    return file.seek(0, io.SEEK_END) == 0

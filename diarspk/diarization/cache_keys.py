"""Names of first passes on disk: a digest of everything that a pass depends on."""

from __future__ import annotations

import hashlib
import io
import os

import numpy as np
from torch import Tensor, nn

from diarspk.audio import Audio, AudioStream
from diarspk.audio.arrays import ArraySource
from diarspk.audio.source import AudioSource
from diarspk.checkpoints.digest import digest_file, digest_stream, digest_weights
from diarspk.diarization.local_speakers import FirstPassModels
from diarspk.segmentation.segmenter import Segmenter

__all__ = ["digest_audio", "first_pass_key", "models_key"]

FORMAT = 10
"""Raised when the layout of the files changes, or what is computed."""


def first_pass_key(
    audio_digest: str, fingerprint: str, segmenter: Segmenter, *options: object
) -> str:
    """Name of a first pass: 32 hexadecimal digits.

    Parameters
    ----------
    audio_digest
        See :func:`digest_audio`.
    fingerprint
        Of the encoder.
    segmenter
        Its class, its settings and its weights count.
    options
        Everything else that the result depends on.
    """
    from diarspk.version import __version__

    parts = (FORMAT, __version__, audio_digest, fingerprint, *_describe(segmenter), *options)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def digest_audio(audio: Audio, sample_rate: int | None = None) -> str | None:
    """Sha256 of a file's bytes, or of an array's samples; None for what cannot be read twice.

    Of a stream, the track and the raw format count, too.
    """
    if isinstance(audio, AudioStream):
        return _digest_source(audio.source)
    if isinstance(audio, str | os.PathLike):
        return digest_file(audio)
    if not isinstance(audio, np.ndarray | Tensor):
        if not audio.seekable():
            return None
        place = audio.tell()
        audio.seek(0)
        digest = digest_stream(audio)
        audio.seek(place)
        return digest
    samples = np.ascontiguousarray(np.asarray(audio))
    content = hashlib.sha256(repr((samples.shape, str(samples.dtype), sample_rate)).encode())
    content.update(samples.data if samples.size else b"")
    return content.hexdigest()


def _digest_source(source: AudioSource) -> str | None:
    if isinstance(source, ArraySource):
        return digest_audio(source.samples, source.sample_rate)
    assert source.file is not None  # every other source reads one
    with source.file.open() as view:
        content = digest_stream(io.BufferedReader(view))
    return content if not source.selection else f"{content} {source.selection}"


def models_key(audio_digest: str, models: FirstPassModels, *options: object) -> str:
    """Name the first pass of these models; the rest as for :func:`first_pass_key`."""
    encoder = models.encoder or models.trunk
    heads = [head for head in (models.trunk.frame_head, models.vad_head) if head is not None]
    return first_pass_key(
        audio_digest,
        f"{encoder.fingerprint}/{models.trunk.fingerprint}",
        models.segmenter,
        models.precision,
        *map(digest_weights, heads),
        *options,
    )


def _describe(segmenter: Segmenter) -> list[object]:
    """Class, plain settings and a digest of the weights, in a fixed order."""
    settings = {
        name: value
        for name, value in sorted(vars(segmenter).items())
        if isinstance(value, bool | int | float | str) and not name.startswith("_")
    }
    modules = [value for value in vars(segmenter).values() if isinstance(value, nn.Module)]
    return [type(segmenter).__qualname__, settings, *map(digest_weights, modules)]

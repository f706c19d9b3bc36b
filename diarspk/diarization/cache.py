"""First passes on disk, so that the same recording is clustered again without another pass.

A file is named after everything that the pass depends on: the content of the recording, the
weights, the settings, and the version of this package. So it never goes stale, and a changed
recording, model or setting is simply another file.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from diarspk.atomic import atomic_path
from diarspk.audio import Audio, AudioStream
from diarspk.audio.arrays import ArraySource
from diarspk.audio.source import AudioSource
from diarspk.checkpoints.array_file import read_arrays
from diarspk.checkpoints.digest import digest_file, digest_stream, digest_weights
from diarspk.diarization.local_speakers import FirstPass, FirstPassModels, LocalSpeakers
from diarspk.diarization.subsegments import Subsegments
from diarspk.encoders.precision import check_precision
from diarspk.errors import ArgumentError, DiarspkWarning, FormatError
from diarspk.features.recording_quality import RecordingQuality
from diarspk.segmentation.segmenter import Segmenter

__all__ = ["FirstPassCache", "digest_audio", "first_pass_key"]

FORMAT = 10
"""Raised when the file layout changes, or what is computed."""

OPTIONAL = ("subsegments", "frame_embeddings", "vad_features", "trunk_embeddings")
LOCAL_ARRAYS = [field.name for field in fields(LocalSpeakers) if field.name not in OPTIONAL]
SUBSEGMENT_ARRAYS = [field.name for field in fields(Subsegments)]

Compute = Callable[[FirstPassModels], FirstPass]


@dataclass(frozen=True)
class FirstPassCache:
    """First passes in a folder, one file each; several threads and processes may share it.

    Attributes
    ----------
    folder : Path
        Made when the first file is written.
    """

    folder: Path

    def __post_init__(self) -> None:
        """Refuse a file.

        Raises
        ------
        ArgumentError
            If the folder is a file.
        """
        if self.folder.is_file():
            raise ArgumentError(f"`cache` must be a folder, got the file {self.folder}")

    def wrap(
        self,
        compute: Compute,
        uri: str,
        audio: Audio,
        sample_rate: int | None = None,
        *options: object,
    ) -> Compute:
        """Wrap the first pass over one recording, so that it is read where it was made before.

        Where it cannot be written, a warning says so: an hour's work is not lost to a full disk.

        Parameters
        ----------
        compute
            The first pass over the recording with the models that it is given.
        uri
            Name of the recording in what is read.
        audio, sample_rate
            The recording, or the stream of it; nothing is cached where it cannot be read twice.
        options
            Settings that the result depends on, besides recording and models.
        """
        audio_digest = digest_audio(audio, sample_rate)
        if audio_digest is None:
            return compute

        def cached(models: FirstPassModels) -> FirstPass:
            key = _models_key(audio_digest, models, *options)
            first = self.read(key, uri)
            if first is None:
                first = compute(models)
                try:
                    self.write(key, first)
                except OSError as error:
                    message = f"the first pass over {uri} is not in the cache ({error})"
                    warnings.warn(message, DiarspkWarning, stacklevel=2)
            return first

        return cached

    def read(self, key: str, uri: str) -> FirstPass | None:
        """First pass of a key under the name of a recording; None where there is no file.

        A damaged file counts as missing: the pass is made again, and the file with it.
        """
        try:
            return _unpack(read_arrays(self._path(key), "a first pass", "delete it"), uri)
        except (FormatError, KeyError, TypeError, ValueError):
            return None

    def write(self, key: str, first: FirstPass) -> None:
        """Write a first pass; the file appears whole or not at all.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(self._path(key)) as part, part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **_pack(first))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


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


def _models_key(audio_digest: str, models: FirstPassModels, *options: object) -> str:
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


def _pack(first: FirstPass) -> dict[str, np.ndarray[Any, Any]]:
    local, short = first.local, first.local.subsegments
    optional = {
        "non_speech": first.non_speech,
        "frame_embeddings": local.frame_embeddings,
        "vad_features": local.vad_features,
        "trunk_embeddings": local.trunk_embeddings,
        "quality": None if first.quality is None else np.array(astuple(first.quality)),
    }
    if short is not None:
        optional |= {f"subsegment_{name}": getattr(short, name) for name in SUBSEGMENT_ARRAYS}
    return {
        "duration": np.array(first.duration),
        "fingerprint": np.array(first.fingerprint),
        "precision": np.array(first.precision),
        **{f"local_{name}": np.asarray(getattr(local, name)) for name in LOCAL_ARRAYS},
        **{name: value for name, value in optional.items() if value is not None},
    }


def _unpack(stored: dict[str, Any], uri: str) -> FirstPass:
    local = {
        name: value if (value := stored[f"local_{name}"]).ndim else value.item()
        for name in LOCAL_ARRAYS
    }
    short = None
    if "subsegment_centre" in stored:
        short = Subsegments(**{name: stored[f"subsegment_{name}"] for name in SUBSEGMENT_ARRAYS})
    return FirstPass(
        uri=uri,
        duration=float(stored["duration"]),
        fingerprint=str(stored["fingerprint"]),
        local=LocalSpeakers(
            **local,
            subsegments=short,
            frame_embeddings=stored.get("frame_embeddings"),
            vad_features=stored.get("vad_features"),
            trunk_embeddings=stored.get("trunk_embeddings"),
        ),
        non_speech=stored.get("non_speech"),
        precision=check_precision(str(stored["precision"])),
        quality=RecordingQuality(*stored["quality"].tolist()) if "quality" in stored else None,
    )

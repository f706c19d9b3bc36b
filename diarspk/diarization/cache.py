"""First passes on disk, so that the same recording is clustered again without another pass.

A file is named after everything that the pass depends on: the content of the recording, the
weights, the settings, and the version of this package. So it never goes stale, and a changed
recording, model or setting is simply another file.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from diarspk.atomic import atomic_path
from diarspk.audio import Audio
from diarspk.checkpoints.array_file import read_arrays
from diarspk.diarization.cache_keys import digest_audio, models_key
from diarspk.diarization.local_speakers import FirstPass, FirstPassModels, LocalSpeakers
from diarspk.diarization.subsegments import Subsegments
from diarspk.encoders.precision import check_precision
from diarspk.errors import ArgumentError, DiarspkWarning, FormatError
from diarspk.features.recording_quality import RecordingQuality

__all__ = ["FirstPassCache"]

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
            key = models_key(audio_digest, models, *options)
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

"""Passes over recordings on disk, so that the same recording is clustered anew without a pass.

A file is named after what went into the pass: the content of the recording, the weights, the
settings, and the version of this package. So it never goes stale, and a changed recording, model
or setting is simply another file.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from diarspk.atomic import atomic_path
from diarspk.audio import Audio
from diarspk.checkpoints.digest import digest_file, digest_stream, digest_weights
from diarspk.diarization.first_pass import LocalSpeakers
from diarspk.diarization.session import Session
from diarspk.diarization.subsegments import Subsegments
from diarspk.encoders.precision import check_precision
from diarspk.segmentation.segmenter import Segmenter

__all__ = ["SessionCache", "digest_audio", "session_key"]

FORMAT = 6
"""Raised when the file layout changes."""

OPTIONAL = ("subsegments", "voices", "evidence")
LOCAL_ARRAYS = [field.name for field in fields(LocalSpeakers) if field.name not in OPTIONAL]
SHORT_ARRAYS = [field.name for field in fields(Subsegments)]


@dataclass(frozen=True)
class SessionCache:
    """Sessions in a folder, one file each; several processes may share it.

    Attributes
    ----------
    folder : Path
        Made when the first session is written.
    """

    folder: Path

    def read(self, key: str, uri: str) -> Session | None:
        """Session of a key under the name of a recording; None where there is none to read.

        A damaged file counts as missing: the pass is made again, and the file with it.
        """
        try:
            # Opened here, since numpy leaves a damaged file open.
            with self._path(key).open("rb") as stream, np.load(stream) as stored:
                return _unpack(dict(stored), uri)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
            return None

    def write(self, key: str, session: Session) -> None:
        """Write a session; the file appears whole or not at all.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(self._path(key)) as part, part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **_pack(session))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def session_key(audio_digest: str, fingerprint: str, segmenter: Segmenter, *options: object) -> str:
    """Name of a pass: 32 hexadecimal digits.

    Parameters
    ----------
    audio_digest
        See :func:`digest_audio`.
    fingerprint
        The encoder's.
    segmenter
        Its class, its settings and its weights count.
    options
        Whatever else the result depends on.
    """
    from diarspk.version import __version__

    parts = (FORMAT, __version__, audio_digest, fingerprint, *_describe(segmenter), *options)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def digest_audio(audio: Audio, sample_rate: int | None = None) -> str | None:
    """Sha256 of a file's bytes, or of an array's samples; None for what cannot be read twice."""
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


def _describe(segmenter: Segmenter) -> list[object]:
    """Class, plain settings and a digest of the weights, in a fixed order."""
    settings = {
        name: value
        for name, value in sorted(vars(segmenter).items())
        if isinstance(value, bool | int | float | str) and not name.startswith("_")
    }
    modules = [value for value in vars(segmenter).values() if isinstance(value, nn.Module)]
    return [type(segmenter).__qualname__, settings, *map(digest_weights, modules)]


def _pack(session: Session) -> dict[str, np.ndarray[Any, Any]]:
    local, short = session.local, session.local.subsegments
    optional = {
        "non_speech": session.non_speech,
        "voices": local.voices,
        "evidence": local.evidence,
    }
    extra = {name: value for name, value in optional.items() if value is not None}
    return {
        "duration": np.array(session.duration),
        "fingerprint": np.array(session.fingerprint),
        "precision": np.array(session.precision),
        **{f"local_{name}": np.asarray(getattr(local, name)) for name in LOCAL_ARRAYS},
        **(
            {}
            if short is None
            else {f"short_{name}": getattr(short, name) for name in SHORT_ARRAYS}
        ),
        **extra,
    }


def _unpack(stored: dict[str, Any], uri: str) -> Session:
    local = {
        name: value if (value := stored[f"local_{name}"]).ndim else value.item()
        for name in LOCAL_ARRAYS
    }
    short = None
    if "short_centre" in stored:
        short = Subsegments(**{name: stored[f"short_{name}"] for name in SHORT_ARRAYS})
    return Session(
        uri=uri,
        duration=float(stored["duration"]),
        fingerprint=str(stored["fingerprint"]),
        local=LocalSpeakers(
            **local,
            subsegments=short,
            voices=stored.get("voices"),
            evidence=stored.get("evidence"),
        ),
        non_speech=stored.get("non_speech"),
        precision=check_precision(str(stored["precision"])),
    )

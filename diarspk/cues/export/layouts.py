"""File formats of the target systems, a writer for each."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.cues.export.references import References
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "SPEAKER_INFO",
    "read_latents",
    "read_speaker_info",
    "write_coqui",
    "write_cosyvoice",
    "write_nemo",
    "write_numpy",
    "write_speecht5",
    "write_xtts",
]

SPEAKER_INFO = "spk2info.pt"
"""Name of the file from which CosyVoice reads its speakers."""

GPT_WIDTH = 1024
"""Channels of XTTS's conditioning latents."""


def write_coqui(path: Path, references: References) -> None:
    """Write ``{clip: {"name", "embedding"}}`` for the speaker manager of Coqui.

    Coqui averages the clips of a name itself, so each clip is a unit vector.
    """
    clips = {
        file: {"name": references.speaker, "embedding": vector.tolist()}
        for file, vector in zip(references.files, references.vectors, strict=True)
    }
    if path.suffix == ".json":
        path.write_text(json.dumps(clips, ensure_ascii=False), encoding="utf-8")
    else:
        _save(clips, path)


def write_xtts(path: Path, references: References, latents: NDArray[np.float32]) -> None:
    """Write the dictionary of a cloned voice: latents ``(1, T, 1024)``, vector ``(1, 512, 1)``."""
    import torch

    voice = {
        "gpt_conditioning_latents": torch.from_numpy(latents),
        "speaker_embedding": torch.from_numpy(references.profile.vector)[None, :, None],
    }
    _save(voice, path)


def write_cosyvoice(path: Path, references: References) -> None:
    """Write ``{name: list of floats}``: means to ``path``, clips to ``utt2embedding.pt`` beside it.

    That is what a training reads. A ``spk2info.pt`` is what synthesis reads: the speaker is added
    to those that it has. CosyVoice normalises the vectors itself.
    """
    if path.name == SPEAKER_INFO:
        _save(_with_speaker(read_speaker_info(path) if path.is_file() else {}, references), path)
        return
    _save({references.speaker: references.profile.vector.tolist()}, path)
    clips = {
        Path(file).stem: vector.tolist()
        for file, vector in zip(references.files, references.vectors, strict=True)
    }
    if len(clips) < len(references.files):
        raise ArgumentError(
            "`files` must differ in their names without folder and suffix, which CosyVoice goes "
            f"by, got {', '.join(references.files)}"
        )
    _save(clips, path.with_name("utt2embedding.pt"))


def read_speaker_info(path: Path) -> dict[str, dict[str, Any]]:
    """Read CosyVoice's ``spk2info.pt``: tensors by name for each speaker; no code in it is run.

    Raises
    ------
    ArgumentError
        If the file holds something else.
    """
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ArgumentError(f"{path}: holds pickled code, which is never run; check it") from error
    except Exception as error:  # whatever the unpickler makes of other bytes
        fault = " ".join(str(error).split())[:200]
        raise ArgumentError(f"{path}: cannot be read as speakers ({fault}); check it") from error
    if not isinstance(found, dict) or not all(
        isinstance(speaker, str) and isinstance(entry, dict) for speaker, entry in found.items()
    ):
        raise ArgumentError(f"{path}: must hold a dictionary for each speaker; check the file")
    return found


def _with_speaker(
    known: dict[str, dict[str, Any]], references: References
) -> dict[str, dict[str, Any]]:
    """Add or replace the vector of a speaker; what a prompt has left there stays."""
    import torch

    vector = torch.from_numpy(references.profile.vector)[None]
    entry = dict(known.get(references.speaker, {}))
    # A prompt that CosyVoice has added has the vector twice, under the names of its networks.
    names = [name for name in ("llm_embedding", "flow_embedding") if name in entry]
    entry |= dict.fromkeys(["embedding", *names], vector)
    return {**known, references.speaker: entry}


def write_speecht5(path: Path, references: References) -> None:
    """Write a tensor (``.pt``) or an array (``.npy``) of shape ``(1, 512)``."""
    import torch

    row = references.profile.vector[None]
    if path.suffix == ".npy":
        _save_array(row, path)
    else:
        _save(torch.from_numpy(row), path)


def write_nemo(path: Path, references: References) -> None:
    """Write the vector ``(dim,)``."""
    _save_array(references.profile.vector, path)


def write_numpy(path: Path, references: References) -> None:
    """Write the vector ``(dim,)``; an ``.npz`` also holds its references and its fingerprint."""
    if path.suffix == ".npy":
        _save_array(references.profile.vector, path)
        return
    np.savez(
        path,
        vector=references.profile.vector,
        references=references.vectors,
        files=np.array(references.files),
        fingerprint=np.array(references.space.fingerprint),
    )


def read_latents(path: Path) -> NDArray[np.float32]:
    """Read conditioning latents of XTTS, ``(1, T, 1024)``, from ``.npy`` or a tensor file.

    Raises
    ------
    ArgumentError
        If the file holds no such latents.
    """
    import torch

    try:
        loaded: Any = (
            np.load(path, allow_pickle=False)
            if path.suffix == ".npy"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        found = np.asarray(loaded, np.float32)
    except Exception as error:  # whatever the unpickler makes of other bytes
        fault = " ".join(str(error).split())[:200]
        raise ArgumentError(f"{path}: no latents ({fault}); save them as .npy") from error
    if found.ndim != 3 or found.shape[0] != 1 or found.shape[2] != GPT_WIDTH:
        raise ArgumentError(f"{path}: must be of shape (1, T, {GPT_WIDTH}), got {found.shape}")
    return found


def _save(value: dict[str, Any] | Tensor | Sequence[float], path: Path) -> None:
    """Save a value of types that ``torch.load(weights_only=True)`` accepts."""
    import torch

    content = io.BytesIO()  # torch tells a full disk as a fault of its own
    torch.save(value, content)
    path.write_bytes(content.getvalue())


def _save_array(array: NDArray[np.float32], path: Path) -> None:
    content = io.BytesIO()  # numpy's error of a full disk names no reason
    np.save(content, array)
    path.write_bytes(content.getvalue())

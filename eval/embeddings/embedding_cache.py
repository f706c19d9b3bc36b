"""Embeddings of a split by a system, stored in a file so that protocols share the work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.embeddings.space import Space
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import FormatError
from eval.embeddings.speech import Utterance, read_utterances
from eval.systems.registry import EMBEDDERS, Embed, encoder_path, load_embedder

__all__ = ["EmbeddedSplit", "embed_files", "embed_split", "load_system"]


@dataclass(frozen=True, eq=False)
class EmbeddedSplit:
    """One vector per utterance.

    Attributes
    ----------
    space : Space
    vectors : ndarray of float32, ``(n, dim)``
        Unit vectors.
    names, speakers : tuple of str
    seconds : ndarray of float64, ``(n,)``
    """

    space: Space
    vectors: NDArray[np.float32]
    names: tuple[str, ...]
    speakers: tuple[str, ...]
    seconds: NDArray[np.float64]

    def choose(self, rows: NDArray[np.intp]) -> EmbeddedSplit:
        """Keep some utterances."""
        return EmbeddedSplit(
            self.space,
            self.vectors[rows],
            tuple(self.names[row] for row in rows),
            tuple(self.speakers[row] for row in rows),
            self.seconds[rows],
        )


def load_system(name: str) -> tuple[Embed, Space | None]:
    """Embedder of a name that a system, or ``diarspk.load_encoder``, knows.

    The space of a system outside the library is only known by its vectors: None.
    """
    if name in EMBEDDERS and name != "diarspk":
        return load_embedder(name), None
    from diarspk import load_encoder

    encoder = load_encoder(None if name == "diarspk" else encoder_path(name))
    space = replace(encoder.space, name=name)
    return lambda waveforms: encoder.embed_batch(waveforms, SAMPLE_RATE), space


def embed_split(
    folder: Path, split: str, system: str, *, cache: Path | None = None, limit: int | None = None
) -> EmbeddedSplit:
    """Embed whole utterances, or read what an earlier run has stored.

    Parameters
    ----------
    folder, split
        See :func:`eval.embeddings.speech.read_utterances`.
    system : str
        See :func:`load_system`.
    cache : Path, optional
        Folder for the vectors. A file there counts only for the same space and table.
    limit : int, optional
        Take so many utterances from the start.
    """
    embed, space = load_system(system)
    file = None
    if cache is not None:
        mark = _digest(folder / f"{split}.tsv", system if space is None else space.fingerprint)
        file = cache / f"{split}-{limit or 'all'}-{mark}.npz"
        if file.is_file():
            return _read(file)
    utterances = []
    for utterance in read_utterances(folder, split):
        utterances.append(utterance)
        if limit is not None and len(utterances) == limit:
            break
    if not utterances:
        raise FormatError("holds no utterance", str(folder / f"{split}.tsv"))
    found = _embed(utterances, embed, space, system)
    if file is not None:
        _write(found, file)
    return found


def embed_files(root: Path, names: Sequence[str], system: str) -> EmbeddedSplit:
    """Embed recordings below a folder; the speaker is the first folder of a name, as VoxCeleb's.

    A name without a folder counts as a speaker of its own: that matters for the resampling of
    intervals only, since a trial list says itself who is the same.
    """
    embed, space = load_system(system)
    utterances = [
        Utterance(name, name.split("/")[0], load_audio(root / name))
        for name in dict.fromkeys(names)
    ]
    return _embed(utterances, embed, space, system)


def _embed(
    utterances: Sequence[Utterance], embed: Embed, space: Space | None, system: str
) -> EmbeddedSplit:
    vectors = np.concatenate([embed([one.waveform]) for one in utterances]).astype(np.float32)
    return EmbeddedSplit(
        space=space or Space(system, vectors.shape[1], system),
        vectors=normalize_rows(vectors),
        names=tuple(one.name for one in utterances),
        speakers=tuple(one.speaker for one in utterances),
        seconds=np.array([len(one.waveform) / SAMPLE_RATE for one in utterances]),
    )


def _digest(table: Path, space: str) -> str:
    if not table.is_file():
        raise FormatError("no such file; see that the split is there", str(table))
    return hashlib.sha256(space.encode() + table.read_bytes()).hexdigest()[:16]


def _write(found: EmbeddedSplit, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    space = [found.space.fingerprint, found.space.dimension, found.space.name]
    with atomic_path(file) as part, part.open("wb") as stream:
        np.savez(
            stream,
            space=json.dumps(space),
            vectors=found.vectors,
            names=np.array(found.names),
            speakers=np.array(found.speakers),
            seconds=found.seconds,
        )


def _read(file: Path) -> EmbeddedSplit:
    with np.load(file, allow_pickle=False) as stored:
        return EmbeddedSplit(
            space=Space(*json.loads(str(stored["space"]))),
            vectors=stored["vectors"],
            names=tuple(stored["names"].tolist()),
            speakers=tuple(stored["speakers"].tolist()),
            seconds=stored["seconds"],
        )

"""Embed packed voices by further speaker encoders, for extractors that read their cues.

    python -m recipes.extraction.vectors --packed PACKED --encoder mine.json s3prl:fbank

``prepare.py`` does the same with the encoders that it is given. The vectors of an encoder are
``vectors-FINGERPRINT.npy`` in each split; those of the embedded encoder, where none was named, are
``vectors.npy``. Of a front end they are the statistics of every layer, so that the weights of the
layers are learned without computing it again. What is there already is left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.upstreams import FrontEndEncoder
from diarspk.errors import ArgumentError
from eval.command_line import command
from eval.extraction.study_encoders import load_study_encoder
from recipes.extraction.data import PackedVectors, read_voices
from recipes.extraction.tasks import map_tasks
from tse.card_encoders import base_fingerprint

EMBEDDED = ""
"""Name of the embedded encoder where none is given."""

PIECES = 200
"""Pieces that a process embeds at a time."""


def vectors_file(folder: Path, name: str, fingerprint: str) -> Path:
    """File with the vectors of the pieces of ``folder`` by an encoder."""
    return folder / ("vectors.npy" if name == EMBEDDED else f"vectors-{fingerprint}.npy")


def embed_voices(folder: Path, names: Sequence[str], workers: int) -> None:
    """Embed the pieces of a split by each encoder that has no vectors there yet."""
    voices = read_voices(folder)
    pieces = list(zip(voices.start.tolist(), voices.samples.tolist(), strict=True))
    for name in names or [EMBEDDED]:
        fingerprint = base_fingerprint(load_study_encoder(name))
        file = vectors_file(folder, name, fingerprint)
        if not file.is_file():
            starts = range(0, len(pieces), PIECES)
            tasks = [(folder, name, pieces[start : start + PIECES]) for start in starts]
            vectors = np.concatenate(list(map_tasks(_embed, tasks, workers)))
            write_vectors(file, vectors, name, fingerprint)


def write_vectors(file: Path, vectors: NDArray[np.floating], name: str, fingerprint: str) -> None:
    """Write vectors, and beside them what they are of."""
    described = json.dumps({"encoder": name or "embedded", "fingerprint": fingerprint})
    with atomic_path(file) as part, atomic_path(file.with_suffix(".json")) as note:
        with part.open("wb") as stream:
            np.save(stream, vectors)
        note.write_text(described + "\n", encoding="utf-8")


def read_vectors(folder: Path, encoders: Sequence[tuple[str, SpeakerEncoder]]) -> PackedVectors:
    """Open the vectors of the pieces of a split by encoders with their names.

    Raises
    ------
    ArgumentError
        If some are not there, or are those of another encoder.
    """
    parts = []
    for name, encoder in encoders:
        fingerprint = base_fingerprint(encoder)
        file = vectors_file(folder, name, fingerprint)
        note = file.with_suffix(".json")
        found = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
        if not file.is_file() or found.get("fingerprint", fingerprint) != fingerprint:
            named = f" --encoder {name}" if name else ""
            held = f"holds those of {found['fingerprint']}" if found else "is not there"
            raise ArgumentError(
                f"{folder}: must have vectors of {name or 'the embedded encoder'} (fingerprint "
                f"{fingerprint}), but {file.name} {held}; compute them: "
                f"python -m recipes.extraction.vectors --packed {folder.parent}{named}"
                + (", after removing that file" if found else "")
            )
        parts.append(np.load(file, mmap_mode="r"))
    return PackedVectors(tuple(parts))


def _embed(task: tuple[Path, str, list[tuple[int, int]]]) -> NDArray[np.floating]:
    """Embed pieces ``(start, samples)`` of a folder."""
    folder, name, places = task
    encoder = _load(name)
    waveforms = np.load(folder / "waveforms.npy", mmap_mode="r")
    vectors = []
    for start, samples in places:
        piece = np.array(waveforms[start : start + samples])
        if isinstance(encoder, FrontEndEncoder):
            (measured,) = encoder.measure_parts([load_audio(piece, SAMPLE_RATE)])
            vectors.append(measured.astype(np.float16))
        else:
            vectors.append(encoder.embed(piece, SAMPLE_RATE).astype(np.float32))
    return np.stack(vectors)


@cache
def _load(name: str) -> SpeakerEncoder:
    return load_study_encoder(name)


@dataclass(frozen=True)
class Settings:
    packed: Path
    """Folder that recipes.extraction.prepare has packed."""
    encoder: Sequence[str] = ()
    """Speaker encoders: names, cards, checkpoints, s3prl:NAME, hf:NAME; none: the embedded one."""
    splits: tuple[str, ...] = ("train", "dev")
    """Splits of the speakers."""
    workers: int = 2
    """Number of processes; 0: this one alone."""


@command
def main(settings: Settings) -> None:
    for split in settings.splits:
        embed_voices(settings.packed / split, settings.encoder, settings.workers)


if __name__ == "__main__":
    raise SystemExit(main())

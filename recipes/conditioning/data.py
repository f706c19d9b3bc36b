"""Packed utterances, and batches of crops with the cue of another utterance of the speaker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from diarspk.atomic import atomic_path
from diarspk.errors import ArgumentError, FormatError
from eval.probes.decoder import content_of

__all__ = ["CroppedBatches", "PackedVoices", "read_packed", "write_packed"]


@dataclass(frozen=True, eq=False)
class PackedVoices:
    """Features of utterances, one after the other, and the cue of each.

    Attributes
    ----------
    log_mel : ndarray of float16, ``(all frames, mels)``
        See :func:`eval.probes.synthesis.log_mel_of`.
    frames : ndarray of int, ``(n,)``
        Of each utterance.
    cues : ndarray of float32, ``(n, dim)``
    speakers : tuple of str
    encoder, fingerprint : str
        Of the cues.
    """

    log_mel: NDArray[np.float16]
    frames: NDArray[np.int64]
    cues: NDArray[np.float32]
    speakers: tuple[str, ...]
    encoder: str
    fingerprint: str

    def utterance(self, number: int) -> NDArray[np.float32]:
        """Features ``(frames, mels)`` of one utterance."""
        end = int(self.frames[: number + 1].sum())
        return self.log_mel[end - int(self.frames[number]) : end].astype(np.float32)


def write_packed(voices: PackedVoices, file: Path) -> None:
    """Write ``.npz``; the file appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(file) as part, part.open("wb") as stream:
        np.savez(
            stream,
            log_mel=voices.log_mel,
            frames=voices.frames,
            cues=voices.cues,
            speakers=np.array(voices.speakers),
            space=np.array([voices.encoder, voices.fingerprint]),
        )


def read_packed(file: Path) -> PackedVoices:
    """Read what :func:`write_packed` wrote.

    Raises
    ------
    FormatError
        If the file is missing or holds something else.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            encoder, fingerprint = stored["space"].tolist()
            return PackedVoices(
                log_mel=stored["log_mel"],
                frames=stored["frames"],
                cues=stored["cues"],
                speakers=tuple(stored["speakers"].tolist()),
                encoder=encoder,
                fingerprint=fingerprint,
            )
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(f"not packed voices ({error}); prepare them again", str(file)) from error


class CroppedBatches(IterableDataset[dict[str, Tensor]]):
    """Batches of crops; see :meth:`batch`.

    Batch ``number`` depends on the seed and that number alone.

    Parameters
    ----------
    voices : PackedVoices
    cepstra : int
        Of the content; it is made of whole utterances, as it is later.
    frames : int
        Of a crop; utterances that are shorter are left out.
    drop_cue : float
        Share of items whose cue is zeros.

    Raises
    ------
    ArgumentError
        If no utterance is long enough.
    """

    def __init__(
        self,
        voices: PackedVoices,
        *,
        cepstra: int,
        size: int = 16,
        frames: int = 150,
        drop_cue: float = 0.0,
        seed: int = 0,
        batches: int | None = None,
    ) -> None:
        self.voices, self.size, self.frames = voices, size, frames
        self.drop_cue, self.seed, self.batches = drop_cue, seed, batches
        self.usable = np.flatnonzero(voices.frames >= frames)
        if not len(self.usable):
            raise ArgumentError(
                f"`frames` must be at most the longest utterance's {voices.frames.max()}, "
                f"got {frames}"
            )
        self.starts = np.concatenate([[0], np.cumsum(voices.frames)[:-1]])
        self.contents = [
            content_of(voices.utterance(number), cepstra).astype(np.float16)
            for number in range(len(voices.frames))
        ]
        self.others = _others(voices.speakers)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for number in count() if self.batches is None else range(self.batches):
            yield self.batch(np.random.default_rng([self.seed, number]))

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """Draw ``content``, ``log_mel`` ``(batch, frames, ...)`` and ``cue`` ``(batch, dim)``.

        The cue is of another utterance of the same speaker where there is one, so that it cannot
        tell what is said.
        """
        chosen = generator.choice(self.usable, self.size)
        contents, features, cues = [], [], []
        for number in chosen.tolist():
            first = int(generator.integers(int(self.voices.frames[number]) - self.frames + 1))
            start = int(self.starts[number]) + first
            contents.append(self.contents[number][first : first + self.frames])
            features.append(self.voices.log_mel[start : start + self.frames])
            cue = self.voices.cues[generator.choice(self.others[number])]
            cues.append(cue * np.float32(generator.random() >= self.drop_cue))
        return {
            "content": torch.from_numpy(np.stack(contents).astype(np.float32)),
            "log_mel": torch.from_numpy(np.stack(features).astype(np.float32)),
            "cue": torch.from_numpy(np.stack(cues)),
        }


def _others(speakers: Sequence[str]) -> list[NDArray[np.intp]]:
    """Other utterances of each one's speaker; the utterance itself where there are none."""
    names = np.asarray(speakers)
    found = []
    for number, name in enumerate(speakers):
        same = np.flatnonzero(names == name)
        found.append(same[same != number] if len(same) > 1 else same)
    return found

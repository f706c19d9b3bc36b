"""Packed utterances, and batches of crops with a cue of the speaker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from diarspk.atomic import atomic_path
from diarspk.errors import ArgumentError, FormatError
from eval.probes.decoder import content_of, spread_cue

__all__ = ["CroppedBatches", "PackedVoices", "Reference", "read_packed", "write_packed"]

Reference = Literal["other", "own"]
"""Of which utterance a cue is: another one of the speaker, or the very one that is decoded."""


@dataclass(frozen=True, eq=False)
class PackedVoices:
    """Features of utterances, one after the other, and the cue of each.

    Attributes
    ----------
    log_mel : ndarray of float16, ``(all frames, mels)``
        See :func:`eval.probes.synthesis.log_mel_of`.
    frames : ndarray of int, ``(n,)``
        Of each utterance.
    cues : ndarray of float32, ``(all rows, dim)``
        Rows of utterances, one after the other: one row each, unless ``cue_rows`` says otherwise.
    speakers : tuple of str
    encoder, fingerprint : str
        Of the cues.
    pitch : ndarray of float32, ``(all frames,)``, optional
        In octaves, NaN where unvoiced.
    cue_rows : ndarray of int, ``(n,)``, optional
        Rows of ``cues`` of each utterance, where its cue is a sequence.
    """

    log_mel: NDArray[np.float16]
    frames: NDArray[np.int64]
    cues: NDArray[np.float32]
    speakers: tuple[str, ...]
    encoder: str
    fingerprint: str
    pitch: NDArray[np.float32] | None = None
    cue_rows: NDArray[np.int64] | None = None

    def utterance(self, number: int) -> NDArray[np.float32]:
        """Features ``(frames, mels)`` of one utterance."""
        return self.log_mel[_place(self.frames, number)].astype(np.float32)

    def pitch_of(self, number: int) -> NDArray[np.float32]:
        """Pitch ``(frames,)`` of one utterance, where it is known."""
        assert self.pitch is not None  # whoever asks has packed it
        return self.pitch[_place(self.frames, number)]

    def cue(self, number: int) -> NDArray[np.float32]:
        """Cue of one utterance: ``(dim,)``, or a sequence ``(rows, dim)``."""
        if self.cue_rows is None:
            return self.cues[number]
        return self.cues[_place(self.cue_rows, number)].astype(np.float32)


def write_packed(voices: PackedVoices, file: Path) -> None:
    """Write ``.npz``; the file appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    optional: dict[str, Any] = {"pitch": voices.pitch, "cue_rows": voices.cue_rows}
    with atomic_path(file) as part, part.open("wb") as stream:
        np.savez(
            stream,
            log_mel=voices.log_mel,
            frames=voices.frames,
            cues=voices.cues,
            speakers=np.array(voices.speakers),
            space=np.array([voices.encoder, voices.fingerprint]),
            **{name: one for name, one in optional.items() if one is not None},
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
                pitch=stored.get("pitch"),
                cue_rows=stored.get("cue_rows"),
            )
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(f"not packed voices ({error}); prepare them again", str(file)) from error


class CroppedBatches(IterableDataset[dict[str, Tensor]]):
    """Batches of crops; see :meth:`batch`.

    Batch ``number`` depends on the seed and that number alone.

    Parameters
    ----------
    voices : PackedVoices
    cepstra, first_cepstrum : int
        Of the content; it is made of whole utterances, as it is later.
    frames : int
        Of a crop; utterances that are shorter are left out.
    drop_cue : float
        Share of items whose cue is zeros.
    reference : {"other", "own"}
        A cue of another utterance cannot tell what is said; one of the utterance itself tells how.

    Raises
    ------
    ArgumentError
        If no utterance is long enough, or sequences are to be cues of other utterances.
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
        first_cepstrum: int = 0,
        reference: Reference = "other",
    ) -> None:
        self.voices, self.size, self.frames = voices, size, frames
        self.drop_cue, self.seed, self.batches = drop_cue, seed, batches
        self.reference = reference
        if voices.cue_rows is not None and reference == "other":
            raise ArgumentError("`reference` must be own for cues that are sequences, got other")
        self.usable = np.flatnonzero(voices.frames >= frames)
        if not len(self.usable):
            raise ArgumentError(
                f"`frames` must be at most the longest utterance's {voices.frames.max()}, "
                f"got {frames}"
            )
        self.starts = np.concatenate([[0], np.cumsum(voices.frames)[:-1]])
        self.contents = [
            content_of(voices.utterance(number), cepstra, first=first_cepstrum).astype(np.float16)
            for number in range(len(voices.frames))
        ]
        self.others = _others(voices.speakers)
        self.labels = np.unique(voices.speakers, return_inverse=True)[1]

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for number in count() if self.batches is None else range(self.batches):
            yield self.batch(np.random.default_rng([self.seed, number]))

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """Draw a batch.

        Returns
        -------
        dict of str to Tensor
            ``content`` and ``log_mel`` ``(batch, frames, ...)``, ``pitch`` ``(batch, frames)``
            where it is known, ``cue`` ``(batch, dim)`` or of each frame, ``(batch, frames, dim)``,
            and the number of the ``speaker`` ``(batch,)``. A cue of another utterance is one of
            the same speaker where there is one.
        """
        chosen = generator.choice(self.usable, self.size)
        contents, features, pitches, cues = [], [], [], []
        for number in chosen.tolist():
            length = int(self.voices.frames[number])
            first = int(generator.integers(length - self.frames + 1))
            part = slice(first, first + self.frames)
            start = int(self.starts[number]) + first
            contents.append(self.contents[number][part])
            features.append(self.voices.log_mel[start : start + self.frames])
            if self.voices.pitch is not None:
                pitches.append(self.voices.pitch_of(number)[part])
            cues.append(self._cue(number, length, part, generator))
        batch = {
            "content": torch.from_numpy(np.stack(contents).astype(np.float32)),
            "log_mel": torch.from_numpy(np.stack(features).astype(np.float32)),
            "cue": torch.from_numpy(np.stack(cues)),
            "speaker": torch.from_numpy(self.labels[chosen]),
        }
        return batch | ({"pitch": torch.from_numpy(np.stack(pitches))} if pitches else {})

    def _cue(
        self, number: int, length: int, part: slice, generator: np.random.Generator
    ) -> NDArray[np.float32]:
        other = self.reference == "other"
        cue = self.voices.cue(int(generator.choice(self.others[number])) if other else number)
        if cue.ndim == 2:
            cue = spread_cue(cue, length)[part]
        return cue * np.float32(generator.random() >= self.drop_cue)


def _place(lengths: NDArray[np.int64], number: int) -> slice:
    end = int(lengths[: number + 1].sum())
    return slice(end - int(lengths[number]), end)


def _others(speakers: Sequence[str]) -> list[NDArray[np.intp]]:
    """Other utterances of each one's speaker; the utterance itself where there are none."""
    names = np.asarray(speakers)
    found = []
    for number, name in enumerate(speakers):
        same = np.flatnonzero(names == name)
        found.append(same[same != number] if len(same) > 1 else same)
    return found

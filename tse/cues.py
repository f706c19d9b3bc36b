"""Cues: descriptions of the speaker whom an extractor is to extract.

Every cue is one value, :class:`Cue`, with one or several of these levels:

- ``vector``: an utterance embedding, or a one-hot code;
- ``sequence``: frame embeddings or features;
- ``enrolment``: the waveform itself, for networks that encode it themselves (Ge et al. 2020,
  "SpEx+"; Zeng & Li 2024, "USEF-TSE", arXiv 2409.02615) or compute a spectral map of it (Zhang et
  al. 2024, arXiv 2410.16059).

:mod:`tse.cue_sources` computes them from recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.arguments import check_number, check_type
from diarspk.audio import SAMPLE_RATE, Audio, load_audio, open_audio
from diarspk.errors import ArgumentError, AudioError

__all__ = ["Cue", "Reference", "collate_cues", "read_reference"]

MIN_ENROLMENT_S = 0.2

SILENCE_PEAK = 1e-6
"""Peak amplitude below which a recording counts as silent."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Recording of the target speaker alone.

    Attributes
    ----------
    waveform : ndarray of float32, ``(time,)``
        At 16 kHz.
    speaker : str
        Name, which one-hot cues look up.
    weight : float
        Weight among several of one speaker, by their quality; see :mod:`tse.enrolment_quality`.

    Raises
    ------
    AudioError
        If the recording is silent or shorter than 0.2 s.
    """

    waveform: NDArray[np.float32]
    speaker: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_type(self.waveform, "waveform", np.ndarray)
        check_type(self.speaker, "speaker", str)
        check_number(self.weight, "weight", above=0.0)
        if self.waveform.ndim != 1:
            raise AudioError(f"an enrolment must be (time,), got shape {self.waveform.shape}")
        seconds = len(self.waveform) / SAMPLE_RATE
        if seconds < MIN_ENROLMENT_S:
            raise AudioError(
                f"an enrolment must last {MIN_ENROLMENT_S} s at least, got {seconds:.2f} s; give a "
                "longer recording of the speaker"
            )
        if np.abs(self.waveform).max() < SILENCE_PEAK:
            raise AudioError("an enrolment must not be silent; give a recording of the speaker")

    def __repr__(self) -> str:
        name = f"{self.speaker!r}, " if self.speaker else ""
        return f"Reference({name}{len(self.waveform) / SAMPLE_RATE:.1f} s)"


@dataclass(frozen=True, eq=False)
class Cue:
    """Description of a batch of speakers at one level or several; absent levels are None.

    Attributes
    ----------
    vector : Tensor, ``(batch, dim)``
        Utterance embedding or one-hot code.
    sequence : Tensor, ``(batch, frames, features)``
        Frame embeddings or features.
    sequence_frames : Tensor of int64, ``(batch,)``
        Number of valid frames of ``sequence``. Default: all.
    enrolment : Tensor, ``(batch, time)``
        Waveform at 16 kHz.
    enrolment_samples : Tensor of int64, ``(batch,)``
        Number of valid samples of ``enrolment``. Default: all.
    """

    vector: Tensor | None = None
    sequence: Tensor | None = None
    sequence_frames: Tensor | None = None
    enrolment: Tensor | None = None
    enrolment_samples: Tensor | None = None

    def __post_init__(self) -> None:
        if self.vector is None and self.sequence is None and self.enrolment is None:
            raise ArgumentError("a cue must have a vector, a sequence or an enrolment, got none")

    def __repr__(self) -> str:
        named = (("vector", self.vector), ("sequence", self.sequence))
        levels = [f"{name} {tuple(level.shape[1:])}" for name, level in named if level is not None]
        if self.enrolment is not None:
            levels.append(f"enrolment {self.enrolment.shape[1] / SAMPLE_RATE:.1f} s")
        return f"Cue(batch of {self.batch}: {', '.join(levels)})"

    @property
    def batch(self) -> int:
        """Number of speakers."""
        return len(self._level)

    @property
    def device(self) -> torch.device:
        """Device of the tensors."""
        return self._level.device

    @property
    def _level(self) -> Tensor:
        present = (self.vector, self.sequence, self.enrolment)
        return next(level for level in present if level is not None)

    def map(self, operation: Callable[[Tensor], Tensor]) -> Cue:
        """Apply an operation along the batch axis, or a change of device, to every tensor."""
        changed = {
            field.name: None if (value := getattr(self, field.name)) is None else operation(value)
            for field in fields(self)
        }
        return replace(self, **changed)


def read_reference(audio: Audio, sample_rate: int | None = None, speaker: str = "") -> Reference:
    """Read a recording of the target speaker alone; errors name it.

    Raises
    ------
    AudioError
        If it cannot be read, is silent or shorter than 0.2 s.
    """
    stream = open_audio(audio, sample_rate)
    waveform = load_audio(stream)
    try:
        return Reference(waveform, speaker)
    except AudioError as error:
        raise AudioError(f"{stream.source.label}: {error}") from error


def collate_cues(cues: Sequence[Cue]) -> Cue:
    """Join cues of the same levels into one batch, zero-padded to the longest.

    Raises
    ------
    ArgumentError
        If their levels differ.
    """
    vectors = [cue.vector for cue in cues if cue.vector is not None]
    sequence, frames = _pad([(cue.sequence, cue.sequence_frames) for cue in cues])
    enrolment, samples = _pad([(cue.enrolment, cue.enrolment_samples) for cue in cues])
    if len(vectors) not in (0, len(cues)):
        raise ArgumentError("`cues` must have the same levels, but some lack the vector")
    return Cue(torch.cat(vectors) if vectors else None, sequence, frames, enrolment, samples)


def _pad(
    levels: Sequence[tuple[Tensor | None, Tensor | None]],
) -> tuple[Tensor | None, Tensor | None]:
    """Pad ``(batch, length, ...)`` parts to one length: the batch, and the valid lengths."""
    present = [(part, valid) for part, valid in levels if part is not None]
    if len(present) not in (0, len(levels)):
        raise ArgumentError("`cues` must have the same levels, but some lack one")
    if not present:
        return None, None
    lengths = [
        torch.full((len(part),), part.shape[1]) if valid is None else valid
        for part, valid in present
    ]
    rows = [row for part, _ in present for row in part]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.cat(lengths)

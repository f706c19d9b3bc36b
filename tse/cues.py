"""Cues: what tells an extractor whom to extract.

Every cue is one value, :class:`Cue`, and every way of computing one has one signature,
``source(references) -> Cue``: from one or several recordings of a speaker to whichever of these
levels the source has:

- ``vector``: an utterance embedding, or a one-hot code;
- ``sequence``: frame-level features, over time;
- ``enrolment``: the waveform itself, from which a network computes what it wants with its own
  encoder (He et al. 2020, "SpEx+"; Zeng & Li 2024, "USEF-TSE", arXiv 2409.02615), or a spectral
  map (Zhang et al. 2024, "Multi-level speaker representation for target speaker extraction",
  arXiv 2410.16059).

Several recordings are one cue: vectors are averaged, sequences and waveforms joined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError, AudioError
from diarspk.features.log_mel import LogMel, mean_normalize

__all__ = [
    "CUES",
    "Cue",
    "CueSource",
    "EnrolmentCue",
    "FrameCue",
    "LogMelCue",
    "MultiLevelCue",
    "OneHotCue",
    "Reference",
    "UtteranceCue",
    "collate_cues",
    "make_cue_source",
]

SHORTEST_S = 0.2
QUIETEST = 1e-6
"""Peak below which a reference holds nothing to describe."""


@dataclass(frozen=True, eq=False)
class Reference:
    """One recording of the speaker.

    Attributes
    ----------
    waveform : ndarray of float32, ``(time,)``
        At 16 kHz.
    speaker : str
        Name, which one-hot codes look up.
    """

    waveform: NDArray[np.float32]
    speaker: str = ""

    def __post_init__(self) -> None:
        if self.waveform.ndim != 1 or len(self.waveform) < SHORTEST_S * SAMPLE_RATE:
            raise AudioError(
                f"an enrolment must last {SHORTEST_S} s at least, got shape {self.waveform.shape} "
                "at 16 kHz; give a longer recording of the speaker"
            )
        if np.abs(self.waveform).max() < QUIETEST:
            raise AudioError("an enrolment must not be silent; give a recording of the speaker")


@dataclass(frozen=True, eq=False)
class Cue:
    """A batch of speakers, described at one level or at several; the others are None.

    Attributes
    ----------
    vector : Tensor, ``(batch, dim)``
    sequence : Tensor, ``(batch, frames, features)``
    sequence_frames : Tensor of int64, ``(batch,)``
        How many frames of ``sequence`` are valid; without it, all are.
    enrolment : Tensor, ``(batch, time)``
        At 16 kHz.
    enrolment_samples : Tensor of int64, ``(batch,)``
        How many samples of ``enrolment`` are valid; without it, all are.
    """

    vector: Tensor | None = None
    sequence: Tensor | None = None
    sequence_frames: Tensor | None = None
    enrolment: Tensor | None = None
    enrolment_samples: Tensor | None = None

    def __post_init__(self) -> None:
        if self.vector is None and self.sequence is None and self.enrolment is None:
            raise ArgumentError("a cue must have a vector, a sequence or an enrolment, got none")

    @property
    def batch(self) -> int:
        """Number of speakers."""
        return len(self._any)

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self._any.device

    @property
    def _any(self) -> Tensor:
        present = (self.vector, self.sequence, self.enrolment)
        return next(level for level in present if level is not None)

    def map(self, operation: Callable[[Tensor], Tensor]) -> Cue:
        """Apply an operation on the batch axis, or a change of device, to every tensor."""
        changed = {
            field.name: None if (value := getattr(self, field.name)) is None else operation(value)
            for field in fields(self)
        }
        return replace(self, **changed)


class CueSource(Protocol):
    """Computes the cue of one speaker (a batch of one) from recordings of that speaker."""

    @property
    def vector_size(self) -> int:
        """Length of the vector; 0 where the cue has none."""

    @property
    def sequence_size(self) -> int:
        """Features of a frame of the sequence; 0 where the cue has none."""

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Describe a speaker."""


@dataclass(frozen=True)
class UtteranceCue:
    """A unit vector of the whole enrolment; of several enrolments, their mean made unit again."""

    encoder: SpeakerEncoder
    sequence_size: int = 0

    @property
    def vector_size(self) -> int:
        """Dimension of the encoder."""
        return self.encoder.dimension

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Embed every reference and average."""
        _check(references)
        vectors = self.encoder.embed_batch([one.waveform for one in references], SAMPLE_RATE)
        mean = vectors.mean(axis=0)
        return Cue(vector=torch.from_numpy(mean / max(float(np.linalg.norm(mean)), 1e-9))[None])


@dataclass(frozen=True)
class FrameCue:
    """The encoder's frame embeddings, one unit vector each ``encoder.frame_hop`` seconds."""

    encoder: SpeakerEncoder
    vector_size: int = 0

    @property
    def sequence_size(self) -> int:
        """Dimension of the encoder."""
        return self.encoder.dimension

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Embed the frames of every reference and join them."""
        _check(references)
        frames = [self.encoder.embed_frames(one.waveform, SAMPLE_RATE).data for one in references]
        return Cue(sequence=torch.from_numpy(np.concatenate(frames))[None])


@dataclass(frozen=True)
class EnrolmentCue:
    """The waveform alone, for networks that encode mixture and enrolment by one encoder."""

    vector_size: int = 0
    sequence_size: int = 0

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Join the references."""
        _check(references)
        joined = np.concatenate([one.waveform for one in references])
        return Cue(enrolment=torch.from_numpy(joined)[None])


@dataclass(frozen=True)
class LogMelCue:
    """Log-mel features less their mean: the baseline without a speaker encoder (2210.12635)."""

    vector_size: int = 0

    @property
    def sequence_size(self) -> int:
        """Mel bins."""
        return 80

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Features of every reference, each without its own channel, joined."""
        _check(references)
        log_mel = LogMel()
        with torch.inference_mode():
            features = [log_mel(torch.from_numpy(one.waveform)[None]) for one in references]
            joined = torch.cat([mean_normalize(part) for part in features], dim=1)
        return Cue(sequence=joined.clone())


@dataclass(frozen=True)
class MultiLevelCue:
    """Utterance vector, enrolment (for the spectral map), and frame features where ``frames``."""

    encoder: SpeakerEncoder
    frames: bool = True

    @property
    def vector_size(self) -> int:
        """Dimension of the encoder."""
        return self.encoder.dimension

    @property
    def sequence_size(self) -> int:
        """Dimension of the encoder, or 0 without frame features."""
        return self.encoder.dimension if self.frames else 0

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Every level of the same references."""
        vector = UtteranceCue(self.encoder)(references).vector
        sequence = FrameCue(self.encoder)(references).sequence if self.frames else None
        return Cue(vector, sequence, enrolment=EnrolmentCue()(references).enrolment)


@dataclass(frozen=True)
class OneHotCue:
    """A code for each speaker of a closed set: no description, so a bound for known speakers."""

    speakers: tuple[str, ...]
    sequence_size: int = 0

    @property
    def vector_size(self) -> int:
        """Number of speakers."""
        return len(self.speakers)

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Look up the speaker that all references name."""
        _check(references)
        names = {one.speaker for one in references}
        if len(names) != 1 or not names <= set(self.speakers):
            raise ArgumentError(
                f"`references` must name one of the {len(self.speakers)} known speakers, "
                f"got {sorted(names)}"
            )
        code = torch.zeros(1, len(self.speakers))
        code[0, self.speakers.index(names.pop())] = 1.0
        return Cue(vector=code)


CUES = ("utterance", "frames", "multi-level", "utterance+map", "log-mel", "enrolment", "one-hot")
"""Names that :func:`make_cue_source` knows."""


def make_cue_source(
    name: str, encoder: SpeakerEncoder | None = None, speakers: Sequence[str] = ()
) -> CueSource:
    """Make a cue source by name, as configurations and command lines have it.

    Parameters
    ----------
    name
        One of :data:`CUES`; "utterance+map" is a vector with the enrolment for the spectral map.
    encoder
        For those that need one.
    speakers
        The closed set of "one-hot".

    Raises
    ------
    ArgumentError
        If the name is unknown, or the source needs an encoder.
    """
    if name == "log-mel":
        return LogMelCue()
    if name == "enrolment":
        return EnrolmentCue()
    if name == "one-hot":
        return OneHotCue(tuple(speakers))
    if name not in CUES:
        raise ArgumentError(f"`name` must be one of {', '.join(CUES)}, got {name!r}")
    if encoder is None:
        raise ArgumentError(f"`encoder` must be given for the cue {name!r}, got None")
    if name == "utterance":
        return UtteranceCue(encoder)
    if name == "frames":
        return FrameCue(encoder)
    return MultiLevelCue(encoder, frames=name == "multi-level")


def collate_cues(cues: Sequence[Cue]) -> Cue:
    """Join cues of the same levels into one batch; the shorter ones are padded with zeros.

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


def _check(references: Sequence[Reference]) -> None:
    if not references:
        raise ArgumentError("`references` must hold one recording at least, got none")

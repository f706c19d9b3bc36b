"""Cue sources: from recordings of a speaker to a :class:`~tse.cues.Cue`, one class per kind of cue.

All share one signature, ``source(references) -> Cue``. Several recordings give one cue: vectors are
averaged by the weights of the recordings, sequences and waveforms concatenated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from diarspk.audio import SAMPLE_RATE
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import LogMel, mean_normalize
from tse.cues import Cue, Reference

__all__ = [
    "CUES",
    "CueSource",
    "EnrolmentCue",
    "FrameCue",
    "LogMelCue",
    "MultiLevelCue",
    "OneHotCue",
    "UtteranceCue",
    "make_cue_source",
]


class CueSource(Protocol):
    """Callable(references) -> cue of one speaker (a batch of one)."""

    @property
    def vector_size(self) -> int:
        """Dimension of the vector; 0 if the cue has none."""

    @property
    def sequence_size(self) -> int:
        """Features per frame of the sequence; 0 if the cue has none."""

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Compute the cue of one speaker from one recording or several."""


@dataclass(frozen=True)
class UtteranceCue:
    """Utterance embedding; of several recordings, the normalised weighted mean of theirs."""

    encoder: SpeakerEncoder
    sequence_size: int = 0

    @property
    def vector_size(self) -> int:
        """Dimension of the encoder."""
        return self.encoder.dimension

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Embed each recording and average."""
        _check(references)
        vectors = self.encoder.embed_batch([one.waveform for one in references], SAMPLE_RATE)
        mean = np.average(vectors, axis=0, weights=[one.weight for one in references])
        return Cue(vector=torch.from_numpy(unit_vector(mean.astype(np.float32)))[None])


@dataclass(frozen=True)
class FrameCue:
    """Frame embeddings: a unit vector every ``encoder.frame_hop`` seconds."""

    encoder: SpeakerEncoder
    vector_size: int = 0

    @property
    def sequence_size(self) -> int:
        """Dimension of the encoder."""
        return self.encoder.dimension

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Embed the frames of each recording and concatenate."""
        _check(references)
        frames = [self.encoder.embed_frames(one.waveform, SAMPLE_RATE).data for one in references]
        return Cue(sequence=torch.from_numpy(np.concatenate(frames))[None])


@dataclass(frozen=True)
class EnrolmentCue:
    """Enrolment waveform, for networks that encode mixture and enrolment by one encoder."""

    vector_size: int = 0
    sequence_size: int = 0

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Concatenate the recordings."""
        _check(references)
        joined = np.concatenate([one.waveform for one in references])
        return Cue(enrolment=torch.from_numpy(joined)[None])


@dataclass(frozen=True)
class LogMelCue:
    """Mean-normalised log-mel features: the baseline without a speaker encoder (2210.12635)."""

    vector_size: int = 0

    @property
    def sequence_size(self) -> int:
        """Number of mel bins."""
        return 80

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Compute features of each recording, normalise each by its own mean, concatenate."""
        _check(references)
        log_mel = LogMel()
        with torch.inference_mode():
            features = [log_mel(torch.from_numpy(one.waveform)[None]) for one in references]
            joined = torch.cat([mean_normalize(part) for part in features], dim=1)
        return Cue(
            sequence=joined.clone()
        )  # a normal tensor: inference tensors cannot be trained on


@dataclass(frozen=True)
class MultiLevelCue:
    """Utterance embedding, enrolment (for the spectral map) and, with ``frames``, frame embeddings.

    After Zhang et al. 2024, "Multi-level speaker representation for target speaker extraction"
    (arXiv 2410.16059).
    """

    encoder: SpeakerEncoder
    frames: bool = True

    @property
    def vector_size(self) -> int:
        """Dimension of the encoder."""
        return self.encoder.dimension

    @property
    def sequence_size(self) -> int:
        """Dimension of the encoder, or 0 without frame embeddings."""
        return self.encoder.dimension if self.frames else 0

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Compute every level from the same recordings."""
        vector = UtteranceCue(self.encoder)(references).vector
        sequence = FrameCue(self.encoder)(references).sequence if self.frames else None
        return Cue(vector, sequence, enrolment=EnrolmentCue()(references).enrolment)


@dataclass(frozen=True)
class OneHotCue:
    """One-hot code of a speaker in a closed set: an upper bound for known speakers."""

    speakers: tuple[str, ...]
    sequence_size: int = 0

    @property
    def vector_size(self) -> int:
        """Number of speakers."""
        return len(self.speakers)

    def __call__(self, references: Sequence[Reference]) -> Cue:
        """Look up the speaker that all references name.

        Raises
        ------
        ArgumentError
            If they name several speakers, or one outside the closed set.
        """
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
"""Names of the cue sources."""


def make_cue_source(
    name: str, encoder: SpeakerEncoder | None = None, speakers: Sequence[str] = ()
) -> CueSource:
    """Build a cue source by the name that cards and command lines use.

    Parameters
    ----------
    name
        One of :data:`CUES`; "utterance+map" is a vector and the enrolment for the spectral map.
    encoder
        Required by "utterance", "frames", "multi-level" and "utterance+map".
    speakers
        Closed set of "one-hot".

    Raises
    ------
    ArgumentError
        If the name is unknown, or an encoder is required and missing.
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


def _check(references: Sequence[Reference]) -> None:
    if not references:
        raise ArgumentError("`references` must hold one recording at least, got none")

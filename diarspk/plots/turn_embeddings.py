"""Embedding of each turn, from its longest part in which nobody else talks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from diarspk.audio import Audio
    from diarspk.encoders.base import SpeakerEncoder

__all__ = ["TurnEmbeddings", "embed_turns"]


@dataclass(frozen=True, eq=False)
class TurnEmbeddings:
    """Turns with their embeddings.

    Attributes
    ----------
    segments : tuple of Segment
        Part of each turn that was embedded.
    speakers : tuple of str
        Speaker of each.
    vectors : NDArray of float32, shape (turns, dim)
        Of unit norm.
    """

    segments: tuple[Segment, ...]
    speakers: tuple[str, ...]
    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        if not len(self.segments) == len(self.speakers) == len(self.vectors):
            raise ArgumentError(
                "`segments`, `speakers` and `vectors` must be equally many, got "
                f"{len(self.segments)}, {len(self.speakers)} and {len(self.vectors)}"
            )

    @property
    def order(self) -> list[str]:
        """Speakers by appearance."""
        return list(dict.fromkeys(self.speakers))

    def grouped(self) -> TurnEmbeddings:
        """Sort turns by speaker, then by time."""
        place = {speaker: number for number, speaker in enumerate(self.order)}
        rows = sorted(
            range(len(self.segments)),
            key=lambda row: (place[self.speakers[row]], self.segments[row]),
        )
        return TurnEmbeddings(
            tuple(self.segments[row] for row in rows),
            tuple(self.speakers[row] for row in rows),
            self.vectors[rows],
        )


def embed_turns(
    encoder: SpeakerEncoder, audio: Audio, annotation: Annotation, *, min_s: float = 0.5
) -> TurnEmbeddings:
    """Embed the turns of a recording.

    Parameters
    ----------
    encoder : SpeakerEncoder
    audio
        See :func:`diarspk.audio.open_audio`.
    annotation : pyannote.core.Annotation
    min_s : float, default 0.5
        Seconds that a turn must have to itself, or it is left out: the embedding of less says
        little about the speaker.

    Raises
    ------
    AudioError
        If the recording cannot be read.
    """
    from diarspk.audio import open_audio

    stream = open_audio(audio)
    # Turns of RTTM are rounded, so that the last one may end after the recording.
    extent = Segment(0.0, math.inf if stream.duration is None else stream.duration)
    segments: list[Segment] = []
    speakers: list[str] = []
    for segment, track, label in annotation.itertracks(yield_label=True):
        part = _alone(annotation, segment, track, extent)
        if part is not None and part.duration >= min_s:
            segments.append(part)
            speakers.append(str(label))
    spans: Sequence[tuple[float, float]] = [(part.start, part.end) for part in segments]
    vectors = (
        encoder.embed(stream, spans=spans)
        if spans
        else np.zeros((0, encoder.dimension), dtype=np.float32)
    )
    return TurnEmbeddings(tuple(segments), tuple(speakers), vectors)


def _alone(
    annotation: Annotation, segment: Segment, track: str | int, extent: Segment
) -> Segment | None:
    """Longest part of a turn within the recording in which no other turn is, if there is one."""
    inside = segment & extent
    if not inside:
        return None
    near = annotation.crop(inside, mode="loose").itertracks()
    others = Timeline([other for other, name in near if (other, name) != (segment, track)])
    return max(others.gaps(support=inside), key=lambda part: part.duration, default=None)

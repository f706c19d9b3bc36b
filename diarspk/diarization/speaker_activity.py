"""Probability of every speaker of a result in every frame, from which its turns were made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError

__all__ = ["SpeakerActivity"]

Frames = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SpeakerActivity:
    """Probability that each speaker talks, at a constant rate.

    Attributes
    ----------
    speakers : tuple of str
        Names of the columns.
    probabilities : ndarray of float32, ``(frames, speakers)``
        After resegmentation and TS-VAD; several speakers may talk at once.
    hop : float
        Seconds from one frame to the next; frame ``i`` is of ``i * hop`` to ``(i + 1) * hop``.
    """

    speakers: tuple[str, ...]
    probabilities: Frames
    hop: float

    def __repr__(self) -> str:
        seconds = len(self.probabilities) * self.hop
        return f"SpeakerActivity({seconds:.1f} s, {len(self.speakers)} speakers)"

    def of(self, speaker: str) -> Frames:
        """Probability that a speaker talks, ``(frames,)``.

        Raises
        ------
        ArgumentError
            If there is no such speaker.
        """
        return self.probabilities[:, self._column(speaker)]

    def alone(self, speaker: str) -> Frames:
        """Probability that a speaker talks and nobody else does, ``(frames,)``."""
        column = self._column(speaker)
        others = np.delete(self.probabilities, column, axis=1)
        alone = self.probabilities[:, column] * np.prod(1 - others, axis=1)
        return np.asarray(alone, np.float32)

    def crop(self, start: float, end: float) -> SpeakerActivity:
        """Keep what is from ``start`` to ``end`` in seconds; a frame at least, if there is one."""
        first = min(round(start / self.hop), max(len(self.probabilities) - 1, 0))
        kept = self.probabilities[first : max(round(end / self.hop), first + 1)]
        return replace(self, probabilities=kept)

    def _column(self, speaker: str) -> int:
        if speaker not in self.speakers:
            known = ", ".join(self.speakers) or "none"
            raise ArgumentError(f"`speaker` must be one of {known}, got {speaker}")
        return self.speakers.index(speaker)

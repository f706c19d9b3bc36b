"""The result of a diarization."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pyannote.core import Annotation, Segment

__all__ = ["Diarization"]


@dataclass(frozen=True, eq=False)
class Diarization:
    """Who spoke when.

    Attributes
    ----------
    annotation : pyannote.core.Annotation
        Turns by speaker, overlapping where several people talk at once.
    exclusive : pyannote.core.Annotation
        The same with at most one speaker at a time, as transcripts want it.
    speakers : dict of str to ndarray
        A unit vector ``(dim,)`` for each speaker, in the space of the encoder.
    fingerprint : str
        The encoder's: vectors of another fingerprint do not compare.
    confidence : dict of (Segment, track) to float
        Mean probability of each turn of ``annotation``, in [0, 1].
    duration : float
        Seconds of the recording.
    """

    annotation: Annotation
    exclusive: Annotation
    speakers: dict[str, NDArray[np.float32]]
    fingerprint: str
    confidence: dict[tuple[Segment, str | int], float]
    duration: float

    @property
    def uri(self) -> str:
        """Name of the recording."""
        return str(self.annotation.uri)

    def write(self, path: str | Path) -> None:
        """Write the turns; the suffix names the format (.rttm, .json, .csv, .srt, .vtt, ...).

        Raises
        ------
        ArgumentError
            If the suffix is not one of a known format.
        """
        from diarspk.formats import save_annotation

        save_annotation(self.annotation, path, confidence=self.confidence)

"""Track of one speaker of a recording: its file, what enrolled the speaker, and its confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.intervals import find_runs
from tse.extractor import Extractor
from tse.meeting_enrolment import EnrolledSpeaker
from tse.track_confidence import TrackScores
from tse.track_config import TrackConfig

__all__ = ["DOUBTFUL", "SpeakerTrack", "tracks_document"]

Figures = NDArray[np.float64]

DOCUMENT_VERSION = 1
"""Version of the JSON; keys may be added without another one."""

DOUBTFUL = 0.5
"""Confidence below which the track is more likely somebody else's."""


@dataclass(frozen=True, eq=False)
class SpeakerTrack:
    """Track of one speaker.

    Attributes
    ----------
    speaker : str
    file : Path
    enrolment : EnrolledSpeaker
        Stretches of the recording that enrolled the speaker.
    scores : TrackScores, optional
        What the confidence is made of; None where the extractor has no encoder to judge by.
    confidence : ndarray of float64, ``(seconds,)``, optional
        Probability that the track has the right voice, every second of the recording; NaN where it
        is silent. None where the extractor's encoder has no calibration.
    activity : ndarray of float64, ``(seconds,)``
        Probability that the speaker talks, by the diarization, mean over each second; of turns
        without probabilities, the share of the second.
    """

    speaker: str
    file: Path
    enrolment: EnrolledSpeaker
    scores: TrackScores | None
    confidence: Figures | None
    activity: Figures

    def __repr__(self) -> str:
        return f"SpeakerTrack({self.speaker!r}, {str(self.file)!r}, {len(self.activity)} s)"

    @property
    def mean_confidence(self) -> float:
        """Mean over the seconds that are not silent; NaN if none is, or none was judged."""
        judged = np.zeros(0) if self.confidence is None else self.confidence
        judged = judged[np.isfinite(judged)]
        return float(judged.mean()) if len(judged) else math.nan

    @property
    def doubtful_stretches(self) -> list[tuple[float, float]]:
        """Start and end in seconds of where somebody else is more likely than the speaker."""
        if self.confidence is None:
            return []
        doubtful = np.nan_to_num(self.confidence, nan=1.0) < DOUBTFUL
        return [(float(first), float(last)) for first, last in find_runs(doubtful).tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Describe it by values that JSON has; a second without a figure is None."""
        confidence = None
        if self.confidence is not None:
            confidence = [None if math.isnan(p) else round(p, 3) for p in self.confidence.tolist()]
        mean = self.mean_confidence
        return {
            "speaker": self.speaker,
            "file": self.file.name,
            "mean_confidence": None if math.isnan(mean) else round(mean, 3),
            "confidence": confidence,
            "activity": [round(p, 3) for p in self.activity.tolist()],
            "enrolment": [stretch.to_dict() for stretch in self.enrolment.stretches],
        }


def tracks_document(
    tracks: Sequence[SpeakerTrack],
    recording: str,
    seconds: float | None,
    config: TrackConfig,
    extractor: Extractor,
) -> dict[str, Any]:
    """Describe the tracks of a recording by values that JSON has: the content of tracks.json."""
    return {
        "version": DOCUMENT_VERSION,
        "recording": recording,
        "duration": None if seconds is None else round(seconds, 3),
        "step": 1.0,
        "gated": config.gated,
        "mask_db": config.mask_db,
        "extractor": extractor.fingerprint,
        "encoder": extractor.space,
        "tracks": [track.to_dict() for track in tracks],
    }

"""Gates: when the voice of a speaker passes, by the turns and probabilities of a diarization."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from diarspk.arguments import check_number, check_numbers
from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.intervals import find_runs

__all__ = ["Gate", "GateConfig", "keep_rest", "make_gate"]

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class GateConfig:
    """When a gate opens.

    Attributes
    ----------
    min_probability : float
        Probability of the speaker from which it is open outside of turns, too: turns begin at a
        half, and what an extractor gives out there is the weaker speech of overlaps. Lower values
        lose less of overlaps, and leave in more of others.
    fade_s : float
        Length of the linear fades before and after what it is open in.
    """

    min_probability: float = 0.2
    fade_s: float = 0.15

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "min_probability", minimum=0.0)
        check_numbers(self, "fade_s", above=0.0)


@dataclass(frozen=True, eq=False)
class Gate:
    """Weight of a voice over time: 1 where it is open, 0 far from there, with linear fades.

    Attributes
    ----------
    stretches : pyannote.core.Timeline
        Where it is open, in seconds of the recording.
    fade_s : float
        Length of the fades.
    """

    stretches: Timeline
    fade_s: float = GateConfig.fade_s

    def weights(self, start_samples: int, length: int) -> Samples:
        """Weights ``(length,)`` of the samples at 16 kHz from ``start_samples`` on."""
        time = (np.arange(length) + start_samples) / SAMPLE_RATE
        found = np.zeros(length, np.float32)
        for start, end in self._near(start_samples, length):
            distance = np.maximum(start - time, time - end)
            weight = np.clip(1 - distance / self.fade_s, 0, 1).astype(np.float32)
            found = np.maximum(found, weight)
        return found

    def is_shut(self, start_samples: int, length: int) -> bool:
        """Whether no sample of a block has a weight."""
        return not self._near(start_samples, length)

    def open_between(self, start: float, end: float) -> list[tuple[float, float]]:
        """Parts of a stretch in which it is open, without fades, in seconds."""
        parts = [(max(one, start), min(other, end)) for one, other in self._between(start, end)]
        return [(one, other) for one, other in parts if one < other]

    def _near(self, start_samples: int, length: int) -> list[tuple[float, float]]:
        """Stretches from which samples of a block have a weight."""
        if length == 0:
            return []
        first, last = start_samples / SAMPLE_RATE, (start_samples + length - 1) / SAMPLE_RATE
        return self._between(first - self.fade_s, last + self.fade_s)

    def _between(self, start: float, end: float) -> list[tuple[float, float]]:
        """Stretches that end after ``start`` and begin before ``end``."""
        edges = self._edges
        first = int(np.searchsorted(edges[:, 1], start, "right"))
        return [(one, other) for one, other in edges[first : np.searchsorted(edges[:, 0], end)]]

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        """Start and end of each stretch, by time."""
        edges = [(stretch.start, stretch.end) for stretch in self.stretches.support()]
        return np.array(edges, np.float64).reshape(-1, 2)


def make_gate(
    annotation: Annotation,
    speaker: str,
    activity: SpeakerActivity | None = None,
    config: GateConfig | None = None,
) -> Gate:
    """Make the gate of a speaker of a diarization.

    Parameters
    ----------
    annotation
        Turns.
    speaker
        One of its labels.
    activity
        Probabilities that the turns were made of, if they are known.
    config
        Default: :class:`GateConfig`.
    """
    config = config or GateConfig()
    open_ = list(annotation.label_timeline(speaker).support())
    if activity is not None:
        likely = activity.of(speaker) >= config.min_probability
        open_ += [
            Segment(first * activity.hop, last * activity.hop)
            for first, last in find_runs(likely).tolist()
        ]
    return Gate(Timeline(open_).support(), config.fade_s)


def keep_rest(voice: Samples, mixture: Samples, mask_db: float | None) -> Samples:
    """Leave in what is not the voice, lower by ``mask_db`` decibels; None leaves nothing in.

    The output is ``voice + a (mixture - voice)`` with ``a = 10^(-mask_db / 20)``: nothing of the
    recording is lower than that. 0 dB gives back the recording.

    Raises
    ------
    ArgumentError
        If it is negative or no number.
    """
    if mask_db is None:
        return voice
    attenuation = check_number(mask_db, "mask_db", minimum=0.0)
    return voice + np.float32(10 ** (-attenuation / 20)) * (mixture - voice)

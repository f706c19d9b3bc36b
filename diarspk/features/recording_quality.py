"""Quality of a whole recording: what makes it doubtful that its speech was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RecordingQuality", "measure_quality"]

FULL_SCALE_DB = 108.0
"""Mean mel power in dB of speech whose root mean square is 1; other spectra differ by some dB."""

MIN_LEVEL_DB = -75.0
"""Level in dB of full scale at which 16-bit samples have some five steps left for speech."""

SILENT_DB = -130.0
"""Level in dB of full scale below which there is no sound."""

MIN_RATIO_DB = 4.0
"""Ratio of the level to the background in dB below which a recording is mostly noise: 5 and more
in noisy conversations, 1 to 3 of stationary noise."""

MAX_CLIPPED = 0.001
"""Share of samples at full scale above which a recording is clipped."""

BACKGROUND_SHARE = 0.1
DECIBEL = float(np.log(10) / 10)


@dataclass(frozen=True)
class RecordingQuality:
    """Measures of a recording.

    Attributes
    ----------
    level_db : float
        Level in dB of full scale, to some dB; see :func:`diarspk.features.level.speech_level`.
    ratio_db : float
        Level above the background, the 10th percentile of the power of frames, in dB.
    clipped : float
        Share of samples at full scale, in [0, 1].
    """

    level_db: float
    ratio_db: float
    clipped: float

    @property
    def faults(self) -> list[str]:
        """What makes a result doubtful, as texts that go on after "the recording is"."""
        if self.level_db < SILENT_DB:
            return ["silent"]
        found = []
        if self.level_db < MIN_LEVEL_DB:
            found.append(f"very quiet (about {self.level_db:.0f} dB of full scale)")
        if self.ratio_db < MIN_RATIO_DB:
            found.append(
                f"mostly noise (the loud parts are {self.ratio_db:.0f} dB above the background)"
            )
        if self.clipped > MAX_CLIPPED:
            found.append(f"clipped ({100 * self.clipped:.1f} % of the samples are at full scale)")
        return found


def measure_quality(level: float, powers: NDArray[np.float64], clipped: float) -> RecordingQuality:
    """Measure a recording by its level, the mean mel power of its frames, and what is clipped."""
    background = float(np.log(max(np.quantile(powers, BACKGROUND_SHARE), 1e-30)))
    return RecordingQuality(
        level / DECIBEL - FULL_SCALE_DB, (level - background) / DECIBEL, clipped
    )

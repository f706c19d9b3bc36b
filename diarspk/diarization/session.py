"""What one pass over a recording has found: all that clustering and stitching need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.diarization.first_pass import LocalSpeakers
from diarspk.encoders.precision import Precision

__all__ = ["Session"]


@dataclass(frozen=True, eq=False)
class Session:
    """A recording after the pass over it; some 35 MB an hour with the embedded segmentation.

    Attributes
    ----------
    uri : str
        Name of the recording, as written to RTTM.
    duration : float
        Seconds.
    fingerprint : str
        The encoder's.
    local : LocalSpeakers
        Who talks in each window, not yet linked across windows.
    non_speech : NDArray of float32, shape (m, dim), optional
        Embeddings of what is surely not speech, where those were asked for.
    precision : str
        In which the networks have multiplied matrices, and are to go on.
    """

    uri: str
    duration: float
    fingerprint: str
    local: LocalSpeakers
    non_speech: NDArray[np.float32] | None = None
    precision: Precision = "single"

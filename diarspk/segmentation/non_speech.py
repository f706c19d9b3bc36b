"""Embeddings of what is surely not speech, for :class:`diarspk.adaptation.NonSpeechCluster`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.encoders.local import LocalEncoder, Region
from diarspk.recording import Recording
from diarspk.segmentation.local_speakers import LocalSpeakers

__all__ = ["embed_non_speech"]

SILENT = 0.1
"""Probability of any speaker below which a frame is surely not speech."""


def embed_non_speech(
    recording: Recording, encoder: LocalEncoder, local: LocalSpeakers, *, shortest_s: float
) -> NDArray[np.float32]:
    """Embed the non-speech of every window that has enough of it: unit vectors ``(m, dim)``.

    This is a second pass of the trunk: segmentation has to come first.

    Parameters
    ----------
    recording, encoder, local
        What the first pass read, and what it found.
    shortest_s : float
        Seconds of non-speech below which a window gives no embedding.
    """
    silent = (local.activity.max(axis=2) < SILENT).astype(np.float32)  # (windows, frames)
    enough = silent.sum(axis=1) * local.hop >= shortest_s
    regions = [
        Region(int(local.first[window]), silent[window]) for window in np.flatnonzero(enough)
    ]
    return encoder.embed_regions(recording, regions)

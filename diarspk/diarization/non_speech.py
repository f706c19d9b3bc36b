"""Embeddings of what is surely not speech, for `NonSpeechCluster`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import AudioStream
from diarspk.diarization.first_pass import WINDOWS_PER_BATCH, LocalSpeakers
from diarspk.diarization.window_embedding import AudioEmbedder
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder, Region
from diarspk.features.recording import Recording

__all__ = ["embed_non_speech"]

SILENT = 0.1
"""Probability of any speaker below which a frame is surely not speech."""


def embed_non_speech(
    recording: Recording,
    trunk: LocalEncoder,
    local: LocalSpeakers,
    *,
    shortest_s: float,
    encoder: SpeakerEncoder | None = None,
    stream: AudioStream | None = None,
) -> NDArray[np.float32]:
    """Embed the non-speech of every window that has enough of it: unit vectors ``(m, dim)``.

    This is a second pass: segmentation has to come first.

    Parameters
    ----------
    recording, trunk, local
        What the first pass read, and what it found.
    shortest_s : float
        Seconds of non-speech below which a window gives no embedding.
    encoder, stream
        As for :func:`diarspk.segmentation.read_local_speakers`.
    """
    silent = (local.activity.max(axis=2) < SILENT).astype(np.float32)  # (windows, frames)
    chosen = np.flatnonzero(silent.sum(axis=1) * local.hop >= shortest_s)
    starts = local.first[chosen]
    if encoder is None or stream is None:
        regions = [Region(int(local.first[window]), silent[window]) for window in chosen]
        return trunk.embed_regions(recording, regions)
    embed = AudioEmbedder(encoder, stream, starts, silent.shape[1], local.hop)
    found = [np.zeros((0, encoder.dimension), np.float32)]
    for begin in range(0, len(chosen), WINDOWS_PER_BATCH):
        batch = slice(begin, begin + WINDOWS_PER_BATCH)
        weights = silent[chosen[batch], :, None]  # (windows, frames, 1)
        found.append(embed.embed(weights)[:, 0])
    return np.concatenate(found)

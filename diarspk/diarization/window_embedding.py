"""Embedding of the local speakers of windows: from the trunk's frames, or from the audio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.audio import AudioStream
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.diarization.subsegments import SubsegmentCollector, SubsegmentGrid, Subsegments
from diarspk.encoders.base import Embedding, SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.region_pooling import Region
from diarspk.features.recording import Recording
from diarspk.segmentation.windows import WindowGrid, audio_windows

__all__ = [
    "AudioEmbedder",
    "FusedEmbedder",
    "PairedEmbedder",
    "TrunkEmbedder",
    "WindowBatch",
    "WindowEmbedder",
    "embed_non_speech",
]

SILENT = 0.1
"""Maximum probability of any speaker in a frame that is surely not speech."""

WINDOWS_PER_BATCH = 16


class WindowBatch(NamedTuple):
    """Consecutive windows of a recording.

    ``number`` is that of the first one, ``first (windows,)`` are their first frames, ``frames
    (windows, frames, channels)`` those of the trunk, and ``moments`` the pooling moments of each
    frame of each window, which the utterance head adds up.
    """

    number: int
    first: NDArray[np.int64]
    frames: Tensor
    moments: list[Tensor]


class WindowEmbedder(Protocol):
    """Callable(batch, active, weights) -> embeddings of the local speakers of its windows.

    Batches come in the order of time.
    """

    def __call__(
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """Embed them: unit vectors ``(windows, speakers, dim)``; arbitrary where all weights are 0.

        Parameters
        ----------
        batch
            Windows.
        active
            Who talks in them, ``(windows, frames, speakers)``.
        weights
            Frames that each local speaker is embedded from, in {0, 1}, in the same shape.
        """
        ...

    @property
    def subsegments(self) -> Subsegments | None:
        """Those of all windows so far, if there are any."""
        ...


class TrunkEmbedder:
    """Embeds local speakers and subsegments by pooling the frames that segmentation has read.

    Parameters
    ----------
    encoder
        The embedded encoder, whose utterance head pools.
    windows
        All windows of the recording.
    """

    def __init__(self, encoder: LocalEncoder, windows: WindowGrid) -> None:
        self.encoder = encoder
        self.collector = SubsegmentCollector(SubsegmentGrid.over(windows), encoder.dimension)

    def __call__(
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`WindowEmbedder`."""
        chosen = self.collector.grid.choose(active, batch.first, batch.number)
        self.collector.store(chosen, self._pool(batch, [each.weights for each in chosen]))
        windows, _, speakers = weights.shape
        return self._pool(batch, list(weights.transpose(0, 2, 1))).reshape(windows, speakers, -1)

    @property
    def subsegments(self) -> Subsegments:
        """See :class:`WindowEmbedder`."""
        return self.collector.subsegments

    @torch.inference_mode()
    def _pool(self, batch: WindowBatch, weights: list[NDArray[np.float32]]) -> Embedding:
        """Embed spans ``(spans, frames)`` of each window: unit vectors ``(all spans, dim)``."""
        pooled = [
            (torch.from_numpy(np.ascontiguousarray(spans)).to(each.device) @ each.flatten(1)).view(
                -1, *each.shape[1:]
            )
            for spans, each in zip(weights, batch.moments, strict=True)
            if len(spans)
        ]
        if not pooled:
            return np.zeros((0, self.encoder.dimension), np.float32)
        embeddings = self.encoder.network.utterance.embed_moments(torch.cat(pooled)[None])[0]
        return nn.functional.normalize(embeddings, dim=-1).numpy(force=True)


class PairedEmbedder:
    """Embeds by another encoder, and the same local speakers by the trunk beside it.

    Linking reads the former. The heads on the trunk, which correct who talks when, know only the
    space of the trunk.

    Parameters
    ----------
    embed
        The other encoder's.
    trunk
        The trunk's.
    """

    def __init__(self, embed: WindowEmbedder, trunk: TrunkEmbedder) -> None:
        self.embed, self.trunk = embed, trunk
        self._found: list[Embedding] = []

    def __call__(
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`WindowEmbedder`."""
        own = self.trunk(batch, active, weights)
        spoken = weights.sum(axis=1)[..., None] > 0
        self._found.append(np.where(spoken, own, np.float32(0.0)))
        return self.embed(batch, active, weights)

    @property
    def subsegments(self) -> Subsegments | None:
        """See :class:`WindowEmbedder`."""
        return self.embed.subsegments

    @property
    def trunk_embeddings(self) -> Embedding:
        """Embeddings of the local speakers in the space of the trunk."""
        return np.concatenate(self._found)


class FusedEmbedder(PairedEmbedder):
    """Embeds by the trunk and by another encoder, and joins what they say into one vector.

    Parameters
    ----------
    embed
        The other encoder's, with subsegments.
    trunk
        The trunk's.
    join
        Callable(embeddings, trunk's embeddings) -> joined ones; of
        :class:`~diarspk.encoders.fused.FusedEncoder`.
    """

    def __init__(
        self,
        embed: WindowEmbedder,
        trunk: TrunkEmbedder,
        join: Callable[[Embedding, Embedding], Embedding],
    ) -> None:
        super().__init__(embed, trunk)
        self.join = join

    def __call__(
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`WindowEmbedder`."""
        other = super().__call__(batch, active, weights)
        return self.join(other, self._found[-1])

    @property
    def subsegments(self) -> Subsegments | None:
        """See :class:`WindowEmbedder`."""
        other, own = self.embed.subsegments, self.trunk.subsegments
        assert other is not None  # an encoder whose frames are pooled has them
        return replace(own, embeddings=self.join(other.embeddings, own.embeddings))


class AudioEmbedder:
    """Embeds local speakers with any other encoder, from the audio of each window.

    Parameters
    ----------
    encoder
        Its :meth:`~diarspk.encoders.base.SpeakerEncoder.embed_masked` is called.
    stream
        The recording. It is read once more, beside the trunk's pass, and only the windows of one
        batch are in memory.
    windows
        Windows that will be asked for.
    """

    def __init__(self, encoder: SpeakerEncoder, stream: AudioStream, windows: WindowGrid) -> None:
        self.encoder = encoder
        self._windows = audio_windows(stream, windows.first_samples, windows.samples)

    def __call__(
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`WindowEmbedder`."""
        return self.embed(weights)

    @property
    def subsegments(self) -> None:
        """None: each would cost the encoder a pass of its own."""
        return None

    def embed(self, weights: NDArray[np.float32]) -> Embedding:
        """Embed the next windows, as many as there are weights for."""
        windows = np.stack([next(self._windows) for _ in range(len(weights))])
        return self.encoder.embed_masked(windows, weights > 0)


def embed_non_speech(
    recording: Recording,
    trunk: LocalEncoder,
    local: LocalSpeakers,
    *,
    min_duration_s: float,
    encoder: SpeakerEncoder | None = None,
    stream: AudioStream | None = None,
) -> NDArray[np.float32]:
    """Embed the non-speech of windows, for the cluster of non-speech in linking.

    This is a second pass: segmentation has to come first.

    Parameters
    ----------
    recording, trunk, local
        Features, encoder and result of the first pass.
    min_duration_s
        Minimum seconds of non-speech in a window that gives an embedding.
    encoder, stream
        Another encoder and the audio that it reads, as in the first pass.

    Returns
    -------
    NDArray of float32, shape (m, dim)
        Unit norm.
    """
    silent = (local.activity.max(axis=2) < SILENT).astype(np.float32)  # (windows, frames)
    chosen = np.flatnonzero(silent.sum(axis=1) * local.hop >= min_duration_s)
    starts = local.first[chosen]
    if encoder is None or stream is None:
        regions = [Region(int(local.first[window]), silent[window]) for window in chosen]
        return trunk.embed_regions(recording, regions)
    windows = WindowGrid(starts, silent.shape[1], local.frames, local.hop, local.start)
    embed = AudioEmbedder(encoder, stream, windows)
    found = [np.zeros((0, encoder.dimension), np.float32)]
    for begin in range(0, len(chosen), WINDOWS_PER_BATCH):
        batch = slice(begin, begin + WINDOWS_PER_BATCH)
        weights = silent[chosen[batch], :, None]  # (windows, frames, 1)
        found.append(embed.embed(weights)[:, 0])
    return np.concatenate(found)

"""First pass over a recording: local speakers of overlapping windows, each with its embedding.

The trunk runs once, block by block, and everything else reads its frames while they pass: windows
are segmented and embedded as soon as they are whole, subsegments with them (see
:mod:`diarspk.diarization.subsegments`), and tracks take in every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.diarization.chunk_embedding import ChunkEmbedder
from diarspk.diarization.local_speakers import ACTIVE, FirstPassModels, LocalSpeakers
from diarspk.diarization.tracks import FrameEmbeddingTrack, Track, VadFeatureTrack
from diarspk.diarization.window_embedding import (
    AudioEmbedder,
    FusedEmbedder,
    PairedEmbedder,
    TrunkEmbedder,
    WindowBatch,
    WindowEmbedder,
)
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.fused import FusedEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.pooled import PooledEncoder
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.features.recording import Recording
from diarspk.segmentation.segmenter import Segmentation
from diarspk.segmentation.windows import WindowGrid

__all__ = [
    "BlockPass",
    "WindowSpeakers",
    "compute_local_speakers",
    "solo_weights",
]

WINDOWS_PER_BATCH = 16

MIN_CLEAN_S = 0.4
"""With less speech than this to itself, a local speaker is embedded from overlapped speech too."""


class WindowSpeakers(NamedTuple):
    """Local speakers of consecutive windows, of which the first has this number.

    ``activity (windows, frames, speakers)``, ``embeddings (windows, speakers, dim)`` and ``seconds
    (windows, speakers)`` are as in :class:`LocalSpeakers`.
    """

    number: int
    activity: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    seconds: NDArray[np.float64]


def compute_local_speakers(
    recording: Recording,
    models: FirstPassModels,
    stream: AudioStream | None = None,
    *,
    tracks: Sequence[Track] = (),
    progress: Callable[[float], None] | None = None,
) -> LocalSpeakers:
    """Run trunk, segmentation and encoder over a recording, window by window.

    Parameters
    ----------
    recording
        Features that the trunk reads.
    models
        Networks of the pass.
    stream
        The same recording as audio, for a segmenter or an encoder that reads it.
    tracks
        Further consumers of the trunk's frames.
    progress
        Called with the seconds of the recording that are done.
    """
    trunk, total = models.trunk, models.trunk.count_frames(recording)
    segmenter = models.segmenter.suited_to(recording.duration)
    windows = WindowGrid.over(
        total,
        window_s=segmenter.window_s,
        step_s=segmenter.step_s,
        hop=trunk.frame_hop,
        start=trunk.frame_start,
    )
    segmentation = segmenter.segment(stream, windows, trunk)
    embed: WindowEmbedder = TrunkEmbedder(trunk, windows)
    paired: PairedEmbedder | None = None
    if models.encoder is not None and stream is not None:
        own = TrunkEmbedder(trunk, windows)
        embed = paired = _embed_beside(own, models.encoder, stream, windows, models.precision)
    frame_head = trunk.frame_head
    vad_head = models.vad_head if frame_head is not None else None
    frame_track = None if frame_head is None else FrameEmbeddingTrack(trunk, frame_head, total)
    vad_track = None if vad_head is None else VadFeatureTrack(vad_head, total)
    own_tracks: list[Track] = [track for track in (frame_track, vad_track) if track is not None]
    blocks = BlockPass(
        trunk, windows, segmentation, embed, [*own_tracks, *tracks], models.precision
    )
    found: _Collected | None = None
    for _, frames in trunk.trunk_blocks(recording, models.precision):
        for part in blocks.push(frames):
            found = found or _Collected.like(part, len(windows.starts))
            last = found.store(part)
            if progress is not None:
                progress((int(windows.starts[last]) + windows.length) * windows.hop)
    assert found is not None  # there is always a window
    return LocalSpeakers(
        found.activity,
        windows.starts,
        found.embeddings,
        found.seconds,
        total,
        windows.hop,
        windows.start,
        embed.subsegments,
        None if frame_track is None else frame_track.finish(),
        None if vad_track is None else vad_track.finish(),
        None if paired is None else paired.trunk_embeddings,
    )


def _embed_beside(
    trunk: TrunkEmbedder,
    encoder: SpeakerEncoder,
    stream: AudioStream,
    windows: WindowGrid,
    precision: Precision,
) -> PairedEmbedder:
    """Embed by the trunk and by another encoder, which may be of both."""
    if isinstance(encoder, FusedEncoder):
        other = _embed_by(encoder.other, stream, windows, precision)
        return FusedEmbedder(other, trunk, encoder.join)
    return PairedEmbedder(_embed_by(encoder, stream, windows, precision), trunk)


def _embed_by(
    encoder: SpeakerEncoder, stream: AudioStream, windows: WindowGrid, precision: Precision
) -> WindowEmbedder:
    """Embed by another encoder: in one pass where its frames can be pooled."""
    if isinstance(encoder, PooledEncoder) and encoder.sample_rate == SAMPLE_RATE:
        return ChunkEmbedder(encoder, stream, windows, precision)
    return AudioEmbedder(encoder, stream, windows)


class BlockPass:
    """First pass over consecutive blocks of trunk frames: windows come out once they are whole.

    Whoever has the frames of a recording, or of a live session, pushes them here. Each frame's
    pooling moments are computed once, however many windows it lies in.

    Parameters
    ----------
    trunk
        The encoder whose frames are pushed.
    windows
        Windows to cut.
    segmentation
        Gives the local speakers of a window.
    embed
        Embeds them.
    tracks
        Take in every frame.
    precision
        Numerical precision of the networks.
    """

    def __init__(
        self,
        trunk: LocalEncoder,
        windows: WindowGrid,
        segmentation: Segmentation,
        embed: WindowEmbedder,
        tracks: Sequence[Track] = (),
        precision: Precision = "single",
    ) -> None:
        self.trunk, self.windows, self.precision = trunk, windows, precision
        self.segmentation, self.embed, self.tracks = segmentation, embed, tracks
        self._frames, self._moments = torch.zeros(0), torch.zeros(0)  # from `_origin` on
        self._origin, self._number = 0, 0  # first frame that is held; next window to come

    def push(self, frames: Tensor) -> Iterator[WindowSpeakers]:
        """Take in the next ``frames (n, channels)``, and give out the windows that end in them."""
        with torch.inference_mode(), multiply_in(self.precision, frames.device):
            moments = self.trunk.network.utterance.frame_moments(frames[None])[0]
            for track in self.tracks:
                track.push(frames, moments)
        self._frames = torch.cat([self._frames, frames]) if len(self._frames) else frames
        self._moments = torch.cat([self._moments, moments]) if len(self._moments) else moments
        starts, length = self.windows.starts, self.windows.length
        end = self._origin + len(self._frames)
        while self._number < len(starts) and starts[self._number] + length <= end:
            ready = starts[self._number : self._number + WINDOWS_PER_BATCH]
            yield self._read(ready[ready + length <= end])
        if self._number < len(starts):
            drop = int(starts[self._number]) - self._origin
            self._frames, self._moments = self._frames[drop:], self._moments[drop:]
            self._origin += drop

    def _read(self, first: NDArray[np.int64]) -> WindowSpeakers:
        """Segment and embed the windows that begin at the frames ``first (windows,)``."""
        spans = [slice(begin, begin + self.windows.length) for begin in (first - self._origin)]
        frames = torch.stack([self._frames[span] for span in spans])
        batch = WindowBatch(self._number, first, frames, [self._moments[span] for span in spans])
        with multiply_in(self.precision, frames.device):
            activity = self.segmentation(frames, first)  # (windows, frames, speakers)
        weights = solo_weights(activity, self.windows.hop)
        vectors = self.embed(batch, activity > ACTIVE, weights)
        seconds = weights.sum(1) * self.windows.hop
        self._number += len(first)
        embeddings = np.where(seconds[..., None] > 0, vectors, 0.0)
        return WindowSpeakers(batch.number, activity, embeddings, seconds)


class _Collected(NamedTuple):
    """What all windows give, in arrays with room for it.

    Stored batch by batch, they would leave holes in the memory that batches come and go in.
    """

    activity: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    seconds: NDArray[np.float64]

    @classmethod
    def like(cls, part: WindowSpeakers, windows: int) -> _Collected:
        """Make room for so many windows."""
        return cls(
            np.empty((windows, *part.activity.shape[1:]), np.float32),
            np.empty((windows, *part.embeddings.shape[1:]), np.float32),
            np.empty((windows, *part.seconds.shape[1:]), np.float64),
        )

    def store(self, part: WindowSpeakers) -> int:
        """Store some windows; return the number of the last one."""
        rows = slice(part.number, part.number + len(part.activity))
        self.activity[rows], self.seconds[rows] = part.activity, part.seconds
        self.embeddings[rows] = part.embeddings
        return rows.stop - 1


def solo_weights(activity: NDArray[np.float32], hop: float) -> NDArray[np.float32]:
    """Frames that a local speaker has to itself, or all of its frames where those are too few.

    Shape
    -----
    ``(windows, frames, speakers)`` -> the same, in {0, 1}
    """
    active = activity > ACTIVE
    solo = active & (active.sum(-1, keepdims=True) == 1)
    enough = solo.sum(1, keepdims=True) * hop >= MIN_CLEAN_S
    return np.where(enough, solo, active).astype(np.float32)

"""The embedded encoder: one pass of the trunk over a recording, pooled into any spans.

The trunk has a bounded receptive field, so a recording is processed in blocks, each with the
context that makes it equal to a single pass; memory does not grow with the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE
from diarspk.devices import choose_device, device_of
from diarspk.encoders.base import Embedding, FrameEmbeddings, Span, SpeakerEncoder, check_spans
from diarspk.encoders.local.frame_head import FrameHead
from diarspk.encoders.local.network import SpeakerNetwork, fold_norms
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.features.log_mel import LogMel

if TYPE_CHECKING:
    from diarspk.audio import Audio
    from diarspk.encoders.local.region_pooling import Region
    from diarspk.features.recording import Recording

__all__ = ["LocalEncoder"]

BLOCK_FRAMES = 1500
"""Trunk frames of a block: a minute, so that recomputing the context costs little."""


class LocalEncoder(SpeakerEncoder):
    """Speaker embeddings from a :class:`~diarspk.encoders.local.network.SpeakerNetwork`.

    Memory grows by the features alone, 58 MB an hour.

    Parameters
    ----------
    network : SpeakerNetwork
        Its batch norms are folded into the layers before them, in place.
    fingerprint : str
        Identifies the embedding space.
    frame_head : FrameHead, optional
        Computes frame embeddings. Default: the utterance head, over each frame alone.
    name : str
        Name of the model.
    """

    def __init__(
        self,
        network: SpeakerNetwork,
        fingerprint: str,
        frame_head: FrameHead | None = None,
        *,
        name: str = "",
    ) -> None:
        self.name = name
        self.network = fold_norms(network)
        self.frame_head = None if frame_head is None else frame_head.eval()
        self.log_mel = LogMel()
        self._fingerprint = fingerprint

    @property
    def sample_rate(self) -> int:
        """Sample rate of the network's input in Hz; audio is resampled to it."""
        return SAMPLE_RATE

    @property
    def dimension(self) -> int:
        """Number of dimensions of an embedding."""
        return self.network.config.dimension

    @property
    def frame_hop(self) -> float:
        """Seconds from one trunk frame to the next."""
        return self.network.config.trunk.stride * self.log_mel.config.frame_shift_ms / 1000

    @property
    def prefixes(self) -> tuple[int, ...]:
        """Dimensions of the nested embeddings."""
        return self.network.config.prefixes

    @property
    def fingerprint(self) -> str:
        """Digest that identifies the embedding space."""
        return self._fingerprint

    @property
    def device(self) -> torch.device:
        """Device that the networks are on."""
        return device_of(self.network)

    def to(self, device: str | torch.device) -> LocalEncoder:
        """See :meth:`SpeakerEncoder.to`."""
        chosen = choose_device(device)
        for part in (self.network, self.frame_head, self.log_mel):
            if part is not None:
                part.to(chosen)
        return self

    def embed(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        spans: Sequence[Span] | None = None,
        *,
        channel: int | None = None,
    ) -> Embedding:
        """See :meth:`SpeakerEncoder.embed`."""
        recording = self.analyse(audio, sample_rate, channel=channel)
        if spans is None:
            return self.embed_spans(recording, [(0.0, recording.duration)])[0]
        return self.embed_spans(recording, spans)

    def embed_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """See :meth:`SpeakerEncoder.embed_frames`."""
        recording = self.analyse(audio, sample_rate, channel=channel)
        return FrameEmbeddings(self.embed_each(recording), self.frame_hop, self.frame_start)

    def analyse(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> Recording:
        """Compute the log-mel features of a recording."""
        from diarspk.audio import open_audio
        from diarspk.features.recording import analyse

        return analyse(open_audio(audio, sample_rate, channel=channel), self.log_mel)

    @property
    def frame_start(self) -> float:
        """Centre of the first trunk frame in seconds."""
        return self.log_mel.config.frame_length_ms / 2000

    def region(self, span: Span, frames: int) -> Region:
        """Convert a span in seconds to the trunk frames centred in it, at least one.

        Parameters
        ----------
        span
            Half-open ``(start, end)`` in seconds.
        frames
            Number of trunk frames of the recording.
        """
        from diarspk.encoders.local.region_pooling import Region

        start, end = span
        first = round((start - self.frame_start) / self.frame_hop)
        last = round((end - self.frame_start) / self.frame_hop)
        first = min(max(first, 0), frames - 1)
        last = min(max(last, first + 1), frames)
        return Region(first, np.ones(last - first, np.float32))

    def embed_spans(self, recording: Recording, spans: Sequence[Span]) -> Embedding:
        """Embed ``n`` spans in seconds from one pass of the trunk: unit vectors ``(n, dim)``.

        Raises
        ------
        ArgumentError
            If a span is empty or lies outside the recording.
        """
        frames = self.count_frames(recording)
        regions = [self.region(span, frames) for span in check_spans(spans, recording.duration)]
        return self.embed_regions(recording, regions)

    def embed_regions(
        self,
        recording: Recording,
        regions: Sequence[Region],
        *,
        progress: Callable[[float], None] | None = None,
    ) -> Embedding:
        """Embed ``n`` regions from one pass of the trunk: unit vectors ``(n, dim)``.

        Parameters
        ----------
        recording, regions
        progress
            Called with the seconds processed so far.
        """
        from diarspk.encoders.local.region_pooling import RegionPool

        pool = RegionPool(self.network, regions)
        for first, frames in self.trunk_blocks(recording):
            pool.add(first, frames)
            if progress is not None:
                progress((first + len(frames)) * self.frame_hop)
        return pool.embeddings

    def count_frames(self, recording: Recording) -> int:
        """Count the trunk frames of a recording."""
        stride = self.network.config.trunk.stride
        return -(-len(recording.features) // stride)

    def trunk_blocks(
        self, recording: Recording, precision: Precision = "single"
    ) -> Iterator[tuple[int, Tensor]]:
        """Compute trunk frames block by block, equal to a single pass.

        Yields
        ------
        (int, Tensor)
            First trunk frame of the block, and ``(frames, channels)`` on the device of the
            network, in float32 whatever the precision of inference.
        """
        stride, context = self.network.config.trunk.stride, self.network.config.trunk.context
        total = self.count_frames(recording)
        for first in range(0, total, BLOCK_FRAMES):
            last = min(first + BLOCK_FRAMES, total)
            before = min(context, first)  # there is less context at the start of the recording
            features = recording.normalized((first - before) * stride, (last + context) * stride)
            with torch.inference_mode(), multiply_in(precision, self.device):
                frames = self.network.trunk(features[None].to(self.device))[0].float()
            # The frames of the context saw the block's edge: only those of the block are exact.
            yield first, frames[before : before + last - first]

    def embed_each(self, recording: Recording) -> Embedding:
        """Embed every trunk frame, by the frame head where there is one: ``(frames, dim)``."""
        blocks = (frames for _, frames in self.trunk_blocks(recording))
        if self.frame_head is None:
            return np.concatenate([self._embed_alone(block) for block in blocks])
        vectors = self.frame_head.stream(blocks, self.network.utterance)
        return np.concatenate([each.numpy(force=True) for each in vectors])

    @torch.inference_mode()
    def _embed_alone(self, frames: Tensor) -> Embedding:
        """Embed each frame on its own by the utterance head: unit vectors ``(frames, dim)``."""
        alone = torch.eye(len(frames), device=frames.device)[None]
        vectors = self.network.utterance(frames[None], alone)[0]
        return nn.functional.normalize(vectors, dim=-1).numpy(force=True)

"""The frame head: one speaker embedding for every frame of the trunk.

An embedding of a window with two speakers lies between theirs. Here each frame selects, by
attention, the frames around it that the utterance head pools for it, so a frame near a speaker
change is embedded from its own speaker. This is the enhancer that replaces global pooling in Heo
et al. 2022 (high-resolution embedding extractor, arXiv 2211.04060), built such that its vectors lie
in the space of the utterance head: untrained, it pools about a second around each frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from diarspk.checkpoints.heads import HeadFormat
from diarspk.encoders.local.conformer import BLOCK, ConformerLayer, LocalWeights, cut_windows
from diarspk.encoders.local.network import UtteranceHead

__all__ = ["FRAME_HEADS", "FrameHead", "FrameHeadConfig", "FrameStream"]


EVERY_FRAME = slice(None)


@dataclass(frozen=True)
class FrameHeadConfig:
    """Dimensions of a :class:`FrameHead`; they are saved with its weights."""

    width: int = 512  # the first channels of a trunk frame, which are learned
    channels: int = 128
    layers: int = 2
    heads: int = 4
    kernel: int = 15
    reach: int = 25  # trunk frames on each side that a layer attends to: a second
    pooled_reach: int = 40  # trunk frames on each side that are pooled: 3.24 s in all
    dimension: int = 192

    @property
    def context(self) -> int:
        """Receptive field: trunk frames on each side that influence an embedding."""
        return self.layers * (self.reach + self.kernel // 2) + self.pooled_reach


class FrameHead(nn.Module):
    """Embedding of every trunk frame, in the space of an utterance head.

    Shape
    -----
    frames ``(batch, frames, width)`` -> unit vectors ``(batch, frames, dimension)``; ``mask``
    ``(batch, frames)`` is true on valid frames, and vectors are zero elsewhere.
    """

    def __init__(self, config: FrameHeadConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or FrameHeadConfig()
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, config.channels)
        self.layers = nn.ModuleList(
            ConformerLayer(config.channels, config.heads, config.kernel, config.reach)
            for _ in range(config.layers)
        )
        self.pool = LocalWeights(config.channels, 1, config.pooled_reach)
        self.correct = nn.Linear(config.channels, config.dimension)
        self._initialise_as_window()

    def _initialise_as_window(self) -> None:
        """Initialise to pooling with a Gaussian weight of about a second, without correction."""
        reach = self.config.pooled_reach
        distance = torch.arange(-reach, reach + 1) / max(reach, 1)
        with torch.no_grad():
            self.pool.bias.copy_(-8 * distance.square())
        for layer in (self.pool.query, self.correct):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        frames: Tensor,
        utterance: UtteranceHead,
        mask: Tensor | None = None,
        wanted: slice = EVERY_FRAME,
        moments: Tensor | None = None,
    ) -> Tensor:
        """Embed the ``wanted`` frames.

        Parameters
        ----------
        frames
            Trunk frames ``(batch, frames, channels)``.
        utterance
            Pools the frames that attention selects.
        mask
            Valid frames ``(batch, frames)``. Default: all.
        wanted
            Frames to embed. Default: all.
        moments
            Output of :meth:`UtteranceHead.frame_moments` for the frames, where the caller has it.
        """
        if mask is None:
            mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        frames = frames.masked_fill(~mask.unsqueeze(-1), 0.0)
        if moments is None:
            moments = utterance.frame_moments(frames)
        x = self.project(self.norm(frames[..., : self.config.width]))
        for layer in self.layers:
            x = layer(x, mask)
        weights = self.pool(x, mask).squeeze(2)  # (batch, blocks, BLOCK, keys)
        with torch.autocast(x.device.type, enabled=False):  # variances cancel in bfloat16
            chosen = self._pool(weights.to(moments.dtype), moments, wanted)
            pooled = nn.functional.normalize(utterance.embed_moments(chosen), dim=-1)
        vectors = nn.functional.normalize(pooled + self.correct(x[:, wanted]), dim=-1)
        return vectors.masked_fill(~mask[:, wanted].unsqueeze(-1), 0.0)

    def _pool(self, weights: Tensor, moments: Tensor, wanted: slice) -> Tensor:
        """Sum moments ``(batch, frames, heads, sums)`` with the weights of the wanted frames."""
        near = cut_windows(moments.flatten(2), self.config.pooled_reach)
        # Places are computed on the processor: a shape that a GPU finds would stall it.
        block, row = np.divmod(np.arange(moments.shape[1])[wanted], BLOCK)
        number = np.arange(len(block)) - np.searchsorted(block, block)
        rows = np.zeros((near.shape[1], number.max() + 1), np.int64)  # wanted ones of each block
        rows[block, number] = row
        chosen = torch.from_numpy(rows).to(weights.device)
        summed = weights.take_along_dim(chosen[None, :, :, None], dim=2) @ near
        return summed[:, block, number].view_as(moments[:, wanted])

    def stream(self, blocks: Iterable[Tensor], utterance: UtteranceHead) -> Iterator[Tensor]:
        """Embed a recording in consecutive blocks ``(frames, channels)``, equal to a single pass.

        Yields ``(frames, dimension)``, in blocks of other lengths.
        """
        stream = FrameStream(self, utterance)
        for block in blocks:
            with torch.inference_mode():
                moments = utterance.frame_moments(block[None])[0]
            if len(vectors := stream.push(block, moments)):
                yield vectors
        if len(vectors := stream.flush()):
            yield vectors


class FrameStream:
    """Streaming frame head: embeds each frame of a recording as soon as its context is complete.

    It buffers the frames that are not embedded yet, and their context.

    Parameters
    ----------
    head, utterance
        The networks.
    every
        Hop between embedded frames, from the recording's first.
    """

    def __init__(self, head: FrameHead, utterance: UtteranceHead, every: int = 1) -> None:
        self.head, self.utterance, self.every = head, utterance, every
        self._buffer = torch.zeros(0)  # from frame `_origin` on
        self._moments = torch.zeros(0)  # of the same frames
        self._origin = 0  # first buffered frame of the recording
        self._done = 0  # frames of the recording that are embedded

    def push(self, block: Tensor, moments: Tensor) -> Tensor:
        """Push the next frames; return the embeddings that they complete.

        Shape
        -----
        block ``(frames, channels)``, and its :meth:`UtteranceHead.frame_moments`
        ``(frames, heads, sums)`` -> ``(n, dimension)``
        """
        block = block[:, : self.head.config.width]
        self._buffer = torch.cat([self._buffer, block]) if len(self._buffer) else block
        self._moments = torch.cat([self._moments, moments]) if len(self._moments) else moments
        context = self.head.config.context
        vectors = self._embed(max(self._origin + len(self._buffer) - context, self._done))
        drop = max(self._done - context - self._origin, 0)
        self._buffer, self._moments = self._buffer[drop:], self._moments[drop:]
        self._origin += drop
        return vectors

    def flush(self) -> Tensor:
        """Return the embeddings of the last frames, whose context the recording's end cuts."""
        return self._embed(self._origin + len(self._buffer))

    @torch.inference_mode()
    def _embed(self, last: int) -> Tensor:
        """Embed the frames up to ``last`` of the recording."""
        first = -(-self._done // self.every) * self.every
        self._done = last
        if first >= last:
            return torch.zeros(0, self.head.config.dimension)
        wanted = slice(first - self._origin, last - self._origin, self.every)
        found: Tensor = self.head(
            self._buffer[None], self.utterance, wanted=wanted, moments=self._moments[None]
        )
        return found[0]


FRAME_HEADS = HeadFormat(
    section="frames",
    kind="frame head",
    build=lambda **settings: FrameHead(FrameHeadConfig(**settings)),
    recipe="recipes.embedded.frames.train",
)
"""Format of the checkpoints of frame heads; the keys are those of files, and stay."""

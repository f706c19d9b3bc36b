"""Front ends as encoders: statistics of their layers over time, summed with learned weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE, Audio, load_audio
from diarspk.checkpoints.digest import digest_weights
from diarspk.devices import choose_device, device_of
from diarspk.encoders.base import Embedding, FrameEmbeddings
from diarspk.encoders.clips import ClipEncoder, Waveform, WindowConfig
from diarspk.encoders.s3prl.upstream import Upstream

__all__ = ["FrontEndEncoder", "sum_layers"]

AROUND = 5
"""Frames on either side of one, mostly 0.1 s, over which a frame embedding has its statistics."""


class FrontEndEncoder(ClipEncoder):
    """Embeddings of a front end alone, without an architecture on top.

    Of every layer the mean and the deviation over time are taken, and scaled to unit norm, so that
    no layer outweighs the others; the embedding is their sum with softmax weights, which are equal
    until whoever reads it learns them (SUPERB, Yang et al. 2021, does so with frames). A frame
    embedding is made of the frames around it.

    Parameters
    ----------
    upstream
        From :func:`diarspk.encoders.upstreams.load_upstream`; its ``weights`` are the weights.
    config
        Only the length of a forward pass counts.
    """

    def __init__(self, upstream: Upstream, config: WindowConfig | None = None) -> None:
        self.upstream = upstream.eval()
        self.config = config or WindowConfig()
        self.name = upstream.config.name
        self._digest = digest_weights(upstream.network, upstream.description)

    @property
    def sample_rate(self) -> int:
        """Sample rate of the network's input in Hz; audio is resampled to it."""
        return SAMPLE_RATE

    @property
    def layers(self) -> int:
        """Number of layers that are summed."""
        return 1 if self.upstream.weights is None else self.upstream.layers

    @property
    def dimension(self) -> int:
        """Number of dimensions of an embedding: mean and deviation of each channel."""
        return 2 * self.upstream.channels

    @property
    def frame_hop(self) -> float:
        """Seconds from one frame of the front end to the next."""
        return self.upstream.stride / SAMPLE_RATE

    @property
    def fingerprint(self) -> str:
        """Digest of the front end and of the weights of its layers."""
        weights = self.upstream.weights
        learned = b"" if weights is None or not weights.any() else weights.numpy(force=True)
        return hashlib.sha256(self._digest.encode() + bytes(learned)).hexdigest()[:16]

    @property
    def loaded_as(self) -> str:
        """Fingerprint with equal weights, whatever was learned since it was loaded."""
        return hashlib.sha256(self._digest.encode()).hexdigest()[:16]

    @property
    def device(self) -> torch.device:
        """Device that the network is on."""
        return device_of(self.upstream)

    def to(self, device: str | torch.device) -> FrontEndEncoder:
        """See :meth:`SpeakerEncoder.to`."""
        self.upstream.to(choose_device(device))
        return self

    def measure_layers(self, waveform: Tensor) -> Tensor:
        """Compute unit vectors ``(batch, layers, dim)`` of waveforms ``(batch, time)``.

        Gradients pass where the front end is tuned. A waveform that is too short is repeated.
        """
        frames = self.upstream.compute_layers(_long_enough(waveform, self.upstream.minimum))
        statistics = [frames.mean(2), frames.var(2, correction=0).clamp_min(1e-12).sqrt()]
        return nn.functional.normalize(torch.cat(statistics, dim=-1), dim=-1)

    def weigh(self, statistics: Tensor) -> Tensor:
        """Sum statistics ``(batch, layers, dim)`` to unit vectors ``(batch, dim)``."""
        return sum_layers(statistics, self.upstream.weights)

    @torch.inference_mode()
    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """See :meth:`ClipEncoder.embed_parts`; one by one, as padding would change the output."""
        vectors = np.zeros((len(parts), self.dimension), np.float32)
        for row, statistics in zip(vectors, self.measure_parts(parts), strict=True):
            row[:] = self.weigh(torch.from_numpy(statistics)[None].to(self.device)).numpy(
                force=True
            )
        return vectors

    @torch.inference_mode()
    def measure_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """:meth:`measure_layers` of waveforms of any lengths: ``(n, layers, dim)``."""
        measured = np.zeros((len(parts), self.layers, self.dimension), np.float32)
        for row, part in zip(measured, parts, strict=True):
            waveform = torch.from_numpy(np.ascontiguousarray(part))[None].to(self.device)
            row[:] = self.measure_layers(waveform)[0].numpy(force=True)
        return measured

    @torch.inference_mode()
    def embed_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """See :meth:`SpeakerEncoder.embed_frames`: statistics of the frames around each."""
        waveform = load_audio(audio, sample_rate, channel=channel)
        parts = []
        for part in self._parts(waveform):
            samples = torch.from_numpy(np.ascontiguousarray(part))[None].to(self.device)
            layers = self.upstream.compute_layers(_long_enough(samples, self.upstream.minimum))[0]
            mean, power = _mean_around(layers), _mean_around(layers.square())
            deviation = (power - mean.square()).clamp_min(1e-12).sqrt()
            around = nn.functional.normalize(torch.cat([mean, deviation], dim=-1), dim=-1)
            parts.append(self.weigh(around.transpose(0, 1)))  # (frames, layers, dim)
        data = torch.cat(parts).numpy(force=True)
        return FrameEmbeddings(data, self.frame_hop, self.frame_hop / 2)


def sum_layers(statistics: Tensor, weights: Tensor | None) -> Tensor:
    """Sum ``(n, layers, dim)`` with softmax weights ``(layers,)``: unit vectors ``(n, dim)``."""
    if weights is None:
        return nn.functional.normalize(statistics[:, 0], dim=-1)
    return nn.functional.normalize(weights.softmax(0) @ statistics, dim=-1)


def _mean_around(frames: Tensor) -> Tensor:
    """Mean of each of ``(layers, frames, channels)`` and of :data:`AROUND` on either side."""
    rows = frames.transpose(1, 2)
    mean = nn.functional.avg_pool1d(
        rows, 2 * AROUND + 1, stride=1, padding=AROUND, count_include_pad=False
    )
    return mean.transpose(1, 2)


def _long_enough(waveform: Tensor, minimum: int) -> Tensor:
    """Repeat ``(batch, time)`` until it is as long as a network needs."""
    times = -(-minimum // waveform.shape[1])
    return waveform if times <= 1 else waveform.repeat(1, times)[:, :minimum]

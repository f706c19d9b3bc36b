"""Encoder from any architecture and front end: spans in batches of similar lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.audio import Audio, load_audio
from diarspk.checkpoints.digest import digest_weights
from diarspk.devices import choose_device, device_of
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import length_mask
from diarspk.encoders.base import Embedding, FrameEmbeddings
from diarspk.encoders.clips import ClipEncoder, Waveform, WindowConfig
from diarspk.encoders.front_end import FrontEnd
from diarspk.encoders.pooled import PooledEncoder

__all__ = ["WindowConfig", "WindowedEncoder", "build_encoder", "fingerprint_of"]


class WindowedEncoder(ClipEncoder, PooledEncoder):
    """Speaker embeddings from an :class:`~diarspk.encoders.architectures.base.Architecture`.

    A span is embedded as if it were a recording of its own; one too short for the network is
    repeated until it is long enough.

    Parameters
    ----------
    network : Architecture
        It is put into evaluation mode.
    front_end : FrontEnd
        Computes the network's input.
    config : WindowConfig, optional
    """

    def __init__(
        self,
        network: Architecture,
        front_end: FrontEnd,
        config: WindowConfig | None = None,
    ) -> None:
        self.network = network.eval()
        self.front_end = front_end
        self.config = config or WindowConfig()
        self._fingerprint = fingerprint_of(network, front_end)

    @property
    def sample_rate(self) -> int:
        """Rate in Hz that audio is brought to."""
        return self.front_end.sample_rate

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.network.dimension

    @property
    def fingerprint(self) -> str:
        """Identifies the embedding space."""
        return self._fingerprint

    @property
    def device(self) -> torch.device:
        """Device that the network is on."""
        return device_of(self.network)

    def to(self, device: str | torch.device) -> WindowedEncoder:
        """See :meth:`SpeakerEncoder.to`."""
        chosen = choose_device(device)
        self.network.to(chosen)
        self.front_end.to(chosen)
        return self

    @property
    def frame_hop_samples(self) -> int:
        """See :class:`PooledEncoder`."""
        return self.network.stride * self.front_end.hop_samples

    @property
    def first_frame_sample(self) -> int:
        """See :class:`PooledEncoder`."""
        offset = self.network.offset * self.front_end.hop_samples
        return offset + self.front_end.samples_for(1) // 2

    @torch.inference_mode()
    def encode_stretch(self, samples: Waveform) -> Tensor:
        """See :meth:`PooledEncoder.encode_stretch`; a stretch that is too short is repeated."""
        return self.network.encode(self._inputs(samples)[None])[0][0]

    @torch.inference_mode()
    def pool_frames(self, frames: Tensor, masks: Tensor) -> Embedding:
        """See :meth:`PooledEncoder.pool_frames`."""
        vectors = self.network.project(self.network.pool(frames, masks.to(frames.device)))
        return nn.functional.normalize(vectors, dim=-1).numpy(force=True)

    def embed_masked(self, windows: Waveform, masks: NDArray[np.bool_]) -> Embedding:
        """See :meth:`SpeakerEncoder.embed_masked`; a network with local frames pools under masks.

        As in pyannote.audio with its ResNets: one forward pass per window, whose features are
        normalised over the whole window, and the mask as weights of the pooling.
        """
        if not self.network.local:
            return super().embed_masked(windows, masks)
        vectors = np.zeros((len(windows), masks.shape[2], self.dimension), np.float32)
        for chosen in self._batches([windows.shape[1]] * len(windows)):
            vectors[chosen] = self._pool_masked(windows[chosen], masks[chosen])
        vectors[~np.asarray(masks.any(axis=1))] = 0
        return vectors

    @torch.inference_mode()
    def _pool_masked(self, windows: Waveform, masks: NDArray[np.bool_]) -> Embedding:
        """Pool every speaker from one forward pass: unit vectors ``(windows, speakers, dim)``."""
        frames, _ = self.network.encode(torch.stack([self._inputs(window) for window in windows]))
        places = np.arange(frames.shape[1]) * self.network.stride + self.network.offset
        samples = places * self.front_end.hop_samples + self.front_end.samples_for(1) // 2
        nearest = samples % windows.shape[1] * masks.shape[1] // windows.shape[1]
        vectors = []
        for own in masks.transpose(2, 0, 1):  # (windows, frames) of each speaker
            pooled_frames = own[:, nearest]
            # A mask shorter than a frame of the network selects none: take the closest one.
            missed = ~pooled_frames.any(axis=1)
            closest = np.abs(nearest - own.argmax(axis=1)[:, None]).argmin(axis=1)
            pooled_frames[missed, closest[missed]] = True
            pooled = self.network.pool(frames, torch.from_numpy(pooled_frames).to(frames.device))
            vectors.append(nn.functional.normalize(self.network.project(pooled), dim=-1))
        return torch.stack(vectors, dim=1).numpy(force=True)

    def encode_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """Compute frame features ``(frames, channels)``: the input of the network's pooling.

        A recording longer than ``config.longest`` is encoded in equal parts.
        """
        waveform = load_audio(audio, sample_rate, channel=channel)
        with torch.inference_mode():
            parts = [
                self.network.encode(self._inputs(part)[None])[0][0]
                for part in self._parts(waveform)
            ]
        hop = self.network.stride * self.front_end.hop_samples / self.sample_rate
        first = self.front_end.samples_for(1) / 2 + self.network.offset * self.front_end.hop_samples
        return FrameEmbeddings(torch.cat(parts).numpy(force=True), hop, first / self.sample_rate)

    @torch.inference_mode()
    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """See :meth:`ClipEncoder.embed_parts`; in batches of similar lengths."""
        embeddings = np.zeros((len(parts), self.dimension), np.float32)
        for chosen in self._batches([len(part) for part in parts]):
            batch, mask = _pad([self._inputs(parts[index]) for index in chosen])
            vectors = self.network(batch, mask)
            embeddings[chosen] = nn.functional.normalize(vectors, dim=-1).numpy(force=True)
        return embeddings

    def _inputs(self, waveform: Waveform) -> Tensor:
        """Compute the network's input; a waveform that is too short is repeated."""
        least = self.front_end.samples_for(self.network.minimum)
        if len(waveform) < least:
            waveform = np.resize(waveform, least)
        samples = torch.from_numpy(np.ascontiguousarray(waveform))
        return self.front_end(samples.to(self.device))


def fingerprint_of(network: Architecture, front_end: FrontEnd) -> str:
    """Digest of weights, architecture and front end: 16 hexadecimal digits of SHA-256."""
    return digest_weights(network, f"{type(network).__name__} {front_end.describe()}")[:16]


def _pad(items: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Pad items ``(frames, ...)`` with zeros to one batch, and mask the padding."""
    lengths = [len(item) for item in items]
    batch = nn.utils.rnn.pad_sequence(list(items), batch_first=True)
    if min(lengths) == batch.shape[1]:
        return batch, None
    return batch, length_mask(torch.tensor(lengths, device=batch.device), batch.shape[1])


def build_encoder(
    name: str, *, dimension: int | None = None, pooling: str | None = None, seed: int = 0
) -> WindowedEncoder:
    """Build an encoder with random weights; see :func:`diarspk.encoders.build_architecture`."""
    # Imported here, so that a WindowedEncoder does not bring every architecture with it.
    from diarspk.encoders.architectures.registry import build_architecture, find_architecture

    network = build_architecture(name, dimension=dimension, pooling=pooling, seed=seed)
    encoder = WindowedEncoder(network.requires_grad_(False), find_architecture(name).front_end)
    encoder.name = name
    return encoder

"""S3PRL's upstreams as modules from waveforms to frame features."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.masking import Mask, length_mask
from diarspk.encoders.s3prl.compatibility import import_s3prl
from diarspk.encoders.s3prl.sources import check_source
from diarspk.errors import ArgumentError, ModelError

__all__ = ["Upstream", "UpstreamConfig", "load_upstream"]

MIN_SAMPLES = 800
"""Shorter input would be zero-padded by S3PRL."""


@dataclass(frozen=True)
class UpstreamConfig:
    """Upstream, and the layers of it that are used.

    Attributes
    ----------
    name : str
        One of :func:`diarspk.encoders.s3prl.available_upstreams`.
    path : str, optional
        Checkpoint, for names that end in ``_local`` or ``_custom``.
    layer : int, optional
        Hidden layer, from 0 (the input of the first) or from the end (-1). Default: the sum of all
        layers with learned softmax weights, as in SUPERB.
    tuned : bool
        Fine-tune the upstream. Otherwise it has no gradients, and stays in evaluation mode after
        :meth:`torch.nn.Module.train`.
    normalize : bool
        Layer norm of each frame of each layer, without scale.
    """

    name: str
    path: str | None = None
    layer: int | None = None
    tuned: bool = False
    normalize: bool = False


def load_upstream(config: UpstreamConfig, *, download: bool = False) -> Upstream:
    """Load an upstream.

    Parameters
    ----------
    config
    download
        Allow S3PRL to download a checkpoint.

    Raises
    ------
    ArgumentError
        If there is no such upstream or layer.
    ModelError
        If s3prl or the checkpoint is missing, or the checkpoint cannot be read.
    """
    check_source(config.name, config.path, download=download)
    package = import_s3prl()
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            network = package.S3PRLUpstream(
                config.name, path_or_url=config.path, normalize=config.normalize
            )
    except Exception as error:  # each upstream fails in its own way
        fault = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ModelError(
            f"{config.path or config.name}: s3prl cannot load it as {config.name} ({fault})"
        ) from error
    return Upstream(network, config)


class Upstream(nn.Module):
    """Loaded upstream.

    Items of unequal lengths run one by one, since the output of S3PRL depends on the padding of a
    batch. Training on crops of one length is not slowed down.

    Shape
    -----
    waveform at 16 kHz ``(batch, time)``, mask ``(batch, time)`` -> ``(batch, frames, channels)``,
    mask ``(batch, frames)``

    Attributes
    ----------
    channels : int
    layers : int
        Number of hidden layers of the upstream, its input included.
    stride : int
        Hop of the frames in samples.
    minimum : int
        Minimum length of an item in samples.
    """

    minimum = MIN_SAMPLES

    def __init__(self, network: Any, config: UpstreamConfig) -> None:
        super().__init__()
        self.config, self.network = config, network
        self.layers = int(network.num_layers)
        if config.layer is not None and not -self.layers <= config.layer < self.layers:
            raise ArgumentError(
                f"`layer` must be one of the {self.layers} layers of {config.name}, from 0, got "
                f"{config.layer}"
            )
        chosen = slice(None) if config.layer is None else slice(config.layer, None)
        sizes, strides = set(network.hidden_sizes[chosen]), set(network.downsample_rates[chosen])
        if config.layer is not None:
            sizes = {network.hidden_sizes[config.layer]}
            strides = {network.downsample_rates[config.layer]}
        if len(sizes) > 1 or len(strides) > 1:
            raise ArgumentError(
                f"`layer` must be given for {config.name}: its layers have {sorted(sizes)} "
                f"channels every {sorted(strides)} samples, which cannot be summed"
            )
        (self.channels,), (self.stride,) = sizes, strides
        weighted = config.layer is None and self.layers > 1
        self.weights = nn.Parameter(torch.zeros(self.layers)) if weighted else None
        self.network.requires_grad_(config.tuned)
        self.train(self.training)

    def train(self, mode: bool = True) -> Upstream:
        """Set the mode; a frozen upstream stays in evaluation mode, without dropout."""
        super().train(mode)
        if not self.config.tuned:
            self.network.eval()
        return self

    def forward(self, waveform: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """Compute features, and the mask of their frames."""
        lengths = [waveform.shape[1]] * len(waveform) if mask is None else mask.sum(1).tolist()
        if len(set(lengths)) == 1:
            features = self._features(waveform[:, : lengths[0]])
            return features, None if mask is None else features.new_ones(features.shape[:2]).bool()
        items = [
            self._features(item[None, :length])[0]
            for item, length in zip(waveform, lengths, strict=True)
        ]
        frames = torch.tensor([len(item) for item in items], device=waveform.device)
        batch = nn.utils.rnn.pad_sequence(items, batch_first=True)
        return batch, length_mask(frames, batch.shape[1])

    def _features(self, waveform: Tensor) -> Tensor:
        """Compute the features of items of one length."""
        lengths = torch.full((len(waveform),), waveform.shape[1], device=waveform.device)
        with torch.set_grad_enabled(self.config.tuned and torch.is_grad_enabled()):
            hidden, _ = self.network(waveform, lengths)
        if self.weights is None:
            return hidden[0 if self.config.layer is None else self.config.layer]
        shares = self.weights.softmax(0)
        stacked = torch.stack(hidden)  # (layers, batch, frames, channels)
        return (shares[:, None, None, None] * stacked).sum(0)

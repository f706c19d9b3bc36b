"""The network of a run: an architecture, on log-mel features, the waveform, or a front end."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import nn

from diarspk import load_encoder
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.registry import ARCHITECTURES, build_architecture
from diarspk.encoders.frame_cache import FrameCache
from diarspk.encoders.front_end import MelFrontEnd, WaveformFrontEnd
from diarspk.encoders.s3prl.encoder import UpstreamArchitecture, stack_architecture
from diarspk.encoders.s3prl.upstream import UpstreamConfig
from diarspk.encoders.upstreams import load_upstream, parse_upstream
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig
from recipes.zoo.settings import FrontEndSettings, Phase, Settings

__all__ = ["build_network", "input_features", "keep_frames", "on_waveform", "tune_front_end"]


def on_waveform(settings: Settings) -> bool:
    """Whether the network reads the waveform, by itself or through a front end."""
    return input_features(settings) is None


def input_features(settings: Settings) -> FeatureConfig | None:
    """Choose the input of a network: log-mel bins, as many as published, or the waveform.

    The published windows and scales are left aside, but for those of an encoder to begin with: the
    mean over time, which is taken off, holds a scale anyway.
    """
    if settings.weights:
        return _features_of(settings.weights)
    published = ARCHITECTURES[settings.architecture].features
    if published is None or settings.front_end is not None:
        return None
    return FeatureConfig(mels=published.mels)


def build_network(settings: Settings) -> Architecture:
    """Build the network of a run: with the weights of its seed, or those that it begins with.

    Raises
    ------
    ArgumentError
        If the encoder to begin with is of another architecture.
    """
    if settings.weights:
        network = _load(settings.weights).network
        _check_fit(settings, network)
        return network.requires_grad_(True)
    if settings.front_end is not None and settings.front_end.name:
        return stack_architecture(
            load_upstream(_config(settings.front_end)),
            settings.architecture,
            dimension=settings.dimension,
            pooling=settings.pooling,
            seed=settings.seed,
        )
    features = input_features(settings)
    return build_architecture(
        settings.architecture,
        dimension=settings.dimension,
        pooling=settings.pooling,
        mels=None if features is None else features.mels,
        seed=settings.seed,
    )


def tune_front_end(network: nn.Module, phase: Phase) -> None:
    """Freeze the front end in a phase, or let it be tuned; other networks stay as they are."""
    if isinstance(network, UpstreamArchitecture):
        network.upstream.set_tuned(phase.front_end_rate > 0)


def keep_frames(network: nn.Module, settings: FrontEndSettings | None) -> None:
    """Keep the frames of a frozen front end in the cache of the settings, if they have one."""
    if isinstance(network, UpstreamArchitecture) and settings is not None and settings.cache:
        network.upstream.cache = FrameCache(Path(settings.cache), settings.cache_gigabytes)


def _config(settings: FrontEndSettings) -> UpstreamConfig:
    return parse_upstream(
        settings.name,
        layer=settings.layer,
        normalize=settings.normalize,
        centred=settings.centred,
    )


def _load(weights: str) -> WindowedEncoder:
    encoder = load_encoder(weights)
    if not isinstance(encoder, WindowedEncoder):
        raise ArgumentError(
            f"`weights` must be an encoder of one of the architectures, got {weights}, a "
            f"{type(encoder).__name__}"
        )
    return encoder


@cache
def _features_of(weights: str) -> FeatureConfig | None:
    front_end = _load(weights).front_end
    if isinstance(front_end, MelFrontEnd):
        return front_end.config
    if isinstance(front_end, WaveformFrontEnd):
        return None
    raise ArgumentError(
        f"`weights` must be an encoder on Kaldi's features, the waveform or a front end, got "
        f"{weights}, whose features are computed by {type(front_end).__name__}"
    )


def _check_fit(settings: Settings, network: Architecture) -> None:
    """Check that a network is that of the settings, but for its weights."""
    inner = network.network if isinstance(network, UpstreamArchitecture) else network
    mels = network.upstream.channels if isinstance(network, UpstreamArchitecture) else None
    with torch.device("meta"):
        expected = build_architecture(
            settings.architecture,
            dimension=settings.dimension,
            pooling=settings.pooling,
            mels=mels,
        )
    shapes = {name: tensor.shape for name, tensor in expected.state_dict().items()}
    if shapes != {name: tensor.shape for name, tensor in inner.state_dict().items()}:
        raise ArgumentError(
            f"`weights` must be those of {settings.architecture} (dimension "
            f"{expected.dimension}), got {settings.weights}, whose tensors are others; give its "
            "--architecture, --dimension and --pooling"
        )

"""Architectures by name, at their published sizes, with random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch

from diarspk.encoders.architectures import ecapa, resnet, xvector
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.campplus import (
    CAMPPLUS_FEATURES,
    CamPlusPlus,
    CamPlusPlusConfig,
)
from diarspk.encoders.architectures.mfa_conformer import MfaConformer, MfaConformerConfig
from diarspk.encoders.architectures.rawnet3 import RawNet3, RawNet3Config
from diarspk.encoders.architectures.redimnet import REDIMNET, ReDimNet
from diarspk.encoders.architectures.ska_tdnn import SkaTdnn, SkaTdnnConfig
from diarspk.encoders.front_end import FrontEnd, MelFrontEnd, WaveformFrontEnd
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig

__all__ = [
    "ARCHITECTURES",
    "ArchitectureEntry",
    "build_architecture",
    "count_parameters",
    "find_architecture",
]


@dataclass(frozen=True)
class ArchitectureEntry:
    """Architecture at one size.

    Attributes
    ----------
    name : str
    network : callable
        Builds the network of a configuration.
    config : object
        Frozen dataclass with the field ``dimension``.
    features : FeatureConfig, optional
        Input features; None for the waveform.
    source : str
        Paper, and the implementation whose size it has.
    """

    name: str
    network: Callable[[Any], Architecture]
    config: Any
    features: FeatureConfig | None
    source: str

    @property
    def front_end(self) -> FrontEnd:
        """Front end that computes the network's input."""
        return WaveformFrontEnd() if self.features is None else MelFrontEnd(self.features)


MELS80, MELS72 = FeatureConfig(), FeatureConfig(mels=72)
_ECAPA = "Desplanques et al. 2020"
_RESNETS = (18, 34, 50, 101, 152, 221, 293)


def _entries() -> list[ArchitectureEntry]:
    entry = ArchitectureEntry
    xvectors = [
        entry(name, xvector.XVector, config, MELS80, f"Snyder et al. 2018, as in {project}")
        for name, config, project in (
            ("x-vector", xvector.WESPEAKER_XVECTOR, "WeSpeaker"),
            ("x-vector-espnet", xvector.ESPNET_XVECTOR, "ESPnet"),
        )
    ]
    ecapas = [
        entry(name, ecapa.EcapaTdnn, config, MELS80, f"{_ECAPA}, as in {project}")
        for name, config, project in (
            ("ecapa-c512", ecapa.WESPEAKER_ECAPA, "WeSpeaker"),
            ("ecapa-c1024", replace(ecapa.WESPEAKER_ECAPA, channels=1024), "WeSpeaker"),
            ("ecapa-espnet-c512", replace(ecapa.ESPNET_ECAPA, channels=512), "ESPnet"),
            ("ecapa-espnet-c1024", ecapa.ESPNET_ECAPA, "ESPnet"),
            ("ecapa-speechbrain", ecapa.SPEECHBRAIN_ECAPA, "SpeechBrain"),
        )
    ]
    resnets = [
        entry(
            f"resnet{depth}",
            resnet.ResNet,
            getattr(resnet, f"RESNET{depth}"),
            MELS80,
            "He et al. 2016, as in WeSpeaker",
        )
        for depth in _RESNETS
    ]
    small_conformer = MfaConformerConfig(width=256, heads=4)
    conformer_source = "Zhang et al. 2022, as in ESPnet"
    others = [
        entry("campplus", CamPlusPlus, CamPlusPlusConfig(), CAMPPLUS_FEATURES, "Wang et al. 2023"),
        entry("rawnet3", RawNet3, RawNet3Config(), None, "Jung et al. 2022, as in ESPnet"),
        entry("ska-tdnn", SkaTdnn, SkaTdnnConfig(), MELS80, "Mun et al. 2022, as in ESPnet"),
        entry("mfa-conformer", MfaConformer, MfaConformerConfig(), MELS80, conformer_source),
        entry("mfa-conformer-small", MfaConformer, small_conformer, MELS80, conformer_source),
    ]
    redimnets = [
        entry(f"redimnet-{size}", ReDimNet, config, MELS72, "Yakovlev et al. 2024, as in WeSpeaker")
        for size, config in REDIMNET.items()
    ]
    return [*xvectors, *ecapas, *resnets, *others, *redimnets]


ARCHITECTURES: Mapping[str, ArchitectureEntry] = MappingProxyType(
    {entry.name: entry for entry in _entries()}
)
"""Architectures by name."""


def build_architecture(
    name: str,
    *,
    dimension: int | None = None,
    pooling: str | None = None,
    mels: int | None = None,
    seed: int | None = None,
) -> Architecture:
    """Build a network with random weights.

    Parameters
    ----------
    name
        One of :data:`ARCHITECTURES`.
    dimension
        Number of dimensions of an embedding. Default: the published one.
    pooling
        One of :data:`diarspk.encoders.architectures.pooling.POOLINGS`. Default: the published one.
    mels
        Channels of the features. Default: the published number.
    seed
        Seed of the weights; the global random state stays as it is.

    Raises
    ------
    ArgumentError
        If there is no such architecture or pooling, or it cannot read so many mels.
    """
    entry = find_architecture(name)
    if mels is not None:
        _check_mels(entry, mels)
    config = entry.config
    if dimension is not None:
        config = replace(config, dimension=dimension)
    if pooling is not None:
        config = replace(config, pooling=pooling)
    if mels is not None:
        config = replace(config, mels=mels)
    if seed is None:
        return entry.network(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return entry.network(config)


def count_parameters(network: Architecture) -> int:
    """Count parameters as papers do: no classifier, and without RawNet3's filterbank."""
    parameters = network.named_parameters()
    return sum(p.numel() for name, p in parameters if not name.startswith("front."))


def _check_mels(entry: ArchitectureEntry, mels: int) -> None:
    if entry.features is None:
        raise ArgumentError(f"`mels` must be left out for {entry.name}, which reads the waveform")
    fits = mels > 0
    if entry.network is CamPlusPlus:
        fits = fits and mels % 8 == 0
    elif entry.network is ReDimNet:
        fits = fits and entry.config.fits(mels)
    if not fits:
        raise ArgumentError(
            f"`mels` must divide as the layers of {entry.name} do, got {mels}; "
            f"{entry.features.mels} are the published"
        )


def find_architecture(name: str) -> ArchitectureEntry:
    """Look up an architecture.

    Raises
    ------
    ArgumentError
        If there is none of this name.
    """
    if name not in ARCHITECTURES:
        raise ArgumentError(
            f"`name` must be an architecture ({', '.join(ARCHITECTURES)}), got {name!r}"
        )
    return ARCHITECTURES[name]

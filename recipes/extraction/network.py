"""Network of an extractor, as the settings of a run have it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from diarspk.errors import ArgumentError
from eval.command_line import one_of
from tse.cue_sources import CueSource
from tse.models import ARCHITECTURES, BandSplitConfig, CrossAttentionConfig
from tse.models.architectures import NetworkConfig
from tse.models.conditioning import ConditioningConfig

__all__ = ["NetworkSettings", "choose_network", "fit_conditioning"]


@dataclass(frozen=True)
class NetworkSettings:
    """Network of the extractor."""

    architecture: Annotated[str, one_of(ARCHITECTURES)] = "band-split"
    """Architecture."""
    fusion: str | None = None
    """Fusion, in the place of the architecture's own."""
    blocks: int | None = None
    """Blocks of bands, in the place of its own."""
    hidden: int | None = None
    """Channels of its paths within bands, likewise."""
    attention_heads: int | None = None
    """Attention heads of its frames, likewise."""


def choose_network(settings: NetworkSettings) -> NetworkConfig:
    """Take the named architecture with what the settings say otherwise."""
    name = settings.architecture
    network = ARCHITECTURES[name]
    if settings.attention_heads and not isinstance(network, BandSplitConfig):
        raise ArgumentError(f"--attention-heads are of band-split extractors, not of {name}")
    if settings.fusion and not isinstance(network, CrossAttentionConfig):
        network = replace(network, fusion=settings.fusion)
    named = ("blocks", "hidden", "attention_heads")
    sizes = {name: value for name in named if (value := getattr(settings, name))}
    if isinstance(network, CrossAttentionConfig):
        return replace(network, backbone=replace(network.backbone, **sizes))
    if sizes and not isinstance(network, BandSplitConfig):
        raise ArgumentError(f"--blocks and --hidden are of bands, not of {name}")
    return replace(network, **sizes)


def fit_conditioning(network: NetworkConfig, source: CueSource) -> NetworkConfig:
    """Give a network the sizes of a cue."""
    if isinstance(network, CrossAttentionConfig):
        return network
    width = network.conditioning.width
    sizes = ConditioningConfig(source.vector_size, source.sequence_size, width)
    return replace(network, conditioning=sizes)

"""Named configurations, and networks from configurations as cards store them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from diarspk.errors import ModelError
from tse.models.band_split import BandSplitConfig, BandSplitNetwork
from tse.models.conditioning import ConditioningConfig
from tse.models.cross_attention import CrossAttentionConfig, CrossAttentionNetwork
from tse.models.network import ExtractionNetwork
from tse.models.time_domain import TimeDomainConfig, TimeDomainNetwork

__all__ = ["ARCHITECTURES", "NetworkConfig", "build_network", "describe_network", "read_network"]

NetworkConfig = BandSplitConfig | TimeDomainConfig | CrossAttentionConfig

RECURRENT = BandSplitConfig(block="recurrent", hidden=64, blocks=6, dilations=(1,))
SMALL_BEAM = TimeDomainConfig(
    window_samples=64, hop_samples=32, filters=256, hidden=256, blocks=7, repeats=2, fuse="every"
)

ARCHITECTURES: dict[str, NetworkConfig] = {
    "band-split": BandSplitConfig(),
    "band-split-causal": BandSplitConfig(causal=True),
    "band-split-recurrent": RECURRENT,
    "band-split-recurrent-causal": replace(RECURRENT, causal=True),
    "td-speakerbeam": TimeDomainConfig(),
    "td-speakerbeam-causal": TimeDomainConfig(causal=True),
    "td-speakerbeam-small": SMALL_BEAM,
    "td-speakerbeam-small-causal": replace(SMALL_BEAM, causal=True),
    "cross-attention": CrossAttentionConfig(),
    "cross-attention-causal": CrossAttentionConfig(
        BandSplitConfig(spectral_map=False, causal=True)
    ),
}
"""Configurations by name; "band-split" is that of the embedded extractor."""

FAMILIES = {
    "band-split": (BandSplitConfig, BandSplitNetwork),
    "time-domain": (TimeDomainConfig, TimeDomainNetwork),
    "cross-attention": (CrossAttentionConfig, CrossAttentionNetwork),
}


def build_network(config: NetworkConfig) -> ExtractionNetwork:
    """Build an untrained network from its configuration."""
    if isinstance(config, BandSplitConfig):
        return BandSplitNetwork(config)
    if isinstance(config, TimeDomainConfig):
        return TimeDomainNetwork(config)
    return CrossAttentionNetwork(config)


def describe_network(config: NetworkConfig) -> dict[str, Any]:
    """Serialise a configuration for a JSON card, with the name of its family."""
    families = {kind: name for name, (kind, _) in FAMILIES.items()}
    return {"family": families[type(config)], **asdict(config)}


def read_network(settings: Mapping[str, Any]) -> ExtractionNetwork:
    """Build an untrained network from a serialised configuration.

    Raises
    ------
    ModelError
        If the family is unknown, or has no such settings.
    """
    values = {key: _frozen(value) for key, value in settings.items()}
    family = values.pop("family", None)
    if family not in FAMILIES:
        raise ModelError(f"the card names no known family of extractors, but {family!r}")
    try:
        return build_network(_config(family, values))
    except TypeError as error:
        raise ModelError(f"the card does not fit this version ({error})") from error


def _config(family: str, values: dict[str, Any]) -> NetworkConfig:
    if family == "cross-attention":
        backbone = {key: _frozen(value) for key, value in values.pop("backbone").items()}
        inner = _config("band-split", backbone)
        assert isinstance(inner, BandSplitConfig)
        return CrossAttentionConfig(backbone=inner, **values)
    conditioning = ConditioningConfig(**values.pop("conditioning"))
    if family == "band-split":
        return BandSplitConfig(conditioning=conditioning, **values)
    return TimeDomainConfig(conditioning=conditioning, **values)


def _frozen(value: object) -> Any:
    """Turn lists of JSON into the tuples of a frozen configuration."""
    return tuple(value) if isinstance(value, list) else value

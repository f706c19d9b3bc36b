"""Checkpoints of trained architectures: a JSON card and safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diarspk.checkpoints.checkpoint import Checkpoint, fitting_card, write_checkpoint
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.registry import build_architecture
from diarspk.encoders.front_end import FrontEnd, MelFrontEnd, WaveformFrontEnd
from diarspk.encoders.s3prl.encoder import (
    UpstreamArchitecture,
    UpstreamFrontEnd,
    stack_architecture,
)
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.features.log_mel import FeatureConfig

__all__ = ["build_stored_encoder", "write_encoder"]


def write_encoder(
    path: Path,
    network: Architecture,
    architecture: str,
    *,
    pooling: str | None,
    features: FeatureConfig | None,
    about: Mapping[str, object],
) -> None:
    """Write a network as a checkpoint that :func:`diarspk.load_encoder` reads.

    Parameters
    ----------
    path
        Card, ``NAME.json``; the weights go to ``NAME.safetensors``.
    network, architecture, pooling
        As built by :func:`diarspk.encoders.build_architecture`, or on top of an upstream by
        :func:`diarspk.encoders.upstreams.build_upstream_encoder`. Weights of an upstream that its
        name brings back are left out.
    features
        Features it was trained on; None for the waveform.
    about
        Further entries of the card: ``licence`` and ``recipe`` at least.
    """
    card = {
        **about,
        "name": path.stem,
        "architecture": architecture,
        "dimension": network.dimension,
        "pooling": pooling,
        "features": None if features is None else asdict(features),
    }
    tensors = network.state_dict()
    if isinstance(network, UpstreamArchitecture):
        from diarspk.encoders.upstreams.stored import PREFIX, describe_upstream

        card["upstream"] = described = describe_upstream(network.upstream)
        if described["weights"] == "named":
            tensors = {
                name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)
            }
    write_checkpoint(path, tensors, card, half=False)


def build_stored_encoder(checkpoint: Checkpoint, *, download: bool = False) -> WindowedEncoder:
    """Build the encoder of a checkpoint that :func:`write_encoder` has written.

    Parameters
    ----------
    checkpoint
    download
        Download the upstream that the card names, if it is not here.

    Raises
    ------
    ModelError
        If the tensors do not fit what the card describes, or the upstream is not here.
    """
    card: dict[str, Any] = checkpoint.card
    checkpoint.check_sizes(card.get("dimension"), "dimension")
    if "upstream" in card:
        return _build_on_upstream(checkpoint, download)
    with fitting_card(card.get("name")):
        features = None if card["features"] is None else FeatureConfig(**card["features"])
        checkpoint.check_sizes(None if features is None else features.mels, "mels")
        network = build_architecture(
            card["architecture"],
            dimension=card["dimension"],
            pooling=card["pooling"],
            mels=None if features is None else features.mels,
            seed=0,
        )
        network.load_state_dict(checkpoint.tensors)
    front_end: FrontEnd = WaveformFrontEnd() if features is None else MelFrontEnd(features)
    encoder = WindowedEncoder(network.requires_grad_(False), front_end)
    encoder.name = str(card.get("name", ""))
    return encoder


def _build_on_upstream(checkpoint: Checkpoint, download: bool) -> WindowedEncoder:
    from diarspk.encoders.upstreams.stored import PREFIX, build_stored_upstream

    card: dict[str, Any] = checkpoint.card
    with fitting_card(card.get("name")):
        upstream = build_stored_upstream(checkpoint, download=download)
        network = stack_architecture(
            upstream, card["architecture"], dimension=card["dimension"], pooling=card["pooling"]
        )
        own = dict(checkpoint.tensors)
        for name, tensor in upstream.network.state_dict().items():
            own.setdefault(PREFIX + name, tensor)
        network.load_state_dict(own)
    encoder = WindowedEncoder(network.requires_grad_(False), UpstreamFrontEnd(upstream))
    encoder.name = str(card.get("name", ""))
    return encoder

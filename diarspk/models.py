"""Catalogue of models: embedded weights, and architectures that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.encoders.architectures.registry import (
    ARCHITECTURES,
    ArchitectureEntry,
    count_parameters,
)
from diarspk.encoders.loading import build_local_encoder
from diarspk.segmentation.loading import build_embedded_segmenter

__all__ = ["ModelCard", "available_models"]


@dataclass(frozen=True)
class ModelCard:
    """Facts about a model.

    Attributes
    ----------
    name : str
    kind : str
        "embedded": weights are installed with the package. "architecture": a network without
        weights, which :func:`diarspk.encoders.build_encoder` builds.
    parameters : int
        Number of parameters of all networks of the model, classifier excluded.
    dimension : int
        Number of dimensions of an embedding.
    frame_hop : float
        Hop of the network's frames in seconds.
    source : str
        Recipe that trained the weights; or paper and implementation of an architecture.
    size_bytes : int
        Size of the file of the encoder's weights; 0 for an architecture.
    fingerprint : str
        Digest that identifies the embedding space; empty for an architecture.
    """

    name: str
    kind: str
    parameters: int
    dimension: int
    frame_hop: float
    source: str
    size_bytes: int
    fingerprint: str


def available_models() -> list[ModelCard]:
    """List the embedded models, then the architectures."""
    embedded = [_describe(card) for card in sorted(asset_folder().glob("*.json"))]
    return [*embedded, *map(_describe_architecture, ARCHITECTURES.values())]


def _describe(card_path: Path) -> ModelCard:
    from diarspk.segmentation.loading import load_target_speaker_vad_head

    checkpoint = read_checkpoint(card_path)
    encoder = build_local_encoder(checkpoint)
    parts: list[nn.Module] = [encoder.network, build_embedded_segmenter(checkpoint).head]
    heads = (encoder.frame_head, load_target_speaker_vad_head(encoder.fingerprint))
    parts.extend(head for head in heads if head is not None)
    parameters = sum(p.numel() for part in parts for p in part.parameters())
    return ModelCard(
        name=card_path.stem,
        kind="embedded",
        parameters=parameters,
        dimension=encoder.dimension,
        frame_hop=encoder.frame_hop,
        source=str(checkpoint.card["recipe"]),
        size_bytes=card_path.with_suffix(".safetensors").stat().st_size,
        fingerprint=encoder.fingerprint,
    )


def _describe_architecture(entry: ArchitectureEntry) -> ModelCard:
    with torch.device("meta"):  # shapes only
        network = entry.network(entry.config)
    front_end = entry.front_end
    return ModelCard(
        name=entry.name,
        kind="architecture",
        parameters=count_parameters(network),
        dimension=network.dimension,
        frame_hop=network.stride * front_end.hop_samples / front_end.sample_rate,
        source=entry.source,
        size_bytes=0,
        fingerprint="",
    )

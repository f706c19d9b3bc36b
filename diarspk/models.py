"""Catalogue of models: embedded weights, public checkpoints, and architectures to be trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from diarspk.catalogue.entry import CatalogueEntry
from diarspk.catalogue.fetching import is_downloaded
from diarspk.catalogue.reading import read_catalogue
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

LICENCE = "Apache-2.0"
"""Licence of the package, its weights and its networks."""


@dataclass(frozen=True)
class ModelCard:
    """Facts about a model; None where a fact could not be verified.

    Attributes
    ----------
    name : str
    kind : str
        "embedded": weights are installed with the package. "public": a checkpoint of another
        project, which has to be downloaded once. "architecture": a network without weights, which
        :func:`diarspk.encoders.build_encoder` builds.
    task : str
        "embedding", "segmentation" or "diarization"; an embedded model does all of it.
    parameters : int, optional
        Number of parameters of all networks of the model, classifier excluded.
    dimension : int, optional
        Number of dimensions of an embedding.
    frame_hop : float, optional
        Hop of the network's frames in seconds.
    source : str
        Recipe that trained the weights; place of a public checkpoint; or paper and implementation
        of an architecture.
    size_bytes : int, optional
        Size of the file of the weights; 0 for an architecture.
    fingerprint : str
        Digest that identifies the embedding space; empty where no weights are at hand.
    licence : str
    commercial_use : bool
        Whether the licence allows it.
    revision : str, optional
        Commit or version of a public checkpoint. Without one, that of the first download is kept.
    sha256 : mapping of str to str
        Digests of the files of a public checkpoint, as far as they are pinned.
    published : str
        Figure that its makers publish, and where.
    needs_token : bool
        Whether its source asks for an account and an access token.
    missing : str
        What this version lacks to load it; empty where it can be loaded.
    downloaded : bool
        Whether the weights are at hand.
    """

    name: str
    kind: str
    task: str
    parameters: int | None
    dimension: int | None
    frame_hop: float | None
    source: str
    size_bytes: int | None
    fingerprint: str = ""
    licence: str = LICENCE
    commercial_use: bool = True
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict, repr=False)
    published: str = ""
    needs_token: bool = False
    missing: str = ""
    downloaded: bool = True


def available_models() -> list[ModelCard]:
    """List the embedded models, then the public checkpoints, then the architectures."""
    embedded = [_describe(card) for card in sorted(asset_folder().glob("*.json"))]
    public = map(_describe_public, read_catalogue().values())
    return [*embedded, *public, *map(_describe_architecture, ARCHITECTURES.values())]


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
        task="diarization",
        parameters=parameters,
        dimension=encoder.dimension,
        frame_hop=encoder.frame_hop,
        source=str(checkpoint.card["recipe"]),
        size_bytes=card_path.with_suffix(".safetensors").stat().st_size,
        fingerprint=encoder.fingerprint,
    )


def _describe_public(entry: CatalogueEntry) -> ModelCard:
    published = entry.published
    return ModelCard(
        name=entry.name,
        kind="public",
        task=entry.task,
        parameters=entry.parameters,
        dimension=entry.dimension,
        frame_hop=None,
        source=str(entry.source),
        size_bytes=entry.size_bytes,
        licence=entry.licence,
        commercial_use=entry.commercial_use,
        revision=entry.source.revision,
        sha256=entry.sha256,
        published="" if published is None else f"{published.figure}: {published.source}",
        needs_token=entry.needs_token,
        missing=entry.missing or "",
        downloaded=is_downloaded(entry.name),
    )


def _describe_architecture(entry: ArchitectureEntry) -> ModelCard:
    with torch.device("meta"):  # shapes only
        network = entry.network(entry.config)
    front_end = entry.front_end
    return ModelCard(
        name=entry.name,
        kind="architecture",
        task="embedding",
        parameters=count_parameters(network),
        dimension=network.dimension,
        frame_hop=network.stride * front_end.hop_samples / front_end.sample_rate,
        source=entry.source,
        size_bytes=0,
    )

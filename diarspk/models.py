"""Models by name: what ships with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import torch
from torch import nn

from diarspk.checkpoints import Checkpoint, drop_prefix, read_checkpoint
from diarspk.encoders.architectures import ARCHITECTURES, ArchitectureEntry, count_parameters
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local import LocalEncoder
from diarspk.encoders.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.stored import build_stored_encoder, is_stored_encoder
from diarspk.encoders.trunk import TrunkConfig
from diarspk.errors import ModelError
from diarspk.foreign.encoders import is_foreign, load_foreign_encoder
from diarspk.foreign.hub import find_repository, is_hub_name
from diarspk.packaged import asset_folder
from diarspk.plda import Plda, read_plda
from diarspk.segmentation.activity import ActivityHead, ActivityHeadConfig
from diarspk.segmentation.pyannet import PyanNetSegmenter
from diarspk.segmentation.segmenter import ActivitySegmenter, Segmenter
from diarspk.segmentation.silero import SileroSegmenter

__all__ = [
    "DEFAULT",
    "ModelCard",
    "available_models",
    "has_activity_head",
    "load_encoder",
    "load_plda",
    "load_segmenter",
]

DEFAULT = "local-tdnn"
"""Name of the embedded default."""

SILERO = "silero"
PYANNOTE_FILE = "pytorch_model.bin"
FOREIGN_SUFFIXES = {".bin", ".ckpt", ".pt"}


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model without running it.

    Attributes
    ----------
    kind : str
        "embedded": its weights ship with the package. "architecture": a network without weights,
        which :func:`diarspk.encoders.build_encoder` builds.
    parameters : int
        Trained parameters, those of all heads included, a classifier excluded.
    frame_hop : float
        Seconds from one frame of the network to the next.
    source : str
        Where the weights come from, or the paper and implementation of an architecture.
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
    """Every embedded model, then every architecture."""
    embedded = [_describe(card) for card in sorted(asset_folder().glob("*.json"))]
    return [*embedded, *map(_describe_architecture, ARCHITECTURES.values())]


@overload
def load_encoder(name: None = None, *, download: bool = False) -> LocalEncoder: ...
@overload
def load_encoder(name: str | Path, *, download: bool = False) -> SpeakerEncoder: ...
def load_encoder(name: str | Path | None = None, *, download: bool = False) -> SpeakerEncoder:
    """Load a speaker encoder.

    Parameters
    ----------
    name
        The name of an embedded model that :func:`available_models` lists; or the path of a
        checkpoint's JSON card; or a checkpoint of another project, or the folder that holds it
        (see :func:`diarspk.foreign.load_foreign_encoder`); or ``hf:OWNER/NAME@COMMIT`` for such a
        folder on the Hugging Face hub. The embedded default where it is left out.
    download
        Whether files of the hub that are not in the local cache are downloaded. Nothing else ever
        reaches for the network.

    Raises
    ------
    ModelError
        If there is no such model, or its files are damaged, unsafe or of an unknown network.
    """
    if is_hub_name(name):
        name = find_repository(str(name), download=download)
    if name is not None and Path(name).exists() and is_foreign(Path(name)):
        return load_foreign_encoder(Path(name))
    checkpoint = read_checkpoint(_card_path(name))
    if is_stored_encoder(checkpoint.card):
        return build_stored_encoder(checkpoint)
    return _build_local(checkpoint)


def _build_local(checkpoint: Checkpoint) -> LocalEncoder:
    from diarspk.shipped import shipped_frame_head

    settings: dict[str, Any] = dict(_section(checkpoint, "network"))
    trunk = TrunkConfig(**{k: _frozen(v) for k, v in settings.pop("trunk").items()})
    config = SpeakerNetworkConfig(trunk=trunk, **{k: _frozen(v) for k, v in settings.items()})
    network = SpeakerNetwork(config)
    network.load_state_dict(drop_prefix(checkpoint.tensors, "network."))
    fingerprint = checkpoint.fingerprint
    return LocalEncoder(network.requires_grad_(False), fingerprint, shipped_frame_head(fingerprint))


def load_segmenter(name: str | Path | None = None, *, download: bool = False) -> Segmenter:
    """Load what finds the local speakers of a window.

    Parameters
    ----------
    name
        A name or card as for :func:`load_encoder`, for the activity head that was trained with
        that encoder; "silero"; or a segmentation checkpoint of pyannote.audio
        (``pytorch_model.bin``), the folder that holds it, or ``hf:OWNER/NAME@COMMIT`` for such a
        folder on the Hugging Face hub.
    download
        As for :func:`load_encoder`.

    Raises
    ------
    ModelError
        If there is no such model, its files are damaged, or a package that it needs is missing.
    """
    if name == SILERO:
        return SileroSegmenter()
    if is_hub_name(name):
        name = find_repository(str(name), download=download)
    if name is not None and Path(name).is_dir():
        name = Path(name) / PYANNOTE_FILE
    if name is not None and Path(name).suffix in FOREIGN_SUFFIXES:
        from diarspk.foreign.pyannet import load_pyannet

        return PyanNetSegmenter(load_pyannet(name))
    return load_activity(name)


def has_activity_head(name: str | Path | None) -> bool:
    """Whether a model brings an activity head of its own: those like the embedded one do."""
    if is_hub_name(name) or (name is not None and Path(name).exists() and is_foreign(Path(name))):
        return False
    try:
        card = json.loads(_card_path(name).read_text(encoding="utf-8"))
    except (ModelError, ValueError):
        return True  # loading it will tell what is wrong
    return not is_stored_encoder(card)


def load_activity(name: str | Path | None = None) -> ActivitySegmenter:
    """Load the activity head that was trained with an encoder; see :func:`load_encoder`."""
    checkpoint = read_checkpoint(_card_path(name))
    head = ActivityHead(ActivityHeadConfig(**_section(checkpoint, "activity")))
    head.load_state_dict(drop_prefix(checkpoint.tensors, "activity."))
    return ActivitySegmenter(head.requires_grad_(False), trunk=checkpoint.fingerprint)


def load_plda(name: str | Path | None = None) -> Plda:
    """Load the PLDA of an encoder, for :class:`diarspk.clustering.VBxClusterer`.

    Parameters
    ----------
    name
        That of the encoder, or the path of the PLDA's JSON card; the embedded default where it is
        left out.

    Raises
    ------
    ModelError
        If there is none, or its files are damaged.
    """
    from diarspk.shipped import shipped_plda

    name = DEFAULT if name is None else name
    encoder = asset_folder() / f"{name}.json"
    if encoder.is_file():
        shipped = shipped_plda(read_checkpoint(encoder).fingerprint)
        if shipped is not None:
            return shipped
    elif Path(name).is_file():
        return read_plda(Path(name))
    raise ModelError(f"{name}: has no PLDA; python -m recipes.plda.train makes one")


def _card_path(name: str | Path | None) -> Path:
    name = DEFAULT if name is None else name
    embedded = asset_folder() / f"{name}.json"
    if embedded.is_file():
        return embedded
    path = Path(name)
    path = path.with_suffix(".json") if path.suffix == ".safetensors" else path
    if path.is_file():
        return path
    if str(name) in ARCHITECTURES:
        raise ModelError(
            f"`name` must be a model with weights, got the architecture {name}; give the path of a "
            f"checkpoint of it, or build it untrained with diarspk.encoders.build_encoder"
        )
    known = ", ".join(card.stem for card in sorted(asset_folder().glob("*.json")))
    raise ModelError(f"`name` must be a known model ({known}) or the path of a card, got {name}")


def _describe(card_path: Path) -> ModelCard:
    from diarspk.shipped import shipped_target_head

    checkpoint = read_checkpoint(card_path)
    encoder = _build_local(checkpoint)
    parts: list[nn.Module] = [encoder.network, load_activity(card_path).head]
    heads = (encoder.frame_head, shipped_target_head(encoder.fingerprint))
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


def _section(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    section = checkpoint.card.get(name)
    if not isinstance(section, dict):
        raise ModelError(
            f"the card has no section {name!r}; it is not a checkpoint of this package"
        )
    return section


def _frozen(value: object) -> Any:
    """JSON has lists where a frozen configuration has tuples."""
    return tuple(value) if isinstance(value, list) else value

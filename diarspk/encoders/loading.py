"""Speaker encoders by name or path."""

from __future__ import annotations

from pathlib import Path
from typing import Any, overload

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import Checkpoint, drop_prefix, read_checkpoint
from diarspk.checkpoints.heads import _shipped_head
from diarspk.encoders.architectures.registry import ARCHITECTURES
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FrameHead
from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.local.trunk import TrunkConfig
from diarspk.encoders.pretrained.encoders import is_foreign, load_foreign_encoder
from diarspk.encoders.pretrained.hub import find_repository, is_hub_name
from diarspk.encoders.stored import build_stored_encoder, is_stored_encoder
from diarspk.errors import ModelError

__all__ = ["DEFAULT", "load_encoder", "shipped_frame_head"]


def shipped_frame_head(fingerprint: str) -> FrameHead | None:
    """Frame head that ships for an encoder; None where there is none.

    It is a file of its own: the space of embeddings is the same with it and without.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    from diarspk.encoders.local.frame_head import FRAME_HEADS

    return _shipped_head(FRAME_HEADS, fingerprint)


DEFAULT = "local-tdnn"
"""Name of the embedded default."""


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
        (see :func:`diarspk.encoders.pretrained.load_foreign_encoder`); or ``hf:OWNER/NAME@COMMIT``
        for such a folder on the Hugging Face hub. The embedded default where it is left out.
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
    from diarspk.encoders.loading import shipped_frame_head

    settings: dict[str, Any] = dict(_section(checkpoint, "network"))
    trunk = TrunkConfig(**{k: _frozen(v) for k, v in settings.pop("trunk").items()})
    config = SpeakerNetworkConfig(trunk=trunk, **{k: _frozen(v) for k, v in settings.items()})
    network = SpeakerNetwork(config)
    network.load_state_dict(drop_prefix(checkpoint.tensors, "network."))
    fingerprint = checkpoint.fingerprint
    return LocalEncoder(network.requires_grad_(False), fingerprint, shipped_frame_head(fingerprint))


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

"""Loading of extractors by name or path, and writing of their checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diarspk
from diarspk.arguments import check_path
from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import (
    Checkpoint,
    drop_prefix,
    fitting_card,
    read_checkpoint,
    write_checkpoint,
)
from diarspk.devices import choose_device
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.errors import ModelError
from tse.cue_sources import make_cue_source
from tse.extractor import Extractor
from tse.models.architectures import describe_network, read_network
from tse.models.network import ExtractionNetwork

__all__ = ["DEFAULT", "load_extractor", "write_extractor"]

DEFAULT = "band-split"
"""Name of the embedded extractor."""

WITHOUT_ENCODER = ("log-mel", "enrolment", "one-hot")
"""Cue sources that need no speaker encoder."""


def load_extractor(name: str | Path | None = None, *, device: str = "cpu") -> Extractor:
    """Load an extractor.

    Parameters
    ----------
    name
        Name of an embedded extractor, or path of the JSON card of a checkpoint. Default: the
        embedded extractor.
    device
        Device that the extractor runs on; see :func:`diarspk.devices.choose_device`.

    Raises
    ------
    ModelError
        If there is no such extractor, its files are damaged, or it was trained with another
        speaker encoder than the one that its card names.
    ArgumentError
        If there is no such device.
    """
    chosen = choose_device(device)
    checkpoint = read_checkpoint(_card_path(name))
    card: dict[str, Any] = checkpoint.card
    if "extractor" not in card:
        raise ModelError(f"{name}: not an extractor's card; give one that recipes/extraction wrote")
    checkpoint.check_sizes(card["extractor"])
    with fitting_card(name or DEFAULT):
        network = read_network(card["extractor"])
        network.load_state_dict(drop_prefix(checkpoint.tensors, "network."))
        encoder = _encoder(checkpoint)
        source = make_cue_source(str(card["cue"]), encoder, tuple(card.get("speakers", ())))
        return Extractor(
            network.eval().requires_grad_(False),
            source,
            checkpoint.fingerprint,
            space=encoder.fingerprint if encoder is not None else "",
            passes=int(card.get("passes", 1)),
            verifier=encoder if card.get("verified", False) else None,
        ).to(chosen)


def write_extractor(
    card_path: Path,
    network: ExtractionNetwork,
    cue: str,
    *,
    speakers: tuple[str, ...] = (),
    encoder: LocalEncoder | None = None,
    encoder_name: str = "",
    joint: bool = False,
    notes: dict[str, object] | None = None,
) -> None:
    """Write the checkpoint of an extractor: a JSON card, and weights in half precision.

    Parameters
    ----------
    card_path
        ``NAME.json``; the weights go to ``NAME.safetensors`` beside it.
    network
        Extraction network; its ``config`` is written to the card.
    cue
        Name of its cue source, see :data:`tse.cue_sources.CUES`.
    speakers
        Closed set of speakers of the cue source "one-hot".
    encoder, encoder_name
        Speaker encoder whose embeddings the network reads, and its name.
    joint
        Whether the encoder was trained with the extractor; its weights are then written as well.
    notes
        Further entries of the card: data, licence, training, results, and the settings ``passes``
        and ``verified`` of :class:`~tse.extractor.Extractor`.
    """
    config = network.config
    tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
    card: dict[str, object] = {
        "name": card_path.stem,
        "extractor": describe_network(config),
        "cue": cue,
        **(notes or {}),
    }
    if speakers:
        card["speakers"] = list(speakers)
    if encoder is not None:
        card["encoder"] = {
            "name": encoder_name,
            "fingerprint": encoder.fingerprint,
            "joint": joint,
        }
        if joint:
            inner = encoder.network.state_dict().items()
            tensors.update({f"encoder.{key}": value for key, value in inner})
    write_checkpoint(card_path, tensors, card)


def _card_path(name: str | Path | None) -> Path:
    if name is not None:
        name = check_path(name, "name")
    folder = asset_folder("tse")
    embedded = folder / f"{DEFAULT if name is None else name}.json"
    if embedded.is_file():
        return embedded
    if name is None:
        raise ModelError(
            "this installation is without its weights of extraction; install diarspk again, or "
            "train an extractor with recipes/extraction and give the path of its card"
        )
    path = Path(name).with_suffix(".json") if Path(name).suffix == ".safetensors" else Path(name)
    if path.is_file():
        return path
    known = ", ".join(card.stem for card in sorted(folder.glob("*.json"))) or "none"
    raise ModelError(
        f"`name` must be a known extractor ({known}) or the path of a card, got {name}"
    )


def _encoder(checkpoint: Checkpoint) -> SpeakerEncoder | None:
    """Load the speaker encoder of a checkpoint; None if the extractor uses none."""
    card: dict[str, Any] = checkpoint.card
    if card["cue"] in WITHOUT_ENCODER:
        return None
    wanted = card.get("encoder", {})
    encoder = diarspk.load_encoder(wanted.get("name") or None)
    if wanted.get("joint"):
        if not isinstance(encoder, LocalEncoder):
            raise ModelError(f"{wanted.get('name')}: not the encoder that was trained jointly")
        encoder.network.load_state_dict(drop_prefix(checkpoint.tensors, "encoder."))
        return LocalEncoder(encoder.network, checkpoint.fingerprint)  # another space now
    if encoder.fingerprint != wanted.get("fingerprint"):
        raise ModelError(
            f"the extractor {card.get('name')} reads vectors of encoder "
            f"{wanted.get('fingerprint')}, but {wanted.get('name') or 'the embedded default'} is "
            f"{encoder.fingerprint}; train the extractor anew, or load that encoder"
        )
    return encoder

"""Loading of extractors by name or path, and writing of their checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diarspk.arguments import check_path
from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import (
    drop_prefix,
    fitting_card,
    read_checkpoint,
    write_checkpoint,
)
from diarspk.devices import choose_device
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ModelError
from tse.card_encoders import describe_encoders, load_card_encoder
from tse.cue_sources import make_cue_source
from tse.extractor import Extractor
from tse.models.architectures import describe_network, read_network
from tse.models.network import ExtractionNetwork

__all__ = ["CAUSAL", "DEFAULT", "load_extractor", "write_extractor"]

DEFAULT = "band-split"
"""Name of the embedded extractor."""

CAUSAL = "band-split-causal"
"""Name of the embedded extractor for streams."""

WITHOUT_ENCODER = ("log-mel", "enrolment", "one-hot")
"""Cue sources that need no speaker encoder."""


def load_extractor(
    name: str | Path | None = None,
    *,
    device: str = "cpu",
    encoders: Sequence[str | Path | SpeakerEncoder] = (),
) -> Extractor:
    """Load an extractor, and the speaker encoders that its card names for the cue.

    Parameters
    ----------
    name
        Name of an embedded extractor, or path of the JSON card of a checkpoint. Default: the
        embedded extractor; :data:`CAUSAL` is the one for streams.
    device
        Device that the extractor runs on; see :func:`diarspk.devices.choose_device`.
    encoders
        Speaker encoders of the cue, loaded or by name (:mod:`tse.cue_encoders`), in the place of
        those that the card names. Default: they are found by name, relative paths from the folder
        of the card, or beside the card.

    Raises
    ------
    ModelError
        If there is no such extractor, its files are damaged, or a speaker encoder of its cue is
        missing or another than the one that it was trained with.
    ArgumentError
        If there is no such device, or ``encoders`` are not as many as the extractor has.
    """
    chosen = choose_device(device)
    path = _card_path(name)
    checkpoint = read_checkpoint(path)
    card: dict[str, Any] = checkpoint.card
    if "extractor" not in card:
        raise ModelError(f"{name}: not an extractor's card; give one that recipes/extraction wrote")
    checkpoint.check_sizes(card["extractor"])
    encoder = load_card_encoder(checkpoint, path.parent, encoders)
    with fitting_card(name or DEFAULT):
        network = read_network(card["extractor"])
        network.load_state_dict(drop_prefix(checkpoint.tensors, "network."))
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
    encoder: SpeakerEncoder | Sequence[SpeakerEncoder] | None = None,
    encoder_name: str | Sequence[str] = "",
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
        Speaker encoder whose embeddings the network reads, and its name
        (:mod:`tse.cue_encoders`); or several, side by side, and their names. Learned weights of
        the layers of a front end are written; paths become relative to the folder of the card.
    joint
        Whether the encoders were trained with the extractor; their weights are then written as
        well.
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
    encoders = [encoder] if isinstance(encoder, SpeakerEncoder) else list(encoder or ())
    names = [encoder_name] if isinstance(encoder_name, str) else list(encoder_name)
    if encoders:
        entries, trained = describe_encoders(encoders, names, card_path.parent, joint=joint)
        card["encoder"] = entries[0] if len(entries) == 1 else entries
        tensors.update(trained)
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

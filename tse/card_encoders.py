"""Speaker encoders in the card of an extractor: written, found again, and checked.

An entry has ``name``, ``fingerprint`` and ``joint``: whether the encoder was trained along, so that
its weights are in the checkpoint. So are the learned weights of a front end's layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from diarspk.checkpoints.checkpoint import Checkpoint, drop_prefix, fitting_card
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.upstreams.encoder import FrontEndEncoder
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ArgumentError, ModelError
from tse.cue_encoders import join_encoders, load_cue_encoder, name_from

__all__ = [
    "base_fingerprint",
    "card_encoders",
    "describe_encoders",
    "load_card_encoder",
    "prefixes",
    "take_weights",
    "trainable_network",
]


def describe_encoders(
    encoders: Sequence[SpeakerEncoder], names: Sequence[str], folder: Path, *, joint: bool
) -> tuple[list[dict[str, object]], dict[str, Tensor]]:
    """Describe encoders for a card in ``folder``: their entries, and the tensors to be stored."""
    entries: list[dict[str, object]] = []
    tensors: dict[str, Tensor] = {}
    for prefix, encoder, name in zip(prefixes(len(encoders)), encoders, names, strict=True):
        fingerprint = base_fingerprint(encoder)
        entries.append(
            {"name": name_from(name, folder), "fingerprint": fingerprint, "joint": joint}
        )
        state = _trained_state(encoder, joint=joint)
        tensors.update({prefix + key: value for key, value in state.items()})
    return entries, tensors


def load_card_encoder(
    checkpoint: Checkpoint, folder: Path, given: Sequence[str | Path | SpeakerEncoder] = ()
) -> SpeakerEncoder | None:
    """Load the speaker encoder of an extractor's cue, or several side by side; None without any.

    Parameters
    ----------
    checkpoint
        Of the extractor.
    folder
        Folder of its card.
    given
        Encoders, loaded or by name, in the place of those that the card names.

    Raises
    ------
    ModelError
        If one is missing, or another than the one of the training.
    ArgumentError
        If ``given`` are not as many.
    """
    card: dict[str, Any] = checkpoint.card
    with fitting_card(card.get("name")):
        entries = card_encoders(card)
    if given and len(given) != len(entries):
        names = ", ".join(str(entry.get("name")) for entry in entries) or "none"
        raise ArgumentError(
            f"`encoders` must be as many as the extractor {card.get('name')} has, and in that "
            f"order ({names}), got {len(given)}"
        )
    loaded = []
    for number, (entry, prefix) in enumerate(zip(entries, prefixes(len(entries)), strict=True)):
        encoder = _find_encoder(entry, card, folder, given[number] if given else None)
        _check_fingerprint(encoder, entry, card)
        if state := drop_prefix(checkpoint.tensors, prefix):
            joint = bool(entry.get("joint"))
            with fitting_card(card.get("name")):
                take_weights(encoder, state, joint=joint)
            if joint:
                encoder = _as_trained(encoder, space=checkpoint.fingerprint)
        loaded.append(encoder)
    return join_encoders(loaded) if loaded else None


def card_encoders(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read the entries of a card, one for each encoder."""
    entries = card.get("encoder", [])
    return [dict(one) for one in (entries if isinstance(entries, list) else [entries])]


def base_fingerprint(encoder: SpeakerEncoder) -> str:
    """Fingerprint of an encoder as it was loaded, before anything was trained with an extractor."""
    return encoder.loaded_as if isinstance(encoder, FrontEndEncoder) else encoder.fingerprint


def trainable_network(encoder: SpeakerEncoder) -> nn.Module:
    """Network of an encoder that can be trained along with an extractor.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    if isinstance(encoder, FrontEndEncoder):
        return encoder.upstream
    if isinstance(encoder, LocalEncoder) or type(encoder) is WindowedEncoder:
        return encoder.network
    raise ArgumentError(
        f"{encoder.name or type(encoder).__name__}: a {type(encoder).__name__} cannot be trained "
        "along with an extractor; leave it frozen, or give an encoder of this package, one of "
        "WeSpeaker or SpeechBrain in PyTorch, or a front end"
    )


def take_weights(encoder: SpeakerEncoder, state: Mapping[str, Tensor], *, joint: bool) -> None:
    """Load what was trained with an extractor into an encoder, in place.

    Parameters
    ----------
    encoder
        As it was loaded.
    state
        Of its network or, of a frozen front end, the ``weights`` of its layers.
    joint
        Whether the whole network was trained.

    Raises
    ------
    ModelError
        If a frozen encoder has no layers that are weighed.
    """
    if joint:
        trainable_network(encoder).load_state_dict(state)
    elif isinstance(encoder, FrontEndEncoder) and encoder.upstream.weights is not None:
        encoder.upstream.weights.data.copy_(state["weights"])
    else:
        raise ModelError(f"{encoder.name}: has no layers whose weights could be learned")


def _as_trained(encoder: SpeakerEncoder, *, space: str) -> SpeakerEncoder:
    """Give an encoder with other weights, of an extractor ``space``, its own fingerprint."""
    if isinstance(encoder, FrontEndEncoder):
        return FrontEndEncoder(encoder.upstream, encoder.config)
    if isinstance(encoder, LocalEncoder):
        return LocalEncoder(encoder.network, space)
    assert isinstance(encoder, WindowedEncoder)
    return WindowedEncoder(encoder.network, encoder.front_end, encoder.config)


def prefixes(count: int) -> list[str]:
    """Prefixes of the tensors of each encoder; a single one has no number."""
    return ["encoder."] if count == 1 else [f"encoder.{number}." for number in range(count)]


def _trained_state(encoder: SpeakerEncoder, *, joint: bool) -> dict[str, Tensor]:
    """Tensors of an encoder that were trained with an extractor."""
    if joint:
        return dict(trainable_network(encoder).state_dict())
    weights = encoder.upstream.weights if isinstance(encoder, FrontEndEncoder) else None
    return {} if weights is None else {"weights": weights.data}


def _find_encoder(
    entry: dict[str, Any],
    card: dict[str, Any],
    folder: Path,
    given: str | Path | SpeakerEncoder | None,
) -> SpeakerEncoder:
    if isinstance(given, SpeakerEncoder):
        return given
    try:
        return load_cue_encoder(given or entry.get("name"), folder)
    except (ArgumentError, ModelError) as error:
        raise ModelError(
            f"the extractor {card.get('name')} needs the speaker encoder {entry.get('name')} "
            f"(fingerprint {entry.get('fingerprint')}) for its cue, but cannot load it: {error}; "
            "put a file that was moved beside the card, or give it to "
            "tse.load_extractor(..., encoders=[...])"
        ) from error


def _check_fingerprint(
    encoder: SpeakerEncoder, entry: dict[str, Any], card: dict[str, Any]
) -> None:
    """Refuse another encoder than that of the training.

    All that counts of an embedded encoder that was trained along is in the checkpoint, so that it
    works with the encoders of later versions, too.
    """
    wanted, found = entry.get("fingerprint"), base_fingerprint(encoder)
    if (entry.get("joint") and isinstance(encoder, LocalEncoder)) or found == wanted:
        return
    raise ModelError(
        f"the extractor {card.get('name')} was trained with the speaker encoder "
        f"{entry.get('name') or 'of this package'} of fingerprint {wanted}, but here that is "
        f"{found}; restore that encoder or give it to tse.load_extractor(..., encoders=[...]), or "
        "train the extractor anew"
    )

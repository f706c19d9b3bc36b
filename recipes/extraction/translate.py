"""Let an exported extractor read the vectors of another speaker encoder, without training it.

    python -m recipes.extraction.translate --extractor tse/assets/band-split.json \
        --vectors-before BEFORE/train/vectors.npy --vectors PACKED/train/vectors.npy \
        --output tse/assets/band-split.json

Both files are of the same pieces, packed by ``prepare.py`` with the encoder before and with the one
of today. What the extractor read in the old vectors it then reads in the new ones, as far as
a linear map can tell; training that goes on from there (``train.py --start``) learns the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import diarspk
from diarspk.checkpoints.checkpoint import drop_prefix, read_checkpoint
from diarspk.encoders.loading import DEFAULT
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.errors import ArgumentError
from eval.command_line import command
from recipes.extraction.warm_start import translate_vectors
from tse.card_encoders import card_encoders
from tse.loading import write_extractor
from tse.models.architectures import read_network

WRITTEN = ("name", "extractor", "cue", "encoder", "sha256")
"""Entries of a card that are written anew; the others are taken over."""


def translate(extractor: Path, before: Path, after: Path, output: Path) -> float:
    """Write the extractor with a reader of the embedded encoder's vectors.

    Parameters
    ----------
    extractor
        Card of an extractor that reads the vectors of a frozen encoder.
    before, after
        ``vectors.npy`` of the encoder that it reads, and of the embedded one.
    output
        Card to write.

    Returns
    -------
    float
        Share of the old vectors' variance that the new ones explain.

    Raises
    ------
    ArgumentError
        If the extractor reads no vectors, or those of an encoder that was trained with it, or the
        files are not of the same pieces.
    """
    checkpoint = read_checkpoint(extractor)
    card: dict[str, Any] = checkpoint.card
    read, *others = card_encoders(card) or [{}]
    if not read or others or read.get("joint"):
        raise ArgumentError(
            f"`extractor` must read the vectors of one frozen encoder, got {extractor}; train it "
            "anew"
        )
    network = read_network(card["extractor"])
    network.load_state_dict(drop_prefix(checkpoint.tensors, "network."))
    explained = translate_vectors(
        network.reader, torch.from_numpy(np.load(before)), torch.from_numpy(np.load(after))
    )
    encoder = diarspk.load_encoder()
    assert isinstance(encoder, LocalEncoder)
    notes = {name: value for name, value in card.items() if name not in WRITTEN}
    translated = {"from": read["fingerprint"], "explained": round(explained, 4)}
    write_extractor(
        output,
        network,
        card["cue"],
        encoder=encoder,
        encoder_name=DEFAULT,
        notes={**notes, "translated": translated},
    )
    return explained


@dataclass(frozen=True)
class Settings:
    extractor: Path
    """Card of the extractor."""
    vectors_before: Path
    """File vectors.npy of the encoder that it was trained with."""
    vectors: Path
    """File vectors.npy of the other encoder, of the same pieces."""
    output: Path
    """Card to write."""


@command
def main(settings: Settings) -> None:
    explained = translate(
        settings.extractor, settings.vectors_before, settings.vectors, settings.output
    )
    print(f"the encoder's vectors explain {explained:.1%} of those before")


if __name__ == "__main__":
    raise SystemExit(main())

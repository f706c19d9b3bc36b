"""Let an exported extractor read the vectors of other speaker encoders, without training it.

    python -m recipes.extraction.translate --extractor tse/assets/band-split.json \
        --vectors-before BEFORE/train/vectors.npy --vectors PACKED/train/vectors.npy \
        --output tse/assets/band-split.json [--encoder NAME ...]

All files are of the same pieces, packed by ``prepare.py`` or ``vectors.py`` with the encoders
before and with those that are named, one file for each. What the extractor read in the old vectors
it then reads in the new ones, as far as a linear map can tell; training that goes on from there
(``train.py --start``) learns the rest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from diarspk.checkpoints.checkpoint import Checkpoint, drop_prefix, read_checkpoint
from diarspk.encoders.loading import DEFAULT
from diarspk.encoders.upstreams.encoder import FrontEndEncoder, sum_layers
from diarspk.errors import ArgumentError
from eval.command_line import command
from recipes.extraction.encoders import load_encoders
from recipes.extraction.warm_start import translate_vectors
from tse.card_encoders import base_fingerprint, card_encoders, prefixes
from tse.loading import write_extractor
from tse.models.architectures import read_network

WRITTEN = ("name", "extractor", "cue", "encoder", "sha256")
"""Entries of a card that are written anew; the others are taken over."""


def translate(
    extractor: Path,
    before: Sequence[Path],
    after: Sequence[Path],
    output: Path,
    *,
    encoders: Sequence[str] = (),
) -> float:
    """Write the extractor with a reader of other encoders' vectors.

    Parameters
    ----------
    extractor
        Card of an extractor that reads the vectors of frozen encoders.
    before, after
        Packed vectors by each encoder that it reads, and by each of `encoders`.
    output
        Card to write.
    encoders
        By name; see :mod:`tse.cue_encoders`. Default: the embedded one.

    Returns
    -------
    float
        Share of the old vectors' variance that the new ones explain.

    Raises
    ------
    ArgumentError
        If the extractor reads no vectors, those of an encoder that was trained with it, or frame
        embeddings too; or the files are not of these encoders, or not of the same pieces.
    """
    checkpoint = read_checkpoint(extractor)
    card: dict[str, Any] = checkpoint.card
    read = card_encoders(card)
    network = read_network(card["extractor"])
    network.load_state_dict(drop_prefix(checkpoint.tensors, "network."))
    reader = network.reader
    if reader.vector is None or not read or any(one.get("joint") for one in read):
        raise ArgumentError(
            f"`extractor` must read the vectors of frozen encoders, got {extractor}; train it anew"
        )
    if reader.sequence is not None:
        raise ArgumentError(
            f"`extractor` must read vectors alone, but {extractor} reads frame embeddings, too; "
            "train it anew"
        )
    known = [str(one["fingerprint"]) for one in read]
    old = _join(_read(before, known, "--vectors-before"), _learned_weights(checkpoint, len(read)))
    chosen = load_encoders(str(card["cue"]), encoders)
    fingerprints = [base_fingerprint(one) for one in chosen.loaded]
    weights = [
        one.upstream.weights if isinstance(one, FrontEndEncoder) else None for one in chosen.loaded
    ]
    new = _join(_read(after, fingerprints, "--vectors"), weights)
    explained = translate_vectors(reader, old, new)
    network.config = replace(network.config, conditioning=reader.config)
    notes = {name: value for name, value in card.items() if name not in WRITTEN}
    translated = {"from": known[0] if len(known) == 1 else known, "explained": round(explained, 4)}
    write_extractor(
        output,
        network,
        card["cue"],
        encoder=chosen.loaded,
        encoder_name=[name or DEFAULT for name in chosen.names],
        notes={**notes, "translated": translated},
    )
    return explained


def _read(files: Sequence[Path], fingerprints: Sequence[str], option: str) -> list[Tensor]:
    """Read the packed vectors of each encoder.

    Raises
    ------
    ArgumentError
        If there is not one file for each, or what lies beside a file says that it is of another.
    """
    if len(files) != len(fingerprints):
        raise ArgumentError(
            f"{option} must be one file for each of {len(fingerprints)} encoders, in their order, "
            f"got {len(files)}"
        )
    for file, fingerprint in zip(files, fingerprints, strict=True):
        note = file.with_suffix(".json")
        found = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
        if found.get("fingerprint", fingerprint) != fingerprint:
            raise ArgumentError(
                f"{option}: {file} must have vectors of the encoder {fingerprint}, but holds those "
                f"of {found['fingerprint']}; give the file of that encoder, or compute it by "
                "python -m recipes.extraction.vectors"
            )
    return [torch.from_numpy(np.load(file).astype(np.float32)) for file in files]


def _learned_weights(checkpoint: Checkpoint, count: int) -> list[Tensor | None]:
    """Weights that an extractor has learned for the layers of each of its front ends."""
    return [drop_prefix(checkpoint.tensors, prefix).get("weights") for prefix in prefixes(count)]


def _join(packed: Sequence[Tensor], weights: Sequence[Tensor | None]) -> Tensor:
    """Join packed vectors, of a front end those of every layer, to the vectors of the cue."""
    vectors = [
        part if part.dim() == 2 else sum_layers(part, own)
        for part, own in zip(packed, weights, strict=True)
    ]
    if len({len(part) for part in vectors}) > 1:
        counts = ", ".join(str(len(part)) for part in vectors)
        raise ArgumentError(
            f"the files of several encoders must be of the same pieces, got {counts} of them; "
            "pack the same data with each"
        )
    return nn.functional.normalize(torch.cat(vectors, dim=-1).detach(), dim=-1)


@dataclass(frozen=True)
class Settings:
    extractor: Path
    """Card of the extractor."""
    vectors_before: tuple[Path, ...]
    """Packed vectors by each encoder that it was trained with, in the order of its card."""
    vectors: tuple[Path, ...]
    """Packed vectors by each of the other encoders, of the same pieces."""
    output: Path
    """Card to write."""
    encoder: Sequence[str] = ()
    """Speaker encoders: names, cards, checkpoints, s3prl:NAME, hf:NAME; none: the embedded one."""


@command
def main(settings: Settings) -> None:
    explained = translate(
        settings.extractor,
        settings.vectors_before,
        settings.vectors,
        settings.output,
        encoders=settings.encoder,
    )
    print(f"the vectors of the other encoders explain {explained:.1%} of those before")


if __name__ == "__main__":
    raise SystemExit(main())

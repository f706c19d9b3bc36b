"""Let a head that was trained over one encoder work over another with the same trunk.

    python -m recipes.embedded.translate_head target-speaker-vad --head BEFORE/HEAD.json \
        --before BEFORE/local-tdnn.json --packed PACKED --speakers PACKED/train/speakers.tsv \
        --output START.json

A new whitening turns and stretches the space of the embeddings. A head reads or writes vectors of
that space in one linear map, which takes the change up as far as it is linear; training over the
new encoder (``--start START.json``) learns the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FrameHead
from diarspk.errors import ArgumentError
from diarspk.segmentation.target_speaker_vad import TargetSpeakerVadHead
from eval.command_line import Positional, command, one_of
from eval.report.progress import follow
from recipes.embedded.data.pool import FRAMES_PER_SECOND, read_pool
from recipes.embedded.data.speakers import read_speakers
from recipes.embedded.export_head import HEADS
from recipes.embedded.trunk.crop_embedding import embed_features
from recipes.embedded.trunk.whitening import draw_crops

__all__ = ["explained", "fit_map", "main", "translate_frame_head", "translate_vad_head"]

SECONDS = 1.5
"""Length of the crops by which the spaces are compared: that of the diarizer's windows."""

VARIANTS = ("recorded", "room")
CROPS = 3
"""Of a speaker and variant."""

BATCH = 64


def fit_map(source: Tensor, target: Tensor) -> Tensor:
    """Matrix ``(dim, dim)`` by which rows ``(n, dim)`` of the source are nearest to the target's.

    Raises
    ------
    ArgumentError
        If there are fewer rows than dimensions: any target could be met.
    """
    if len(source) != len(target) or len(source) < source.shape[1]:
        raise ArgumentError(
            f"`source` and `target` must be of the same {source.shape[1]} crops or more, got "
            f"{len(source)} and {len(target)}"
        )
    solution: Tensor = torch.linalg.lstsq(source.double(), target.double()).solution
    return solution


def explained(source: Tensor, target: Tensor, matrix: Tensor) -> float:
    """Share of the target's variance that the mapped source explains."""
    left = (source.double() @ matrix - target.double()).square().sum()
    return float(1 - left / (target - target.mean(0)).double().square().sum())


@torch.no_grad()
def translate_vad_head(head: TargetSpeakerVadHead, before: Tensor, after: Tensor) -> float:
    """Let the head read centroids of the new space; return the share of the old ones explained."""
    matrix = fit_map(after, before)
    head.condition.weight.copy_(head.condition.weight.double() @ matrix.T)
    return explained(after, before, matrix)


@torch.no_grad()
def translate_frame_head(head: FrameHead, before: Tensor, after: Tensor) -> float:
    """Let the head correct what the new utterance head pools; return the share explained of that.

    What it pools is of the new space already.
    """
    matrix = fit_map(before, after)
    head.correct.weight.copy_(matrix.T @ head.correct.weight.double())
    head.correct.bias.copy_(head.correct.bias.double() @ matrix)
    return explained(before, after, matrix)


@dataclass(frozen=True)
class Settings:
    kind: Positional[Annotated[str, one_of(HEADS)]]
    """Kind of the head."""
    head: Path
    """Card of the head."""
    before: Path
    """Card of the encoder that it was trained over."""
    packed: Path
    """Folder that recipes.embedded.data.prepare has packed."""
    speakers: Path
    """Table of the utterances' speakers."""
    output: Path
    """Card to write."""
    encoder: Path | None = None
    """Card of the new encoder; none: the embedded one."""


@command
def main(settings: Settings) -> None:
    encoders = [_load(settings.before), _load(settings.encoder)]
    before, after = (_embed(encoder, settings) for encoder in encoders)
    heads = HEADS[settings.kind]
    head = heads.read(settings.head, encoders[0].fingerprint)
    translate = translate_frame_head if isinstance(head, FrameHead) else translate_vad_head
    share = round(translate(head, before, after), 4)
    heads.write(
        settings.output,
        head,
        encoder=encoders[1].fingerprint,
        card={"translated": {"from": encoders[0].fingerprint, "explained": share}},
    )
    print(f"explained: {100 * share:.1f} %")


def _load(card: Path | None) -> LocalEncoder:
    encoder = load_encoder() if card is None else load_encoder(card)
    if not isinstance(encoder, LocalEncoder):
        raise ArgumentError(f"`before` and `encoder` must be local encoders, got {encoder.name}")
    return encoder


def _embed(encoder: LocalEncoder, settings: Settings) -> Tensor:
    """Embed the same crops, recorded and in rooms, whatever the encoder."""
    pool, speakers = read_pool(settings.packed / "train", in_memory=False), settings.speakers
    names, generator = read_speakers(speakers), np.random.default_rng(0)
    length = round(SECONDS * FRAMES_PER_SECOND)
    found = []
    for variant in VARIANTS:
        drawn = draw_crops(pool, names, length, variant, CROPS, generator)
        for first in follow(range(0, len(drawn), BATCH), f"{encoder.name}, {variant}"):
            crops = np.stack([crop for _, crop in drawn[first : first + BATCH]])
            found.append(embed_features(encoder.network, crops))
    return torch.cat(found)


if __name__ == "__main__":
    raise SystemExit(main())

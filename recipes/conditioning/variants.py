"""Decoders of the study: the same network and training, each with a cue of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.errors import ArgumentError
from eval.probes.decoder import ConditionedDecoder, MelDecoderConfig, load_decoder, write_decoder
from recipes.conditioning.cue_kinds import LEVELS
from recipes.conditioning.data import Reference
from recipes.conditioning.study_data import Part
from recipes.conditioning.train import TrainConfig, fit

__all__ = ["BudgetSettings", "Variant", "train_variant", "variants_of"]

CARD = "decoder.json"


@dataclass(frozen=True)
class BudgetSettings:
    """Size and training of every decoder."""

    steps: int = 3000
    """Steps of a decoder."""
    size: int = 16
    """Crops in a batch."""
    frames: int = 150
    """Frames of a crop, of 10 ms."""
    width: int = 128
    """Channels of a decoder."""
    cepstra: int = 8
    """Cepstra of the content, the energy left out."""
    adversary: float = 0.3
    """Weight of the reversed gradient of the disentangled decoder."""
    learning_rate: float = 1e-3
    """Learning rate after the warm-up."""
    seed: int = 0
    """Seed of the weights and the batches."""

    def __post_init__(self) -> None:
        for name in ("steps", "size", "frames", "width", "cepstra"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"--{name} must be 1 or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class Variant:
    """One decoder.

    Attributes
    ----------
    table : {"encoders", "levels", "disentanglement"}
        Where it is compared.
    title : str
    cue : str
        Table of cues.
    reference : {"other", "own"}
    adversary : float
    """

    table: str
    title: str
    cue: str
    reference: Reference
    adversary: float = 0.0

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return f"{self.table}-{re.sub('[^a-z0-9]+', '-', self.title.lower()).strip('-')}"


def variants_of(encoders: Sequence[str], budget: BudgetSettings) -> list[Variant]:
    """List the decoders: one of each encoder, one of each level, and a disentangled one."""
    return [
        *(Variant("encoders", name, name, "other") for name in encoders),
        *(Variant("levels", level, level, "own") for level in LEVELS),
        Variant(
            "disentanglement",
            f"{encoders[0]} with gradient reversal",
            encoders[0],
            "other",
            adversary=budget.adversary,
        ),
    ]


def train_variant(
    variant: Variant, train: Part, budget: BudgetSettings, folder: Path
) -> ConditionedDecoder:
    """Train the decoder of a variant, or read it where that is done."""
    if (folder / CARD).is_file():
        return load_decoder(folder / CARD)
    voices = train.with_cue(variant.cue)
    network = MelDecoderConfig(
        cepstra=budget.cepstra,
        cue=voices.cues.shape[1],
        mels=voices.log_mel.shape[1],
        width=budget.width,
        first_cepstrum=1,  # the zeroth is the energy: a part of style, not of what is said
        pitch=True,
    )
    config = TrainConfig(
        steps=budget.steps,
        learning_rate=budget.learning_rate,
        warmup_steps=max(budget.steps // 30, 1),
        size=budget.size,
        frames=budget.frames,
        seed=budget.seed,
        adversary=variant.adversary,
        reference=variant.reference,
    )
    decoder = fit(voices, network, config, folder)
    write_decoder(folder / CARD, decoder, {"recipe": "recipes/conditioning"})
    return decoder

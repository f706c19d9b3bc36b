"""Batches of a run: mixtures drawn anew for training, and always the same ones for validation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from recipes.extraction.data import BatchConfig, ExtractionBatches, Voices, read_voices
from recipes.training.sharing import Share
from tse.mixing import MixtureConfig

__all__ = ["VALIDATION_BATCHES", "batches_for", "two_clean_voices", "validation_batches"]

VALIDATION_SEED = 777
VALIDATION_BATCHES = 50  # of six mixtures
VALIDATION_SECONDS = 4.0


def batches_for(
    cue: str,
    voices: Voices,
    packed: Path,
    config: BatchConfig,
    *,
    seed: int,
    share: Share,
    tuned: bool = False,
) -> ExtractionBatches:
    """Training batches; levels are dropped only of the cue that has two of them packed.

    Encoders that are ``tuned`` read every enrolment.
    """
    if tuned or cue != "utterance+map":
        without = 1.0 if cue == "utterance" and not tuned else 0.0
        config = replace(config, drop_vector=0.0, drop_enrolment=without)
    noise, rooms = read_voices(packed / "noise"), np.load(packed / "rooms.npy", mmap_mode="r")
    return ExtractionBatches(voices, noise, rooms, config, seed=seed, share=share)


def two_clean_voices(seconds: float) -> MixtureConfig:
    """Make settings of the easiest mixtures that there are."""
    return MixtureConfig(
        seconds=seconds,
        speakers=(0.0, 1.0),
        absent_probability=0.0,
        noise_probability=0.0,
        room_probability=0.0,
    )


def validation_batches(voices: Voices, *, share: Share) -> ExtractionBatches:
    """Draw fixed clean mixtures of two dev speakers who talk all the time, a share of 300."""
    mixtures = replace(two_clean_voices(VALIDATION_SECONDS), overlap=(1.0, 1.0))
    config = BatchConfig(mixtures, drop_vector=0.0, drop_enrolment=0.0)
    return ExtractionBatches(voices, None, None, config, seed=VALIDATION_SEED, share=share)

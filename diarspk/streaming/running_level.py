"""Level of speech of a session so far.

A recording is read relative to the level of its speech as a whole
(:mod:`diarspk.features.level`). A live session knows the past alone: here the level is that of the
last minute in which there was sound, so it follows a speaker who moves away, and a pause of an
hour does not raise the noise of the room to the level of speech.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.features.level import speech_level
from diarspk.features.recording_quality import DECIBEL, FULL_SCALE_DB, MIN_LEVEL_DB

__all__ = ["RunningLevel"]

MEMORY_FRAMES = 6000
"""Feature frames that the level is measured on: a minute."""

AUDIBLE_DB = 30.0
"""Frames more than this below the level are taken for a pause, and not remembered."""

SETTLED_FRAMES, MEASURED_FRAMES = 1000, 100
"""Once ten seconds are remembered, the level is measured every second; before, with every push."""

MAX_PAUSE_FRAMES = 60_000
"""Feature frames of a pause after which the level begins anew: ten minutes."""

MIN_LEVEL = (FULL_SCALE_DB + MIN_LEVEL_DB) * DECIBEL
"""The level is never below this (natural log power), so digital silence is not amplified."""


class RunningLevel:
    """Level of speech, from the mean mel power of the feature frames received so far."""

    def __init__(self) -> None:
        self.powers: NDArray[np.float64] = np.zeros(0)
        self.pause = 0  # feature frames since the last one that was remembered
        self.level = MIN_LEVEL
        self.unmeasured = 0  # frames that were remembered since the level was measured

    def push(self, powers: NDArray[np.float64]) -> float:
        """Take in the power of the next frames ``(n,)``; return the level in natural log power."""
        if not len(powers):
            return self.level
        sounding = powers
        if self.pause >= MAX_PAUSE_FRAMES:
            self.powers = self.powers[:0]
        elif len(self.powers) == MEMORY_FRAMES:
            sounding = powers[powers >= np.exp(self.level - AUDIBLE_DB * DECIBEL)]
        self.pause = 0 if len(sounding) else self.pause + len(powers)
        if len(sounding):
            self.powers = np.concatenate([self.powers, sounding])[-MEMORY_FRAMES:]
            self.unmeasured += len(sounding)
        if self.unmeasured and (
            len(self.powers) < SETTLED_FRAMES or self.unmeasured >= MEASURED_FRAMES
        ):
            level = float(speech_level(torch.from_numpy(self.powers)[None]))
            self.level, self.unmeasured = max(level, MIN_LEVEL), 0
        return self.level

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        return dict(vars(self))

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        vars(self).update(state)

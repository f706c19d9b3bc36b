"""Cues of other norms, and cues drawn towards the mean of all (Stan and O'Mahony, 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.probes.judges import Judge
from eval.probes.similarity import agreement, judge_all, profiles_of
from eval.probes.synthesis import Synthesiser, Voice

__all__ = ["SweepPoint", "sweep_mean", "sweep_norm"]

Vectors = NDArray[np.float32]
NORMS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class SweepPoint:
    """Outputs for cues that were altered alike.

    Attributes
    ----------
    kind : str
        ``norm``: the cue times ``value``; ``mean``: so far towards the mean cue.
    value : float
    own, others : float
        Mean cosine to the speaker of the cue, and to all others.
    agreement : float
        Mean cosine between two outputs.
    distance : float
        Mean absolute difference to the real features; NaN where the number of frames differs.
    """

    kind: str
    value: float
    own: float
    others: float
    agreement: float
    distance: float


def sweep_norm(
    synthesiser: Synthesiser,
    voices: Sequence[Voice],
    judge: Judge,
    factors: Sequence[float] = NORMS,
) -> list[SweepPoint]:
    """Scale all cues."""
    cues, profiles = np.stack([voice.cue for voice in voices]), profiles_of(voices, judge)
    return [
        _sweep("norm", factor, synthesiser, voices, cues * np.float32(factor), judge, profiles)
        for factor in factors
    ]


def sweep_mean(
    synthesiser: Synthesiser,
    voices: Sequence[Voice],
    judge: Judge,
    shares: Sequence[float] = SHARES,
) -> list[SweepPoint]:
    """Draw all cues towards their mean, whose norm is smaller than theirs."""
    cues, profiles = np.stack([voice.cue for voice in voices]), profiles_of(voices, judge)
    mean = cues.mean(axis=0)
    return [
        _sweep("mean", one, synthesiser, voices, (1 - one) * cues + one * mean, judge, profiles)
        for one in shares
    ]


def _sweep(
    kind: str,
    value: float,
    synthesiser: Synthesiser,
    voices: Sequence[Voice],
    cues: Vectors,
    judge: Judge,
    profiles: Mapping[str, Vectors],
) -> SweepPoint:
    made = [
        synthesiser.synthesise(voice.content, cue.astype(np.float32)).log_mel
        for voice, cue in zip(voices, cues, strict=True)
    ]
    outputs = judge_all(made, judge)
    similarity = outputs @ np.stack(list(profiles.values())).T
    mine = np.array([[name == voice.speaker for name in profiles] for voice in voices])
    same_length = [len(one) == len(voice.log_mel) for one, voice in zip(made, voices, strict=True)]
    distances = (
        [float(np.abs(one - voice.log_mel).mean()) for one, voice in zip(made, voices, strict=True)]
        if all(same_length)
        else [float("nan")]
    )
    return SweepPoint(
        kind=kind,
        value=value,
        own=float(similarity[mine].mean()),
        others=float(similarity[~mine].mean()) if (~mine).any() else float("nan"),
        agreement=agreement(outputs),
        distance=float(np.mean(distances)),
    )

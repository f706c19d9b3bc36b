"""Voices of simulated conversations: who talks, and through which microphone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import unit_vector
from recipes.embedded.data import augmentation
from recipes.embedded.data.pool import Pool
from recipes.embedded.data.speech_frames import speech_mask

__all__ = ["VoiceConfig", "VoicePool"]

SPECTRUM_UTTERANCES = 4
"""Utterances over which the mean spectrum of a speaker is taken."""


@dataclass(frozen=True)
class VoiceConfig:
    """Settings of the voices of a window."""

    equal_channel_probability: float = 0.4  # windows whose speakers share one mean spectrum
    similar_probability: float = 0.4  # windows whose voices are all similar to the first
    similar_voices: int = 150  # nearest voices that count as similar


class VoicePool:
    """Voices that windows are drawn from: training speakers at several speeds.

    Parameters
    ----------
    pool
        Packed features; a speaker at another speed is another voice.
    speakers
        Speaker of every utterance.
    speech
        Probability of speech along each utterance.
    config
        How voices are drawn.
    usable
        Rows of the pool that may be drawn, bool ``(rows,)``.
    teacher
        Unit vector of each usable row, ``(rows, dimension)``: which voices are similar.
    """

    def __init__(
        self,
        pool: Pool,
        speakers: Mapping[str, str],
        speech: Mapping[str, NDArray[np.float32]],
        config: VoiceConfig,
        *,
        usable: NDArray[np.bool_],
        teacher: NDArray[np.float32],
    ) -> None:
        self.pool, self.speech, self.config = pool, speech, config
        self.rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in np.flatnonzero(usable).tolist():
            self.rows[pool.variant[row], speakers[pool.utterance[row]]].append(row)
        self.names = sorted({name for _, name in self.rows})
        counts = np.array([len(self.rows["recorded", name]) for name in self.names])
        weights = np.minimum(counts, 12) ** 0.7
        self.probability = weights / weights.sum()
        means = [teacher[self.rows["recorded", name]].mean(0) for name in self.names]
        self.centroids = np.stack([unit_vector(mean) for mean in means])
        self._spectra: dict[tuple[str, str], NDArray[np.float32]] = {}

    def draw(self, speed: str, count: int, generator: np.random.Generator) -> list[str]:
        """Draw different speakers who have rows at a speed, similar ones in some windows."""
        probability = self.probability.copy()
        probability[[(speed, name) not in self.rows for name in self.names]] = 0
        first = generator.choice(len(self.names), p=probability / probability.sum())
        probability[first] = 0
        if generator.random() < self.config.similar_probability:
            probability *= self.nearest(int(first), probability > 0)
        others = generator.choice(
            len(self.names), count - 1, replace=False, p=probability / probability.sum()
        )
        return [self.names[number] for number in (first, *others)]

    def nearest(self, number: int, eligible: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mark the eligible voices among the ``similar_voices`` nearest to voice ``number``."""
        similarity = np.where(eligible, self.centroids @ self.centroids[number], -np.inf)
        count = min(self.config.similar_voices, len(similarity))
        nearest = np.argpartition(-similarity, count - 1)[:count]
        chosen = np.zeros_like(eligible)
        chosen[nearest] = True
        return chosen & eligible

    def utterances(self, speaker: str, speed: str) -> list[str]:
        """Names of the utterances that a voice is drawn from."""
        return [self.pool.utterance[row] for row in self.rows[speed, speaker]]

    def draw_filters(
        self, voices: list[str], speed: str, generator: np.random.Generator
    ) -> list[NDArray[np.float32]]:
        """Draw a filter ``(mels,)`` in log power for each speaker's microphone.

        Every voice of the pool comes with a microphone of its own, which in a real recording tells
        nobody apart. So in some windows channels are made equal: each speaker's mean spectrum
        becomes that of one of them.
        """
        filters = [smooth_filter(self.pool.features.shape[1], generator) for _ in voices]
        if generator.random() >= self.config.equal_channel_probability:
            return filters
        spectra = [self.mean_spectrum(voice, speed) for voice in voices]
        common = spectra[generator.integers(len(spectra))]
        return [
            0.5 * small + (common - own).clip(-5, 5)
            for small, own in zip(filters, spectra, strict=True)
        ]

    def mean_spectrum(self, speaker: str, speed: str) -> NDArray[np.float32]:
        """Mean log-mel spectrum of a speaker's speech, ``(mels,)``; computed once."""
        if (speed, speaker) not in self._spectra:
            rows = self.rows[speed, speaker][:SPECTRUM_UTTERANCES]
            dense = [self.read_dense(row) for row in rows]
            self._spectra[speed, speaker] = np.concatenate(dense).astype(np.float32).mean(0)
        return self._spectra[speed, speaker]

    def read_dense(self, row: int) -> NDArray[np.float16]:
        """Read a row's speech without its pauses, at level zero: ``(frames, mels)``."""
        start, frames = int(self.pool.start[row]), int(self.pool.frames[row])
        features = self.pool.features[start : start + frames]
        mask = speech_mask(self.speech[self.pool.utterance[row]], frames)
        speech = features[mask].astype(np.float32)
        return (speech - np.log(np.exp(speech).mean())).astype(np.float16)


def smooth_filter(mels: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw two slow cosines over the mel axis, ``(mels,)``: a microphone and its distance."""
    position = (np.arange(mels) + 0.5) / mels
    weights = generator.normal(0, 2.0 * augmentation.DECIBEL, 2)
    cosines = np.cos(np.pi * np.outer([1, 2], position))
    return (weights @ cosines).astype(np.float32)

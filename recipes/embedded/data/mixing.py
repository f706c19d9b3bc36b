"""Acoustics of simulated windows: rooms, background noise, channels, and features at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft

from diarspk.audio import SAMPLE_RATE
from diarspk.features.log_mel import LogMel
from eval.simulate.voices import fade
from recipes.embedded.data import augmentation
from recipes.embedded.data.degradation import pass_channel
from recipes.embedded.data.pool import FRAMES_PER_SECOND
from recipes.embedded.data.shards import Waveform
from recipes.embedded.data.tonal_sounds import draw_steady_tone, draw_tonal_sound
from recipes.embedded.data.waveforms import Sources, at_power_one

__all__ = ["SHIFT", "Gap", "Mixer", "MixingConfig", "amplitude", "transmit"]

SHIFT = SAMPLE_RATE // FRAMES_PER_SECOND
"""Samples from one feature frame to the next."""

RMS_AT_LEVEL_ZERO = np.float32(0.05)
"""Root mean square of speech at level zero."""


@dataclass(frozen=True)
class MixingConfig:
    """Settings of rooms, channels and noise. Levels are in decibels, relative to level zero."""

    room_probability: float = 0.7
    channel_probability: float = 0.25  # windows through a telephone, a lossy codec, clipping
    band_probability: float = 0.2
    noise_ratio_db: tuple[float, float] = (0.0, 35.0)
    quiet_probability: float = 0.15  # windows with next to no noise
    quiet_ratio_db: tuple[float, float] = (35.0, 70.0)
    max_bursts: int = 5  # noises as loud as quiet speech or louder
    burst_frames: tuple[int, int] = (5, 500)  # log-uniform
    burst_level_db: tuple[float, float] = (-25.0, 3.0)
    tonal_probability: float = 0.3  # bursts that have a pitch: cries, sirens, tunes, tones
    tone_probability: float = 0.06  # windows with a tone from end to end
    tone_level_db: tuple[float, float] = (-30.0, 6.0)
    gap_gain_db: tuple[float, float] = (-5.0, 15.0)  # on bursts cut out of speech
    level_deviation_db: float = 5.0


class Gap(NamedTuple):
    """Samples of an utterance between words: breaths, clicks, rustling."""

    utterance: str
    first: int
    last: int


class Mixer:
    """Adds rooms, noise and channels to speech.

    Parameters
    ----------
    sources
        Noises, rooms, and the voices whose gaps are bursts of noise.
    config
        How windows sound.
    gaps
        Stretches of the voices without speech.
    """

    def __init__(self, sources: Sources, config: MixingConfig, gaps: list[Gap]) -> None:
        self.sources, self.config, self.gaps = sources, config, gaps
        self.log_mel = LogMel()

    def draw_room(self, generator: np.random.Generator) -> Waveform | None:
        """Draw responses of the places of a room, ``(places, taps)``; None for no room."""
        if generator.random() >= self.config.room_probability:
            return None
        rooms = self.sources.rooms
        room = rooms[generator.integers(len(rooms))].astype(np.float32)
        return generator.permutation(room)

    def features(
        self, mixture: Waveform, generator: np.random.Generator, *, level_db: float
    ) -> augmentation.Features:
        """Add noise, pass a channel, and compute features ``(frames, mels)`` near ``level_db``."""
        config = self.config
        mixture = mixture + self.background(len(mixture), generator)
        if generator.random() < config.channel_probability:
            mixture = pass_channel(mixture, generator)
        with torch.inference_mode():
            features = self.log_mel(torch.from_numpy(RMS_AT_LEVEL_ZERO * mixture)[None]).numpy()
        if generator.random() < 0.5:
            features = augmentation.tilt(features, generator)
        if generator.random() < config.band_probability:
            features = augmentation.band_limit(features, generator)
        gain = (level_db + generator.normal(0, config.level_deviation_db)) * augmentation.DECIBEL
        return (features - augmentation.level(features) + gain)[0].astype(np.float32)

    def background(self, samples: int, generator: np.random.Generator) -> Waveform:
        """Draw noise for a whole window, and bursts of it, ``(samples,)``."""
        config = self.config
        quiet = generator.random() < config.quiet_probability
        ratio = generator.uniform(*(config.quiet_ratio_db if quiet else config.noise_ratio_db))
        background = self.draw_noise(samples, generator) * amplitude(-ratio)
        # Without any, what else is drawn stays the same.
        if config.tone_probability > 0 and generator.random() < config.tone_probability:
            gain = amplitude(generator.uniform(*config.tone_level_db))
            background = background + draw_steady_tone(samples, generator) * gain
        for _ in range(generator.integers(config.max_bursts + 1)):
            burst = self.draw_burst(samples, generator)
            start = int(generator.integers(samples - len(burst) + 1))
            background[start : start + len(burst)] += burst
        return background

    def draw_burst(self, max_samples: int, generator: np.random.Generator) -> Waveform:
        """Draw a gap between words, louder beside its speech than it was, a tune, or some noise."""
        config = self.config
        if self.gaps and generator.random() < 0.5:
            gap = self.gaps[generator.integers(len(self.gaps))]
            gain = amplitude(generator.uniform(*config.gap_gain_db))
            audio = at_power_one(self.sources.voices.read(gap.utterance))
            return fade(audio[gap.first : gap.last][:max_samples]) * gain
        tonal = config.tonal_probability > 0 and generator.random() < config.tonal_probability
        if tonal:
            length = int(generator.integers(min(SAMPLE_RATE // 2, max_samples), max_samples + 1))
        else:
            low, high = np.log(config.burst_frames)
            length = min(SHIFT * int(np.exp(generator.uniform(low, high))), max_samples)
        gain = amplitude(generator.uniform(*config.burst_level_db))
        draw = draw_tonal_sound if tonal else self.draw_noise
        return fade(draw(length, generator)) * gain

    def draw_noise(self, samples: int, generator: np.random.Generator) -> Waveform:
        """Draw ``samples`` of one noise at level zero from a random place on; short ones repeat."""
        noises = self.sources.noises
        noise = noises.read(noises.names[generator.integers(len(noises.names))])
        noise = np.resize(
            noise[int(generator.integers(max(len(noise) - samples, 0) + 1)) :], samples
        )
        return at_power_one(noise)


def transmit(
    audio: Waveform, response: Waveform | None, filter_log_power: NDArray[np.float32]
) -> Waveform:
    """Pass ``audio (samples,)`` through a room response and a filter given on the mel axis.

    The filter has zero phase.
    """
    taps = 0 if response is None else len(response)
    size = fft.next_fast_len(len(audio) + taps + SHIFT, real=True)
    bins = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1)
    mels = augmentation.mel_frequencies(len(filter_log_power))
    gain = np.exp(0.5 * np.interp(bins, mels, filter_log_power)).astype(np.float32)
    spectrum = fft.rfft(audio, size) * gain
    if response is not None:
        spectrum *= fft.rfft(response, size)
    return fft.irfft(spectrum, size)[: len(audio)]


def amplitude(decibels: float) -> np.float32:
    """Amplitude ratio of a level."""
    return np.float32(10 ** (decibels / 20))

"""Crops of the cuts of manifests, for batches in training and in validation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.signal import fftconvolve
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig, LogMel
from recipes.embedded.data.augmentation import mask
from recipes.training.speed import change_speed
from recipes.zoo.held_out import SECONDS, HeldOut, middle
from recipes.zoo.manifests import (
    Waveform,
    held_out_cuts,
    held_out_speakers,
    load_cut,
    read_cuts,
    speaker_of,
)
from recipes.zoo.settings import Phase, Settings

__all__ = ["CutCrops", "open_cuts", "open_held_out_cuts"]

SPEEDS = (1.0, 0.9, 1.1)
AUGMENTED = 0.6
"""Share of crops that get noise or a room, as in WeSpeaker's recipe."""

MASKED = 0.3
NOISE_RATIO_DB = (0.0, 15.0)


def open_cuts(settings: Settings, phase: Phase, features: FeatureConfig | None) -> CutCrops:
    """Open the training manifests of a run, without the speakers that are held out."""
    data = settings.data
    cuts = read_cuts(data.train)
    held_out = held_out_speakers(settings, cuts)
    return CutCrops(
        [cut for cut in cuts if speaker_of(cut, data.train) not in held_out],
        phase,
        features,
        noise=read_cuts(data.noise) if data.noise else [],
        rooms=read_cuts(data.rooms) if data.rooms else [],
        copies=2 if settings.loss == "ge2e" else 1,
        where=data.train,
    )


def open_held_out_cuts(settings: Settings, features: FeatureConfig | None) -> HeldOut:
    """Open the crops that training is validated on."""
    cuts = held_out_cuts(settings)
    crops = np.stack([middle(load_cut(cut), round(SECONDS * SAMPLE_RATE)) for cut in cuts])
    waveforms = torch.from_numpy(crops)
    if features is not None:
        with torch.inference_mode():
            waveforms = LogMel(features)(waveforms).clone()
    return HeldOut(tuple(speaker_of(cut, settings.data.train) for cut in cuts), waveforms)


class CutCrops:
    """Batches of crops, every speaker of a batch drawn once (or `copies` times).

    A speaker at 0.9 and at 1.1 times the speed is two other speakers.
    """

    def __init__(
        self,
        cuts: Sequence[Any],
        phase: Phase,
        features: FeatureConfig | None,
        *,
        noise: Sequence[Any] = (),
        rooms: Sequence[Any] = (),
        copies: int = 1,
        where: str = "`cuts`",
    ) -> None:
        self.phase, self.noise, self.rooms, self.copies = phase, noise, rooms, copies
        self.log_mel = None if features is None else LogMel(features)
        self.cuts: dict[str, list[Any]] = defaultdict(list)
        for cut in cuts:
            self.cuts[speaker_of(cut, where)].append(cut)
        self.names = sorted(self.cuts)
        if len(self.names) < phase.crops // copies:
            raise ArgumentError(
                f"`crops` must be at most {len(self.names) * copies}, so that no speaker is drawn "
                f"twice, got {phase.crops}"
            )
        self.samples = round(phase.frames_per_crop * SAMPLE_RATE / 100)
        if self.log_mel is not None:  # as many samples as give that many frames
            self.samples += self.log_mel.config.frame_length_samples
            self.samples -= self.log_mel.config.frame_shift_samples

    @property
    def classes(self) -> int:
        """Speakers at three speeds, in every phase alike."""
        return len(SPEEDS) * len(self.names)

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """See :class:`recipes.zoo.sources.Source`."""
        size = self.phase.crops // self.copies
        chosen = generator.choice(len(self.names), size, replace=False)
        altered = generator.random(size) < self.phase.altered_speed
        speed = np.where(altered, generator.integers(1, len(SPEEDS), size), 0)
        crops = [
            self._crop(int(number), float(SPEEDS[kind]), generator)
            for number, kind in zip(
                chosen.repeat(self.copies), speed.repeat(self.copies), strict=True
            )
        ]
        waveforms = torch.from_numpy(np.stack(crops))
        label = torch.from_numpy((speed * len(self.names) + chosen).repeat(self.copies))
        return {"features": self._features(waveforms, generator), "label": label}

    def _features(self, waveforms: Tensor, generator: np.random.Generator) -> Tensor:
        if self.log_mel is None:
            return waveforms
        with torch.inference_mode():
            features = self.log_mel(waveforms).numpy()
        masked = generator.random(len(features)) < MASKED
        features[masked] = mask(features[masked], generator)
        return torch.from_numpy(features)

    def _crop(self, number: int, speed: float, generator: np.random.Generator) -> Waveform:
        """Read a crop, repeated where its recording is too short, and degrade it."""
        own = self.cuts[self.names[number]]
        place = int(generator.integers(len(own)))
        cut = own[place]
        if self.phase.views:
            view = int(generator.integers(self.phase.views))
            generator = np.random.default_rng([number, place, round(100 * speed), view])
        wanted = self.samples * speed / SAMPLE_RATE
        if cut.duration > wanted:
            offset = generator.uniform(0, cut.duration - wanted)
            cut = cut.truncate(offset=offset, duration=wanted, preserve_id=True)
        audio = load_cut(cut)
        if speed != 1.0:
            audio = change_speed(audio, speed)
        audio = np.resize(audio, self.samples).astype(np.float32)
        kinds = [kind for kind in (self.noise, self.rooms) if len(kind)]
        if kinds and generator.random() < AUGMENTED:
            kind = kinds[generator.integers(len(kinds))]
            other = load_cut(kind[int(generator.integers(len(kind)))])
            audio = (
                reverberate(audio, other) if kind is self.rooms else mix(audio, other, generator)
            )
        return audio


def mix(audio: Waveform, noise: Waveform, generator: np.random.Generator) -> Waveform:
    """Add noise at a random ratio of powers."""
    ratio = generator.uniform(*NOISE_RATIO_DB)
    begin = int(generator.integers(max(len(noise) - len(audio), 0) + 1))
    noise = np.resize(noise[begin:], len(audio))
    power = float(np.mean(audio**2)) / max(float(np.mean(noise**2)), 1e-12)
    return audio + noise * np.float32(np.sqrt(power * 10 ** (-ratio / 10)))


def reverberate(audio: Waveform, response: Waveform) -> Waveform:
    """Convolve with an impulse response, at the power that the audio had."""
    response = response[int(np.argmax(np.abs(response))) :]
    wet = fftconvolve(audio, response)[: len(audio)]
    gain = np.sqrt(np.mean(audio**2) / max(float(np.mean(wet**2)), 1e-12))
    return (wet * gain).astype(np.float32)

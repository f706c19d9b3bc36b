"""Simulated windows of conversation, mixed from waveforms on real turn-taking.

Turns come from reference annotations (AMI train, VoxConverse dev), voices from the training
speakers. Each speaker's utterances are made dense (what a detector does not take for speech is cut
out, see ``speech.py``), so that a turn's labels are exact; speakers get levels of their own and
places in one room, and a window has background noise, bursts of noise, and at times a channel. Half
of the bursts are what was cut out: breaths, clicks and rustling close to a microphone.

Waveforms are added, not powers: two voices at once beat, and a head that learned overlap from sums
of mel powers, which do not, takes a third of real overlap for one voice (see ``NOTES.md``, 35).

The parts: :mod:`~recipes.embedded.data.turns` (who talks when),
:mod:`~recipes.embedded.data.voice_pool` (whose voices these are),
:mod:`~recipes.embedded.data.mixing` (how it sounds).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from diarspk.features.log_mel import FeatureConfig
from recipes.embedded.data import augmentation
from recipes.embedded.data.degradation import SPEED
from recipes.embedded.data.mixing import SHIFT, Gap, Mixer, MixingConfig, amplitude, transmit
from recipes.embedded.data.shards import Waveform
from recipes.embedded.data.speech_frames import non_speech_intervals
from recipes.embedded.data.turns import Turn, TurnConfig, TurnTaking
from recipes.embedded.data.voice_pool import VoiceConfig, VoicePool
from recipes.embedded.data.waveforms import DenseSpeech, Sources
from recipes.training.sharing import EVERYTHING, Share

__all__ = ["ConversationConfig", "Conversations", "Dialogue", "label_frames", "label_power"]

SPEEDS = {"recorded": 0.76, **dict.fromkeys(SPEED, 0.06)}
"""Speeds at which a window's voices are played, and how often each."""


@dataclass(frozen=True)
class ConversationConfig(TurnConfig, VoiceConfig, MixingConfig):
    """Settings of simulated windows. Levels are in decibels relative to a speaker at level zero."""

    stride: int = 4  # feature frames per label frame
    windows_per_batch: int = 6
    longest_pauses_s: tuple[float, ...] = (0.1, 0.1, 0.3, 0.6)  # within turns; one is drawn
    speaker_level_db: float = 4.0
    turn_level_db: float = 1.5
    distant_probability: float = 0.35  # windows behind which somebody talks whom nobody annotates
    distant_level_db: tuple[float, float] = (-35.0, -12.0)  # relative to the quietest speaker
    max_distant: int = 3  # stretches of that voice
    empty_level_db: tuple[float, float] = (-45.0, 0.0)  # of a window in which nobody talks

    @property
    def samples(self) -> int:
        """Samples of a window, which give as many feature frames as it has."""
        return (self.frames - 1) * SHIFT + FeatureConfig().frame_length_samples


class Dialogue(NamedTuple):
    """Speech of a window, each speaker apart, before noise.

    Attributes
    ----------
    lanes : ``(speakers, samples)``
        Each speaker's speech at the microphone.
    activity : ``(frames, speakers)``
        Who talks when, in {0, 1}.
    rows : ``(speakers,)``
        Row of the pool with each speaker's voice.
    min_level_db : float
        Level of the quietest speaker who talks.
    """

    lanes: Waveform
    activity: NDArray[np.float32]
    rows: NDArray[np.int64]
    min_level_db: float


class Conversations(IterableDataset[dict[str, Tensor]]):
    """Batches ``features (batch, frames, mels)``, ``activity (batch, frames / stride, speakers)``.

    ``activity`` is in {0, 1}. Speakers of a window beyond the first ``speakers`` are left out.
    ``row (batch, speakers)`` is a row of the pool with each speaker's voice; ``power``, shaped as
    ``activity``, is that of each speaker alone, before noise and the common filter. As in
    :class:`~recipes.embedded.data.crops.SpeakerCrops`, batch ``number`` depends on seed and number
    alone; a window at another speed has other voices.

    Parameters
    ----------
    turns
        Turn-taking of the windows.
    voices
        Who talks in them.
    sources
        Waveforms of voices and noise, and rooms.
    config
        How windows are drawn.
    seed
        Of all draws.
    share
        Which batches this process draws.
    """

    def __init__(
        self,
        turns: TurnTaking,
        voices: VoicePool,
        sources: Sources,
        config: ConversationConfig,
        *,
        seed: int,
        share: Share = EVERYTHING,
    ) -> None:
        self.turns, self.voices, self.config = turns, voices, config
        self.seed, self.share = seed, share
        present = {speed for speed, _ in voices.rows}
        shares = {speed: share for speed, share in SPEEDS.items() if speed in present}
        self.speeds = {speed: share / sum(shares.values()) for speed, share in shares.items()}
        self.speech = DenseSpeech(sources.voices, voices.speech)
        self.mixer = Mixer(sources, config, find_gaps(sources, voices.speech))

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for number in self.share:
            yield self.batch(np.random.default_rng([self.seed, 1, number]))

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """Draw windows, and stack their parts."""
        windows = [self.window(generator) for _ in range(self.config.windows_per_batch)]
        names = ("features", "activity", "row", "power")
        parts = zip(*windows, strict=True)
        return {
            name: torch.from_numpy(np.stack(part)) for name, part in zip(names, parts, strict=True)
        }

    def window(
        self, generator: np.random.Generator
    ) -> tuple[augmentation.Features, NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """Draw features, activity, rows of the voices, and power of one window."""
        config, turns = self.config, self.turns.draw(generator)
        room = self.mixer.draw_room(generator)
        dialogue = self.render(turns, room, generator)
        mixture = dialogue.lanes.sum(0)
        level = 0.0 if turns else generator.uniform(*config.empty_level_db)
        if generator.random() < config.distant_probability:
            gain = dialogue.min_level_db + generator.uniform(*config.distant_level_db)
            mixture = mixture + self.distant_voice(room, generator) * amplitude(gain)
            level = level if turns else gain
        features = self.mixer.features(mixture, generator, level_db=level)
        share = label_frames(dialogue.activity, config.stride)
        power = label_power(dialogue.lanes, len(share), config.stride) * (share > 0)
        return features, (share >= 0.5).astype(np.float32), dialogue.rows, power

    def render(
        self, turns: list[Turn], room: Waveform | None, generator: np.random.Generator
    ) -> Dialogue:
        """Render turns as speech, each speaker at a level and a place of its own."""
        config = self.config
        dry = np.zeros((config.speakers, config.samples), np.float32)
        activity = np.zeros((config.frames, config.speakers), np.float32)
        names = sorted({name for _, _, name in turns})
        speed = str(generator.choice(list(self.speeds), p=list(self.speeds.values())))
        voices = self.voices.draw(speed, config.speakers, generator)
        pause = float(generator.choice(config.longest_pauses_s))
        levels = generator.normal(0, config.speaker_level_db, config.speakers)
        filters = self.voices.draw_filters(voices, speed, generator)
        for start, end, name in turns:
            number = names.index(name)
            speech = self.speech.take(
                self.voices.utterances(voices[number], speed),
                (end - start) * SHIFT,
                generator,
                speed=SPEED.get(speed, 1.0),
                longest_pause_s=pause,
            )
            gain = levels[number] + generator.normal(0, config.turn_level_db)
            dry[number, start * SHIFT : end * SHIFT] += speech * amplitude(gain)
            activity[start:end, number] = 1.0
        lanes = np.zeros_like(dry)
        for number in range(len(names)):
            response = None if room is None else room[number]
            lanes[number] = transmit(dry[number], response, filters[number])
        rows = np.array([self.voices.rows[speed, voice][0] for voice in voices])
        return Dialogue(lanes, activity, rows, float(levels[: len(names)].min(initial=0.0)))

    def distant_voice(self, room: Waveform | None, generator: np.random.Generator) -> Waveform:
        """Draw somebody's talk in the background, at level zero, ``(samples,)``."""
        config = self.config
        lane = np.zeros(config.samples, np.float32)
        voice = str(generator.choice(self.voices.names))
        utterances = self.voices.utterances(voice, "recorded")
        for _ in range(generator.integers(1, config.max_distant + 1)):
            length = SHIFT * int(generator.integers(config.frames // 20, config.frames))
            start = int(generator.integers(config.samples - length + 1))
            lane[start : start + length] = self.speech.take(utterances, length, generator)
        flat = np.zeros(self.voices.pool.features.shape[1], np.float32)
        return transmit(lane, None if room is None else room[-1], flat)


def label_frames(values: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    """Mean of ``(frames, speakers)`` over each label frame, ``(frames / stride, speakers)``."""
    means: NDArray[np.float32] = values.reshape(len(values) // stride, stride, -1).mean(1)
    return means


def label_power(lanes: Waveform, frames: int, stride: int) -> NDArray[np.float32]:
    """Mean power of ``(speakers, samples)`` in each label frame, ``(frames, speakers)``."""
    length = SHIFT * stride
    squares = np.square(lanes[:, : frames * length])
    return squares.reshape(len(lanes), frames, length).mean(-1).T


def find_gaps(sources: Sources, speech: Mapping[str, NDArray[np.float32]]) -> list[Gap]:
    """Stretches of the voices' utterances without speech."""
    return [
        Gap(utterance, SHIFT * first, SHIFT * last)
        for utterance, place in sources.voices.place.items()
        for first, last in non_speech_intervals(
            speech[utterance], (place.stop - place.start) // SHIFT
        )
    ]

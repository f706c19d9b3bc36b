"""Voices, noises and rooms that conversations are mixed from in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.features.log_mel import LogMel
from recipes.embedded.data.conversations import ConversationConfig, Conversations
from recipes.embedded.data.degradation import SPEED
from recipes.embedded.data.mixing import transmit
from recipes.embedded.data.pool import Pool, read_pool
from recipes.embedded.data.prepare import Packed, write
from recipes.embedded.data.shards import Waveform
from recipes.embedded.data.turns import Turn, TurnTaking
from recipes.embedded.data.voice_pool import VoicePool
from recipes.embedded.data.waveforms import PLACES, Sources, pack_waveforms
from recipes.training.sharing import EVERYTHING, Share
from recipes.training.speed import change_speed

MELS = 80
CHUNK = 512
"""Samples for each probability of speech."""
VARIANTS = ("recorded", "room", "noisy", "channel", *SPEED)
"""Every kind of copy of :mod:`recipes.embedded.data.prepare` once."""
PLAIN = {
    "empty_probability": 0.0,
    "invented_probability": 0.0,
    "interjection_probability": 0.0,
    "room_probability": 0.0,
    "channel_probability": 0.0,
    "distant_probability": 0.0,
    "noise_ratio_db": (60.0, 61.0),
    "quiet_probability": 0.0,
    "max_bursts": 0,
    "tone_probability": 0.0,
}
"""Settings of windows of nothing but the voices and a little noise."""


def harmonic_voice(pitch: float, samples: int, generator: np.random.Generator) -> Waveform:
    """Fifteen harmonics that fall by 6 dB an octave, and noise 20 dB below them."""
    angle = 2 * np.pi * pitch * np.arange(samples) / SAMPLE_RATE
    voice = sum(
        np.sin(number * angle + generator.uniform(0, 2 * np.pi)) / number for number in range(1, 16)
    )
    voice = voice / np.std(voice) + 0.1 * generator.normal(size=samples)
    return (0.05 * voice).astype(np.float32)


def coloured_noise(
    log_power: NDArray[np.float64], samples: int, generator: np.random.Generator
) -> Waveform:
    """Noise with a spectrum ``(mels,)``, in natural log power beside that of white noise."""
    white = generator.normal(size=samples).astype(np.float32)
    noise = transmit(white, None, log_power.astype(np.float32))
    return np.float32(0.05) * noise / noise.std()


def log_mel(waveform: Waveform) -> NDArray[np.float32]:
    """Features ``(frames, mels)`` of a waveform ``(samples,)``."""
    with torch.inference_mode():
        return LogMel()(torch.from_numpy(waveform)[None])[0].numpy()


def make_rooms(count: int, generator: np.random.Generator, taps: int = 800) -> NDArray[np.float16]:
    """Direct sound and a tail that falls by 60 dB in 35 ms, for each place; of energy one."""
    tail = generator.normal(size=(count, PLACES, taps)) * 10 ** (-3 * np.arange(taps) / 560)
    tail[..., 0] = 3.0
    return (tail / np.sqrt(np.sum(tail**2, axis=-1, keepdims=True))).astype(np.float16)


@dataclass(frozen=True, eq=False)
class Talkers:
    """Utterances ``SPEAKER-NUMBER`` of numbered speakers, packed as the recipe has them."""

    pool: Pool
    sources: Sources
    speech: dict[str, NDArray[np.float32]]

    @property
    def speakers(self) -> dict[str, str]:
        return {name: name.split("-")[0] for name in self.speech}

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Speaker of each row of the pool."""
        return np.array([int(self.speakers[name]) for name in self.pool.utterance])

    @property
    def usable(self) -> NDArray[np.bool_]:
        return np.ones(len(self.pool.start), bool)

    def conversations(
        self,
        templates: list[list[list[Turn]]],
        config: ConversationConfig,
        *,
        teacher: NDArray[np.float32],
        seed: int = 0,
        share: Share = EVERYTHING,
    ) -> Conversations:
        voices = VoicePool(
            self.pool, self.speakers, self.speech, config, usable=self.usable, teacher=teacher
        )
        turns = TurnTaking(templates, config)
        return Conversations(turns, voices, self.sources, config, seed=seed, share=share)


def make_talkers(
    folder: Path, voices: Mapping[str, Waveform], speech: Sequence[float] = (1.0,)
) -> Talkers:
    """Pack utterances, a hum, a second of hiss and three rooms.

    Parameters
    ----------
    folder
        Where the features are written and read.
    speech
        Probability of speech along every utterance, in parts of one length.
    """
    write([_pack(voices)], folder)
    generator = np.random.default_rng(0)
    noises = {
        "hiss": 0.05 * generator.normal(size=SAMPLE_RATE).astype(np.float32),
        "hum": harmonic_voice(50.0, 12 * SAMPLE_RATE, generator),
    }
    sources = Sources(
        pack_waveforms(voices.items()), pack_waveforms(noises.items()), make_rooms(3, generator)
    )
    probability = {}
    for name, voice in voices.items():
        chunks = -(-len(voice) // CHUNK)
        part = np.arange(chunks) * len(speech) // chunks
        probability[name] = np.array(speech, np.float32)[part]
    return Talkers(read_pool(folder), sources, probability)


def eight_talkers(folder: Path) -> Talkers:
    """Eight speakers with two utterances each, a third of which is a pause before the last part."""
    generator = np.random.default_rng(0)
    voices = {
        f"{speaker}-{number}": harmonic_voice(
            90.0 * 1.12**speaker, CHUNK * int(generator.integers(50, 94)), generator
        )
        for speaker in range(8)
        for number in range(2)
    }
    return make_talkers(folder, voices, [0.9] * 3 + [0.0] * 2 + [0.9])


def _pack(voices: Mapping[str, Waveform]) -> Packed:
    """Features of utterances in every variant; those at the recorded speed are all alike."""
    blocks, rows = [], []
    for name, voice in voices.items():
        recorded = log_mel(voice)
        for variant in VARIANTS:
            features = (
                log_mel(change_speed(voice, SPEED[variant])) if variant in SPEED else recorded
            )
            blocks.append(features.astype(np.float16))
            rows.append({"utterance": name, "variant": variant, "frames": len(features)})
    return Packed(np.concatenate(blocks), rows)

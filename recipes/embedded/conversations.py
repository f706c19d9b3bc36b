"""Simulated ten-second windows of conversation, made of log-mel features on real turn-taking.

Turns come from reference annotations (AMI train, VoxConverse dev), voices from the training
speakers. Each speaker's utterances are made dense (what a detector doesn't hear as speech is cut
out, see ``speech.py``), so that a turn's labels are exact; speakers get levels of their own, and a
window has one channel, background noise, and bursts of noise. Half of the bursts are what was cut
out: breaths, clicks and rustling close to a microphone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from recipes.embedded import augmentation
from recipes.embedded.data import FRAMES_PER_SECOND, Pool
from recipes.sharing import EVERYTHING, Share

Turn = tuple[int, int, str]  # first frame, last frame, speaker
FLOOR_DB = -45.0
VARIANTS = {"recorded": 0.35, "room": 0.35, "channel": 0.1, "slow": 0.1, "fast": 0.1}
"""Kinds of copies of :mod:`recipes.embedded.prepare`, and how often a window is made of each."""


@dataclass(frozen=True)
class ConversationConfig:
    """How windows are drawn."""

    frames: int = 1000
    stride: int = 4  # feature frames per label frame
    windows_per_batch: int = 6
    speakers: int = 3
    dense_probability: float = 0.6  # windows chosen for overlap and rapid change
    invented_probability: float = 0.2  # turns drawn at random instead of from a template
    equal_channel_probability: float = 0.5  # windows whose speakers share one mean spectrum
    alike_probability: float = 0.4  # windows whose voices are all near to the first in sound
    alike_voices: int = 150  # that count as near
    band_probability: float = 0.2
    speaker_level_db: float = 5.0
    turn_level_db: float = 1.5
    interjection_probability: float = 0.3  # windows with short turns laid over the others
    most_interjections: int = 4
    interjection_frames: tuple[int, int] = (25, 100)
    distant_probability: float = 0.4  # windows behind which somebody talks whom nobody annotates
    distant_level_db: tuple[float, float] = (-35.0, -12.0)  # against the quietest speaker
    most_distant: int = 3  # stretches of that voice
    empty_probability: float = 0.12  # windows in which nobody talks
    noise_ratio_db: tuple[float, float] = (0.0, 35.0)
    most_bursts: int = 5  # noises as loud as quiet speech or louder
    burst_frames: tuple[int, int] = (5, 500)  # log-uniform
    burst_level_db: tuple[float, float] = (-25.0, 3.0)
    gap_gain_db: tuple[float, float] = (-5.0, 15.0)  # on bursts cut out of speech
    level_deviation_db: float = 5.0


def read_turns(path: Path) -> list[Turn]:
    """Read the turns of one RTTM file in frames."""
    turns = []
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if len(fields) > 7 and fields[0] == "SPEAKER":
            start = round(float(fields[3]) * FRAMES_PER_SECOND)
            turns.append((start, start + round(float(fields[4]) * FRAMES_PER_SECOND), fields[7]))
    return sorted(turns)


def read_templates(folder: Path) -> list[list[list[Turn]]]:
    """Turn-taking of AMI train and VoxConverse dev, drawn from with equal probability."""
    corpora = (folder / "ami" / "train", folder / "voxconverse" / "dev")
    return [
        [turns for path in sorted(corpus.glob("*.rttm")) if (turns := read_turns(path))]
        for corpus in corpora
    ]


def read_speech(path: Path) -> dict[str, NDArray[np.float32]]:
    """Probability of speech in every 32 ms of each utterance, as ``speech.py`` wrote it."""
    stored = np.load(path)
    parts = np.split(stored["probability"].astype(np.float32) / 255, np.cumsum(stored["chunks"]))
    return dict(zip(stored["utterance"].tolist(), parts[:-1], strict=True))


def speech_frames(
    probability: NDArray[np.float32],
    frames: int,
    *,
    threshold: float = 0.3,
    longest_pause: int = 30,
) -> NDArray[np.bool_]:
    """Frames to keep of a recording at any speed: speech, and pauses of at most 0.3 s."""
    speech = stretch(probability, frames) >= threshold
    edges = np.flatnonzero(np.diff(np.pad(speech.astype(np.int8), 1)))
    for end, start in zip(edges[1::2], edges[2::2], strict=False):
        if start - end <= longest_pause:
            speech[end:start] = True
    return speech if speech.any() else np.ones(frames, np.bool_)


def gaps(
    probability: NDArray[np.float32], frames: int, *, threshold: float = 0.1, shortest: int = 25
) -> list[tuple[int, int]]:
    """First and last frame of each stretch without speech."""
    silent = stretch(probability, frames) < threshold
    edges = np.flatnonzero(np.diff(np.pad(silent.astype(np.int8), 1)))
    pairs = zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(start, end) for start, end in pairs if end - start >= shortest]


def stretch(probability: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Nearest value for each of ``frames`` that span the same recording."""
    place = (np.arange(frames) + 0.5) * len(probability) / frames
    return probability[place.astype(np.int64)]


class Laid(NamedTuple):
    """Turns of a window: the sum of their log-mel features, and what is known of each speaker.

    ``mixture (frames, mels)``; ``activity`` and ``power``, mean over the mel bins, are ``(frames,
    speakers)``; ``rows (speakers,)`` are rows of the pool; ``quietest`` is the level in dB of the
    quietest who talks.
    """

    mixture: augmentation.Features
    activity: NDArray[np.float32]
    power: NDArray[np.float32]
    rows: NDArray[np.int64]
    quietest: float


class Conversations(IterableDataset[dict[str, Tensor]]):
    """Batches ``features (batch, frames, mels)``, ``activity (batch, frames / stride, speakers)``.

    ``activity`` is in {0, 1}. Speakers of a window beyond the first ``speakers`` are left out.
    ``row (batch, speakers)`` is a row of the pool with each speaker's voice; ``power``, shaped as
    ``activity``, is that of each speaker alone, before noise and the common filter. ``teacher
    (rows, dimension)``, a unit vector for each usable row of the pool, says which voices are alike.
    As in :class:`~recipes.embedded.data.SpeakerCrops`, batch ``number`` depends on seed and number
    alone; a window at another speed has other voices.
    """

    def __init__(
        self,
        pool: Pool,
        noise: Pool,
        speakers: dict[str, str],
        speech: dict[str, NDArray[np.float32]],
        templates: list[list[list[Turn]]],
        config: ConversationConfig,
        *,
        usable: NDArray[np.bool_],
        teacher: NDArray[np.float32],
        seed: int,
        share: Share = EVERYTHING,
    ) -> None:
        self.pool, self.noise, self.config, self.seed = pool, noise, config, seed
        self.speech_of, self.templates, self.share = speech, templates, share
        self.rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in np.flatnonzero(usable).tolist():
            self.rows[pool.variant[row], speakers[pool.utterance[row]]].append(row)
        self.names = sorted({name for _, name in self.rows})
        counts = np.array([len(self.rows["recorded", name]) for name in self.names])
        weights = np.minimum(counts, 12) ** 0.7
        self.probability = weights / weights.sum()
        voices = [teacher[self.rows["recorded", name]].mean(0) for name in self.names]
        self.voices = np.stack([voice / np.linalg.norm(voice) for voice in voices])
        self.kept: dict[int, NDArray[np.float16]] = {}
        self.gaps = [
            (row, start, end)
            for row, (utterance, variant) in enumerate(
                zip(pool.utterance, pool.variant, strict=True)
            )
            if variant == "recorded"
            for start, end in gaps(speech[utterance], int(pool.frames[row]))
        ]

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for number in self.share:
            yield self.batch(np.random.default_rng([self.seed, 1, number]))

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        windows = [self.window(generator) for _ in range(self.config.windows_per_batch)]
        names = ("features", "activity", "row", "power")
        parts = zip(*windows, strict=True)
        return {
            name: torch.from_numpy(np.stack(part)) for name, part in zip(names, parts, strict=True)
        }

    def window(
        self, generator: np.random.Generator
    ) -> tuple[augmentation.Features, NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        turns = self.interject(self.draw_turns(generator), generator)
        laid = self.lay(turns, generator)
        lanes = laid.mixture
        distant = generator.random() < self.config.distant_probability
        if distant:
            lanes = np.logaddexp(lanes, self.distant_voice(laid.quietest, generator))
        # A distant voice by itself stays quiet: it has no speaker in the window to be levelled by.
        mixture = self.degrade(lanes, generator, levelled=bool(turns) or not distant)
        share, power = self.label_frames(laid.activity), self.label_frames(laid.power)
        return mixture, (share >= 0.5).astype(np.float32), laid.rows, power

    def label_frames(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean of ``(frames, speakers)`` over each label frame."""
        stride = self.config.stride
        means: NDArray[np.float32] = values.reshape(len(values) // stride, stride, -1).mean(1)
        return means

    def draw_turns(self, generator: np.random.Generator) -> list[Turn]:
        """Draw turns of one window, clipped to it, of its ``speakers`` most active speakers."""
        if generator.random() < self.config.empty_probability:
            return []
        if generator.random() < self.config.invented_probability:
            return self.invent_turns(generator)
        tries = 4 if generator.random() < self.config.dense_probability else 1
        candidates = [self.cut_template(generator) for _ in range(tries)]
        return max(candidates, key=lambda turns: _density(turns, self.config.frames))

    def cut_template(self, generator: np.random.Generator) -> list[Turn]:
        corpus = self.templates[generator.integers(len(self.templates))]
        turns = corpus[generator.integers(len(corpus))]
        length = self.config.frames
        begin = int(generator.integers(max(turns[-1][1] - length, 0) + 1))
        inside = [
            (max(start - begin, 0), min(end - begin, length), name)
            for start, end, name in turns
            if start - begin < length and end > begin
        ]
        time: dict[str, int] = defaultdict(int)
        for start, end, name in inside:
            time[name] += end - start
        chosen = sorted(time, key=lambda name: -time[name])[: self.config.speakers]
        return [turn for turn in inside if turn[2] in chosen]

    def invent_turns(self, generator: np.random.Generator) -> list[Turn]:
        """Short turns of one to three speakers with gaps and overlaps around zero."""
        turns, time = [], int(generator.normal(0, 60))
        count, name = generator.integers(1, self.config.speakers + 1), 0
        while time < self.config.frames:
            length = int(np.clip(generator.lognormal(np.log(150), 0.8), 20, 800))
            if time + length > 0:
                turns.append((max(time, 0), min(time + length, self.config.frames), str(name)))
            name = int(generator.integers(count))
            time += max(length + int(generator.normal(10, 60)), 10)
        return turns

    def interject(self, turns: list[Turn], generator: np.random.Generator) -> list[Turn]:
        """Add short turns of the window's speakers at random places: "yeah", "right"."""
        if not turns or generator.random() >= self.config.interjection_probability:
            return turns
        names, frames = sorted({name for _, _, name in turns}), self.config.frames
        added: list[Turn] = []
        for _ in range(generator.integers(1, self.config.most_interjections + 1)):
            length = int(generator.integers(*self.config.interjection_frames))
            start = int(generator.integers(frames - length + 1))
            end, name = start + length, str(generator.choice(names))
            if not any(n == name and s < end and start < e for s, e, n in turns + added):
                added.append((start, end, name))
        return turns + added

    def lay(self, turns: list[Turn], generator: np.random.Generator) -> Laid:
        """Lay turns over one another, each speaker at a level of its own."""
        config = self.config
        mels = self.pool.features.shape[1]
        mixture = np.full((config.frames, mels), -np.inf, np.float32)
        activity = np.zeros((config.frames, config.speakers), np.float32)
        power = np.zeros_like(activity)
        names = sorted({name for _, _, name in turns})
        variant = str(generator.choice(list(VARIANTS), p=list(VARIANTS.values())))
        voices = self.draw_voices(variant, generator)
        levels = generator.normal(0, config.speaker_level_db, config.speakers)
        filters = self.draw_filters(names, voices, variant, generator)
        for start, end, name in turns:
            number = names.index(name)
            speech = self.speech(voices[number], variant, end - start, generator)
            gain = levels[number] + generator.normal(0, config.turn_level_db)
            speech = speech + filters[number] + np.float32(gain * augmentation.DECIBEL)
            mixture[start:end] = np.logaddexp(mixture[start:end], speech)
            activity[start:end, number] = 1.0
            power[start:end, number] += np.exp(speech).mean(1)
        rows = [self.rows[variant, voice][0] for voice in voices]
        quietest = float(levels[: len(names)].min(initial=0.0))
        return Laid(mixture, activity, power, np.array(rows), quietest)

    def distant_voice(
        self, quietest: float, generator: np.random.Generator
    ) -> augmentation.Features:
        """Draw somebody's talk in the background, ``(frames, mels)``; ``quietest`` is in dB."""
        config = self.config
        lane = np.full((config.frames, self.pool.features.shape[1]), -np.inf, np.float32)
        voice = str(generator.choice(self.names))
        gain = quietest + generator.uniform(*config.distant_level_db)
        for _ in range(generator.integers(1, config.most_distant + 1)):
            length = int(generator.integers(config.frames // 20, config.frames))
            start = int(generator.integers(config.frames - length + 1))
            lane[start : start + length] = self.speech(voice, "room", length, generator)
        return lane + np.float32(gain * augmentation.DECIBEL)

    def draw_filters(
        self,
        names: list[str],
        voices: list[str],
        variant: str,
        generator: np.random.Generator,
    ) -> list[NDArray[np.float32]]:
        """Draw a filter for each speaker: small ones, or such that all sound through one channel.

        Every voice of the pool comes with a microphone of its own, which in a real recording tells
        nobody apart. Where channels are made equal, each speaker's mean spectrum is that of one of
        the voices.
        """
        filters = [_smooth_filter(self.pool.features.shape[1], generator) for _ in names]
        if generator.random() >= self.config.equal_channel_probability:
            return filters
        spectra = [self.mean_spectrum(voice, variant) for voice in voices]
        common = spectra[generator.integers(len(spectra))]
        return [0.5 * small + common - own for small, own in zip(filters, spectra, strict=False)]

    def mean_spectrum(self, speaker: str, variant: str) -> NDArray[np.float32]:
        """Mean log-mel spectrum of a speaker's speech, ``(mels,)``."""
        dense = [self.dense(row) for row in self.rows[variant, speaker][:4]]
        return np.concatenate(dense).mean(0)

    def draw_voices(self, variant: str, generator: np.random.Generator) -> list[str]:
        """Different speakers; at another speed only those that are heard at it elsewhere."""
        probability = self.probability.copy()
        probability[[(variant, name) not in self.rows for name in self.names]] = 0
        first = generator.choice(len(self.names), p=probability / probability.sum())
        probability[first] = 0
        if generator.random() < self.config.alike_probability:
            probability *= self.alike(int(first), probability > 0)
        others = generator.choice(
            len(self.names),
            self.config.speakers - 1,
            replace=False,
            p=probability / probability.sum(),
        )
        return [self.names[number] for number in (first, *others)]

    def alike(self, number: int, eligible: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which eligible voices are among the ``alike_voices`` nearest to voice ``number``."""
        similarity = np.where(eligible, self.voices @ self.voices[number], -np.inf)
        count = min(self.config.alike_voices, len(similarity))
        nearest = np.argpartition(-similarity, count - 1)[:count]
        chosen = np.zeros_like(eligible)
        chosen[nearest] = True
        return chosen & eligible

    def speech(
        self, speaker: str, variant: str, length: int, generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """``length`` dense frames of a speaker at level zero, from a random place on."""
        rows = self.rows[variant, speaker]
        pieces, missing = [], length
        while missing > 0:
            dense = self.dense(rows[generator.integers(len(rows))])
            first = int(generator.integers(max(len(dense) - missing, 0) + 1))
            pieces.append(dense[first : first + missing])
            missing -= len(pieces[-1])
        return np.concatenate(pieces)

    def dense(self, row: int) -> NDArray[np.float32]:
        """Speech of a row of the pool at level zero, ``(frames, mels)``; kept for the next time."""
        if row not in self.kept:
            self.kept[row] = self.read_dense(row)
        return self.kept[row].astype(np.float32)

    def read_dense(self, row: int) -> NDArray[np.float16]:
        """Read what :meth:`dense` gives, in half precision."""
        start, frames = int(self.pool.start[row]), int(self.pool.frames[row])
        features = self.pool.features[start : start + frames]
        speech = self.speech_of[self.pool.utterance[row]]
        kept = features[speech_frames(speech, frames)].astype(np.float32)
        return (kept - np.log(np.exp(kept).mean())).astype(np.float16)

    def degrade(
        self, mixture: NDArray[np.float32], generator: np.random.Generator, *, levelled: bool
    ) -> augmentation.Features:
        """Add background noise, a common filter, band and level; speech is around level zero."""
        config = self.config
        noise = self.draw_noise(config.frames, generator)
        ratio = generator.uniform(*config.noise_ratio_db)
        floor = np.float32(augmentation.DECIBEL) * generator.normal(
            FLOOR_DB, 8.0, size=(mixture.shape[1],)
        ).astype(np.float32)
        background = np.logaddexp(noise - np.float32(ratio * augmentation.DECIBEL), floor)
        for _ in range(generator.integers(config.most_bursts + 1)):
            burst = self.draw_burst(generator)
            start = int(generator.integers(config.frames - len(burst) + 1))
            part = background[start : start + len(burst)]
            background[start : start + len(burst)] = np.logaddexp(part, burst)
        mixture = np.logaddexp(mixture, background)[None]
        if generator.random() < 0.5:
            mixture = augmentation.tilt(mixture, generator)
        if generator.random() < config.band_probability:
            mixture = augmentation.band_limit(mixture, generator)
        if levelled:
            mixture = mixture - augmentation.level(mixture)
        deviation = config.level_deviation_db * augmentation.DECIBEL
        return (mixture[0] + generator.normal(0, deviation)).astype(np.float32)

    def draw_burst(self, generator: np.random.Generator) -> augmentation.Features:
        """Draw some noise, or a gap between words, louder beside its speech than it was."""
        config = self.config
        if self.gaps and generator.random() < 0.5:
            row, first, last = self.gaps[generator.integers(len(self.gaps))]
            start, frames = int(self.pool.start[row]), int(self.pool.frames[row])
            features = self.pool.features[start : start + frames].astype(np.float32)
            level = augmentation.level(features[None])[0]
            gain = generator.uniform(*config.gap_gain_db) * augmentation.DECIBEL
            return features[first:last][: config.frames] - level + np.float32(gain)
        shortest, longest = np.log(config.burst_frames)
        length = int(np.exp(generator.uniform(shortest, longest)))
        gain = generator.uniform(*config.burst_level_db) * augmentation.DECIBEL
        return self.draw_noise(length, generator) + np.float32(gain)

    def draw_noise(self, length: int, generator: np.random.Generator) -> NDArray[np.float32]:
        """``length`` frames of one noise at level zero; short noises repeat."""
        row = int(generator.integers(len(self.noise.start)))
        noise = self.noise.crop(row, length, generator).astype(np.float32)
        noise = np.resize(noise, (length, noise.shape[1]))
        return noise - np.float32(np.log(np.exp(noise).mean()))


def _density(turns: list[Turn], frames: int) -> int:
    """Overlapped frames plus a second for every change of speaker."""
    count = np.zeros(frames, np.int64)
    for start, end, _ in turns:
        count[start:end] += 1
    changes = sum(before[2] != after[2] for before, after in pairwise(turns))
    return int((count > 1).sum()) + FRAMES_PER_SECOND * changes


def _smooth_filter(mels: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Two slow cosines over the mel axis: a speaker's microphone and distance."""
    position = (np.arange(mels) + 0.5) / mels
    weights = generator.normal(0, 2.0 * augmentation.DECIBEL, 2)
    cosines = np.cos(np.pi * np.outer([1, 2], position))
    return (weights @ cosines).astype(np.float32)

"""Simulated ten-second windows of conversation, mixed from waveforms on real turn-taking.

Turns come from reference annotations (AMI train, VoxConverse dev), voices from the training
speakers. Each speaker's utterances are made dense (what a detector doesn't hear as speech is cut
out, see ``speech.py``), so that a turn's labels are exact; speakers get levels of their own and
places in one room, and a window has background noise, bursts of noise, and at times a channel. Half
of the bursts are what was cut out: breaths, clicks and rustling close to a microphone.

Waveforms are added, not powers: two voices at once beat, and a head that learned overlap from sums
of mel powers, which do not, takes a third of real overlap for one voice (see ``NOTES.md``, 35).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft
from torch import Tensor
from torch.utils.data import IterableDataset

from diarspk.audio import SAMPLE_RATE
from diarspk.features.log_mel import FeatureConfig, LogMel
from eval.simulate.voices import fade
from recipes.embedded.data import augmentation
from recipes.embedded.data.crops import FRAMES_PER_SECOND, Pool
from recipes.embedded.data.prepare import SPEED, Waveform, pass_channel
from recipes.embedded.data.turns import Turn, TurnConfig, TurnTaking
from recipes.embedded.data.waveforms import DenseSpeech, Gap, Sources, at_power_one
from recipes.training.sharing import EVERYTHING, Share

SPEEDS = {"recorded": 0.76, **dict.fromkeys(SPEED, 0.06)}
"""At which speed a window's voices are heard, and how often."""

SHIFT = SAMPLE_RATE // FRAMES_PER_SECOND
"""Samples from one feature frame to the next."""

LOUDNESS = np.float32(0.05)
"""Root mean square of speech at level zero."""


@dataclass(frozen=True)
class ConversationConfig(TurnConfig):
    """How windows are drawn. Levels are in decibels about that of a speaker at level zero."""

    stride: int = 4  # feature frames per label frame
    windows_per_batch: int = 6
    longest_pauses_s: tuple[float, ...] = (0.1, 0.1, 0.3, 0.6)  # that turns keep; one is drawn
    equal_channel_probability: float = 0.4  # windows whose speakers share one mean spectrum
    alike_probability: float = 0.4  # windows whose voices are all near to the first in sound
    alike_voices: int = 150  # that count as near
    room_probability: float = 0.7
    channel_probability: float = 0.25  # windows through a telephone, a lossy codec, clipping
    band_probability: float = 0.2
    speaker_level_db: float = 4.0
    turn_level_db: float = 1.5
    distant_probability: float = 0.35  # windows behind which somebody talks whom nobody annotates
    distant_level_db: tuple[float, float] = (-35.0, -12.0)  # against the quietest speaker
    most_distant: int = 3  # stretches of that voice
    noise_ratio_db: tuple[float, float] = (0.0, 35.0)
    quiet_probability: float = 0.15  # windows with next to no noise
    quiet_ratio_db: tuple[float, float] = (35.0, 70.0)
    most_bursts: int = 5  # noises as loud as quiet speech or louder
    burst_frames: tuple[int, int] = (5, 500)  # log-uniform
    burst_level_db: tuple[float, float] = (-25.0, 3.0)
    gap_gain_db: tuple[float, float] = (-5.0, 15.0)  # on bursts cut out of speech
    level_deviation_db: float = 5.0
    empty_level_db: tuple[float, float] = (-45.0, 0.0)  # of a window in which nobody talks

    @property
    def samples(self) -> int:
        """Samples of a window, which give as many feature frames as it has."""
        return (self.frames - 1) * SHIFT + FeatureConfig().frame_length_samples


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
    """Turns of a window: what is heard of each speaker, and what is known of them.

    ``lanes (speakers, samples)`` are at the microphone; ``activity`` is ``(frames, speakers)``;
    ``rows (speakers,)`` are rows of the pool; ``quietest`` is the level in dB of the quietest who
    talks.
    """

    lanes: Waveform
    activity: NDArray[np.float32]
    rows: NDArray[np.int64]
    quietest: float


class Conversations(IterableDataset[dict[str, Tensor]]):
    """Batches ``features (batch, frames, mels)``, ``activity (batch, frames / stride, speakers)``.

    ``activity`` is in {0, 1}. Speakers of a window beyond the first ``speakers`` are left out.
    ``row (batch, speakers)`` is a row of the pool with each speaker's voice; ``power``, shaped as
    ``activity``, is that of each speaker alone, before noise and the common filter. ``teacher
    (rows, dimension)``, a unit vector for each usable row of the pool, says which voices are alike.
    As in :class:`~recipes.embedded.data.crops.SpeakerCrops`, batch ``number`` depends on seed and
    number alone; a window at another speed has other voices.
    """

    def __init__(
        self,
        pool: Pool,
        sources: Sources,
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
        self.pool, self.sources, self.config, self.seed = pool, sources, config, seed
        self.speech_of, self.share = speech, share
        self.turns = TurnTaking(templates, config)
        self.speech = DenseSpeech(sources.voices, speech)
        self.log_mel = LogMel()
        self.rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in np.flatnonzero(usable).tolist():
            self.rows[pool.variant[row], speakers[pool.utterance[row]]].append(row)
        self.names = sorted({name for _, name in self.rows})
        present = {speed for speed, _ in self.rows}
        shares = {speed: share for speed, share in SPEEDS.items() if speed in present}
        self.speeds = {speed: share / sum(shares.values()) for speed, share in shares.items()}
        counts = np.array([len(self.rows["recorded", name]) for name in self.names])
        weights = np.minimum(counts, 12) ** 0.7
        self.probability = weights / weights.sum()
        voices = [teacher[self.rows["recorded", name]].mean(0) for name in self.names]
        self.voices = np.stack([voice / np.linalg.norm(voice) for voice in voices])
        self.spectra: dict[tuple[str, str], NDArray[np.float32]] = {}
        self.gaps = [
            Gap(utterance, SHIFT * first, SHIFT * last)
            for utterance, place in sources.voices.place.items()
            for first, last in gaps(speech[utterance], (place.stop - place.start) // SHIFT)
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
        turns = self.turns.draw(generator)
        room = self.draw_room(generator)
        laid = self.lay(turns, room, generator)
        mixture, config = laid.lanes.sum(0), self.config
        level = 0.0 if turns else generator.uniform(*config.empty_level_db)
        if generator.random() < config.distant_probability:
            gain = laid.quietest + generator.uniform(*config.distant_level_db)
            mixture = mixture + self.distant_voice(room, generator) * _amplitude(gain)
            level = level if turns else gain
        features = self.degrade(mixture, generator, level_db=level)
        share = self.label_frames(laid.activity)
        power = self.power(laid.lanes) * (share > 0)
        return features, (share >= 0.5).astype(np.float32), laid.rows, power

    def label_frames(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean of ``(frames, speakers)`` over each label frame."""
        stride = self.config.stride
        means: NDArray[np.float32] = values.reshape(len(values) // stride, stride, -1).mean(1)
        return means

    def power(self, lanes: Waveform) -> NDArray[np.float32]:
        """Mean power of ``(speakers, samples)`` in each label frame, ``(frames, speakers)``."""
        length = SHIFT * self.config.stride
        count = self.config.frames // self.config.stride
        squares = np.square(lanes[:, : count * length])
        return squares.reshape(len(lanes), count, length).mean(-1).T

    def draw_room(self, generator: np.random.Generator) -> Waveform | None:
        """Responses of the places of a room, ``(places, taps)``; None where there is no room."""
        if generator.random() >= self.config.room_probability:
            return None
        rooms = self.sources.rooms
        room = rooms[generator.integers(len(rooms))].astype(np.float32)
        return generator.permutation(room)

    def lay(self, turns: list[Turn], room: Waveform | None, generator: np.random.Generator) -> Laid:
        """Lay turns over one another, each speaker at a level and a place of its own."""
        config = self.config
        dry = np.zeros((config.speakers, config.samples), np.float32)
        activity = np.zeros((config.frames, config.speakers), np.float32)
        names = sorted({name for _, _, name in turns})
        speed = str(generator.choice(list(self.speeds), p=list(self.speeds.values())))
        voices = self.draw_voices(speed, generator)
        pause = float(generator.choice(config.longest_pauses_s))
        levels = generator.normal(0, config.speaker_level_db, config.speakers)
        filters = self.draw_filters(voices, speed, generator)
        for start, end, name in turns:
            number = names.index(name)
            speech = self.speech.take(
                self.utterances(voices[number], speed),
                (end - start) * SHIFT,
                generator,
                speed=SPEED.get(speed, 1.0),
                longest_pause_s=pause,
            )
            gain = levels[number] + generator.normal(0, config.turn_level_db)
            dry[number, start * SHIFT : end * SHIFT] += speech * _amplitude(gain)
            activity[start:end, number] = 1.0
        heard = np.zeros_like(dry)
        for number in range(len(names)):
            response = None if room is None else room[number]
            heard[number] = transmit(dry[number], response, filters[number])
        rows = [self.rows[speed, voice][0] for voice in voices]
        return Laid(heard, activity, np.array(rows), float(levels[: len(names)].min(initial=0.0)))

    def utterances(self, speaker: str, speed: str) -> list[str]:
        """Names of the utterances that a voice is drawn from."""
        return [self.pool.utterance[row] for row in self.rows[speed, speaker]]

    def distant_voice(self, room: Waveform | None, generator: np.random.Generator) -> Waveform:
        """Draw somebody's talk in the background, at level zero, ``(samples,)``."""
        config = self.config
        lane = np.zeros(config.samples, np.float32)
        voice = str(generator.choice(self.names))
        for _ in range(generator.integers(1, config.most_distant + 1)):
            length = SHIFT * int(generator.integers(config.frames // 20, config.frames))
            start = int(generator.integers(config.samples - length + 1))
            speech = self.speech.take(self.utterances(voice, "recorded"), length, generator)
            lane[start : start + length] = speech
        flat = np.zeros(self.pool.features.shape[1], np.float32)
        return transmit(lane, None if room is None else room[-1], flat)

    def draw_filters(
        self, voices: list[str], speed: str, generator: np.random.Generator
    ) -> list[NDArray[np.float32]]:
        """Draw a filter for each speaker: small ones, or such that all sound through one channel.

        Every voice of the pool comes with a microphone of its own, which in a real recording tells
        nobody apart. Where channels are made equal, each speaker's mean spectrum is that of one of
        the voices.
        """
        filters = [_smooth_filter(self.pool.features.shape[1], generator) for _ in voices]
        if generator.random() >= self.config.equal_channel_probability:
            return filters
        spectra = [self.mean_spectrum(voice, speed) for voice in voices]
        common = spectra[generator.integers(len(spectra))]
        return [
            0.5 * small + (common - own).clip(-5, 5)
            for small, own in zip(filters, spectra, strict=True)
        ]

    def mean_spectrum(self, speaker: str, variant: str) -> NDArray[np.float32]:
        """Mean log-mel spectrum of a speaker's speech, ``(mels,)``; kept for the next time."""
        if (variant, speaker) not in self.spectra:
            dense = [self.read_dense(row) for row in self.rows[variant, speaker][:4]]
            self.spectra[variant, speaker] = np.concatenate(dense).astype(np.float32).mean(0)
        return self.spectra[variant, speaker]

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

    def read_dense(self, row: int) -> NDArray[np.float16]:
        """Features of the speech in a row of the pool, at level zero: ``(frames, mels)``."""
        start, frames = int(self.pool.start[row]), int(self.pool.frames[row])
        features = self.pool.features[start : start + frames]
        speech = self.speech_of[self.pool.utterance[row]]
        kept = features[speech_frames(speech, frames)].astype(np.float32)
        return (kept - np.log(np.exp(kept).mean())).astype(np.float16)

    def degrade(
        self, mixture: Waveform, generator: np.random.Generator, *, level_db: float
    ) -> augmentation.Features:
        """Add noise, pass a channel, and take features ``(frames, mels)``, about ``level_db``."""
        config = self.config
        mixture = mixture + self.background(generator)
        if generator.random() < config.channel_probability:
            mixture = pass_channel(mixture, generator)
        with torch.inference_mode():
            heard = self.log_mel(torch.from_numpy(LOUDNESS * mixture)[None]).numpy()
        if generator.random() < 0.5:
            heard = augmentation.tilt(heard, generator)
        if generator.random() < config.band_probability:
            heard = augmentation.band_limit(heard, generator)
        gain = (level_db + generator.normal(0, config.level_deviation_db)) * augmentation.DECIBEL
        return (heard - augmentation.level(heard) + gain)[0].astype(np.float32)

    def background(self, generator: np.random.Generator) -> Waveform:
        """Draw noise for a whole window, and bursts of it, ``(samples,)``."""
        config = self.config
        quiet = generator.random() < config.quiet_probability
        ratio = generator.uniform(*(config.quiet_ratio_db if quiet else config.noise_ratio_db))
        background = self.draw_noise(config.samples, generator) * _amplitude(-ratio)
        for _ in range(generator.integers(config.most_bursts + 1)):
            burst = self.draw_burst(generator)
            start = int(generator.integers(config.samples - len(burst) + 1))
            background[start : start + len(burst)] += burst
        return background

    def draw_burst(self, generator: np.random.Generator) -> Waveform:
        """Draw some noise, or a gap between words, louder beside its speech than it was."""
        config = self.config
        if self.gaps and generator.random() < 0.5:
            gap = self.gaps[generator.integers(len(self.gaps))]
            gain = _amplitude(generator.uniform(*config.gap_gain_db))
            audio = at_power_one(self.sources.voices.read(gap.utterance))
            return fade(audio[gap.first : gap.last][: config.samples]) * gain
        shortest, longest = np.log(config.burst_frames)
        length = min(SHIFT * int(np.exp(generator.uniform(shortest, longest))), config.samples)
        gain = _amplitude(generator.uniform(*config.burst_level_db))
        return fade(self.draw_noise(length, generator)) * gain

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
    """Pass ``audio (samples,)`` through a response and a filter given on the mel axis.

    The filter has no phase of its own.
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


def _amplitude(decibels: float) -> np.float32:
    return np.float32(10 ** (decibels / 20))


def _smooth_filter(mels: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Two slow cosines over the mel axis: a speaker's microphone and distance."""
    position = (np.arange(mels) + 0.5) / mels
    weights = generator.normal(0, 2.0 * augmentation.DECIBEL, 2)
    cosines = np.cos(np.pi * np.outer([1, 2], position))
    return (weights @ cosines).astype(np.float32)

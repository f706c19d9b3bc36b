"""Mixtures drawn anew at every step from packed voices, with an enrolment of the target."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from diarspk.audio import SAMPLE_RATE
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError
from recipes.training.sharing import EVERYTHING, Share
from recipes.training.speed import change_speed
from tse.mixing import Mixture, MixtureConfig, Samples, mix

INT16 = np.float32(32768)


@dataclass(frozen=True)
class PackedVectors:
    """Vectors of pieces by several encoders, side by side; ``[rows]`` reads ``(rows, values)``."""

    parts: tuple[NDArray[Any], ...]  # memory-mapped: (pieces, dim), or (pieces, layers, dim)

    def __getitem__(self, rows: Sequence[int] | slice) -> NDArray[np.float32]:
        read = [np.asarray(part[rows], np.float32) for part in self.parts]
        return np.concatenate([part.reshape(len(part), -1) for part in read], axis=1)


@dataclass(frozen=True, eq=False)
class Voices:
    """Packed pieces of speech, or of noise; see ``prepare.py``."""

    waveforms: NDArray[np.int16]
    start: NDArray[np.int64]
    samples: NDArray[np.int64]
    utterance: list[str]
    speaker: list[str]
    vectors: NDArray[np.float32] | PackedVectors | None = None

    def crop(self, piece: int, longest: int, generator: np.random.Generator) -> Samples:
        """Draw at most ``longest`` samples from a random place in a piece."""
        room = max(int(self.samples[piece]) - longest, 0)
        begin = int(self.start[piece]) + int(generator.integers(room + 1))
        part = self.waveforms[begin : begin + min(longest, int(self.samples[piece]))]
        return part.astype(np.float32) / INT16


def read_voices(folder: Path) -> Voices:
    """Read a split of what ``prepare.py`` has packed; the waveforms stay on the disk.

    Raises
    ------
    ArgumentError
        If the folder lacks a file of it.
    """
    for name in ("index.csv", "waveforms.npy"):
        if not (folder / name).is_file():
            raise ArgumentError(
                f"`packed` must be a folder that recipes.extraction.prepare has written, but "
                f"{folder} has no {name}"
            )
    with (folder / "index.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    vectors = folder / "vectors.npy"
    return Voices(
        np.load(folder / "waveforms.npy", mmap_mode="r"),
        np.array([int(row["start"]) for row in rows]),
        np.array([int(row["samples"]) for row in rows]),
        [row["utterance"] for row in rows],
        [row["speaker"] for row in rows],
        np.load(vectors) if vectors.is_file() else None,
    )


@dataclass(frozen=True)
class BatchConfig:
    """Settings of the batches."""

    mixtures: MixtureConfig = field(default_factory=MixtureConfig)
    size: int = 6
    longest_enrolment_s: float = 4.0
    drop_vector: float = 0.08  # batches that describe the speaker by the enrolment alone
    drop_enrolment: float = 0.12  # by the vector alone
    alike_probability: float = 0.0  # of mixtures whose other voices are like the target's
    alike_candidates: int = 6  # of whom the one most alike is taken, for each other voice
    vary_probability: float = 0.0  # of voices that are equalized or played at another speed
    equalizer_db: float = 4.0  # standard deviation of what varies them, at each octave
    speed: tuple[float, float] = (0.93, 1.07)  # of other voices that are varied


class ExtractionBatches(IterableDataset[dict[str, Tensor]]):
    """Batches of mixtures; see :meth:`batch`.

    Batch ``number`` depends on the seed and that number alone, so that training which resumes sees
    what it would have seen, and processes share them out. Target speakers have two pieces at
    least, one of them the enrolment, and are drawn with weight ``min(pieces, 12) ** 0.7``, as
    others are. The enrolment is of no utterance that is in the mixture, unless its speaker has only
    one.
    """

    def __init__(
        self,
        voices: Voices,
        noise: Voices | None,
        rooms: NDArray[np.float16] | None,
        config: BatchConfig,
        *,
        seed: int,
        share: Share = EVERYTHING,
    ) -> None:
        self.voices, self.noise, self.rooms, self.config = voices, noise, rooms, config
        self.seed, self.share = seed, share
        self.speakers = sorted(set(voices.speaker))
        numbers = {name: number for number, name in enumerate(self.speakers)}
        pieces: dict[int, list[int]] = defaultdict(list)
        for piece, name in enumerate(voices.speaker):
            pieces[numbers[name]].append(piece)
        self.pieces = [pieces[number] for number in range(len(self.speakers))]
        counts = np.array([len(own) for own in self.pieces])
        weights = np.minimum(counts, 12) ** 0.7
        self.other_probability = weights / weights.sum()
        weights = weights * (counts >= 2)
        self.target_probability = weights / weights.sum()
        self.centroids = _mean_voices(voices, self.pieces) if config.alike_probability else None

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for number in self.share:
            yield self.batch(np.random.default_rng([self.seed, number]))

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """Draw ``mixture``, ``target`` ``(batch, time)``, ``present``, ``speaker`` ``(batch,)``.

        And what the cue has: ``vector`` ``(batch, dim)``, or ``enrolment`` ``(batch, time)`` with
        ``enrolment_samples`` ``(batch,)``, or both.
        """
        targets = generator.choice(
            len(self.speakers), self.config.size, replace=False, p=self.target_probability
        )
        items = [self.draw(int(target), generator) for target in targets]
        batch = {
            "mixture": _stack([made.mixture for made, _ in items]),
            "target": _stack([made.target for made, _ in items]),
            "present": torch.tensor([made.present for made, _ in items]),
            "speaker": torch.from_numpy(targets),
        }
        levels = generator.random()
        enrolments = [piece for _, piece in items]
        if levels >= self.config.drop_vector and self.voices.vectors is not None:
            batch["vector"] = torch.from_numpy(self.voices.vectors[enrolments])
        if levels < 1 - self.config.drop_enrolment or self.voices.vectors is None:
            longest = round(self.config.longest_enrolment_s * SAMPLE_RATE)
            crops = [self.voices.crop(piece, longest, generator) for piece in enrolments]
            batch["enrolment_samples"] = torch.tensor([len(crop) for crop in crops])
            rows = [torch.from_numpy(crop) for crop in crops]
            batch["enrolment"] = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return batch

    def draw(self, target: int, generator: np.random.Generator) -> tuple[Mixture, int]:
        """Draw a mixture for a target speaker, and the piece that is the enrolment."""
        config = self.config.mixtures
        enrolment, *rest = (int(piece) for piece in generator.permutation(self.pieces[target]))
        enrolled = self.voices.utterance[enrolment]
        own = [piece for piece in rest if self.voices.utterance[piece] != enrolled] or rest
        present = generator.random() >= config.absent_probability
        speakers = 1 + int(generator.choice(len(config.speakers), p=config.speakers))
        voice = self.vary(self.speak(own, generator), generator) if present else None
        others = [
            self.vary(
                self.speak(generator.permutation(self.pieces[other]), generator),
                generator,
                speed=True,
            )
            for other in self.others(target, speakers - present, generator)
        ]
        noise = room = None
        if self.noise is not None and generator.random() < config.noise_probability:
            piece = int(generator.integers(len(self.noise.start)))
            noise = self.noise.crop(piece, config.samples, generator)
        if self.rooms is not None and generator.random() < config.room_probability:
            room = self.rooms[generator.integers(len(self.rooms))].astype(np.float32)
        return mix(voice, others, noise, config, generator, room=room), enrolment

    def others(self, target: int, number: int, generator: np.random.Generator) -> list[int]:
        """Draw other speakers than the target."""
        config = self.config
        centroids = self.centroids  # nobody is compared without them
        alike = centroids is not None and generator.random() < config.alike_probability
        candidates = config.alike_candidates if alike else 1
        drawn = generator.choice(
            len(self.speakers), number * candidates + 1, replace=False, p=self.other_probability
        )
        rest = drawn[drawn != target][: number * candidates].reshape(number, candidates)
        if centroids is not None:
            nearest = (centroids[rest] @ centroids[target]).argmax(1)
            rest = rest[np.arange(number), nearest]
        return [int(other) for other in rest.reshape(-1)]

    def speak(
        self, pieces: Sequence[int] | NDArray[np.int64], generator: np.random.Generator
    ) -> Samples:
        """Pieces of one speaker, one after the other, to the length of a mixture at most."""
        longest, parts = self.config.mixtures.samples, []
        for piece in pieces:
            parts.append(self.voices.crop(int(piece), longest, generator))
            longest -= len(parts[-1])
            if longest <= 0:
                break
        return np.concatenate(parts)

    def vary(
        self, voice: Samples, generator: np.random.Generator, *, speed: bool = False
    ) -> Samples:
        """Filter some voices by an equalizer of their own and, with ``speed``, at another speed.

        A target keeps its speed, since it has to sound as it was enrolled.
        """
        config = self.config
        if config.vary_probability == 0 or generator.random() >= config.vary_probability:
            return voice
        if speed:
            voice = change_speed(voice, generator.uniform(*config.speed))
        return equalize(voice, config.equalizer_db, generator)


def equalize(voice: Samples, deviation_db: float, generator: np.random.Generator) -> Samples:
    """Change the level of ``(time,)`` at each octave at random, and between them smoothly."""
    octaves = SAMPLE_RATE / 2.0 ** np.arange(8, 0, -1)  # 62.5 Hz to 8 kHz
    gains_db = generator.normal(0.0, deviation_db, len(octaves))
    frequencies = np.fft.rfftfreq(len(voice), 1 / SAMPLE_RATE)
    gain = 10 ** (np.interp(np.log(frequencies + 1), np.log(octaves), gains_db) / 20)
    return np.fft.irfft(np.fft.rfft(voice) * gain, len(voice)).astype(np.float32)


def _mean_voices(voices: Voices, pieces: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Mean vector of each speaker, ``(speakers, dim)``, as a unit vector."""
    if voices.vectors is None:
        raise ArgumentError("`alike_probability` must be 0 for voices without vectors")
    means = np.stack([voices.vectors[own].mean(0) for own in pieces])
    return normalize_rows(means)


def _stack(rows: list[Samples]) -> Tensor:
    return torch.from_numpy(np.stack(rows))

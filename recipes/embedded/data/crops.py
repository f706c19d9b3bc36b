"""Random crops of the packed features, speaker by speaker, for training the utterance head."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from recipes.embedded.data import augmentation
from recipes.embedded.data.pool import FRAMES_PER_SECOND, SPEEDS, WARPED, Pool, speed_of
from recipes.embedded.data.speakers import UNKNOWN
from recipes.embedded.data.teacher_frames import FrameTargets, Piece
from recipes.training.sharing import EVERYTHING, Share


def speaker_weights(
    utterances: NDArray[np.int64], groups: Sequence[str], balance: float
) -> NDArray[np.float64]:
    """Weigh speakers by ``min(utterances, 12) ** 0.7``, and balance their groups.

    Parameters
    ----------
    utterances
        Of each speaker, ``(speakers,)``.
    groups
        Of each speaker.
    balance
        In [0, 1]: 0 leaves groups as frequent as they are, 1 makes all equally probable; between
        them the total of a group is its own to the power of ``1 - balance``.
    """
    weights = np.minimum(utterances, 12) ** 0.7
    _, number = np.unique(np.asarray(groups), return_inverse=True)
    weights = weights * np.bincount(number, weights)[number] ** -balance
    return weights / weights.sum()


@dataclass(frozen=True)
class CropConfig:
    """Settings of the training crops."""

    frames_per_batch: int = 6400  # 64 s of audio
    crops_per_speaker: int = 1
    seconds: tuple[float, ...] = (1.0, 1.0, 1.0, 1.5, 2.0, 3.0, 5.0)  # one length per batch
    group_balance: float = 0.4  # see speaker_weights
    group_probability: float = 0.4  # batches of speakers of one sex and age group
    recorded_probability: float = 0.5  # plain crops as recorded; the others are of any copy
    noise_probability: float = 0.15  # beside that of copies which have some
    noise_ratio_db: tuple[float, float] = (0.0, 20.0)
    speech_probability: float = 0.1
    speech_ratio_db: tuple[float, float] = (5.0, 20.0)
    tilt_probability: float = 0.3
    band_probability: float = 0.1
    mask_probability: float = 0.2
    level_deviation_db: float = 5.0
    altered_speed_probability: float = 0.5
    warped_probability: float = 0.5  # of changed voices, where there are some


class SpeakerCrops(IterableDataset[dict[str, Tensor]]):
    """Batches ``features (batch, frames, mels)``, ``label (batch,)``, ``row (batch,)``.

    With ``targets``, also ``teacher_frames (batch, ceil(frames / stride), dimension)``, zero where
    the teacher has none.

    Batch ``number`` depends on the seed and that number alone, so that training which goes on
    sees what it would have seen, and processes share the batches out.

    Only ``usable`` rows of the pool are drawn, speakers as :func:`speaker_weights` says. ``groups``
    are those of speakers by sex and age; a part of the batches is of one group, so that voices
    which are hard to tell apart are compared.

    A speaker at another speed is another speaker: the class is the number of the speaker, and more
    by the number of ``names`` for each speed before its own among those of the pool. An utterance
    in a changed voice has no class, -1, and a crop has nothing but that utterance.
    """

    def __init__(
        self,
        pool: Pool,
        noise: Pool,
        speakers: dict[str, str],
        config: CropConfig,
        *,
        usable: NDArray[np.bool_],
        seed: int,
        share: Share = EVERYTHING,
        targets: FrameTargets | None = None,
        groups: Mapping[str, str] | None = None,
    ) -> None:
        self.pool, self.noise, self.config, self.seed = pool, noise, config, seed
        self.share, self.targets = share, targets
        self.names = sorted({speakers[utterance] for utterance in pool.utterance})
        numbers = {name: number for number, name in enumerate(self.names)}
        self.rows: dict[tuple[int, str], list[int]] = defaultdict(list)
        self.recorded: dict[int, list[int]] = defaultdict(list)
        for row in np.flatnonzero(usable).tolist():
            number = numbers[speakers[pool.utterance[row]]]
            self.rows[number, speed_of(pool.variant[row])].append(row)
            if pool.variant[row] == "recorded":
                self.recorded[number].append(row)
        utterances = Counter(speakers[utterance] for utterance in set(pool.utterance))
        present = {speed for _, speed in self.rows}
        self.speeds = [speed for speed in SPEEDS if speed in present]
        self.warped = WARPED in present
        self.kinds = [*self.speeds, WARPED]
        self.has_speed = np.array(
            [[(n, kind) in self.rows for kind in self.kinds] for n in range(len(self.names))]
        )
        counts = np.array([utterances[name] for name in self.names])
        self.groups = np.array([(groups or {}).get(name, UNKNOWN) for name in self.names])
        self.probability = speaker_weights(counts, self.groups.tolist(), config.group_balance)

    @property
    def classes(self) -> int:
        altered = self.config.altered_speed_probability
        return len(self.names) * (len(self.speeds) if altered else 1)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for number in self.share:
            yield self.batch(np.random.default_rng([self.seed, number]))

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        length = round(generator.choice(self.config.seconds) * FRAMES_PER_SECOND)
        copies = self.config.crops_per_speaker
        size = max(self.config.frames_per_batch // length // copies, 1)
        speakers = self.draw_speakers(size, generator)
        altered = self.config.altered_speed_probability
        others = len(self.speeds) - 1
        share = [1 - altered, *[altered / others] * others] if others else [1.0]
        speeds = generator.choice(len(self.speeds), size, p=share)
        if self.warped:  # without any, the same draws as ever
            speeds[generator.random(size) < self.config.warped_probability] = len(self.speeds)
        speeds[~self.has_speed[speakers, speeds]] = 0  # a speaker without copies at that speed
        speakers, speeds = speakers.repeat(copies), speeds.repeat(copies)
        rows, drawn = [], []
        for speaker, speed in zip(speakers.tolist(), speeds.tolist(), strict=True):
            choices = self.rows[speaker, self.kinds[speed]]
            if generator.random() < self.config.recorded_probability:
                choices = self.recorded.get(speaker, choices) if speed == 0 else choices
            rows.append(choices[generator.integers(len(choices))])
            more = rows[-1:] if self.kinds[speed] == WARPED else choices
            drawn.append(self.fill(rows[-1], more, length, generator))
        crops = np.stack([np.concatenate([*map(self.pool.read, pieces)]) for pieces in drawn])
        batch = {
            "features": torch.from_numpy(self.augment(crops.astype(np.float32), generator)),
            "label": torch.from_numpy(
                np.where(speeds < len(self.speeds), speakers + speeds * len(self.names), -1)
            ),
            "row": torch.tensor(rows),
        }
        if self.targets is not None:
            targets = np.stack([self.targets.read(pieces) for pieces in drawn])
            batch["teacher_frames"] = torch.from_numpy(targets)
        return batch

    def draw_speakers(self, size: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Draw different speakers, of one group at times where it has at least ``size``."""
        probability = self.probability
        if generator.random() < self.config.group_probability:
            group = self.groups[generator.choice(len(self.names), p=probability)]
            members = self.groups == group
            if members.sum() >= size:
                probability = np.where(members, probability, 0)
                probability = probability / probability.sum()
        return generator.choice(len(self.names), size, replace=False, p=probability)

    def labels(self) -> NDArray[np.int64]:
        """Class of each row of the pool, ``(rows,)``; -1 where it is never drawn."""
        labels = np.full(len(self.pool.start), -1)
        for (speaker, speed), rows in self.rows.items():
            if speed != WARPED:
                labels[rows] = speaker + self.speeds.index(speed) * len(self.names)
        return labels

    def fill(
        self, row: int, choices: list[int], length: int, generator: np.random.Generator
    ) -> list[Piece]:
        """Draw ``length`` frames, continued in the speaker's other utterances where short."""
        pieces = [self.pool.piece(row, length, generator)]
        while (have := sum(piece.end - piece.first for piece in pieces)) < length:
            other = choices[generator.integers(len(choices))]
            pieces.append(self.pool.piece(int(other), length - have, generator))
        return pieces

    def augment(
        self, features: augmentation.Features, generator: np.random.Generator
    ) -> augmentation.Features:
        """Tilt, babble, noise, bands, level and masks, each on a random part of the batch."""
        config, size = self.config, len(features)
        some = generator.random(size) < config.tilt_probability
        features[some] = augmentation.tilt(features[some], generator)
        speech = generator.random(size) < config.speech_probability
        if speech.any():
            others = features[generator.permutation(size)][speech]
            ratio = generator.uniform(*config.speech_ratio_db, int(speech.sum()))
            features[speech] = augmentation.mix(features[speech], others, ratio)
        noisy = np.flatnonzero(generator.random(size) < config.noise_probability)
        if len(noisy):
            noise = self.noise_crops(len(noisy), features.shape[1], generator)
            ratio = generator.uniform(*config.noise_ratio_db, len(noisy))
            features[noisy] = augmentation.mix(features[noisy], noise, ratio)
        limited = generator.random(size) < config.band_probability
        features[limited] = augmentation.band_limit(features[limited], generator)
        features = features - augmentation.level(features)
        deviation = config.level_deviation_db * augmentation.DECIBEL
        features += generator.normal(0, deviation, (size, 1, 1)).astype(np.float32)
        masked = generator.random(size) < config.mask_probability
        features[masked] = augmentation.mask(features[masked], generator)
        return features

    def noise_crops(
        self, size: int, length: int, generator: np.random.Generator
    ) -> augmentation.Features:
        crops = []
        for row in generator.integers(len(self.noise.start), size=size):
            crop = self.noise.crop(int(row), length, generator)
            crops.append(np.resize(crop, (length, crop.shape[1])))  # short noises repeat
        return np.stack(crops).astype(np.float32)

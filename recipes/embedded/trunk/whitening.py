"""Fit the whitening of the utterance head to embeddings of training speakers.

    python -m recipes.embedded.trunk.whitening --packed PACKED --speakers \
        ../shared/speech/train.tsv \
        --encoder RUN/final.ckpt --output RUN/whitened.ckpt

Speakers with two utterances or more are embedded from short crops: what varies within a voice there
is what is to count less. How much the mean spectral shape of a crop counts beside what the network
has learned is found here, too. Of crops as they were recorded alone it would count for much, since
most speakers have a microphone of their own; all voices of one telephone line would be alike then.
So crops come from rooms and through channels, too, and a second time by a telephone line each.
Everything else in the checkpoint stays, so it can be exported, or trained further with
``train.py --start``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.atomic import atomic_path
from diarspk.encoders.local.network import SpeakerNetwork, Whitening
from diarspk.features.log_mel import gated_level
from eval.command_line import command
from eval.report.progress import follow
from recipes.embedded.data.augmentation import pass_telephone
from recipes.embedded.data.pool import FRAMES_PER_SECOND, Pool, read_pool
from recipes.embedded.data.speakers import read_speakers
from recipes.embedded.data.teacher_targets import falling_axes
from recipes.embedded.trunk.export import read_network
from recipes.training.warm_start import read_training_state

BATCH = 64


@dataclass(frozen=True)
class WhiteningConfig:
    """Crops that the whitening is fitted to, and its shrinkage."""

    seconds: tuple[float, ...] = (1.0, 2.0)
    """Lengths of the crops."""
    crops: int = 6
    """Number of crops of each speaker, length and variant."""
    variants: tuple[str, ...] = ("recorded", "room", "channel")
    """Variants of packed recordings."""
    by_telephone: tuple[str, ...] = ("recorded",)
    """Variants whose crops come a second time by telephone."""
    shrinkage: float = 0.1
    """Shrinkage of the variance within speakers towards that of white noise."""
    seed: int = 1
    """Seed of the crops."""


def fit_whitening(
    vectors: Tensor, speakers: NDArray[np.int64], shrinkage: float, *, mels: int = 0
) -> Whitening:
    """Linear discriminant analysis, of as many dimensions as there are without spectral shape.

    Parameters
    ----------
    vectors
        ``(n, dimension + mels)``: unit vectors, and the spectral shape behind them, several of each
        speaker.
    speakers
        Number of each one's speaker, ``(n,)``.
    shrinkage
        In [0, 1]: 1 leaves the space as it is but for rotation and centre.
    """
    vectors = vectors.double()
    _, number = np.unique(speakers, return_inverse=True)
    index = torch.from_numpy(number)
    counts = index.bincount().unsqueeze(1)
    size = vectors.shape[1]
    means = vectors.new_zeros(len(counts), size).index_add_(0, index, vectors) / counts
    residual = vectors - means[index]
    within = residual.T @ residual / (len(vectors) - len(counts))
    white = within.trace() / size * torch.eye(size, dtype=vectors.dtype)
    variances, axes = torch.linalg.eigh((1 - shrinkage) * within + shrinkage * white)
    # Relative to the mean variance, so that numbers keep their size.
    whiten = axes @ torch.diag((variances / variances.mean()).rsqrt()) @ axes.T
    discriminants = falling_axes(whiten @ means.T.cov() @ whiten)
    whitening = Whitening(size - mels, mels)
    whitening.mean = vectors.mean(0).float()
    whitening.matrix = (whiten @ discriminants)[:, : size - mels].float()
    return whitening


@torch.inference_mode()
def embed_crops(
    network: SpeakerNetwork, pool: Pool, config: WhiteningConfig, speakers: dict[str, str]
) -> tuple[Tensor, NDArray[np.int64]]:
    """Embed crops of the speakers with several utterances, but for the whitening.

    Returns
    -------
    vectors : Tensor, ``(n, dimension + mels)``
        See :meth:`diarspk.encoders.local.network.UtteranceHead.join_moments`.
    numbers : ndarray, ``(n,)``
        Of their speakers.
    """
    generator, head = np.random.default_rng(config.seed), network.utterance
    found: list[Tensor] = []
    numbers: list[int] = []
    for seconds, variant in product(config.seconds, config.variants):
        length = round(seconds * FRAMES_PER_SECOND)
        drawn = draw_crops(pool, speakers, length, variant, config.crops, generator)
        lines = (False, True) if variant in config.by_telephone else (False,)
        starts = list(product(lines, range(0, len(drawn), BATCH)))
        for line, first in follow(starts, f"{variant}, {seconds:g} s"):
            batch = drawn[first : first + BATCH]
            crops = np.stack([crop for _, crop in batch]).astype(np.float32)
            features = torch.from_numpy(pass_telephone(crops, generator) if line else crops)
            frames = network.trunk(features - gated_level(features)[:, None, None])
            everything = frames.new_ones(len(frames), 1, frames.shape[1])
            found.append(head.join_moments(head.moments(frames, everything))[:, 0])
            numbers.extend(number for number, _ in batch)
    return torch.cat(found), np.array(numbers)


def draw_crops(
    pool: Pool,
    speakers: dict[str, str],
    length: int,
    variant: str,
    crops: int,
    generator: np.random.Generator,
) -> list[tuple[int, NDArray[np.float16]]]:
    """Crops of ``length`` frames with the numbers of their speakers."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, (utterance, own) in enumerate(zip(pool.utterance, pool.variant, strict=True)):
        if own == variant and utterance in speakers:
            rows[speakers[utterance]].append(row)
    numbers = {speaker: number for number, speaker in enumerate(sorted(set(speakers.values())))}
    drawn = []
    for speaker in sorted(rows):
        if len({pool.utterance[row] for row in rows[speaker]}) < 2:
            continue
        for row in generator.choice(rows[speaker], crops):
            if pool.frames[row] >= length:
                drawn.append((numbers[speaker], pool.crop(int(row), length, generator)))
    return drawn


@dataclass(frozen=True)
class Settings:
    whitening: WhiteningConfig
    packed: Path
    """Folder that recipes.embedded.data.prepare has packed."""
    speakers: Path
    """Table of the utterances' speakers."""
    encoder: Path
    """Checkpoint of recipes.embedded.trunk.train."""
    output: Path
    """Checkpoint to write."""


@command
def main(settings: Settings) -> None:
    config = settings.whitening
    network = read_network(settings.encoder)
    pool = read_pool(settings.packed / "train", in_memory=False)
    vectors, numbers = embed_crops(network, pool, config, read_speakers(settings.speakers))
    whitening = fit_whitening(vectors, numbers, config.shrinkage, mels=network.utterance.mels)
    checkpoint = read_training_state(settings.encoder, "network")
    for name, value in whitening.state_dict().items():
        checkpoint["state_dict"][f"network.utterance.whitening.{name}"] = value
    with atomic_path(settings.output) as part:
        torch.save(checkpoint, part)
    print(f"fitted to {len(numbers)} crops of {len(np.unique(numbers))} speakers")


if __name__ == "__main__":
    raise SystemExit(main())

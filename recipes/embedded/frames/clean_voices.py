"""Embeddings of speakers' clean speech, which frames of their voices are trained towards."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.encoders.local.network import SpeakerNetwork
from diarspk.encoders.precision import Precision, multiply_in
from recipes.embedded.data import augmentation
from recipes.embedded.data.pool import FRAMES_PER_SECOND, speed_of
from recipes.embedded.data.voice_pool import VoicePool

__all__ = ["CleanVoices", "number_voices"]


class CleanVoices:
    """Embeddings of voices, each from crops of its speech that nothing was mixed into.

    A voice is a speaker at one speed. Its crops come from different utterances or copies of them
    (as recorded, in rooms, through a channel), so that what they share is the voice more than the
    channel; the embedding is the mean of the utterance head's for each. It is computed when it is
    first asked for, and depends on the voice and the seed alone.

    Parameters
    ----------
    pool
        The voices, with their rows.
    network
        In evaluation mode.
    crops
        Number of crops of a voice.
    seconds
        Maximum length of a crop.
    precision
        Numerical precision of the trunk.
    """

    def __init__(
        self,
        pool: VoicePool,
        network: SpeakerNetwork,
        *,
        crops: int = 3,
        seconds: float = 3.0,
        precision: Precision = "single",
        seed: int = 0,
    ) -> None:
        self.pool, self.network, self.seed = pool, network, seed
        self.precision = precision
        self.crops, self.frames = crops, round(seconds * FRAMES_PER_SECOND)
        self.numbers = number_voices(pool)
        self._embeddings: dict[int, Tensor] = {}

    def number(self, rows: Tensor) -> Tensor:
        """Numbers of the voices of rows of the pool, in the same shape."""
        return torch.from_numpy(self.numbers[rows.numpy()])

    def __call__(self, rows: Tensor) -> Tensor:
        """Embed the voices of rows of the pool ``(...)``: unit vectors ``(..., dimension)``."""
        voices = self.number(rows).flatten().tolist()
        if missing := sorted(set(voices) - set(self._embeddings)):
            self._embeddings.update(zip(missing, self.embed(missing), strict=True))
        vectors = torch.stack([self._embeddings[voice] for voice in voices])
        return vectors.view(*rows.shape, -1)

    @torch.no_grad()
    def embed(self, voices: list[int]) -> Tensor:
        """Embed voices by their numbers: unit vectors ``(n, dimension)``."""
        drawn = [self.draw(voice) for voice in voices]
        owner = torch.arange(len(voices)).repeat_interleave(torch.tensor(list(map(len, drawn))))
        features, mask = _pad([crop for crops in drawn for crop in crops])
        with multiply_in(self.precision):
            frames = self.network.trunk(features, mask).float()
        valid = mask[:, :: self.network.config.trunk.stride].float()
        vectors = self.network.utterance(frames, valid.unsqueeze(1))[:, 0]
        vectors = nn.functional.normalize(vectors, dim=-1)
        sums = vectors.new_zeros(len(voices), vectors.shape[1]).index_add_(0, owner, vectors)
        return nn.functional.normalize(sums, dim=-1)

    def draw(self, voice: int) -> list[augmentation.Features]:
        """Draw crops ``(frames, mels)`` of a voice, at level zero."""
        generator = np.random.default_rng([self.seed, 2, voice])
        rows = generator.permutation(np.flatnonzero(self.numbers == voice))[: self.crops]
        crops = []
        for row in rows.tolist():
            dense = self.pool.read_dense(row).astype(np.float32)
            first = int(generator.integers(max(len(dense) - self.frames, 0) + 1))
            crops.append(dense[first : first + self.frames])
        return crops


def number_voices(pool: VoicePool) -> NDArray[np.int64]:
    """Assign a number to the voice of every row, ``(rows,)``; -1 if it is never drawn."""
    numbers = np.full(len(pool.pool.start), -1)
    known: dict[tuple[str, str], int] = {}
    for (variant, name), rows in sorted(pool.rows.items()):
        numbers[rows] = known.setdefault((speed_of(variant), name), len(known))
    return numbers


def _pad(crops: list[augmentation.Features]) -> tuple[Tensor, Tensor]:
    """Stack crops behind each other with zeros: features, and a mask that is true on crops."""
    features = nn.utils.rnn.pad_sequence([torch.from_numpy(c) for c in crops], batch_first=True)
    lengths = torch.tensor([len(crop) for crop in crops])
    return features, torch.arange(features.shape[1]) < lengths[:, None]

"""Targets for distillation: a teacher's utterance embeddings on their principal axes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from recipes.embedded.data.pool import SPEEDS, WARPED, Pool, speed_of


def read_targets(
    path: Path, pool: Pool, speakers: dict[str, str], axes: Tensor | None = None
) -> Tensor:
    """Teacher vector of every row of the pool, unit norm, ``(rows, dimension)``.

    A copy in a room or through a channel is to be embedded as the recording itself. Rows at a
    speed that the teacher has not embedded are NaN: they are not to be drawn.

    Parameters
    ----------
    path
        ``teacher.npz``.
    axes
        Orthonormal columns that vectors are rotated to; default: their principal axes.
    """
    keys, vectors = read_vectors(path, speakers)
    number = {key: row for row, key in enumerate(keys)}
    rotated = (vectors @ (principal_axes(vectors) if axes is None else axes.double())).float()
    absent = torch.full((1, rotated.shape[1]), torch.nan)
    rows = [number.get(key, len(rotated)) for key in teacher_keys(pool)]
    return torch.cat([rotated, absent])[rows]


def read_vectors(path: Path, speakers: dict[str, str]) -> tuple[list[tuple[str, str]], Tensor]:
    """Read the utterance, speed and unit vector of everything that the teacher has embedded.

    A vector lies halfway between the utterance and the mean of its speaker, which knows the voice
    better; an utterance in a changed voice is a speaker of its own.
    """
    stored = np.load(path)
    keys = list(zip(stored["utterance"].tolist(), stored["speed"].tolist(), strict=True))
    vectors = nn.functional.normalize(torch.from_numpy(stored["vector"]).double(), dim=-1)
    voices = [(name if speed == WARPED else speakers[name], speed) for name, speed in keys]
    means = group_means(vectors, voices)
    return keys, nn.functional.normalize(vectors + nn.functional.normalize(means, dim=-1), dim=-1)


def read_axes(path: Path) -> Tensor | None:
    """Read the axes of vectors that ``labels.py`` has found; None without a file."""
    return torch.from_numpy(np.load(path)["vectors"]) if path.exists() else None


def teacher_keys(pool: Pool) -> list[tuple[str, str]]:
    """Utterance and speed, as the teacher embeds them, of every row of the pool."""
    speeds = [speed_of(variant) for variant in pool.variant]
    recorded = ["recorded" if speed == SPEEDS[0] else speed for speed in speeds]
    return list(zip(pool.utterance, recorded, strict=True))


def group_means(vectors: Tensor, groups: Sequence[Hashable]) -> Tensor:
    """Mean of the vectors of each vector's group, ``(n, dimension)``."""
    names = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    index = torch.tensor([names[group] for group in groups])
    sums = vectors.new_zeros(len(names), vectors.shape[1]).index_add_(0, index, vectors)
    return (sums / index.bincount().unsqueeze(1))[index]


def principal_axes(vectors: Tensor) -> Tensor:
    """Orthonormal axes of ``(n, dimension)`` by falling power, ``(dimension, dimension)``.

    The first coordinates of a rotated vector then carry the most of its cosine to others.
    """
    return falling_axes(vectors.T @ vectors)


def falling_axes(matrix: Tensor) -> Tensor:
    """Eigenvectors of a symmetric matrix by falling eigenvalue, as columns.

    Each points to where its largest entry is positive.
    """
    _, axes = torch.linalg.eigh(matrix)  # by rising eigenvalue
    axes = axes.flip(1)
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    return axes * largest.sign()

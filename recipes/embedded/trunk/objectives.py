"""Training objectives that both training commands share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from diarspk.segmentation.powerset import Powerset


def teacher_distances(embeddings: Tensor, target: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Mean cosine distance ``(n, dimension)`` to the target, for each of the leading ``sizes``."""
    similarity = nn.functional.cosine_similarity
    return [1 - similarity(embeddings[:, :n], target[:, :n]).mean() for n in sizes]


def relation_distance(embeddings: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of the cosines of all pairs of a batch to those of the target.

    Park et al. 2019, "Relational knowledge distillation": which voices are alike, and how much.
    """
    unit = nn.functional.normalize
    own, others = unit(embeddings, dim=-1), unit(target, dim=-1)
    difference = own @ own.T - others @ others.T
    size = len(embeddings)
    return difference.square().sum() / max(size * (size - 1), 1)  # the diagonal adds nothing


def frame_distance(frames: Tensor, target: Tensor) -> Tensor:
    """Mean cosine distance of ``(batch, frames, dimension)`` where the target is not zero."""
    known = target.any(-1)
    distance = 1 - nn.functional.cosine_similarity(frames.float(), target.float(), dim=-1)
    return (distance * known).sum() / known.sum().clamp_min(1)


def segmentation_loss(
    powerset: Powerset, logits: Tensor, activity: Tensor
) -> tuple[Tensor, Tensor]:
    """Permutation-invariant power-set cross-entropy, and share of wrong frames.

    Plaquet & Bredin 2023, equation 3: each window ``logits (batch, frames, classes)`` is compared
    with ``activity (batch, frames, speakers)`` under its best order of speakers. Frames with more
    speakers at once than the power set knows do not count.
    """
    target = powerset.encode(activity)  # (batch, frames)
    valid = (target >= 0).float()
    # Renaming the classes of the target by every order: (orders, batch, frames).
    renamed = powerset.orders()[:, target.clamp_min(0)]
    log_probability = logits.float().log_softmax(-1).expand(len(renamed), -1, -1, -1)
    picked = log_probability.gather(-1, renamed[..., None])[..., 0]
    losses = -(picked * valid).sum(-1) / valid.sum(-1).clamp_min(1)  # (orders, batch)
    chosen = renamed[losses.argmin(0), torch.arange(len(logits))]
    error = ((logits.argmax(-1) != chosen) * valid).sum() / valid.sum()
    return losses.min(0).values.mean(), error


def clean_speech(activity: Tensor) -> Tensor:
    """Frames in which a speaker talks alone: ``(batch, frames, speakers)`` -> the same, masked."""
    return activity * (activity.sum(-1, keepdim=True) == 1)

"""Training objectives of the frame head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class FrameObjective:
    """Settings of :func:`frame_losses`."""

    within_db: float = 3.0
    """Distance to the loudest of speakers whom an overlapped frame may be embedded as."""
    smoothing: int = 5
    """Label frames on each side over which the power is averaged."""
    scale: float = 20.0
    """Scale of cosines before the softmax."""
    margin: float = 0.2
    """Margin taken off the cosine to the right speaker."""


@dataclass(frozen=True)
class FrameLosses:
    """Losses of a batch, and how many frames are nearest to the right speaker of their window.

    ``accuracy`` is over frames of windows with several speakers.
    """

    distance: Tensor
    batch_contrast: Tensor
    window_contrast: Tensor
    accuracy: Tensor


def right_speakers(activity: Tensor, power: Tensor, objective: FrameObjective) -> Tensor:
    """Speakers whom each frame may be embedded as, bool ``(batch, frames, speakers)``.

    One who talks alone is right; of several the loudest, and whoever is nearly as loud.

    Parameters
    ----------
    activity, power
        As :class:`~recipes.embedded.data.conversations.Conversations` has them.
    """
    reach = objective.smoothing
    smooth = nn.functional.avg_pool1d(
        power.transpose(1, 2), 2 * reach + 1, stride=1, padding=reach
    ).transpose(1, 2)
    levels = torch.where(activity > 0, smooth, 0.0)
    loudest = levels.amax(-1, keepdim=True)
    return (activity > 0) & (levels >= loudest * 10 ** (-objective.within_db / 10))


def frame_losses(
    vectors: Tensor,
    voices: Tensor,
    numbers: Tensor,
    activity: Tensor,
    power: Tensor,
    objective: FrameObjective,
) -> FrameLosses:
    """Compare frames with the voices of those who talk in them.

    A frame counts for the nearest of its right speakers. The distance is one less the cosine; the
    contrasts are additive-margin softmaxes (Wang et al. 2018, equation 5) among the voices of the
    batch, and among those of the frame's window. Others who talk in the same frame are no
    negatives.

    Parameters
    ----------
    vectors
        Unit vectors ``(batch, frames, dim)``.
    voices
        Unit vectors of the speakers' clean speech, ``(batch, speakers, dim)``.
    numbers
        Of the voices, ``(batch, speakers)``.
    activity, power
        ``(batch, frames, speakers)``.
    """
    right = right_speakers(activity, power, objective)
    spoken = right.any(-1)  # (batch, frames)
    cosine = torch.einsum("bfd,bsd->bfs", vectors, voices)
    chosen = cosine.detach().masked_fill(~right, -2.0).argmax(-1)  # (batch, frames)
    own = cosine.gather(-1, chosen.unsqueeze(-1))[spoken]  # (spoken, 1)
    present = activity.any(1)  # (batch, speakers)

    others = (present[:, None] & (activity == 0))[spoken]  # (spoken, speakers): never its own
    window_contrast = contrast(own, cosine[spoken], others, objective)

    prototypes, number = voices[present], numbers[present]  # of all who talk in the batch
    talking = torch.where(activity[spoken] > 0, _by_frame(numbers, activity)[spoken], -1)
    different = ~(talking[:, :, None] == number).any(1)  # (spoken, prototypes)
    among = vectors[spoken] @ prototypes.T
    batch_contrast = contrast(own, among, different, objective)

    nearest = cosine.detach().masked_fill(~present[:, None], -2.0).argmax(-1)
    several = (present.sum(-1) > 1)[:, None] & spoken
    hit = right.gather(-1, nearest.unsqueeze(-1)).squeeze(-1)[several]
    accuracy = hit.float().mean() if len(hit) else cosine.new_ones(())
    distance = (1 - own).mean() if len(own) else cosine.sum() * 0
    return FrameLosses(distance, batch_contrast, window_contrast, accuracy)


def contrast(own: Tensor, cosine: Tensor, negative: Tensor, objective: FrameObjective) -> Tensor:
    """Additive-margin softmax of ``own (n, 1)`` among the negatives of ``cosine (n, m)``.

    The mean is over frames that have a negative.
    """
    logits = torch.cat([own - objective.margin, cosine.masked_fill(~negative, -torch.inf)], dim=1)
    losses = -(objective.scale * logits).log_softmax(1)[:, 0]
    counted = negative.any(1)
    return losses[counted].sum() / counted.sum().clamp_min(1)


def _by_frame(numbers: Tensor, activity: Tensor) -> Tensor:
    """Repeat ``(batch, speakers)`` for every frame of ``(batch, frames, speakers)``."""
    return numbers[:, None].expand(activity.shape)

"""Training objectives of extractors; each gives a value for every item of a batch.

Estimates, targets and mixtures are ``(batch, time)``; values are ``(batch,)``, in dB where not
said otherwise, and fall as extraction gets better.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diarspk.losses import Softmax

__all__ = [
    "ExtractionLoss",
    "SpeakerLoss",
    "absent_target_loss",
    "si_sdr_loss",
    "thresholded_snr_loss",
]

SMALLEST = 1e-8


def si_sdr_loss(estimate: Tensor, target: Tensor) -> Tensor:
    """Negative scale-invariant SDR with the mean taken off both (Le Roux et al. 2019)."""
    estimate = estimate - estimate.mean(-1, keepdim=True)
    target = target - target.mean(-1, keepdim=True)
    power = target.square().sum(-1, keepdim=True)
    projection = (estimate * target).sum(-1, keepdim=True) / (power + SMALLEST) * target
    distortion = (estimate - projection).square().sum(-1)
    return -_decibels((projection.square().sum(-1) + SMALLEST) / (distortion + SMALLEST))


def thresholded_snr_loss(estimate: Tensor, target: Tensor, *, highest_db: float = 30.0) -> Tensor:
    """Negative SNR with a soft upper bound (Wisdom et al. 2020).

    Unlike SI-SDR it holds the scale of the output to the mixture's, so blocks of a long recording
    fit together, and a nearly perfect item does not outweigh the rest of a batch.
    """
    power, error = target.square().sum(-1), (target - estimate).square().sum(-1)
    bound = 10 ** (-highest_db / 10)
    return _decibels((error + bound * power + SMALLEST) / (power + SMALLEST))


def absent_target_loss(estimate: Tensor, mixture: Tensor, *, lowest_db: float = -30.0) -> Tensor:
    """Count what is left of a mixture without the target, with a soft lower bound.

    After Wisdom et al. 2021, "What's all the FUSS about free universal sound separation data?",
    which so treats sources that are absent.
    """
    left, power = estimate.square().sum(-1), mixture.square().sum(-1)
    bound = 10 ** (lowest_db / 10)
    return _decibels((left + bound * power + SMALLEST) / (power + SMALLEST))


class ExtractionLoss(nn.Module):
    """One objective where the target is present, another where it is absent.

    Parameters
    ----------
    objective
        "snr" (:func:`thresholded_snr_loss`) or "si-sdr" (:func:`si_sdr_loss`).
    absent_weight
        Of items without the target.
    """

    OBJECTIVES = {"snr": thresholded_snr_loss, "si-sdr": si_sdr_loss}  # noqa: RUF012

    def __init__(self, objective: str = "snr", *, absent_weight: float = 0.5) -> None:
        super().__init__()
        self.objective, self.absent_weight = self.OBJECTIVES[objective], absent_weight

    def forward(self, estimate: Tensor, target: Tensor, mixture: Tensor, present: Tensor) -> Tensor:
        """Mean over a batch; ``present`` ``(batch,)`` is true where the target talks."""
        found = self.objective(estimate, target)
        left = self.absent_weight * absent_target_loss(estimate, mixture)
        return torch.where(present, found, left).mean()


class SpeakerLoss(Softmax):
    """Multi-task loss: which training speaker the network's reading of the cue is.

    As in SpEx+ (Ge et al. 2020), for cues that are learned with the extractor. Called
    with conditioning vectors ``(batch, width)`` and labels ``(batch,)``; gives nats.
    """


def _decibels(ratio: Tensor) -> Tensor:
    return 10 * ratio.log10()

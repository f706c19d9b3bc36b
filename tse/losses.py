"""Training objectives of extractors; each gives a value for every item of a batch.

Estimates, targets and mixtures are ``(batch, time)``; values are ``(batch,)``, in dB where not
said otherwise, and fall as extraction gets better.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diarspk.encoders.losses import Softmax
from tse.spectrum import compress

__all__ = [
    "ExtractionLoss",
    "SpeakerLoss",
    "absent_target_loss",
    "compressed_spectrum_loss",
    "si_sdr_loss",
    "thresholded_snr_loss",
]

SMALLEST = 1e-8
SPECTRUM_WEIGHT = 100.0
WINDOW_SAMPLES, HOP_SAMPLES = 512, 160


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


def compressed_spectrum_loss(estimate: Tensor, target: Tensor, mixture: Tensor) -> Tensor:
    """Squared error of spectra compressed by a power of 0.3, magnitudes and complex values.

    ``0.7 | |S|^c - |E|^c |^2 + 0.3 | |S|^c e^{j arg S} - |E|^c e^{j arg E} |^2``, the mean over the
    bins of 32 ms every 10 ms, in one for every item, without unit (Braun & Tashev 2021, "A
    consolidated view of loss functions for supervised deep learning-based speech enhancement").
    Quiet bins count beside loud ones, so that every voiced frame teaches which voice it is. The
    mixture gives the level only; an absent target is one of zeros.
    """
    level = mixture.square().mean(-1, keepdim=True).sqrt().clamp_min(SMALLEST)
    (found, found_parts), (right, right_parts) = (
        compress(_spectrum(waveform / level)) for waveform in (estimate, target)
    )
    magnitudes = (found - right).square().mean((1, 2))
    return 0.7 * magnitudes + 0.3 * (found_parts - right_parts).square().mean((1, 2, 3))


class ExtractionLoss(nn.Module):
    """One objective where the target is present, another where it is absent.

    Parameters
    ----------
    objective
        "snr" (:func:`thresholded_snr_loss`), "si-sdr" (:func:`si_sdr_loss`), or "spectrum+snr": a
        tenth of "snr" and :data:`SPECTRUM_WEIGHT` times :func:`compressed_spectrum_loss`, at which
        both have gradients of about one size.
    absent_weight
        Of items without the target.
    """

    OBJECTIVES = {  # noqa: RUF012
        "snr": thresholded_snr_loss,
        "si-sdr": si_sdr_loss,
        "spectrum+snr": thresholded_snr_loss,
    }

    def __init__(self, objective: str = "snr", *, absent_weight: float = 0.5) -> None:
        super().__init__()
        self.objective, self.absent_weight = self.OBJECTIVES[objective], absent_weight
        self.spectrum = objective == "spectrum+snr"

    def forward(self, estimate: Tensor, target: Tensor, mixture: Tensor, present: Tensor) -> Tensor:
        """Mean over a batch; ``present`` ``(batch,)`` is true where the target talks."""
        found = self.objective(estimate, target)
        left = self.absent_weight * absent_target_loss(estimate, mixture)
        loss = torch.where(present, found, left).mean()
        if not self.spectrum:
            return loss
        spectrum = compressed_spectrum_loss(estimate, target, mixture).mean()
        return 0.1 * loss + SPECTRUM_WEIGHT * spectrum


class SpeakerLoss(Softmax):
    """Multi-task loss: which training speaker the network's reading of the cue is.

    As in SpEx+ (Ge et al. 2020), for cues that are learned with the extractor. Called
    with conditioning vectors ``(batch, width)`` and labels ``(batch,)``; gives nats.
    """


def _spectrum(waveform: Tensor) -> Tensor:
    window = torch.hann_window(WINDOW_SAMPLES, device=waveform.device)
    return torch.stft(
        waveform, WINDOW_SAMPLES, HOP_SAMPLES, window=window, normalized=True, return_complex=True
    )


def _decibels(ratio: Tensor) -> Tensor:
    return 10 * ratio.log10()

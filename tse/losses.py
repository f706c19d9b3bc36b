"""Training losses of extractors, one value per item of a batch.

Estimates, targets and mixtures are ``(batch, time)``; losses are ``(batch,)``, in dB unless stated
otherwise, and lower is better.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diarspk.encoders.losses import Softmax
from tse.models.spectrum import compress

__all__ = [
    "ExtractionLoss",
    "SpeakerLoss",
    "absent_target_loss",
    "compressed_spectrum_loss",
    "si_sdr_loss",
    "thresholded_snr_loss",
]

EPSILON = 1e-8
SPECTRUM_WEIGHT = 100.0
"""Weight at which the spectral loss has gradients as large as those of a tenth of the SNR loss."""

WINDOW_SAMPLES, HOP_SAMPLES = 512, 160


def si_sdr_loss(estimate: Tensor, target: Tensor) -> Tensor:
    """Negative scale-invariant SDR of zero-mean signals (Le Roux et al. 2019)."""
    estimate = estimate - estimate.mean(-1, keepdim=True)
    target = target - target.mean(-1, keepdim=True)
    power = target.square().sum(-1, keepdim=True)
    projection = (estimate * target).sum(-1, keepdim=True) / (power + EPSILON) * target
    distortion = (estimate - projection).square().sum(-1)
    return -_decibels((projection.square().sum(-1) + EPSILON) / (distortion + EPSILON))


def thresholded_snr_loss(estimate: Tensor, target: Tensor, *, max_db: float = 30.0) -> Tensor:
    """Negative thresholded SNR (Wisdom et al. 2020).

    Unlike SI-SDR it fixes the scale of the output, so that blocks of a long recording fit together;
    the threshold keeps nearly perfect items from dominating a batch.

    Parameters
    ----------
    max_db
        Soft upper bound of the SNR.
    """
    power, error = target.square().sum(-1), (target - estimate).square().sum(-1)
    bound = 10 ** (-max_db / 10)
    return _decibels((error + bound * power + EPSILON) / (power + EPSILON))


def absent_target_loss(estimate: Tensor, mixture: Tensor, *, min_db: float = -30.0) -> Tensor:
    """Power of the output relative to the mixture, for mixtures without the target.

    The loss of inactive sources in Wisdom et al. 2021, "What's all the FUSS about free universal
    sound separation data?".

    Parameters
    ----------
    min_db
        Soft lower bound of the loss.
    """
    residue, power = estimate.square().sum(-1), mixture.square().sum(-1)
    bound = 10 ** (min_db / 10)
    return _decibels((residue + bound * power + EPSILON) / (power + EPSILON))


def compressed_spectrum_loss(estimate: Tensor, target: Tensor, mixture: Tensor) -> Tensor:
    """Squared error of compressed spectra, of magnitudes and of complex values; dimensionless.

    ``0.7 | |S|^c - |E|^c |^2 + 0.3 | |S|^c e^{j arg S} - |E|^c e^{j arg E} |^2`` with ``c`` = 0.3,
    averaged over bins of 32 ms frames every 10 ms (Braun & Tashev 2021, "A consolidated view of
    loss functions for supervised deep learning-based speech enhancement").

    Compression gives quiet bins weight beside loud ones. The mixture is used for its level only;
    the target of a mixture without it is zero.
    """
    level = mixture.square().mean(-1, keepdim=True).sqrt().clamp_min(EPSILON)
    (estimated, estimated_parts), (true, true_parts) = (
        compress(_spectrum(waveform / level)) for waveform in (estimate, target)
    )
    magnitudes = (estimated - true).square().mean((1, 2))
    return 0.7 * magnitudes + 0.3 * (estimated_parts - true_parts).square().mean((1, 2, 3))


class ExtractionLoss(nn.Module):
    """Loss of a batch: one objective for items with the target, another for items without.

    Parameters
    ----------
    objective
        "snr" (:func:`thresholded_snr_loss`), "si-sdr" (:func:`si_sdr_loss`), or "spectrum+snr": a
        tenth of "snr" and :data:`SPECTRUM_WEIGHT` times :func:`compressed_spectrum_loss`.
    absent_weight
        Weight of :func:`absent_target_loss`, for items without the target.
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
        """Mean over a batch; ``present`` ``(batch,)`` is true for items with the target."""
        extraction = self.objective(estimate, target)
        absence = self.absent_weight * absent_target_loss(estimate, mixture)
        loss = torch.where(present, extraction, absence).mean()
        if not self.spectrum:
            return loss
        spectrum = compressed_spectrum_loss(estimate, target, mixture).mean()
        return 0.1 * loss + SPECTRUM_WEIGHT * spectrum


class SpeakerLoss(Softmax):
    """Speaker classification loss on the conditioning, in nats.

    Multi-task loss of SpEx+ (Ge et al. 2020), for cues that are trained with the extractor. Called
    with conditioning vectors ``(batch, width)`` and labels ``(batch,)`` of training speakers.
    """


def _spectrum(waveform: Tensor) -> Tensor:
    window = torch.hann_window(WINDOW_SAMPLES, device=waveform.device)
    return torch.stft(
        waveform, WINDOW_SAMPLES, HOP_SAMPLES, window=window, normalized=True, return_complex=True
    )


def _decibels(ratio: Tensor) -> Tensor:
    return 10 * ratio.log10()

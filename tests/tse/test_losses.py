from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.losses import (
    SPECTRUM_WEIGHT,
    ExtractionLoss,
    absent_target_loss,
    compressed_spectrum_loss,
    si_sdr_loss,
    thresholded_snr_loss,
)
from tse.models import BandSplitConfig, build_network
from tse.optimised_cue import OptimisationConfig, optimise_cue


def signals(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 400, generator=generator), torch.randn(3, 400, generator=generator)


def test_si_sdr_of_a_hand_worked_case() -> None:
    target = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    error = torch.tensor([[1.0, 1.0, -1.0, -1.0]])  # orthogonal, of the same power
    assert si_sdr_loss(target + 0.1 * error, target).item() == pytest.approx(-20.0, abs=1e-3)
    assert si_sdr_loss(target + 5.0, target).item() < -60  # the mean plays no part


@given(scale=st.floats(0.05, 20), offset=st.floats(-1, 1), seed=st.integers(0, 9))
def test_si_sdr_knows_neither_scale_nor_mean(scale: float, offset: float, seed: int) -> None:
    estimate, target = (signal.double() for signal in signals(seed))
    estimate = estimate + target
    changed = si_sdr_loss(scale * estimate + offset, target)
    assert torch.allclose(changed, si_sdr_loss(estimate, target), atol=1e-6)


def test_si_sdr_agrees_with_torchmetrics() -> None:
    audio = pytest.importorskip("torchmetrics.functional.audio")
    estimate, target = signals()
    estimate = 0.5 * target + 0.3 * estimate
    expected = audio.scale_invariant_signal_distortion_ratio(estimate, target, zero_mean=True)
    assert torch.allclose(-si_sdr_loss(estimate, target), expected, atol=1e-3)


def test_snr_is_bounded_and_knows_scale() -> None:
    estimate, target = signals()
    assert torch.allclose(thresholded_snr_loss(target, target), torch.tensor(-30.0), atol=1e-3)
    assert torch.allclose(thresholded_snr_loss(0 * target, target), torch.tensor(0.0), atol=0.01)
    half = thresholded_snr_loss(target / 2, target)  # error of a quarter of the power
    assert torch.allclose(half, torch.tensor(-6.0), atol=0.05)
    assert (thresholded_snr_loss(target + 0.1 * estimate, target) < -15).all()


def test_an_absent_target_is_best_left_silent() -> None:
    _, mixture = signals()
    silent = absent_target_loss(torch.zeros_like(mixture), mixture)
    assert torch.allclose(silent, torch.tensor(-30.0), atol=1e-3)
    assert torch.allclose(absent_target_loss(mixture, mixture), torch.tensor(0.0), atol=0.01)


def test_spectra_are_compared_compressed_at_the_level_of_the_mixture() -> None:
    target, mixture = (part.repeat(1, 4) for part in signals())
    assert torch.allclose(compressed_spectrum_loss(target, target, mixture), torch.zeros(3))
    loss = compressed_spectrum_loss(mixture, target, mixture)
    assert torch.allclose(compressed_spectrum_loss(9 * mixture, 9 * target, 9 * mixture), loss)
    # With a mean square of m: magnitudes are off by (2^0.3 - 1), so are the two parts of a bin.
    doubled = compressed_spectrum_loss(2 * target, target, mixture)
    mean_square = doubled / ((2**0.3 - 1) ** 2 * (0.7 + 0.3 / 2))
    # The wrong sign: magnitudes agree, the parts are off by twice their size.
    turned = compressed_spectrum_loss(-target, target, mixture)
    assert torch.allclose(turned, 0.3 * 4 / 2 * mean_square, rtol=0.01)
    # Silence: off by all there is, but for the floor under quiet bins.
    silent = compressed_spectrum_loss(0 * target, target, mixture)
    assert torch.allclose(silent, (0.7 + 0.3 / 2) * mean_square, rtol=0.1)


def test_spectrum_and_snr_are_summed() -> None:
    target, mixture = (part.repeat(1, 4) for part in signals())
    present = torch.tensor([True, False, True])
    both = ExtractionLoss("spectrum+snr")(mixture, target, mixture, present)
    snr = ExtractionLoss("snr")(mixture, target, mixture, present)
    spectrum = compressed_spectrum_loss(mixture, target, mixture).mean()
    assert torch.allclose(both, 0.1 * snr + SPECTRUM_WEIGHT * spectrum)


def test_present_and_absent_items_have_their_own_objective() -> None:
    estimate, target = signals()
    mixture = target + estimate
    present = torch.tensor([True, False, True])
    loss = ExtractionLoss("si-sdr", absent_weight=0.25)(estimate, target, mixture, present)
    parts = si_sdr_loss(estimate, target)
    expected = (parts[0] + parts[2] + 0.25 * absent_target_loss(estimate, mixture)[1]) / 3
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_gradients_stay_finite_where_targets_and_estimates_are_silent() -> None:
    estimate = torch.zeros(2, 50, requires_grad=True)
    target = torch.zeros(2, 50)
    for objective in ("snr", "si-sdr"):
        loss = ExtractionLoss(objective)(estimate, target, target, torch.tensor([True, False]))
        (gradient,) = torch.autograd.grad(loss, estimate)
        assert loss.isfinite() and gradient.isfinite().all()


def test_an_oracle_cue_is_never_worse_and_mostly_better() -> None:
    torch.manual_seed(0)
    config = BandSplitConfig(
        window_samples=32, hop_samples=16, bands=(4, 12), channels=8, hidden=8, bottleneck=8,
        mask_hidden=8, blocks=1, spectral_map=False,
    )  # fmt: skip
    network = build_network(config).eval().requires_grad_(False)
    one, other = signals()
    mixture = one + other
    cue = Cue(vector=torch.randn(3, 192))
    better = optimise_cue(network, mixture, one, cue, OptimisationConfig(15, 0.05))
    losses = [thresholded_snr_loss(network(mixture, c), one) for c in (cue, better)]
    assert (losses[1] <= losses[0] + 1e-5).all()
    assert losses[1].mean() < losses[0].mean() - 0.01
    assert better.vector is not None and not better.vector.requires_grad
    unchanged = optimise_cue(network, mixture, one, cue, OptimisationConfig(0))
    np.testing.assert_array_equal(unchanged.vector, cue.vector)
    with pytest.raises(ArgumentError, match="neither"):
        optimise_cue(network, mixture, one, Cue(enrolment=mixture))

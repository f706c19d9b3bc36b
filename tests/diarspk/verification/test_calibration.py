from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diarspk.errors import ArgumentError, FormatError
from diarspk.verification.calibration import (
    ScoreCalibration,
    default_calibration,
    fit_calibration,
    probability,
)
from diarspk.verification.metrics import actual_dcf, cllr, min_dcf
from tests.paths import ROOT


def gaussian_trials(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores N(0.6, 0.1) and N(0.2, 0.1): the true ratio is (0.4 s - 0.16) / 0.01."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 4 == 0
    return np.where(labels, 0.6, 0.2) + 0.1 * random.normal(size=count), labels


def test_the_fit_finds_the_true_ratio_of_two_gaussians() -> None:
    scores, labels = gaussian_trials(20_000, 0)
    calibration = fit_calibration(scores, labels)
    assert calibration.scale == pytest.approx(40, rel=0.1)
    assert calibration.offset == pytest.approx(-16, rel=0.1)
    assert calibration.threshold() == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("prior", [0.05, 0.5])
def test_held_out_ratios_cost_little_more_than_the_best_threshold(prior: float) -> None:
    calibration = fit_calibration(*gaussian_trials(20_000, 0), target_prior=prior)
    scores, labels = gaussian_trials(20_000, 1)
    ratios = calibration.log_likelihood_ratios(scores)
    actual = actual_dcf(ratios, labels, target_prior=prior)
    assert actual <= min_dcf(scores, labels, target_prior=prior) + 0.03


def test_the_share_of_targets_does_not_matter() -> None:
    scores, labels = gaussian_trials(20_000, 0)
    few = np.flatnonzero(~labels | (np.arange(len(labels)) % 20 == 0))
    whole, part = fit_calibration(scores, labels), fit_calibration(scores[few], labels[few])
    assert part.threshold() == pytest.approx(whole.threshold(), abs=0.01)


def test_a_trial_of_weight_two_counts_as_two() -> None:
    scores, labels = gaussian_trials(2000, 0)
    weights = np.where(np.arange(2000) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(2000), weights.astype(int))
    weighted = fit_calibration(scores, labels, weights=weights)
    repeated = fit_calibration(scores[twice], labels[twice])
    assert weighted.threshold() == pytest.approx(repeated.threshold(), abs=1e-3)
    assert weighted.scale == pytest.approx(repeated.scale, rel=1e-2)
    with pytest.raises(ArgumentError, match="`weights` must hold 2000 positive numbers"):
        fit_calibration(scores, labels, weights=np.zeros(2000))


def test_a_quality_measure_that_shifts_scores_is_taken_out() -> None:
    scores, labels = gaussian_trials(8000, 0)
    seconds = np.random.default_rng(2).uniform(0, 1, len(scores))
    shifted = scores + 0.5 * seconds
    plain = fit_calibration(shifted, labels)
    aware = fit_calibration(shifted, labels, quality={"log_seconds": seconds})
    ratios = aware.log_likelihood_ratios(shifted, {"log_seconds": seconds})
    assert cllr(ratios, labels) < 0.5 * cllr(plain.log_likelihood_ratios(shifted), labels)
    with pytest.raises(ArgumentError, match="log_seconds"):
        aware.log_likelihood_ratios(shifted)
    with pytest.raises(ArgumentError, match="depends on"):
        aware.threshold()


def test_separable_scores_give_a_finite_slope() -> None:
    calibration = fit_calibration([0.9, 0.8, 0.1, 0.0], [1, 1, 0, 0])
    assert np.isfinite(calibration.scale)
    assert 0.1 < calibration.threshold() < 0.8


def test_scores_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ArgumentError, match="slope"):
        fit_calibration([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0])


def test_written_and_read_again(tmp_path: Path) -> None:
    calibration = ScoreCalibration(12.5, -3.0, {"log_seconds": 0.25}, "abc")
    file = tmp_path / "calibration.json"
    calibration.write(file)
    assert ScoreCalibration.read(file) == calibration
    file.write_text("{}")
    with pytest.raises(FormatError, match="not a calibration"):
        ScoreCalibration.read(file)


def test_probabilities() -> None:
    ratios = np.log([9.0, 1.0, 1e-300])
    np.testing.assert_allclose(probability(ratios, 0.5), [0.9, 0.5, 0.0], atol=1e-12)
    with pytest.raises(ArgumentError, match="`target_prior`"):
        probability(0.0, 1.0)


def test_an_unknown_space_has_no_calibration() -> None:
    assert default_calibration("no such space") is None


def test_the_embedded_encoder_has_its_calibration() -> None:
    """It goes with the weights: `eval.verification.calibration --write` after each."""
    from diarspk.checkpoints.checkpoint import read_checkpoint
    from diarspk.encoders.loading import DEFAULT

    assets = ROOT / "diarspk" / "assets"
    fingerprint = read_checkpoint(assets / f"{DEFAULT}.json").fingerprint
    calibration = default_calibration(fingerprint)
    assert calibration is not None
    assert calibration.fingerprint == fingerprint
    assert 0 < calibration.threshold() < 1

"""Variational inference of VBx: a Bayesian HMM, or GMM, whose states are speakers of a PLDA.

Equation numbers are those of Landini et al. 2022, "Bayesian HMM clustering of x-vector sequences
(VBx)" (arXiv 2012.14952). The GMM form, in which the state does not depend on the previous one, is
that of pyannote.audio 4 and DiariZen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from diarspk.arguments import check_counts, check_numbers

__all__ = ["Posterior", "VBxSettings", "infer", "lower_bound", "smooth_labels"]

Matrix = NDArray[np.float64]

MIN_ACTIVE_PRIOR = 1e-12
"""Speakers with a smaller prior are left out of further iterations: they would not come back."""


@dataclass(frozen=True)
class VBxSettings:
    """Hyper-parameters of VBx, with the symbols of the paper.

    Attributes
    ----------
    acoustic_scale : float
        Fa: factor of the log-likelihoods; below 1, since neighbouring windows share audio.
    speaker_regularization : float
        Fb: larger values give fewer speakers.
    loop_probability : float, optional
        P_loop of the HMM, the probability of staying with a speaker; None is the GMM form.
    smoothing : float
        Sharpness of the initial responsibilities, see :func:`smooth_labels`.
    iterations : int
        Maximum number of iterations.
    tolerance : float
        Stop when the lower bound increases by less.
    growth : float
        Exponent of Fb in the length of the recording: Fb is as given for `typical_windows` windows.
        A voice drifts along a recording in ways that the PLDA takes for another speaker, and the
        log-likelihoods of all windows add up; published values of Fb are larger for longer
        recordings likewise (AMI 64, CALLHOME 17).
    typical_windows : int
    """

    acoustic_scale: float
    speaker_regularization: float
    loop_probability: float | None = None
    smoothing: float = 7.0
    iterations: int = 40
    tolerance: float = 1e-6
    growth: float = 0.0
    typical_windows: int = 300

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "acoustic_scale", "speaker_regularization", above=0.0)
        check_numbers(self, "loop_probability", minimum=0.0, below=1.0, optional=True)
        check_numbers(self, "smoothing", "growth", minimum=0.0)
        check_numbers(self, "tolerance", finite=False)
        check_counts(self, "iterations", "typical_windows")

    def suited_to(self, windows: float) -> VBxSettings:
        """Apply `growth`: the settings for a recording of so many windows."""
        factor = (windows / self.typical_windows) ** self.growth if windows else 1.0
        regularization = self.speaker_regularization * factor
        return replace(self, speaker_regularization=regularization, growth=0.0)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Variational posterior of the assignments and of the speakers.

    Attributes
    ----------
    responsibilities : NDArray, shape (n, s)
        Gamma: probability of each speaker in each window.
    priors : NDArray, shape (s,)
        Pi: prior of each speaker; those of redundant speakers converge to 0.
    means, variances : NDArray, shape (s, d)
        Alpha and the inverse of L: posterior of each speaker variable, diagonal covariance.
    bounds : NDArray, shape (iterations,)
        Variational lower bound (25) after each iteration; it never decreases.
    """

    responsibilities: Matrix
    priors: Matrix
    means: Matrix
    variances: Matrix
    bounds: Matrix


def infer(
    features: Matrix,
    between: Matrix,
    responsibilities: Matrix,
    settings: VBxSettings,
    weights: Matrix | None = None,
) -> Posterior:
    """Alternate updates of speaker models and of responsibilities until the bound converges.

    Parameters
    ----------
    features : NDArray, shape (n, d)
        Rows in time order, in the diagonal space of a PLDA.
    between : NDArray, shape (d,)
        Phi: between-speaker variance there.
    responsibilities : NDArray, shape (n, s)
        Initial values; rows sum to 1.
    settings : VBxSettings
    weights : NDArray, shape (n,), optional
        Number of windows of each row, all of one speaker. Default: 1.
    """
    mass = np.ones(len(features)) if weights is None else weights
    settings = settings.suited_to(float(mass.sum()))
    rows = _Rows.of(features, between)
    speakers = responsibilities.shape[1]
    active, gamma = np.arange(speakers), responsibilities
    priors = np.full(speakers, 1.0 / speakers)
    bounds: list[float] = []
    for _ in range(settings.iterations):
        above = priors >= MIN_ACTIVE_PRIOR
        active, gamma, priors = active[above], gamma[:, above], priors[above]
        means, variances = _speaker_models(rows, gamma * mass[:, None], settings)
        scores = _scores(rows, means, variances, settings) * mass[:, None]
        gamma, used, likelihood = _responsibilities(scores, priors, mass, settings)
        bounds.append(likelihood + _regularizer(means, variances, settings))
        priors = used / used.sum()
        if len(bounds) > 1 and bounds[-1] - bounds[-2] < settings.tolerance:
            break
    return Posterior(
        _restore(gamma.T, active, speakers).T,
        _restore(priors, active, speakers),
        _restore(means, active, speakers),
        _restore(variances, active, speakers, absent=1.0),
        np.array(bounds),
    )


def _restore(
    values: Matrix, active: NDArray[np.int64], speakers: int, absent: float = 0.0
) -> Matrix:
    """Values of all speakers ``(speakers, ...)`` from those of the active ones."""
    restored = np.full((speakers, *values.shape[1:]), absent)
    restored[active] = values
    return restored


def lower_bound(
    features: Matrix,
    between: Matrix,
    labels: NDArray[np.int64],
    settings: VBxSettings,
    weights: Matrix | None = None,
) -> float:
    """Variational lower bound (25) of a partition: hard responsibilities, all else optimal.

    Comparable between partitions of one session, whatever method they come from.
    """
    mass = np.ones(len(features)) if weights is None else weights
    settings = settings.suited_to(float(mass.sum()))
    gamma = np.eye(int(labels.max()) + 1)[labels]
    rows = _Rows.of(features, between)
    means, variances = _speaker_models(rows, gamma * mass[:, None], settings)
    scores = _scores(rows, means, variances, settings)
    priors = mass @ gamma / mass.sum()
    total = float(mass @ np.take_along_axis(scores, labels[:, None], axis=1)[:, 0])
    chosen = priors[labels]
    if settings.loop_probability is None:
        path = float(mass @ np.log(chosen))
    else:
        loop = settings.loop_probability
        steps = (1 - loop) * chosen[1:] + loop * (labels[1:] == labels[:-1])
        path = float(np.log(chosen[0]) + np.log(steps).sum())
    return total + path + _regularizer(means, variances, settings)


def smooth_labels(labels: NDArray[np.int64], smoothing: float) -> Matrix:
    """Soften labels to responsibilities ``(n, s)``: softmax of `smoothing` times one-hot."""
    return np.asarray(softmax(smoothing * np.eye(int(labels.max()) + 1)[labels], axis=1))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Constants of the iterations.

    rho (18) is the features times the root of Phi; the speaker means, which are fewer, are scaled
    by that root instead.
    """

    features: Matrix  # (n, d)
    constant: Matrix  # (n,), of (23)
    between: Matrix  # (d,), Phi
    root: Matrix  # (d,), of Phi

    @staticmethod
    def of(features: Matrix, between: Matrix) -> _Rows:
        squares = np.einsum("nd,nd->n", features, features)
        constant = -0.5 * (squares + features.shape[1] * np.log(2 * np.pi))
        return _Rows(features, constant, between, np.sqrt(between))


def _speaker_models(rows: _Rows, occupancy: Matrix, settings: VBxSettings) -> tuple[Matrix, Matrix]:
    """Posterior means (16) and variances (17) of the speakers, ``(s, d)`` each."""
    ratio = settings.acoustic_scale / settings.speaker_regularization
    variances = 1.0 / (1.0 + ratio * occupancy.sum(axis=0)[:, None] * rows.between)
    means = ratio * variances * rows.root * (occupancy.T @ rows.features)
    return means, variances


def _scores(rows: _Rows, means: Matrix, variances: Matrix, settings: VBxSettings) -> Matrix:
    """Compute the expected log-likelihood of each row under each speaker (23), ``(n, s)``."""
    penalty = 0.5 * (variances + means**2) @ rows.between
    scores: Matrix = rows.features @ (rows.root * means).T
    scores += rows.constant[:, None] - penalty
    scores *= settings.acoustic_scale
    return scores


def _responsibilities(
    scores: Matrix, priors: Matrix, mass: Matrix, settings: VBxSettings
) -> tuple[Matrix, Matrix, float]:
    """Posterior of each row, expected draws from each prior (24), and log-likelihood."""
    with np.errstate(divide="ignore"):
        log_priors = np.log(priors)
    if settings.loop_probability is not None:
        from diarspk.clustering.markov import forward_backward

        return forward_backward(scores, priors, settings.loop_probability)
    joint = scores + mass[:, None] * log_priors
    total = logsumexp(joint, axis=1)
    gamma = np.exp(joint - total[:, None])
    return gamma, mass @ gamma, float(total.sum())


def _regularizer(means: Matrix, variances: Matrix, settings: VBxSettings) -> float:
    """Minus Fb times the KL divergence of the speaker models from their prior, in (25)."""
    divergence = np.sum(np.log(variances) - variances - means**2 + 1)
    return float(0.5 * settings.speaker_regularization * divergence)

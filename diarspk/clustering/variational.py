"""Variational inference of VBx: a Bayesian mixture, or hidden Markov model, of PLDA speakers.

Equation numbers are those of Landini et al. 2022, "Bayesian HMM clustering of x-vector sequences
(VBx)" (arXiv 2012.14952). The GMM form is the HMM whose states do not depend on the one before, as
in pyannote.audio 4 and DiariZen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from diarspk.clustering.markov import forward_backward
from diarspk.errors import ArgumentError

__all__ = ["Posterior", "VBxSettings", "evidence", "infer", "smooth_labels"]

Matrix = NDArray[np.float64]

NEGLIGIBLE = 1e-12
"""A speaker whose share falls below takes no part in further iterations; it would not come back."""


@dataclass(frozen=True)
class VBxSettings:
    """Settings of VBx, with the symbols of the paper.

    Attributes
    ----------
    evidence_scale : float
        Fa: what a window counts; below 1, since neighbouring windows share audio.
    speaker_regularization : float
        Fb: what a speaker costs; larger finds fewer.
    loop_probability : float, optional
        P_loop of the HMM, the probability to stay with a speaker; None is the GMM form.
    smoothing : float
        Sharpness of the first responsibilities, see :func:`smooth_labels`.
    iterations : int
        Most iterations.
    tolerance : float
        Stop when the lower bound gains less.
    growth : float
        Power of the length with which Fb grows: it is as stated for `typical_windows` windows. A
        voice changes along a recording in ways that the PLDA takes for another one, and each
        window adds to that evidence; so published values of Fb are larger for longer recordings
        (AMI 64, CALLHOME 17).
    typical_windows : int
    """

    evidence_scale: float
    speaker_regularization: float
    loop_probability: float | None = None
    smoothing: float = 7.0
    iterations: int = 40
    tolerance: float = 1e-6
    growth: float = 0.0
    typical_windows: int = 300

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("evidence_scale", "speaker_regularization"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"`{name}` must be above 0, got {getattr(self, name)}.")
        if self.loop_probability is not None and not 0 <= self.loop_probability < 1:
            raise ArgumentError(
                f"`loop_probability` must be at least 0 and below 1, got {self.loop_probability}."
            )
        if self.iterations < 1:
            raise ArgumentError(f"`iterations` must be at least 1, got {self.iterations}.")

    def suited_to(self, windows: float) -> VBxSettings:
        """Make settings for a recording of so many windows, which do not grow any more."""
        factor = (windows / self.typical_windows) ** self.growth if windows else 1.0
        regularization = self.speaker_regularization * factor
        return replace(self, speaker_regularization=regularization, growth=0.0)


@dataclass(frozen=True, eq=False)
class Posterior:
    """What inference has found.

    Attributes
    ----------
    responsibilities : NDArray, shape (n, s)
        Gamma: probability of each speaker in each row.
    priors : NDArray, shape (s,)
        Pi: share of each speaker; those not needed go to 0.
    means, variances : NDArray, shape (s, d)
        Alpha and the inverse of L: posterior of each speaker, diagonal.
    bounds : NDArray, shape (iterations,)
        Lower bound of the log-likelihood after each iteration (25); it never falls.
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
    """Alternate between speaker models and responsibilities until the bound stands still.

    Parameters
    ----------
    features : NDArray, shape (n, d)
        Rows in time order, in the diagonal space of a PLDA.
    between : NDArray, shape (d,)
        Variance of speakers there, Phi.
    responsibilities : NDArray, shape (n, s)
        To start from; rows sum to 1.
    settings : VBxSettings
    weights : NDArray, shape (n,), optional
        Windows behind each row, all of one speaker; 1 without it.
    """
    mass = np.ones(len(features)) if weights is None else weights
    settings = settings.suited_to(float(mass.sum()))
    rows = _Rows.of(features, between)
    speakers = responsibilities.shape[1]
    living, gamma = np.arange(speakers), responsibilities
    priors = np.full(speakers, 1.0 / speakers)
    bounds: list[float] = []
    for _ in range(settings.iterations):
        kept = priors >= NEGLIGIBLE
        living, gamma, priors = living[kept], gamma[:, kept], priors[kept]
        means, variances = _speaker_models(rows, gamma * mass[:, None], settings)
        scores = _scores(rows, means, variances, settings) * mass[:, None]
        gamma, used, likelihood = _responsibilities(scores, priors, mass, settings)
        bounds.append(likelihood + _regularizer(means, variances, settings))
        priors = used / used.sum()
        if len(bounds) > 1 and bounds[-1] - bounds[-2] < settings.tolerance:
            break
    return Posterior(
        _restored(gamma.T, living, speakers).T,
        _restored(priors, living, speakers),
        _restored(means, living, speakers),
        _restored(variances, living, speakers, absent=1.0),
        np.array(bounds),
    )


def _restored(
    values: Matrix, living: NDArray[np.int64], speakers: int, absent: float = 0.0
) -> Matrix:
    """Values of all speakers ``(speakers, ...)`` from those of the living ones."""
    restored = np.full((speakers, *values.shape[1:]), absent)
    restored[living] = values
    return restored


def evidence(
    features: Matrix,
    between: Matrix,
    labels: NDArray[np.int64],
    settings: VBxSettings,
    weights: Matrix | None = None,
) -> float:
    """Lower bound (25) of a partition: responsibilities of 0 and 1, everything else at its best.

    Partitions of one session compare by it, whatever method they come from.
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
    """Responsibilities ``(n, s)`` to start from: softmax of `smoothing` times the labels."""
    return np.asarray(softmax(smoothing * np.eye(int(labels.max()) + 1)[labels], axis=1))


@dataclass(frozen=True, eq=False)
class _Rows:
    """What does not change between iterations.

    rho (18) is features times the root of Phi. Speakers are scaled instead, who are fewer.
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
    ratio = settings.evidence_scale / settings.speaker_regularization
    variances = 1.0 / (1.0 + ratio * occupancy.sum(axis=0)[:, None] * rows.between)
    means = ratio * variances * rows.root * (occupancy.T @ rows.features)
    return means, variances


def _scores(rows: _Rows, means: Matrix, variances: Matrix, settings: VBxSettings) -> Matrix:
    """Score rows: expected log-likelihood of each under each speaker (23), ``(n, s)``."""
    penalty = 0.5 * (variances + means**2) @ rows.between
    scores: Matrix = rows.features @ (rows.root * means).T
    scores += rows.constant[:, None] - penalty
    scores *= settings.evidence_scale
    return scores


def _responsibilities(
    scores: Matrix, priors: Matrix, mass: Matrix, settings: VBxSettings
) -> tuple[Matrix, Matrix, float]:
    """Posterior of each row, expected use of each prior, and log-likelihood."""
    with np.errstate(divide="ignore"):
        log_priors = np.log(priors)
    if settings.loop_probability is not None:
        return forward_backward(scores, priors, settings.loop_probability)
    joint = scores + mass[:, None] * log_priors
    total = logsumexp(joint, axis=1)
    gamma = np.exp(joint - total[:, None])
    return gamma, mass @ gamma, float(total.sum())


def _regularizer(means: Matrix, variances: Matrix, settings: VBxSettings) -> float:
    """Minus Fb times the divergence of the speaker models from their prior, in (25)."""
    divergence = np.sum(np.log(variances) - variances - means**2 + 1)
    return float(0.5 * settings.speaker_regularization * divergence)

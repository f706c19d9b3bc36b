"""Probabilities over everybody enrolled and "nobody of them"."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.gallery.entries import Candidate, Identification

__all__ = ["decide", "open_set_posterior"]


def open_set_posterior(
    log_likelihood_ratios: NDArray[np.float64], enrolled: int, known_prior: float
) -> tuple[NDArray[np.float64], float]:
    """Bayes' rule over the enrolled speakers and the unknown one.

    With ratios ``r_i`` of "speaker i" against "somebody else", and a prior ``p`` that the voice
    is one of ``N`` enrolled, each equally likely: ``P(i) ~ p / N * r_i`` and ``P(unknown) ~
    1 - p``. So the more people are enrolled, the more a match must stand out.

    Parameters
    ----------
    log_likelihood_ratios : ndarray, ``(candidates,)``
        Of the likeliest speakers; those left out count as impossible.
    enrolled : int
        Speakers in the gallery.
    known_prior : float
        Probability, before listening, that it is one of them.

    Returns
    -------
    speakers : ndarray, ``(candidates,)``
    unknown : float
        Together at most, and up to rounding exactly, 1.

    Examples
    --------
    >>> speakers, unknown = open_set_posterior(np.log([6.0, 2.0]), 4, 0.5)
    >>> [round(float(p), 3) for p in speakers], round(unknown, 3)
    ([0.5, 0.167], 0.333)
    """
    if not 0 < known_prior < 1:
        raise ArgumentError(f"`known_prior` must be between 0 and 1, got {known_prior}")
    ratios = np.asarray(log_likelihood_ratios, np.float64)
    weights = np.append(ratios + np.log(known_prior / max(enrolled, 1)), np.log1p(-known_prior))
    shares = np.exp(weights - weights.max())
    shares /= shares.sum()
    return shares[:-1], float(shares[-1])


def decide(
    scores: dict[str, float],
    enrolled: int,
    calibration: ScoreCalibration | None,
    known_prior: float,
    threshold: float | None,
    limit: int,
) -> Identification:
    """Rank candidates by cosine, weigh them, and name the best or nobody.

    Parameters
    ----------
    scores : dict of str to float
        Cosine of each candidate.
    enrolled : int
        Speakers in the gallery.
    calibration : ScoreCalibration or None
        Without it there are no probabilities, and ``threshold`` must be given.
    threshold : float or None
        Cosine to accept at; without it, a probability of 1/2.
    """
    names = sorted(scores, key=lambda name: -scores[name])
    ranked = [Candidate(name, scores[name], None) for name in names]
    unknown = None
    if calibration is not None:
        ratios = calibration.log_likelihood_ratios([scores[name] for name in names])
        shares, unknown = open_set_posterior(ratios, enrolled, known_prior)
        ranked = [
            Candidate(name, scores[name], float(share))
            for name, share in zip(names, shares, strict=True)
        ]
    named = bool(ranked) and _accepted(ranked[0], threshold)
    return Identification(ranked[0].speaker if named else None, unknown, tuple(ranked[:limit]))


def _accepted(best: Candidate, threshold: float | None) -> bool:
    if threshold is not None:
        return best.score >= threshold
    return best.probability is not None and best.probability >= 0.5

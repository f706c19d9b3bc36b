"""Answers of a gallery, and the open-set decision between the enrolled people and nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from diarspk.verification.calibration import ScoreCalibration

__all__ = ["Candidate", "Identification", "Match", "Person", "decide", "open_set_posterior"]


@dataclass(frozen=True)
class Person:
    """Enrolled speaker: number of references, seconds of audio where known, last enrolment."""

    speaker: str
    references: int
    seconds: float
    enrolled_at: str


@dataclass(frozen=True)
class Match:
    """Stored reference and its cosine with the query."""

    entry: int
    speaker: str
    source: str
    score: float


@dataclass(frozen=True)
class Candidate:
    """Candidate speaker of an identification.

    Attributes
    ----------
    score : float
        Cosine with the mean of the speaker's references.
    probability : float or None
        Posterior probability of this speaker; None without a calibration.
    """

    speaker: str
    score: float
    probability: float | None


@dataclass(frozen=True)
class Identification:
    """Result of an open-set identification.

    Attributes
    ----------
    speaker : str or None
        Identified speaker; None: nobody enrolled.
    unknown : float or None
        Posterior probability that it is nobody enrolled; None without a calibration.
    candidates : tuple of Candidate
        Most probable speakers, best first.
    """

    speaker: str | None
    unknown: float | None
    candidates: tuple[Candidate, ...]


def open_set_posterior(
    log_likelihood_ratios: NDArray[np.float64], enrolled: int, known_prior: float
) -> tuple[NDArray[np.float64], float]:
    """Posterior probabilities of the enrolled speakers and of an unknown one, by Bayes' rule.

    With ratios ``r_i`` of "speaker i" against "somebody else", and a prior ``p`` that the voice
    is one of ``N`` enrolled, each equally likely: ``P(i) ~ p / N * r_i`` and ``P(unknown) ~
    1 - p``. So the more people are enrolled, the more a match must stand out.

    Parameters
    ----------
    log_likelihood_ratios : ndarray, ``(candidates,)``
        Of the most similar speakers; the others have probability 0.
    enrolled : int
        Speakers in the gallery.
    known_prior : float
        Prior probability that it is one of them.

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
    """Rank candidates by cosine, compute their posteriors, and accept the best or nobody.

    Parameters
    ----------
    scores : dict of str to float
        Cosine of each candidate.
    enrolled : int
        Speakers in the gallery.
    calibration : ScoreCalibration or None
        Without it there are no probabilities, and ``threshold`` is required.
    threshold : float or None
        Minimum cosine of acceptance. Default: a probability of 1/2 instead.
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
    accepted = bool(ranked) and _is_accepted(ranked[0], threshold)
    return Identification(ranked[0].speaker if accepted else None, unknown, tuple(ranked[:limit]))


def _is_accepted(best: Candidate, threshold: float | None) -> bool:
    if threshold is not None:
        return best.score >= threshold
    return best.probability is not None and best.probability >= 0.5

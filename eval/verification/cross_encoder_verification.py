"""Asymmetric enrolment and verification: profiles by one encoder, run time by another."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.profile import build_profile
from diarspk.errors import ArgumentError
from diarspk.verification.alignment import Alignment
from diarspk.verification.metrics import detection_curve

__all__ = [
    "FALSE_ALARM_RATES",
    "AsymmetricResult",
    "ProfileTrials",
    "gain_retained",
    "make_trials",
    "measure_latency",
    "score_alignment",
    "score_profiles",
]

FALSE_ALARM_RATES = (0.125, 0.01, 0.001)

Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ProfileTrials:
    """Every profile against every run-time utterance that is in no profile.

    Attributes
    ----------
    profiles : list of ndarray of int, ``people``
        Utterances of each profile.
    tests : ndarray of int, ``(tests,)``
        Run-time utterances.
    labels : ndarray of bool, ``(people, tests)``
    """

    profiles: list[NDArray[np.intp]]
    tests: NDArray[np.intp]
    labels: NDArray[np.bool_]


@dataclass(frozen=True)
class AsymmetricResult:
    """Errors of one way to compare.

    Attributes
    ----------
    miss_rates : tuple of float
        False rejection at each of :data:`FALSE_ALARM_RATES`.
    """

    method: str
    equal_error_rate: float
    miss_rates: tuple[float, ...]


def make_trials(speakers: tuple[str, ...], enrolments: int) -> ProfileTrials:
    """Take the first utterances of each speaker as the profile and the others as tests.

    Speakers with too few utterances for both have no profile; all they say are tests.

    Raises
    ------
    ArgumentError
        If fewer than two speakers have a profile.
    """
    names, speaker = np.unique(np.asarray(speakers), return_inverse=True)
    profiles, owners, used = [], [], np.zeros(len(speakers), bool)
    for number in range(len(names)):
        own = np.flatnonzero(speaker == number)
        if len(own) > enrolments:
            profiles.append(own[:enrolments])
            owners.append(number)
            used[own[:enrolments]] = True
    if len(profiles) < 2:
        raise ArgumentError(
            f"`speakers` must be two or more with over {enrolments} utterances, got {len(profiles)}"
        )
    tests = np.flatnonzero(~used)
    return ProfileTrials(profiles, tests, np.array(owners)[:, None] == speaker[tests])


def score_profiles(
    method: str, profiles: Rows, tests: Rows, labels: NDArray[np.bool_]
) -> AsymmetricResult:
    """Compare unit vectors ``(people, dim)`` and ``(tests, dim)`` by cosine."""
    curve = detection_curve((profiles @ tests.T).ravel(), labels.ravel())
    return AsymmetricResult(
        method,
        curve.equal_error_rate,
        tuple(curve.miss_rate_at(rate) for rate in FALSE_ALARM_RATES),
    )


def average_profiles(vectors: Rows, trials: ProfileTrials) -> Rows:
    """Mean of each profile's unit vectors, ``(people, dim)``."""
    return np.stack([build_profile(vectors[rows]).vector for rows in trials.profiles])


def score_alignment(
    method: str,
    alignment: Alignment | None,
    enrolment: Rows,
    runtime: Rows,
    trials: ProfileTrials,
) -> AsymmetricResult:
    """Score profiles of the enrolment encoder against tests of the run-time encoder.

    Parameters
    ----------
    alignment : Alignment or None
        None compares the vectors as they are.
    enrolment, runtime : ndarray, ``(utterances, dim)``
        Of the same utterances.
    """
    profiles, tests = average_profiles(enrolment, trials), runtime[trials.tests]
    if alignment is not None:
        profiles = alignment.transform(profiles, side="enrolment")
        tests = alignment.transform(tests, side="runtime")
    return score_profiles(method, profiles, tests, trials.labels)


def gain_retained(old: float, asymmetric: float, new: float) -> float | None:
    """Share of the gain of updating both encoders that updating one keeps; None without a gain.

    ``(old - asymmetric) / (old - new)`` of equal error rates (NESSA, arXiv 2401.12440).
    """
    return None if old <= new else (old - asymmetric) / (old - new)


def measure_latency(alignment: Alignment, *, repeats: int = 200) -> float:
    """Microseconds that one run-time vector takes: the median."""
    row = np.eye(1, alignment.runtime.dimension, dtype=np.float32)
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        alignment.transform(row, side="runtime")
        taken.append(time.perf_counter() - start)
    return 1e6 * float(np.median(taken))

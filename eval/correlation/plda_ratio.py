"""How near the clusters of a session lie to each other, by a PLDA of the encoder's space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.plda import Plda
from diarspk.clustering.plda_training import fit_plda
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError

__all__ = ["ClusteredWindows", "adjacent_ratio", "adjacent_ratios"]

COMPONENTS, WINDOWS_EACH = 20, 10
"""A PLDA is fitted in so many principal components at most, and in one for so many windows: with as
many dimensions as windows it would find directions in which nobody varies, and ratios without
bound."""


@dataclass(frozen=True, eq=False)
class ClusteredWindows:
    """Windows of one session.

    Attributes
    ----------
    vectors : ndarray, ``(windows, dim)``
    clusters : ndarray of int, ``(windows,)``
    speakers : sequence of str, ``windows``
        Of the reference; empty where nobody talks.
    """

    vectors: NDArray[np.float32]
    clusters: NDArray[np.int64]
    speakers: Sequence[str]


def adjacent_ratios(sessions: Sequence[ClusteredWindows]) -> NDArray[np.float64]:
    """Log-likelihood ratio of adjacent clusters in each session, ``(sessions,)``.

    The PLDA that judges a session is fitted to every second session, those that it does not belong
    to, in at most 20 principal components of them; a person in two sessions counts as two. NaN
    where a session has a single cluster.
    """
    found = np.full(len(sessions), np.nan)
    for half in (0, 1):
        others = [one for number, one in enumerate(sessions) if number % 2 != half]
        if not others:
            continue
        components = _principal_components(np.concatenate([one.vectors for one in others]))
        plda = _fit([_project(one, components) for one in others])
        if plda is None:
            continue
        for number in range(half, len(sessions), 2):
            found[number] = adjacent_ratio(_project(sessions[number], components), plda)
    return found


def adjacent_ratio(session: ClusteredWindows, plda: Plda) -> float:
    """Mean over clusters of the ratio to the nearest other one, each as the mean of its vectors.

    The natural logarithm of "same speaker" over "different speakers": low where clusters are well
    apart, and the highest is that of the two clusters that would be merged next.
    """
    numbers = np.unique(session.clusters)
    if len(numbers) < 2:
        return np.nan
    unit = normalize_rows(session.vectors.astype(np.float64))
    means = np.stack([unit[session.clusters == number].mean(0) for number in numbers])
    ratios = plda.log_likelihood_ratio(means, means)
    np.fill_diagonal(ratios, -np.inf)
    return float(ratios.max(1).mean())


def _principal_components(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Directions of the largest variance of unit vectors ``(n, dim)``: ``(dim, components)``."""
    unit = normalize_rows(vectors.astype(np.float64))
    _, strengths, directions = np.linalg.svd(unit - unit.mean(0), full_matrices=False)
    present = int((strengths > 1e-6 * strengths.max()).sum())
    return directions[: max(min(COMPONENTS, present, len(unit) // WINDOWS_EACH), 1)].T


def _project(session: ClusteredWindows, components: NDArray[np.float64]) -> ClusteredWindows:
    unit = normalize_rows(session.vectors.astype(np.float64))
    vectors = (unit @ components).astype(np.float32)
    return ClusteredWindows(vectors, session.clusters, session.speakers)


def _fit(sessions: Sequence[ClusteredWindows]) -> Plda | None:
    """Fit to the windows in which somebody talks; None where they are too few."""
    named = [
        (vector, f"{number} {speaker}")
        for number, session in enumerate(sessions)
        for vector, speaker in zip(session.vectors, session.speakers, strict=True)
        if speaker
    ]
    if not named:
        return None
    vectors, names = zip(*named, strict=True)
    try:
        return fit_plda(np.stack(vectors), names)
    except (ArgumentError, np.linalg.LinAlgError):
        return None

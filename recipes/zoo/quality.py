"""Quality measures of trials (QMF), for calibration.

Durations, norms of the embeddings and mean scores against the cohort tell how far a score can be
trusted (Thienpondt et al., "The IDLab VoxCeleb speaker recognition challenge 2020 system
description", section 4.3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recipes.zoo.embeddings import Embeddings

__all__ = ["quality_measures"]


def quality_measures(
    found: Embeddings, pairs: NDArray[np.int64], cohort_means: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Measure the poorer and the better side of each trial.

    Parameters
    ----------
    found
    pairs
        ``(trials, 2)``: rows of the two sides.
    cohort_means
        ``(trials, 2)``: mean of the highest scores of each side against the cohort.

    Returns
    -------
    dict of str to ndarray, ``(trials,)``
        Invariant to the order of the sides.
    """
    sides = {
        "log_seconds": np.log(np.maximum(found.seconds, 0.1))[pairs],
        "log_magnitude": np.log(np.maximum(found.magnitudes, 1e-6))[pairs],
        "cohort_mean": cohort_means,
    }
    measures = {}
    for name, values in sides.items():
        measures[f"lower_{name}"] = values.min(axis=1)
        measures[f"higher_{name}"] = values.max(axis=1)
    return measures

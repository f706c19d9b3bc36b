"""Calibration of a gallery on its own references."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError
from diarspk.verification.calibration import ScoreCalibration, fit_calibration
from diarspk.verification.gallery.gallery import Gallery

__all__ = ["MIN_PEOPLE", "calibrate_by_references", "score_references"]

MIN_PEOPLE = 10
MAX_PEOPLE = 1000


def calibrate_by_references(gallery: Gallery) -> ScoreCalibration:
    """Fit and store a calibration on the references of a gallery.

    Each reference of a person with several is compared with the centroid of that person's others,
    and with everybody else's. Valid for recordings of the same conditions as the references.

    Raises
    ------
    ArgumentError
        Fewer than ten people have two references.
    """
    fingerprint = gallery.space.fingerprint
    references = gallery.references(fingerprint=fingerprint)
    several = [name for name, rows in references.items() if len(rows) > 1]
    if len(several) < MIN_PEOPLE:
        raise ArgumentError(
            f"`gallery` must hold {MIN_PEOPLE} people with two references or more, got "
            f"{len(several)}; enroll more recordings of the same people"
        )
    chosen = several[:: -(-len(several) // MAX_PEOPLE)]
    scores, labels = score_references({name: references[name] for name in chosen})
    calibration = fit_calibration(scores, labels, fingerprint=fingerprint)
    gallery.set_calibration(calibration)
    return calibration


def score_references(
    references: dict[str, NDArray[np.float32]],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Compute the cosines of each reference with every person's centroid, leaving itself out.

    Parameters
    ----------
    references : dict of str to ndarray, ``(n, dim)`` with n at least 2
        Unit vectors.

    Returns
    -------
    scores, labels : ndarray, ``(references * people,)``
    """
    totals = np.stack([rows.sum(0) for rows in references.values()])  # (people, dim)
    means = normalize_rows(totals)
    scores, labels = [], []
    for person, rows in enumerate(references.values()):
        cosines = (rows @ means.T).astype(np.float64)  # (n, people)
        others = totals[person] - rows
        lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-8)
        cosines[:, person] = np.sum(rows * others, axis=1) / lengths
        scores.append(cosines.ravel())
        labels.append((np.arange(cosines.size) % len(references)) == person)
    return np.concatenate(scores), np.concatenate(labels)

"""Cllr of trials inside sessions: what one calibration for all sessions costs in each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from diarspk.verification.calibration import fit_calibration
from diarspk.verification.metrics import cllr

__all__ = ["session_cllr"]

Scores = NDArray[np.float64]


def session_cllr(
    scores: Scores, labels: NDArray[np.bool_], session: NDArray[np.int64], count: int
) -> Scores:
    """Cllr of the trials of each session, ``(count,)``; NaN where a kind of trial is missing.

    Scores become log-likelihood ratios by logistic regression on the trials of every second
    session, those that a session does not belong to. Scores that cannot be calibrated, since higher
    ones do not mean the same speaker, are worth nothing: a ratio of 1, and a Cllr of 1 bit.

    Parameters
    ----------
    scores, labels, session : ndarray, ``(trials,)``
        Session numbers from 0.
    count : int
        Number of sessions.
    """
    ratios = np.zeros(len(scores))
    for half in (0, 1):
        judged = session % 2 == half
        try:
            calibration = fit_calibration(scores[~judged], labels[~judged])
        except ArgumentError:
            continue
        ratios[judged] = calibration.log_likelihood_ratios(scores[judged])
    found = np.full(count, np.nan)
    for number in range(count):
        mine = session == number
        if 0 < labels[mine].sum() < mine.sum():
            found[number] = cllr(ratios[mine], labels[mine])
    return found

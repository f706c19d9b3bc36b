"""Speakers of consecutive windows, by a hidden Markov model whose states are given speakers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.markov import forward_backward
from diarspk.clustering.session_model import Groups, SessionModel

__all__ = ["decode"]

Matrix = NDArray[np.float64]


def decode(
    windows: Groups, speakers: Groups, model: SessionModel, loop_probability: float
) -> Matrix:
    """Posterior probability of each speaker in each window, ``(n, s)``.

    The prior of every speaker is the same: who has said little is not taken for somebody else on
    that account.

    Parameters
    ----------
    windows : Groups
        Windows in time order, and the effective number of windows of each: its log-likelihood is
        multiplied by that, since the rest of its audio is in its neighbours, too.
    speakers : Groups
        Windows that the speakers are known from.
    model : SessionModel
    loop_probability : float
        Probability of staying with a speaker.
    """
    precisions = model.precisions(speakers)
    variances = model.between / (1.0 + precisions * model.between)  # (s, d), posterior
    means = variances * precisions * speakers.means
    widths = variances + model.drift + model.noise
    features = windows.means
    scores = -0.5 * ((features**2) @ (1.0 / widths).T)
    scores += features @ (means / widths).T
    scores -= 0.5 * (means**2 / widths + np.log(widths)).sum(axis=1)
    scores *= windows.counts[:, None]
    priors = np.full(len(speakers), 1.0 / len(speakers))
    return forward_backward(scores, priors, loop_probability)[0]

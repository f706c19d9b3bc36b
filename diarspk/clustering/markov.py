"""Forward-backward for the hidden Markov model of VBx: stay, or draw a speaker anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["forward_backward"]

Matrix = NDArray[np.float64]


def forward_backward(
    scores: Matrix, priors: Matrix, loop_probability: float
) -> tuple[Matrix, Matrix, float]:
    """Posterior of the states where A = P_loop I + (1 - P_loop) 1 pi' (arXiv 2012.14952, eq. 1).

    Parameters
    ----------
    scores : NDArray, shape (n, s)
        Log-likelihood of each row under each state.
    priors : NDArray, shape (s,)
        Pi: of the first state, and of a state that is drawn anew.
    loop_probability : float

    Returns
    -------
    responsibilities : NDArray, shape (n, s)
        Eqs. 19 to 22.
    draws : NDArray, shape (s,)
        Expected number of times that a state is drawn from the priors (24).
    likelihood : float
        Logarithm of the likelihood of all rows.
    """
    with np.errstate(divide="ignore"):
        stay, draw = np.log(loop_probability), np.log1p(-loop_probability) + np.log(priors)
        start = np.log(priors)
    forward = np.empty_like(scores)
    backward = np.zeros_like(scores)
    forward[0] = scores[0] + start
    for row in range(1, len(scores)):
        before = forward[row - 1]
        forward[row] = scores[row] + np.logaddexp(before + stay, _log_sum(before) + draw)
    for row in range(len(scores) - 2, -1, -1):
        after = scores[row + 1] + backward[row + 1]
        backward[row] = np.logaddexp(after + stay, _log_sum(after + draw))
    likelihood = _log_sum(forward[-1])
    responsibilities = np.exp(forward + backward - likelihood)
    responsibilities /= responsibilities.sum(axis=1, keepdims=True)  # against rounding
    draws = responsibilities[0].copy()
    if len(scores) > 1:
        totals = np.logaddexp.reduce(forward[:-1], axis=1)[:, None]
        draws += np.exp(totals + draw + scores[1:] + backward[1:] - likelihood).sum(axis=0)
    return responsibilities, draws, likelihood


def _log_sum(values: Matrix) -> float:
    """Logarithm of the sum of exponentials; scipy's own costs ten times as much on so few."""
    peak = values.max()
    if np.isinf(peak):
        return float(peak)
    return float(peak + np.log(np.exp(values - peak).sum()))

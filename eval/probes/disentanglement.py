r"""How far each component of a cue is about one thing, and each thing in one component.

Eastwood and Williams (2018), "A framework for the quantitative evaluation of disentangled
representations", section 2. With :math:`R_{ij}` the importance of component :math:`i` for factor
:math:`j`:

- disentanglement of component :math:`i` is one less the entropy of :math:`R_{ij} / \sum_j R_{ij}`
  with the logarithm to the base of the number of factors; the whole is the mean, weighted by each
  component's share of all importance;
- completeness of factor :math:`j` is one less the entropy of :math:`R_{ij} / \sum_i R_{ij}` with
  the logarithm to the base of the number of components; the whole is the mean, weighted likewise;
- informativeness is how well the probes answer.

Two things are decided here. Importance is the mean absolute weight of a linear probe on
standardised components. And weights of different probes have no common scale, so that those of one
factor are made to add up to its informativeness: a factor that the cue does not hold has no say.

Both figures belong to the components as they are. Turning a space changes them, and no cosine: a
low figure does not say that the factors cannot be separated, only that nobody has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from eval.probes.linear import Probed

__all__ = ["Disentanglement", "disentangle", "measure_disentanglement"]


@dataclass(frozen=True)
class Disentanglement:
    """A cue's figures, in [0, 1].

    Attributes
    ----------
    cue : str
    disentanglement : float
        1 if every component is about one factor.
    completeness : float
        1 if every factor is in one component.
    informativeness : float
        Mean over the factors.
    factors : tuple of str
        Those that the cue holds at all.
    """

    cue: str
    disentanglement: float
    completeness: float
    informativeness: float
    factors: tuple[str, ...]


def measure_disentanglement(probed: Sequence[Probed]) -> Disentanglement | None:
    """Take together all probes of one cue; None where it holds fewer than two factors."""
    if len({one.cue for one in probed}) != 1:
        raise ArgumentError(
            f"`probed` must be of one cue, got {sorted({one.cue for one in probed})}"
        )
    held = [one for one in probed if one.informativeness > 0]
    if len(held) < 2:
        return None
    weights = np.stack(
        [one.informativeness * one.importance / one.importance.sum() for one in held], axis=1
    )
    figures = disentangle(weights)
    return Disentanglement(
        probed[0].cue,
        *figures,
        informativeness=float(np.mean([one.informativeness for one in probed])),
        factors=tuple(one.task for one in held),
    )


def disentangle(importance: NDArray[np.float64]) -> tuple[float, float]:
    """Disentanglement and completeness of importances ``(components, factors)``.

    Raises
    ------
    ArgumentError
        If there are fewer than two factors, or nothing is important.
    """
    if importance.ndim != 2 or importance.shape[1] < 2 or not importance.sum() > 0:
        raise ArgumentError(
            "`importance` must be (components, factors) with two factors and a weight at least, "
            f"got shape {importance.shape}"
        )
    return _purity(importance), _purity(importance.T)


def _purity(rows: NDArray[np.float64]) -> float:
    """One less the normalised entropy of each row, weighted by the row's sum."""
    if rows.shape[1] == 1:  # one component cannot be spread
        return 1.0
    sums = rows.sum(axis=1)
    shares = rows / np.where(sums > 0, sums, 1)[:, None]
    entropy = -np.sum(shares * np.log(np.where(shares > 0, shares, 1)), axis=1)
    purity = 1 - entropy / np.log(rows.shape[1])
    return float(np.average(purity, weights=sums))

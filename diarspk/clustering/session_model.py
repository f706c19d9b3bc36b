"""Evidence that two groups of windows are one speaker: a Gaussian model with three levels.

The PLDA of :mod:`diarspk.clustering.plda` takes windows of one speaker for independent looks at one
mean, so that enough of them make any difference significant. Within a recording they are not:
neighbouring windows share audio, and a voice drifts with topic, effort and place. Here the mean of
a group of windows is

    mean = speaker + drift + noise,   speaker ~ N(0, B), drift ~ N(0, D), noise ~ N(0, W / n)

in the diagonal space of the PLDA, with the *effective* number n of windows. What a group can say
about its speaker is bounded by D, however long it is; the evidence has the same scale for half a
minute and for ten hours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from diarspk.errors import ArgumentError

__all__ = ["Groups", "SessionModel", "pool"]

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of windows.

    Attributes
    ----------
    means : NDArray, shape (k, d)
    counts : NDArray, shape (k,)
        Effective number of windows of each.
    shares : NDArray, shape (k,), optional
        The same, divided by the copies of each window's audio that are anywhere in the recording:
        they add up to one of it in a group that has all copies. Default: the counts.
    """

    means: Matrix
    counts: Matrix
    shares: Matrix | None = None

    def __len__(self) -> int:
        return len(self.counts)

    def subset(self, rows: Labels) -> Groups:
        """Select groups."""
        shares = None if self.shares is None else self.shares[rows]
        return Groups(self.means[rows], self.counts[rows], shares)

    @property
    def weights(self) -> Matrix:
        """Weights of the means when groups are merged."""
        return self.counts if self.shares is None else self.shares

    def merged(self, labels: Labels) -> Groups:
        """Merge the groups of each label 0..k-1; what all copies of a sound say, one has said."""
        pooled = pool(self.means, self.weights, labels)
        largest = np.zeros(len(pooled))
        np.maximum.at(largest, labels, self.counts)
        return Groups(pooled.means, np.maximum(pooled.counts, largest), pooled.counts)


@dataclass(frozen=True, eq=False)
class SessionModel:
    """Variances of the three levels in the diagonal space of a PLDA.

    Attributes
    ----------
    between : NDArray, shape (d,)
        B: between speakers.
    drift : float
        D: of one speaker within a recording, per dimension. The within-speaker covariance of the
        PLDA is the identity.
    noise : float
        W: of a single window around that, likewise.
    """

    between: Matrix
    drift: float = 0.08
    noise: float = 1.1

    def __post_init__(self) -> None:
        """Check the variances."""
        for name in ("drift", "noise"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"`{name}` must be above 0, got {getattr(self, name)}.")

    def precisions(self, groups: Groups) -> Matrix:
        """Precision of the mean of each group as a look at its speaker, ``(k, 1)``."""
        return np.asarray(1.0 / (self.drift + self.noise / groups.counts[:, None]))

    def log_ratios(self, groups: Groups, others: Groups) -> Matrix:
        """Log-likelihood ratios of "one speaker" to "two", pair by pair.

        Parameters
        ----------
        groups, others : Groups
            As many of each, or a single group that is paired with all.

        Returns
        -------
        NDArray, shape (k,)
            Natural logarithm; positive for one speaker.
        """
        own, rest = self.precisions(groups), self.precisions(others)
        one, other = own * groups.means, rest * others.means
        together = self._marginal(own + rest, one + other)
        return together - self._marginal(own, one) - self._marginal(rest, other)

    def _marginal(self, precisions: Matrix, sums: Matrix) -> Matrix:
        """Log-likelihood of looks at a speaker, less that of a speaker at the origin, ``(k,)``.

        Precisions ``(k, 1)``, and means times precisions ``(k, d)``, add up over the looks.
        """
        scaled = 1.0 + precisions * self.between  # (k, d)
        logs = np.log(scaled).sum(axis=1)
        np.divide(self.between, scaled, out=scaled)
        scaled *= sums
        scaled *= sums
        return np.asarray(0.5 * (scaled.sum(axis=1) - logs))


def pool(features: Matrix, counts: Matrix, labels: Labels) -> Groups:
    """Pool windows, or groups, of each label 0..k-1 into one group."""
    total = np.bincount(labels, counts).astype(np.float64)
    chosen = (counts, (labels, np.arange(len(labels))))
    sums: Matrix = sparse.csr_matrix(chosen, shape=(len(total), len(labels))) @ features
    return Groups(sums / total[:, None], total)

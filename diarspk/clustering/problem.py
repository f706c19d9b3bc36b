"""A clustering problem: checked input, cosine geometry, and bounds on the number of speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from diarspk.embeddings.unit_vectors import _scale, unit_vectors
from diarspk.errors import ArgumentError

__all__ = ["Problem", "checked_pairs", "pose", "speaker_bounds"]


@dataclass(frozen=True, eq=False)
class Problem:
    """What a clusterer partitions: rows that each stand for one window, or for several.

    Attributes
    ----------
    means : NDArray, shape (n, dim)
        Mean of the unit-norm embeddings of the row's windows; for one window, its unit vector.
    weights : NDArray, shape (n,)
        Number of windows behind the row.
    durations : NDArray, shape (n,), or None
        Seconds of speech behind the row, where the caller gave them.
    fewest, most : int
        Bounds on the number of speakers, at most the windows; both 0 without windows.
    cannot_link : NDArray, shape (m, 2)
        Pairs of rows that are different speakers.
    proposals : tuple of NDArray, shape (n,)
        Labels of the rows that other evidence suggests.
    """

    means: NDArray[np.float64]
    weights: NDArray[np.float64]
    durations: NDArray[np.float64] | None
    fewest: int
    most: int
    cannot_link: NDArray[np.int64]
    proposals: tuple[NDArray[np.int64], ...] = ()

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.means)

    def limit(self, habitual: int) -> int:
        """Most speakers to look for: the caller's maximum, else `habitual` or the minimum."""
        return self.most if self.most < self.count else max(habitual, self.fewest)

    def bounded(self, fewest: int, most: int) -> Problem:
        """Keep the rows and set other bounds, clipped to the rows."""
        return replace(self, fewest=min(fewest, self.count), most=min(most, self.count))

    def unbounded(self) -> Problem:
        """Keep the rows and drop the bounds; a cannot-link pair still proves two speakers."""
        return self.bounded(2 if len(self.cannot_link) else 1, self.count)

    def centred(self, share: float) -> Problem:
        """Take a share of the mean direction off the rows, which become unit vectors."""
        rows = self.means.copy()  # the only copy: ten hours are 75,000 rows
        _scale(rows)
        rows -= share / self.weights.sum() * (self.weights @ rows)
        _scale(rows)
        return replace(self, means=rows)

    def merged(self, labels: NDArray[np.int64]) -> Problem:
        """One row per label; cannot-link pairs inside a label are dropped.

        A proposal says of a label what it said of the label's first row.
        """
        count = int(labels.max()) + 1
        weights = np.bincount(labels, self.weights).astype(np.float64)
        # A sparse matrix sums rows without a second copy of the means.
        chosen = (self.weights, (labels, np.arange(self.count)))
        sums = sparse.csr_matrix(chosen, shape=(count, self.count)) @ self.means
        durations = self.durations
        if durations is not None:
            durations = np.bincount(labels, durations).astype(np.float64)
        pairs = labels[self.cannot_link]
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        leading = np.unique(labels, return_index=True)[1]
        proposals = tuple(proposed[leading] for proposed in self.proposals)
        means = sums / weights[:, None]
        return Problem(means, weights, durations, self.fewest, self.most, pairs, proposals)

    def subset(self, rows: NDArray[np.int64]) -> Problem:
        """Only these rows, and the cannot-link pairs among them."""
        position = np.full(self.count, -1)
        position[rows] = np.arange(len(rows))
        pairs = position[self.cannot_link]
        return Problem(
            self.means[rows],
            self.weights[rows],
            None if self.durations is None else self.durations[rows],
            min(self.fewest, len(rows)),
            min(self.most, len(rows)),
            pairs[(pairs >= 0).all(axis=1)],
            tuple(proposed[rows] for proposed in self.proposals),
        )


def pose(
    embeddings: ArrayLike,
    *,
    num_speakers: int | None = None,
    min_speakers: int | None = None,
    max_speakers: int | None = None,
    durations: ArrayLike | None = None,
    cannot_link: ArrayLike | None = None,
    proposals: Sequence[ArrayLike] = (),
) -> Problem:
    """Check a clusterer's arguments and bring the embeddings to unit norm.

    A cannot-link pair proves two speakers, so it raises the minimum to 2 where the maximum allows.

    Raises
    ------
    ArgumentError
        Embeddings are not ``(n, dim)``, not finite, or hold a zero vector; bounds contradict each
        other; durations, pairs or proposals do not fit the embeddings.
    """
    vectors = unit_vectors(embeddings)
    count = len(vectors)
    fewest, most = speaker_bounds(
        count, num_speakers=num_speakers, min_speakers=min_speakers, max_speakers=max_speakers
    )
    pairs = checked_pairs(cannot_link, count, "cannot_link")
    if len(pairs):
        fewest = min(max(fewest, 2), most)
    seconds = None if durations is None else _checked_durations(durations, count)
    proposed = tuple(_checked_labels(labels, count) for labels in proposals)
    return Problem(vectors, np.ones(count), seconds, fewest, most, pairs, proposed)


def speaker_bounds(
    count: int,
    *,
    num_speakers: int | None = None,
    min_speakers: int | None = None,
    max_speakers: int | None = None,
) -> tuple[int, int]:
    """Fewest and most speakers for `count` windows: within 1 and `count`, both 0 without windows.

    Raises
    ------
    ArgumentError
        A bound is not a whole number from 1, or bounds contradict each other.
    """
    given = {
        "num_speakers": num_speakers,
        "min_speakers": min_speakers,
        "max_speakers": max_speakers,
    }
    for name, value in given.items():
        if value is not None and not _is_count(value):
            raise ArgumentError(f"`{name}` must be a whole number from 1, got {value!r}.")
    fewest = 1 if min_speakers is None else int(min_speakers)
    most = max(count, fewest) if max_speakers is None else int(max_speakers)
    if fewest > most:
        raise ArgumentError(f"`min_speakers` must be at most max_speakers={most}, got {fewest}.")
    if num_speakers is not None:
        if num_speakers < fewest or (max_speakers is not None and num_speakers > most):
            raise ArgumentError(
                f"`num_speakers` must lie within min_speakers={min_speakers} and "
                f"max_speakers={max_speakers}, got {num_speakers}; give one or the other."
            )
        fewest = most = int(num_speakers)
    return min(fewest, count), min(most, count)


def _checked_labels(labels: ArrayLike, count: int) -> NDArray[np.int64]:
    found = np.asarray(labels)
    if found.shape != (count,) or not (np.issubdtype(found.dtype, np.integer) or not count):
        raise ArgumentError(
            f"`proposals` must be integers of shape ({count},) each, got {found.dtype} "
            f"{found.shape}."
        )
    return found.astype(np.int64)


def _checked_durations(durations: ArrayLike, count: int) -> NDArray[np.float64]:
    seconds = np.asarray(durations, dtype=np.float64)
    if seconds.shape != (count,):
        raise ArgumentError(f"`durations` must be of shape ({count},), got shape {seconds.shape}.")
    faulty = np.flatnonzero(~(np.isfinite(seconds) & (seconds >= 0)))
    if len(faulty):
        row = int(faulty[0])
        raise ArgumentError(
            f"`durations` must be finite and at least 0 s, got {seconds[row]} in row {row}."
        )
    return seconds


def checked_pairs(pairs: ArrayLike | None, count: int, name: str) -> NDArray[np.int64]:
    """Pairs of different rows of `count`: ``(m, 2)``; `name` is what an error calls them."""
    checked = np.asarray([] if pairs is None else pairs)
    if checked.size == 0:
        return np.zeros((0, 2), dtype=np.int64)
    if checked.ndim != 2 or checked.shape[1] != 2 or not np.issubdtype(checked.dtype, np.integer):
        raise ArgumentError(
            f"`{name}` must be integers of shape (m, 2), got {checked.dtype} {checked.shape}."
        )
    if checked.min() < 0 or checked.max() >= count:
        raise ArgumentError(
            f"`{name}` must hold rows within 0..{count - 1}, got {checked.min()}..{checked.max()}."
        )
    if (checked[:, 0] == checked[:, 1]).any():
        raise ArgumentError(f"`{name}` must pair different rows, got a row with itself.")
    return checked.astype(np.int64)


def _is_count(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return bool(value >= 1)

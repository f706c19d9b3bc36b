"""A number of speakers that is told: met by the changes that can do the least harm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.count_model import CountModel, CountSigns
from diarspk.clustering.session_model import SessionModel
from diarspk.clustering.speaker_changes import (
    Change,
    PartPartition,
    find_cuts,
    nearest_speakers,
)

__all__ = ["choose_change", "find_cut_speakers", "meet_bounds"]

Labels = NDArray[np.int64]


def meet_bounds(
    partition: PartPartition,
    model: SessionModel,
    counts: CountModel,
    signs: CountSigns,
    bounds: tuple[int, int],
    cannot_link: Labels,
) -> PartPartition:
    """Cut or join speakers, one at a time, until their number lies within the bounds.

    Parameters
    ----------
    partition : PartPartition
    model : SessionModel
    counts : CountModel
    signs : CountSigns
        Of the recording; its changes are not read.
    bounds : tuple of int
        Smallest and largest number of speakers.
    cannot_link : NDArray, shape (m, 2)
        Pairs of windows of different speakers, whom no join may make one.

    Returns
    -------
    PartPartition
        As near to the bounds as cuts and joins can come.
    """
    lowest, highest = bounds
    while partition.speakers < lowest:
        cuts = find_cuts(partition, model)
        if not cuts:
            break
        partition = partition.changed(choose_change(cuts, counts.log_odds_further(signs, cuts)))
    while partition.speakers > highest:
        joins = _allowed(nearest_speakers(partition, model), partition, cannot_link)
        if not joins:
            break
        partition = partition.changed(choose_change(joins, counts.log_odds_fewer(signs, joins)))
    return partition


def choose_change(changes: Sequence[Change], log_odds: NDArray[np.float64]) -> Change:
    """Choose the change with the least expected confusion, given that one of them is right.

    A right one mends as many windows as the smaller of its two parts has, a wrong one spoils as
    many. So where none is clearly right, somebody who says little is cut off, or joined, before a
    main speaker is touched.
    """
    odds = np.exp(log_odds - log_odds.max())
    probabilities = odds / odds.sum()
    sizes = np.array([change.size for change in changes])
    return changes[int(np.argmax(sizes * (2.0 * probabilities - 1.0)))]


def find_cut_speakers(before: Labels, after: Labels) -> dict[int, int]:
    """Find who was cut off whom: of a speaker in several parts, all but the largest.

    Parameters
    ----------
    before, after : NDArray, shape (n,)
        Speaker of each window as found, and with the number that was told.
    """
    shared = np.zeros((int(after.max()) + 1, int(before.max()) + 1), np.int64)
    np.add.at(shared, (after, before), 1)
    home = shared.argmax(axis=1)
    largest = shared.argmax(axis=0)
    return {
        label: int(largest[own])
        for label, own in enumerate(home.tolist())
        if home[largest[own]] == own and largest[own] != label
    }


def _allowed(
    joins: Sequence[Change], partition: PartPartition, cannot_link: Labels
) -> list[Change]:
    """Leave out joins that violate a pair, unless every join does."""
    apart = partition.window_labels[cannot_link]
    forbidden = {(int(min(pair)), int(max(pair))) for pair in apart.tolist()}
    pairs = [(join.speaker, int(partition.labels[join.parts[0]])) for join in joins]
    allowed = [join for join, pair in zip(joins, pairs, strict=True) if pair not in forbidden]
    return allowed or list(joins)

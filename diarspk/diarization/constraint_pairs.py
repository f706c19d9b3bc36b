"""Constraints as must-link and cannot-link pairs of the local speakers that are clustered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.weighted_points import connect
from diarspk.diarization.constraints import Constraints, Span
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.errors import ArgumentError

__all__ = [
    "LocalRows",
    "Pairs",
    "add_known_speakers",
    "clustered_rows",
    "find_span_rows",
    "span_pairs",
]

Index = NDArray[np.int64]

MIN_MEAN_ACTIVITY = 0.5
"""Mean activity that a local speaker must have in a span to be the one that the caller means."""


@dataclass(frozen=True, eq=False)
class LocalRows:
    """Local speakers that are clustered, one a row, sorted by window.

    Attributes
    ----------
    windows, speakers : NDArray of int64, shape (n,)
        Window of each, and which of its local speakers it is.
    """

    windows: Index
    speakers: Index


def clustered_rows(local: LocalSpeakers, reliable_s: float, needed: int) -> LocalRows:
    """List the local speakers with `reliable_s` seconds of speech; all, if fewer than needed."""
    talking = local.talking
    chosen = talking & (local.seconds >= reliable_s)
    return LocalRows(*np.nonzero(talking if chosen.sum() < needed else chosen))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Must-link and cannot-link pairs of rows, ``(m, 2)`` each."""

    must: Index
    cannot: Index


def span_pairs(
    local: LocalSpeakers, rows: LocalRows, same_window: Index, constraints: Constraints
) -> Pairs:
    """Turn spans into pairs of rows, and add the cannot-link pairs of rows of one window.

    All local speakers behind a span are one person. Must-link spans come before the rule that two
    local speakers of one window are different.

    Raises
    ------
    ArgumentError
        If a span holds no speech, or the spans contradict each other.
    """
    same = [
        np.concatenate([_span_rows(local, rows, span, "same_speaker") for span in pair])
        for pair in constraints.same_speaker
    ]
    different = [
        [_span_rows(local, rows, span, "different_speakers") for span in pair]
        for pair in constraints.different_speakers
    ]
    groups = [*same, *(group for pair in different for group in pair)]
    must = _stack(np.stack([group[:-1], group[1:]], axis=1) for group in groups)
    must = must[must[:, 0] != must[:, 1]]
    one_person = connect(must, len(rows.windows))
    free = one_person[same_window[:, 0]] != one_person[same_window[:, 1]]
    given = _stack(np.array([[one[0], other[0]]]) for one, other in different)
    if (one_person[given[:, 0]] == one_person[given[:, 1]]).any():
        raise ArgumentError(
            "`different_speakers` must not contradict `same_speaker`, or overlap in time with one "
            "person alone; drop one of the pairs."
        )
    return Pairs(must, np.concatenate([same_window[free], given]))


def add_known_speakers(
    embeddings: NDArray[np.float64], enrolled: NDArray[np.float64], similarity: float, pairs: Pairs
) -> Pairs:
    """Link the rows that are surely the same known speaker, and separate different ones.

    Parameters
    ----------
    embeddings : NDArray, shape (n, dim)
        Unit norm.
    enrolled : NDArray, shape (k, dim)
        Known speakers; unit norm.
    similarity : float
        Minimum cosine between a row and the known speaker that it surely is.
    pairs : Pairs
        Pairs that hold already. They come first: where they contradict the known speakers, through
        several rows, nothing is added.
    """
    if not len(enrolled) or not len(embeddings):
        return pairs
    groups = _rows_of_known(embeddings @ enrolled.T, similarity, pairs.cannot)
    must = np.concatenate([pairs.must, _stack(map(_chain, groups))])
    people = connect(must, len(embeddings))
    if (people[pairs.cannot[:, 0]] == people[pairs.cannot[:, 1]]).any():
        return pairs
    representatives = [group[0] for group in groups]
    different = [
        [one, other]
        for one, other in combinations(representatives, 2)
        if people[one] != people[other]  # the caller may say that two names are one person
    ]
    cannot = _stack(np.array([pair], np.int64) for pair in different)
    return Pairs(must, np.concatenate([pairs.cannot, cannot]))


def _rows_of_known(
    cosines: NDArray[np.float64], similarity: float, cannot: Index
) -> list[list[int]]:
    """Rows of each known speaker who has any: those nearest to it, the most similar rows first.

    A row that a cannot-link pair keeps from its group is in none, and left to clustering.
    """
    nearest, strength = cosines.argmax(axis=1), cosines.max(axis=1)
    order = np.argsort(-strength, kind="stable")
    groups: list[list[int]] = [[] for _ in range(cosines.shape[1])]
    for row in order[strength[order] >= similarity].tolist():
        group = groups[nearest[row]]
        partners = cannot[(cannot == row).any(axis=1)]
        if not np.isin(partners, group).any():
            group.append(row)
    return [group for group in groups if group]


def _chain(rows: list[int]) -> Index:
    """Pairs that link the rows of a group one after the other, ``(n - 1, 2)``."""
    return np.stack([rows[:-1], rows[1:]], axis=1).astype(np.int64)


def find_span_rows(local: LocalSpeakers, rows: LocalRows, span: Span) -> Index:
    """Find the rows of the speaker of a span: at most one in each window that it touches."""
    start, end = span
    first = round((start - local.start) / local.hop)
    last = max(round((end - local.start) / local.hop), first + 1)
    found: list[int] = []
    length = local.activity.shape[1]
    touching = (local.first < last) & (local.first + length > first)
    for window in np.intersect1d(np.flatnonzero(touching), rows.windows):
        begin = int(local.first[window])
        inside = local.activity[window, max(first - begin, 0) : last - begin]
        candidates = np.flatnonzero(rows.windows == window)
        mean = inside.mean(axis=0)[rows.speakers[candidates]]
        if mean.max() >= MIN_MEAN_ACTIVITY:
            found.append(int(candidates[mean.argmax()]))
    return np.array(found, np.int64)


def _span_rows(local: LocalSpeakers, rows: LocalRows, span: Span, name: str) -> Index:
    found = find_span_rows(local, rows, span)
    if not len(found):
        raise ArgumentError(
            f"`{name}` must be spans of speech, got {span}, in which nobody talks for long enough."
        )
    return found


def _stack(parts: Iterable[Index]) -> Index:
    stacked = [np.zeros((0, 2), np.int64), *parts]
    return np.concatenate(stacked).astype(np.int64)

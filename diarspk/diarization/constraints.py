"""What the caller knows of a recording, as pairs of local speakers that clustering respects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.weighted_points import connect
from diarspk.diarization.first_pass import LocalSpeakers
from diarspk.embeddings.unit_vectors import unit_vectors
from diarspk.errors import ArgumentError

__all__ = [
    "NOTHING_KNOWN",
    "Knowledge",
    "LocalRows",
    "Pairs",
    "SpanPair",
    "anchor_pairs",
    "span_pairs",
]

Span = tuple[float, float]
SpanPair = tuple[Span, Span]
Index = NDArray[np.int64]

TALKING = 0.5
"""Mean activity that a local speaker must have in a span to be who the caller means."""


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Beside the number of speakers.

    Attributes
    ----------
    known_speakers : mapping of str to array
        Enrolled people: an embedding ``(dim,)`` of any scale for each name.
    same_speaker, different_speakers : sequence of pairs of spans
        Each span is ``(start, end)`` in seconds and holds speech of one person.
    """

    known_speakers: Mapping[str, ArrayLike] = field(default_factory=dict)
    same_speaker: Sequence[SpanPair] = ()
    different_speakers: Sequence[SpanPair] = ()

    @property
    def has_pairs(self) -> bool:
        """Whether the caller knows pairs of spans."""
        return bool(self.same_speaker or self.different_speakers)

    def directions(self, dimension: int) -> NDArray[np.float64]:
        """Scale the known speakers to unit vectors ``(k, dimension)``.

        Raises
        ------
        ArgumentError
            If one is of another shape, is zero, or is not finite.
        """
        for name, vector in self.known_speakers.items():
            if np.shape(vector) != (dimension,):
                raise ArgumentError(
                    f"`known_speakers` must be vectors of shape ({dimension},), as this encoder "
                    f"makes them, got shape {np.shape(vector)} for {name!r}."
                )
        if not self.known_speakers:
            return np.zeros((0, dimension))
        return unit_vectors(
            np.stack(list(map(np.asarray, self.known_speakers.values()))), "known_speakers"
        )


NOTHING_KNOWN = Knowledge()


@dataclass(frozen=True, eq=False)
class LocalRows:
    """Local speakers that are clustered, one a row, sorted by window.

    Attributes
    ----------
    windows, speakers : NDArray of int64, shape (n,)
        Which window, and which of its local speakers.
    """

    windows: Index
    speakers: Index


@dataclass(frozen=True, eq=False)
class Pairs:
    """Must-link and cannot-link pairs of rows, ``(m, 2)`` each."""

    must: Index
    cannot: Index


def span_pairs(
    local: LocalSpeakers, rows: LocalRows, same_window: Index, knowledge: Knowledge
) -> Pairs:
    """Pairs that follow from spans, joined with those of one window.

    All local speakers behind a span are one person. Where the caller says that two local speakers
    of one window are the same, the caller is right.

    Raises
    ------
    ArgumentError
        If a span holds no speech, or the spans contradict each other.
    """
    same = [
        np.concatenate([_span_rows(local, rows, span, "same_speaker") for span in pair])
        for pair in knowledge.same_speaker
    ]
    different = [
        [_span_rows(local, rows, span, "different_speakers") for span in pair]
        for pair in knowledge.different_speakers
    ]
    groups = [*same, *(group for pair in different for group in pair)]
    must = _stack(np.stack([group[:-1], group[1:]], axis=1) for group in groups)
    must = must[must[:, 0] != must[:, 1]]
    one_person = connect(must, len(rows.windows))
    free = one_person[same_window[:, 0]] != one_person[same_window[:, 1]]
    told = _stack(np.array([[one[0], other[0]]]) for one, other in different)
    if (one_person[told[:, 0]] == one_person[told[:, 1]]).any():
        raise ArgumentError(
            "`different_speakers` must not contradict `same_speaker`, or overlap in time with one "
            "person alone; drop one of the pairs."
        )
    return Pairs(must, np.concatenate([same_window[free], told]))


def anchor_pairs(
    embeddings: NDArray[np.float64], anchors: NDArray[np.float64], similarity: float, pairs: Pairs
) -> Pairs:
    """Tie the rows that are surely the same known person, and part those of different ones.

    A row belongs to the most similar anchor if the cosine is `similarity` or more, the most similar
    rows first; a row that a pair forbids to join is left to clustering.

    Parameters
    ----------
    embeddings : NDArray, shape (n, dim)
        Unit norm.
    anchors : NDArray, shape (k, dim)
    """
    if not len(anchors) or not len(embeddings):
        return pairs
    cosines = embeddings @ anchors.T
    best = cosines.argmax(axis=1)
    strength = cosines.max(axis=1)
    order = np.argsort(-strength, kind="stable")
    groups: list[list[int]] = [[] for _ in anchors]
    for row in order[strength[order] >= similarity].tolist():
        group = groups[best[row]]
        partners = pairs.cannot[(pairs.cannot == row).any(axis=1)]
        if not np.isin(partners, group).any():
            group.append(row)
    ties = _stack(np.array([group[:-1], group[1:]]).T for group in groups if len(group) > 1)
    must = np.concatenate([pairs.must, ties])
    people = connect(must, len(embeddings))
    if (people[pairs.cannot[:, 0]] == people[pairs.cannot[:, 1]]).any():
        return pairs  # the caller's own pairs say otherwise, through several rows
    heads = [group[0] for group in groups if group]
    apart = np.array(
        [
            (one, other)
            for place, one in enumerate(heads)
            for other in heads[place + 1 :]
            if people[one] != people[other]
        ],
        np.int64,
    ).reshape(-1, 2)
    return Pairs(must, np.concatenate([pairs.cannot, apart]))


def _span_rows(local: LocalSpeakers, rows: LocalRows, span: Span, name: str) -> Index:
    """Rows of who talks in a span: at most one in each window that it touches."""
    start, end = span
    if not 0 <= start < end:
        raise ArgumentError(
            f"`{name}` must be spans (start, end) in seconds with 0 <= start < end, got {span}."
        )
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
        if mean.max() >= TALKING:
            found.append(int(candidates[mean.argmax()]))
    if not found:
        raise ArgumentError(
            f"`{name}` must be spans of speech, got {span}, in which nobody talks for long enough."
        )
    return np.array(found, np.int64)


def _stack(parts: Iterable[Index]) -> Index:
    stacked = [np.zeros((0, 2), np.int64), *parts]
    return np.concatenate(stacked).astype(np.int64)

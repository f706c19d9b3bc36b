"""Matching of two diarizations of one recording: whose turns and whose names are the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count

import numpy as np

from diarspk.editing.turn import EditableTurn

__all__ = ["match_names", "match_turns", "overlapping_pairs", "rename_all", "renumber"]

MIN_SHARE = 0.5
"""Minimum share of the time of two turns together that they have in common, to be the same."""

SAME_LABEL_S = 1e-3
"""Of two choices that are equally good, the one that changes no label is taken."""


def overlapping_pairs(
    one: Iterable[EditableTurn], other: Iterable[EditableTurn]
) -> Iterator[tuple[EditableTurn, EditableTurn]]:
    """Yield the pairs of turns that overlap, by the start of the first."""
    waiting = sorted(other, key=lambda turn: turn.order)
    started, place = [], 0
    for turn in sorted(one, key=lambda turn: turn.order):
        while place < len(waiting) and waiting[place].start < turn.end:
            started.append(waiting[place])
            place += 1
        started = [candidate for candidate in started if candidate.end > turn.start]
        for candidate in started:
            if turn.overlap(candidate) > 0:
                yield turn, candidate


def match_turns(old: Iterable[EditableTurn], new: Iterable[EditableTurn]) -> dict[int, int]:
    """Find the turns that are the same in both, by their times.

    Two turns are the same if at least half of the time that one or the other takes is common to
    both. The pairs with the greatest share come first, those of one name before others.

    Returns
    -------
    dict of int to int
        Number of the old turn by that of the new one; no number is there twice.
    """
    shares = []
    for turn, candidate in overlapping_pairs(old, new):
        common = turn.overlap(candidate)
        share = common / (turn.duration + candidate.duration - common)
        if share >= MIN_SHARE:
            named = turn.speaker == candidate.speaker
            shares.append((-share, not named, turn.number, candidate.number))
    found: dict[int, int] = {}
    matched: set[int] = set()
    for *_, number, candidate_number in sorted(shares):
        if candidate_number not in found and number not in matched:
            found[candidate_number] = number
            matched.add(number)
    return found


def match_names(
    current: Collection[EditableTurn], fresh: Collection[EditableTurn]
) -> dict[str, str]:
    """Find names for the speakers of a fresh diarization: those of the turns that they share.

    One to one, so that the time in common is the greatest.
    Speakers without a partner keep their label, or get a free one where that is taken.

    Returns
    -------
    dict of str to str
        A name for every speaker of ``fresh``, each once.
    """
    from scipy.optimize import linear_sum_assignment

    names = sorted({turn.speaker for turn in current})
    labels = sorted({turn.speaker for turn in fresh})
    common = np.zeros((len(labels), len(names)))
    rows = {label: row for row, label in enumerate(labels)}
    columns = {name: column for column, name in enumerate(names)}
    for turn, candidate in overlapping_pairs(current, fresh):
        common[rows[candidate.speaker], columns[turn.speaker]] += turn.overlap(candidate)
    for label in rows.keys() & columns.keys():
        if common[rows[label], columns[label]] > 0:
            common[rows[label], columns[label]] += SAME_LABEL_S
    found = {
        labels[row]: names[column]
        for row, column in zip(*linear_sum_assignment(-common), strict=True)
        if common[row, column] > 0
    }
    taken = {*found.values(), *names}
    for label in labels:
        if label not in found:
            found[label] = label if label not in taken else _free_label(taken)
            taken.add(found[label])
    return found


def rename_all(turns: Iterable[EditableTurn], names: Mapping[str, str]) -> list[EditableTurn]:
    """Give every turn the name that its speaker has."""
    return [replace(turn, speaker=names[turn.speaker]) for turn in turns]


def renumber(
    turns: Iterable[EditableTurn], numbers: Mapping[int, int], first_free: int
) -> list[EditableTurn]:
    """Give turns the numbers of those that they match, and the others free ones, by start."""
    free = count(first_free)
    return [
        replace(turn, number=numbers[turn.number] if turn.number in numbers else next(free))
        for turn in sorted(turns, key=lambda turn: turn.order)
    ]


def _free_label(taken: Collection[str]) -> str:
    labels = (f"SPEAKER_{number:02d}" for number in count())
    return next(label for label in labels if label not in taken)

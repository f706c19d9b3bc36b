"""Overlap of words with turns, and the nearest edge of a turn, in n log n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.transcripts.diarized_turns import SpeakerTurn

__all__ = ["Overlaps", "find_overlaps", "nearest_turns"]


@dataclass(frozen=True)
class Overlaps:
    """Pairs of a word and a speaker who talks during it, ``(pairs,)``, sorted by word.

    Attributes
    ----------
    word, speaker : NDArray of int64
        Indices.
    seconds : NDArray of float64
        How long the speaker talks during the word.
    turn : NDArray of float64
        Length in seconds of the speaker's longest turn there.
    """

    word: NDArray[np.int64]
    speaker: NDArray[np.int64]
    seconds: NDArray[np.float64]
    turn: NDArray[np.float64]


def find_overlaps(
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    turns: Sequence[SpeakerTurn],
    speakers: Sequence[str],
) -> Overlaps:
    """Find who talks during each word.

    Time is cut where any turn starts or ends. Each of these regions has its set of turns, and each
    word covers the regions between the two that hold its edges.

    Parameters
    ----------
    starts, ends : NDArray, shape (words,)
        Seconds; every word is longer than 0.
    turns : sequence of SpeakerTurn
    speakers : sequence of str
        Every speaker of the turns.
    """
    number = {speaker: index for index, speaker in enumerate(speakers)}
    first = np.array([turn.start for turn in turns], np.float64)
    last = np.array([turn.end for turn in turns], np.float64)
    label = np.array([number[turn.speaker] for turn in turns], np.int64)
    cuts = np.unique(np.concatenate([first, last]))
    if len(cuts) < 2 or not len(starts):
        nothing = np.zeros(0, np.int64)
        return Overlaps(nothing, nothing, np.zeros(0), np.zeros(0))
    # Turns by region: a turn is listed in every region that it covers.
    span_first, span_last = np.searchsorted(cuts, first), np.searchsorted(cuts, last)
    turn_of, region_of = _expand(span_first, span_last)
    order = np.argsort(region_of, kind="stable")
    turn_of, region_of = turn_of[order], region_of[order]
    offsets = np.searchsorted(region_of, np.arange(len(cuts)))
    # Regions by word, then turns by region of a word.
    word_first = np.maximum(np.searchsorted(cuts, starts, side="right") - 1, 0)
    word_last = np.minimum(np.searchsorted(cuts, ends, side="left"), len(cuts) - 1)
    word, region = _expand(word_first, word_last)
    pair, listed = _expand(offsets[region], offsets[region + 1])
    word, region, turn = word[pair], region[pair], turn_of[listed]
    seconds = np.minimum(ends[word], cuts[region + 1]) - np.maximum(starts[word], cuts[region])
    kept = seconds > 0
    return _sum(word[kept], label[turn[kept]], seconds[kept], (last - first)[turn[kept]])


def _expand(
    first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the integers of each half-open range, with the index of the range."""
    counts = np.maximum(last - first, 0)
    owner = np.repeat(np.arange(len(first)), counts)
    begin = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - begin[owner] + first[owner]


def _sum(
    word: NDArray[np.int64],
    speaker: NDArray[np.int64],
    seconds: NDArray[np.float64],
    turn: NDArray[np.float64],
) -> Overlaps:
    """Add up what one speaker says during one word in several regions."""
    order = np.lexsort((speaker, word))
    word, speaker, seconds, turn = word[order], speaker[order], seconds[order], turn[order]
    new = np.ones(len(word), bool)
    new[1:] = (np.diff(word) != 0) | (np.diff(speaker) != 0)
    begin = np.flatnonzero(new)
    if not len(begin):
        return Overlaps(word, speaker, seconds, turn)
    return Overlaps(
        word[begin],
        speaker[begin],
        np.add.reduceat(seconds, begin),
        np.maximum.reduceat(turn, begin),
    )


def nearest_turns(
    starts: NDArray[np.float64], ends: NDArray[np.float64], turns: Sequence[SpeakerTurn]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the turn whose edge is nearest to each word that lies in no turn.

    Returns
    -------
    turn : NDArray of int64, shape (words,)
        Index; of two that are equally near, the earlier one.
    distance : NDArray of float64, shape (words,)
        Seconds of silence between the word and that edge; infinite where there are no turns.
    """
    if not turns or not len(starts):
        return np.zeros(len(starts), np.int64), np.full(len(starts), np.inf)
    first = np.array([turn.start for turn in turns], np.float64)
    last = np.array([turn.end for turn in turns], np.float64)
    by_start, by_end = np.argsort(first, kind="stable"), np.argsort(last, kind="stable")
    before = np.searchsorted(last[by_end], starts, side="right") - 1
    after = np.searchsorted(first[by_start], ends, side="left")
    earlier, later = by_end[np.maximum(before, 0)], by_start[np.minimum(after, len(turns) - 1)]
    back = np.where(before >= 0, starts - last[earlier], np.inf)
    ahead = np.where(after < len(turns), first[later] - ends, np.inf)
    return np.where(back <= ahead, earlier, later), np.minimum(back, ahead)

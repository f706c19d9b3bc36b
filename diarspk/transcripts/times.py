"""Times of words that have none, or impossible ones: from their neighbours, else their segment."""

from __future__ import annotations

import math
from dataclasses import replace

from diarspk.transcripts.transcript import Transcript
from diarspk.transcripts.word import Word

__all__ = ["complete_times"]


def complete_times(transcript: Transcript) -> Transcript:
    """Give every word a start and an end, and mark those that are estimates.

    Words without times share what lies between the end of the word before and the start of the word
    after them in the segment, or the segment's own bounds, in proportion to their characters. Where
    nothing lies between, they are points. Times that are not finite, negative, or end before they
    start count as none. In a transcript without any time, words stay without.
    """
    bounds = _segment_bounds(transcript)
    segments = []
    for segment, bound in zip(transcript.segments, bounds, strict=True):
        words = list(map(_valid, segment.words))
        if bound is not None:
            _complete(words, *bound)
        segments.append(replace(segment, words=tuple(words)))
    return replace(transcript, segments=tuple(segments))


def _valid(word: Word) -> Word:
    """Drop impossible times."""
    start, end = _time(word.start), _time(word.end)
    if start is not None and end is not None and end < start:
        end = None
    if (start, end) == (word.start, word.end):
        return word
    return replace(word, start=start, end=end)


def _time(value: float | None) -> float | None:
    return value if value is not None and 0 <= value < math.inf else None


def _segment_bounds(transcript: Transcript) -> list[tuple[float, float] | None]:
    """Where each segment may begin and end; a segment without any time lies between others.

    None for all of them if none has a time.
    """
    found: list[tuple[float, float] | None] = []
    for segment in transcript.segments:
        own = (segment.start, segment.end)
        times = [t for w in segment.words for t in (_time(w.start), _time(w.end)) if t is not None]
        times += [t for t in map(_time, own) if t is not None]
        found.append((min(times), max(times)) if times else None)
    known = [bound for bound in found if bound is not None]
    if not known:
        return found
    after = known[-1][1]  # from the back: where the next segment with times begins
    starts = []
    for bound in reversed(found):
        after = bound[0] if bound else after
        starts.append(after)
    before = known[0][0]
    bounds: list[tuple[float, float] | None] = []
    for bound, next_start in zip(found, reversed(starts), strict=True):
        own = bound or (before, max(before, next_start))
        bounds.append(own)
        before = own[1]
    return bounds


def _complete(words: list[Word], first: float, last: float) -> None:
    """Fill in the times of a segment's words, between ``first`` and ``last``."""
    position = 0
    while position < len(words):
        if words[position].start is not None and words[position].end is not None:
            position += 1
            continue
        stop = position  # words[position:stop] share one stretch
        begin = words[position - 1].end if position else first
        if words[position].start is not None:
            begin = words[position].start
        end = None
        while stop < len(words) and end is None:
            word = words[stop]
            if word.start is not None and stop > position:
                end = word.start
                break
            end = word.end
            stop += 1
        _share(words, position, stop, begin or 0.0, last if end is None else end)
        position = stop


def _share(words: list[Word], first: int, stop: int, begin: float, end: float) -> None:
    """Divide a stretch among words by their number of characters."""
    end = max(begin, end)
    weights = [len(word.text.strip()) + 1 for word in words[first:stop]]
    done, total = 0, sum(weights)
    for position, weight in enumerate(weights, first):
        start = begin + (end - begin) * done / total
        done += weight
        finish = end if done == total else begin + (end - begin) * done / total
        words[position] = replace(
            words[position], start=start, end=max(start, finish), estimated=True
        )

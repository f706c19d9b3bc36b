"""Windows of a recording that a clip of one speaker may be: where they begin and end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from diarspk.cues.voice_clip import ClipConfig
from diarspk.features.speech_quality import FRAME_S
from diarspk.intervals import find_runs
from diarspk.transcripts.diarized_turns import SpeakerTurn
from diarspk.transcripts.word import Word

__all__ = ["busy_spans", "distance_to", "find_cuts", "find_stretches", "pairs_of_cuts"]

Span = tuple[float, float]

PAD_S = 0.1
"""Seconds of quiet that are kept before and after the speech where nobody else talks."""

PAUSE_DB = 12.0
"""How far below the speech around it the level of a pause is, in dB."""

SMOOTHED_FRAMES = 5
"""Frames over which levels are smoothed before pauses are sought."""

STEP_S = 0.5
"""Distance of the cuts, at the quietest places, where somebody talks without a pause."""

SLACK_S = 0.02
"""Seconds by which the edges of words are inexact, so that a cut may lie in them."""


def find_stretches(
    turns: Sequence[SpeakerTurn],
    speaker: str,
    words: Sequence[Word] = (),
    config: ClipConfig | None = None,
    *,
    min_s: float | None = None,
) -> list[Span]:
    """Find where a speaker talks, with short pauses, and nobody else does.

    Parameters
    ----------
    turns
        Of all speakers.
    speaker
        Label.
    words
        Of a transcript: where somebody else says one, somebody else talks.
    config
        Settings. Default: those of :class:`ClipConfig`.
    min_s
        Length in seconds from which one is taken. Default: that of a clip.

    Returns
    -------
    list of (float, float)
        Start and end in seconds, in order of time.
    """
    config = config or ClipConfig()
    shortest = config.min_s if min_s is None else min_s
    own = _join([(t.start, t.end) for t in turns if t.speaker == speaker], config.max_pause_s)
    others = busy_spans(turns, speaker, words)
    wide = _join([(start - config.margin_s, end + config.margin_s) for start, end in others])
    found = []
    for start, end in _subtract(own, wide):
        inside = [
            (max(t.start, start), min(t.end, end))
            for t in turns
            if t.speaker == speaker and t.start < end and t.end > start
        ]
        if not inside:
            continue  # a pause of its own, beside what was taken away
        first, last = min(a for a, _ in inside), max(b for _, b in inside)
        before = max((b for _, b in wide if b <= first + 1e-9), default=0.0)
        after = min((a for a, _ in wide if a >= last - 1e-9), default=np.inf)
        stretch = (max(first - PAD_S, before, 0.0), min(last + PAD_S, after))
        if stretch[1] - stretch[0] >= shortest:
            found.append(stretch)
    return found


def busy_spans(
    turns: Sequence[SpeakerTurn], speaker: str, words: Sequence[Word] = ()
) -> list[Span]:
    """Spans in seconds in which somebody other than a speaker talks, or says a word."""
    spoken = [
        (word.start, word.end)
        for word in words
        if word.speaker not in (None, speaker) and word.start is not None and word.end is not None
    ]
    return _join([(turn.start, turn.end) for turn in turns if turn.speaker != speaker] + spoken)


def distance_to(span: Span, others: Sequence[Span]) -> float | None:
    """Seconds from a span to the nearest of others; None where there is none."""
    start, end = span
    return min((max(a - end, start - b, 0.0) for a, b in others), default=None)


def find_cuts(
    levels: NDArray[np.float32], stretch: Span, words: Sequence[Word] = ()
) -> NDArray[np.float64]:
    """Find where a stretch can be cut: its ends, and the quietest place of every pause.

    Parameters
    ----------
    levels : ndarray, ``(frames,)``
        In dB, every 10 ms, from the start of the stretch.
    stretch : (float, float)
        Start and end in seconds.
    words
        Of the transcript: no cut lies inside of one.

    Returns
    -------
    ndarray of float64
        Seconds in the recording, in order.
    """
    start, end = stretch
    kernel = np.full(SMOOTHED_FRAMES, 1 / SMOOTHED_FRAMES)
    smooth = np.convolve(np.pad(levels, SMOOTHED_FRAMES // 2, mode="edge"), kernel, "valid")
    quiet = smooth < np.quantile(smooth, 0.75) - PAUSE_DB
    frames = [first + int(np.argmin(smooth[first:last])) for first, last in find_runs(quiet)]
    if len(frames) < (end - start) / STEP_S / 4:
        step = round(STEP_S / FRAME_S)
        starts = range(0, len(smooth) - step + 1, step)
        frames += [first + int(np.argmin(smooth[first : first + step])) for first in starts]
    cuts = np.unique([start, end, *(start + (frame + 0.5) * FRAME_S for frame in frames)])
    cuts = cuts[(cuts >= start) & (cuts <= end)]
    spans = np.array([(w.start, w.end) for w in words if w.start is not None]).reshape(-1, 2)
    within = (cuts[:, None] > spans[:, 0] + SLACK_S) & (cuts[:, None] < spans[:, 1] - SLACK_S)
    return np.asarray(cuts[~within.any(1)], np.float64)


def pairs_of_cuts(cuts: NDArray[np.float64], config: ClipConfig) -> Iterator[Span]:
    """Yield every pair of cuts that are as far apart as a clip is long."""
    for start in cuts.tolist():
        for end in cuts.tolist():
            if config.min_s <= end - start <= config.max_s:
                yield start, end


def _join(spans: Sequence[Span], gap: float = 0.0) -> list[Span]:
    """Join spans that are at most so many seconds apart."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _subtract(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """Take holes out of spans; both in order, and without overlap among themselves."""
    left = []
    for start, end in spans:
        for hole_start, hole_end in holes:
            if hole_end <= start or hole_start >= end:
                continue
            if hole_start > start:
                left.append((start, hole_start))
            start = hole_end
        if start < end:
            left.append((start, end))
    return left

"""Constraints out of turns that a person has reviewed: who is one person, and who are two."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import combinations, pairwise

from diarspk.diarization.constraint_pairs import LocalRows, clustered_rows, find_span_rows
from diarspk.diarization.constraints import Constraints, Span, SpanPair
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.editing.spans import subtract
from diarspk.editing.turn import EditableTurn
from diarspk.errors import ArgumentError

__all__ = ["add_reviewed_turns"]

MIN_SPAN_S = 1.0
"""Minimum seconds of one voice: in less, the boundaries are of the next speaker as likely."""


def add_reviewed_turns(
    constraints: Constraints,
    turns: Collection[EditableTurn],
    local: LocalSpeakers,
    *,
    reliable_s: float,
) -> Constraints:
    """Add must-link spans in the turns of each speaker, and cannot-link spans between speakers.

    Of a reviewed turn counts the longest part in which nobody else talks, if that is long enough
    to be sure of. Turns that the first pass cannot tell from another speaker's, or in which it has
    found no speech, add nothing; the longest come first.

    Parameters
    ----------
    constraints : Constraints
    turns : collection of EditableTurn
        All turns, reviewed or not.
    local : LocalSpeakers
    reliable_s : float
        See :func:`diarspk.diarization.linking.link_local_speakers`.

    Raises
    ------
    ArgumentError
        If these are more speakers than the bounds allow.
    """
    spans = _usable_spans(
        turns, local, clustered_rows(local, reliable_s, constraints.bounds.needed)
    )
    limit = constraints.bounds.limit
    if limit is not None and len(spans) > limit:
        raise ArgumentError(
            f"`num_speakers` or `max_speakers` must be at least {len(spans)}, as many people have "
            f"reviewed turns ({', '.join(spans)}), got {limit}; merge speakers, or take the mark "
            "off turns."
        )
    same = [pair for own in spans.values() for pair in pairwise(own)]
    different: list[SpanPair] = [
        (one[0], other[0]) for one, other in combinations(spans.values(), 2)
    ]
    return replace(
        constraints,
        same_speaker=[*constraints.same_speaker, *same],
        different_speakers=[*constraints.different_speakers, *different],
    )


def _usable_spans(
    turns: Collection[EditableTurn], local: LocalSpeakers, rows: LocalRows
) -> dict[str, list[Span]]:
    """Spans by speaker, the longest first, such that no local speaker is in those of two."""
    spans: dict[str, list[Span]] = {}
    claims: dict[int, str] = {}
    candidates = [(turn.speaker, _alone(turn, turns)) for turn in turns if turn.reviewed]
    candidates.sort(key=lambda candidate: (candidate[1][0] - candidate[1][1], candidate[1]))
    for speaker, span in candidates:
        found = (
            find_span_rows(local, rows, span).tolist() if span[1] - span[0] >= MIN_SPAN_S else []
        )
        if found and all(claims.get(row, speaker) == speaker for row in found):
            claims.update(dict.fromkeys(found, speaker))
            spans.setdefault(speaker, []).append(span)
    return spans


def _alone(turn: EditableTurn, turns: Collection[EditableTurn]) -> Span:
    """Longest part of a turn in which nobody else has one; empty if there is none."""
    others = [
        (other.start, other.end)
        for other in turns
        if other.speaker != turn.speaker and turn.overlap(other) > 0
    ]
    parts = subtract((turn.start, turn.end), others)
    return max(parts, key=lambda part: part[1] - part[0], default=(turn.start, turn.start))

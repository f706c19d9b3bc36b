"""Meetings to edit: turns by hand, and strategies of turns that overlap."""

from __future__ import annotations

from hypothesis import strategies as st
from pyannote.core import Annotation, Segment

from diarspk.editing import EditableTurns, EditedDiarization

__all__ = ["DURATION_S", "annotate", "annotations", "as_tuples", "edit"]

DURATION_S = 30.0
TIMES_MS = st.integers(0, 29_000)


def annotate(*turns, uri="meeting"):
    """Annotation of (start, end, speaker)."""
    annotation = Annotation(uri=uri)
    for track, (start, end, speaker) in enumerate(turns):
        annotation[Segment(start, end), track] = speaker
    return annotation


def edit(*turns, duration=DURATION_S):
    """Edited diarization of (start, end, speaker), before any operation."""
    return EditedDiarization.of(annotate(*turns), duration=duration)


def as_tuples(turns):
    """Start, end and speaker of every turn, in order."""
    listed = turns.listed if isinstance(turns, EditableTurns) else turns
    return [(turn.start, turn.end, turn.speaker) for turn in listed]


@st.composite
def annotations(draw, min_turns=0):
    """Annotations whose turns lie anywhere, over one another, too."""
    turns = draw(
        st.lists(
            st.tuples(TIMES_MS, st.integers(1, 6_000), st.sampled_from("ABCD")),
            min_size=min_turns,
            max_size=8,
        )
    )
    return annotate(
        *(
            (start / 1000, min(start + length, 30_000) / 1000, speaker)
            for start, length, speaker in turns
        )
    )

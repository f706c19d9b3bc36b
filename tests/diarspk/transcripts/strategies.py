"""Transcripts and diarizations that hypothesis draws."""

from __future__ import annotations

import math

from hypothesis import strategies as st
from pyannote.core import Annotation, Segment

from diarspk.transcripts import Transcript, TranscriptSegment, Word

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
SECONDS = st.integers(0, 400).map(lambda tenths: tenths / 10)
TIMES = st.one_of(st.none(), SECONDS, st.sampled_from([math.nan, math.inf, -1.0, 1e9]))
NAMES = st.sampled_from(["Ann", "Ben", "Çem D.", "SPEAKER_03"])

WORDS = st.builds(
    Word,
    TEXTS,
    TIMES,
    TIMES,
    st.one_of(st.none(), st.floats(0, 1)),
    speaker=st.one_of(st.none(), NAMES),
)
SEGMENTS = st.builds(
    TranscriptSegment, st.lists(WORDS, max_size=8).map(tuple), start=TIMES, end=TIMES
)
TRANSCRIPTS = st.builds(Transcript, st.lists(SEGMENTS, max_size=5).map(tuple), st.just("call"))


@st.composite
def timed_words(draw: st.DrawFn) -> Transcript:
    """One segment of words with sound times, in order."""
    edges = sorted(draw(st.lists(st.integers(0, 40_000), min_size=2, max_size=24, unique=True)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    words = tuple(Word("word", start / 1000, end / 1000) for start, end in pairs)
    return Transcript((TranscriptSegment(words),), "call")


@st.composite
def diarizations(draw: st.DrawFn, max_turns: int = 8) -> Annotation:
    """Turns that may overlap, of zero length among them."""
    annotation = Annotation(uri="call")
    for track in range(draw(st.integers(0, max_turns))):
        start, length = draw(SECONDS), draw(st.integers(0, 80)) / 10
        annotation[Segment(start, start + length), track] = draw(NAMES)
    return annotation

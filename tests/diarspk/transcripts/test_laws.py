"""Laws of the assignment of speakers, for any transcript and any diarization."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment

from diarspk.transcripts import (
    AssignmentConfig,
    Transcript,
    TranscriptSegment,
    Word,
    assign_speakers,
)
from diarspk.transcripts.smoothing import NO_SMOOTHING
from tests.diarspk.transcripts.strategies import TRANSCRIPTS, diarizations, timed_words
from tests.paths import ROOT

PLAIN = AssignmentConfig(smoothing=NO_SMOOTHING)


@settings(deadline=None)
@given(TRANSCRIPTS, diarizations())
def test_every_word_comes_out_in_order_and_to_the_byte(
    transcript: Transcript, diarization: Annotation
) -> None:
    result = assign_speakers(transcript, diarization)
    kept = [(word.before, word.text, word.after) for word in result.words]
    assert kept == [(word.before, word.text, word.after) for word in transcript.words]
    assert [len(one.words) for one in result.segments] == [
        len(one.words) for one in transcript.segments
    ]
    speakers = {turn for turn in diarization.labels()}
    assert {word.speaker for word in result.words} <= speakers | {None}
    assert result.unassigned == sum(word.speaker is None for word in result.words)


@settings(deadline=None)
@given(TRANSCRIPTS, diarizations())
def test_every_word_of_a_transcript_with_any_time_gets_times(
    transcript: Transcript, diarization: Annotation
) -> None:
    times = [word.start for word in transcript.words] + [word.end for word in transcript.words]
    times += [bound for one in transcript.segments for bound in (one.start, one.end)]
    known = any(value is not None and 0 <= value < math.inf for value in times)
    for word, given_word in zip(
        assign_speakers(transcript, diarization).words, transcript.words, strict=True
    ):
        assert (word.start is not None and word.end is not None) == known
        if word.start is not None and word.end is not None:
            assert 0 <= word.start <= word.end < math.inf
        if not word.estimated and known:
            assert (word.start, word.end) == (given_word.start, given_word.end)


@settings(deadline=None)
@given(timed_words(), diarizations())
def test_whoever_talks_longest_at_the_beginning_of_a_word_has_said_it(
    transcript: Transcript, diarization: Annotation
) -> None:
    """Against a plain sum over all turns."""
    for word in assign_speakers(transcript, diarization, config=PLAIN).words:
        assert word.start is not None
        assert word.end is not None
        counted = Segment(word.start, min(word.end, word.start + PLAIN.max_word_s))
        spoken = {
            label: overlap
            for label in diarization.labels()
            if (overlap := diarization.label_timeline(label).crop(counted).support().duration())
            > 1e-6
        }
        if spoken:
            assert word.speaker is not None
            assert spoken[word.speaker] > max(spoken.values()) - 0.0011
            assert set(word.alternatives) == set(spoken) - {word.speaker}
        else:
            assert word.alternatives == ()


@settings(deadline=None)
@given(timed_words(), st.lists(st.tuples(st.integers(0, 400), st.integers(1, 80)), max_size=6))
def test_in_a_gap_the_nearest_edge_decides(
    transcript: Transcript, turns: list[tuple[int, int]]
) -> None:
    diarization = Annotation()
    for track, (start, length) in enumerate(turns):
        segment = Segment(start / 10, (start + length) / 10)
        diarization[segment, track] = f"turn {track}"
    for word in assign_speakers(transcript, diarization, config=PLAIN).words:
        assert word.start is not None
        assert word.end is not None
        end = max(min(word.end, word.start + PLAIN.max_word_s), word.start + 0.001)
        distances = {
            label: max(segment.start - end, word.start - segment.end)
            for segment, _, label in diarization.itertracks(yield_label=True)
        }
        nearest = min(distances.values(), default=math.inf)
        if nearest > PLAIN.max_distance_s + 1e-9:
            assert word.speaker is None
        elif 1e-9 < nearest < PLAIN.max_distance_s - 1e-9:
            assert word.speaker is not None
            assert distances[word.speaker] == pytest.approx(nearest)


@settings(deadline=None)
@given(timed_words(), diarizations())
def test_the_order_of_the_turns_does_not_matter(
    transcript: Transcript, diarization: Annotation
) -> None:
    turned = Annotation()
    for segment, track, label in reversed(list(diarization.itertracks(yield_label=True))):
        turned[segment, f"other {track}"] = label
    assert assign_speakers(transcript, diarization) == assign_speakers(transcript, turned)


@settings(deadline=None)
@given(timed_words(), diarizations(), st.floats(0.7, 9))
def test_a_word_stretched_over_a_pause_keeps_its_speaker(
    transcript: Transcript, diarization: Annotation, stretch: float
) -> None:
    words = transcript.words
    long = [
        Word("word", one.start, max(one.end or 0.0, (one.start or 0.0) + PLAIN.max_word_s))
        for one in words
    ]
    longer = [Word("word", one.start, (one.start or 0.0) + stretch) for one in words]
    results = [
        assign_speakers(Transcript((TranscriptSegment(tuple(some)),)), diarization, config=PLAIN)
        for some in (long, longer)
    ]
    assert [one.speaker for one in results[0].words] == [one.speaker for one in results[1].words]


@settings(deadline=None)
@given(TRANSCRIPTS, diarizations())
def test_smoothing_changes_runs_of_a_word_or_two_only_and_to_both_neighbours(
    transcript: Transcript, diarization: Annotation
) -> None:
    plain = assign_speakers(transcript, diarization, config=PLAIN)
    smoothed = assign_speakers(transcript, diarization)
    for before, after in zip(plain.segments, smoothed.segments, strict=True):
        old = [word.speaker for word in before.words]
        new = [word.speaker for word in after.words]
        changed = [
            number for number, pair in enumerate(zip(old, new, strict=True)) if len({*pair}) > 1
        ]
        for number in changed:
            assert 0 < number < len(new) - 1
            assert new[number] in {new[number - 1], old[number - 1]}
        if old:
            assert (new[0], new[-1]) == (old[0], old[-1])


@settings(deadline=None)
@given(timed_words())
def test_without_any_turn_every_word_has_an_explicit_null(transcript: Transcript) -> None:
    result = assign_speakers(transcript, Annotation())
    assert [word.speaker for word in result.words] == [None] * len(transcript.words)
    assert any("nobody talks near" in note for note in result.notes)


TIMED = """
import time
from pyannote.core import Annotation, Segment
from diarspk.transcripts import Transcript, TranscriptSegment, Word, assign_speakers

def seconds(hours):
    "Ten thousand words an hour, and a turn for every twenty of them."
    words = [Word("word", 0.36 * n, 0.36 * n + 0.3) for n in range(int(10_000 * hours))]
    diarization = Annotation()
    for turn in range(0, len(words), 20):
        segment = Segment(0.36 * turn, 0.36 * (turn + 21))
        diarization[segment, turn] = f"SPEAKER_{turn // 20 % 5:02}"
    segments = [TranscriptSegment(tuple(words[n : n + 12])) for n in range(0, len(words), 12)]
    transcript = Transcript(tuple(segments))
    found = []
    for _ in range(3):
        begin = time.process_time()
        assign_speakers(transcript, diarization)
        found.append(time.process_time() - begin)
    return min(found)

print(seconds(0.5), seconds(1), seconds(8))
"""


def test_an_hour_of_words_takes_a_fifth_of_a_second_and_sixteen_times_as_many_about_as_often() -> (
    None
):
    """In a process of its own, which no tool that measures coverage slows down."""
    done = subprocess.run([sys.executable, "-c", TIMED], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    half, one, eight = map(float, done.stdout.split())
    assert one < 0.2
    assert eight < 3 * 16 * half

"""Windows for clips: nobody else talks in them, and no word is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.cues.clip_windows import (
    PAD_S,
    busy_spans,
    distance_to,
    find_cuts,
    find_stretches,
    pairs_of_cuts,
)
from diarspk.cues.voice_clip import ClipConfig
from diarspk.features.speech_quality import frame_levels
from diarspk.transcripts.diarized_turns import SpeakerTurn
from diarspk.transcripts.word import Word
from tests.diarspk.cues.syllables import PAUSE_S, syllables

TURNS = [
    SpeakerTurn(0.0, 4.0, "a"),
    SpeakerTurn(4.5, 9.0, "a"),  # the same stretch: a short pause
    SpeakerTurn(8.0, 10.0, "b"),
    SpeakerTurn(12.0, 16.0, "a"),
    SpeakerTurn(20.0, 22.0, "a"),  # too short
]


def test_stretches_by_hand() -> None:
    found = find_stretches(TURNS, "a")
    # Up to 0.1 s before b talks; a tenth of quiet is kept where nobody does.
    assert found == [(0.0, pytest.approx(7.9)), (pytest.approx(11.9), pytest.approx(16.1))]
    assert find_stretches(TURNS, "a", config=ClipConfig(max_pause_s=0.2)) == [
        (0.0, pytest.approx(4.1)),
        (pytest.approx(4.4), pytest.approx(7.9)),
        (pytest.approx(11.9), pytest.approx(16.1)),
    ]
    assert find_stretches(TURNS, "b") == []


def test_words_of_another_speaker_are_left_out() -> None:
    words = [Word("hm", 14.0, 14.2, speaker="b"), Word("so", 1.0, 1.2, speaker="a")]
    assert find_stretches(TURNS, "a", words) == [(0.0, pytest.approx(7.9))]
    nobody = [Word("hm", 14.0, 14.2)]
    assert len(find_stretches(TURNS, "a", nobody)) == 2


turns = st.lists(
    st.tuples(st.floats(0, 30), st.floats(0.05, 12), st.sampled_from("abc")), max_size=10
)


@settings(deadline=None)
@given(turns, st.floats(0, 2), st.floats(0, 0.5))
def test_nobody_else_talks_in_a_stretch(
    drawn: list[tuple[float, float, str]], pause: float, margin: float
) -> None:
    listed = [SpeakerTurn(start, start + length, who) for start, length, who in drawn]
    config = ClipConfig(max_pause_s=pause, margin_s=margin)
    found = find_stretches(listed, "a", config=config)
    assert found == sorted(found)
    for start, end in found:
        assert start >= 0 and end - start >= config.min_s
        gap = distance_to((start, end), busy_spans(listed, "a"))
        assert gap is None or gap >= margin - 1e-6
        own = [(turn.start, turn.end) for turn in listed if turn.speaker == "a"]
        for time in np.linspace(start, end, 50):  # speech, a short pause, or the quiet beside
            assert any(a - pause - PAD_S <= time <= b + pause + PAD_S for a, b in own)


def test_cuts_lie_in_pauses_and_at_the_ends() -> None:
    levels = frame_levels(syllables("ann", 6.0))
    cuts = find_cuts(levels, (10.0, 16.0))
    assert cuts[0] == 10.0 and cuts[-1] == 16.0
    inner = (cuts[1:-1] - 10.0) % 0.5
    assert len(inner) >= 10
    assert (inner >= 0.5 - PAUSE_S - 0.03).all()


def test_no_cut_lies_inside_of_a_word() -> None:
    levels = frame_levels(syllables("ann", 6.0))
    words = [Word("long", 11.0, 13.2, speaker="a"), Word("one", 13.2, 15.9, speaker="a")]
    cuts = find_cuts(levels, (10.0, 16.0), words)
    assert not [cut for cut in cuts if 11.02 < cut < 13.18 or 13.22 < cut < 15.88]
    assert {10.0, 16.0} <= set(cuts)


def test_speech_without_a_pause_is_cut_at_its_quietest_places() -> None:
    levels = np.full(2000, -20.0, np.float32)
    levels[700:705] = -25.0
    cuts = find_cuts(levels, (0.0, 20.0))
    assert np.diff(cuts).max() < 1.1
    assert np.abs(cuts - 7.025).min() < 0.03


def test_windows_are_as_long_as_a_clip() -> None:
    pairs = list(pairs_of_cuts(np.array([0.0, 2.0, 4.0, 11.0, 13.0]), ClipConfig()))
    assert pairs == [(0.0, 4.0), (2.0, 11.0), (4.0, 11.0), (4.0, 13.0)]

"""What is said of a number of speakers that is doubtful."""

import pytest
from pyannote.core import Annotation, Segment

from diarspk.clustering import UNBOUNDED, SpeakerBounds
from diarspk.diarization.doubts import find_count_doubts, find_uncertain_speakers


def talk(**seconds):
    annotation, position = Annotation(), 0.0
    for speaker, length in seconds.items():
        annotation[Segment(position, position + length)] = speaker
        position += length
    return annotation


def test_who_says_next_to_nothing_beside_others_is_uncertain():
    found = talk(ann=60.0, bob=2.5, eve=1.0, joe=3.5)
    assert find_uncertain_speakers(found) == ("eve", "bob")
    assert find_uncertain_speakers(found, known={"eve"}) == ("bob",)
    assert find_uncertain_speakers(talk(ann=2.0, bob=1.0)) == ()  # nobody says much
    assert find_uncertain_speakers(Annotation()) == ()


def test_a_number_that_cannot_be_met_is_said():
    (doubt,) = find_count_doubts(2, (), {}, 90.0, SpeakerBounds(exact=4))
    assert doubt == "4 speakers asked for, but only 2 can be told apart"
    assert find_count_doubts(4, (), {}, 90.0, SpeakerBounds(exact=4)) == []
    assert find_count_doubts(0, (), {}, 0.0, SpeakerBounds(exact=4)) == []  # no speech is said


@pytest.mark.parametrize(
    ("posterior", "bounds", "speech_s", "said"),
    [
        ({3: 0.45, 4: 0.4}, UNBOUNDED, 90.0, True),
        ({3: 0.3, 5: 0.6}, UNBOUNDED, 90.0, True),
        ({3: 0.6, 4: 0.3}, UNBOUNDED, 90.0, False),
        ({3: 0.45, 4: 0.4}, UNBOUNDED, 20.0, False),
        ({3: 0.45, 4: 0.4}, SpeakerBounds(exact=3), 90.0, False),
        ({3: 0.45, 4: 0.4}, SpeakerBounds(maximum=3), 90.0, False),
        ({}, UNBOUNDED, 90.0, False),
    ],
)
def test_a_number_that_fits_as_well_is_said(posterior, bounds, speech_s, said):
    doubts = find_count_doubts(3, (), posterior, speech_s, bounds)
    assert len(doubts) == said
    if said:
        assert "3 speakers found" in doubts[0]
        assert "tell the number" in doubts[0]


def test_uncertain_speakers_count_either_way():
    doubts = find_count_doubts(3, ("eve",), {2: 0.6, 3: 0.2}, 90.0, UNBOUNDED)
    assert doubts == ["eve talks for less than 3 s, and may be somebody else"]
    (many,) = find_count_doubts(9, tuple("abcde"), {}, 90.0, UNBOUNDED)
    assert many.startswith("a, b, c and 2 more talk for")

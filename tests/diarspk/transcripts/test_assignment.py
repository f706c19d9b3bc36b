"""Cases of the assignment that went wrong elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pyannote.core import Annotation, Segment

import diarspk
from diarspk.errors import ArgumentError, FormatError
from diarspk.formats import save_annotation
from diarspk.transcripts import AssignmentConfig, Transcript, TranscriptSegment, Word
from diarspk.transcripts.smoothing import NO_SMOOTHING, SnippetSmoothing


def turns(*spans: tuple[float, float, str], uri: str = "call") -> Annotation:
    annotation = Annotation(uri=uri)
    for track, (start, end, speaker) in enumerate(spans):
        annotation[Segment(start, end), track] = speaker
    return annotation


def speakers(words: list[Word], diarization: Annotation, **settings: object) -> list[str | None]:
    config = AssignmentConfig(**settings)  # type: ignore[arg-type]
    transcript = Transcript((TranscriptSegment(tuple(words)),))
    return [
        word.speaker
        for word in diarspk.assign_speakers(transcript, diarization, config=config).words
    ]


def test_edges_count_and_not_the_middles_of_turns() -> None:
    """WhisperX's ``fill_nearest`` gives this word to Ben, whose turn has its middle nearer."""
    diarization = turns((0, 100, "Ann"), (104, 105, "Ben"))
    assert speakers([Word("word", 100.5, 101)], diarization) == ["Ann"]


def test_the_end_of_a_word_stretched_into_the_next_turn_does_not_count() -> None:
    """suitenumerique/meet#1323: an end 4 s too late."""
    diarization = turns((0, 2, "Ann"), (2, 8, "Ben"))
    assert speakers([Word("so", 1.4, 5.4)], diarization) == ["Ann"]


def test_one_empty_turn_takes_no_label_away() -> None:
    """FluidVoice#863."""
    diarization = turns((0, 0, "Nobody"), (0, 2, "Ann"), (2, 2, "Nobody"))
    assert speakers([Word("yes", 0.5, 1)], diarization) == ["Ann"]


def test_a_word_without_times_takes_those_that_its_neighbours_leave() -> None:
    """whisperX#1072: KeyError."""
    words = [Word("it", 0, 0.3), Word("cost"), Word("$5"), Word("then", 1.3, 1.6)]
    transcript = Transcript((TranscriptSegment(tuple(words)),))
    result = diarspk.assign_speakers(transcript, turns((0, 2, "Ann")))
    assert [word.speaker for word in result.words] == ["Ann"] * 4
    cost, five = result.words[1:3]
    assert (cost.start, five.end) == (0.3, 1.3)
    assert cost.end == five.start == pytest.approx(0.3 + 5 / 8)
    assert (cost.estimated, words[0].estimated) == (True, False)


def test_a_segment_without_words_is_divided_where_the_speaker_changes() -> None:
    """sagascript#65: one speaker a segment costs half of the words."""
    text = {"segments": [{"start": 0, "end": 4, "text": " are you there yes I am here"}]}
    found = diarspk.assign_speakers(text, turns((0, 2.1, "Ann"), (2.1, 4, "Ben")))
    assert [(one.speaker, one.text) for one in found.utterances()] == [
        ("Ann", "are you there"),
        ("Ben", "yes I am here"),
    ]


def test_in_overlap_the_sentence_goes_on_and_the_other_one_is_listed() -> None:
    diarization = turns((0, 3, "Ann"), (1, 6, "Ben"))
    transcript = Transcript(
        (TranscriptSegment((Word("a", 0, 0.5), Word("b", 1.5, 1.8), Word("c", 3.2, 3.5))),)
    )
    words = diarspk.assign_speakers(transcript, diarization).words
    assert [word.speaker for word in words] == ["Ann", "Ann", "Ben"]
    assert [word.alternatives for word in words] == [(), ("Ben",), ()]


def test_at_the_start_of_an_overlap_the_longer_turn_counts() -> None:
    assert speakers([Word("a", 1.5, 1.8)], turns((1, 2, "Ann"), (0, 6, "Ben"))) == ["Ben"]


def test_turns_of_one_speaker_that_overlap_count_once() -> None:
    diarization = turns((0, 0.8, "Ann"), (0.2, 0.8, "Ann"), (0.5, 2, "Ben"))
    assert speakers([Word("a", 0.5, 1.1)], diarization) == ["Ben"]


def test_far_from_all_speech_a_word_has_nobody() -> None:
    words = [Word("thanks", 8, 8.5), Word("for", 20, 20.4)]
    assert speakers(words, turns((0, 5, "Ann")), max_distance_s=4) == ["Ann", None]
    assert speakers(words, turns((0, 5, "Ann")), max_distance_s=0) == [None, None]


SENTENCE = [Word("we", 0, 0.3), Word("should", 0.3, 0.6), Word("now", 0.7, 1), Word("go", 1, 1.4)]
FLICKER = turns((0, 0.65, "Ann"), (0.65, 1, "Ben"), (1, 2, "Ann"))


def test_a_snippet_inside_a_sentence_is_smoothed() -> None:
    assert speakers(SENTENCE, FLICKER) == ["Ann"] * 4


def test_smoothing_can_be_switched_off() -> None:
    kept = speakers(SENTENCE, FLICKER, smoothing=NO_SMOOTHING)
    assert kept == ["Ann", "Ann", "Ben", "Ann"]


@pytest.mark.parametrize(
    "words",
    [
        [SENTENCE[0], Word("should.", 0.3, 0.6), *SENTENCE[2:]],
        [*SENTENCE[:2], Word("now", 0.7, 1, after="?"), SENTENCE[3]],
        [*SENTENCE[:3], Word("go", 1.4, 1.8)],
        [
            *SENTENCE[:2],
            Word("now", 0.7, 0.8),
            Word("and", 0.8, 0.9),
            Word("so", 0.9, 1),
            SENTENCE[3],
        ],
    ],
    ids=["after a sentence", "a sentence of its own", "before a pause", "of three words"],
)
def test_a_snippet_is_kept(words: list[Word]) -> None:
    assert "Ben" in speakers(words, FLICKER)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ArgumentError, match="max_word_s"):
        AssignmentConfig(max_word_s=0)
    with pytest.raises(ArgumentError, match="max_distance_s"):
        AssignmentConfig(max_distance_s=float("nan"))
    with pytest.raises(ArgumentError, match="max_words"):
        SnippetSmoothing(max_words=-1)


@dataclass
class Segments:
    """As faster-whisper's objects are."""

    start: float
    end: float
    text: str
    words: list[object] | None = None


@dataclass
class Spoken:
    """As faster-whisper's words are."""

    start: float
    end: float
    word: str
    probability: float


def test_the_objects_of_faster_whisper_are_taken_from_their_generator() -> None:
    spoken: list[object] = [Spoken(0, 0.4, " Hello", 0.9), Spoken(2.2, 2.6, " you", 0.8)]
    segments = (one for one in [Segments(0, 3, " Hello you", spoken), Segments(3, 4, " Bye")])
    result = diarspk.assign_speakers(segments, turns((0, 2, "Ann"), (2, 4, "Ben")))
    assert [(one.speaker, one.text) for one in result.utterances()] == [
        ("Ann", "Hello"),
        ("Ben", "you"),
        ("Ben", "Bye"),
    ]
    assert result.words[0].confidence == 0.9


class Result:
    """As a live diarization is: it has an annotation."""

    annotation = turns((0, 2, "Ann"), (2, 4, "Ben"))


def test_a_result_an_annotation_rttm_and_our_json_are_alike(tmp_path: Path) -> None:
    transcript = {"segments": [{"start": 0, "end": 4, "text": "one two three four"}]}
    results = [diarspk.assign_speakers(transcript, Result())]
    results.append(diarspk.assign_speakers(transcript, Result.annotation))
    for suffix in ("rttm", "json"):
        save_annotation(Result.annotation, tmp_path / f"call.{suffix}")
        results.append(diarspk.assign_speakers(transcript, tmp_path / f"call.{suffix}"))
    assert all(result == results[0] for result in results)
    assert results[0].speakers == ["Ann", "Ben"]


def test_of_several_recordings_in_an_rttm_file_the_named_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "all.rttm"
    path.write_text(
        "SPEAKER one 1 0 2 <NA> <NA> Ann <NA> <NA>\nSPEAKER two 1 0 2 <NA> <NA> Ben <NA> <NA>\n"
    )
    words = Transcript((TranscriptSegment((Word("a", 0, 1),)),), "two")
    assert diarspk.assign_speakers(words, path).speakers == ["Ben"]
    assert diarspk.assign_speakers(words, path, uri="one").speakers == ["Ann"]
    with pytest.raises(FormatError, match=r"holds 2 recordings \(one, two\); say which"):
        diarspk.assign_speakers([{"word": "a", "start": 0, "end": 1}], path)
    with pytest.raises(FormatError, match="holds no recording 'three'"):
        diarspk.assign_speakers(words, path, uri="three")


def test_things_of_another_type_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"`transcript` must be .*, got int"):
        diarspk.assign_speakers(3, Annotation())  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"`diarization` must be .*, got list"):
        diarspk.assign_speakers([], [])  # type: ignore[arg-type]

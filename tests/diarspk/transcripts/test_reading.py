"""Every input format, and files that are none."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation

from diarspk.errors import ArgumentError, DiarspkError, FormatError
from diarspk.transcripts import Transcript, Word, assign_speakers, read_transcript
from diarspk.transcripts.reading import SUFFIXES, to_transcript
from diarspk.transcripts.saving import to_text
from diarspk.transcripts.text import join_words, place_words, split_text
from diarspk.transcripts.times import complete_times

KEYS = [
    *("segments", "words", "word", "text", "start", "end", "speaker", "transcription", "offsets"),
    *("from", "to", "tokens", "p", "language", "session_id", "start_time", "body", "score"),
]
"""Names in the JSON of recognisers."""


def read(tmp_path: Path, name: str, content: Any, uri: str | None = None) -> Transcript:
    path = tmp_path / name
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_transcript(path, uri)


def texts(transcript: Transcript) -> list[str]:
    return [join_words(segment.words) for segment in transcript.segments]


WHISPER = {
    "text": " Hello there. Bye",
    "language": "en",
    "segments": [
        {
            "id": 0,
            "start": 0.0,
            "end": 1.5,
            "text": " Hello there.",
            "words": [
                {"word": " Hello", "start": 0.1, "end": 0.5, "probability": 0.98},
                {"word": " there.", "start": 0.5, "end": 1.0, "probability": 0.91},
            ],
        },
        {"id": 1, "start": 2.0, "end": 3.0, "text": " Bye"},
    ],
}


def test_whisper(tmp_path: Path) -> None:
    found = read(tmp_path, "call.json", WHISPER)
    assert (found.uri, found.language) == ("call", "en")
    assert found.words == (
        Word(" Hello", 0.1, 0.5, 0.98, before=""),
        Word(" there.", 0.5, 1.0, 0.91, before=""),
        Word("Bye", before=" "),
    )
    assert (found.segments[1].start, found.segments[1].end) == (2.0, 3.0)


def test_whisperx(tmp_path: Path) -> None:
    words = [
        {"word": "Hello,", "start": 0.1, "end": 0.5, "score": 0.8, "speaker": "SPEAKER_01"},
        {"word": "42"},
    ]
    segment = {"start": 0, "end": 1, "text": " Hello, 42", "words": words, "speaker": "SPEAKER_00"}
    found = read(tmp_path, "call.json", {"segments": [segment], "word_segments": words})
    assert found.words == (
        Word("Hello,", 0.1, 0.5, 0.8, before=" ", speaker="SPEAKER_01"),
        Word("42", speaker="SPEAKER_00"),
    )


def test_whisperx_in_a_language_without_spaces(tmp_path: Path) -> None:
    words = [
        {"word": sign, "start": n / 10, "end": (n + 1) / 10} for n, sign in enumerate("你好嗎")
    ]
    segment = {"start": 0, "end": 1, "text": "你好嗎?", "words": words}
    found = read(tmp_path, "call.json", {"segments": [segment]})
    assert texts(found) == ["你好嗎?"]
    assert [word.text for word in found.words] == ["你", "好", "嗎"]


def test_faster_whisper_segments_as_a_list(tmp_path: Path) -> None:
    found = read(tmp_path, "call.json", WHISPER["segments"])
    assert texts(found) == ["Hello there.", "Bye"]


def test_whisper_cpp_with_tokens_and_without(tmp_path: Path) -> None:
    tokens = [
        {"text": "[_BEG_]", "offsets": {"from": 0, "to": 0}, "p": 0.9},
        {"text": " Hel", "offsets": {"from": 100, "to": 300}, "p": 0.9},
        {"text": "lo", "offsets": {"from": 300, "to": 500}, "p": 0.7},
        {"text": ".", "offsets": {"from": 500, "to": 600}, "p": 0.8},
    ]
    document = {
        "result": {"language": "en"},
        "transcription": [
            {"offsets": {"from": 0, "to": 700}, "text": " Hello.", "tokens": tokens},
            {"offsets": {"from": 700, "to": 1900}, "text": " And so on"},
        ],
    }
    found = read(tmp_path, "call.json", document)
    assert found.segments[0].words == (Word(" Hello.", 0.1, 0.6, 0.7, before=""),)
    assert texts(found) == ["Hello.", "And so on"]
    assert (found.segments[1].start, found.segments[1].end) == (0.7, 1.9)


def test_tokens_of_whisper_cpp_that_part_a_character_do_no_harm(tmp_path: Path) -> None:
    """Its ``-ojf`` writes them as bytes that are not UTF-8."""
    tokens = [
        b'{"text": " na\xc3", "offsets": {"from": 100, "to": 300}}',
        b'{"text": "\xafve", "offsets": {"from": 300, "to": 600}}',
    ]
    text = b'{"offsets": {"from": 0, "to": 700}, "text": " na\xc3\xafve", "tokens": [%s]}'
    content = b'{"transcription": [%s]}' % (text % b", ".join(tokens))
    found = read(tmp_path, "call.json", content)
    assert found.words == (Word(" na\u00efve", 0.1, 0.6, before=""),)


def test_openai_lists_words_without_punctuation_apart_from_segments(tmp_path: Path) -> None:
    document = {
        "task": "transcribe",
        "duration": 4.0,
        "text": 'He said: "No." Then, yes!',
        "words": [
            {"word": word, "start": n / 2, "end": n / 2 + 0.4}
            for n, word in enumerate(["He", "said", "No", "Then", "yes"])
        ],
        "segments": [
            {"start": 0, "end": 1.5, "text": ' He said: "No."'},
            {"start": 1.5, "end": 2.5, "text": " Then, yes!"},
        ],
    }
    found = read(tmp_path, "call.json", document)
    assert texts(found) == ['He said: "No."', "Then, yes!"]
    assert [word.text for word in found.words] == ["He", "said", "No", "Then", "yes"]
    assert found.words[2].start == 1.0
    del document["segments"]
    assert texts(read(tmp_path, "call.json", document)) == ['He said: "No." Then, yes!']


def test_openai_diarized_json_and_podcast_json_keep_their_speakers(tmp_path: Path) -> None:
    segment = {"type": "transcript.text.segment", "id": "s", "start": 0, "end": 1, "speaker": "A"}
    found = read(tmp_path, "call.json", {"segments": [{**segment, "text": "Hi you"}]})
    assert [word.speaker for word in found.words] == ["A", "A"]
    segment = {"startTime": 0.5, "endTime": 1.25, "body": "Hi you", "speaker": "Ann"}
    found = read(tmp_path, "call.json", {"version": "1.0.0", "segments": [segment]})
    assert found.speakers == ["Ann"]
    assert (found.segments[0].start, found.segments[0].end) == (0.5, 1.25)


def test_ctm_is_cut_into_segments(tmp_path: Path) -> None:
    content = (
        ";; a comment\ncall 1 0.00 0.30 hello 0.9\ncall A 0.30 0.30 you\n"
        "call 1 2.00 0.30 bye NA lex Ann\n"
    )
    found = read(tmp_path, "x.ctm", content)
    assert texts(found) == ["hello you", "bye"]
    assert found.words[0] == Word("hello", 0.0, 0.3, 0.9)
    assert found.words[2].speaker == "Ann"
    assert found.uri == "call"


def test_stm_seglst_and_a_choice_among_their_recordings(tmp_path: Path) -> None:
    stm = (
        "a 1 Ann 0.0 1.5 <o,f0,male> hello you\nb 1 Ben 0 1 bye\n"
        "b 1 X 2 3 IGNORE_TIME_SEGMENT_IN_SCORING\n"
    )
    seglst = [
        {
            "session_id": "a",
            "speaker": "Ann",
            "start_time": 0,
            "end_time": 1.5,
            "words": "hello you",
        },
        {"session_id": "b", "speaker": "Ben", "start_time": 0, "end_time": 1, "words": "bye"},
    ]
    for name, content in (("x.stm", stm), ("x.seglst.json", seglst)):
        found = read(tmp_path, name, content, "a")
        assert texts(found) == ["hello you"]
        assert found.speakers == ["Ann"]
        assert texts(read(tmp_path, name, content, "b")) == ["bye"]
        assert texts(read(tmp_path, name.replace("x", "b"), content)) == ["bye"]  # by its name
        with pytest.raises(FormatError, match="holds 2 recordings"):
            read(tmp_path, name, content)


def test_srt_of_any_line_ends_keeps_its_text(tmp_path: Path) -> None:
    lines = ["\ufeff1", "00:00:01,000 --> 00:00:02,500", "<i>Hello</i>", "- you", ""]
    content = "\r\n".join([*lines, "2", "0:01:00,5 --> 0:01:01", "Bye", ""])
    found = read(tmp_path, "call.srt", content)
    assert texts(found) == ["<i>Hello</i>\n- you", "Bye"]
    assert [(one.start, one.end) for one in found.segments] == [(1.0, 2.5), (60.5, 61.0)]


def test_vtt_with_voices_times_of_words_and_entities(tmp_path: Path) -> None:
    content = (
        "WEBVTT - a title\n\nSTYLE\n::cue { color: red }\n\nNOTE nothing\n\n"
        "name of a cue\n00:01.000 --> 00:03.000 align:start\n"
        "<v.loud Ann &amp; Co>Hello <00:00:02.000><c>big</c> you</v> &lt;3\n\n"
    )
    found = read(tmp_path, "call.vtt", content)
    assert texts(found) == ["Hello big you <3"]
    assert [word.speaker for word in found.words] == ["Ann & Co"] * 3 + [None]
    assert [word.start for word in found.words] == [None, 2.0, None, None]
    timed = complete_times(found).words
    assert (timed[0].start, timed[0].end, timed[3].end) == (1.0, 2.0, 3.0)


def test_what_stands_between_words_is_found_again() -> None:
    text = ' "Well," she said -- no? (yes) '
    words = [word.text for word in split_text(text)]
    around = place_words(text, words)
    joined = "".join(b + word + a for word, (b, a) in zip(words, around, strict=True))
    assert joined == text.rstrip()
    assert place_words("something else", ["a", " b"]) == [(" ", ""), ("", "")]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda values: st.one_of(
        st.lists(values, max_size=3), st.dictionaries(st.sampled_from(KEYS), values, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES)
def test_any_json_is_a_transcript_or_an_error_of_ours(value: Any) -> None:
    with suppress(DiarspkError):
        transcript = to_transcript(value)
        result = assign_speakers(transcript, Annotation())
        assert len(result.words) == len(transcript.words)
        to_text(result, "whisperx")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40), st.sampled_from(SUFFIXES))
def test_any_text_is_a_transcript_or_an_error_of_ours(text: str, suffix: str) -> None:
    with TemporaryDirectory() as folder, suppress(FormatError):
        read(Path(folder), f"a{suffix}", text.replace("@", "00:01,000 --> 00:02,000\n"))


# Files that are no transcripts, or odd ones.

BAD: dict[str, tuple[str, str | bytes, str]] = {
    "empty JSON": ("a.json", "", "is empty"),
    "cut off": ("a.json", '{"segments": [{"start": 0', "is no JSON .*; is it cut off"),
    "a number": ("a.json", "3", "must be an object, got 3"),
    "another JSON": ("a.json", '{"turns": []}', "is no transcript"),
    "text without times": ("a.json", '{"text": "hello"}', "has text without times"),
    "segments of the wrong type": ("a.json", '{"segments": "x"}', "segments must be a list"),
    "a segment that is a text": (
        "a.json",
        '{"segments": ["x"]}',
        r"segments\[0\] must be an object",
    ),
    "a time in words": (
        "a.json",
        '{"segments": [{"start": "now", "end": 1, "text": "x"}]}',
        r"segments\[0\].start must be a number",
    ),
    "a segment without text": (
        "a.json",
        '{"segments": [{"start": 0}]}',
        r"segments\[0\].text must",
    ),
    "a word that is a number": (
        "a.json",
        '{"segments": [{"text": "1", "words": [{"word": 1}]}]}',
        r"segments\[0\].words\[0\].word must be a text",
    ),
    "nested deeply": ("a.json", "[" * 100_000, "nested too deeply|is no JSON"),
    "Latin-1": ("a.srt", b"1\n00:00:01,000 --> 00:00:02,000\ncaf\xe9\n", ":3: not UTF-8"),
    "Latin-1 in JSON": ("a.json", b'{"segments": [\n{"text": "caf\xe9"}]}', ":2: not UTF-8"),
    "half of a character": ("a.json", '{"segments": [{"text": "\\ud83d"}]}', "half of a character"),
    "UTF-16": ("a.json", '{"segments": []}'.encode("utf-16"), "is UTF-16"),
    "no cue": ("a.srt", "hello\nthere\n", "has no cue"),
    "a faulty clock": ("a.srt", "1\n00:0x:01 --> 00:00:02,000\nhi\n", ":2: times must be"),
    "VTT without a header": (
        "a.vtt",
        "00:01.000 --> 00:02.000\nhi\n",
        ":1: must begin with WEBVTT",
    ),
    "CTM with a NaN": ("a.ctm", "a 1 nan 0.3 hi\n", ":1: the start must be a number"),
    "CTM with four fields": ("a.ctm", "a 1 0 0.3\n", ":1: a CTM line must have"),
    "STM with three fields": ("a.stm", "a 1 Ann\n", ":1: an STM line must"),
    "binary": ("a.ctm", bytes(range(256)), "not UTF-8"),
}


@pytest.mark.parametrize(("name", "content", "fault"), BAD.values(), ids=BAD)
def test_a_bad_file_is_told_in_one_line_with_its_name(
    tmp_path: Path, name: str, content: str | bytes, fault: str
) -> None:
    with pytest.raises(FormatError, match=fault) as told:
        read(tmp_path, name, content)
    assert str(told.value).startswith(str(tmp_path / name))
    assert "\n" not in str(told.value)
    assert len(str(told.value).removeprefix(str(tmp_path))) < 160


def test_a_missing_file_a_folder_and_an_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read_transcript(tmp_path / "none.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(FormatError, match="cannot be opened"):
        read_transcript(tmp_path / "folder.json")
    with pytest.raises(ArgumentError, match=r"must end in one of \.json"):
        read_transcript(tmp_path / "words.docx")


EMPTY = {
    "a.json": '{"segments": []}',
    "b.json": "[]",
    "a.srt": "",
    "a.vtt": "WEBVTT\n",
    "a.ctm": ";; nothing\n",
    "a.stm": "",
    "c.json": '{"segments": [{"start": 0, "end": 1, "text": "  "}]}',
}


@pytest.mark.parametrize(("name", "content"), EMPTY.items())
def test_nothing_said_is_a_transcript_without_words(
    tmp_path: Path, name: str, content: str
) -> None:
    result = assign_speakers(read(tmp_path, name, content), Annotation())
    assert result.words == ()
    assert result.notes == ["the transcript has no words"]


def test_impossible_times_count_as_none(tmp_path: Path) -> None:
    content = (
        '{"segments": [{"start": 0, "end": 4, "text": "a b c d", "words": ['
        '{"word": "a", "start": 0, "end": 1}, {"word": "b", "start": NaN, "end": NaN}, '
        '{"word": "c", "start": 3, "end": 2}, {"word": "d", "start": -5, "end": 1e999}]}]}'
    )
    words = complete_times(read(tmp_path, "a.json", content)).words
    times = [(word.start, word.end) for word in words]
    assert times == [(0, 1), (1, 3), (3, 3.5), (3.5, 4)]
    assert [word.estimated for word in words] == [False, True, True, True]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    for name in ("a.json", "a.ctm"):
        content = '[{"word": "hi", "start": 0, "end": 1}]' if name == "a.json" else "a 1 0 1 hi\n"
        assert read(tmp_path, name, "\ufeff" + content).words[0].text == "hi"


def test_faults_of_a_diarization_file_are_told_too(tmp_path: Path) -> None:
    bad = {
        "a.json": ["", '{"segments": []}', '{"turns": [{"start": 0}]}', '{"turns": [3]}', b"\xff"],
        "a.rttm": ["SPEAKER a 1 x 1 <NA> <NA> Ann <NA> <NA>"],
    }
    for name, contents in bad.items():
        for content in contents:
            (tmp_path / name).write_bytes(
                content if isinstance(content, bytes) else content.encode()
            )
            with pytest.raises(DiarspkError, match=name):
                assign_speakers([], tmp_path / name)
    with pytest.raises(FormatError, match="no such file"):
        assign_speakers([], tmp_path / "none.json")

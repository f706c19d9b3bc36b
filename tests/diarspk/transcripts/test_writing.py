"""Every output format, read again by ourselves and by the tools it is for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from diarspk.errors import ArgumentError, FormatError
from diarspk.transcripts import (
    SpeakerTranscript,
    Transcript,
    TranscriptSegment,
    Word,
    read_transcript,
    save_transcript,
)
from diarspk.transcripts.saving import FORMATS, to_text
from diarspk.transcripts.times import complete_times
from tests.diarspk.transcripts.strategies import TRANSCRIPTS


def segment(*words: tuple[str, float, float, str | None]) -> TranscriptSegment:
    return TranscriptSegment(
        tuple(Word(text, start, end, speaker=speaker) for text, start, end, speaker in words)
    )


CALL = SpeakerTranscript(
    (
        segment(("Hello", 0.5, 0.9, "Ann"), ("<you>", 0.9, 1.5, "Ann"), ("Hi", 1.6, 2.0, "Ben")),
        segment(("I", 2.5, 2.6, "Ben"), ("am", 2.6, 2.8, "Ben"), ("{here}", 2.8, 3661.25, "Ben")),
        segment(("so", 3700.0, 3700.5, None)),
    ),
    "call",
    "en",
)
SPOKEN = [
    ("Ann", "Hello <you>", 0.5, 1.5),
    ("Ben", "Hi", 1.6, 2.0),
    ("Ben", "I am {here}", 2.5, 3661.25),
    (None, "so", 3700.0, 3700.5),
]


def test_srt_names_the_speaker_where_it_changes_or_on_every_cue() -> None:
    texts = [block.split("\n")[2] for block in to_text(CALL, "srt").strip().split("\n\n")]
    assert texts == ["Ann: Hello <you>", "Ben: Hi", "I am {here}", "so"]
    every = [line for line in to_text(CALL, "srt", every_cue=True).split("\n") if ": " in line]
    assert every == ["Ann: Hello <you>", "Ben: Hi", "Ben: I am {here}"]
    assert "3\n00:00:02,500 --> 01:01:01,250\n" in to_text(CALL, "srt")


def test_vtt_has_a_voice_on_every_cue_and_escapes_signs() -> None:
    lines = to_text(CALL, "vtt").split("\n")
    assert lines[0] == "WEBVTT"
    assert "<v Ann>Hello &lt;you&gt;</v>" in lines
    assert sum(line.startswith("<v Ben>") for line in lines) == 2


def test_pysubs2_reads_the_subtitles() -> None:
    pysubs2 = pytest.importorskip("pysubs2")
    ass = pysubs2.SSAFile.from_string(to_text(CALL, "ass"))
    assert [(one.name, one.start, one.end) for one in ass] == [
        (name or "", round(start * 1000), round(end * 1000)) for name, _, start, end in SPOKEN
    ]
    assert ass[0].text == "Hello <you>"
    assert ass[2].text == r"I am \{here\}"
    srt = pysubs2.SSAFile.from_string(to_text(CALL, "srt"))
    assert [(one.start, one.end) for one in srt] == [(one.start, one.end) for one in ass]


def test_meeteval_reads_stm_and_seglst(tmp_path: Path) -> None:
    meeteval = pytest.importorskip("meeteval")
    CALL.write(tmp_path / "call.stm")
    stm = meeteval.io.STM.load(tmp_path / "call.stm").to_seglst()
    seglst = meeteval.io.SegLST(json.loads(to_text(CALL, "seglst")))
    for found in (stm, seglst):
        assert [
            (one["speaker"], one["words"], float(one["start_time"]), float(one["end_time"]))
            for one in found
        ] == [(name or "unknown", *rest) for name, *rest in SPOKEN]
        assert {one["session_id"] for one in found} == {"call"}


def test_pympi_reads_the_tiers(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi")
    CALL.write(tmp_path / "call.eaf")
    eaf = pympi.Eaf(str(tmp_path / "call.eaf"))
    CALL.write(tmp_path / "call.TextGrid")
    grid = pympi.TextGrid(str(tmp_path / "call.TextGrid"))
    assert [name for _, name in grid.get_tier_name_num()] == list(eaf.get_tier_names())
    for speaker in ("Ann", "Ben", "unknown"):
        wanted = [
            (start, end, text)
            for name, text, start, end in SPOKEN
            if (name or "unknown") == speaker
        ]
        found = eaf.get_annotation_data_for_tier(speaker)
        assert [(start / 1000, end / 1000, text) for start, end, text in sorted(found)] == wanted
        intervals = [one for one in grid.get_tier(speaker).get_all_intervals() if one[2]]
        assert intervals == wanted


def test_json_for_whisperx_openai_podcasts_and_label_studio() -> None:
    whisperx = json.loads(to_text(CALL, "whisperx"))
    assert whisperx["segments"][0]["words"][1] == {
        "word": "<you>",
        "start": 0.9,
        "end": 1.5,
        "speaker": "Ann",
    }
    assert [one["speaker"] for one in whisperx["word_segments"]][-1] is None
    openai = json.loads(to_text(CALL, "openai"))
    assert openai["segments"][1] == {
        "type": "transcript.text.segment",
        "id": "seg_002",
        "start": 1.6,
        "end": 2.0,
        "text": "Hi",
        "speaker": "Ben",
    }
    podcast = json.loads(to_text(CALL, "podcast"))
    assert podcast["segments"][0] == {
        "speaker": "Ann",
        "startTime": 0.5,
        "endTime": 1.5,
        "body": "Hello <you>",
    }
    (task,) = json.loads(to_text(CALL, "label-studio"))
    regions = task["predictions"][0]["result"]
    assert [region["type"] for region in regions[:2]] == ["labels", "textarea"]
    assert regions[0]["id"] == regions[1]["id"]
    assert regions[0]["value"]["labels"] == ["Ann"]
    assert regions[1]["value"]["text"] == ["Hello <you>"]


def test_text_and_markdown_join_what_one_speaker_says() -> None:
    assert to_text(CALL, "txt") == "Ann: Hello <you>\nBen: Hi I am {here}\n?: so\n"
    assert "**Ben** \\[0:00:01\\]\n\nHi I am {here}\n" in to_text(CALL, "markdown")
    assert r"Hello \<you\>" in to_text(CALL, "markdown")
    numbered = Transcript((segment(("1.", 0, 1, "Ann"), ("*yes*", 1, 2, "Ann")),))
    assert r"1\. \*yes\*" in to_text(numbered, "markdown")


def test_ctm_has_a_line_for_every_word_and_its_speaker() -> None:
    lines = to_text(CALL, "ctm").splitlines()
    assert lines[0] == "call 1 0.500 0.400 Hello NA lex Ann"
    assert lines[-1] == "call 1 3700.000 0.500 so NA lex unknown"
    assert len(lines) == len(CALL.words)


@pytest.mark.parametrize(
    "name", ["call.ctm", "call.stm", "call.seglst.json", "call.vtt", "call.json"]
)
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    CALL.write(tmp_path / name)
    found = read_transcript(tmp_path / name)
    assert [(word.text, word.speaker) for word in found.words] == [
        (word.text, word.speaker) for word in CALL.words
    ]
    timed = complete_times(found).words
    assert (timed[0].start, timed[-1].end) == (0.5, 3700.5)


@settings(deadline=None)
@given(TRANSCRIPTS)
def test_every_word_is_in_every_format(transcript: Transcript) -> None:
    """But for white space, and with the signs of the format decoded."""
    timed = complete_times(transcript)
    wanted = "".join("".join(word.text.split()) for word in timed.words)
    for name in FORMATS:
        if name in {"ass", "markdown", "vtt", "eaf", "textgrid", "label-studio"}:
            continue  # escapes are checked above
        try:
            text = to_text(transcript, name)
        except ArgumentError as error:
            assert "must have times" in str(error)
            assert any(word.start is None for word in timed.words)
            continue
        assert "".join(read_words(text, name).split()) == wanted


def read_words(text: str, name: str) -> str:
    """Words of a file without names and times."""
    if name == "whisperx":
        return "".join(word["word"] for word in json.loads(text)["word_segments"])
    if name in {"openai", "podcast"}:
        key = "text" if name == "openai" else "body"
        return "".join(one[key] for one in json.loads(text)["segments"])
    if name == "seglst":
        return "".join(one["words"] for one in json.loads(text))
    if name == "ctm":
        return "".join(line.split(" ")[4] for line in text.split("\n") if line)
    if name == "stm":
        return "".join(line.split(" ", 5)[5] for line in text.split("\n") if line.count(" ") > 4)
    if name == "txt":
        return "".join(line.split(": ", 1)[1] for line in text.split("\n") if line)
    blocks = re.split(r"(?:^|\n\n)\d+\n[\d:,]+ --> [\d:,]+\n", text)
    names = r"^(Ann|Ben|Çem D\.|SPEAKER_03): "
    return "".join(re.sub(names, "", block) for block in blocks)


@settings(deadline=None)
@given(TRANSCRIPTS)
def test_the_same_transcript_makes_the_same_bytes(transcript: Transcript) -> None:
    for name in ("whisperx", "txt", "markdown"):
        assert to_text(transcript, name) == to_text(transcript, name)


def test_the_longest_suffix_selects_the_format(tmp_path: Path) -> None:
    for name, (suffix, _) in FORMATS.items():
        CALL.write(tmp_path / f"call{suffix}")
        assert (tmp_path / f"call{suffix}").read_text(encoding="utf-8") == to_text(CALL, name)
        CALL.write(tmp_path / "other", format=name)
        assert (tmp_path / "other").read_bytes() == (tmp_path / f"call{suffix}").read_bytes()


def test_what_cannot_be_written_is_told_and_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "call.srt"
    path.write_text("mine")
    timeless = Transcript((TranscriptSegment((Word("hi"),)),))
    with pytest.raises(ArgumentError, match="must have times for srt"):
        save_transcript(timeless, path)
    with pytest.raises(ArgumentError, match="half of a character"):
        save_transcript(Transcript((segment(("\ud83d", 0, 1, "Ann")),)), path)
    for names in (("A B", "A_B"), ("unknown", None)):
        alike = Transcript((segment(*((name or "x", 0, 1, name) for name in names)),))
        for name in ("ctm", "stm"):
            with pytest.raises(ArgumentError, match="names differ when spaces become _"):
                to_text(alike, name)
    with pytest.raises(ArgumentError, match="`format` must be one of"):
        CALL.write(path, format="docx")
    with pytest.raises(ArgumentError, match="must end in one of"):
        CALL.write(tmp_path / "call.docx")
    with pytest.raises(ArgumentError, match="it is for srt, got vtt"):
        CALL.write(tmp_path / "call.vtt", every_cue=True)
    with pytest.raises(FormatError, match="cannot be written"):
        CALL.write(tmp_path / "none" / "call.srt")
    assert path.read_text() == "mine"
    assert [one.name for one in tmp_path.iterdir()] == ["call.srt"]
    assert to_text(timeless, "txt") == "?: hi\n"

"""Annotation files: reading what is out there, writing what others read."""

import csv
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import ArgumentError, FormatError
from diarspk.formats import read_rttm, read_uem, save_annotation, write_rttm
from diarspk.formats.names import plain_name

SPEAKER = "SPEAKER a 1 0.50 1.25 <NA> <NA> ann <NA>"


def annotated(*turns: tuple[float, float, str], uri: str | None = "meeting") -> Annotation:
    annotation = Annotation(uri=uri)
    for track, (start, end, label) in enumerate(turns):
        annotation[Segment(start, end), track] = label
    return annotation


def turns_of(annotation: Annotation) -> list[tuple[float, float, str]]:
    return [
        (round(segment.start, 6), round(segment.end, 6), label)
        for segment, _, label in annotation.itertracks(yield_label=True)
    ]


FORMS = [("re\u0301union", "Zoe\u0308"), ("r\u00e9union", "Zo\u00eb")]
"""A recording and a speaker, their accents decomposed and composed."""

CONVERSATION = annotated((0.0, 1.5, "ann"), (1.0, 2.0004, "bob"), (3661.25, 3662.0, "ann"))


@pytest.mark.parametrize(
    "line",
    [
        SPEAKER,
        f"{SPEAKER} <NA>",
        SPEAKER.replace(" 1 ", " 0 "),
        SPEAKER.replace("ann <NA>", "ann 0.97 <NA>"),
        SPEAKER.replace("ann <NA>", "ann"),
        SPEAKER.replace(" ", "\t"),
        SPEAKER.replace(" ", " \t  "),
        SPEAKER.lower().replace("<na>", "<NA>"),
        f"  {SPEAKER}  \r",
        f"\ufeff{SPEAKER}",
    ],
)
def test_variants_of_a_turn(line: str) -> None:
    returns = f";; a comment\r\r{line}\r;;\r"
    for text in (line, f";; a comment\n\n{line}\n\n;;\n", f"; one\n# two\n{line}", returns):
        for file in (io.StringIO(text), io.BytesIO(text.encode())):
            (annotation,) = read_rttm(file).values()
            assert annotation.uri == "a"
            assert turns_of(annotation) == [(0.5, 1.75, "ann")]


def test_other_records_are_skipped() -> None:
    text = f"""SPKR-INFO a 1 <NA> <NA> <NA> unknown ann <NA>
NON-SPEECH a 1 0.0 0.5 <NA> noise <NA> <NA>
LEXEME a 1 0.5 0.2 hello lex ann 0.9
{SPEAKER}
SPEAKER a 1 2.000 0.000 <NA> <NA> bob <NA> <NA>
"""
    assert turns_of(read_rttm(io.StringIO(text))["a"]) == [(0.5, 1.75, "ann")]


def test_unicode_and_spaces_in_names() -> None:
    names = ("réunion 会議", "Zoë\u00a0Müller", "Ωμέγα")
    text = "".join(
        f"SPEAKER\t{names[0]}\t1\t{start}\t1\t<NA>\t<NA>\t{name}\t<NA>\t<NA>\n"
        for start, name in enumerate(names)
    )
    (annotation,) = read_rttm(io.BytesIO(text.encode())).values()
    assert annotation.uri == names[0]
    assert annotation.labels() == sorted(names)
    spaced = SPEAKER.replace("ann", names[1])
    assert read_rttm(io.StringIO(spaced))["a"].labels() == [names[1]]


def test_several_files_keep_their_order_and_overlaps() -> None:
    lines = [f"SPEAKER {uri} 1 0 2 <NA> <NA> {name} <NA>" for uri in "ba" for name in "xy"]
    annotations = read_rttm(io.StringIO("\n".join(lines)))
    assert list(annotations) == ["b", "a"]
    assert turns_of(annotations["a"]) == [(0.0, 2.0, "x"), (0.0, 2.0, "y")]
    assert read_rttm(io.StringIO(";; nothing\n")) == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("SPEAKER a 1 0.5", "9 or 10 fields, got 4"),
        ("SPEAKER a 1 0.5 1 <NA> <NA> Ann Lee Smith <NA> <NA>", "got 12; names with spaces"),
        ("SPEAKER a 1 0.5 1 <NA> <NA> Ann Lee <NA>", "got 'Lee <NA>'; names with spaces"),
        ("SPEAKER a 1 half 1 <NA> <NA> ann <NA>", "the start must be .* got 'half'"),
        ("SPEAKER a 1 0,5 1 <NA> <NA> ann <NA>", "the start must be .* got '0,5'"),
        ("SPEAKER a 1 -0.5 1 <NA> <NA> ann <NA>", "the start must be .* got '-0.5'"),
        ("SPEAKER a 1 0.5 nan <NA> <NA> ann <NA>", "the duration must be .* got 'nan'"),
        ("SPEAKER a 1 0.5 -1 <NA> <NA> ann <NA>", "the duration must be .* got '-1'"),
        ('{"turns": []}', "a record must be SPEAKER"),
        ("a 1 0.0 10.0", "a record must be SPEAKER .* got 'a'"),
    ],
)
def test_faults_of_rttm_name_file_and_line(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "bad.rttm"
    path.write_text(f";; comment\n{SPEAKER}\n\n{line}\n")
    with pytest.raises(FormatError, match=rf"bad\.rttm:4: .*{fault}"):
        read_rttm(path)
    with pytest.raises(FormatError, match=r"^<stream>:1: "):
        read_rttm(io.StringIO(line))


def test_files_that_are_no_text_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "bad.rttm"
    path.write_bytes(SPEAKER.encode() + b"\n\xff\xfe\n")
    with pytest.raises(FormatError, match=r"bad\.rttm:2: not UTF-8 text"):
        read_rttm(path)
    with pytest.raises(FormatError, match=r"gone\.uem: no such file"):
        read_uem(tmp_path / "gone.uem")
    with pytest.raises(FormatError, match="cannot be opened"):
        read_rttm(tmp_path)


@pytest.mark.parametrize("ends", ["\n", "\r", "\r\n"])
def test_line_ends_of_every_system(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "all.rttm"
    path.write_bytes(ends.join([SPEAKER, "# comment", "", SPEAKER, "TALKER"]).encode())
    for file in (path, io.BytesIO(path.read_bytes()), io.StringIO(path.read_bytes().decode())):
        with pytest.raises(FormatError, match=":5: a record must be SPEAKER"):
            read_rttm(file)


def test_one_name_in_two_writings_is_one() -> None:
    turns = [f"SPEAKER {uri} 1 0 1 <NA> <NA> {name} <NA>" for uri, name in FORMS]
    (read,) = read_rttm(io.StringIO("\n".join(turns))).values()
    assert (read.uri, read.labels(), len(read)) == ("r\u00e9union", ["Zo\u00eb"], 1)
    assert len(list(read.itertracks())) == 2
    regions = "".join(f"{uri} 1 {start} {start + 5}\n" for start, (uri, _) in enumerate(FORMS))
    assert read_uem(io.StringIO(regions)) == {"r\u00e9union": Timeline([Segment(0, 6)])}


@pytest.mark.parametrize("suffix", ["rttm", "json", "csv", "srt", "vtt", "txt", "TextGrid"])
def test_names_are_written_in_one_form_and_as_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"meeting.{suffix}"
    turns = [(float(start), start + 1.0, name) for start, (_, name) in enumerate(FORMS)]
    save_annotation(annotated(turns[0], uri=os.fsdecode(b"r\xe9union")), path)
    text = path.read_text(encoding="utf-8")
    assert "Zo\u00eb" in text
    assert "Zoe" not in text
    if suffix in ("rttm", "json"):
        assert "r\\xe9union" in text.replace("\\\\", "\\")
    if suffix == "rttm":
        with pytest.raises(ArgumentError, match="accents are composed"):
            write_rttm(annotated(*turns), io.StringIO())


def test_a_pipe_and_a_file_object_are_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(f"{SPEAKER}\n",))
    writer.start()
    assert list(read_rttm(pipe)) == ["a"]
    writer.join()
    stream = io.BytesIO(SPEAKER.encode())
    read_rttm(stream)
    assert not stream.closed


@pytest.mark.parametrize("data", [b"RIFF\0\0\0\0WAVE", b"SPEAKER " * 9000, "ö".encode("utf-16")])
def test_other_files_than_text_are_told_at_once(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "meeting.rttm"
    path.write_bytes(SPEAKER.encode() + b"\n" + data)
    with pytest.raises(FormatError, match=r"rttm:2: not (UTF-8 )?text"):
        read_rttm(path)


def test_times_in_another_unit_are_told() -> None:
    unix = "SPEAKER a 1 1764480000.25 1.5 <NA> <NA> ann <NA>"
    assert turns_of(read_rttm(io.StringIO(unix))["a"])[0][:2] == (1764480000.25, 1764480001.75)
    for text in ("1764480000250", "1e300", "1_0", "٣"):
        with pytest.raises(FormatError, match="the start must be a number of seconds"):
            read_rttm(io.StringIO(f"SPEAKER a 1 {text} 1.5 <NA> <NA> ann <NA>"))


def test_regions_of_a_uem() -> None:
    text = ";; map\n\na 1 0.0 10.5\nb\t1\t5\t6\na 2 4 20\r\na 1 30 31\n"
    regions = read_uem(io.StringIO(text))
    assert list(regions) == ["a", "b"]
    assert regions["a"] == Timeline([Segment(0, 20), Segment(30, 31)])
    assert regions["b"].uri == "b"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a 1 0.0", "4 fields, file channel start end, got 3"),
        (SPEAKER, "got 9"),
        ("a 1 5 5", "the end must be after the start, 5, got 5"),
        ("a 1 5 x", "the end must be a number"),
        ("a 1 -5 5", "the start must be a number of seconds, 0 or more"),
    ],
)
def test_faults_of_uem_name_file_and_line(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "bad.uem"
    path.write_text(f"a 1 0 1\n{line}\n")
    with pytest.raises(FormatError, match=rf"bad\.uem:2: .*{fault}"):
        read_uem(path)


def test_rttm_as_written() -> None:
    stream = io.StringIO()
    keys = list(CONVERSATION.itertracks())
    write_rttm(CONVERSATION, stream, confidence={keys[0]: 0.9876, keys[1]: 1.0})
    assert stream.getvalue() == (
        "SPEAKER meeting 1 0.000 1.500 <NA> <NA> ann 0.988 <NA>\n"
        "SPEAKER meeting 1 1.000 1.000 <NA> <NA> bob 1.000 <NA>\n"
        "SPEAKER meeting 1 3661.250 0.750 <NA> <NA> ann <NA> <NA>\n"
    )


def test_rttm_has_no_zero_turns_and_no_spaces() -> None:
    stream = io.StringIO()
    turns = [(1.0, 1.0004, "a b"), (2.0004, 2.0013, "a\u00a0\tb"), (3.0, 4.0, "c")]
    write_rttm(annotated(*turns[1:], uri="my meeting"), stream)
    write_rttm(annotated(turns[0], uri=None), stream)
    assert stream.getvalue() == (
        "SPEAKER my_meeting 1 2.000 0.001 <NA> <NA> a_b <NA> <NA>\n"
        "SPEAKER my_meeting 1 3.000 1.000 <NA> <NA> c <NA> <NA>\n"
    )
    with pytest.raises(ArgumentError, match="names that differ when spaces become _"):
        write_rttm(annotated((0, 1, "a b"), (1, 2, "a_b")), stream)


milliseconds = st.integers(0, 10_000_000)
words = st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=8).map(
    plain_name
)


@given(
    turns=st.lists(st.tuples(milliseconds, st.integers(1, 100_000), words), max_size=20),
    uri=words,
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(turns: list[tuple[int, int, str]], uri: str) -> None:
    annotation = annotated(
        *((start / 1000, (start + length) / 1000, name) for start, length, name in turns), uri=uri
    )
    stream = io.StringIO()
    write_rttm(annotation, stream)
    stream.seek(0)
    read = read_rttm(stream)
    assert list(read) == ([uri] if turns else [])
    if turns:
        assert sorted(turns_of(read[uri])) == sorted(turns_of(annotation))


GOLDEN: dict[str, str] = {
    "srt": (
        "1\n00:00:00,000 --> 00:00:01,500\nann\n\n"
        "2\n00:00:01,000 --> 00:00:02,000\nbob\n\n"
        "3\n01:01:01,250 --> 01:01:02,000\nann\n\n"
    ),
    "vtt": (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:01.500\n<v ann>ann</v>\n\n"
        "00:00:01.000 --> 00:00:02.000\n<v bob>bob</v>\n\n"
        "01:01:01.250 --> 01:01:02.000\n<v ann>ann</v>\n\n"
    ),
    "txt": "0.000\t1.500\tann\n1.000\t2.000\tbob\n3661.250\t3662.000\tann\n",
    "csv": (
        "start,end,speaker,confidence\n"
        "0.000,1.500,ann,0.250\n1.000,2.000,bob,\n3661.250,3662.000,ann,\n"
    ),
}


@pytest.mark.parametrize("suffix", GOLDEN)
def test_other_formats_as_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"meeting.{suffix}"
    first = next(iter(CONVERSATION.itertracks()))
    save_annotation(CONVERSATION, path, confidence={first: 0.25})
    assert path.read_bytes().decode() == GOLDEN[suffix]


def test_json_as_written(tmp_path: Path) -> None:
    first = next(iter(CONVERSATION.itertracks()))
    save_annotation(CONVERSATION, tmp_path / "meeting.json", confidence={first: 0.25})
    assert json.loads((tmp_path / "meeting.json").read_text()) == {
        "uri": "meeting",
        "speakers": ["ann", "bob"],
        "turns": [
            {"start": 0.0, "end": 1.5, "speaker": "ann", "confidence": 0.25},
            {"start": 1.0, "end": 2.0, "speaker": "bob"},
            {"start": 3661.25, "end": 3662.0, "speaker": "ann"},
        ],
    }


def read_textgrid(text: str) -> dict[str, list[tuple[float, float, str]]]:
    """Tiers of intervals, from the values alone, as Praat reads them."""
    lines = [line.split(" = ", 1) for line in text.splitlines() if " = " in line]
    tiers: dict[str, list[tuple[float, float, str]]] = {}
    name, times = "", [0.0, 0.0]
    for key, value in lines:
        if key == "name":
            name = value.strip('"').replace('""', '"')
            tiers[name] = []
        elif key in ("xmin", "xmax"):
            times[key == "xmax"] = float(value)
        elif key == "text":
            tiers[name].append((times[0], times[1], value.strip('"')))
    return tiers


def test_a_textgrid_fills_its_tiers_without_overlap(tmp_path: Path) -> None:
    path = tmp_path / "meeting.TextGrid"
    turns = [(1.0, 2.0, "ann"), (1.5, 3.0, "ann"), (1.2, 1.4, "ann"), (0.0, 4.0, 'b "o" b')]
    save_annotation(annotated(*turns), path)
    tiers = read_textgrid(path.read_text())
    assert tiers["ann"] == [(0.0, 1.0, ""), (1.0, 3.0, "ann"), (3.0, 4.0, "")]
    assert tiers['b "o" b'] == [(0.0, 4.0, 'b ""o"" b')]


def test_names_cannot_break_a_format(tmp_path: Path) -> None:
    name = 'a <b> & "c",\n\td'
    for suffix in ("srt", "vtt", "txt", "csv", "json", "rttm", "TextGrid"):
        save_annotation(annotated((0, 1, name)), tmp_path / f"x.{suffix}")
    on_one_line = 'a <b> & "c", d'
    assert (tmp_path / "x.srt").read_text().splitlines()[2] == on_one_line
    assert "<v a &lt;b&gt; &amp;" in (tmp_path / "x.vtt").read_text()
    assert (tmp_path / "x.txt").read_text() == f"0.000\t1.000\t{on_one_line}\n"
    with (tmp_path / "x.csv").open(newline="") as stream:
        assert next(csv.DictReader(stream))["speaker"] == on_one_line
    assert json.loads((tmp_path / "x.json").read_text())["speakers"] == [on_one_line]
    assert read_rttm(tmp_path / "x.rttm")["meeting"].labels() == ['a_<b>_&_"c",_d']


@pytest.mark.parametrize("suffix", ["rttm", "json", "csv", "srt", "vtt", "txt", "TextGrid"])
def test_nothing_to_write_is_a_file_all_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"silence.{suffix}"
    save_annotation(annotated(), path)
    assert "ann" not in path.read_text()
    assert os.listdir(tmp_path) == [path.name]


def test_saving_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "meeting.RTTM"
    save_annotation(CONVERSATION, str(path))
    before = path.read_text()
    with pytest.raises(ArgumentError, match="names that differ"):
        save_annotation(annotated((0, 1, "x"), (0, 1, "a b"), (1, 2, "a_b")), path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FormatError, match=r"meeting\.RTTM: cannot be written \(No space left"):
        save_annotation(annotated(), path)
    assert path.read_text() == before
    assert os.listdir(tmp_path) == [path.name]


def test_where_saving_is_not_possible(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"`path` must end in one of \.rttm, .* got .*x\.xml"):
        save_annotation(CONVERSATION, tmp_path / "x.xml")
    with pytest.raises(FormatError, match=r"x\.rttm: cannot be written \(No such file"):
        save_annotation(CONVERSATION, tmp_path / "missing" / "x.rttm")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("newline", ["\n", "", None])
def test_text_that_a_caller_opened_has_any_line_ends(end: str, newline: str | None) -> None:
    # With `newline="\n"`, a file of carriage returns is one line, longer than what is read at once.
    lines = [f"SPEAKER m 1 {i}.5 0.25 <NA> <NA> s{i} <NA> <NA>" for i in range(3000)]
    turns = read_rttm(io.StringIO(end.join(lines), newline=newline))["m"]
    assert turns.labels() == sorted(f"s{i}" for i in range(3000))

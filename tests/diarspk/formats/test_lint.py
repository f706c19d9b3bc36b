"""Every trap is found at its line, and clean files have no finding."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyannote.core import Annotation, Segment
from typer.testing import CliRunner

from diarspk.cli import app
from diarspk.errors import FormatError
from diarspk.formats import Finding, lint_rttm, lint_uem, save_annotation


def line(
    start: object = "1.000",
    duration: object = "2.000",
    *,
    uri: str = "talk",
    name: str = "anna",
    channel: int = 1,
) -> str:
    return f"SPEAKER {uri} {channel} {start} {duration} <NA> <NA> {name} <NA> <NA>"


def lint(folder: Path, *lines: str, **options: dict[str, float]) -> list[Finding]:
    path = folder / "all.rttm"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lint_rttm(path, **options)


def test_what_we_write_is_clean(tmp_path: Path) -> None:
    annotation = Annotation(uri="talk")
    annotation[Segment(0, 1), 0], annotation[Segment(0.5, 3), 1] = "a", "b"
    save_annotation(annotation, tmp_path / "talk.rttm")
    assert lint_rttm(tmp_path / "talk.rttm") == []


@pytest.mark.parametrize(
    ("lines", "number", "severity", "text"),
    [
        ([line(), "SPEAKER talk 1 five 1 <NA> <NA> a <NA> <NA>"], 2, "error", "the start must be"),
        ([line(), line(-1, 2)], 2, "error", "the start must be"),
        ([line(), "SPEAKER talk 1 1 2"], 2, "error", "9 or 10 fields, got 5"),
        ([line(), "TALKER talk 1 1 2 <NA> <NA> a <NA> <NA>"], 2, "error", "must be SPEAKER"),
        ([line(), line(5, 0)], 2, "warning", "no length"),
        ([line(), "SPKR-INFO talk 1 <NA> <NA> <NA> unknown anna <NA>"], 2, "warning", "SPKR-INFO"),
        (["SPEAKER talk 1 1 2 <NA> <NA> anna"], 1, "warning", "8 fields"),
        ([line(name="<NA>")], 1, "error", "no speaker"),
        ([line(uri="talk.wav")], 1, "warning", "is a file name"),
        ([line(uri="a/talk")], 1, "warning", "is a file name"),
        ([line(uri="re\u0301union")], 1, "warning", "decomposed"),
        ([line(), line(5, channel=2)], 1, "warning", "channels 1, 2"),
        ([line(channel=0)], 1, "warning", "channel 0"),
        ([line(), line(2, 3)], 2, "warning", "of `anna` overlaps with line 1"),
        ([line(), line()], 2, "warning", "of `anna` repeats line 1"),
        ([line(5), line(1)], 2, "warning", "starts before"),
    ],
)
def test_each_trap_is_found(
    tmp_path: Path, lines: list[str], number: int, severity: str, text: str
) -> None:
    found = lint(tmp_path, *lines)
    assert [(one.line, one.severity) for one in found if text in one.message][:1] == [
        (number, severity)
    ]


def test_a_name_with_a_space(tmp_path: Path) -> None:
    fields = ["SPEAKER", "talk", "1", "1.0", "2.0", "<NA>", "<NA>", "anna b", "<NA>", "<NA>"]
    (found,) = lint(tmp_path, "\t".join(fields))
    assert "a space" in found.message


def test_ends_in_place_of_durations(tmp_path: Path) -> None:
    (found,) = (
        one
        for one in lint(tmp_path, *(line(2 * n, 2 * n + 1, name=f"s{n}") for n in range(6)))
        if one.severity == "error"
    )
    assert "looks like the end" in found.message
    assert not lint(tmp_path, *(line(2 * n, 1) for n in range(6)))


def test_text_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "all.rttm"
    path.write_bytes(b"\xef\xbb\xbf" + line().encode() + b"\n\xff\xfe\n;; a comment\n\n")
    assert [(one.line, one.severity) for one in lint_rttm(path)] == [
        (1, "warning"),
        (2, "error"),
    ]
    with pytest.raises(FormatError, match=r"none\.rttm: no such file"):
        lint_rttm(tmp_path / "none.rttm")


def test_a_file_of_another_kind_is_one_finding(tmp_path: Path) -> None:
    path = tmp_path / "all.rttm"
    path.write_bytes(line().encode() + b"\nRIFF\0\n" + bytes(range(256)) * 500)
    (found,) = lint_rttm(path)
    assert (found.line, found.severity) == (2, "error")
    assert "not text" in found.message
    (found,) = lint(tmp_path, "# A page", *["with many lines"] * 500)
    assert (found.line, found.severity) == (None, "error")
    assert "none of its 500 lines is of RTTM; line 2: a record must be" in found.message
    path.write_bytes(line().encode() + b"\n" + b"\xff\n" * 500)
    (found,) = lint_rttm(path)
    assert (found.line, found.severity) == (2, "error")
    assert "nor are 499 other lines" in found.message


def test_what_other_tools_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "all.rttm"
    path.write_text("; one\r# two\r# three\r" + line() + "\r", newline="")
    texts = {one.line: one.message for one in lint_rttm(path) if one.severity == "warning"}
    assert set(texts) == {1, 2}
    assert "carriage return" in texts[1]
    assert "begins with #" in texts[2]


def test_ids_match_in_every_writing(tmp_path: Path) -> None:
    turns = lint(tmp_path, line(1, 20, uri="r\u00e9union"), durations={"re\u0301union": 10.0})
    assert [one.severity for one in turns] == ["error"]
    (tmp_path / "all.uem").write_text("r\u00e9union 1 0 10\n", encoding="utf-8")
    assert lint_uem(tmp_path / "all.uem", turns_of=["re\u0301union"]) == []


def test_turns_beyond_the_recording(tmp_path: Path) -> None:
    found = lint(tmp_path, line(), line(9, 5), durations={"talk": 10.0})
    assert [one.line for one in found] == [2]
    assert not lint(tmp_path, line(9, 1.3), durations={"talk": 10.0})


def test_uem(tmp_path: Path) -> None:
    path = tmp_path / "all.uem"
    path.write_text("talk 1 0 10\ntalk 1 9 12\ncall 1 5 5\ntalk 1 20 30\n")
    found = lint_uem(path, durations={"talk": 25.0}, turns_of=["talk", "other"])
    assert [(one.line, one.severity) for one in found] == [
        (None, "warning"),
        (2, "warning"),
        (3, "error"),
        (4, "error"),
    ]
    assert "no region of `other`" in found[0].message


def test_command(tmp_path: Path) -> None:
    (tmp_path / "talk.rttm").write_text(line() + "\n" + line(3, 9, name="ben") + "\n")
    (tmp_path / "talk.uem").write_text("talk 1 0 12\n")
    files = [str(tmp_path / "talk.rttm"), str(tmp_path / "talk.uem")]
    clean = CliRunner().invoke(app, ["lint", *files])
    assert (clean.exit_code, clean.stdout) == (0, "")
    assert clean.stderr == "2 files, 0 errors, 0 warnings\n"
    soundfile.write(tmp_path / "talk.wav", np.zeros(16000), 16000)
    result = CliRunner().invoke(app, ["lint", *files, "--audio", str(tmp_path), "--json"])
    assert result.exit_code == 1
    assert {one["line"] for one in json.loads(result.stdout)} == {1, 2}


def test_the_command_shows_a_part_of_many_findings(tmp_path: Path) -> None:
    (tmp_path / "talk.rttm").write_text((line(5) + "\n") * 300)
    arguments = ["lint", str(tmp_path / "none.rttm"), str(tmp_path / "talk.rttm")]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 1
    assert len(shown.stdout.splitlines()) == 100
    missing, more, _ = shown.stderr.splitlines()
    assert "none.rttm: no such file" in missing
    assert "199 more findings" in more
    assert len(json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)) == 299


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_the_command_reads_a_pipe_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(line() + "\n",))
    writer.start()
    (tmp_path / "talk.uem").write_text("talk 1 0 12\n")
    found = CliRunner().invoke(app, ["lint", str(pipe), str(tmp_path / "talk.uem")])
    writer.join()
    assert (found.exit_code, found.stdout) == (0, "")


def test_strict_makes_warnings_count(tmp_path: Path) -> None:
    (tmp_path / "talk.rttm").write_text(line(channel=0) + "\n")
    file = str(tmp_path / "talk.rttm")
    assert CliRunner().invoke(app, ["lint", file]).exit_code == 0
    assert CliRunner().invoke(app, ["lint", file, "--strict"]).exit_code == 1

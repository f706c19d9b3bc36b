"""``diarspk score`` on files small enough to score by hand."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from diarspk.cli import app
from tests.full_disk import content_of

# 10 s of reference: 1 s missed, 2 s confused, 1 s of false alarm (10 to 11).
REFERENCE = [("meeting", 0, 6, "anna"), ("meeting", 6, 10, "ben"), ("call", 0, 4, "eve")]
HYPOTHESIS = [("meeting", 1, 8, "one"), ("meeting", 8, 11, "two"), ("call", 0, 4, "one")]


def write_rttm(file: Path, turns: list[tuple[str, float, float, str]]) -> Path:
    lines = [
        f"SPEAKER {uri} 1 {start:.3f} {end - start:.3f} <NA> <NA> {speaker} <NA> <NA>\n"
        for uri, start, end, speaker in turns
    ]
    file.write_text("".join(lines), encoding="utf-8")
    return file


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return (
        write_rttm(tmp_path / "reference.rttm", REFERENCE),
        write_rttm(tmp_path / "hypothesis.rttm", HYPOTHESIS),
    )


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def test_the_table_has_every_file_the_pool_and_the_convention(files: tuple[Path, Path]) -> None:
    result = run(*files)
    assert (result.exit_code, result.stderr) == (0, "")
    header, meeting, call, pooled, empty, convention, gap, kind = result.stdout.splitlines()
    assert header.split()[0] == "file"
    assert meeting.split()[:-1] == (
        ["meeting", "10.00", "1.00", "10.00", "1.00", "10.00", "2.00", "20.00", "40.00"]
    )
    assert call.split() == ["call", "4.00", *["0.00"] * 8]
    assert pooled.split()[:2] == ["pooled", "14.00"]
    assert pooled.split()[-2] == "28.57"  # 4 of 14 s, not the mean of 40 and 0
    assert empty == ""
    assert "No collar" in convention
    assert (gap, kind.split(":")[0]) == ("", "Reference")
    assert "0.0 % of 3 turns" in kind  # which kind of reference it is comes last


def test_json_holds_the_same_numbers(files: tuple[Path, Path]) -> None:
    document = json.loads(run(*files, "--json").stdout)
    assert document["files"]["meeting"]["der"] == pytest.approx(0.4)
    assert document["pooled"]["confusion"] == pytest.approx(2.0)
    assert document["convention"]
    assert document["reference_turns"]["turns"] == 3


def test_collar_is_on_each_side(files: tuple[Path, Path]) -> None:
    result = run(*files, "--collar", "0.5", "--json")
    document = json.loads(result.stdout)
    # Left of meeting's 10 s: 0.5 to 5.5 and 6.5 to 9.5.
    assert document["files"]["meeting"]["total"] == pytest.approx(8.0)
    assert document["collar"] == 0.5


@pytest.mark.filterwarnings("ignore::diarspk.errors.ScoringWarning")
def test_a_uem_limits_what_is_scored(files: tuple[Path, Path], tmp_path: Path) -> None:
    uem = tmp_path / "all.uem"
    uem.write_text("meeting 1 2.0 5.0\n")
    document = json.loads(run(*files, "--uem", uem, "--json").stdout)
    assert list(document["files"]) == ["meeting"]
    assert document["pooled"]["der"] == 0.0


def test_overlap_can_be_left_out(tmp_path: Path) -> None:
    turns = [("a", 0, 4, "anna"), ("a", 3, 5, "ben")]
    reference = write_rttm(tmp_path / "reference.rttm", turns)
    hypothesis = write_rttm(tmp_path / "hypothesis.rttm", [("a", 0, 4, "one"), ("a", 4, 5, "two")])
    der = {
        flags: json.loads(run(reference, hypothesis, "--json", *flags).stdout)["pooled"]["der"]
        for flags in ((), ("--skip-overlap",))
    }
    assert der[()] == pytest.approx(1 / 6)
    assert der[("--skip-overlap",)] == 0.0


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_pipes_give_what_files_give(files: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["--breakdown", "--timeline", tmp_path / "drawings"]
    expected = run(*files, *words)
    drawn = content_of(tmp_path / "drawings")
    pipes = [tmp_path / name for name in ("one", "two")]
    for pipe, file in zip(pipes, files, strict=True):
        os.mkfifo(pipe)
        threading.Thread(target=pipe.write_text, args=(file.read_text(),)).start()
    found = run(*pipes, *words)
    assert (found.exit_code, found.stdout) == (0, expected.stdout)
    assert "boundaries" in found.stdout.lower()
    assert content_of(tmp_path / "drawings") == drawn
    assert sorted(drawn) == ["call.svg", "meeting.svg"]


def test_recordings_whose_names_make_one_file_name_have_a_drawing_each(tmp_path: Path) -> None:
    file = write_rttm(tmp_path / "all.rttm", [("a/b", 0, 4, "one"), ("a_b", 0, 2, "two")])
    assert run(file, file, "--timeline", tmp_path / "drawings").exit_code == 0
    assert len(list((tmp_path / "drawings").iterdir())) == 2


def test_a_faulty_line_is_named_in_one_line(files: tuple[Path, Path]) -> None:
    reference, hypothesis = files
    hypothesis.write_text("SPEAKER meeting 1 zero 1.0 <NA> <NA> one <NA> <NA>\n")
    result = run(reference, hypothesis)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{hypothesis}:1:" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_file_is_named_in_one_line(files: tuple[Path, Path]) -> None:
    result = run(files[0], "nowhere.rttm")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nowhere.rttm" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("collar", ["-1", "inf", "nan", "much"])
def test_a_senseless_collar_is_a_usage_error(files: tuple[Path, Path], collar: str) -> None:
    assert run(*files, f"--collar={collar}").exit_code == 2

"""``diarspk link`` and the enrolment of a diarized speaker, with a tiny encoder."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from diarspk.audio import SAMPLE_RATE
from diarspk.formats import read_rttm
from tests.tiny_model import tone

Run = Callable[..., Result]

MEETINGS = {"monday": ("ann", "ben"), "tuesday": ("eve", "ann"), "friday": ("ben", "eve")}


@pytest.fixture
def meetings(tmp_path: Path) -> Path:
    """Folder of three recordings of two people each, ten seconds a person, and RTTM files."""
    for recording, names in MEETINGS.items():
        voices = [tone(name, 12.0, seed=i)[2 * SAMPLE_RATE :] for i, name in enumerate(names)]
        soundfile.write(tmp_path / f"{recording}.wav", np.concatenate(voices), SAMPLE_RATE)
        lines = [
            f"SPEAKER {recording} 1 {10.0 * i:.3f} 10.000 <NA> <NA> SPEAKER_{i:02d} 0.9{i} <NA>\n"
            for i in range(2)
        ]
        (tmp_path / f"{recording}.rttm").write_text("; made by hand\n" + "".join(lines))
    return tmp_path


def rttms(folder: Path, *names: str) -> list[Path]:
    return [folder / f"{name}.rttm" for name in names or MEETINGS]


@pytest.fixture
def options(tiny: Path) -> list[object]:
    return ["--encoder", tiny, "--threshold", 0.8, "--margin", 0.1]


def test_a_person_has_one_label_in_every_recording(
    run: Run, meetings: Path, options: list[object]
) -> None:
    out = meetings / "out"
    result = run("link", *rttms(meetings), "--audio", meetings, "-o", out, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    people = {  # recordings by name: friday comes first
        "friday": ["PERSON_00", "PERSON_01"],
        "monday": ["PERSON_02", "PERSON_00"],
        "tuesday": ["PERSON_01", "PERSON_02"],
    }
    for name, expected in people.items():
        lines = (out / f"{name}.rttm").read_text().splitlines()
        assert lines[0] == "; made by hand"
        assert [line.split()[7] for line in lines[1:]] == expected
        assert [line.split()[8] for line in lines[1:]] == ["0.90", "0.91"], "confidence stays"
    with (out / "people.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["recording"], row["person"]) for row in rows] == [
        (name, person) for name in people for person in people[name]
    ]
    assert rows[0]["seconds"] == "9.90" and float(rows[0]["score"]) > 0.8
    printed = [line.split("\t") for line in result.stdout.splitlines()]
    assert printed == [list(row.values()) for row in rows]


def test_recordings_may_follow_the_option_and_their_order_changes_nothing(
    run: Run, meetings: Path, options: list[object]
) -> None:
    first, second = meetings / "first", meetings / "second"
    audio = [meetings / f"{name}.wav" for name in MEETINGS]
    one = run("link", *rttms(meetings), "--audio", *audio, "-o", first, *options, "--json")
    other = run(
        "link", *rttms(meetings)[::-1], "--audio", *audio[::-1], *options, "-o", second, "--json"
    )
    assert (one.exit_code, one.stdout) == (other.exit_code, other.stdout) == (0, one.stdout)
    assert json.loads(one.stdout.splitlines()[0])["person"] == "PERSON_00"
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes()


def test_a_file_that_fails_is_told_and_the_others_are_linked(
    run: Run, meetings: Path, options: list[object]
) -> None:
    (meetings / "tuesday.wav").write_bytes(b"no audio")
    (meetings / "friday.rttm").write_text("SPEAKER friday\n")
    out = meetings / "out"
    result = run("link", *rttms(meetings), "--audio", meetings, "-o", out, *options)
    assert result.exit_code == 1 and len(result.stdout.splitlines()) == 2
    assert sorted(file.name for file in out.iterdir()) == ["monday.rttm", "people.csv"]
    first, second = result.stderr.splitlines()
    assert "friday.rttm" in first and "tuesday" in second
    assert all(line.startswith("error: ") for line in (first, second))


def test_a_missing_recording_and_a_repeated_one_are_named(
    run: Run, meetings: Path, options: list[object]
) -> None:
    out = meetings / "out"
    audio = ["--audio", meetings / "monday.wav"]
    result = run("link", *rttms(meetings, "monday", "friday"), *audio, "-o", out, *options)
    assert result.exit_code == 1
    assert "friday.rttm: has no recording called friday; give --audio" in result.stderr
    (meetings / "all.rttm").write_text(
        "".join(file.read_text() for file in rttms(meetings, "monday", "tuesday"))
    )
    twice = run(
        "link", meetings / "all.rttm", *rttms(meetings, "monday"), "--audio", meetings, "-o", out,
        *options,
    )  # fmt: skip
    assert twice.exit_code == 1
    assert "monday.rttm: recording monday is in" in twice.stderr
    assert set(read_rttm(out / "all.rttm")) == {"monday", "tuesday"}


def test_what_lies_beside_a_recording_is_none(
    run: Run, meetings: Path, options: list[object]
) -> None:
    (meetings / "monday.npz").write_bytes(b"its cue")
    out = meetings / "out"
    result = run("link", *rttms(meetings), "--audio", meetings, "-o", out, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    soundfile.write(meetings / "monday.flac", tone("ann", 3.0), SAMPLE_RATE)
    several = run("link", *rttms(meetings), "--audio", meetings, "-o", out, *options)
    assert several.exit_code == 1
    assert "monday.rttm: has two recordings of one name" in several.stderr
    missing = ["--audio", meetings / "nowhere", "--audio", meetings / "friday.wav"]
    result = run("link", *rttms(meetings, "friday"), *missing, "-o", out, *options)
    assert result.exit_code == 1 and len(result.stdout.splitlines()) == 2
    assert "nowhere: no such file or folder; check --audio" in result.stderr


def test_nothing_is_written_over_an_input(run: Run, meetings: Path, options: list[object]) -> None:
    before = {file: file.read_bytes() for file in meetings.iterdir()}
    result = run("link", *rttms(meetings), "--audio", meetings, "-o", meetings, *options)
    assert result.exit_code == 2 and "is an input" in result.stderr
    assert {file: file.read_bytes() for file in meetings.iterdir()} == before


def test_faults_of_the_command_line(run: Run, meetings: Path, tiny: Path) -> None:
    audio = ["--audio", meetings, "-o", meetings / "out", "--encoder", tiny]
    none = run("link", meetings / "monday.wav", *audio)
    assert none.exit_code == 2 and "give RTTM files" in none.stderr
    (meetings / "more").mkdir()
    (meetings / "more" / "monday.rttm").write_text("")
    same = run("link", *rttms(meetings), meetings / "more" / "monday.rttm", *audio)
    assert same.exit_code == 2 and "several files would write" in same.stderr
    unknown = run("link", *rttms(meetings), *audio)
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (1, 1)
    assert "give a threshold" in unknown.stderr
    assert not (meetings / "out").exists()


def test_too_little_clean_speech_is_told(run: Run, meetings: Path, options: list[object]) -> None:
    with (meetings / "monday.rttm").open("a") as stream:
        stream.write("SPEAKER monday 1 5.000 1.000 <NA> <NA> SPEAKER_07 <NA> <NA>\n")
    result = run("link", *rttms(meetings), "--audio", meetings, "-o", meetings / "out", *options)
    assert result.exit_code == 0
    assert "warning: monday: SPEAKER_07 talks alone for 0.0 s only" in result.stderr
    row = next(line for line in result.stdout.splitlines() if "SPEAKER_07" in line)
    assert row.split("\t")[3:] == ["0.00", "", ""]


def test_a_diarized_speaker_is_enrolled(
    run: Run, meetings: Path, people: Path, voices: dict[str, list[Path]], tiny: Path
) -> None:
    options = ["-g", people, "--encoder", tiny]
    meeting = ["--from", meetings / "tuesday.wav", "--speaker", "SPEAKER_00"]
    diarization = ["--diarization", meetings / "tuesday.rttm"]
    result = run("gallery", "enroll", "eve", *meeting, *diarization, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"eve\t{meetings / 'tuesday.wav'}\tSPEAKER_00\t9.9\n"
    listed = run("gallery", "list", "-g", people, "--json").stdout.splitlines()
    (eve,) = (one for one in map(json.loads, listed) if one["speaker"] == "eve")
    assert (eve["references"], round(eve["seconds"], 1)) == (2, 9.9)
    found = run("gallery", "identify", voices["eve"][2], *options)
    assert found.stdout.split("\t")[1] == "eve"


def test_a_recording_without_a_diarization_is_diarized_for_an_enrolment(
    run: Run, meetings: Path, tmp_path: Path, tiny: Path
) -> None:
    alone = tmp_path / "alone.wav"
    soundfile.write(alone, tone("ann", 12.0), SAMPLE_RATE)
    options = ["-g", tmp_path / "new", "--encoder", tiny, "--from", alone]
    wrong = run("gallery", "enroll", "ann", *options, "--speaker", "SPEAKER_09")
    assert wrong.exit_code == 1 and not (tmp_path / "new").exists()
    assert "has no speaker 'SPEAKER_09'; --speaker must be one of SPEAKER_00" in wrong.stderr
    result = run("gallery", "enroll", "ann", *options, "--speaker", "SPEAKER_00")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"ann\t{alone}\tSPEAKER_00\t")


def test_faults_of_an_enrolment_from_a_meeting(run: Run, meetings: Path, tiny: Path) -> None:
    gallery = meetings / "people"
    options = ["-g", gallery, "--encoder", tiny]
    meeting = ["--from", meetings / "monday.wav"]
    for words in ([], meeting, ["--speaker", "A"], [meetings / "friday.wav", *meeting]):
        result = run("gallery", "enroll", "ann", *words, *options)
        assert result.exit_code == 2, words
    few = meetings / "few.rttm"
    few.write_text("SPEAKER monday 1 1.0 1.0 <NA> <NA> A <NA> <NA>\n")
    options += ["--diarization", few, *meeting]
    short = run("gallery", "enroll", "ann", "--speaker", "A", *options)
    assert (short.exit_code, short.stderr.count("\n")) == (1, 1)
    assert "A talks alone for 0.9 s; 2 s are needed" in short.stderr
    label = run("gallery", "enroll", "PERSON_00", "--speaker", "A", *options)
    assert label.exit_code == 1 and "label of strangers" in label.stderr
    assert not gallery.exists()

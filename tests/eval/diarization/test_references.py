"""One hypothesis, several references of the same recording, and never one column for two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyannote.core import Annotation, Segment

from diarspk.errors import ArgumentError, FormatError
from eval.diarization import benchmark
from eval.diarization.__main__ import main
from eval.diarization.benchmark import run_benchmark, summarize
from eval.diarization.conversations import read_collections
from eval.diarization.tables import format_summaries
from eval.systems import registry


def write_rttm(path: Path, *turns: tuple[float, float, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(
            f"SPEAKER {path.stem} 1 {start} {end - start} <NA> <NA> {speaker} <NA> <NA>\n"
            for start, end, speaker in turns
        )
    )


def write_set(folder: Path) -> Path:
    folder.mkdir()
    (folder / "call.wav").touch()
    (folder / "call.uem").write_text("call 1 0 10\n")
    write_rttm(folder / "call.rttm", (0, 8, "anna"), (8, 10, "ben"))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_set(tmp_path / "set")
    write_rttm(folder / "references" / "tight" / "call.rttm", (0, 4, "anna"), (6, 8, "anna"))
    return folder


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Recordings that the system was given; it finds one speaker in 8 s."""
    given: list[str] = []

    def diarize(audio: Path) -> Annotation:
        given.append(audio.stem)
        annotation = Annotation(uri=audio.stem)
        annotation[Segment(0, 8)] = "x"
        return annotation

    benchmark._loaded.cache_clear()
    monkeypatch.setitem(registry.DIARIZERS, "fake", lambda: diarize)
    return given


def test_a_recording_is_diarized_once_and_scored_against_each(
    folder: Path, calls: list[str]
) -> None:
    outcomes = list(run_benchmark([folder], ["fake"], references=["tight"]))
    assert calls == ["call"]
    own, tight = outcomes
    assert (own.reference, own.components.der, own.reference_speakers) == ("own", 0.2, 2)
    assert (tight.reference, tight.reference_speakers) == ("tight", 1)
    assert tight.components.der == pytest.approx(2 / 6)
    assert tight.processing == own.processing


def test_references_are_never_pooled_and_every_row_names_its_own(folder: Path) -> None:
    summaries = summarize(list(run_benchmark([folder], ["fake"], references=["tight"])))
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in format_summaries(summaries).splitlines()
    ]
    assert [row[:4] for row in (rows[0], *rows[2:])] == [
        ["set", "reference", "system", "DER %"],
        ["set", "own", "fake", "20.0"],
        ["set", "tight", "fake", "33.3"],
    ]


def test_a_set_without_a_reference_is_scored_against_its_own(folder: Path, tmp_path: Path) -> None:
    other = write_set(tmp_path / "other")
    outcomes = list(run_benchmark([folder, other], ["fake"], references=["tight"]))
    assert [(one.collection, one.reference) for one in outcomes] == [
        ("set", "own"),
        ("set", "tight"),
        ("other", "own"),
    ]


def test_a_reference_that_no_set_has_is_an_error(folder: Path) -> None:
    with pytest.raises(ArgumentError, match=r"`references` must name a folder .* got 'mfa'"):
        read_collections([folder], ["mfa"])


def test_a_recording_that_a_reference_lacks_is_an_error(folder: Path) -> None:
    (folder / "references" / "tight" / "call.rttm").unlink()
    with pytest.raises(FormatError, match=r"tight.call\.rttm"):
        read_collections([folder], ["tight"])


def test_the_command_reports_all_in_one_run(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.json"
    arguments = ["--data", str(folder), "--systems", "fake", "--references", "tight"]
    assert main([*arguments, "--json", str(target)]) == 0
    results = json.loads(target.read_text())["results"]
    assert [(one["collection"], one["reference"]) for one in results] == [
        ("set", "own"),
        ("set", "tight"),
    ]
    assert main([*arguments[:-1], "absent"]) == 1
    assert "`references` must name" in capsys.readouterr().err

"""The table of comparison, from fixed results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyannote.core import Annotation, Segment, Timeline

from diarspk.encoders.loading import load_encoder
from diarspk.errors import FormatError
from diarspk.metrics import Components
from eval.diarization import comparison
from eval.diarization.benchmark import summarize
from eval.diarization.comparison import (
    compare,
    format_comparison,
    main,
    read_demo,
)
from eval.diarization.conversation import Conversation
from eval.diarization.published import PublishedFigure, read_published
from eval.diarization.results import Outcome
from eval.systems import registry

OURS = Outcome(
    system="diarspk",
    collection="ami",
    recording="one",
    components=Components(total=100.0, miss=20.0, false_alarm=5.0, confusion=2.5),
    reference_speakers=4,
    found_speakers=4,
    duration=200.0,
    processing=2.0,
)
FIGURES = [
    PublishedFigure("A", "2025-01-01", "AMI", "only_words", "strict", "-", "card", 17.0),
    PublishedFigure("B", "2026-01-01", "AMI", "mfa", "strict", "-", "card", 9.25),
]
LINE = 'system,released,set,reference,convention,remark,source,der\nA,2025-01-01,"AMI, far",mfa,'


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def annotate(name: str) -> Annotation:
    annotation = Annotation(uri=name)
    annotation[Segment(0, 1)] = "x"
    return annotation


def test_rows_stand_beside_ours_by_set_and_reference() -> None:
    other = replace(OURS, system="senko", processing=25.0, found_speakers=3)
    outcomes = [OURS, other, replace(OURS, reference="mfa"), replace(other, reference="mfa")]
    document = format_comparison(summarize(outcomes), FIGURES, ["- somewhere"])
    rows = [cells(line) for line in document.splitlines() if line.startswith("| ami")]
    assert rows == [
        ["ami", "own", "diarspk", *("27.5", "20.0", "5.0", "2.5"), "1 of 1", "0.0100", "1.0"],
        ["ami", "own", "Senko 0.2.2", *("27.5", "20.0", "5.0", "2.5"), "0 of 1", "0.1250", "12.5"],
        ["ami", "mfa", *rows[0][2:]],
        ["ami", "mfa", *rows[1][2:]],
    ]
    assert "- somewhere" in document


def test_published_figures_of_two_references_never_share_a_table() -> None:
    document = format_comparison(summarize([OURS]), FIGURES, [])
    first, second = document.split("### Reference: ")[1:]
    assert first.startswith("only_words\n") and "17" in first and "9.25" not in first
    assert second.startswith("mfa\n") and "9.25" in second


def test_published_figures_name_set_reference_convention_date_and_source() -> None:
    figures = read_published()
    assert {one.system for one in figures} == {
        "pyannote community-1",
        "DiariZen-L-s80-v2",
        "Nemotron 3 Diarization",
    }
    assert all(date.fromisoformat(one.released) for one in figures)
    assert all(0 < one.der < 100 for one in figures)
    # AMI has several references that differ by half of the error: each row names one of them.
    named = {one.reference for one in figures if one.set.startswith("AMI")}
    assert named == {"only_words", "mfa"}
    order = [one.reference for one in figures]
    assert order == sorted(order, key=order.index)  # neighbours, so one table each


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        ("strict,-,card\n", "2: must have a value in every column"),
        ("strict,-,,17\n", "2: must have a value in every column"),
        ("strict,-,card,much\n", "2: `der` must be a number, got 'much'"),
    ],
)
def test_a_faulty_row_is_named(tmp_path: Path, rest: str, fault: str) -> None:
    path = tmp_path / "published.csv"
    path.write_text(LINE + rest)
    with pytest.raises(FormatError, match=fault):
        read_published(path)


def test_systems_take_turns_and_the_fastest_round_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, str]] = []

    def system(name: str) -> Callable[[Path], Annotation]:
        def diarize(audio: Path) -> Annotation:
            calls.append((name, audio.stem))
            return annotate(audio.stem)

        return diarize

    # Starts and ends of each call: seconds 9, 9 (unmeasured), then 5, 2, 3, 4.
    durations = iter([9.0, 9.0, 5.0, 2.0, 3.0, 4.0])
    clock = iter([time for seconds in durations for time in (0.0, seconds)])
    monkeypatch.setattr("eval.diarization.benchmark.time.perf_counter", lambda: next(clock))
    conversation = Conversation(Path("a.wav"), annotate("a"), Timeline([Segment(0, 1)]))
    outcomes = list(
        compare({"set": [conversation]}, {"x": system("x"), "y": system("y")}, rounds=2)
    )
    assert calls == [("x", "a"), ("y", "a")] * 3
    assert [(one.system, one.processing) for one in outcomes] == [("x", 3.0), ("y", 2.0)]


def test_the_demo_is_scored_as_a_whole(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "sample.wav", np.zeros(2 * 16000), 16000)
    (tmp_path / "sample.rttm").write_text("SPEAKER sample 1 0 1 <NA> <NA> a <NA> <NA>\n")
    assert read_demo(tmp_path / "sample.wav").duration == 2.0
    (tmp_path / "sample.rttm").write_text("SPEAKER other 1 0 1 <NA> <NA> a <NA> <NA>\n")
    with pytest.raises(FormatError, match="has no turn of `sample`"):
        read_demo(tmp_path / "sample.wav")


def test_one_command_makes_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    soundfile.write(folder / "a.wav", np.zeros(16000), 16000)
    (folder / "a.rttm").write_text("SPEAKER a 1 0 1 <NA> <NA> x <NA> <NA>\n")
    (folder / "a.uem").write_text("a 1 0 1\n")
    monkeypatch.setitem(registry.DIARIZERS, "fake", lambda: lambda audio: annotate(audio.stem))
    target = tmp_path / "comparison.md"
    monkeypatch.setattr(comparison, "RESULT", target)
    monkeypatch.setattr(comparison, "find_demo", lambda: None)
    assert main(["--data", str(folder), "--systems", "fake", "--write"]) == 0
    captured = capsys.readouterr()
    assert target.read_text() == captured.out
    assert "no demo call" in captured.err
    for part in (
        "| set | own",
        "cores",
        f"encoder `{load_encoder().fingerprint}`",
        "load average",
        "Nemotron 3",
    ):
        assert part in captured.out
    assert main(["--data", str(folder), "--systems", "nobody"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2  # no demo, and the fault

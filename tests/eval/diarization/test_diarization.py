from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyannote.core import Annotation, Segment

from eval.diarization import benchmark
from eval.diarization.__main__ import main
from eval.diarization.benchmark import run_benchmark, summarize
from eval.diarization.tables import format_summaries
from eval.systems import registry as systems

REFERENCE = {
    "long": [(0.0, 6.0, "anna"), (5.0, 9.0, "ben")],  # 10 s of speech, 1 s of it overlap
    "short": [(0.0, 2.0, "anna")],
}


def turns_to_rttm(name: str, turns: list[tuple[float, float, str]]) -> str:
    return "".join(
        f"SPEAKER {name} 1 {start} {end - start} <NA> <NA> {speaker} <NA> <NA>\n"
        for start, end, speaker in turns
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for name, turns in REFERENCE.items():
        (folder / f"{name}.wav").touch()
        (folder / f"{name}.rttm").write_text(turns_to_rttm(name, turns))
        (folder / f"{name}.uem").write_text(f"{name} 1 0.0 10.0\n")
    return folder


def name_one_speaker(audio: Path) -> Annotation:
    """Wrong in every way: 4 s false alarm on `short`; on `long` the overlap and ben."""
    end = {"long": 9.0, "short": 6.0}[audio.stem]
    return Annotation(uri=audio.stem).from_records([(Segment(0.0, end), "_", "x")], uri=audio.stem)


@pytest.fixture(autouse=True)
def fake_system(monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark._loaded.cache_clear()
    monkeypatch.setitem(systems.DIARIZERS, "fake", lambda: name_one_speaker)


def test_errors_pool_by_duration(folder: Path) -> None:
    (summary,) = summarize(list(run_benchmark([folder], ["fake"])))
    components = summary.components
    assert components.total == pytest.approx(12.0)
    assert components.miss == pytest.approx(1.0)
    assert components.false_alarm == pytest.approx(4.0)
    assert components.confusion == pytest.approx(3.0)
    assert components.der == pytest.approx(8 / 12)


def test_speaker_count(folder: Path) -> None:
    (summary,) = summarize(list(run_benchmark([folder], ["fake"])))
    assert summary.count_accuracy == 0.5  # right on `short`, one too few on `long`
    assert summary.count_error == 0.5
    assert summary.real_time_factor == pytest.approx(summary.processing / 20.0)


def test_uem_limits_the_score(folder: Path) -> None:
    (folder / "short.uem").write_text("short 1 0.0 3.0\n")
    outcomes = {one.recording: one for one in run_benchmark([folder], ["fake"])}
    assert outcomes["short"].components.false_alarm == pytest.approx(1.0)


def test_another_projects_system_from_rttm(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name, turns in REFERENCE.items():
        (other / f"{name}.rttm").write_text(turns_to_rttm(name, turns))
    (summary,) = summarize(list(run_benchmark([folder], [f"rttm:{other}"])))
    assert summary.components.der == 0.0
    assert summary.count_accuracy == 1.0


def test_several_processes_agree_with_one(folder: Path) -> None:
    system = f"rttm:{folder}"
    alone = list(run_benchmark([folder], [system]))
    together = list(run_benchmark([folder], [system], jobs=2))
    assert [one.recording for one in together] == [one.recording for one in alone]
    assert [one.components for one in together] == [one.components for one in alone]


def test_table_has_systems_side_by_side(folder: Path) -> None:
    system = f"rttm:{folder}"
    summaries = summarize(list(run_benchmark([folder], ["fake", system])))
    table = format_summaries(summaries, per_recording=True)
    pooled, recordings = table.split("\n\n")
    assert [line.split("|")[3].strip() for line in pooled.splitlines()[2:]] == ["fake", system]
    assert "66.7" in pooled.splitlines()[2]
    assert [line.split("|")[1].strip() for line in recordings.splitlines()[2:]] == [
        "set/long",
        "set/long",
        "set/short",
        "set/short",
    ]


def test_counts_stand_apart_by_the_right_number(folder: Path) -> None:
    summaries = summarize(list(run_benchmark([folder], ["fake"])))
    _, counts = format_summaries(summaries, by_speakers=True).split("\n\n")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in counts.splitlines()[2:]]
    # `fake` names one speaker always: right on `short`, whose 2 s it makes 6 s.
    assert [row[3:7] for row in cells] == [["1", "1", "1", "1.0"], ["2", "1", "0", "1.0"]]
    assert cells[0][7] == "200.0"


def test_command_writes_table_and_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "report.json"
    assert main(["--data", str(folder), "--systems", "fake", "--json", str(target)]) == 0
    assert "| set | own       | fake " in capsys.readouterr().out
    report = json.loads(target.read_text())
    assert {"date", "command", "machine", "versions", "convention"} <= set(report)
    (result,) = report["results"]
    assert result["speaker_count_error"] == 0.5
    assert [one["recording"] for one in result["recordings"]] == ["long", "short"]


def test_command_draws(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="only the picture needs it")
    target = tmp_path / "errors.png"
    assert main(["--data", str(folder), "--systems", "fake", "--plot", str(target)]) == 0
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("system", ["nobody", "rttm:nowhere"])
def test_unknown_system(folder: Path, capsys: pytest.CaptureFixture[str], system: str) -> None:
    assert main(["--data", str(folder), "--systems", system]) == 1
    assert "`systems` must" in capsys.readouterr().err

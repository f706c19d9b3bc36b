"""Many recordings: processes, shards, resumption and the report."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diarspk.cli.batch_options import Shard
from diarspk.cli.folder_lock import locked_report
from diarspk.cli.report import Report, Row
from diarspk.formats import read_rttm
from tests.diarspk.cli.conftest import Run
from tests.full_disk import limited_files
from tests.paths import ROOT
from tests.tiny_model import tone, write_voices

RATE = 16000
COLUMNS = [
    *("result", "recording", "status", "duration_s", "time_s", "speakers", "warnings", "error"),
    *("digest", "settings"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six recordings: two of one name in different folders, a silent one, and one that is none."""
    calls = tmp_path / "calls"
    (calls / "sub").mkdir(parents=True)
    write_voices(calls, 1, 2.0)
    soundfile.write(calls / "sub" / "ann0.wav", tone("eve", 2.0), RATE)
    soundfile.write(calls / "silent.wav", np.zeros(RATE * 2), RATE)
    (calls / "bad.wav").write_text("no audio")
    return calls


def results(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix != ".csv"}


def rows(report: Path) -> list[dict[str, str]]:
    with report.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_processes_and_shards_write_the_same_bytes(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    one, two, parts = (tmp_path / name for name in ("one", "two", "parts"))
    words = ("diarize", folder, "--encoder", tiny, "--quiet")
    done = [
        run(*words, "-o", one),
        run(*words, "-o", two, "--jobs", 2),
        *(run(*words, "-o", parts, "--shard", f"{index}/3") for index in (1, 2, 3)),
    ]
    expected = {"ann0.rttm", "ben0.rttm", "eve0.rttm", "silent.rttm", "sub_ann0.rttm"}
    assert results(one).keys() == expected
    assert results(one) == results(two) == results(parts)
    assert list(read_rttm(one / "sub_ann0.rttm")) == ["sub_ann0"]
    failed = f"error: {folder / 'bad.wav'}: not audio"
    assert [each.exit_code for each in done] == [1, 1, 0, 1, 0]
    assert [each.stderr.count(failed) for each in done] == [1, 1, 0, 1, 0]
    assert sum(each.stderr.count("warning: silent: the recording is") for each in done[2:]) == 1
    assert all("warning: silent: the recording is silent" in each.stderr for each in done[:2])
    told = [
        [(row["result"], row["status"], row["digest"], row["warnings"]) for row in rows(report)]
        for report in (one / "report.csv", two / "report.csv")
    ]
    assert told[0] == told[1]
    split = [rows(parts / f"report-{index}-of-3.csv") for index in (1, 2, 3)]
    assert [[row["result"] for row in part] for part in split] == [
        ["ann0.rttm", "eve0.rttm"],
        ["bad.rttm", "silent.rttm"],
        ["ben0.rttm", "sub_ann0.rttm"],
    ]


def test_the_report_has_a_line_for_each_recording(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    missing = tmp_path / "missing.wav"
    assert run("diarize", folder, missing, "-o", out, "--encoder", tiny).exit_code == 1
    found = {row["result"]: row for row in rows(out / "report.csv")}
    assert list(found["ann0.rttm"]) == COLUMNS
    assert [found[name]["status"] for name in found] == ["done", "failed", *["done"] * 4, "failed"]
    ann, bad, silent = (found[f"{name}.rttm"] for name in ("ann0", "bad", "silent"))
    assert (ann["recording"], ann["duration_s"], ann["speakers"]) == (
        str(folder / "ann0.wav"),
        "2.000",
        "1",
    )
    assert float(ann["time_s"]) > 0 and len(ann["digest"]) == 64
    assert (ann["warnings"], ann["error"]) == ("", "")
    assert "the recording is silent" in silent["warnings"]
    assert "not audio" in bad["error"] and bad["speakers"] == ""
    assert "missing.wav" in found["missing.rttm"]["error"]


def test_what_is_done_is_not_done_again_unless_it_changed(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("diarize", folder, "-o", out, "--encoder", tiny, "--resume")
    assert run(*words, "--shard", "1/2").exit_code == 0
    assert run(*words).exit_code == 1
    for file in out.glob("*.rttm"):
        file.write_text("mine")
    (out / "ben0.rttm").unlink()
    soundfile.write(folder / "eve0.wav", tone("ann", 2.0), RATE)
    again = run(*words, "--jobs", 2)
    assert "note: 3 of 6 recordings were done before" in again.stderr
    kept = {name for name, text in results(out).items() if text == b"mine"}
    assert kept == {"ann0.rttm", "silent.rttm", "sub_ann0.rttm"}
    assert len(rows(out / "report.csv")) == 6
    other = run(*words, "--num-speakers", 1)
    assert "done before" not in other.stderr
    assert b"mine" not in results(out).values()


def test_reports_that_are_damaged_or_none_are_disregarded(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("diarize", folder / "ann0.wav", folder / "ben0.wav", "-o", out, "--encoder", tiny)
    assert run(*words, "--resume").exit_code == 0
    report = out / "report.csv"
    whole = report.read_bytes()
    report.write_bytes(whole[: whole.rindex(b",")])
    (out / "report-1-of-2.csv").write_bytes(b"start,end\n\0\xff" + b'"' * 99)
    again = run(*words, "--resume")
    assert again.stderr == "note: 1 of 2 recordings were done before\n"
    assert [row["status"] for row in rows(report)] == ["done", "done"]


def test_a_killed_batch_is_resumed(tiny: Path, tmp_path: Path) -> None:
    calls, out = tmp_path / "calls", tmp_path / "out"
    calls.mkdir()
    soundfile.write(calls / "a.wav", tone("ann", 2.0), RATE)
    soundfile.write(calls / "b.wav", np.tile(tone("ben", 60.0), 20), RATE)
    code = "from diarspk.cli import main; main()"
    words = ["diarize", str(calls), "-o", str(out), "--encoder", str(tiny), "--resume"]
    command = [sys.executable, "-c", code, *words, "--jobs", "2"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: (out / "report.csv").exists(), process)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    stopped = "note: stopped, 1 of 2 recordings are done; --resume goes on with the rest\n"
    assert (process.returncode, told) == (143, f"{stopped}error: stopped by SIGTERM\n")
    assert sorted(os.listdir(out)) == ["a.rttm", "report.csv"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"note: 1 of 2 recordings were done before\n")
    assert sorted(os.listdir(out)) == ["a.rttm", "b.rttm", "report.csv"]


def test_ctrl_c_tells_what_is_done(
    run: Run, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Report.add
    (tmp_path / "calls").mkdir()
    write_voices(tmp_path / "calls", 1, 2.0)

    def add(self: Report, row: Row) -> None:
        done(self, row)
        raise KeyboardInterrupt

    monkeypatch.setattr(Report, "add", add)
    out = tmp_path / "out"
    words = ["diarize", tmp_path / "calls", "-o", out, "--encoder", tiny]
    result = run(*words)
    told = "note: stopped, 1 of 3 recordings are done; --resume goes on with the rest\n"
    assert (result.exit_code, result.stderr) == (130, told)
    assert sorted(os.listdir(out)) == ["ann0.rttm", "report.csv"]
    monkeypatch.undo()
    again = run(*words, "--resume")
    assert (again.exit_code, again.stderr) == (0, "note: 1 of 3 recordings were done before\n")
    assert sorted(os.listdir(out)) == ["ann0.rttm", "ben0.rttm", "eve0.rttm", "report.csv"]


def test_a_second_batch_in_the_same_folder_is_refused(run: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    write_voices(tmp_path / "calls", 1, 2.0)
    out = tmp_path / "out"
    words = ["diarize", tmp_path / "calls", "-o", out, "--encoder", tiny]
    with locked_report(out / "report.csv"):
        result = run(*words)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert f"{out}: another process is writing results here; wait" in result.stderr
        assert os.listdir(out) == [".report.csv.lock"]
        assert run(*words, "--shard", "1/2").exit_code == 0  # each part has a report of its own
    assert run(*words).exit_code == 0
    assert not list(out.glob(".*"))


def wait_for(condition: object, process: subprocess.Popen[str]) -> None:
    assert callable(condition)
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def test_parts_of_recordings_are_diarized_by_themselves(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    shutil.copy(folder / "ann0.wav", tmp_path / "call.wav")
    table = tmp_path / "parts.csv"
    table.write_text("path,name,start,end\ncall.wav,first,0,1.25\ncall.wav,second/half,1,2\n")
    out = tmp_path / "out"
    assert run("diarize", table, "-o", out, "--encoder", tiny, "--format", "csv").exit_code == 0
    assert sorted(os.listdir(out)) == ["first.csv", "report.csv", "second_half.csv"]
    assert [row["duration_s"] for row in rows(out / "report.csv")] == ["1.250", "1.000"]
    printed = run("embed", table, "--encoder", tiny)
    assert [line.split("\t")[1:3] for line in printed.stdout.splitlines()] == [
        ["0.000", "1.250"],
        ["1.000", "2.000"],
    ]
    assert run("embed", table, "--encoder", tiny, "--spans", "0:1").exit_code == 2


def test_a_model_that_does_not_load_is_told_once_and_leaves_nothing(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    (folder / "bad.wav").unlink()
    for jobs in (1, 2):
        done = run("diarize", folder, "-o", tmp_path / "out", "--encoder", "no", "--jobs", jobs)
        assert done.exit_code == 1
        assert done.stderr.count("got no;") == 1 and "Traceback" not in done.stderr
        assert not (tmp_path / "out").exists()


def test_a_full_disk_ends_a_batch_in_one_line_each(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with limited_files(10):
        done = run("diarize", folder, "-o", out, "--encoder", tiny)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {out / 'report.csv'}: ")
    assert not out.exists()


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2", "1/", "²/3"])
def test_a_wrong_shard_is_a_usage_error(run: Run, folder: Path, tmp_path: Path, text: str) -> None:
    done = run("diarize", folder, "-o", tmp_path / "out", f"--shard={text}")
    assert done.exit_code == 2
    assert "INDEX/OF" in done.stderr


@pytest.mark.parametrize("of", [1, 2, 5, 9])
def test_shards_are_all_of_a_list_and_share_nothing(of: int) -> None:
    listed = list(range(7))
    shards = [Shard.parse(f"{index}/{of}") for index in range(1, of + 1)]
    found = [shard.of_list(listed) for shard in shards]
    assert sorted(item for part in found for item in part) == listed
    assert max(map(len, found)) - min(map(len, found)) <= 1
    assert len({shard.report for shard in shards}) == of


@pytest.mark.parametrize("option", [["--jobs", "2"], ["--resume"], ["--shard", "1/2"], []])
def test_a_batch_needs_a_folder(run: Run, folder: Path, option: list[str]) -> None:
    done = run("diarize", folder, *option)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "-o DIR" in done.stderr


def test_embeddings_of_a_list_have_a_file_each(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    out, whole = tmp_path / "out", tmp_path / "all.npz"
    words = ("embed", folder, "--encoder", tiny)
    done = [run(*words, "-o", out, "--resume", *more) for more in ([], ["--jobs", 2])]
    assert [each.exit_code for each in done] == [1, 1]
    assert f"error: {folder / 'bad.wav'}: not audio" in done[0].stderr
    assert "warning: " in done[0].stderr and "silent.wav 0:2: has 0.0 s of speech" in done[0].stderr
    assert done[1].stderr.endswith("note: 5 of 6 recordings were done before\n")
    assert run(*words, "-o", whole).exit_code == 1
    with np.load(whole) as saved:
        vectors = dict(zip(saved["files"].tolist(), saved["vectors"], strict=True))
    found = {row["recording"]: row for row in rows(out / "report.csv") if row["status"] == "done"}
    assert found.keys() == vectors.keys()
    for recording, row in found.items():
        with np.load(out / row["result"]) as saved:
            np.testing.assert_array_equal(saved["vectors"][0], vectors[recording])
        assert (row["duration_s"], row["speakers"]) == ("2.000", "")

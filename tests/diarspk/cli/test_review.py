"""``diarspk review``: where it begins, what it writes, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from diarspk.audio import open_audio
from diarspk.cli.review import review
from diarspk.cli.review_start import ReviewStart
from diarspk.editing import EditedDiarization
from tests.diarspk.review.calls import open_address, write_call
from tests.paths import ROOT

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

MAIN = """
import typer
from diarspk.cli.process import prepared_process
from diarspk.cli.review import review
app = typer.Typer()
app.command()(review)
with prepared_process():
    app()
"""


def run(*words: object) -> Result:
    application = typer.Typer()
    application.command()(review)
    return CliRunner().invoke(application, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_call(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown_turns(page: Path) -> list[tuple[float, str]]:
    found = re.search(r'id="review-data">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found is not None
    return [(turn["start"], turn["speaker"]) for turn in json.loads(found[1])["state"]["turns"]]


def test_a_page_is_exported_with_the_corrections_of_the_log(folder: Path) -> None:
    export = ("call.wav", "--diarization", "call.rttm", "--export", "page.html")
    done = run(*export, "--transcript", "words.json")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert shown_turns(folder / "page.html")[0] == (0.5, "Ann")
    edited = EditedDiarization.of("call.rttm").rename({"Ann": "Anna B"})
    edited.save("call.edits.jsonl")
    assert run(*export).exit_code == 0
    assert shown_turns(folder / "page.html")[0] == (0.5, "Anna B")
    edited.write("call.rttm")  # what was exported over the file it began with
    assert run(*export).exit_code == 0


@pytest.mark.filterwarnings("ignore::diarspk.errors.SpeechWarning")
def test_without_a_diarization_the_recording_is_diarized_once(folder: Path) -> None:
    log = folder / "call.edits.jsonl"
    done = run("call.wav", "--export", "page.html", "--quiet")
    assert (done.exit_code, done.stdout) == (0, "")
    assert not log.exists()  # nothing was corrected
    start = ReviewStart(open_audio("call.wav"), log)
    begun = start.begin().edited
    assert begun.duration == 6.0
    begun.add_turn(1.0, 2.0, "Zoë").save(log)
    assert (1.0, "Zoë") in [(turn.start, turn.speaker) for turn in start.begin().edited.turns]
    assert run("call.wav", "--export", "page.html").exit_code == 0
    assert (1.0, "Zoë") in shown_turns(folder / "page.html")


def test_corrections_of_another_diarization_are_done_again_when_asked(folder: Path) -> None:
    EditedDiarization.of("call.rttm").rename({"Ann": "Anna"}).save("call.edits.jsonl")
    text = (folder / "call.rttm").read_text().replace(" 0.5 1.5 ", " 0.75 1.25 ")
    (folder / "call.rttm").write_text(text)
    export = ("call.wav", "--diarization", "call.rttm", "--export", "page.html")
    refused = run(*export)
    assert refused.exit_code == 1
    assert "call.edits.jsonl holds corrections of another diarization" in refused.stderr
    assert run(*export, "--replay").exit_code == 0
    assert shown_turns(folder / "page.html")[0] == (0.75, "Anna")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["none.wav"], 1, "none.wav: no such file"),
        (["call.wav", "--diarization", "none.rttm"], 1, "none.rttm: no such file"),
        (["call.wav", "--diarization", "words.json"], 1, "words.json"),
        (["call.wav", "--transcript", "none.json"], 1, "none.json"),
        (["call.wav", "--edits", "call.rttm"], 1, "call.rttm"),
        (["call.wav", "--export", "none/page.html"], 1, "there is no such folder"),
        (["call.wav", "--edits", "none/log.jsonl"], 1, "none/log.jsonl: cannot be written: its"),
        (["call.wav", "--port", "99999"], 2, "65535"),
        (["call.wav", "--replay"], 2, "--replay needs --diarization"),
        (["call.wav", "--diarization", "call.rttm", "--num-speakers", "2"], 2, "to diarize"),
        (["words.json"], 1, "words.json"),
    ],
)
def test_a_fault_is_one_line(folder: Path, words: list[str], status: int, told: str) -> None:
    done = run(*words)
    assert done.exit_code == status
    assert told in " ".join(done.stderr.replace("│", "").split())
    assert status == 2 or done.stderr.count("\n") == 1
    assert not (folder / "call.edits.jsonl").exists()


def test_a_port_in_use_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("call.wav", "--diarization", "call.rttm", "--port", port)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert f"got {port}" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to one process")
def test_ctrl_c_ends_it_and_every_operation_is_kept(folder: Path) -> None:
    command = [sys.executable, "-c", MAIN, "call.wav", "--diarization", "call.rttm"]
    with subprocess.Popen(
        [*command, "--no-browser"],
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        address = process.stdout.readline().strip()
        events = open_address(f"{address}events")  # an open window
        assert b"windows" in events.readline()
        body = {"operation": {"op": "delete", "turns": [0]}, "revision": 1, "window": "w"}
        request = urllib.request.Request(
            f"{address}operations",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        assert open_address(request).status == 200
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert time.monotonic() - asked < 10
        assert process.stderr.read().splitlines()[-1] == "corrections: call.edits.jsonl"
    assert len(EditedDiarization.load("call.edits.jsonl").turns) == 3

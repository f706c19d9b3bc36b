"""Standard streams that end, names that are not text, and signals, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from diarspk.cli import process
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors and signals of POSIX")

Done = subprocess.CompletedProcess[str]

MAIN = "import sys; from diarspk.cli import main; main()"
RTTM = "SPEAKER r\u00e9union 1 0 2 <NA> <NA> ann <NA>\n"

WAITING = """
import sys, time
from pathlib import Path
from diarspk.atomic import atomic_path
from diarspk.cli import application

def work():
    with atomic_path(Path(sys.argv[1])) as part:
        part.write_text("half")
        print("ready", flush=True)
        time.sleep(60)

application.app = work
application.main()
"""


@pytest.fixture
def rttm(tmp_path: Path) -> Path:
    file = tmp_path / "a.rttm"
    file.write_text(RTTM, encoding="utf-8")
    return file


def run(
    *words: object, closed: int | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command; ``closed`` is a descriptor that it starts without."""
    command = [sys.executable, "-c", MAIN, *map(str, words)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        command,
        cwd=ROOT,
        text=True,
        errors="surrogateescape",
        preexec_fn=None if closed is None else lambda: os.close(closed),
        **streams,
    )


@pytest.mark.parametrize("words", [["score", "RTTM", "RTTM"], ["lint", "BAD"], ["--help"]])
def test_a_full_stdout_is_one_line_and_a_failure(words: list[str], rttm: Path) -> None:
    (rttm.parent / "bad.rttm").write_text("TALKER\n" * 9)
    files = {"RTTM": rttm, "BAD": rttm.parent / "bad.rttm"}
    with open("/dev/full", "w") as full:
        done = run(*(files.get(word, word) for word in words), stdout=full)
    assert done.returncode == 1
    assert "error: stdout: No space left on device\n" in done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_a_stdout_that_is_closed_is_a_failure_where_something_is_printed(rttm: Path) -> None:
    done = run("score", rttm, rttm, closed=1)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: stdout: Bad file descriptor\n"
    written = rttm.parent / "both.rttm"
    done = run("combine", rttm, rttm, "-o", written, closed=1)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert written.read_text(encoding="utf-8").startswith("SPEAKER r\u00e9union 1 0.000 2.000")


def test_a_stdin_that_is_closed_is_empty() -> None:
    done = run("diarize", "-", closed=0)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: stdin: the file is empty; check the recording\n"
    with open(os.devnull) as nothing:
        assert run("diarize", "-", stdin=nothing).stderr == done.stderr


def test_a_reader_that_has_gone_ends_a_command_without_a_word(rttm: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = run("score", rttm, rttm, stdout=write)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_messages_that_nobody_takes_cost_nothing(rttm: Path) -> None:
    good = run("lint", rttm)
    assert (good.returncode, good.stderr) == (0, "1 files, 0 errors, 0 warnings\n")
    with open("/dev/full", "w") as full:
        assert run("lint", rttm, stderr=full).returncode == 0
        assert run("score", rttm, "nowhere.rttm", stderr=full).returncode == 1
    silent = run("score", rttm, "nowhere.rttm", closed=2)
    assert (silent.returncode, silent.stdout, silent.stderr) == (1, "", "")


def test_output_in_a_pipe_is_utf_8_in_every_locale(rttm: Path) -> None:
    for variables in ({"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}):
        done = run("combine", rttm, rttm, env={**os.environ, **variables})
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("SPEAKER r\u00e9union 1 0.000 2.000")


def test_a_name_that_is_not_utf_8_passes_as_it_is(rttm: Path) -> None:
    name = os.fsencode(rttm.parent) + b"/r\xe9union.rttm"
    Path(os.fsdecode(name)).write_text("TALKER a\n")
    done = run("lint", os.fsdecode(name))
    assert os.fsencode(done.stdout).startswith(name + b":1: error: a record must be SPEAKER")
    done = run("score", os.fsdecode(name) + "x", rttm)
    assert done.returncode == 1
    assert "/r\\xe9union.rttmx: no such file" in done.stderr
    done = run("lint", "--json", os.fsdecode(name))
    assert '/r\\udce9union.rttm"' in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 2])
def test_a_request_to_stop_leaves_nothing_half_written(
    tmp_path: Path, number: signal.Signals, times: int
) -> None:
    file = tmp_path / "result.txt"
    file.write_text("old")
    heeded = f"import signal; signal.signal({number:d}, signal.SIG_DFL)\n"  # also under nohup
    command = [sys.executable, "-c", heeded + WAITING, str(file)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(times):
            process.send_signal(number)
        _, messages = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert messages == f"error: stopped by {number.name}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["result.txt"]
    assert file.read_text() == "old"


def test_a_hangup_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    code = ignoring + WAITING.replace("time.sleep(60)", "signal.raise_signal(signal.SIGHUP)")
    command = [sys.executable, "-c", code, str(tmp_path / "result.txt")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "result.txt").read_text() == "half"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_reader_of_bytes_that_has_gone_ends_a_command_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    with process._Output(os.fdopen(writer, "wb"), encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        process.print_bytes(b"first")
        assert os.read(reader, 100) == b"first"
        os.close(reader)
        with pytest.raises(SystemExit) as caught:
            process.print_bytes(b"second")
        assert caught.value.code == 141
        process.print_bytes(b"what is left is lost without a word")
    assert capsys.readouterr().err == ""

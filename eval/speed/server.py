"""Throughput of ``diarspk serve`` beside the command line, on the same recordings of one minute.

    python -m eval.speed.server --data ../shared/conversations/simulated --clients 1 8 64

The command line diarizes the recordings; its time is that of the recordings alone, without the
start. A server of this machine is asked for the same recordings by several clients at once, as
OpenAI's transcriptions; each answer is compared with the turns of the command line. Since other
programs may share the machine, the command line runs before and after each number of clients, which
is compared with the mean of both; processor time does not depend on them.
"""

from __future__ import annotations

import csv
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile

from diarspk.audio import SAMPLE_RATE, open_audio
from diarspk.errors import DiarspkError
from diarspk.formats import read_rttm
from eval.command_line import command
from eval.diarization.conversations import list_recordings
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["Level", "main"]

PROGRAM = [sys.executable, "-c", "from diarspk.cli import main; main()"]
HEADER = (
    *("clients", "recordings", "throughput / command line", "processor time / command line"),
    *("median", "95 %", "told to wait", "lost", "MB"),
)
MAX_TRIES = 1000
"""Tries of one request that is told to come again."""
TOLERANCE_S = 0.0015
"""RTTM and JSON round to milliseconds."""

Turns = list[tuple[float, float]]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of conversations, of which pieces are cut."""
    clients: tuple[int, ...] = (1, 8, 64)
    """Clients at once."""
    recordings: int = 16
    """Different recordings."""
    requests: int = 64
    """Requests at each number of clients; one for each client at least."""
    seconds: float = 60.0
    """Length of a recording in seconds."""
    workers: int = 1
    """Workers of the server."""
    encoder: str | None = None
    """Encoder of both. Default: the embedded one."""


@dataclass(frozen=True)
class CommandTime:
    """Seconds of the command line for a recording: on the clock, and of the processors."""

    wall_s: float
    processor_s: float


@dataclass
class Level:
    """What a number of clients measured.

    Attributes
    ----------
    clients, requests : int
    wall_s, processor_s : float
        Seconds of all requests: on the clock, and of the server's processors.
    latencies_s : list of float
        Of each request, waiting included.
    waits, lost : int
        Answers that said to come again, and requests with a wrong answer or none.
    megabytes : float
        Resident memory of the server afterwards.
    beside : CommandTime
        Of the command line, before and after.
    """

    clients: int
    requests: int
    wall_s: float = 0.0
    processor_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    waits: int = 0
    lost: int = 0
    megabytes: float = 0.0
    beside: CommandTime = CommandTime(1.0, 1.0)


def write_recordings(data: Path, folder: Path, count: int, seconds: float) -> list[Path]:
    """Cut recordings of one length out of conversations, one after another."""
    files = []
    for number, samples in enumerate(islice(pieces(data, seconds), count)):
        files.append(folder / f"piece{number:02}.wav")
        soundfile.write(files[-1], samples, SAMPLE_RATE, subtype="PCM_16")
    if len(files) < count:
        raise DiarspkError(f"{data}: holds {len(files)} pieces of {seconds:g} s; {count} are asked")
    return files


def pieces(data: Path, seconds: float) -> Iterator[np.ndarray]:
    """Pieces of exactly this length of all recordings in a folder."""
    for recording in list_recordings(data):
        for block in open_audio(recording).blocks(seconds):
            if len(block) == round(seconds * SAMPLE_RATE):
                yield block


def run_command(
    files: Sequence[Path], folder: Path, encoder: str | None
) -> tuple[CommandTime, dict[str, Turns]]:
    """Diarize recordings by the command line; time for one, and the turns of each.

    The first recording counts for neither time, since the models are loaded then.
    """
    start_s = _run(files[:1], folder.with_name(f"{folder.name}-start"), encoder)
    processor_s = _run(files, folder, encoder)
    with (folder / "report.csv").open(encoding="utf-8") as stream:
        seconds = [float(row["time_s"]) for row in csv.DictReader(stream)][1:]
    processor = (processor_s - start_s) / (len(files) - 1)
    turns = {file.stem: read_turns(folder / f"{file.stem}.rttm") for file in files}
    return CommandTime(sum(seconds) / len(seconds), processor), turns


def mean_time(times: Sequence[CommandTime]) -> CommandTime:
    """Mean of several runs."""
    walls, processors = zip(*((one.wall_s, one.processor_s) for one in times), strict=True)
    return CommandTime(sum(walls) / len(walls), sum(processors) / len(processors))


def _run(files: Sequence[Path], folder: Path, encoder: str | None) -> float:
    """Processor time of the command line for recordings, in seconds."""
    options = [] if encoder is None else ["--encoder", encoder]
    folder.mkdir(parents=True)
    inputs = folder.with_suffix(".lst")  # a list: one recording has a report too
    inputs.write_text("".join(f"{file}\n" for file in files))
    before = os.times()
    subprocess.run(
        [*PROGRAM, "diarize", str(inputs), "-o", str(folder), "-q", *options], check=True
    )
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system


def read_turns(path: Path) -> Turns:
    """Read the turns of an RTTM file, without the speakers."""
    annotations = read_rttm(path).values()
    return sorted((s.start, s.end) for one in annotations for s, _ in one.itertracks())


@contextmanager
def served(folder: Path, workers: int, encoder: str | None) -> Iterator[tuple[int, int]]:
    """Run a server; yields its port and the id of its process."""
    options = [] if encoder is None else ["--encoder", encoder]
    arguments = ["serve", "--port", "0", "--data", str(folder), "--workers", str(workers), "-q"]
    with subprocess.Popen(
        [*PROGRAM, *arguments, *options], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            if not line.startswith("serving on http://127.0.0.1:"):
                raise DiarspkError(f"the server does not start: {line.strip()}")
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield int(line.split()[2].rsplit(":", 1)[1]), process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def ask(port: int, recording: bytes, level: Level) -> Turns | None:
    """Ask for the turns of a recording until the server has room; None without an answer."""
    head = (
        b'--b\r\nContent-Disposition: form-data; name="response_format"\r\n\r\ndiarized_json\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    )
    body = head + recording + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for _ in range(MAX_TRIES):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3600)
        try:
            connection.request("POST", "/v1/audio/transcriptions", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status == 429:
            level.waits += 1
            time.sleep(min(float(answer.headers["Retry-After"]), 10.0))
            continue
        if answer.status != 200:
            return None
        segments = json.loads(content)["segments"]
        return sorted((one["start"], one["end"]) for one in segments)
    return None


def measure_level(
    port: int, process: int, level: Level, files: Sequence[Path], expected: dict[str, Turns]
) -> None:
    """Let clients ask for recordings in turn until all requests are made."""
    contents = [file.read_bytes() for file in files]
    numbers, lock = iter(range(level.requests)), threading.Lock()

    def client() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            index = number % len(files)
            began = time.monotonic()
            turns = ask(port, contents[index], level)
            seconds = time.monotonic() - began
            with lock:
                level.latencies_s.append(seconds)
                level.lost += turns is None or not same(turns, expected[files[index].stem])

    threads = [threading.Thread(target=client) for _ in range(level.clients)]
    processor, began = processor_s(process), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    level.wall_s = time.monotonic() - began
    level.processor_s = processor_s(process) - processor
    level.megabytes = resident_megabytes(process)


def same(found: Turns, expected: Turns) -> bool:
    """Whether turns are the same but for rounding."""
    pairs = zip(found, expected, strict=False)
    return len(found) == len(expected) and all(
        abs(a - b) < TOLERANCE_S for pair in pairs for a, b in zip(*pair, strict=True)
    )


def _processor_ratio(level: Level) -> str:
    """Processor time of a request beside the command line; none where that took too little."""
    if level.beside.processor_s <= 0:  # the start, which is taken off, varies by as much
        return "-"
    return f"{level.processor_s / level.requests / level.beside.processor_s:.2f}"


def processor_s(process: int) -> float:
    """Seconds that the processors spent on a process (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(process: int) -> float:
    """Resident memory of a process in 10^6 bytes (Linux)."""
    text = Path(f"/proc/{process}/status").read_text()
    return next(
        int(line.split()[1]) * 1024 / 1e6 for line in text.splitlines() if line.startswith("VmRSS:")
    )


def format_levels(levels: Sequence[Level]) -> str:
    """Table of the levels; times are in those of a recording by the command line."""
    rows = []
    for level in levels:
        each, beside = level.wall_s / level.requests, level.beside
        latencies = np.quantile(level.latencies_s, [0.5, 0.95]) / beside.wall_s
        rows.append(
            [
                str(level.clients),
                str(level.requests),
                f"{beside.wall_s / each:.2f}",
                _processor_ratio(level),
                *(f"{latency:.1f}" for latency in latencies),
                str(level.waits),
                str(level.lost),
                f"{level.megabytes:.0f}",
            ]
        )
    return markdown_table(HEADER, rows)


@command
def main(settings: Settings) -> int:
    """Run the command line; 1 if an answer is lost or another than that of the command line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        files = write_recordings(
            settings.data, folder / "in", settings.recordings, settings.seconds
        )
        levels = [Level(clients, max(settings.requests, clients)) for clients in settings.clients]
        times: list[CommandTime] = []

        def run_beside() -> dict[str, Turns]:
            target = folder / f"command-{len(times)}"
            spent, turns = run_command(files, target, settings.encoder)
            times.append(spent)
            return turns

        with served(folder / "data", settings.workers, settings.encoder) as (port, process):
            expected = run_beside()
            ask(port, files[0].read_bytes(), Level(1, 1))  # what is loaded late is loaded now
            for level in levels:
                measure_level(port, process, level, files, expected)
                run_beside()
                level.beside = mean_time(times[-2:])
                print(format_levels([level]), file=sys.stderr)
    print(format_levels(levels))
    report = {"command_line": [asdict(time) for time in times]}
    settings.report.write({**report, "levels": [asdict(level) for level in levels]})
    return 1 if any(level.lost for level in levels) else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Load on ``diarspk serve``: clients that ask at once, and what the server makes of them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from diarspk.errors import DiarspkError
from eval.speed.command_time import PROGRAM, CommandTime, Turns

__all__ = ["Level", "ask", "measure_level", "same", "served"]

MAX_TRIES = 1000
"""Tries of one request that is told to come again."""
TOLERANCE_S = 0.0015
"""RTTM and JSON round to milliseconds."""


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
    beside: CommandTime = field(default_factory=lambda: CommandTime(1.0, 1.0))


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

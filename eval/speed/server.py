"""Throughput of ``diarspk serve`` beside the command line, on the same recordings of one minute.

    python -m eval.speed.server --data ../shared/conversations/simulated --clients 1 8 64

The command line diarizes the recordings; its time is that of the recordings alone, without the
start. A server of this machine is asked for the same recordings by several clients at once, as
OpenAI's transcriptions; each answer is compared with the turns of the command line. Since other
programs may share the machine, the command line runs before and after each number of clients, which
is compared with the mean of both; processor time does not depend on them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile

from diarspk.audio import SAMPLE_RATE, open_audio
from diarspk.errors import DiarspkError
from eval.command_line import command
from eval.diarization.conversations import list_recordings
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.speed.command_time import CommandTime, Turns, mean_time, run_command
from eval.speed.server_load import Level, ask, measure_level, served

__all__ = ["format_levels", "main", "write_recordings"]

HEADER = (
    *("clients", "recordings", "throughput / command line", "processor time / command line"),
    *("median", "95 %", "told to wait", "lost", "MB"),
)


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


def _processor_ratio(level: Level) -> str:
    """Processor time of a request beside the command line; none where that took too little."""
    if level.beside.processor_s <= 0:  # the start, which is taken off, varies by as much
        return "-"
    return f"{level.processor_s / level.requests / level.beside.processor_s:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())

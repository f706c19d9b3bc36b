"""Throughput of many recordings: one process, two, two shards at once, and a Ray cluster.

``python -m eval.speed.batch --data ../shared/conversations/simulated --files 200 --seconds 30``

Recordings are pieces of those of a folder. Every way must write the same bytes. From the throughput
of one core follows how many a collection needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

import soundfile

from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.checkpoints.digest import digest_file
from eval.command_line import command
from eval.diarization.conversations import list_recordings
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["WAYS", "Throughput", "main", "sizing_table", "write_pieces"]

Words = tuple[str, ...]

WAYS: dict[str, tuple[Words, ...]] = {
    "one process": (("--jobs", "1"),),
    "--jobs 2": (("--jobs", "2"),),
    "two shards at once": (("--shard", "1/2"), ("--shard", "2/2")),
    "Ray, two workers": (("--ray", "local", "--jobs", "2"),),
}
"""Options of the commands that run side by side."""

COLLECTIONS = (1e3, 1e4, 1e5, 1e6)
CORES = (64, 1000)


@dataclass(frozen=True)
class Throughput:
    """One way of doing all recordings.

    Attributes
    ----------
    way : str
    seconds : float
        Wall-clock time, models loaded included.
    audio : float
        Seconds of audio.
    identical : bool
        Whether all files have the bytes that the first way wrote.
    """

    way: str
    seconds: float
    audio: float
    identical: bool

    @property
    def speed(self) -> float:
        """Seconds of audio a second."""
        return self.audio / self.seconds


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of recordings."""
    files: int = 200
    """Number of recordings to make of them."""
    seconds: float = 30.0
    """Length of each."""


@command
def main(settings: Settings) -> int:
    """Run the command line; 1 if a way fails or writes other bytes than the first."""
    with tempfile.TemporaryDirectory() as folder:
        recordings = Path(folder) / "recordings"
        audio = write_pieces(settings.data, settings.files, settings.seconds, recordings)
        results: list[Throughput] = []
        expected: dict[str, str] = {}
        for way, commands in WAYS.items():
            output = Path(folder) / f"out-{len(results)}"
            seconds = _run(recordings, output, commands)
            found = {file.name: digest_file(file) for file in output.glob("*.rttm")}
            expected = expected or found
            results.append(Throughput(way, seconds, audio, found == expected))
            print(f"{way}: {seconds:.1f} s", file=sys.stderr)
    print(throughput_table(results))
    print()
    print(sizing_table(max(result.speed for result in results) / (os.cpu_count() or 1)))
    settings.report.write({"results": [asdict(result) for result in results]})
    return 0 if all(result.identical for result in results) else 1


def write_pieces(data: Path, files: int, seconds: float, folder: Path) -> float:
    """Cut so many pieces out of recordings, in turn; seconds of audio written."""
    folder.mkdir(parents=True)
    length, total = round(seconds * SAMPLE_RATE), 0
    sources = list_recordings(data)
    for number, source in enumerate(islice(cycle(sources), files)):
        samples = load_audio(source)
        first = number // len(sources) * length % max(len(samples) - length, 1)
        piece = samples[first : first + length]
        soundfile.write(folder / f"{number:04}.flac", piece, SAMPLE_RATE)
        total += len(piece)
    return total / SAMPLE_RATE


def throughput_table(results: Sequence[Throughput]) -> str:
    """One Markdown table; throughput beside that of the first way."""
    rows = [
        [
            result.way,
            f"{result.seconds:.1f}",
            f"{result.speed:.0f}",
            f"{result.speed / results[0].speed:.2f}",
            "yes" if result.identical else "NO",
        ]
        for result in results
    ]
    header = ("way", "seconds", "times real time", "beside the first", "same bytes")
    return markdown_table(header, rows)


def sizing_table(speed: float) -> str:
    """Core hours, and hours on so many cores, for collections of so many hours.

    Parameters
    ----------
    speed
        Seconds of audio a second of one core. The table takes it to be the same on every core, and
        reading and writing to be no bottleneck.
    """
    rows = [
        [f"{hours:,.0f}", f"{hours / speed:,.0f}", *(f"{hours / speed / n:,.1f}" for n in CORES)]
        for hours in COLLECTIONS
    ]
    header = ("hours of audio", "core hours", *(f"hours on {n:,} cores" for n in CORES))
    return markdown_table(header, rows)


def _run(recordings: Path, output: Path, commands: Sequence[Words]) -> float:
    """Run commands side by side; wall-clock seconds until the last has ended."""
    start = [sys.executable, "-c", "from diarspk.cli import main; main()", "diarize", "--quiet"]
    began = time.perf_counter()
    variables = _environment(len(commands))
    running = [
        subprocess.Popen([*start, str(recordings), "-o", str(output), *words], env=variables)
        for words in commands
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise subprocess.CalledProcessError(max(codes), start)
    return time.perf_counter() - began


def _environment(commands: int) -> dict[str, str]:
    """Share the cores between commands that do not know of one another."""
    share = max((os.cpu_count() or 1) // commands, 1)
    return {**os.environ, "OMP_NUM_THREADS": str(share)} if commands > 1 else dict(os.environ)


if __name__ == "__main__":
    raise SystemExit(main())

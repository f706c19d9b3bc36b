"""Wall-clock time and peak memory of a whole command on a long recording."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, open_audio
from diarspk.checkpoints.digest import digest_stream
from diarspk.devices import DEVICE_KINDS
from diarspk.encoders.precision import PRECISIONS
from eval.diarization.conversations import list_recordings
from eval.report.markdown import markdown_table

__all__ = ["Measurement", "command_of", "format_measurements", "measure", "write_long_recording"]

RUNS = 2


HEADER = ("system", "minutes", "seconds", "real-time factor", "peak MB", "times ours", "same RTTM")


@dataclass(frozen=True)
class Measurement:
    """One system, run as a command of its own several times on one recording.

    Attributes
    ----------
    system : str
    duration : float
        Seconds of audio.
    seconds : tuple of float
        Wall-clock time of each run, from start to end of the process.
    peak_megabytes : float
        Largest resident memory of any run, in 10^6 bytes.
    identical : bool
        Whether every run printed the same bytes.
    """

    system: str
    duration: float
    seconds: tuple[float, ...]
    peak_megabytes: float
    identical: bool

    @property
    def real_time_factor(self) -> float:
        """Slowest run over duration."""
        return max(self.seconds) / self.duration


def write_long_recording(folder: Path, seconds: float, path: Path) -> float:
    """Join the recordings of a folder, from the start again as needed; the seconds written.

    Written block by block: this process must stay small, since the peak memory that the system
    reports for a new process begins with that of its parent.
    """
    import soundfile

    left = round(seconds * SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, channels=1, subtype="PCM_16") as sink:
        for block in _endless(folder):
            sink.write(block[:left])
            left -= min(left, len(block))
            if not left:
                break
    return round(seconds * SAMPLE_RATE) / SAMPLE_RATE


def measure(system: str, recording: Path, duration: float, *, runs: int = RUNS) -> Measurement:
    """Run the command of a system on a recording.

    Raises
    ------
    subprocess.CalledProcessError
        If the command fails; it has said why on stderr.
    """
    command = [*command_of(system), str(recording)]
    results = [_run(command) for _ in range(runs)]
    return Measurement(
        system=system,
        duration=duration,
        seconds=tuple(result.seconds for result in results),
        peak_megabytes=max(result.peak_bytes for result in results) / 1e6,
        identical=len({result.digest for result in results}) == 1,
    )


def command_of(system: str) -> list[str]:
    """Command that prints the RTTM of the recording appended to it.

    Ours is what the ``diarspk`` script runs, ``diarspk:single`` and ``diarspk:bfloat16`` in that
    precision, ``diarspk:cuda`` or ``diarspk:cuda:1`` on that device; others are started the same
    way.
    """
    own, _, setting = system.partition(":")
    command = [sys.executable, "-c", "from diarspk.cli import main; main()", "diarize"]
    if own == "diarspk" and setting in ("", *PRECISIONS):
        return [*command, "--precision", setting or "auto"]
    if own == "diarspk" and setting.partition(":")[0] in DEVICE_KINDS:
        return [*command, "--device", setting]
    return [sys.executable, "-m", "eval.systems", system]


def format_measurements(results: Sequence[Measurement]) -> str:
    """One Markdown table; times are those of the slowest run."""
    ours: dict[float, float] = {}  # slowest run of the first system, by duration
    for result in results:
        ours.setdefault(result.duration, max(result.seconds))
    rows = [
        [
            result.system,
            f"{result.duration / 60:g}",
            f"{max(result.seconds):.1f}",
            f"{result.real_time_factor:.4f}",
            f"{result.peak_megabytes:.0f}",
            f"{max(result.seconds) / ours[result.duration]:.1f}",
            "yes" if result.identical else "NO",
        ]
        for result in results
    ]
    return markdown_table(HEADER, rows)


@dataclass(frozen=True)
class _Run:
    seconds: float
    peak_bytes: int
    digest: str


def _run(command: Sequence[str]) -> _Run:
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(command))
        output.seek(0)
        digest = digest_stream(output)
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, kilobytes elsewhere
    return _Run(seconds, usage.ru_maxrss * unit, digest)


def _endless(folder: Path) -> Iterator[NDArray[np.float32]]:
    for path in cycle(list_recordings(folder)):
        yield from open_audio(path).blocks()

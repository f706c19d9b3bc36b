"""What the command line takes for a recording, and the turns that it finds."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.formats import read_rttm

__all__ = ["PROGRAM", "CommandTime", "Turns", "mean_time", "read_turns", "run_command"]

PROGRAM = [sys.executable, "-c", "from diarspk.cli import main; main()"]
"""What the script ``diarspk`` runs."""

Turns = list[tuple[float, float]]


@dataclass(frozen=True)
class CommandTime:
    """Seconds of the command line for a recording: on the clock, and of the processors."""

    wall_s: float
    processor_s: float


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

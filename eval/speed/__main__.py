"""Whole-command time and memory on a long recording, twice, with the results compared.

``python -m eval.speed --data ../shared/conversations/simulated --minutes 60 --systems diarspk``
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.command_line import command
from eval.report.run_record import JsonReport
from eval.speed.measurement import format_measurements, measure, write_long_recording

__all__ = ["main"]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of recordings to join."""
    minutes: tuple[float, ...] = (60.0,)
    """Lengths of joined recordings."""
    systems: tuple[str, ...] = ("diarspk",)
    """Systems, ours first."""


@command
def main(settings: Settings) -> int:
    """Run the command line; 1 if a command failed or two runs of it differ."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "long.flac"
        for minutes in settings.minutes:
            duration = write_long_recording(settings.data, 60 * minutes, recording)
            for system in settings.systems:
                results.append(measure(system, recording, duration))
                print(f"{system}, {minutes:g}: {results[-1].seconds}", file=sys.stderr)
    print(format_measurements(results))
    report = [{**asdict(result), "real_time_factor": result.real_time_factor} for result in results]
    settings.report.write({"results": report})
    return 0 if all(result.identical for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Whole-command time and memory on a long recording, twice, with the results compared.

``python -m eval.speed --data ../shared/conversations/simulated --minutes 60 --systems diarspk``
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from diarspk.errors import DiarspkError
from eval.report.run_record import describe_run, write_json
from eval.speed.measurement import format_measurements, measure, write_long_recording

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 if a command failed or two runs of it differ."""
    options = _parser().parse_args(arguments)
    results = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            recording = Path(folder) / "long.flac"
            for minutes in options.minutes:
                duration = write_long_recording(options.data, 60 * minutes, recording)
                for system in options.systems:
                    results.append(measure(system, recording, duration))
                    print(f"{system}, {minutes:g}: {results[-1].seconds}", file=sys.stderr)
    except (DiarspkError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(format_measurements(results))
    if options.json is not None:
        report = [
            {**asdict(result), "real_time_factor": result.real_time_factor} for result in results
        ]
        write_json({**describe_run(), "results": report}, options.json)
    return 0 if all(result.identical for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.speed", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="recordings to join")
    add("--minutes", type=float, nargs="+", default=[60.0], help="lengths of joined recordings")
    add("--systems", nargs="+", default=["diarspk"], metavar="SYSTEM", help="ours first")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

"""Diarize one recording with a system, and print RTTM.

python -m eval.systems baseline meeting.wav
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from eval.systems.registry import DIARIZERS, load_diarizer

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser("python -m eval.systems", description=__doc__)
    parser.add_argument("system", help=f"{', '.join(DIARIZERS)}, or rttm:FOLDER")
    parser.add_argument("recording", type=Path)
    options = parser.parse_args()
    load_diarizer(options.system)(options.recording).write_rttm(sys.stdout)


if __name__ == "__main__":
    main()

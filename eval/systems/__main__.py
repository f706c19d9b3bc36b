"""Diarize one recording with a system, and print RTTM.

python -m eval.systems baseline meeting.wav
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from eval.command_line import Positional, command, option
from eval.systems.registry import DIARIZERS, load_diarizer

__all__ = ["main"]


@dataclass(frozen=True)
class Settings:
    system: Annotated[Positional[str], option(help=f"{', '.join(DIARIZERS)}, or rttm:FOLDER.")]
    recording: Positional[Path]
    """Recording to diarize."""


@command
def main(settings: Settings) -> None:
    load_diarizer(settings.system)(settings.recording).write_rttm(sys.stdout)


if __name__ == "__main__":
    raise SystemExit(main())

"""Largest resident memory of this process since a moment."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["peak_megabytes", "reset_peak"]

PROCESS = Path("/proc/self")
PEAK = "VmHWM:"


def reset_peak() -> None:
    """Begin anew; without Linux's ``clear_refs`` (proc(5)), the peak is that of the whole run."""
    with suppress(OSError):
        (PROCESS / "clear_refs").write_text("5")


def peak_megabytes() -> float:
    """Largest resident memory since then, in 10^6 bytes."""
    with suppress(OSError):
        for line in (PROCESS / "status").read_text().splitlines():
            if line.startswith(PEAK):
                return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

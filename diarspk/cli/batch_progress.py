"""Progress of a batch: one bar over all recordings, with the time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from diarspk.cli.terminal import ProgressCallback

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["BatchProgress", "batch_progress"]

FOR_EVER_S = 1e9
"""Seconds from which the pace is taken: recordings may be hours apart."""


class BatchProgress:
    """Shows nothing; the base of what does.

    Work is measured in bytes of the recordings, for lack of anything that is known before they are
    read.
    """

    def follow(self, name: str) -> ProgressCallback | None:
        """Progress of one recording, where they are done one after another."""
        return None

    def done(self, size: int) -> None:
        """Advance by a recording of so many bytes."""

    def skip(self, size: int) -> None:
        """Leave out a recording that took no time, which would flatter the pace."""


class BarProgress(BatchProgress):
    """Bars on a terminal: one over all recordings, and one for the stage of a single one."""

    def __init__(self, bars: Progress, count: int, size: int) -> None:
        self.bars, self.count, self.finished = bars, count, 0
        self.all = bars.add_task(f"0 of {count} recordings", total=max(size, 1))
        self.single: TaskID | None = None

    def follow(self, name: str) -> ProgressCallback:
        """Progress of one recording, stage by stage."""
        if self.single is None:
            self.single = self.bars.add_task(name, total=1.0)
        single, current = self.single, ""

        def report(stage: str, fraction: float) -> None:
            nonlocal current
            if stage != current:  # each stage has a pace of its own
                self.bars.reset(single, description=f"{name}: {stage}")
                current = stage
            self.bars.update(single, completed=fraction)

        return report

    def done(self, size: int) -> None:
        """Advance the bar over all recordings."""
        self.finished += 1
        self.bars.update(
            self.all, advance=size, description=f"{self.finished} of {self.count} recordings"
        )

    def skip(self, size: int) -> None:
        """Shorten the bar over all recordings."""
        self.count -= 1
        total = self.bars.tasks[self.all].total or 0.0
        self.bars.update(
            self.all,
            total=max(total - size, 1),
            description=f"{self.finished} of {self.count} recordings",
        )


@contextmanager
def batch_progress(quiet: bool, count: int, size: int) -> Iterator[BatchProgress]:
    """Show the progress of ``count`` recordings of ``size`` bytes together, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield BatchProgress()
        return

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, speed_estimate_period=FOR_EVER_S
    ) as bars:
        yield BarProgress(bars, count, size)

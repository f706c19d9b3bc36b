"""Control of a piece of work from outside: it is asked to stop, or its time is up."""

from __future__ import annotations

import time

__all__ = ["WorkCancelled", "WorkControl", "WorkStopped", "WorkTimedOut"]


class WorkStopped(Exception):
    """The work is not to go on; no fault of the recording."""


class WorkCancelled(WorkStopped):
    """Whoever asked for it has gone, or the server stops."""


class WorkTimedOut(WorkStopped):
    """It took longer than allowed."""


class WorkControl:
    """Flag and deadline that the work itself looks at, after every block of audio, and its notes.

    A thread cannot be stopped from outside, so whatever takes time calls :meth:`check`: the
    diarizer by its progress callback, the decoder after every chunk.

    Parameters
    ----------
    seconds
        Time that is left. Default: any.

    Attributes
    ----------
    notes : list of str
        Warnings that the work gave, for whoever asked for it.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._cancelled = False
        self.notes: list[str] = []

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancelled

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._cancelled = True

    def check(self) -> None:
        """Raise if the work is not to go on.

        Raises
        ------
        WorkCancelled, WorkTimedOut
        """
        if self._cancelled:
            raise WorkCancelled("cancelled")
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise WorkTimedOut(f"it took longer than the {self.seconds:g} s that are allowed")

    def progress(self, stage: str, fraction: float) -> None:
        """Check; the signature is that of the progress callbacks of the library."""
        self.check()

"""What ``diarspk extract --live`` shows while it runs: when the enrolled voice talks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import numpy as np

if TYPE_CHECKING:
    from tse.live_detection import LiveDetection

__all__ = ["Show", "detection_output", "draw"]

Show = Callable[["LiveDetection"], None]
"""Shows what a push has told."""

COLUMNS = 36
"""Characters of the timeline: with the figures, as many as a narrow terminal has."""

PER_COLUMN = 6
"""Probabilities of a character: half a second, and 17 s of all of them."""

BARS = " ▁▂▃▄▅▆▇█"
"""Probabilities from 0 to 1."""


@contextmanager
def detection_output(speaker: str, *, json_lines: bool, samples_on_stdout: bool) -> Iterator[Show]:
    """Yield what shows a detection: JSON lines on stdout, or a timeline on a terminal.

    Where stdout takes the samples of the voice, the timeline is on stderr, and there is nothing
    where that is no terminal.
    """
    stream = sys.stderr if samples_on_stdout else sys.stdout
    if json_lines or not stream.isatty():
        yield _ignore if samples_on_stdout else print_line
        return
    with _timeline(speaker, stream) as show:
        yield show


def print_line(told: LiveDetection) -> None:
    """Print a JSON object where something new is told."""
    if len(told.probabilities):
        print(json.dumps(told.to_json()), flush=True)


def draw(speaker: str, probabilities: list[float], told: LiveDetection) -> str:
    """Draw the last seconds on one line: the higher the bars, the likelier the voice."""
    rows = [probabilities[n : n + PER_COLUMN] for n in range(0, len(probabilities), PER_COLUMN)]
    bars = "".join(BARS[round(float(np.mean(row)) * (len(BARS) - 1))] for row in rows)
    return (
        f"{speaker} {bars:{COLUMNS}} {told.seconds:.1f} s of {told.time:.1f} s, "
        f"probability {told.presence:.2f}"
    )


@contextmanager
def _timeline(speaker: str, stream: TextIO) -> Iterator[Show]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    last: list[float] = []
    with Live(console=Console(file=stream), refresh_per_second=10, transient=False) as live:

        def show(told: LiveDetection) -> None:
            last.extend(told.probabilities.tolist())
            while len(last) > COLUMNS * PER_COLUMN:  # by whole columns, which stay as they are
                del last[:PER_COLUMN]
            live.update(Text(draw(speaker, last, told), no_wrap=True))

        yield show


def _ignore(told: LiveDetection) -> None:
    """Show nothing."""

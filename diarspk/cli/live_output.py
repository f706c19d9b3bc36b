"""What ``diarspk stream`` shows while it runs: JSON lines, or a timeline on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import RenderableType

    from diarspk.streaming import StreamingDiarizer, Update

__all__ = ["LiveOutput", "live_output"]

SHOWN_S = 30.0
"""Seconds of the timeline."""

COLUMNS = 60
"""Characters of the timeline."""

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")


class LiveOutput(Protocol):
    """Shows updates."""

    def show(self, update: Update) -> None:
        """Show what a push has changed."""
        ...


@contextmanager
def live_output(stream: StreamingDiarizer, json_lines: bool) -> Iterator[LiveOutput]:
    """Yield JSON lines on stdout, or a timeline where stdout is a terminal and none are asked."""
    if json_lines or not sys.stdout.isatty():
        yield JsonLines()
        return
    from rich.live import Live

    with Live(refresh_per_second=10, transient=False) as live:
        yield Timeline(live)


class JsonLines:
    """One JSON object a line: what has changed, and nothing where nothing has."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}

    def show(self, update: Update) -> None:
        """See :class:`LiveOutput`."""
        told = update.to_json()
        if told["time"] != self.last.get("time") or told["final"] or told["events"]:
            print(json.dumps(told, ensure_ascii=False), flush=True)
        self.last = told


class Timeline:
    """The last half minute: a row for each speaker, what is tentative in lighter signs."""

    def __init__(self, live: Any) -> None:
        self.live = live
        self.final: list[tuple[float, float, str]] = []
        self.rows: dict[str, float] = {}  # seconds of each label
        self.merged: dict[str, str] = {}

    def show(self, update: Update) -> None:
        """See :class:`LiveOutput`."""
        for event in update.events:
            if event.into is not None:
                self.merged[event.speaker] = event.into
                self.rows[event.into] = self.rows.get(event.into, 0) + self.rows.pop(
                    event.speaker, 0.0
                )
        for turn in update.final:
            self.final.append((turn.start, turn.end, turn.speaker))
            name = self._name(turn.speaker)
            self.rows[name] = self.rows.get(name, 0.0) + turn.end - turn.start
        self.final = [turn for turn in self.final if turn[1] > update.time - SHOWN_S]
        self.live.update(self._render(update))

    def _name(self, label: str) -> str:
        while label in self.merged:
            label = self.merged[label]
        return label

    def _render(self, update: Update) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        begin = max(update.time - SHOWN_S, 0.0)
        tentative = [(turn.start, turn.end, turn.speaker) for turn in update.tentative]
        names = dict.fromkeys([*self.rows, *(self._name(turn[2]) for turn in tentative)])
        for number, name in enumerate(names):
            cells = [" "] * COLUMNS
            for sign, turns in (("░", tentative), ("█", self.final)):
                for start, end, label in turns:
                    if self._name(label) == name:
                        first = int((start - begin) / SHOWN_S * COLUMNS)
                        last = int((end - begin) / SHOWN_S * COLUMNS + 0.999)
                        for cell in range(max(first, 0), min(last, COLUMNS)):
                            cells[cell] = sign
            seconds = Text(f"{self.rows.get(name, 0.0):.0f} s", style="dim", justify="right")
            bar = Text("".join(cells), style=COLOURS[number % len(COLOURS)])
            table.add_row(Text(name), bar, seconds)
        table.add_row(Text(f"{update.time:.1f} s", style="dim"), Text(""), Text(""))
        return table

"""What a session has said so far: turns under labels, and its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.intervals import find_runs
from diarspk.streaming.session import Step
from diarspk.streaming.speaker_labels import SpeakerLabels
from diarspk.streaming.turn_store import TurnStore
from diarspk.streaming.update import LiveTurn, SpeakerEvent, Update

__all__ = ["Clock", "SessionRecord"]

FIRST_ASKED_S = 2.0
"""Seconds of final turns after which the name of a speaker without one is asked again first."""


@dataclass
class Clock:
    """Seconds of the session: before this stretch, processed, and up to which turns are final."""

    offset: float = 0.0
    time: float = 0.0
    final_time: float = 0.0


class SessionRecord:
    """Turns of a session, from the steps of its networks.

    Parameters
    ----------
    names
        Names of known speakers by number.
    hop
        Seconds between trunk frames.
    identify
        Callable(speaker) -> the name of a speaker, or None. It is asked at the first final turn,
        and of those without a name again whenever they have said twice as much.
    """

    def __init__(
        self, names: Mapping[int, str], hop: float, identify: Callable[[int], str | None]
    ) -> None:
        self.hop, self.identify = hop, identify
        self.labels, self.clock = SpeakerLabels(names), Clock()
        self.turns, self.alone = TurnStore(), TurnStore()
        self.tentative: tuple[LiveTurn, ...] = ()
        # Seconds that speakers without a name have been spoken, and at which the next question is.
        self.unnamed: dict[int, tuple[float, float]] = {}

    def take(self, steps: Iterable[Step], limit_s: float = np.inf) -> Update:
        """Take in steps; return what they change.

        Parameters
        ----------
        steps
            In order.
        limit_s
            Seconds of the stretch, where its end is known: no turn is longer.
        """
        events: list[SpeakerEvent] = []
        pieces = TurnStore()
        for step in steps:
            self._take(step, events, pieces, self.clock.offset + limit_s)
        final = [
            LiveTurn(start, end, self.labels.label(speaker))
            for start, end, speaker, _ in pieces.turns()
        ]
        clock = self.clock
        return Update(clock.time, clock.final_time, tuple(final), self.tentative, tuple(events))

    def advance(self, seconds: float) -> None:
        """End a stretch, or a gap, of so many seconds: all before is final."""
        end = self.clock.offset + seconds
        self.clock = Clock(end, end, end)
        self.tentative = ()

    def _take(
        self, step: Step, events: list[SpeakerEvent], pieces: TurnStore, limit: float
    ) -> None:
        clock = self.clock
        clock.time = min(clock.offset + step.end * self.hop, limit)
        clock.final_time = min(clock.offset + step.final * self.hop, limit)
        for gone, other in step.merges:
            events += self.labels.merge(gone, other, clock.time)
        settled = step.final - step.first
        for column, speaker in enumerate(step.speakers):
            active, activity = step.active[:settled, column], step.activity[:, column]
            if active.any():
                events += self._name(speaker, float(active.sum()) * self.hop)
            for start, end, probability in self._spans(step, active, activity, limit):
                pieces.add(start, end, speaker, probability)
                self.turns.add(start, end, speaker, probability)
            alone = step.alone[:settled, column]
            for start, end, probability in self._spans(step, alone, activity, limit):
                self.alone.add(start, end, speaker, probability)
        self.tentative = tuple(sorted(self._tentative_turns(step, limit)))

    def _name(self, speaker: int, seconds: float) -> list[SpeakerEvent]:
        """Name a speaker who goes on for so many seconds: at once, or when it has said enough."""
        if self.labels.is_new(speaker):
            name = self.identify(speaker)
            events = self.labels.report(speaker, name, self.clock.time)
            if self.labels.label(speaker) != name:
                self.unnamed[speaker] = (seconds, FIRST_ASKED_S)
            return events
        if speaker not in self.unnamed:
            return []
        spoken, due = self.unnamed[speaker]
        spoken += seconds
        if spoken >= due:
            due *= 2
            if (name := self.identify(speaker)) is not None and self.labels.is_free(name):
                del self.unnamed[speaker]
                return self.labels.rename(speaker, name, self.clock.time)
        self.unnamed[speaker] = (spoken, due)
        return []

    def _tentative_turns(self, step: Step, limit: float) -> Iterator[LiveTurn]:
        for column, speaker in enumerate(step.speakers):
            active = step.active[:, column].copy()
            active[: step.final - step.first] = False
            for start, end, _ in self._spans(step, active, step.activity[:, column], limit):
                yield LiveTurn(start, end, self.labels.label(speaker))

    def _spans(
        self, step: Step, active: NDArray[np.bool_], activity: NDArray[np.float32], limit: float
    ) -> Iterator[tuple[float, float, float]]:
        """Start, end and mean probability of the runs of a mask from the step's first frame on."""
        for first, last in find_runs(active).tolist():
            start = self.clock.offset + (step.first + first) * self.hop
            end = min(self.clock.offset + (step.first + last) * self.hop, limit)
            if end > start:
                yield start, end, float(min(activity[first:last].mean(), 1.0))

    def state(self) -> dict[str, Any]:
        """Return what the session goes on from."""
        return {
            "labels": self.labels.state(),
            "turns": self.turns.state(),
            "alone": self.alone.state(),
            "clock": [self.clock.offset, self.clock.time, self.clock.final_time],
            "unnamed": [[one, *seconds] for one, seconds in self.unnamed.items()],
            "tentative": [[turn.start, turn.end, turn.speaker] for turn in self.tentative],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.labels.restore(state["labels"])
        self.turns.restore(state["turns"])
        self.alone.restore(state["alone"])
        self.clock = Clock(*state["clock"])
        self.unnamed = {speaker: (spoken, due) for speaker, spoken, due in state["unnamed"]}
        self.tentative = tuple(LiveTurn(*turn) for turn in state["tentative"])

"""Labels of the speakers of a session, which keep their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diarspk.streaming.update import SpeakerEvent

__all__ = ["SpeakerLabels"]


class SpeakerLabels:
    """Labels by speaker number: names of known people, SPEAKER_00, SPEAKER_01, ... of others.

    A speaker gets its label with its first final turn, and nobody else ever has that label.

    Parameters
    ----------
    names
        Names of known speakers by number.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        self.labels = dict(names)
        self.into: dict[int, int] = {}  # speakers who turned out to be another
        self.reported: set[str] = set()  # labels with final turns
        self.numbered = 0

    @property
    def count(self) -> int:
        """Number of people with final turns, merges applied."""
        return len(
            {self.final_label(one) for one in self.labels if self.labels[one] in self.reported}
        )

    def label(self, speaker: int) -> str:
        """Label of a speaker; of one without, the next that is free."""
        return self.labels.get(speaker) or self._next()

    def final_label(self, speaker: int) -> str:
        """Label of the person whom a speaker turned out to be."""
        while speaker in self.into:
            speaker = self.into[speaker]
        return self.label(speaker)

    def is_new(self, speaker: int) -> bool:
        """Whether a speaker has no final turn yet."""
        return self.labels.get(speaker) not in self.reported

    def is_free(self, name: str) -> bool:
        """Whether nobody has the name."""
        return name not in self.labels.values()

    def report(self, speaker: int, name: str | None, time: float) -> list[SpeakerEvent]:
        """Give a speaker whose first turn is final its label, or its name."""
        if speaker not in self.labels:
            if name is not None and self.is_free(name):
                self.labels[speaker] = name
            else:
                self.labels[speaker] = self._next()
                self.numbered = int(self.labels[speaker].removeprefix("SPEAKER_")) + 1
        label = self.labels[speaker]
        self.reported.add(label)
        return [SpeakerEvent("new", time, label)]

    def rename(self, speaker: int, name: str, time: float) -> list[SpeakerEvent]:
        """Give a free name to a speaker who has been numbered: the number is the same person."""
        before = self.labels[speaker]
        self.labels[speaker] = name
        self.reported.add(name)
        return [SpeakerEvent("merged", time, before, name)]

    def merge(self, speaker: int, other: int, time: float) -> list[SpeakerEvent]:
        """Note that a speaker is the same person as another."""
        self.into[speaker] = other
        if self.is_new(speaker):
            return []
        if other not in self.labels:
            self.labels[other] = self.labels[speaker]
            return []
        self.reported.add(self.labels[other])
        return [SpeakerEvent("merged", time, self.labels[speaker], self.labels[other])]

    def _next(self) -> str:
        taken = set(self.labels.values())
        number = self.numbered
        while f"SPEAKER_{number:02d}" in taken:
            number += 1
        return f"SPEAKER_{number:02d}"

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        return {
            "labels": [list(item) for item in self.labels.items()],
            "into": [list(item) for item in self.into.items()],
            "reported": sorted(self.reported),
            "numbered": self.numbered,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.labels = {number: label for number, label in state["labels"]}
        self.into = {number: other for number, other in state["into"]}
        self.reported, self.numbered = set(state["reported"]), state["numbered"]

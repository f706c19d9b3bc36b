"""Statistics of the conversations of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from eval.diarization.conversation import Conversation

__all__ = ["HEADER", "Statistics", "describe"]

HEADER = (
    "set", "conversations", "minutes", "speakers (mean)", "speakers (count of conversations)",
    "speech %", "overlap % of speech", "turns a minute", "median turn s",
)  # fmt: skip


@dataclass(frozen=True)
class Statistics:
    """Figures over all conversations of a set.

    Attributes
    ----------
    speakers : tuple of int
        Of each conversation.
    turns : tuple of float
        Seconds of each turn.
    seconds, speech, overlap : float
        What is scored, somebody talks in it, two or more do.
    """

    speakers: tuple[int, ...]
    turns: tuple[float, ...]
    seconds: float
    speech: float
    overlap: float

    def row(self, name: str) -> list[str]:
        """Cells of a table with ``HEADER``."""
        counts = [(one, self.speakers.count(one)) for one in sorted(set(self.speakers))]
        return [
            name,
            str(len(self.speakers)),
            f"{self.seconds / 60:.0f}",
            f"{sum(self.speakers) / len(self.speakers):.2f}",
            ", ".join(f"{speakers}: {count}" for speakers, count in counts),
            f"{100 * self.speech / self.seconds:.1f}",
            f"{100 * self.overlap / self.speech:.1f}" if self.speech else "-",
            f"{60 * len(self.turns) / self.seconds:.1f}",
            f"{median(self.turns):.2f}" if self.turns else "-",
        ]


def describe(conversations: Sequence[Conversation]) -> Statistics:
    """Count what the references hold within the scored parts."""
    references = [one.reference.crop(one.uem) for one in conversations]
    return Statistics(
        speakers=tuple(len(one.labels()) for one in references),
        turns=tuple(turn.duration for one in references for turn, _ in one.itertracks()),
        seconds=sum(one.duration for one in conversations),
        speech=sum(one.get_timeline().support().duration() for one in references),
        overlap=sum(one.get_overlap().duration() for one in references),
    )

"""Turns of a session, joined of the pieces in which they became final."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TurnStore"]


class TurnStore:
    """Final turns: start and end in seconds, speaker by number, and the mean probability.

    A turn takes 32 bytes: an hour of lively talk has 60 KB of them, which is all that grows with
    the length of a session.
    """

    def __init__(self) -> None:
        self.rows: NDArray[np.float64] = np.zeros((64, 4))  # start, end, speaker, sum over seconds
        self.count = 0
        self.latest: dict[int, int] = {}  # row of the last turn of each speaker

    def add(self, start: float, end: float, speaker: int, probability: float) -> None:
        """Add a piece; one that starts where the last turn of the speaker ended prolongs it."""
        total = probability * (end - start)
        row = self.latest.get(speaker)
        if row is not None and self.rows[row, 1] == start:
            self.rows[row, 1], self.rows[row, 3] = end, self.rows[row, 3] + total
            return
        if self.count == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[self.count] = start, end, speaker, total
        self.latest[speaker] = self.count
        self.count += 1

    def turns(self) -> list[tuple[float, float, int, float]]:
        """Every turn: start, end, speaker, mean probability; in order of start."""
        rows = self.rows[: self.count]
        rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
        return [
            (start, end, int(speaker), total / (end - start))
            for start, end, speaker, total in rows.tolist()
        ]

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        latest = np.array(sorted(self.latest.items()), np.int64).reshape(-1, 2)
        return {"rows": self.rows[: self.count], "latest": latest}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.count = len(state["rows"])
        self.rows = np.concatenate([state["rows"], np.zeros((64, 4))])
        self.latest = {speaker: row for speaker, row in state["latest"].tolist()}

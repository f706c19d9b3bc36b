"""What a session asks of models: turns that sound alike, and another number of speakers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from diarspk.editing.edited_diarization import EditedDiarization
from diarspk.editing.starting import Diarized
from diarspk.editing.turn import EditableTurn

__all__ = ["Analysis", "Progress"]

Progress = Callable[[str, float], None]
"""Callable(stage, fraction done in [0, 1])."""


class Analysis(Protocol):
    """Analysis of one recording; :class:`diarspk.diarization.RecordingAnalysis` is one."""

    def similar(
        self, turns: Sequence[EditableTurn], number: int, *, progress: Progress | None = None
    ) -> list[tuple[int, float]]:
        """List the other turns by the similarity of their voice to that of a turn.

        Returns
        -------
        list of (int, float)
            Number of the turn and cosine, the greatest first; turns that are too short to tell are
            left out.
        """
        ...

    def recluster(
        self, edited: EditedDiarization, num_speakers: int, *, progress: Progress | None = None
    ) -> Diarized:
        """Diarize with another number of speakers, in agreement with the reviewed turns."""
        ...

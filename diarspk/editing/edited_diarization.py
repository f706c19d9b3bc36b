"""A diarization as people correct it, with undo, redo and a file that holds every operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING

from diarspk.editing.adoption import adopt
from diarspk.editing.checks import checked_names, checked_numbers
from diarspk.editing.log import EditLog
from diarspk.editing.operation import Operation
from diarspk.editing.replay import Conflict, check_durations, replay
from diarspk.editing.speaker_operations import MergeSpeakers, RenameSpeakers, SplitSpeaker
from diarspk.editing.starting import Diarized, turns_of_diarization
from diarspk.editing.turn import EditableTurn
from diarspk.editing.turn_operations import (
    AddTurn,
    DeleteTurns,
    MarkReviewed,
    MoveBoundary,
    ReassignSpan,
    ReassignTurns,
    SplitTurn,
)

if TYPE_CHECKING:
    from pyannote.core import Annotation, Segment

__all__ = ["EditedDiarization"]


@dataclass(frozen=True, repr=False)
class EditedDiarization:
    """Who spoke when, as people have corrected it.

    A value: every operation gives a new one, and leaves this one as it is. No model is needed.
    Turns have numbers that stay the same under all operations; they are the tracks of
    ``annotation``. Times are in seconds and kept to the millisecond, as RTTM has them.

    Attributes
    ----------
    log : EditLog
        What was done, and what can be done again.
    uri : str, optional
        Name of the recording.
    """

    log: EditLog
    uri: str | None = None

    @classmethod
    def of(
        cls, diarization: Diarized, *, uri: str | None = None, duration: float | None = None
    ) -> EditedDiarization:
        """Begin to correct a result, an annotation, or a file (.rttm, .json).

        Parameters
        ----------
        diarization : Diarization, Annotation or path
        uri : str, optional
            Name of the recording, of which an RTTM file may hold several.
        duration : float, optional
            Seconds of the recording. Default: that of a result; otherwise it is not known, and
            turns may end anywhere.

        Raises
        ------
        ArgumentError
            If it is of another type, or a turn ends after the recording.
        FormatError
            If a file cannot be read, or does not say which of its recordings.
        """
        turns, name = turns_of_diarization(diarization, uri=uri, duration=duration)
        return cls(EditLog.of(turns), name)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> EditedDiarization:
        """Load what :meth:`save` saved: the turns, and all that was done and undone.

        Raises
        ------
        FormatError
            If the file cannot be read, is cut off or of a later version, or a line is wrong.
        """
        from diarspk.editing.log_file import load_log

        return cls(*load_log(path))

    def save(self, path: str | PathLike[str]) -> None:
        """Save everything as JSON lines, by custom ``NAME.edits.jsonl``.

        The file is replaced whole or not at all.

        Raises
        ------
        FormatError
            If the file cannot be written.
        """
        from diarspk.editing.log_file import save_log

        save_log(self.log, path, uri=self.uri)

    @property
    def turns(self) -> tuple[EditableTurn, ...]:
        """Turns by start."""
        return self.log.turns.listed

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers, in order of first appearance."""
        return self.log.turns.speakers

    @property
    def duration(self) -> float | None:
        """Seconds of the recording; None where it is not known."""
        return self.log.turns.duration

    @cached_property
    def annotation(self) -> Annotation:
        """Turns by speaker; the tracks are the numbers of the turns."""
        from pyannote.core import Annotation, Segment

        annotation = Annotation(uri=self.uri)
        for turn in self.turns:
            annotation[Segment(turn.start, turn.end), turn.number] = turn.speaker
        return annotation

    @cached_property
    def confidence(self) -> dict[tuple[Segment, str | int], float]:
        """Confidence of the turns of which it is known, by segment and track."""
        from pyannote.core import Segment

        return {
            (Segment(turn.start, turn.end), turn.number): turn.confidence
            for turn in self.turns
            if turn.confidence is not None
        }

    def __repr__(self) -> str:
        done, undone = len(self.log.done), len(self.log.undone)
        return (
            f"EditedDiarization({self.uri!r}, {len(self.speakers)} speakers, {len(self.turns)} "
            f"turns, {done} operations, {undone} undone)"
        )

    def write(self, path: str | PathLike[str]) -> None:
        """Write the turns; the suffix names the format (.rttm, .json, .csv, .srt, .vtt, ...).

        Raises
        ------
        ArgumentError
            If the suffix is not one of a known format.
        FormatError
            If the file cannot be written.
        """
        from diarspk.formats import save_annotation

        save_annotation(self.annotation, path, confidence=self.confidence)

    def do(self, operation: Operation) -> EditedDiarization:
        """Do an operation; what was undone before is forgotten.

        Raises
        ------
        ArgumentError
            If the operation does not fit; nothing is changed.
        """
        return replace(self, log=self.log.do(operation))

    def undo(self) -> EditedDiarization:
        """Take the last operation back; every turn is as it was before.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        return replace(self, log=self.log.undo())

    def redo(self) -> EditedDiarization:
        """Do again what was undone last.

        Raises
        ------
        ArgumentError
            If nothing was undone since the last operation.
        """
        return replace(self, log=self.log.redo())

    def reassign(self, turns: int | Sequence[int], speaker: str) -> EditedDiarization:
        """Give one turn or several to a speaker; see :class:`diarspk.editing.ReassignTurns`."""
        return self.do(ReassignTurns(checked_numbers(turns, "turns"), speaker))

    def reassign_span(
        self, start: float, end: float, speaker: str, *, of: Sequence[str] | None = None
    ) -> EditedDiarization:
        """Give the speech in a span to a speaker; see :class:`diarspk.editing.ReassignSpan`."""
        speakers = None if of is None else checked_names(of, "of")
        return self.do(ReassignSpan(start, end, speaker, speakers))

    def split_turn(self, turn: int, at: float) -> EditedDiarization:
        """Split a turn at a time; see :class:`diarspk.editing.SplitTurn`."""
        return self.do(SplitTurn(turn, at))

    def move_boundary(
        self, turn: int, *, start: float | None = None, end: float | None = None
    ) -> EditedDiarization:
        """Move the start or the end of a turn; see :class:`diarspk.editing.MoveBoundary`."""
        return self.do(MoveBoundary(turn, start, end))

    def add_turn(self, start: float, end: float, speaker: str) -> EditedDiarization:
        """Add a turn of a speaker, new or not; see :class:`diarspk.editing.AddTurn`."""
        return self.do(AddTurn(start, end, speaker))

    def delete(self, turns: int | Sequence[int]) -> EditedDiarization:
        """Delete one turn or several; see :class:`diarspk.editing.DeleteTurns`."""
        return self.do(DeleteTurns(checked_numbers(turns, "turns")))

    def mark_reviewed(self, turns: int | Sequence[int], reviewed: bool = True) -> EditedDiarization:
        """Mark turns as reviewed, or as not; see :class:`diarspk.editing.MarkReviewed`."""
        return self.do(MarkReviewed(checked_numbers(turns, "turns"), reviewed))

    def merge(self, speakers: Sequence[str], name: str | None = None) -> EditedDiarization:
        """Merge several speakers into one; see :class:`diarspk.editing.MergeSpeakers`."""
        return self.do(MergeSpeakers(checked_names(speakers, "speakers"), name))

    def split(self, speaker: str, turns: int | Sequence[int], name: str) -> EditedDiarization:
        """Give some turns of a speaker to a new one; see :class:`diarspk.editing.SplitSpeaker`."""
        return self.do(SplitSpeaker(speaker, checked_numbers(turns, "turns"), name))

    def rename(self, names: Mapping[str, str]) -> EditedDiarization:
        """Rename speakers, new names by old ones; see :class:`diarspk.editing.RenameSpeakers`."""
        return self.do(RenameSpeakers(names))

    def adopt(self, diarization: Diarized) -> EditedDiarization:
        """Take over another diarization of the recording; reviewed turns stay to the letter.

        Speakers get the names of those with whom they share the most time, so that names outlive
        it; and speech that was deleted, trimmed or reassigned by hand does not come back. It is an
        operation as any other, and can be undone. ``result.recluster(reviewed=edited)`` makes a
        diarization that agrees with the reviewed turns.

        Raises
        ------
        ArgumentError
            If it is no diarization, or one of another duration.
        """
        fresh, _ = turns_of_diarization(diarization, uri=self.uri)
        check_durations(self.log.turns, fresh)
        return self.do(adopt(self.log.turns, fresh, self.log.removed()))

    def replay(self, diarization: Diarized) -> tuple[EditedDiarization, tuple[Conflict, ...]]:
        """Do all operations again, on a fresh diarization of the same recording.

        Turns and speakers are found again by their times. What does not fit is left out.

        Returns
        -------
        EditedDiarization, tuple of Conflict
            The fresh diarization with the operations that fit, and those that do not, with reasons.

        Raises
        ------
        ArgumentError
            If it is no diarization, or one of another duration.
        """
        fresh, uri = turns_of_diarization(diarization, uri=self.uri)
        log, conflicts = replay(self.log, fresh)
        return replace(self, log=log, uri=self.uri if uri is None else uri), conflicts

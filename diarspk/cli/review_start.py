"""Where a review begins: at the log of an earlier one, at a file, or at the recording itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import ProgressCallback, say
from diarspk.errors import ArgumentError, FormatError

if TYPE_CHECKING:
    from diarspk.audio import AudioStream
    from diarspk.diarization import Diarizer, RecordingAnalysis
    from diarspk.editing import EditableTurn, EditedDiarization

__all__ = ["Begun", "ReviewStart"]


@dataclass(frozen=True)
class Begun:
    """Turns to review, what answers questions about the recording, and what makes it doubtful."""

    edited: EditedDiarization
    analysis: RecordingAnalysis
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReviewStart:
    """What the options of the command say of the beginning.

    Attributes
    ----------
    stream : AudioStream
    log : Path
        Log of the corrections, which is there or not.
    diarization : Path, optional
    recording : str, optional
        Name of the recording, of which a file may hold several.
    replay : bool
        Whether the corrections are done again on ``diarization``.
    num_speakers : int, optional
    cache : Path, optional
    """

    stream: AudioStream
    log: Path
    diarization: Path | None = None
    recording: str | None = None
    replay: bool = False
    num_speakers: int | None = None
    cache: Path | None = None

    def check_log(self) -> None:
        """Check that the log can be written, before anything is corrected.

        Raises
        ------
        FormatError
            If its folder is not there, or read-only.
        """
        folder = self.log.absolute().parent
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            fault = "is read-only" if folder.is_dir() else "is not there"
            raise FormatError(
                f"cannot be written: its folder {fault}; give --edits FILE", str(self.log)
            )

    def begin(self, progress: ProgressCallback | None = None, *, keep: bool = True) -> Begun:
        """Load the log, read the file, or diarize; in this order.

        Parameters
        ----------
        progress : callable, optional
        keep : bool, default True
            Save what was diarized as the beginning of the log.

        Raises
        ------
        ArgumentError
            If the log is of another diarization than the file.
        AudioError, FormatError
            If the recording or a file cannot be read, or the file is of another recording.
        """
        with quick_imports():
            from diarspk.diarization import RecordingAnalysis
            from diarspk.editing import EditedDiarization

        if self.diarization is not None:
            self._check_recording(self.diarization)
        analysis = RecordingAnalysis(self.stream, self._load)
        if self.log.exists():
            edited = EditedDiarization.load(self.log)
            return Begun(self._agreeing(edited), analysis)
        if self.diarization is not None:
            return Begun(EditedDiarization.of(self.diarization, uri=self.recording), analysis)
        result = self._load()(self.stream, num_speakers=self.num_speakers, progress=progress)
        edited = result.edit()
        if keep:
            edited.save(self.log)  # opened again, it is there at once
        analysis = RecordingAnalysis(self.stream, self._load, result)
        return Begun(edited, analysis, result.warnings)

    def _check_recording(self, diarization: Path) -> None:
        """Check that the turns of the file are of the recording."""
        from diarspk.editing.files import read_turns
        from diarspk.transcripts.same_recording import check_same_recording

        uri, turns = read_turns(diarization, self.recording)
        end = max((turn.end for turn in turns), default=0.0)
        check_same_recording(diarization, end, None if self.recording else uri, self.stream)

    def _load(self) -> Diarizer:
        with quick_imports():
            from diarspk.diarization.diarizer import Diarizer

            return Diarizer(cache=self.cache)

    def _agreeing(self, edited: EditedDiarization) -> EditedDiarization:
        """Check that the log was begun with the file, or holds what it says now."""
        if self.diarization is None:
            return edited
        if self.replay:
            replayed, conflicts = edited.replay(self.diarization)
            for conflict in conflicts:
                say(f"note: left out {conflict.operation.name}: {conflict.reason}")
            return replayed
        from diarspk.editing.starting import turns_of_diarization

        given, _ = turns_of_diarization(self.diarization, uri=self.recording)
        known = map(_described, (edited.log.base.listed, edited.turns))
        if _described(given.listed) not in known:
            raise ArgumentError(
                f"{self.log} holds corrections of another diarization than {self.diarization}; "
                "--replay does them again on this one, --edits FILE begins another log"
            )
        return edited


def _described(turns: Iterable[EditableTurn]) -> list[tuple[float, float, str]]:
    """List times and speakers as RTTM has them: without white space in names."""
    return sorted((turn.start, turn.end, "_".join(turn.speaker.split())) for turn in turns)

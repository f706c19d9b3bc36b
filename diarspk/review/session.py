"""A review: the turns of a recording, the log that every operation is saved in, and revisions."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from diarspk.editing.edited_diarization import EditedDiarization
from diarspk.editing.operation_json import operation_from_json
from diarspk.errors import ArgumentError, FormatError
from diarspk.review.analysis import Analysis, Progress
from diarspk.review.words import find_turns, list_words, with_speakers
from diarspk.transcripts.speaker_transcript import SpeakerTranscript
from diarspk.transcripts.transcript import Transcript

__all__ = ["ReviewSession", "StaleRevisionError"]

Change = Callable[[EditedDiarization], EditedDiarization]


class StaleRevisionError(ArgumentError):
    """An operation was meant for turns that have changed since."""


class ReviewSession:
    """Turns under review, which several windows may change, one operation after another.

    Every change is saved before it counts, and raises the revision. A change that names an older
    revision is refused, so that nobody changes what they have not seen.

    Parameters
    ----------
    edited : EditedDiarization
    log : path
        File in which all is saved, by custom ``NAME.edits.jsonl``.
    transcript : Transcript, optional
        Words, which get their speakers anew after every change.
    analysis : Analysis, optional
        Without one, neither similar turns nor another number of speakers can be had.
    notes : sequence of str
        What a reader should know of the diarization, such as
        :attr:`diarspk.Diarization.warnings`; the page tells it when it opens.
    """

    def __init__(
        self,
        edited: EditedDiarization,
        log: str | PathLike[str],
        *,
        transcript: Transcript | None = None,
        analysis: Analysis | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.log = Path(log)
        self.transcript = transcript
        self.analysis = analysis
        self.notes = tuple(notes)
        self.edited = edited
        self.revision = 1
        self._lock = threading.Lock()
        self._digest = _digest(self.log)
        self._words: tuple[object, SpeakerTranscript, list[int | None]] | None = None

    def operate(self, document: object, revision: int) -> dict[str, Any]:
        """Do an operation, given as JSON; see :meth:`change`."""
        operation = operation_from_json(document)
        return self.change(lambda edited: edited.do(operation), revision)

    def undo(self, revision: int) -> dict[str, Any]:
        """Take the last operation back; see :meth:`change`."""
        return self.change(EditedDiarization.undo, revision)

    def redo(self, revision: int) -> dict[str, Any]:
        """Do again what was undone last; see :meth:`change`."""
        return self.change(EditedDiarization.redo, revision)

    def recluster(
        self, num_speakers: int, revision: int, *, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Cluster anew with a number of speakers; reviewed turns stay. See :meth:`change`."""
        analysis = self._analysis()
        self._check(revision)
        fresh = analysis.recluster(self.edited, num_speakers, progress=progress)
        return self.change(lambda edited: edited.adopt(fresh), revision)

    def similar(self, number: int, *, progress: Progress | None = None) -> list[tuple[int, float]]:
        """List the other turns by the similarity of their voice to that of a turn.

        Raises
        ------
        ArgumentError
            If there is no such turn, it is too short to tell, or there is no analysis.
        AudioError
            If the recording cannot be read.
        """
        return self._analysis().similar(self.edited.turns, number, progress=progress)

    def change(self, change: Change, revision: int) -> dict[str, Any]:
        """Change the turns, and save them.

        Parameters
        ----------
        change : callable
            Makes the new value of the old one.
        revision : int
            Revision that the change is meant for.

        Returns
        -------
        dict
            The new :meth:`state`.

        Raises
        ------
        StaleRevisionError
            If there is a later revision, or another program has changed the log.
        ArgumentError
            If the operation does not fit.
        FormatError
            If the log cannot be written; nothing is changed then.
        """
        with self._lock:
            self._check(revision)
            on_disk = _digest(self.log)
            if on_disk not in (None, self._digest):  # None: it was removed, and is saved again
                self._reload()
                raise StaleRevisionError(
                    f"another program has changed {self.log.name}; its turns are shown now, do the "
                    "operation again"
                )
            changed = change(self.edited)
            changed.save(self.log)
            self._digest = _digest(self.log)
            self.edited = changed
            self.revision += 1
        return self.state()

    def state(self) -> dict[str, Any]:
        """Make what a window shows: turns and all else, as JSON has it."""
        with self._lock:
            edited, revision = self.edited, self.revision
        done, undone = edited.log.done, edited.log.undone
        return {
            "revision": revision,
            "uri": edited.uri,
            "duration": edited.duration,
            "turns": [turn.to_json() for turn in edited.turns],
            "operations": len(done),
            "undo": done[-1].name if done else None,
            "redo": undone[0].name if undone else None,
            "log": self.log.name,
        }

    def words(self) -> list[list[Any]]:
        """Words of the transcript, see :func:`diarspk.review.words.list_words`; or none."""
        return [] if self.transcript is None else list_words(self.transcript)

    def word_turns(self) -> dict[str, Any]:
        """Find the turn of every word, and say of which revision.

        Not a part of :meth:`state`, since an hour of words takes longer than an operation.
        """
        with self._lock:
            edited, revision = self.edited, self.revision
        found = [] if self.transcript is None else self._place_words(edited)[2]
        return {"revision": revision, "turns": found}

    def speaker_transcript(self) -> SpeakerTranscript:
        """Transcript with the speakers of now.

        Raises
        ------
        ArgumentError
            If there is no transcript.
        """
        return self._place_words(self.edited)[1]

    def _place_words(
        self, edited: EditedDiarization
    ) -> tuple[object, SpeakerTranscript, list[int | None]]:
        """Give words their speakers and turns, unless no turn has moved since."""
        if self.transcript is None:
            raise ArgumentError("`format` must be one without words: there is no transcript")
        places = [(turn.number, turn.start, turn.end, turn.speaker) for turn in edited.turns]
        known = self._words
        if known is None or known[0] != places:
            spoken = with_speakers(self.transcript, edited.annotation)
            known = self._words = places, spoken, find_turns(spoken, edited.turns)
        return known

    def _analysis(self) -> Analysis:
        if self.analysis is None:
            raise ArgumentError("`analysis` must be given for this, got none")
        return self.analysis

    def _check(self, revision: int) -> None:
        if revision != self.revision:
            raise StaleRevisionError(
                f"another window has changed the turns (revision {self.revision}, not {revision}); "
                "look again"
            )

    def _reload(self) -> None:
        self.edited = EditedDiarization.load(self.log)
        self._digest = _digest(self.log)
        self.revision += 1


def _digest(path: Path) -> bytes | None:
    """Digest of a file, by which it is known whether another program has changed it."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror}); check it", str(path)) from None

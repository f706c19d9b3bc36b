"""A transcript whose words have speakers."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from diarspk.transcripts.saving import save_transcript
from diarspk.transcripts.transcript import Transcript

__all__ = ["SpeakerTranscript"]


@dataclass(frozen=True)
class SpeakerTranscript(Transcript):
    """What was said, and by whom.

    Attributes
    ----------
    segments : tuple of TranscriptSegment
        Those of the recogniser. Their words have a speaker, or None where nobody talks near them.
    uri : str
        Name of the recording.
    language : str or None
        Code of the language, where the recogniser tells it.
    """

    @property
    def unassigned(self) -> int:
        """Number of words without a speaker."""
        return sum(word.speaker is None for word in self.words)

    @property
    def notes(self) -> list[str]:
        """What a reader should know before relying on it, one line each; mostly nothing."""
        words = len(self.words)
        if not words:
            return ["the transcript has no words"]
        found = []
        if any(word.start is None for word in self.words):
            found.append("no word has a time, so none has a speaker")
        elif self.unassigned == words:
            found.append("no word has a speaker: nobody talks near any of them")
        elif self.unassigned:
            found.append(
                f"{self.unassigned} of {words} words have no speaker: nobody talks near them"
            )
        if estimated := sum(word.estimated for word in self.words):
            found.append(f"the times of {estimated} of {words} words are estimates")
        return found

    def write(
        self, path: str | PathLike[str], *, format: str | None = None, every_cue: bool = False
    ) -> None:
        """Write the transcript to a file, which is replaced whole or not at all.

        Parameters
        ----------
        path : path
        format : str, optional
            Name of a format, see :func:`diarspk.transcripts.save_transcript`. Default: by suffix.
        every_cue : bool, default False
            Put the name on every cue of SRT, not only where the speaker changes.

        Raises
        ------
        ArgumentError
            If there is no such format.
        FormatError
            If the file cannot be written.
        """
        save_transcript(self, path, format=format, every_cue=every_cue)

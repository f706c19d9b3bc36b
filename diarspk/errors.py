"""Errors and warnings of this package.

::

    Exception
    └── DiarspkError           catch this one to catch them all
        ├── ArgumentError      a bad argument (also a ValueError)
        ├── AudioError         audio that is unreadable or unsuitable
        ├── FormatError        a faulty line of RTTM, UEM, ...: "FILE:LINE: fault"
        └── ModelError         missing or corrupt weights, mixed embedding spaces

    UserWarning
    └── DiarspkWarning         a result was made, but read the text
        ├── AudioWarning       audio that is cut short, wrongly described, or one of several tracks
        ├── SpeechWarning      no speech found, or the recording is hardly fit for it
        └── ScoringWarning     files of the reference and the hypothesis do not match

A message names the fault, then the remedy: "`name` must be ..., got ..." or "FILE: fault; remedy".
"""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "AudioError",
    "AudioWarning",
    "DiarspkError",
    "DiarspkWarning",
    "FormatError",
    "ModelError",
    "ScoringWarning",
    "SpeechWarning",
]


class DiarspkError(Exception):
    """Base class of all errors of this package."""


class ArgumentError(DiarspkError, ValueError):
    """An argument is out of range, of the wrong type, or contradicts another."""


class AudioError(DiarspkError):
    """Audio is missing, unreadable, empty, or holds values that are not finite."""


class FormatError(DiarspkError):
    """An annotation file holds a line that cannot be read.

    Parameters
    ----------
    fault : str
        What is wrong, and the remedy.
    file : str
        Name of the file as the caller gave it.
    line : int, optional
        One-based line number; without it, the fault is the file's.
    """

    def __init__(self, fault: str, file: str, line: int | None = None) -> None:
        super().__init__(fault, file, line)
        self.file = file
        self.line = line

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.args[0]}"


class ModelError(DiarspkError):
    """Weights are missing or corrupt, or embeddings of different spaces meet."""


class DiarspkWarning(UserWarning):
    """Base class of all warnings of this package."""


class AudioWarning(DiarspkWarning):
    """Audio was read, but less of it than is promised, or with a choice that was not yours."""


class SpeechWarning(DiarspkWarning):
    """No speech was found, the recording is hardly fit for it, or the voice asked for is not there.

    A result was made; it may be empty, or of another voice.
    """


class ScoringWarning(DiarspkWarning):
    """A file was scored as missed, or not scored, because its counterpart is missing."""

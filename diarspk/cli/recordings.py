"""Recordings that a command or a list names: files, parts of them, pipes, and stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from diarspk.cli.terminal import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from diarspk.audio import AudioStream, RawFormat

__all__ = ["STDIN", "Reader", "Recording", "stem", "tell_doubts"]

STDIN = Path("-")
STDIN_NAME = "stdin"


def stem(recording: Path) -> str:
    """Name of a recording without folder and suffix, for files that are named after it."""
    return STDIN_NAME if recording == STDIN else recording.stem


@dataclass(frozen=True)
class Recording:
    """A recording, or a part of one, as an argument or a line of a list names it.

    Attributes
    ----------
    path : Path
        Its file, or :data:`STDIN`.
    name : str
        Name that a list gives it; empty where it is named after its file.
    channel : int, optional
        Channel that the list tells.
    start, end : float
        The part in seconds. Default: all of the recording.
    """

    path: Path
    name: str = ""
    channel: int | None = None
    start: float = 0.0
    end: float | None = None

    @property
    def whole(self) -> bool:
        """Whether this is all of its file."""
        return self.start == 0 and self.end is None


@dataclass(frozen=True)
class Reader:
    """Opens recordings in the way that the options of a command say.

    Each is opened once: a pipe gives its bytes once.

    Parameters
    ----------
    channel, track : int, optional
        See :func:`diarspk.audio.open_audio`.
    raw : RawFormat, optional
        Encoding of samples without a header.
    """

    channel: int | None = None
    track: int | None = None
    raw: RawFormat | None = None

    @classmethod
    def of(
        cls,
        recordings: Sequence[Path],
        *,
        channel: int | None = None,
        track: int | None = None,
        raw: str | None = None,
    ) -> Reader:
        """Take the options of a command, and refuse wrong ones as a usage error."""
        if sum(recording == STDIN for recording in recordings) > 1:
            raise typer.BadParameter("- stands for stdin, which can be read once only")
        return cls(channel, track, None if raw is None else _parse(raw))

    def open(self, recording: Path) -> AudioStream:
        """Open a file, or stdin where it is called ``-``.

        Raises
        ------
        AudioError
            If it cannot be read.
        """
        from diarspk.audio import open_audio

        if recording != STDIN:
            return open_audio(recording, channel=self.channel, track=self.track, raw=self.raw)
        stdin = sys.stdin.buffer
        stream = open_audio(stdin, channel=self.channel, track=self.track, raw=self.raw)
        return replace(stream, name=STDIN_NAME)

    def open_part(self, recording: Recording, name: str) -> AudioStream:
        """Open a recording as ``name``, with what its list tells; an option goes before that.

        Raises
        ------
        AudioError
            If it cannot be read.
        """
        channel = recording.channel if self.channel is None else self.channel
        stream = replace(replace(self, channel=channel).open(recording.path), name=name)
        if recording.whole:
            return stream
        from diarspk.audio.clip import clip

        return clip(stream, recording.start, recording.end)

    def read_voice(self, recording: Path) -> NDArray[np.float32]:
        """Read a recording of one voice ``(time,)`` at 16 kHz; warns if it is a doubtful one.

        Raises
        ------
        AudioError
            If it cannot be read.
        """
        from diarspk.audio import load_audio

        waveform = load_audio(self.open(recording))
        tell_doubts(recording, waveform)
        return waveform


def tell_doubts(recording: Path, waveform: NDArray[np.float32]) -> None:
    """Say what makes an embedding of ``waveform (time,)`` at 16 kHz less reliable."""
    from diarspk.features.speech_quality import check_speech

    for doubt in check_speech(waveform):
        say(f"warning: {recording}: {doubt}")


def _parse(raw: str) -> RawFormat:
    from diarspk.audio import RawFormat
    from diarspk.errors import ArgumentError

    try:
        return RawFormat.parse(raw)
    except ArgumentError as error:
        raise typer.BadParameter(f"--raw: {error}") from None

"""Options of the commands that follow a live session, and the source that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diarspk.cli.live_sources import (
    FileSource,
    LiveSource,
    Microphone,
    PipeSource,
    SampleFormat,
    Speed,
)
from diarspk.cli.recordings import STDIN, Reader

__all__ = ["PipeChannels", "PipeFormat", "PipeRate", "ReadingSpeed", "open_source"]

ReadingSpeed = Annotated[
    Speed,
    typer.Option(help="Read a file as fast as it was spoken, or as fast as possible."),
]
PipeRate = Annotated[int, typer.Option(min=1000, max=768_000, help="Sample rate on stdin, in Hz.")]
PipeFormat = Annotated[SampleFormat, typer.Option(help="Samples on stdin.")]
PipeChannels = Annotated[int, typer.Option(min=1, max=64, help="Channels on stdin, interleaved.")]


def open_source(
    path: Path | None, reader: Reader, speed: Speed, pipe: PipeSource, microphone: str | None
) -> LiveSource:
    """Open what a session comes from.

    Parameters
    ----------
    path
        File, or :data:`~diarspk.cli.recordings.STDIN` for `pipe`. None: the microphone.
    reader
        Opens the file.
    speed
        How fast it is read.
    pipe
        Samples on stdin.
    microphone
        Name of the microphone. Default: the system's.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    if path is None:
        return Microphone(microphone)
    return pipe if path == STDIN else FileSource(reader.open(path), speed)

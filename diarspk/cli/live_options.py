"""Options of the commands that follow a live session, and the source that they describe."""

from __future__ import annotations

from collections.abc import Iterable
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

__all__ = [
    "JsonLines",
    "MicrophoneName",
    "PipeChannels",
    "PipeFormat",
    "PipeRate",
    "ReadingSpeed",
    "check_source_options",
    "given_options",
    "open_source",
]

ReadingSpeed = Annotated[
    Speed,
    typer.Option(help="Read a file as fast as it was spoken, or as fast as possible."),
]
PipeRate = Annotated[int, typer.Option(min=1000, max=768_000, help="Sample rate on stdin, in Hz.")]
PipeFormat = Annotated[SampleFormat, typer.Option(help="Samples on stdin.")]
PipeChannels = Annotated[int, typer.Option(min=1, max=64, help="Channels on stdin, interleaved.")]
MicrophoneName = Annotated[
    str | None,
    typer.Option("--microphone", metavar="NAME", help="Microphone. Default: the system's."),
]
JsonLines = Annotated[
    bool,
    typer.Option(
        "--json-lines",
        help="One JSON object per line on stdout, also on a terminal. Default: a timeline on a "
        "terminal, and JSON lines elsewhere.",
    ),
]


FILE_OPTIONS = ("speed", "track")
"""Options that say how a file is read."""

PIPE_OPTIONS = ("rate", "format", "channels")
"""Options that say what comes on stdin; a file tells it itself."""


def given_options(context: typer.Context, names: Iterable[str]) -> list[str]:
    """Those of some options that stand on the command line, sorted."""
    sources = {name: context.get_parameter_source(name) for name in names}
    return sorted(name for name, one in sources.items() if one and one.name == "COMMANDLINE")


def check_source_options(context: typer.Context, path: Path | None) -> None:
    """Reject options that would change nothing for a source: who gives them expects otherwise.

    Parameters
    ----------
    context
        Of the command.
    path
        See :func:`open_source`.

    Raises
    ------
    typer.BadParameter
        If one was given.
    """
    idle: Iterable[str]
    if path is None:
        idle, source = (*FILE_OPTIONS, *PIPE_OPTIONS, "channel"), "the microphone"
    elif path == STDIN:
        idle, source = FILE_OPTIONS, "samples on stdin"
    else:
        idle, source = (
            PIPE_OPTIONS,
            "a file, which tells it itself; leave it out, or give samples on stdin",
        )
    if path is not None and given_options(context, ("microphone",)):
        raise typer.BadParameter("--microphone comes without a file")
    for name in given_options(context, idle):
        raise typer.BadParameter(f"--{name} does not go with {source}")


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

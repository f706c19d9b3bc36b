"""``diarspk stream``: who speaks, while they speak."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.atomic import check_replaceable
from diarspk.cli.live_options import (
    JsonLines,
    MicrophoneName,
    PipeChannels,
    PipeFormat,
    PipeRate,
    ReadingSpeed,
    check_source_options,
    open_source,
)
from diarspk.cli.live_output import live_output
from diarspk.cli.live_sources import LiveSource, PipeSource, SampleFormat, Speed
from diarspk.cli.options import Boundaries, Channel, Track
from diarspk.cli.recordings import STDIN, Reader
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import exit_on_error, say
from diarspk.errors import FormatError

if TYPE_CHECKING:
    from diarspk.streaming import StreamingDiarizer

__all__ = ["stream"]


def stream(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|-]",
            help="Recording, or - for samples on stdin. Default: the microphone (extra `live`).",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the result when the session ends, also by Ctrl-C; the suffix selects the "
            "format: .rttm .json .csv .srt .vtt .txt .TextGrid.",
        ),
    ] = None,
    latency: Annotated[
        float,
        typer.Option(
            min=0.32,
            max=8.0,
            help="Seconds from a sound to the final decision who made it, computing time aside.",
        ),
    ] = 1.0,
    json_lines: JsonLines = False,
    speed: ReadingSpeed = Speed.REAL,
    rate: PipeRate = 16000,
    format: PipeFormat = SampleFormat.S16LE,
    channels: PipeChannels = 1,
    max_speakers: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of speakers.")
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Gallery of enrolled people, who have their names."),
    ] = None,
    boundaries: Boundaries = None,
    channel: Channel = None,
    track: Track = None,
    microphone: MicrophoneName = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Path of an embedded model. Default: the one in this package."),
    ] = None,
) -> None:
    """Say who speaks, while they speak: from a file, a pipe or a microphone."""
    check_source_options(context, source)
    with exit_on_error(), ExitStack() as stack:
        if output is not None:
            _check_output(output)
        pipe = PipeSource(format, rate, channels)
        chosen = open_source(source, Reader(channel, track), speed, pipe, microphone)
        with quick_imports():
            from diarspk.diarization.diarizer import EMBEDDED, Diarizer
            from diarspk.streaming import StreamingDiarizer

            people = None
            if gallery is not None:
                from diarspk.verification.gallery import open_gallery

                people = stack.enter_context(open_gallery(gallery))
            session = StreamingDiarizer(
                latency,
                max_speakers,
                gallery=people,
                channel=channel if source == STDIN else None,
                diarizer=Diarizer.load(
                    encoder or EMBEDDED,
                    boundaries=None if boundaries is None else boundaries.value,
                ),
                name=chosen.name,
            )
        _run(session, chosen, json_lines, output)


def _run(
    session: StreamingDiarizer, source: LiveSource, json_lines: bool, output: Path | None
) -> None:
    """Push what comes until it ends, or somebody stops it; then write the result.

    However it ends, what was received is not lost: what was tentative is final, told and written.
    Where a fault comes before any sample, nothing is, and an output that is there stays.
    """
    begun = False
    try:
        with live_output(session, json_lines) as shown:
            try:
                for piece in source.pieces():
                    shown.show(session.push(piece, source.sample_rate))
                    begun = True
            except BaseException:
                if begun:
                    shown.show(session.push(None))
                raise
            shown.show(session.push(None))
    except KeyboardInterrupt:
        say("stopped")
    except BaseException:
        if begun and output is not None:
            session.finish().write(output)
        raise
    result = session.finish()
    if output is not None:
        result.write(output)


def _check_output(output: Path) -> None:
    """Tell at once what cannot be written, not when the session is over."""
    from diarspk.formats.saving import SUFFIXES

    if output.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"-o must end in one of {', '.join(SUFFIXES)}, got {output}")
    if not output.parent.is_dir():
        raise FormatError("cannot be written: there is no such folder; make it", str(output))
    check_replaceable(output)

"""``diarspk extract``: one speaker's voice out of a recording.

Only the command line is here. The work is done by the package ``tse``, which builds on this one and
which this one must not import; it lies in the same wheel, and is looked up by name when the command
runs, as a plugin would be. An entry point would do the same, but only after a new installation, and
``diarspk --help`` would have to import every plugin for its options.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from diarspk.cli.terminal import exit_on_error, progress_display, say
from diarspk.errors import ModelError

__all__ = ["extract"]

PROVIDER = "tse.command"


def extract(
    recording: Annotated[
        Path, typer.Argument(metavar="AUDIO", help="Recording of any format and rate.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where the voice goes, at 16 kHz: .wav, .flac or .ogg; with --all, a folder.",
        ),
    ],
    enroll: Annotated[
        list[Path] | None,
        typer.Option(metavar="AUDIO", help="The speaker alone; may be given several times."),
    ] = None,
    speaker: Annotated[
        str | None, typer.Option(help="A speaker of the diarization, enrolled by own clean turns.")
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Each speaker of the diarization: DIR/SPEAKER.wav.")
    ] = False,
    diarization: Annotated[
        Path | None,
        typer.Option(metavar="RTTM", help="Who spoke when; without it, the recording is diarized."),
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Silence a voice outside the turns of its speaker.")
    ] = False,
    channel: Annotated[
        int | None, typer.Option(min=0, help="Use this channel, from 0; without it, their mean.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Extractor: a name, or the path of a card.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Extract the voice of one speaker, or of each, from a recording."""
    _check(enroll, speaker, everybody, diarization, gate, output)
    with exit_on_error(), progress_display(quiet) as follow:
        command = _provider()
        shared: dict[str, Any] = {
            "model": model,
            "channel": channel,
            "say": say,
            "progress": follow(recording.name),
        }
        if enroll:
            command.extract_enrolled(recording, enroll, output, **shared)
            return
        names = [] if speaker is None else [speaker]

        def target(name: str) -> Path:
            safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
            return output / f"{safe}.wav" if everybody else output

        command.extract_speakers(
            recording, names, target, diarization=diarization, gated=gate, **shared
        )


def _check(
    enroll: list[Path] | None,
    speaker: str | None,
    everybody: bool,
    diarization: Path | None,
    gate: bool,
    output: Path,
) -> None:
    if sum([bool(enroll), speaker is not None, everybody]) != 1:
        raise typer.BadParameter("give one of --enroll, --speaker and --all")
    if enroll and (diarization is not None or gate):
        raise typer.BadParameter("--diarization and --gate go with --speaker or --all")
    if everybody and output.exists() and not output.is_dir():
        raise typer.BadParameter(f"-o must be a folder with --all, {output} is a file")
    if not everybody and output.suffix.lower() not in (".wav", ".flac", ".ogg"):
        raise typer.BadParameter(f"-o must end in .wav, .flac or .ogg, got {output}")


def _provider() -> Any:
    try:
        return import_module(PROVIDER)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != PROVIDER.partition(".")[0]:
            raise
        raise ModelError(
            "the package tse, which extracts, is missing beside diarspk; reinstall"
        ) from error

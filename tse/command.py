"""Command line of ``diarspk extract``; the work is done in :mod:`tse.extraction`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from diarspk.cli.options import Channel, Device, Raw, Track
from diarspk.cli.recordings import Reader
from diarspk.cli.terminal import exit_on_error, progress_display, say
from diarspk.file_names import file_stems

__all__ = ["extract"]

SUFFIXES = (".wav", ".flac", ".ogg")


def extract(
    recording: Annotated[
        Path,
        typer.Argument(
            metavar="AUDIO", help="Recording of any format and sample rate; - is stdin."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Output at 16 kHz: .wav, .flac or .ogg; with --all, a folder.",
        ),
    ],
    enroll: Annotated[
        list[Path] | None,
        typer.Option(metavar="AUDIO", help="Enrolment recording of the speaker; repeatable."),
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(help="Speaker of the diarization, enrolled by single-speaker turns."),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Every speaker of the diarization: DIR/SPEAKER.wav.")
    ] = False,
    diarization: Annotated[
        Path | None,
        typer.Option(metavar="RTTM", help="Diarization of the recording; computed if not given."),
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Mute each speaker outside its own turns.")
    ] = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    extractor: Annotated[
        str | None,
        typer.Option(
            help="Extractor: a name, or the path of a card. Default: the one in this package."
        ),
    ] = None,
    device: Device = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show progress.")] = False,
) -> None:
    """Extract the voice of one speaker, or of each, from a recording."""
    _check(enroll, speaker, everybody, diarization, gate, output)
    reader = Reader.of([recording, *(enroll or [])], channel=channel, track=track, raw=raw)
    with exit_on_error(), progress_display(quiet) as follow:
        from tse.extraction import extract_enrolled, extract_speakers

        shared: dict[str, Any] = {
            "extractor_name": extractor,
            "device": device,
            "warn": lambda message: say(f"warning: {message}"),
            "progress": follow(recording.name),
        }
        mixture = reader.open(recording)
        if enroll:
            voices = [Reader().open(one) for one in enroll]
            extract_enrolled(mixture, voices, output, **shared)
            return

        def targets(names: Sequence[str]) -> list[Path]:
            if not everybody:
                return [output]
            return [output / f"{stem}.wav" for stem in file_stems(names).values()]

        names = [] if speaker is None else [speaker]
        extract_speakers(mixture, names, targets, diarization=diarization, gated=gate, **shared)


def _check(
    enroll: list[Path] | None,
    speaker: str | None,
    everybody: bool,
    diarization: Path | None,
    gate: bool,
    output: Path,
) -> None:
    """Reject options that exclude each other, before anything is read."""
    if sum([bool(enroll), speaker is not None, everybody]) != 1:
        raise typer.BadParameter("give one of --enroll, --speaker and --all")
    if enroll and (diarization is not None or gate):
        raise typer.BadParameter("--diarization and --gate go with --speaker or --all")
    if everybody and output.exists() and not output.is_dir():
        raise typer.BadParameter(f"-o must be a folder with --all, {output} is a file")
    if not everybody and output.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"-o must end in .wav, .flac or .ogg, got {output}")

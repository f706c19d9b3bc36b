"""Command line of ``diarspk extract``; the work is done in :mod:`tse.voice_files`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from diarspk.cli.batch import Batch
from diarspk.cli.batch_options import BatchOptions
from diarspk.cli.companion_files import CompanionFiles
from diarspk.cli.lists import find_recordings
from diarspk.cli.live_options import (
    JsonLines,
    MicrophoneName,
    PipeChannels,
    PipeFormat,
    PipeRate,
    ReadingSpeed,
    check_source_options,
    given_options,
    open_source,
)
from diarspk.cli.live_sources import PipeSource, SampleFormat, Speed
from diarspk.cli.options import (
    Channel,
    Device,
    Jobs,
    Lists,
    Quiet,
    Raw,
    RayAddress,
    Resume,
    ShardOf,
    Track,
)
from diarspk.cli.recordings import STDIN, Reader, Recording
from diarspk.cli.result_names import name_results
from diarspk.cli.terminal import exit_on_error, progress_display
from tse.extraction_work import ExtractionWork
from tse.live_session import STDOUT, LiveExtraction
from tse.track_config import TrackConfig

__all__ = ["extract"]

SUFFIXES = (".wav", ".flac", ".ogg")

LIVE_OPTIONS = ("speed", "rate", "format", "channels", "microphone", "latency", "json_lines")
"""Options that go with --live alone."""

OFFLINE_OPTIONS = (
    *("speaker", "everybody", "diarization", "gate", "raw"),
    *("jobs", "resume", "shard", "ray", "quiet"),
)
"""Options that do not go with it."""


def extract(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="Output at 16 kHz: .wav, .flac or .ogg; with --all, a folder. Of several "
            "recordings, a folder for DIR/NAME.wav or DIR/NAME/SPEAKER.wav, and a report. With "
            "--live also - for s16le samples on stdout, at the rate of the session.",
        ),
    ],
    recordings: Lists = None,  # type: ignore[assignment] # none with --live
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
        typer.Option(
            metavar="RTTM|DIR",
            help="Diarization of the recording; of several, one file or a folder of NAME.rttm. "
            "Computed if not given.",
        ),
    ] = None,
    gate: Annotated[
        bool | None,
        typer.Option(
            "--gate/--no-gate",
            help="Mute each speaker of the diarization where it has that speaker silent. "
            "Default: with --speaker and --all.",
            show_default=False,
        ),
    ] = None,
    mask: Annotated[
        float | None,
        typer.Option(
            metavar="DB",
            min=0.0,
            help="Keep what is not the speaker, at most DB decibels lower than in the recording. "
            "Default: as low as the extractor can.",
        ),
    ] = None,
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
    jobs: Jobs = 1,
    resume: Resume = False,
    shard: ShardOf = None,
    ray: RayAddress = None,
    quiet: Quiet = False,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Extract the voice of --enroll while a session goes on: from a file, from - for "
            "samples on stdin, or from the microphone (extra `live`). Ctrl-C ends it.",
        ),
    ] = False,
    speed: ReadingSpeed = Speed.REAL,
    rate: PipeRate = 16000,
    format: PipeFormat = SampleFormat.S16LE,
    channels: PipeChannels = 1,
    microphone: MicrophoneName = None,
    json_lines: JsonLines = False,
    latency: Annotated[
        float | None,
        typer.Option(
            max=1.0,
            help="Seconds that the voice is behind, computing time aside; longer computes less. "
            "Default: the least, 0.04 with the extractor in this package.",
        ),
    ] = None,
) -> None:
    """Extract the voice of one speaker, or of each, from recordings or from a live session."""
    _check_live(context, live)
    if live:
        _check_live_source(recordings or [], enroll or [])
        source = recordings[0] if recordings else None
        check_source_options(context, source)
        reader = Reader.of([*(recordings or []), *(enroll or [])], channel=channel, track=track)
        pipe = PipeSource(format, rate, channels)
        session = LiveExtraction(
            tuple(enroll or ()), output, extractor, device, latency, mask, json_lines
        )
        _extract_live(session, source, reader, speed, pipe, microphone)
        return
    if not recordings:
        raise typer.BadParameter("give a recording, or --live for the microphone")
    _check(enroll, speaker, everybody, diarization, gate)
    options = BatchOptions.of(jobs, resume, shard, ray)
    many = options.are_many(recordings)
    _check_output(output, many, everybody)
    reader = Reader.of([*recordings, *(enroll or [])], channel=channel, track=track, raw=raw)
    diarizations = None
    if diarization is not None:
        diarizations = CompanionFiles("diarization", (diarization,), (".rttm",), many)
    tracks = TrackConfig(gated=gate is not False, mask_db=mask)
    work = ExtractionWork(
        tuple(enroll or ()), speaker, diarizations, tracks, extractor, device, reader
    )
    with exit_on_error():
        found = find_recordings(recordings)
        if not many:
            _extract_one(work, found[0], output, quiet)
        elif Batch(found, output, "" if everybody else ".wav", options).run(work, quiet).failed:
            raise typer.Exit(1)


def _extract_one(work: ExtractionWork, recording: Recording, output: Path, quiet: bool) -> None:
    """Write a voice to a file, or all voices into a folder."""
    (named,) = name_results([recording])
    opened = work.open(named)
    with progress_display(quiet) as follow:
        work.load()(opened, output, follow(recording.path.name))


def _extract_live(
    session: LiveExtraction,
    source: Path | None,
    reader: Reader,
    speed: Speed,
    pipe: PipeSource,
    microphone: str | None,
) -> None:
    """Write a voice while a session goes on."""
    if session.json_lines and session.output == STDOUT:
        raise typer.BadParameter("--json-lines needs stdout, where -o - puts the samples")
    if session.output != STDOUT:
        _check_output(session.output, many=False, everybody=False)
    with exit_on_error():
        session.run(
            open_source(source, reader, speed, pipe, microphone),
            channel=reader.channel if source == STDIN else None,
        )


def _check_live(context: typer.Context, live: bool) -> None:
    """Reject options that go without --live, or with it, alone."""
    wrong = given_options(context, OFFLINE_OPTIONS if live else LIVE_OPTIONS)
    if wrong:
        name = "--" + ("all" if wrong[0] == "everybody" else wrong[0].replace("_", "-"))
        raise typer.BadParameter(f"{name} {'does not go' if live else 'goes'} with --live")


def _check_live_source(recordings: Sequence[Path], enroll: Sequence[Path]) -> None:
    """Reject a session that is of nothing, or of two things at once."""
    if not enroll:
        raise typer.BadParameter("--live needs --enroll")
    if len(recordings) > 1:
        raise typer.BadParameter(f"--live takes one recording, got {len(recordings)}")


def _check(
    enroll: Sequence[Path] | None,
    speaker: str | None,
    everybody: bool,
    diarization: Path | None,
    gate: bool | None,
) -> None:
    """Reject options that exclude each other, before anything is read."""
    if sum([bool(enroll), speaker is not None, everybody]) != 1:
        raise typer.BadParameter("give one of --enroll, --speaker and --all")
    if enroll and (diarization is not None or gate is not None):
        raise typer.BadParameter("--diarization, --gate and --no-gate go with --speaker or --all")


def _check_output(output: Path, many: bool, everybody: bool) -> None:
    """Reject an output that is not of the kind which the result has."""
    why = "with --all" if everybody else "for several recordings"
    is_sound = output.suffix.lower() in SUFFIXES
    if many or everybody:
        if (output.exists() or is_sound) and not output.is_dir():
            raise typer.BadParameter(f"-o must be a folder {why}, {output} is a file")
    elif not is_sound:
        raise typer.BadParameter(f"-o must end in .wav, .flac or .ogg, got {output}")

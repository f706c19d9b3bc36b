"""``diarspk transcript``: words with speakers."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from diarspk.cli.batch import Batch
from diarspk.cli.batch_options import BatchOptions
from diarspk.cli.companion_files import CompanionFiles
from diarspk.cli.diarization_work import Count, DiarizationWork, Models
from diarspk.cli.kept_inputs import keep_inputs
from diarspk.cli.lists import find_recordings
from diarspk.cli.options import (
    Channel,
    Device,
    GalleryFolder,
    Jobs,
    Quiet,
    Raw,
    RayAddress,
    Resume,
    ShardOf,
    Track,
)
from diarspk.cli.recordings import Reader, Recording
from diarspk.cli.result_names import name_results
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import exit_on_error, progress_display, say
from diarspk.cli.transcript_files import SUFFIXES, find_transcripts, is_transcript
from diarspk.cli.transcript_work import TranscriptWork
from diarspk.errors import FormatError

__all__ = ["TranscriptFormat", "transcript"]


class TranscriptFormat(str, Enum):
    """An output format; see :data:`diarspk.transcripts.saving.FORMATS`."""

    WHISPERX = "whisperx"
    OPENAI = "openai"
    PODCAST = "podcast"
    SEGLST = "seglst"
    LABEL_STUDIO = "label-studio"
    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"
    TXT = "txt"
    MARKDOWN = "markdown"
    CTM = "ctm"
    STM = "stm"
    TEXTGRID = "textgrid"
    EAF = "eaf"


def transcript(
    words: Annotated[
        Path,
        typer.Argument(
            help="Transcript: JSON of whisper, whisperX, faster-whisper, whisper.cpp or OpenAI, "
            "SegLST, CTM, STM, SRT or VTT; of several recordings, a folder of them. With --asr, "
            "recordings in its place.",
        ),
    ],
    audio: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[AUDIO...]",
            help="Recordings, or lists of them as `diarspk diarize` takes, unless --diarization "
            "says who speaks when.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="Output; its suffix selects the format: .srt .vtt .ass .txt .md .json (whisperX) "
            ".openai.json .podcast.json .seglst.json .label-studio.json .ctm .stm .TextGrid .eaf. "
            "Default: stdout, as text. Of several recordings, a folder, and --format says which.",
        ),
    ] = None,
    diarization: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Who speaks when: RTTM, or JSON of `diarspk diarize`; of several recordings, one "
            "file or a folder of them.",
        ),
    ] = None,
    format: Annotated[
        TranscriptFormat | None, typer.Option(help="Output format. Default: by the suffix.")
    ] = None,
    every_cue: Annotated[
        bool,
        typer.Option(
            "--every-cue", help="SRT: the name on every cue, not only where the speaker changes."
        ),
    ] = False,
    recording: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Recording, where files hold several of them."),
    ] = None,
    max_distance: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Seconds to the nearest turn from which a word outside of all turns has no "
            "speaker.",
        ),
    ] = 5.0,
    smooth: Annotated[
        bool,
        typer.Option(
            "--smooth/--no-smooth",
            help="Give one or two words of another speaker inside a sentence to the speaker of the "
            "sentence.",
        ),
    ] = True,
    num_speakers: Annotated[
        int | None, typer.Option(min=1, help="Number of speakers, if known.")
    ] = None,
    gallery: GalleryFolder = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    device: Device = "auto",
    asr: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Without WORDS: transcribe by faster-whisper (extra `asr`) with this folder of a "
            "CTranslate2 model of Whisper. Nothing is downloaded.",
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Language for --asr. Default: detected.")
    ] = None,
    jobs: Jobs = 1,
    resume: Resume = False,
    shard: ShardOf = None,
    ray: RayAddress = None,
    quiet: Quiet = False,
) -> None:
    """Give every word of a transcript its speaker, or write it in another format."""
    given = [words, *(audio or [])]
    texts = [] if asr is not None else [words, *filter(is_transcript, given[1:])]
    recorded = [path for path in given if path not in texts]
    reader = Reader.of(recorded, channel=channel, track=track, raw=raw)
    diarizing = num_speakers is not None or gallery is not None
    _check_usage(bool(recorded), asr is not None, diarization is not None, diarizing)
    options = BatchOptions.of(jobs, resume, shard, ray)
    many = options.are_many(recorded or texts) or len(texts) > 1 or words.is_dir()
    if many:
        _check_folder(output, recording, options)
    with exit_on_error():
        with quick_imports():
            from diarspk.transcripts import AssignmentConfig
            from diarspk.transcripts.saving import FORMATS, find_writer, format_of
            from diarspk.transcripts.smoothing import NO_SMOOTHING, SMOOTHING

        # What cannot be written is told at once, not after the recording is diarized.
        if output is not None and not many and not output.parent.is_dir():
            raise FormatError("cannot be written: there is no such folder; make it", str(output))
        keep_inputs(output, [*given, diarization])
        if format is not None:
            name = format.value
        else:
            name = "txt" if output is None or many else format_of(output)
        find_writer(name, every_cue=every_cue)
        smoothing = SMOOTHING if smooth else NO_SMOOTHING
        diarized = DiarizationWork(
            Models(device=device), Count(num_speakers), reader, gallery=gallery
        )
        diarized.check_gallery()
        transcripts, diarizations = None, None
        if texts and recorded:
            transcripts = CompanionFiles("transcript", tuple(texts), SUFFIXES, many)
        if diarization is not None:
            diarizations = CompanionFiles("diarization", (diarization,), (".rttm", ".json"), many)
        work = TranscriptWork(
            transcripts,
            diarizations,
            recording,
            asr,
            language,
            AssignmentConfig(max_distance_s=max_distance, smoothing=smoothing),
            diarized,
            name,
            every_cue,
        )
        listed = find_recordings(recorded) if recorded else find_transcripts(texts)
        if many and output is not None:
            suffix = ".TextGrid" if name == "textgrid" else FORMATS[name][0]
            if Batch(listed, output, suffix, options).run(work, quiet).failed:
                raise typer.Exit(1)
            return
        _write_one(work, listed[0], output, quiet)


def _write_one(
    work: TranscriptWork, recording: Recording, output: Path | None, quiet: bool
) -> None:
    """Write the transcript of one recording to stdout, or to a file."""
    from diarspk.transcripts.saving import save_transcript, to_text

    (named,) = name_results([recording])
    opened = work.open(named)
    tools = work.load_tools()
    with progress_display(quiet) as follow:
        result, _ = work.transcribe(tools, opened, follow(recording.path.name))
    if output is None:
        sys.stdout.write(to_text(result, work.format, every_cue=work.every_cue))
    else:
        save_transcript(result, output, format=work.format, every_cue=work.every_cue)
    for note in getattr(result, "notes", ()):
        say(f"note: {note}")


def _check_usage(recorded: bool, recognised: bool, diarized: bool, diarizing: bool) -> None:
    """Refuse options that contradict each other."""
    if recorded and not recognised and diarized:
        raise typer.BadParameter("give either the recording or --diarization, not both")
    if diarizing and (not recorded or diarized):
        raise typer.BadParameter("--num-speakers and --gallery are for a recording to diarize")


def _check_folder(output: Path | None, recording: str | None, options: BatchOptions) -> None:
    """Refuse an output of several recordings that is no folder."""
    if output is None:
        raise typer.BadParameter("several recordings need -o DIR")
    options.check_folder(output)
    if output.suffix and not output.is_dir():
        raise typer.BadParameter(f"-o must be a folder for several recordings, got {output}")
    if recording is not None:
        raise typer.BadParameter("--recording is for one recording; lists have names of their own")

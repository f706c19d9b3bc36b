"""``diarspk transcript``: words with speakers."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.options import Channel, Device, Raw, Track
from diarspk.cli.recordings import Reader
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import exit_on_error, progress_display, say
from diarspk.errors import ArgumentError, FormatError

if TYPE_CHECKING:
    from diarspk import Diarization
    from diarspk.audio import AudioStream
    from diarspk.transcripts import Transcript

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
            "SegLST, CTM, STM, SRT or VTT. With --asr, the recording.",
        ),
    ],
    audio: Annotated[
        Path | None, typer.Argument(help="Recording, unless --diarization says who speaks when.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Output; its suffix selects the format: .srt .vtt .ass .txt .md .json (whisperX) "
            ".openai.json .podcast.json .seglst.json .label-studio.json .ctm .stm .TextGrid .eaf. "
            "Default: stdout, as text.",
        ),
    ] = None,
    diarization: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Who speaks when: RTTM, or JSON of `diarspk diarize`."),
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
    gallery: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Gallery of enrolled people, whose names replace the labels."
        ),
    ] = None,
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Give every word of a transcript its speaker, or write it in another format."""
    recorded = words if asr is not None else audio
    reader = Reader.of([recorded or words], channel=channel, track=track, raw=raw)
    _check_usage(audio, diarization, asr, num_speakers is not None or gallery is not None)
    with exit_on_error():
        with quick_imports():
            from diarspk.transcripts import AssignmentConfig, assign_speakers, read_transcript
            from diarspk.transcripts.saving import find_writer, format_of, save_transcript, to_text
            from diarspk.transcripts.smoothing import NO_SMOOTHING, SMOOTHING

        # What cannot be written is told at once, not after the recording is diarized.
        if output is not None and not output.parent.is_dir():
            raise FormatError("cannot be written: there is no such folder; make it", str(output))
        name = format.value if format else "txt" if output is None else format_of(output)
        find_writer(name, every_cue=every_cue)
        smoothing = SMOOTHING if smooth else NO_SMOOTHING
        config = AssignmentConfig(max_distance_s=max_distance, smoothing=smoothing)
        if gallery is not None:
            _check_gallery(gallery)
        stream = None if recorded is None else reader.open(recorded)
        if asr is not None and stream is not None:
            given = _transcribe(stream, asr, language)
        else:
            given = read_transcript(words, recording)
        result: Transcript = given
        if diarization is not None:
            result = assign_speakers(given, diarization, uri=recording, config=config)
        elif stream is not None:
            live = _diarize(stream, num_speakers, gallery, device, quiet)
            result = assign_speakers(given, live, config=config)
        elif not given.speakers:
            raise ArgumentError(
                f"{words} does not say who speaks; give the recording, or --diarization FILE"
            )
        if output is None:
            sys.stdout.write(to_text(result, name, every_cue=every_cue))
        else:
            save_transcript(result, output, format=name, every_cue=every_cue)
        for note in getattr(result, "notes", ()):
            say(f"note: {note}")


def _check_usage(
    audio: Path | None, diarization: Path | None, asr: str | None, diarizing: bool
) -> None:
    """Refuse options that contradict each other."""
    if asr is not None and audio is not None:
        raise typer.BadParameter("with --asr, give the recording alone")
    if audio is not None and diarization is not None:
        raise typer.BadParameter("give either the recording or --diarization, not both")
    if diarizing and ((audio is None and asr is None) or diarization is not None):
        raise typer.BadParameter("--num-speakers and --gallery are for a recording to diarize")


def _check_gallery(folder: Path) -> None:
    from diarspk.verification.gallery import open_gallery

    open_gallery(folder).close()


def _transcribe(audio: AudioStream, model: str, language: str | None) -> Transcript:
    from diarspk.transcripts.recognition import transcribe

    return transcribe(audio, model, language=language)


def _diarize(
    audio: AudioStream,
    num_speakers: int | None,
    gallery: Path | None,
    device: str,
    quiet: bool,
) -> Diarization:
    with quick_imports():
        from diarspk.diarization.diarizer import Diarizer

        diarizer = Diarizer(device=device)
    with progress_display(quiet) as follow:
        result = diarizer(audio, num_speakers=num_speakers, progress=follow(audio.name))
    if gallery is None:
        return result
    from diarspk.diarization.identification import name_speakers
    from diarspk.verification.gallery import open_gallery

    with open_gallery(gallery) as people:
        return name_speakers(result, people)
